/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for libFuzzer in builds without it: runs a fuzz target once for the empty input and once
 * for every file named on the command line. tests/fuzz/run calls it. Finds nothing new: it proves
 * that what once broke a target does not break it any more.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

int
LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int
run_file(const char *path, uint8_t *buffer)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(buffer, 1, INPUT_MAX, file);
	if (ferror(file) || !feof(file)) {
		fprintf(stderr, "%s: unreadable, or larger than %d bytes\n", path, INPUT_MAX);
		fclose(file);
		return -1;
	}
	fclose(file);

	/* Of its exact size, so that a sanitizer sees a read beyond the end. */
	data = malloc(size + (size == 0));
	if (data == NULL)
		return -1;
	memcpy(data, buffer, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	uint8_t *buffer;
	int i, rc = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	buffer = malloc(INPUT_MAX);
	if (buffer == NULL)
		return 1;
	LLVMFuzzerTestOneInput(buffer, 0);
	for (i = 1; i < argc; i++) {
		if (run_file(argv[i], buffer) != 0)
			rc = 1;
	}
	free(buffer);
	return rc;
}
