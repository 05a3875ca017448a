// SPDX-License-Identifier: BSD-3-Clause
//
// Words that the steering pipeline's modules share: key, matcher, entry, outcome. docs/hwsim-pipeline.md is the definition that
// these modules and the model in C (src/hwsim/core/engines.h) both keep to.
package steering_pkg;

	// What the parser finds, and what entries are compared with.
	typedef struct packed {
		logic        ipv4;  // there is an IPv4 header
		logic        l4;    // and a whole TCP or UDP header behind it
		logic [7:0]  proto;
		logic [31:0] src;
		logic [31:0] dst;
		logic [15:0] sport;
		logic [15:0] dport;
	} flow_key_t;

	// A hash table in host memory: its first line, its buckets less one (a power of two less one), the bits of the key
	// that it looks at.
	typedef struct packed {
		logic        valid;
		logic [31:0] base;
		logic [31:0] last_bucket;
		flow_key_t   mask;
	} matcher_t;

	typedef enum logic [1:0] {
		FATE_NONE  = 2'd0,  // the walk ends; the packet goes its default way
		FATE_QUEUE = 2'd1,
		FATE_DROP  = 2'd2,
		FATE_JUMP  = 2'd3
	} fate_t;

	// A line of 64 bytes. Words of 32 bits, the first one in the lowest bits.
	typedef struct packed {
		logic [255:0] unused;
		logic [31:0]  arg;    // queue, or group to jump to
		logic [31:0]  mark;
		logic [21:0]  pad1;
		logic         ipv4;
		logic         l4;
		logic [7:0]   proto;
		logic [15:0]  sport;
		logic [15:0]  dport;
		logic [31:0]  dst;
		logic [31:0]  src;
		logic [31:0]  next;   // line of the next entry of the bucket
		logic [26:0]  pad0;
		logic         marked;
		fate_t        fate;
		logic         chained; // there is a next one
		logic         used;
	} entry_t;

	typedef enum logic [1:0] {
		OUT_DEFAULT = 2'd0,
		OUT_QUEUE   = 2'd1,
		OUT_DROP    = 2'd2, // a rule said so
		OUT_LOOP    = 2'd3  // too many groups
	} out_t;

	typedef struct packed {
		out_t        kind;
		logic [31:0] rxq;
		logic        marked;
		logic [31:0] mark;
	} outcome_t;

	// Spreads x over n places.
	function automatic logic [31:0] spread(input logic [31:0] x, input logic [31:0] n);
		logic [31:0] h;
		logic [63:0] p;
		h = x * 32'h9e3779b1;
		p = {32'd0, h} * {32'd0, n};
		return p[63:32];
	endfunction

	function automatic logic [31:0] hash(input flow_key_t k);
		logic [31:0] h;
		h = k.src + {k.dst[18:0], k.dst[31:19]};
		h = h ^ {k.sport, k.dport};
		h = h + {22'd0, k.ipv4, k.l4, k.proto};
		h = h * 32'h85ebca6b;
		h = h ^ (h >> 13);
		h = h * 32'hc2b2ae35;
		return h ^ (h >> 16);
	endfunction

endpackage
