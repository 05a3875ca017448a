/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devargs of net_hwsim, as anybody may write them: nothing crashes or leaks, and what is refused says why.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "hwsim.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_error e = { .text = "" };
	char *text = malloc(size + 1);
	struct hwsim_args a;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (hwsim_args_parse(&a, text, &e) == 0) {
		if (a.ports == 0 || a.ports + a.n_representors > SIM_PORTS_MAX)
			abort();
		hwsim_args_free(&a);
	} else if (e.text[0] == '\0') {
		abort();
	}
	free(text);
	return 0;
}
