/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture files: classic pcap with nanoseconds (one interface, what DPDK's net_pcap reads) and
 * pcapng with named interfaces. A write error is remembered and reported by the close.
 */
#ifndef MK_WRITER_H
#define MK_WRITER_H

#include <stdint.h>

#include "packet.h"

struct mk_writer;

/* NULL, with errno set, when the file cannot be made. */
struct mk_writer *
mk_pcap_create(const char *path);

/* `names` ends with NULL; a packet names its interface by the index there. */
struct mk_writer *
mk_pcapng_create(const char *path, const char *const *names);

/* `interface` must be 0 in a classic pcap. `ns` counts from 1970. */
void
mk_write(struct mk_writer *w, unsigned int interface, uint64_t ns, const struct mk_frame *f);

/* Flush and free; NULL is fine. Returns 0 or -errno of the first failure. */
int
mk_writer_close(struct mk_writer *w);

#endif /* MK_WRITER_H */
