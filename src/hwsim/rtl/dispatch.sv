// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatch: the oldest packet that waits goes to the free engine with the lowest number, one a cycle. An engine whose packet
// leaves in this cycle is free.
module dispatch #(
	parameter int unsigned ENGINES = 8
) (
	input  logic               waiting,
	input  logic [ENGINES-1:0] free,
	input  logic [ENGINES-1:0] leaving,
	output logic [ENGINES-1:0] take, // one hot
	output logic               taken
);
	logic [ENGINES-1:0] can;

	assign can = free | leaving;
	assign take = waiting ? can & (~can + 1'b1) : '0;
	assign taken = waiting && can != 0;
endmodule
