/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cksum_isa.c's one function, by instruction set. Private: cksum_sum_best() gives the right one.
 */
#ifndef CKSUM_ISA_H
#define CKSUM_ISA_H

#include "base/cksum.h"

#ifdef RTE_ARCH_X86_64
cksum_sum_fn cksum_sum_avx2;
cksum_sum_fn cksum_sum_avx512;
#endif

#endif /* CKSUM_ISA_H */
