/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines of shunt, through rte_log. Never on the hot path. Errors for users say what was wrong, where, and what
 * to do.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <rte_log.h>

#define LOG_(level, ...) rte_log(RTE_LOG_##level, RTE_LOGTYPE_USER1, "shunt: " __VA_ARGS__)
#define log_err(...) LOG_(ERR, __VA_ARGS__)
#define log_warn(...) LOG_(WARNING, __VA_ARGS__)
#define log_info(...) LOG_(INFO, __VA_ARGS__)
#define log_debug(...) LOG_(DEBUG, __VA_ARGS__)

#endif /* BASE_LOG_H */
