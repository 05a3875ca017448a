// SPDX-License-Identifier: BSD-3-Clause
//
// The read port: what the cache has not is read from host memory, in the order in which it was asked for, READS at a time, not
// faster than one each INTERVAL cycles. Memory answers in order. What was written since it was asked for is stale: it goes to its
// engine, but not into the cache.
module read_port
	import steering_pkg::*;
#(
	parameter int unsigned ENGINES  = 8,
	parameter int unsigned READS    = 4,
	parameter int unsigned INTERVAL = 1
) (
	input  logic               clk,
	input  logic               rst,
	input  logic [ENGINES-1:0] miss, // one hot
	input  logic [31:0]        miss_line,
	output logic               read,
	output logic [31:0]        read_line,
	input  logic               drop,
	input  logic [31:0]        drop_line,
	input  logic               answer,
	output logic [ENGINES-1:0] back, // one hot: whose read it was
	output logic [31:0]        back_line,
	output logic               back_stale
);
	logic               waiting, flying;
	logic [ENGINES-1:0] who, flying_who;
	logic [31:0]        pause, count;

	// An engine has one read at a time.
	fifo #(.WIDTH(ENGINES + 32), .DEPTH(ENGINES)) queue (
		.clk, .rst,
		.push(miss != 0), .in({miss, miss_line}),
		.pop(read), .valid(waiting), .out({who, read_line})
	);
	fifo #(.WIDTH(ENGINES + 32), .DEPTH(READS)) flight (
		.clk, .rst,
		.push(read), .in({who, read_line}),
		.pop(answer), .valid(flying), .out({flying_who, back_line})
	);

	// An engine's read, by engine.
	logic [ENGINES-1:0][31:0] wanted;
	logic [ENGINES-1:0]       stale;

	assign back_stale = (stale & back) != 0 || (drop && drop_line == back_line);
	always_ff @(posedge clk) begin
		for (int i = 0; i < ENGINES; i++) begin
			if (miss[i]) begin
				wanted[i] <= miss_line;
				stale[i] <= 1'b0;
			end else if (drop && wanted[i] == drop_line) begin
				stale[i] <= 1'b1;
			end
		end
	end

	assign read = waiting && pause == 0 && count < READS;
	assign back = answer && flying ? flying_who : '0;

	always_ff @(posedge clk) begin
		if (rst) begin
			pause <= 0;
			count <= 0;
		end else begin
			if (read)
				pause <= INTERVAL - 1;
			else if (pause != 0)
				pause <= pause - 1;
			count <= count + 32'(read) - 32'(answer);
		end
	end
endmodule
