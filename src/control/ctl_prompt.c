/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prompt: a door to the registry for people and for scripts that write to a pipe. rte_cmdline
 * does the parsing and, on a terminal, the editing, history and completion; its commands are made
 * here, at run time, out of the registry: one fixed-string token a word of the method's name, then
 * one that takes the rest of the line.
 *
 * Control lcore only, and that lcore serves packets: nothing here may wait. Input is read when
 * poll(2) says so. Output, that of rte_cmdline too, goes to a spool in memory, and from there as
 * fast as the reader takes it. A command is only taken while the spool is nearly empty, so it holds
 * little more than one answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>

#include "control/ctl.h"

#include "ctl_priv.h"

#define PROMPT "shunt> "
#define LINE_MAX_ 512	  /* longest command, as in rte_cmdline's own line editor */
#define SPOOL_MAX 65536	  /* with more in the spool, commands wait */
#define FLUSH_MAX 64	  /* writes a poll */
#define WRITE_MAX 4096	  /* PIPE_BUF: a pipe that is ready takes so much without waiting */
#define WRITE_MAX_TTY 512 /* of a terminal that could not be opened anew, non-blocking */

/* One method's two commands: without and with parameters. Tokens are shared. */
struct command {
	struct ctl_prompt *prompt;
	const struct ctl_method *method; /* NULL: quit */
	char *words;			 /* copy of its name, cut into words */
	struct cmdline_token_string *token;
	cmdline_parse_inst_t *bare;
	cmdline_parse_inst_t *with_args;
};

/* Where rte_cmdline puts what it parsed. Fixed words are of no interest: they share a place. */
struct parsed {
	cmdline_fixed_string_t word;
	cmdline_multi_string_t rest;
};
_Static_assert(sizeof(struct parsed) <= CMDLINE_PARSE_RESULT_BUFSIZE, "rte_cmdline's limit");

struct ctl_prompt {
	struct ctl *ctl;
	struct cmdline *cl;
	struct command *command;
	cmdline_parse_ctx_t *ctx; /* ends with NULL */
	unsigned int n;

	int fd_in;
	int fd_out;
	int fd_write;  /* fd_out, or a non-blocking description of the same terminal */
	int spool;     /* memfd */
	FILE *out;     /* appends to the spool */
	off_t written; /* how much of the spool fd_out has taken */

	bool terminal; /* both ends are one: editing and echo */
	bool raw;      /* its settings were changed, `saved` holds them */
	bool quit;     /* the user is done */
	bool gone;     /* nobody reads fd_out any more */
	bool overlong; /* skip to the end of this line */
	bool job_json;
	bool job_idle;
	struct ctl_job *job; /* NULL: none; else input waits for its end */
	unsigned int in_pos, in_len;
	char in[LINE_MAX_]; /* read, and not looked at up to in_pos */
	unsigned int len;
	char line[LINE_MAX_ + 2]; /* not a terminal: gathered so far; room for newline and zero */
	struct termios saved;
};

static bool
ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 0) > 0;
}

/*
 * A process in the background that reads the terminal, or changes its settings, is stopped: with
 * the dataplane.
 */
static bool
in_foreground(const struct ctl_prompt *p)
{
	return tcgetpgrp(p->fd_in) == getpgrp();
}

/* ---- running a command ---- */

/* ---- jobs ---- */

/* Its first part runs at once: what is small is answered as any other command is. */
static json_t *
start_job(struct ctl_prompt *p, const struct ctl_method *m, const json_t *params, bool as_json)
{
	json_t *error = NULL;

	if (ctl_job_start(m, params, &p->job, &error) != 0)
		return error;
	p->job_json = as_json;
	p->job_idle = false;
	if (ctl_job_step(p->job, p->out, as_json) == CTL_JOB_DONE) {
		ctl_job_stop(p->job);
		p->job = NULL;
	} else {
		cmdline_set_prompt(p->cl, "");
	}
	return NULL;
}

/* The next command may come; on a terminal its prompt, which an empty line brings. */
static void
end_job(struct ctl_prompt *p)
{
	char newline = '\n';

	fflush(p->out);
	ctl_job_stop(p->job);
	p->job = NULL;
	cmdline_set_prompt(p->cl, PROMPT);
	if (p->terminal)
		cmdline_in(p->cl, &newline, 1);
}

/* One part, while there is room for what it says. A key ends it on a terminal. */
static void
run_job(struct ctl_prompt *p)
{
	int rc;

	if (p->terminal && in_foreground(p) && ready(p->fd_in, POLLIN)) {
		char key;

		if (read(p->fd_in, &key, 1) <= 0)
			p->quit = true;
		end_job(p);
		return;
	}
	if (lseek(p->spool, 0, SEEK_END) >= SPOOL_MAX)
		return;
	rc = ctl_job_step(p->job, p->out, p->job_json);
	fflush(p->out);
	p->job_idle = rc == CTL_JOB_IDLE;
	if (rc == CTL_JOB_DONE)
		end_job(p);
}

static void
run(struct command *c, char *args)
{
	json_t *params = NULL, *result;
	bool as_json = false;
	int rc = -EINVAL;

	result = ctl_parse_words(c->method, args, &as_json, &params);
	if (result == NULL && c->method->job != NULL)
		result = start_job(c->prompt, c->method, params, as_json);
	else if (result == NULL)
		rc = ctl_run(c->method, params, &result);
	if (result == NULL) {
		; /* a job has begun, and says for itself what it finds */
	} else if (as_json) {
		json_dumpf(result, c->prompt->out, JSON_COMPACT | JSON_ENCODE_ANY);
		fputc('\n', c->prompt->out);
	} else {
		ctl_print(c->method, rc, result, c->prompt->out);
	}
	fflush(c->prompt->out);
	json_decref(params);
	json_decref(result);
}

/* rte_cmdline's callbacks. */
static void
run_bare(void *parsed, struct cmdline *cl, void *data)
{
	char none[] = "";

	(void)parsed;
	(void)cl;
	run(data, none);
}

static void
run_with_args(void *parsed, struct cmdline *cl, void *data)
{
	(void)cl;
	run(data, ((struct parsed *)parsed)->rest);
}

static void
run_quit(void *parsed, struct cmdline *cl, void *data)
{
	struct command *c = data;

	(void)parsed;
	c->prompt->quit = true;
	cmdline_set_prompt(cl, "");
}

/* ---- making rte_cmdline's commands out of methods ---- */

static cmdline_parse_inst_t *
make_inst(struct command *c, unsigned int n_tokens, void (*f)(void *, struct cmdline *, void *))
{
	cmdline_parse_inst_t *inst;
	unsigned int i;

	inst = calloc(1, sizeof(*inst) + (n_tokens + 1) * sizeof(inst->tokens[0]));
	if (inst == NULL)
		return NULL;
	inst->f = f;
	inst->data = c;
	inst->help_str = c->method != NULL ? c->method->help : "end this prompt";
	for (i = 0; i < n_tokens; i++)
		inst->tokens[i] = &c->token[i].hdr;
	return inst;
}

static int
make_command(struct command *c, struct ctl_prompt *p, const struct ctl_method *m)
{
	static const struct cmdline_token_string fixed =
			TOKEN_STRING_INITIALIZER(struct parsed, word, NULL);
	static const struct cmdline_token_string rest =
			TOKEN_STRING_INITIALIZER(struct parsed, rest, TOKEN_STRING_MULTI);
	unsigned int n = 0;
	char *save = NULL, *w;

	c->prompt = p;
	c->method = m;
	c->words = strdup(m != NULL ? m->name : "quit");
	c->token = calloc(CTL_NAME_MAX / 2 + 1, sizeof(*c->token));
	if (c->words == NULL || c->token == NULL)
		return -ENOMEM;
	for (w = strtok_r(c->words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		c->token[n] = fixed;
		c->token[n++].string_data.str = w;
	}
	c->bare = make_inst(c, n, m != NULL ? run_bare : run_quit);
	if (c->bare == NULL)
		return -ENOMEM;
	if (m == NULL)
		return 0;
	c->token[n++] = rest;
	c->with_args = make_inst(c, n, run_with_args);
	return c->with_args != NULL ? 0 : -ENOMEM;
}

static int
make_commands(struct ctl_prompt *p)
{
	unsigned int i, n = 0;
	int rc;

	p->n = p->ctl->n + 1;
	p->command = calloc(p->n, sizeof(*p->command));
	p->ctx = calloc(2 * p->n + 1, sizeof(*p->ctx));
	if (p->command == NULL || p->ctx == NULL)
		return -ENOMEM;
	for (i = 0; i < p->n; i++) {
		struct command *c = &p->command[i];

		rc = make_command(c, p, i < p->ctl->n ? &p->ctl->methods[i] : NULL);
		if (rc != 0)
			return rc;
		p->ctx[n++] = c->bare;
		if (c->with_args != NULL)
			p->ctx[n++] = c->with_args;
	}
	return 0;
}

/* ---- output ---- */

/* A reader that left makes poll() say POLLERR; write() would raise SIGPIPE. */
static bool
reader_left(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLERR | POLLNVAL)) != 0;
}

/* Hand on what the spool holds, as far as it goes without waiting. True: it is empty. */
static bool
flush(struct ctl_prompt *p)
{
	char buf[WRITE_MAX];
	size_t max = p->terminal && p->fd_write == p->fd_out ? WRITE_MAX_TTY : WRITE_MAX;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < FLUSH_MAX && !p->gone; i++) {
		n = pread(p->spool, buf, max, p->written);
		if (n <= 0)
			break;
		if (!ready(p->fd_write, POLLOUT))
			return false;
		if (reader_left(p->fd_write)) {
			p->gone = true;
			break;
		}
		n = write(p->fd_write, buf, (size_t)n);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0)
			p->gone = true;
		else
			p->written += n;
	}
	if (p->gone || lseek(p->spool, 0, SEEK_END) == p->written) {
		if (p->written > 0 && ftruncate(p->spool, 0) == 0)
			p->written = 0;
		return true;
	}
	return false;
}

/* ---- input that is not a terminal: lines ---- */

static void
run_line(struct ctl_prompt *p)
{
	const char *error = NULL;
	unsigned int i;

	for (i = 0; i < p->len && error == NULL; i++) {
		if ((unsigned char)p->line[i] < ' ' && p->line[i] != '\t' && p->line[i] != '\r')
			error = "control character in the command";
	}
	if (p->overlong)
		error = "command is too long";
	if (error == NULL) {
		p->line[p->len] = '\n';
		p->line[p->len + 1] = '\0';
		switch (cmdline_parse(p->cl, p->line)) {
		case CMDLINE_PARSE_AMBIGUOUS:
		case CMDLINE_PARSE_NOMATCH:
			error = "no such command; try help";
			break;
		case CMDLINE_PARSE_BAD_ARGS:
			error = "no such command, or not all of it; try help";
			break;
		}
	}
	if (error != NULL) {
		fprintf(p->out, "error: %s\n", error);
		fflush(p->out);
	}
	p->len = 0;
	p->overlong = false;
}

static void
take_byte(struct ctl_prompt *p, char b)
{
	if (b == '\n')
		run_line(p);
	else if (p->len < LINE_MAX_)
		p->line[p->len++] = b;
	else
		p->overlong = true;
}

/* ---- the terminal ---- */

/* Keys one by one, no echo; ^S does not stop output. Signals stay: ^C is main's business. */
static void
make_raw(struct ctl_prompt *p)
{
	struct termios t;

	if (p->raw || tcgetattr(p->fd_in, &t) != 0)
		return;
	p->saved = t;
	t.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	t.c_iflag &= (tcflag_t)~IXON;
	p->raw = tcsetattr(p->fd_in, TCSANOW, &t) == 0;
}

static void
take_key(struct ctl_prompt *p, char key)
{
	if (cmdline_in(p->cl, &key, 1) < 0)
		p->quit = true; /* ^D on an empty line */
}

/*
 * Terminals share their open file description with the shell, so O_NONBLOCK cannot be set on it; a
 * description of its own can have it. Not for files: the new description would start at offset 0.
 */
static int
open_terminal_again(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return again >= 0 ? again : fd;
}

/* ---- life ---- */

static int
open_spool(struct ctl_prompt *p)
{
	int fd;

	p->spool = memfd_create("shunt-prompt", MFD_CLOEXEC);
	/*
	 * Appending, because the spool is cut to nothing behind the back of those who write to it.
	 */
	if (p->spool < 0 || fcntl(p->spool, F_SETFL, O_APPEND) != 0)
		return -errno;
	fd = fcntl(p->spool, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	p->out = fdopen(fd, "a");
	if (p->out == NULL) {
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

/*
 * rte_cmdline closes the descriptors that it is given, if they are above 2: it gets one of its own.
 */
static int
open_cmdline(struct ctl_prompt *p)
{
	int fd = -1;

	if (p->terminal) {
		fd = fcntl(p->spool, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
	}
	p->cl = cmdline_new(p->ctx, PROMPT, -1, fd);
	if (p->cl == NULL) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	return 0;
}

static void
destroy(struct ctl_prompt *p)
{
	unsigned int i;

	ctl_job_stop(p->job);
	if (p->raw && in_foreground(p))
		tcsetattr(p->fd_in, TCSANOW, &p->saved);
	if (p->cl != NULL)
		cmdline_free(p->cl);
	if (p->out != NULL)
		fclose(p->out);
	if (p->spool >= 0)
		close(p->spool);
	if (p->fd_write != p->fd_out)
		close(p->fd_write);
	for (i = 0; p->command != NULL && i < p->n; i++) {
		free(p->command[i].bare);
		free(p->command[i].with_args);
		free(p->command[i].token);
		free(p->command[i].words);
	}
	free(p->command);
	free(p->ctx);
	free(p);
}

int
ctl_prompt_open(struct ctl *c, int fd_in, int fd_out)
{
	struct ctl_prompt *p;
	int rc;

	if (c->prompt != NULL)
		return -EBUSY;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->ctl = c;
	p->fd_in = fd_in;
	p->fd_out = fd_out;
	p->fd_write = fd_out;
	p->spool = -1;
	p->terminal = isatty(fd_in) && isatty(fd_out);
	rc = make_commands(p);
	if (rc == 0)
		rc = open_spool(p);
	if (rc == 0)
		rc = open_cmdline(p);
	if (rc != 0) {
		destroy(p);
		return rc;
	}
	if (p->terminal)
		p->fd_write = open_terminal_again(fd_out);
	c->prompt = p;
	return 0;
}

/* False: end of input. */
static bool
read_input(struct ctl_prompt *p)
{
	ssize_t n;

	if (p->terminal) {
		if (!in_foreground(p))
			return true;
		make_raw(p);
	}
	if (!ready(p->fd_in, POLLIN))
		return true;
	n = read(p->fd_in, p->in, sizeof(p->in));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	p->in_pos = 0;
	p->in_len = n > 0 ? (unsigned int)n : 0;
	return n > 0;
}

static void
take_input(struct ctl_prompt *p)
{
	if (p->in_pos == p->in_len && !read_input(p)) {
		if (p->len > 0)
			run_line(p); /* a last line without its newline */
		p->quit = true;
	}
	while (p->in_pos < p->in_len && !p->quit && p->job == NULL &&
			lseek(p->spool, 0, SEEK_END) < SPOOL_MAX) {
		char b = p->in[p->in_pos++];

		if (p->terminal)
			take_key(p, b);
		else
			take_byte(p, b);
	}
}

int
ctl_prompt_poll(struct ctl *c)
{
	struct ctl_prompt *p = c->prompt;

	if (p == NULL)
		return 1;
	if (!flush(p))
		return 0;
	if (p->job != NULL && p->job_idle && reader_left(p->fd_write))
		p->gone = true;
	if (p->job != NULL && !p->gone)
		run_job(p);
	else if (!p->quit && !p->gone)
		take_input(p);
	if (!flush(p))
		return 0;
	return (p->quit && p->job == NULL) || p->gone;
}

void
ctl_prompt_close(struct ctl *c)
{
	struct ctl_prompt *p = c->prompt;

	if (p == NULL)
		return;
	/* What is left goes out if the reader takes it; nobody waits for him. */
	flush(p);
	c->prompt = NULL;
	destroy(p);
}
