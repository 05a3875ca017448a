/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prompt on pipes, files and a pseudo terminal: what is typed in which pieces, what comes back,
 * and that it neither waits nor grows, whatever is typed and whoever does not read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <cmocka.h>
#include <rte_common.h>

#include "control/ctl.h"

#define POLLS_MAX 10000

static unsigned int calls; /* of echo, since the test began */

static int
echo_call(void *ctx, const json_t *params, json_t **result)
{
	(void)ctx;
	calls++;
	*result = json_deep_copy(params);
	return 0;
}

static void
echo_text(FILE *out, const json_t *result)
{
	char *text = json_dumps(result, JSON_SORT_KEYS);

	fprintf(out, "text %s\n", text);
	free(text);
}

/* A long answer: a mebibyte. */
static int
long_call(void *ctx, const json_t *params, json_t **result)
{
	char *text = malloc((1 << 20) + 1);

	(void)ctx;
	(void)params;
	calls++;
	memset(text, 'x', 1 << 20);
	text[1 << 20] = '\0';
	*result = json_string(text);
	free(text);
	return 0;
}

static struct ctl *
make(void)
{
	static const struct ctl_method methods[] = {
		{ "show it", "shows it", "[limit N] [service NAME]", echo_call, echo_text, NULL },
		{ "show long", "long answer", NULL, long_call, NULL, NULL },
		{ "clear", "no text of its own", "[limit N]", echo_call, NULL, NULL },
	};
	struct ctl *c = ctl_create();
	size_t i;

	assert_non_null(c);
	for (i = 0; i < RTE_DIM(methods); i++)
		assert_int_equal(ctl_register(c, &methods[i]), 0);
	calls = 0;
	return c;
}

/* Everything that can be read from fd now; appended to buf. */
static size_t
collect(int fd, char *buf, size_t len, size_t max)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (len + 1 < max && poll(&p, 1, 0) > 0 && (n = read(fd, buf + len, max - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	return len;
}

/* Type `input`, `piece` bytes a write and a poll, close; the answers. */
static char *
converse(const char *input, size_t size, size_t piece)
{
	static char answers[1 << 22];
	struct ctl *c = make();
	int in[2], out[2], rc = 0, i;
	size_t n, at = 0, len = 0;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(ctl_prompt_open(c, in[0], out[1]), 0);
	while (at < size && rc == 0) {
		n = size - at < piece ? size - at : piece;
		assert_int_equal(write(in[1], input + at, n), n);
		at += n;
		rc = ctl_prompt_poll(c);
		len = collect(out[0], answers, len, sizeof(answers));
	}
	close(in[1]);
	for (i = 0; i < POLLS_MAX && rc == 0; i++) {
		rc = ctl_prompt_poll(c);
		len = collect(out[0], answers, len, sizeof(answers));
	}
	assert_int_equal(rc, 1);
	ctl_prompt_close(c);
	ctl_destroy(c);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	return answers;
}

#define USAGE "usage: show it [limit N] [service NAME]"

static void
test_commands(void **state)
{
	static const struct {
		const char *input;
		const char *answers;
	} cases[] = {
		{ "", "" },
		{ "\n\n  \n", "" },
		{ "# a comment\n", "" },
		{ "show it\n", "text {}\n" },
		{ "show it", "text {}\n" }, /* no newline at the end */
		{ "show it\r\n", "text {}\n" },
		{ "  show\t it  \n", "text {}\n" },
		{ "show it json\n", "{}\n" },
		{ "show it limit 5 service web-1\n",
				"text {\"limit\": \"5\", \"service\": \"web-1\"}\n" },
		{ "show it limit 5 json\n", "{\"limit\":\"5\"}\n" },
		{ "show it service json\n", "text {\"service\": \"json\"}\n" },
		{ "show it limit 5 # and a comment\n", "text {\"limit\": \"5\"}\n" },
		{ "clear limit 1\n", "{\n  \"limit\": \"1\"\n}\n" },
		{ "show it\nshow it json\nshow it\n", "text {}\n{}\ntext {}\n" },
		{ "show it limit\n",
				"error: parameter \"limit\" has no value; " USAGE " [json]\n" },
		{ "show it limit 1 limit 2\n", "error: parameter \"limit\" is given twice\n" },
		{ "show it x 1\n", "error: unknown parameter \"x\"; " USAGE "\n" },
		{ "show it x 1 json\n",
				"{\"error\":\"unknown parameter \\\"x\\\"; " USAGE "\"}\n" },
		{ "show it limit \xff\xff\n", "error: parameters must be UTF-8\n" },
		{ "show long x\n",
				"error: parameter \"x\" has no value; usage: show long [json]\n" },
		{ "nonsense\n", "error: no such command; try help\n" },
		{ "show\n", "error: no such command, or not all of it; try help\n" },
		{ "show nothing\n", "error: no such command, or not all of it; try help\n" },
		{ "SHOW IT\n", "error: no such command; try help\n" },
		{ "show it \033[2J\nshow it\n",
				"error: control character in the command\ntext {}\n" },
		{ "quit\nshow it\n", "" },
		{ "show it\nquit\nshow it\n", "text {}\n" },
		{ "quit now\n", "error: no such command, or not all of it; try help\n" },
	};
	static const size_t pieces[] = { 1, 3, 4096 };
	size_t i, k;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (k = 0; k < RTE_DIM(pieces); k++)
			assert_string_equal(
					converse(cases[i].input, strlen(cases[i].input), pieces[k]),
					cases[i].answers);
	}
}

static void
test_help(void **state)
{
	(void)state;
	assert_string_equal(converse("help\n", 5, 5),
			"command                           what it does\n"
			"help                              list the commands\n"
			"show it [limit N] [service NAME]  shows it\n"
			"show long                         long answer\n"
			"clear [limit N]                   no text of its own\n"
			"\"json\" as last word: the answer as one line of JSON. \"quit\" ends the prompt.\n");
}

/* A chunk of many commands is run to its end, and no line is longer than the limit. */
static void
test_bulk(void **state)
{
	static char input[60000];
	char *answers;
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < 500; i++)
		n += (size_t)snprintf(input + n, sizeof(input) - n, "show it json\n");
	answers = converse(input, n, n);
	assert_int_equal(calls, 500);
	assert_int_equal(strlen(answers), 500 * 3);

	memset(input, 'a', 50000);
	n = 50000 + (size_t)snprintf(input + 50000, 100, "\nshow it\n");
	assert_string_equal(converse(input, n, n), "error: command is too long\ntext {}\n");

	/* Just as long as a line may be, and one more. */
	memset(input, ' ', 600);
	memcpy(input, "show it", 7);
	input[512] = '\n';
	assert_string_equal(converse(input, 513, 513), "text {}\n");
	input[512] = ' ';
	input[513] = '\n';
	assert_string_equal(converse(input, 514, 514), "error: command is too long\n");

	/* More words than a method could want. */
	n = (size_t)snprintf(input, sizeof(input), "show it");
	for (i = 0; i < 40; i++)
		n += (size_t)snprintf(input + n, sizeof(input) - n, " w%zu", i);
	input[n++] = '\n';
	assert_string_equal(converse(input, n, n), "error: more than 32 words of parameters\n");
}

static void
test_noise(void **state)
{
	static char input[20000];
	uint32_t x = 1;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(input); i++) {
		x = x * 1664525 + 1013904223;
		input[i] = (char)(x >> 24);
		if (x >> 24 < 8)
			input[i] = '\n';
	}
	memcpy(input + sizeof(input) - 9, "\nshow it\n", 9);
	converse(input, sizeof(input), 700);
	assert_int_equal(calls, 1);
}

/* A reader that does not read: no call waits, one answer is kept, no further command is run. */
static void
test_slow_reader(void **state)
{
	static char answers[1 << 23];
	struct ctl *c = make();
	int in[2], out[2], i, rc = 0;
	size_t len = 0;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(ctl_prompt_open(c, in[0], out[1]), 0);
	assert_int_equal(write(in[1], "show long json\nshow long json\nquit\n", 35), 35);
	for (i = 0; i < 100; i++)
		assert_int_equal(ctl_prompt_poll(c), 0);
	assert_int_equal(calls, 1);
	for (i = 0; i < POLLS_MAX && rc == 0; i++) {
		len = collect(out[0], answers, len, sizeof(answers));
		rc = ctl_prompt_poll(c);
	}
	len = collect(out[0], answers, len, sizeof(answers));
	assert_int_equal(rc, 1);
	assert_int_equal(calls, 2);
	assert_int_equal(len, 2 * ((1 << 20) + 3));
	ctl_destroy(c); /* closes the prompt as well */
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

/* A reader that left ends the prompt; SIGPIPE is not blocked here and would end the test. */
static void
test_reader_left(void **state)
{
	struct ctl *c = make();
	int in[2], out[2];

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(ctl_prompt_open(c, in[0], out[1]), 0);
	close(out[0]);
	assert_int_equal(ctl_prompt_poll(c), 0);
	assert_int_equal(write(in[1], "show it\n", 8), 8);
	assert_int_equal(ctl_prompt_poll(c), 1);
	assert_int_equal(ctl_prompt_poll(c), 1);
	ctl_destroy(c);
	close(in[0]);
	close(in[1]);
	close(out[1]);
}

static void
test_files(void **state)
{
	char in_path[] = "/tmp/shunt-test-XXXXXX", out_path[] = "/tmp/shunt-test-XXXXXX", text[100];
	int in = mkstemp(in_path), out = mkstemp(out_path), i, rc = 0;
	struct ctl *c = make();
	ssize_t n;

	(void)state;
	assert_int_equal(write(in, "show it\nshow it json", 20), 20);
	assert_int_equal(write(out, "before\n", 7), 7);
	lseek(in, 0, SEEK_SET);
	assert_int_equal(ctl_prompt_open(c, in, out), 0);
	for (i = 0; i < 10 && rc == 0; i++)
		rc = ctl_prompt_poll(c);
	assert_int_equal(rc, 1);
	ctl_destroy(c);
	n = pread(out, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "before\ntext {}\n{}\n");
	close(in);
	close(out);
	unlink(in_path);
	unlink(out_path);
}

static int
open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_life(void **state)
{
	static const struct ctl_method late = { "late", "h", NULL, echo_call, NULL, NULL };
	struct ctl *c = make();
	int p[2], before;

	(void)state;
	assert_int_equal(pipe(p), 0);
	before = open_files();
	assert_int_equal(ctl_prompt_poll(c), 1);
	ctl_prompt_close(c);
	assert_int_equal(ctl_prompt_open(c, p[0], p[1]), 0);
	assert_int_equal(ctl_prompt_open(c, p[0], p[1]), -EBUSY);
	assert_int_equal(ctl_register(c, &late), -EBUSY);
	ctl_prompt_close(c);
	assert_int_equal(open_files(), before); /* those of the caller, too */
	assert_int_equal(ctl_register(c, &late), 0);
	assert_int_equal(ctl_prompt_open(c, p[0], p[1]), 0);
	ctl_destroy(c);
	assert_int_equal(open_files(), before);
	close(p[0]);
	close(p[1]);
}

/* ---- a terminal ---- */

/* The child: a session of its own, so that the terminal is its, as under a shell. */
static void
terminal_child(int fd)
{
	struct termios before, after;
	struct ctl *c = make();
	int files, i;

	if (login_tty(fd) != 0)
		_exit(10);
	files = open_files();
	tcgetattr(0, &before);
	if (ctl_prompt_open(c, 0, 1) != 0)
		_exit(11);
	for (i = 0; i < POLLS_MAX && ctl_prompt_poll(c) == 0; i++)
		usleep(1000);
	if (i == POLLS_MAX)
		_exit(12);
	ctl_destroy(c);
	tcgetattr(0, &after);
	if (memcmp(&before.c_lflag, &after.c_lflag, sizeof(before.c_lflag)) != 0)
		_exit(13);
	if (open_files() != files)
		_exit(14);
	_exit(0);
}

/* Type, then wait for the answer. */
static void
expect(int fd, const char *typed, const char *answer)
{
	static char buf[1 << 16];
	size_t len = 0;
	int i;

	assert_int_equal(write(fd, typed, strlen(typed)), strlen(typed));
	buf[0] = '\0';
	for (i = 0; i < 3000 && strstr(buf, answer) == NULL; i++) {
		usleep(1000);
		len = collect(fd, buf, len, sizeof(buf));
	}
	if (strstr(buf, answer) == NULL)
		fail_msg("typed \"%s\", wanted \"%s\", got \"%s\"", typed, answer, buf);
}

static void
test_terminal(void **state)
{
	int master, slave, status;
	pid_t pid;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(master);
		terminal_child(slave);
	}
	close(slave);
	expect(master, "", "shunt> ");
	expect(master, "show it limit 3\n", "text {\"limit\": \"3\"}");
	expect(master, "sh\ti\t json\n", "\n{}");
	expect(master, "show \t", "long");
	expect(master, "it\n", "text {}");
	expect(master, "nonsense\n", "Command not found");
	expect(master, "help\n", "list the commands");
	expect(master, "\033[A\n", "list the commands"); /* history */
	expect(master, "\004", "");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(master);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_reader_left),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
