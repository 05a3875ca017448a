/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What fuzz targets share: the entry that libFuzzer (or standalone.c) calls, and a check that ends the run as a finding.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(c) \
	do { \
		if (!(c)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort(); \
		} \
	} while (0)

#endif /* FUZZ_H */
