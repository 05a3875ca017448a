/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures: what a replay reads (pcap and pcapng) and writes (pcapng). Called by replay, on the
 * control lcore, which then runs no live traffic: these calls read and write files and may wait for
 * them.
 *
 * A capture comes from anywhere: nothing in it is believed. No timestamp, length or count makes a
 * reader do more than the file's size justifies.
 */
#ifndef DATAPLANE_CAPTURE_H
#define DATAPLANE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_PACKET_MAX 262144 /* bytes: what tcpdump and Wireshark take at most */
#define CAPTURE_NAME_MAX 64
#define CAPTURE_INTERFACES_MAX 4096

/* ---- reading ---- */

struct capture; /* opaque */

struct capture_interface {
	char name[CAPTURE_NAME_MAX]; /* "" when the file does not say (pcap never does) */
	uint32_t linktype;	     /* LINKTYPE_*, as in the file */
	uint32_t snaplen;	     /* 0: no limit */
};

struct capture_packet {
	uint64_t number;     /* place in the file, from 0 */
	uint64_t ns;	     /* since 1970; what does not fit is the nearest that does */
	uint32_t interface;  /* index into the interfaces of the whole file */
	uint32_t caplen;     /* bytes at data */
	uint32_t len;	     /* bytes that the packet had, never less than caplen */
	const uint8_t *data; /* until capture_close() */
};

/*
 * Open a capture and find all its packets. NULL with the reason in err: no such file, compressed,
 * not a capture. A file that breaks off or is broken further on is opened: its packets up to there
 * are read, then capture_next() says what is wrong. Do not cut the file short while it is open.
 */
struct capture *
capture_open(const char *path, char *err, size_t errlen);
/* The same with bytes in memory, which the caller keeps until capture_close(). */
struct capture *
capture_open_memory(const void *data, size_t size, char *err, size_t errlen);
void
capture_close(struct capture *c);

uint32_t
capture_interfaces(const struct capture *c);
const struct capture_interface *
capture_interface(const struct capture *c, uint32_t i);
uint64_t
capture_packets(const struct capture *c);

/*
 * Are the packets in the order of their timestamps? capture_sort() puts them so; equal ones stay as
 * in the file.
 */
bool
capture_sorted(const struct capture *c);
void
capture_sort(struct capture *c);

/*
 * 1: *out is the next packet. 0: end. -EBADMSG: the file is broken from here on, capture_error()
 * says how.
 */
int
capture_next(struct capture *c, struct capture_packet *out);
/* "truncated at byte 1234: ..."; NULL when the file is whole. */
const char *
capture_error(const struct capture *c);

/* ---- link types ---- */

/*
 * A frame in two pieces: a header made here (empty for Ethernet captures), and what follows it,
 * still in the capture. Made headers carry the MAC addresses 02:00:00:00:00:02 (destination) and
 * 02:00:00:00:00:01 (source).
 */
struct capture_frame {
	uint8_t header[14];
	uint8_t header_len; /* 0 or 14 */
	const uint8_t *data;
	uint32_t caplen; /* bytes at data */
	uint32_t len;	 /* bytes that were there before the capture cut them */
};

/*
 * A packet of any known link type as an Ethernet frame. -ENOTSUP: a link type, or a payload in it,
 * that cannot be one; -EBADMSG: cut within the link layer header.
 */
int
capture_to_ethernet(uint32_t linktype, const struct capture_packet *p, struct capture_frame *out);

/* "EN10MB", "LINUX_SLL", ... or "link type 4711" into buf. */
const char *
capture_linktype_name(uint32_t linktype, char buf[32]);

/* ---- writing ---- */

struct capture_writer; /* opaque */

/*
 * A pcapng file with one Ethernet interface a name, timestamps in nanoseconds. The bytes depend on
 * the arguments only: no time of day, no host name, little-endian everywhere. NULL with errno.
 */
struct capture_writer *
capture_writer_open(const char *path, const char *const *names, uint32_t n_names);

/* 0 or -errno; -EINVAL for an interface that is not there or a packet above CAPTURE_PACKET_MAX. */
int
capture_writer_add(struct capture_writer *w, uint32_t interface, uint64_t ns, const void *data,
		uint32_t len);

/* Flush and close (NULL is fine). The first error of all that happened, such as -ENOSPC; else 0. */
int
capture_writer_close(struct capture_writer *w);

#endif /* DATAPLANE_CAPTURE_H */
