// SPDX-License-Identifier: BSD-3-Clause
//
// The key out of a frame's first bytes: Ethernet, up to two VLAN tags, IPv4 with options, TCP or UDP. Combinational. What is cut
// short or is no such header is not there, and its part of the key is zero.
module extract
	import steering_pkg::*;
#(
	parameter int unsigned WINDOW = 96 // bytes looked at: 14 + 8 + 60 + 4 are enough
) (
	input  logic [8*WINDOW-1:0] data, // byte i at [8*i +: 8]
	input  logic [15:0]         len,  // of the whole frame
	output flow_key_t           key
);
	localparam int unsigned OFFSET = $clog2(WINDOW);

	function automatic logic [15:0] word(input logic [8*WINDOW-1:0] d, input logic [OFFSET-1:0] at);
		return {d[8*at +: 8], d[8*(at + 1'b1) +: 8]};
	endfunction

	function automatic logic is_tag(input logic [15:0] t);
		return t == 16'h8100 || t == 16'h88a8 || t == 16'h9100;
	endfunction

	logic [15:0]       type0, type1, ethertype;
	logic [OFFSET-1:0] l3, l4;
	logic              tag0, tag1;
	logic [5:0]        header;
	logic [16:0]       total, end_ip, end_l4;
	logic [15:0]       fragment;
	logic              is_ip, sound, whole;

	always_comb begin
		type0 = word(data, OFFSET'(12));
		type1 = word(data, OFFSET'(16));
		tag0 = len >= 14 && is_tag(type0);
		tag1 = tag0 && len >= 18 && is_tag(type1);
		l3 = tag1 ? OFFSET'(22) : tag0 ? OFFSET'(18) : OFFSET'(14);
		ethertype = tag1 ? word(data, OFFSET'(20)) : tag0 ? type1 : type0;

		is_ip = {1'b0, len} >= 17'(l3) + 17'd20 && ethertype == 16'h0800 &&
			data[8*l3 + 4 +: 4] == 4'd4;
		header = {data[8*l3 +: 4], 2'b00};
		total = {1'b0, word(data, l3 + OFFSET'(2))};
		fragment = word(data, l3 + OFFSET'(6));
		end_ip = 17'(l3) + total < {1'b0, len} ? 17'(l3) + total : {1'b0, len};
		sound = is_ip && header >= 20 && total >= 17'(header) && {1'b0, len} >= 17'(l3) + 17'(header);
		l4 = l3 + OFFSET'(header);

		key = '0;
		key.ipv4 = is_ip;
		if (is_ip) begin
			key.proto = data[8*(l3 + OFFSET'(9)) +: 8];
			key.src = {word(data, l3 + OFFSET'(12)), word(data, l3 + OFFSET'(14))};
			key.dst = {word(data, l3 + OFFSET'(16)), word(data, l3 + OFFSET'(18))};
		end
		end_l4 = 17'(l3) + 17'(header) + (key.proto == 8'd6 ? 17'd20 : 17'd8);
		whole = sound && fragment[12:0] == 0 && (key.proto == 8'd6 || key.proto == 8'd17) &&
			end_ip >= end_l4;
		if (whole) begin
			key.l4 = 1'b1;
			key.sport = word(data, l4);
			key.dport = word(data, l4 + OFFSET'(2));
		end
	end
endmodule
