// SPDX-License-Identifier: BSD-3-Clause
//
// A queue of registers: what is pushed in a cycle is at the output in the next one at the earliest. Who pushes has made sure that
// there is room.
module fifo #(
	parameter int unsigned WIDTH = 8,
	parameter int unsigned DEPTH = 4
) (
	input  logic             clk,
	input  logic             rst,
	input  logic             push,
	input  logic [WIDTH-1:0] in,
	input  logic             pop,
	output logic             valid,
	output logic [WIDTH-1:0] out
);
	localparam int unsigned BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

	logic [WIDTH-1:0] slot [DEPTH];
	logic [BITS-1:0]  first, last;
	logic [BITS:0]    count;

	function automatic logic [BITS-1:0] behind(input logic [BITS-1:0] i);
		return i == BITS'(DEPTH - 1) ? '0 : i + 1'b1;
	endfunction

	assign valid = count != 0;
	assign out = slot[first];

	always_ff @(posedge clk) begin
		if (rst) begin
			first <= '0;
			last <= '0;
			count <= '0;
		end else begin
			if (push) begin
				slot[last] <= in;
				last <= behind(last);
			end
			if (pop)
				first <= behind(first);
			count <= count + (BITS + 1)'(push) - (BITS + 1)'(pop);
		end
	end
endmodule
