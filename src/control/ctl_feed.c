/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event stream's socket: readers connect to a Unix stream socket and get a line of JSON an event, from the moment
 * of their connecting on. A reader that says "conntrack" gets lines in the manner of `conntrack -E` from there on, one
 * that says "json" what it had before; anything else ends it.
 *
 * Control lcore only, which never waits for a reader: what its socket does not take stays in the ring, and when
 * that has moved on the reader is told how many events it lost. A poll does a bounded part of the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conntrack/ct.h"
#include "control/ctl.h"

#include "ctl_priv.h"

#define OUT_SIZE 16384 /* bytes on their way to a reader */
#define POLL_EVENTS 64 /* a reader and poll */
#define POLL_ACCEPTS 4
#define WORD_MAX 32

struct reader {
	int fd; /* -1: free */
	struct ct_reader at;
	bool text;     /* conntrack's manner */
	bool done;     /* what waits goes out, and then it is closed */
	bool no_input; /* it closed its side of the talking */
	unsigned int n_word;
	char word[WORD_MAX];
	size_t from, to; /* of out: not written yet */
	char out[OUT_SIZE];
};

struct ctl_feed {
	struct ct_table *ct;
	uint64_t epoch;
	int fd;
	unsigned int n;
	struct stat inode; /* of the socket: only that is removed at the end */
	struct sockaddr_un address;
	struct reader reader[CTL_FEED_READERS_MAX];
};

/* ---- life --------------------------------------------------------------------------------------- */

/* A socket that nobody listens at is what a killed program left behind. 0, or -errno: something else is there. */
static int
clear_path(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, rc;

	if (lstat(a->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno != ECONNREFUSED
			? -EADDRINUSE
			: 0;
	close(fd);
	if (rc == 0 && unlink(a->sun_path) != 0)
		rc = -errno;
	return rc;
}

/* Whoever may write to the socket's file may read: its owner. */
static int
listen_at(struct ctl_feed *f)
{
	const struct sockaddr *a = (const struct sockaddr *)&f->address;
	mode_t mask;
	int rc;

	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd < 0)
		return -errno;
	mask = umask(0077);
	rc = bind(f->fd, a, sizeof(f->address)) == 0 ? 0 : -errno;
	umask(mask);
	if (rc == 0 &&
			(lstat(f->address.sun_path, &f->inode) != 0 ||
					listen(f->fd, CTL_FEED_READERS_MAX) != 0))
		rc = -errno;
	return rc;
}

struct ctl_feed *
ctl_feed_create(struct ct_table *ct, const char *path, uint64_t epoch)
{
	struct ctl_feed *f = calloc(1, sizeof(*f));
	struct ct_event_stats s;
	unsigned int i;
	int rc = 0;

	if (f == NULL)
		return NULL;
	f->ct = ct;
	f->epoch = epoch;
	f->fd = -1;
	for (i = 0; i < CTL_FEED_READERS_MAX; i++)
		f->reader[i].fd = -1;
	ct_event_stats(ct, &s);
	f->address.sun_family = AF_UNIX;
	if (s.ring == 0)
		rc = -ENOTSUP;
	else if (*path == '\0' || strlen(path) >= sizeof(f->address.sun_path))
		rc = -ENAMETOOLONG;
	if (rc == 0) {
		strcpy(f->address.sun_path, path);
		rc = clear_path(&f->address);
	}
	if (rc == 0)
		rc = listen_at(f);
	if (rc == 0)
		return f;
	ctl_feed_destroy(f);
	errno = -rc;
	return NULL;
}

static void
drop_reader(struct ctl_feed *f, struct reader *r)
{
	ct_events_close(f->ct, &r->at);
	close(r->fd);
	r->fd = -1;
	f->n--;
}

void
ctl_feed_destroy(struct ctl_feed *f)
{
	struct stat st;
	unsigned int i;

	if (f == NULL)
		return;
	for (i = 0; i < CTL_FEED_READERS_MAX; i++) {
		if (f->reader[i].fd >= 0)
			drop_reader(f, &f->reader[i]);
	}
	if (f->fd >= 0)
		close(f->fd);
	if (f->inode.st_ino != 0 && lstat(f->address.sun_path, &st) == 0 &&
			st.st_dev == f->inode.st_dev && st.st_ino == f->inode.st_ino)
		unlink(f->address.sun_path);
	free(f);
}

unsigned int
ctl_feed_readers(const struct ctl_feed *f)
{
	return f->n;
}

/* ---- readers ------------------------------------------------------------------------------------ */

static void
accept_reader(struct ctl_feed *f, int fd)
{
	static const char full[] = "{\"error\":\"16 readers are connected already\"}\n";
	unsigned int i;

	for (i = 0; i < CTL_FEED_READERS_MAX && f->reader[i].fd >= 0; i++)
		;
	if (i == CTL_FEED_READERS_MAX || ct_events_open(f->ct, &f->reader[i].at) != 0) {
		/* If it does not take that much at once it need not know. */
		(void)!send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	f->reader[i].fd = fd;
	f->reader[i].text = f->reader[i].done = f->reader[i].no_input = false;
	f->reader[i].n_word = 0;
	f->reader[i].from = f->reader[i].to = 0;
	f->n++;
}

static void
take_word(struct reader *r)
{
	static const char unknown[] = "{\"error\":\"say conntrack or json\"}\n";

	r->word[r->n_word] = '\0';
	r->n_word = 0;
	if (strcmp(r->word, "conntrack") == 0) {
		r->text = true;
	} else if (strcmp(r->word, "json") == 0) {
		r->text = false;
	} else {
		r->done = true;
		if (OUT_SIZE - r->to >= sizeof(unknown)) {
			memcpy(r->out + r->to, unknown, sizeof(unknown) - 1);
			r->to += sizeof(unknown) - 1;
		}
	}
}

/* What it says, a little at a time. False: it is gone. */
static bool
listen_to(struct reader *r)
{
	char buf[WORD_MAX];
	ssize_t n, i;

	if (r->no_input || r->done)
		return true;
	n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	r->no_input = n == 0; /* it may go on reading; if it does not, writing says so */
	for (i = 0; i < n && !r->done; i++) {
		if (buf[i] == '\n' || r->n_word == WORD_MAX - 1)
			take_word(r);
		else if (buf[i] != '\r')
			r->word[r->n_word++] = buf[i];
	}
	return true;
}

/* False: it is gone. */
static bool
write_out(struct reader *r)
{
	ssize_t n;

	if (r->from < r->to) {
		n = send(r->fd, r->out + r->from, r->to - r->from, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		r->from += n > 0 ? (size_t)n : 0;
	}
	if (r->from == r->to)
		r->from = r->to = 0;
	return !r->done || r->from < r->to;
}

/* One that closed its side of the talking, and reads no more either: only the other end's going says so. */
static bool
hung_up(const struct reader *r)
{
	struct pollfd p = { .fd = r->fd };

	return r->no_input && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* Events into the buffer, as long as there is room for two lines. True: some are left. */
static bool
fill(struct ctl_feed *f, struct reader *r)
{
	const struct ct_event *e;
	unsigned int n;
	uint64_t lost;

	for (n = 0; n < POLL_EVENTS && !r->done; n++) {
		if (OUT_SIZE - r->to < 2 * CTL_EVENT_LINE_MAX)
			return true;
		e = ct_events_next(f->ct, &r->at, &lost);
		if (lost != 0)
			r->to += ctl_event_lost(lost, r->at.next - (e != NULL), r->out + r->to);
		if (e == NULL)
			return false;
		r->to += r->text ? ctl_event_text(e, r->out + r->to)
				 : ctl_event_json(e, f->epoch, r->out + r->to);
	}
	return n == POLL_EVENTS;
}

bool
ctl_feed_poll(struct ctl_feed *f)
{
	bool more = false, left;
	unsigned int i;
	int fd;

	for (i = 0; i < POLL_ACCEPTS; i++) {
		fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		accept_reader(f, fd);
	}
	for (i = 0; i < CTL_FEED_READERS_MAX && f->n > 0; i++) {
		struct reader *r = &f->reader[i];

		if (r->fd < 0)
			continue;
		left = r->from < r->to;
		/* A buffer that is half written is written first: a full socket costs one call. */
		if (!listen_to(r) || !write_out(r) || hung_up(r)) {
			drop_reader(f, r);
			continue;
		}
		if (r->from > 0)
			continue;
		left = fill(f, r) || left;
		if (!write_out(r))
			drop_reader(f, r);
		else
			more = more || (left && r->from == r->to);
	}
	return more;
}
