// SPDX-License-Identifier: BSD-3-Clause
//
// The entry cache: one engine is heard a cycle, round and round. Set-associative; thrown out is the first way that was not used
// lately (a bit a way; the last one to be used makes all others unused). In a cycle, a line that was written by a command goes,
// then what comes back from memory is written, then the probe looks. Reset lasts 2 * LINES / WAYS cycles: it clears a set a cycle.
module entry_cache
	import steering_pkg::*;
#(
	parameter int unsigned ENGINES = 8,
	parameter int unsigned LINES   = 64,
	parameter int unsigned WAYS    = 4
) (
	input  logic                     clk,
	input  logic                     rst,
	input  logic [ENGINES-1:0]       ask,
	input  logic [ENGINES-1:0][31:0] line,
	output logic [ENGINES-1:0]       heard, // one hot
	output logic [31:0]              heard_line,
	output logic                     hit,
	output entry_t                   hit_entry,
	input  logic                     drop,
	input  logic [31:0]              drop_line,
	input  logic                     fill,
	input  logic [31:0]              fill_line,
	input  entry_t                   fill_entry,
	output logic [63:0]              hits,
	output logic [63:0]              misses
);
	localparam int unsigned SETS = LINES / WAYS;
	localparam int unsigned SET_BITS = SETS > 1 ? $clog2(SETS) : 1;
	localparam int unsigned WAY_BITS = WAYS > 1 ? $clog2(WAYS) : 1;

	typedef logic [WAYS-1:0] ways_t;

	logic [WAYS-1:0][31:0] tag [SETS];
	ways_t                 valid [SETS], used [SETS];
	entry_t                data [SETS * WAYS];

	function automatic ways_t first(input ways_t x);
		return x & (~x + 1'b1);
	endfunction

	function automatic ways_t use_way(input ways_t u, input ways_t way);
		return (u | way) == '1 ? way : u | way;
	endfunction

	function automatic logic [WAY_BITS-1:0] number(input ways_t one);
		number = '0;
		for (int w = 0; w < WAYS; w++)
			if (one[w])
				number = WAY_BITS'(w);
	endfunction

	// Who is heard: the first behind the last one.
	logic [ENGINES-1:0] behind, after;
	always_comb begin
		after = ask & behind;
		if (after == 0)
			after = ask;
		heard = after & (~after + 1'b1);
		heard_line = '0;
		for (int i = 0; i < ENGINES; i++)
			if (heard[i])
				heard_line = line[i];
	end
	always_ff @(posedge clk) begin
		if (rst)
			behind <= '1;
		else if (heard != 0)
			behind <= ~(heard | (heard - 1'b1));
	end

	// What goes, on the set as it is.
	logic [SET_BITS-1:0] drop_set;
	ways_t               drop_way;
	always_comb begin
		drop_set = SET_BITS'(spread(drop_line, SETS));
		for (int w = 0; w < WAYS; w++)
			drop_way[w] = drop && valid[drop_set][w] && tag[drop_set][w] == drop_line;
	end

	// The fill, on the set as that leaves it.
	logic [SET_BITS-1:0]   fill_set;
	ways_t                 fill_same, fill_way, fill_valid, fill_used;
	logic [WAYS-1:0][31:0] fill_tag;
	always_comb begin
		fill_set = SET_BITS'(spread(fill_line, SETS));
		fill_valid = valid[fill_set] & (fill_set == drop_set ? ~drop_way : '1);
		fill_used = used[fill_set] & (fill_set == drop_set ? ~drop_way : '1);
		fill_tag = tag[fill_set];
		for (int w = 0; w < WAYS; w++)
			fill_same[w] = fill_valid[w] && fill_tag[w] == fill_line;
		fill_way = fill_same != 0 ? fill_same :
			   fill_valid != '1 ? first(~fill_valid) :
			   fill_used != '1 ? first(~fill_used) : ways_t'(1);
		for (int w = 0; w < WAYS; w++)
			if (fill_way[w])
				fill_tag[w] = fill_line;
		fill_valid = fill_valid | fill_way;
		fill_used = use_way(fill_used, fill_way);
	end

	// The probe, on the set as the fill leaves it.
	logic [SET_BITS-1:0]   set;
	logic                  both;
	ways_t                 way, set_valid, set_used;
	logic [WAYS-1:0][31:0] set_tag;
	always_comb begin
		set = SET_BITS'(spread(heard_line, SETS));
		both = fill && set == fill_set;
		set_valid = both ? fill_valid : valid[set] & (set == drop_set ? ~drop_way : '1);
		set_used = both ? fill_used : used[set] & (set == drop_set ? ~drop_way : '1);
		set_tag = both ? fill_tag : tag[set];
		for (int w = 0; w < WAYS; w++)
			way[w] = set_valid[w] && set_tag[w] == heard_line;
		hit = heard != 0 && way != 0;
		hit_entry = both && way == fill_way ? fill_entry : data[32'(set) * WAYS + 32'(number(way))];
	end

	logic [SET_BITS-1:0] clear;
	always_ff @(posedge clk) begin
		if (rst) begin
			valid[clear] <= '0;
			used[clear] <= '0;
			clear <= clear == SET_BITS'(SETS - 1) ? '0 : clear + 1'b1;
			hits <= 0;
			misses <= 0;
		end else begin
			// Of those to the same set the last one stays, and it knows of the others.
			if (drop_way != 0) begin
				valid[drop_set] <= valid[drop_set] & ~drop_way;
				used[drop_set] <= used[drop_set] & ~drop_way;
			end
			if (fill) begin
				tag[fill_set] <= fill_tag;
				valid[fill_set] <= fill_valid;
				used[fill_set] <= fill_used;
				data[32'(fill_set) * WAYS + 32'(number(fill_way))] <= fill_entry;
			end
			if (hit)
				used[set] <= use_way(set_used, way);
			hits <= hits + 64'(hit);
			misses <= misses + 64'(heard != 0 && !hit);
		end
	end
endmodule
