/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL for unit tests of what uses rte_malloc, rte_hash, rte_acl, mempools or rings: no huge pages,
 * no devices, no files, one lcore. Call once, from main() or a group's setup.
 */
#ifndef TESTS_UNIT_EAL_H
#define TESTS_UNIT_EAL_H

#include <stdio.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

static inline int
unit_eal_init(void)
{
	static const char *const args[] = { "unit", "--no-huge", "--no-pci", "-m", "256",
		"--no-telemetry", "--no-shconf", "-l", "0", "--log-level=error" };
	char *argv[RTE_DIM(args) + 1] = { 0 };
	unsigned int i;

	for (i = 0; i < RTE_DIM(args); i++)
		argv[i] = (char *)(uintptr_t)args[i];
	if (rte_eal_init((int)RTE_DIM(args), argv) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	return 0;
}

#endif /* TESTS_UNIT_EAL_H */
