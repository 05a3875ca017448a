/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words that somebody typed behind a command, as parameters of its method. Called by the prompt, on the control lcore.
 */
#include <string.h>

#include "control/ctl.h"

#include "ctl_priv.h"

#define WORDS_MAX 32

json_t *
ctl_parse_words(const struct ctl_method *m, char *args, bool *as_json, json_t **params)
{
	char *word[WORDS_MAX], *save = NULL, *w;
	unsigned int n = 0, i;
	char usage[CTL_USAGE_MAX];

	for (w = strtok_r(args, " \t", &save); w != NULL; w = strtok_r(NULL, " \t", &save)) {
		if (n == WORDS_MAX)
			return ctl_error("more than %d words of parameters", WORDS_MAX);
		word[n++] = w;
	}
	*params = json_object();
	for (i = 0; i < n; i++) {
		const char *key = word[i];
		json_t *value;

		if (i + 1 == n && strcmp(key, "json") == 0) {
			*as_json = true;
			break;
		}
		if (json_object_get(*params, key) != NULL)
			return ctl_error("parameter \"%.64s\" is given twice", key);
		if (ctl_args_flag(m->args, key)) {
			value = json_true();
		} else if (i + 1 < n) {
			value = json_string(word[++i]);
		} else {
			ctl_usage(m, usage, sizeof(usage));
			return ctl_error("parameter \"%.64s\" has no value; usage: %s [json]", key,
					usage);
		}
		if (json_object_set_new(*params, key, value) != 0)
			return ctl_error("parameters must be UTF-8");
	}
	return NULL;
}
