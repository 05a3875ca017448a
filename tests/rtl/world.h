/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world for both models: random rules, as an image of host memory and as rules of hwsim/core/steer.h; random frames; and what
 * the model in C (hwsim/core/engines.h) says about each. Included by C and by the C++ of the test bench, which knows nothing else of
 * the model.
 */
#ifndef TEST_RTL_WORLD_H
#define TEST_RTL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RTL's parameters, by its names. */
#define WORLD_PARAMS(X) \
	X(ENGINES) \
	X(PARSER_LATENCY) \
	X(PARSER_INTERVAL) \
	X(PARSER_QUEUE) \
	X(GROUP_CYCLES) \
	X(LOOKUP) \
	X(ACTION) \
	X(GROUPS_MAX) \
	X(ORDER_BUCKETS) \
	X(CACHE_LINES) \
	X(CACHE_WAYS) \
	X(CACHE_HIT) \
	X(CACHE_READS) \
	X(CACHE_INTERVAL)

struct world_params {
#define X(name) uint32_t name;
	WORLD_PARAMS(X)
#undef X
	uint32_t memory; /* latency: it is outside of RTL */
	uint32_t rules, packets;
	uint32_t gap;	/* mean cycles between packets */
	uint32_t drops; /* cycles between lines that the cache must not have any more, at most */
	uint64_t seed;
};

#define WORLD_GROUPS 16
#define WORLD_WINDOW 96
#define WORLD_PROBES 160
#define WORLD_NEVER UINT64_MAX

/* Bits of the key that a matcher looks at. */
struct world_matcher {
	bool valid;
	uint32_t base, last_bucket;
	uint32_t kind, src, dst, ports; /* kind: bit 9 ipv4, bit 8 l4, proto */
};

enum world_out { WORLD_DEFAULT, WORLD_QUEUE, WORLD_DROP, WORLD_LOOP };

/* What a model says of a packet. */
struct world_log {
	bool accepted;
	uint8_t kind; /* enum world_out */
	bool marked;
	uint32_t queue, mark;
	uint64_t dispatched, left;
	uint32_t n_probes;
	struct {
		uint64_t at;
		uint32_t line;
		bool hit;
	} probe[WORLD_PROBES];
};

struct world_packet {
	uint64_t at; /* cycle; at most one in each */
	uint16_t len;
	uint8_t data[256];
};

struct world_drop {
	uint64_t at;
	uint32_t line;
};

struct world {
	struct world_params params;
	struct world_matcher matcher[WORLD_GROUPS][2];
	uint32_t (*line)[16]; /* host memory */
	uint32_t n_lines;
	struct world_packet *packet;
	struct world_drop *drop;
	uint32_t n_drops;
	struct world_log *log; /* of the model in C */
	uint64_t hits, misses;
	uint64_t last; /* cycle at which the last packet left */
};

/* Makes all of it, and runs the model in C. NULL, having said why. */
struct world *
world_create(const struct world_params *params);
void
world_destroy(struct world *w);

#ifdef __cplusplus
}
#endif

#endif /* TEST_RTL_WORLD_H */
