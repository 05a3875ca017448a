// SPDX-License-Identifier: BSD-3-Clause
//
// Steering: parser, dispatch, engines, entry cache, read port, order. Frames go in, outcomes come out, host memory is outside:
// it answers a read that is there in cycle i in cycle i + latency - 1, in order. The probe_* and dispatch_* outputs are for who
// watches.
module steering
	import steering_pkg::*;
#(
	parameter int unsigned ENGINES         = 8,
	parameter int unsigned PARSER_LATENCY  = 4,
	parameter int unsigned PARSER_INTERVAL = 1,
	parameter int unsigned PARSER_QUEUE    = 16,
	parameter int unsigned GROUP_CYCLES    = 1,
	parameter int unsigned LOOKUP          = 2,
	parameter int unsigned ACTION          = 1,
	parameter int unsigned GROUPS_MAX      = 8,
	parameter int unsigned ORDER_BUCKETS   = 1024,
	parameter int unsigned CACHE_LINES     = 64,
	parameter int unsigned CACHE_WAYS      = 4,
	parameter int unsigned CACHE_HIT       = 1,
	parameter int unsigned CACHE_READS     = 4,
	parameter int unsigned CACHE_INTERVAL  = 1,
	parameter int unsigned GROUPS          = 16,
	parameter int unsigned WINDOW          = 96
) (
	input  logic                clk,
	input  logic                rst,
	// Tables: a matcher of a group.
	input  logic                config_write,
	input  logic [$clog2(GROUPS)-1:0] config_group,
	input  logic                config_second,
	input  logic [31:0]         config_base,
	input  logic [31:0]         config_last_bucket,
	input  logic [9:0]          config_mask_kind, // ipv4, l4, proto
	input  logic [31:0]         config_mask_src,
	input  logic [31:0]         config_mask_dst,
	input  logic [31:0]         config_mask_ports,
	// A line of host memory was written: the cache must not have the old one.
	input  logic                drop,
	input  logic [31:0]         drop_line,
	// Frames.
	input  logic                in_valid,
	output logic                in_ready,
	input  logic [8*WINDOW-1:0] in_data,
	input  logic [15:0]         in_len,
	input  logic [31:0]         in_id,
	// Host memory.
	output logic                read,
	output logic [31:0]         read_line,
	input  logic                answer,
	input  logic [511:0]        answer_data,
	// Outcomes.
	output logic                out_valid,
	output logic [31:0]         out_id,
	output logic [1:0]          out_kind,
	output logic [31:0]         out_queue,
	output logic                out_marked,
	output logic [31:0]         out_mark,
	// Who watches.
	output logic                dispatch_valid,
	output logic [31:0]         dispatch_id,
	output logic [ENGINES-1:0]  dispatch_engine,
	output logic                probe_valid,
	output logic [31:0]         probe_id,
	output logic [31:0]         probe_line,
	output logic                probe_hit,
	output logic [63:0]         hits,
	output logic [63:0]         misses
);
	matcher_t [GROUPS-1:0][1:0] matchers;

	always_ff @(posedge clk) begin
		if (rst)
			matchers <= '0;
		else if (config_write)
			matchers[config_group][config_second] <= {1'b1, config_base, config_last_bucket,
				config_mask_kind, config_mask_src, config_mask_dst, config_mask_ports};
	end

	logic                      key_valid;
	flow_key_t                 key;
	logic [ENGINES-1:0]        free, take, ask, heard, back, done, leave;
	logic [ENGINES-1:0][31:0]  line, id;
	outcome_t [ENGINES-1:0]    outcome;
	logic [31:0]               back_line;
	logic                      back_stale;
	entry_t                    hit_entry, back_entry;

	assign back_entry = answer_data;
	assign dispatch_engine = take;

	parser #(
		.LATENCY(PARSER_LATENCY), .INTERVAL(PARSER_INTERVAL), .QUEUE(PARSER_QUEUE), .WINDOW(WINDOW)
	) parsing (
		.clk, .rst,
		.in_valid, .in_ready, .in_data, .in_len, .in_id,
		.out_valid(key_valid), .out_key(key), .out_id(dispatch_id), .out_taken(dispatch_valid)
	);

	dispatch #(.ENGINES(ENGINES)) dispatching (
		.waiting(key_valid), .free, .leaving(leave), .take, .taken(dispatch_valid)
	);

	generate
		for (genvar i = 0; i < ENGINES; i++) begin : engines
			engine #(
				.GROUP_CYCLES(GROUP_CYCLES), .LOOKUP(LOOKUP), .HIT(CACHE_HIT), .ACTION(ACTION),
				.GROUPS(GROUPS), .GROUPS_MAX(GROUPS_MAX)
			) one (
				.clk, .rst, .matchers,
				.free(free[i]), .take(take[i]), .take_key(key), .take_id(dispatch_id),
				.ask(ask[i]), .line(line[i]), .heard(heard[i]), .hit(probe_hit), .hit_entry,
				.back(back[i]), .back_entry,
				.done(done[i]), .leave(leave[i]), .id(id[i]), .outcome(outcome[i])
			);
		end
	endgenerate

	entry_cache #(.ENGINES(ENGINES), .LINES(CACHE_LINES), .WAYS(CACHE_WAYS)) cache (
		.clk, .rst,
		.ask, .line, .heard, .heard_line(probe_line), .hit(probe_hit), .hit_entry,
		.drop, .drop_line, .fill(back != 0 && !back_stale), .fill_line(back_line), .fill_entry(back_entry),
		.hits, .misses
	);

	read_port #(.ENGINES(ENGINES), .READS(CACHE_READS), .INTERVAL(CACHE_INTERVAL)) reads (
		.clk, .rst,
		.miss(probe_hit ? '0 : heard), .miss_line(probe_line),
		.read, .read_line, .drop, .drop_line, .answer, .back, .back_line, .back_stale
	);

	order #(.ENGINES(ENGINES), .BUCKETS(ORDER_BUCKETS)) ordering (
		.clk, .rst, .take, .take_key(key), .done, .leave
	);

	assign probe_valid = heard != 0;
	assign out_valid = leave != 0;
	always_comb begin
		probe_id = '0;
		out_id = '0;
		{out_kind, out_queue, out_marked, out_mark} = '0;
		for (int i = 0; i < ENGINES; i++) begin
			if (heard[i])
				probe_id = id[i];
			if (leave[i]) begin
				out_id = id[i];
				out_kind = outcome[i].kind;
				out_queue = outcome[i].rxq;
				out_marked = outcome[i].marked;
				out_mark = outcome[i].mark;
			end
		end
	end
endmodule
