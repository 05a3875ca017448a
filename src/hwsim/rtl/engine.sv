// SPDX-License-Identifier: BSD-3-Clause
//
// An engine: one packet from group to group. It decides itself what it reads: it hashes the key, asks the cache for the bucket's
// entry, compares, follows the chain, takes the action, jumps. States last as many cycles as the parameters say; counted in
// `wait_left`, which is 0 in the cycle in which what comes next takes place.
module engine
	import steering_pkg::*;
#(
	parameter int unsigned GROUP_CYCLES = 1, // 1 or more: to enter a group
	parameter int unsigned LOOKUP       = 2, // 2 or more: to compare an entry that is there
	parameter int unsigned HIT          = 1,
	parameter int unsigned ACTION       = 1, // for each action
	parameter int unsigned GROUPS       = 16,
	parameter int unsigned GROUPS_MAX   = 8  // a packet may enter
) (
	input  logic        clk,
	input  logic        rst,
	input  matcher_t [GROUPS-1:0][1:0] matchers,
	// Dispatch.
	output logic        free,
	input  logic        take,
	input  flow_key_t   take_key,
	input  logic [31:0] take_id,
	// Cache: asks until it is heard; then either the entry is there, or it comes back from memory.
	output logic        ask,
	output logic [31:0] line,
	input  logic        heard,
	input  logic        hit,
	input  entry_t      hit_entry,
	input  logic        back,
	input  entry_t      back_entry,
	// Order.
	output logic        done,
	input  logic        leave,
	output logic [31:0] id,
	output outcome_t    outcome
);
	localparam int unsigned GROUP_BITS = $clog2(GROUPS);

	typedef enum logic [1:0] { FREE, WAITING, FETCHING, DECIDING } state_t;

	state_t                state;
	logic                  then_leave; // behind WAITING: 1 leaves, 0 asks the cache
	logic [31:0]           wait_left;
	flow_key_t             key;
	logic [GROUP_BITS-1:0] group;
	logic                  second;     // matcher of the group
	logic                  chained;    // `next` is the line, not the bucket's
	logic [31:0]           next;
	logic [31:0]           entered;    // groups
	entry_t                entry;
	logic                  was_hit;

	matcher_t  matcher;
	flow_key_t masked;
	logic      same, jumps, loops;
	logic [31:0] acts;

	assign matcher = matchers[group][second];
	assign masked = key & matcher.mask;
	assign line = chained ? next : matcher.base + (hash(masked) & matcher.last_bucket);
	assign free = state == FREE;
	assign ask = state == WAITING && wait_left == 0 && !then_leave;
	assign done = state == WAITING && wait_left == 0 && then_leave;

	// Of the entry that is at hand.
	assign same = entry.used && masked == {entry.ipv4, entry.l4, entry.proto, entry.src, entry.dst,
					       entry.sport, entry.dport};
	assign jumps = same && entry.fate == FATE_JUMP;
	assign loops = jumps && entered == GROUPS_MAX;
	assign acts = same ? ACTION * (32'(entry.marked) + 32'(entry.fate != FATE_NONE)) : 0;

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= FREE;
		end else if (take) begin
			state <= WAITING;
			then_leave <= !matchers[0][0].valid;
			wait_left <= GROUP_CYCLES - 1;
			key <= take_key;
			id <= take_id;
			group <= '0;
			second <= 1'b0;
			chained <= 1'b0;
			entered <= 1;
			outcome <= '0;
		end else begin
			case (state)
			WAITING: begin
				if (wait_left != 0)
					wait_left <= wait_left - 1;
				else if (leave)
					state <= FREE;
				else if (heard) begin
					entry <= hit_entry;
					was_hit <= hit;
					state <= hit ? DECIDING : FETCHING;
				end
			end
			FETCHING: begin
				if (back) begin
					entry <= back_entry;
					state <= DECIDING;
				end
			end
			DECIDING: begin
				// One cycle behind the entry's; this state takes another.
				state <= WAITING;
				wait_left <= (was_hit ? HIT : 0) + LOOKUP - 2 + acts +
					     (jumps && !loops ? GROUP_CYCLES : 0);
				decide();
			end
			default: ;
			endcase
		end
	end

	task automatic decide();
		chained <= 1'b0;
		then_leave <= 1'b1;
		if (same) begin
			if (entry.marked) begin
				outcome.marked <= 1'b1;
				outcome.mark <= entry.mark;
			end
			if (jumps && !loops) begin
				group <= entry.arg[GROUP_BITS-1:0];
				second <= 1'b0;
				entered <= entered + 1;
				then_leave <= !matchers[entry.arg[GROUP_BITS-1:0]][0].valid;
			end else begin
				outcome.kind <= loops ? OUT_LOOP : entry.fate == FATE_DROP ? OUT_DROP :
						entry.fate == FATE_QUEUE ? OUT_QUEUE : OUT_DEFAULT;
				outcome.rxq <= entry.arg;
			end
		end else if (entry.chained) begin
			chained <= 1'b1;
			next <= entry.next;
			then_leave <= 1'b0;
		end else if (!second && matchers[group][1].valid) begin
			second <= 1'b1;
			then_leave <= 1'b0;
		end
	endtask
endmodule
