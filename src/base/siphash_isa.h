/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * siphash_isa.c's one function, by instruction set. Private: siphash13_many_best() gives the right one.
 */
#ifndef SIPHASH_ISA_H
#define SIPHASH_ISA_H

#include "base/siphash.h"

siphash_many_fn siphash13_many_generic;
#ifdef RTE_ARCH_X86_64
siphash_many_fn siphash13_many_avx2;
siphash_many_fn siphash13_many_avx512;
#endif

#endif /* SIPHASH_ISA_H */
