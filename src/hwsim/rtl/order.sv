// SPDX-License-Identifier: BSD-3-Clause
//
// Order: a packet that is done may leave when no older packet of its bucket is inside; of those that may, the oldest does,
// one a cycle. Who is older is kept as a matrix of bits: written when a packet comes, a column cleared when one leaves.
module order
	import steering_pkg::*;
#(
	parameter int unsigned ENGINES = 8,
	parameter int unsigned BUCKETS = 1024
) (
	input  logic               clk,
	input  logic               rst,
	input  logic [ENGINES-1:0] take, // one hot: a packet comes
	input  flow_key_t          take_key,
	input  logic [ENGINES-1:0] done,
	output logic [ENGINES-1:0] leave // one hot
);
	logic [ENGINES-1:0]       present;
	logic [ENGINES-1:0][31:0] bucket;
	logic [ENGINES-1:0]       older [ENGINES];   // [i][j]: j came before i
	logic [ENGINES-1:0]       blocker [ENGINES]; // and is of the same bucket
	logic [ENGINES-1:0]       may, same, stay;
	logic [31:0]              take_bucket;

	always_comb begin
		for (int i = 0; i < ENGINES; i++)
			may[i] = done[i] && blocker[i] == 0;
		for (int i = 0; i < ENGINES; i++)
			leave[i] = may[i] && (older[i] & may) == 0;
		stay = present & ~leave;
		take_bucket = spread(hash(take_key), BUCKETS);
		for (int i = 0; i < ENGINES; i++)
			same[i] = bucket[i] == take_bucket;
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			present <= '0;
		end else begin
			present <= stay | take;
			for (int i = 0; i < ENGINES; i++) begin
				older[i] <= take[i] ? stay : older[i] & stay;
				blocker[i] <= take[i] ? stay & same : blocker[i] & stay;
				if (take[i])
					bucket[i] <= take_bucket;
			end
		end
	end
endmodule
