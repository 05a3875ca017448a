// SPDX-License-Identifier: BSD-3-Clause
//
// The parser: a queue, a pipeline of LATENCY cycles that takes a packet each INTERVAL, and the packets that wait for an
// engine. A packet keeps its place until an engine takes it, so the pipeline never stops.
module parser
	import steering_pkg::*;
#(
	parameter int unsigned LATENCY  = 4, // 2 or more
	parameter int unsigned INTERVAL = 1,
	parameter int unsigned QUEUE    = 16,
	parameter int unsigned WINDOW   = 96
) (
	input  logic                clk,
	input  logic                rst,
	input  logic                in_valid,
	output logic                in_ready,
	input  logic [8*WINDOW-1:0] in_data,
	input  logic [15:0]         in_len,
	input  logic [31:0]         in_id,
	output logic                out_valid,
	output flow_key_t           out_key,
	output logic [31:0]         out_id,
	input  logic                out_taken
);
	localparam int unsigned RAW = 8 * WINDOW + 16 + 32;
	localparam int unsigned PARSED = $bits(flow_key_t) + 32;
	localparam int unsigned STAGES = LATENCY - 2;

	logic                accept, raw_valid, start;
	logic [8*WINDOW-1:0] raw_data;
	logic [15:0]         raw_len;
	logic [31:0]         raw_id;
	logic [31:0]         held, pause;
	flow_key_t           key;
	logic                parsed_valid;
	logic [PARSED-1:0]   parsed;

	// A place that is given up in a cycle can be taken in the same one.
	assign in_ready = held < QUEUE || out_taken;
	assign accept = in_valid && in_ready;

	always_ff @(posedge clk) begin
		if (rst)
			held <= 0;
		else
			held <= held + 32'(accept) - 32'(out_taken);
	end

	fifo #(.WIDTH(RAW), .DEPTH(QUEUE)) waiting (
		.clk, .rst,
		.push(accept), .in({in_data, in_len, in_id}),
		.pop(start), .valid(raw_valid), .out({raw_data, raw_len, raw_id})
	);

	assign start = raw_valid && pause == 0;

	always_ff @(posedge clk) begin
		if (rst)
			pause <= 0;
		else if (start)
			pause <= INTERVAL - 1;
		else if (pause != 0)
			pause <= pause - 1;
	end

	extract #(.WINDOW(WINDOW)) extractor (.data(raw_data), .len(raw_len), .key);

	generate
		if (STAGES == 0) begin : direct
			assign parsed_valid = start;
			assign parsed = {key, raw_id};
		end else begin : pipeline
			logic [STAGES-1:0] there;
			logic [PARSED-1:0] stage [STAGES];

			always_ff @(posedge clk) begin
				stage[0] <= {key, raw_id};
				there[0] <= start && !rst;
				for (int i = 1; i < STAGES; i++) begin
					stage[i] <= stage[i-1];
					there[i] <= there[i-1] && !rst;
				end
			end
			assign parsed_valid = there[STAGES-1];
			assign parsed = stage[STAGES-1];
		end
	endgenerate

	fifo #(.WIDTH(PARSED), .DEPTH(QUEUE)) ready (
		.clk, .rst,
		.push(parsed_valid), .in(parsed),
		.pop(out_taken), .valid(out_valid), .out({out_key, out_id})
	);
endmodule
