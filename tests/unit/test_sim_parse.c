/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NIC simulator's parser: random packets of every shape against what their builder knows, cut short at every byte,
 * integrity with every byte broken in turn, and a table of packets that are meant to fool it.
 */
#include "test_sim_frame.h"

#define ROUNDS 20000

static void
check_level(const struct frame *f, uint32_t i, const struct sim_phv *phv,
		const struct sim_offsets *off)
{
	static const uint8_t zero[40];
	const struct sim_level *lv = &phv->level[i];
	const uint32_t layers = f->layers[i];
	const uint8_t *d = f->data;

	assert_int_equal(phv->layers[i], layers);
	assert_memory_equal(lv->eth, layers & SIM_L_ETH ? d + f->l2[i] : zero, 14);
	if (layers & SIM_L_ETH)
		assert_int_equal(off->l2[i], f->l2[i]);
	assert_int_equal(off->vlan[i], f->vlan[i]);
	assert_memory_equal(lv->vlan, layers & SIM_L_VLAN ? d + f->vlan[i] : zero, 4);
	assert_memory_equal(lv->vlan + 4, layers & SIM_L_QINQ ? d + f->vlan[i] + 4 : zero, 4);
	if (layers & SIM_L_IPV4) {
		assert_int_equal(off->l3[i], f->l3[i]);
		assert_memory_equal(lv->ip + SIM_IP4_AT, d + f->l3[i], 20);
	} else if (layers & SIM_L_IPV6) {
		assert_int_equal(off->l3[i], f->l3[i]);
		assert_memory_equal(lv->ip, d + f->l3[i], 40);
	} else {
		assert_memory_equal(lv->ip, zero, 40);
	}
	if (layers & SIM_L_FRAG6)
		assert_memory_equal(lv->frag6, d + f->l3[i] + f->l3_len[i] - 8, 8);
	else
		assert_memory_equal(lv->frag6, zero, 8);
	assert_int_equal(off->l4[i], f->l4[i]);
	if (f->l4[i] == 0)
		assert_memory_equal(lv->l4, zero, 24);
	else
		assert_memory_equal(lv->l4, d + f->l4[i],
				layers & SIM_L_TCP		      ? 20
						: layers & SIM_L_SCTP ? 12
								      : 8);
}

static void
check_tunnel(const struct frame *f, const struct sim_phv *phv, const struct sim_offsets *off)
{
	static const uint8_t zero[24];
	const uint8_t *h = f->data + f->tunnel;

	assert_int_equal(off->tunnel, f->tunnel);
	if (f->layers[0] & SIM_L_GRE) {
		assert_memory_equal(phv->tunnel, h, 4);
		if (f->layers[0] & SIM_L_GRE_KEY)
			assert_memory_equal(phv->tunnel + 8, h + (h[0] & 0x80 ? 8 : 4), 4);
	} else if (f->tunnel != 0) {
		assert_memory_equal(phv->tunnel, h, 8);
		if ((f->layers[0] & SIM_L_GTPU) && (h[0] & 4))
			assert_memory_equal(phv->tunnel + 8, h + 8, 8);
	} else {
		assert_memory_equal(phv->tunnel, zero, 24);
	}
}

static void
test_random(void **state)
{
	uint32_t seen[2] = { 0, 0 };

	(void)state;
	srandom(1);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		struct frame_spec s;
		struct frame f;
		struct sim_phv phv;
		struct sim_offsets off;

		frame_random_spec(&s);
		frame_build(&f, &s);
		memset(&phv, 0xa5, sizeof(phv));
		sim_parse(f.data, (uint16_t)f.len, f.len, 0, &phv, &off);
		assert_int_equal(phv.mark, 0xa5a5a5a5);
		assert_int_equal(phv.port, 0xa5a5);
		assert_int_equal(phv.integrity[0], 0xa5);
		for (uint32_t i = 0; i < 2; i++) {
			check_level(&f, i, &phv, &off);
			seen[i] |= phv.layers[i];
		}
		check_tunnel(&f, &phv, &off);
		assert_int_equal(off.payload, f.payload);
	}
	/* Every bit but ARP came up, so none was merely never tried. */
	assert_int_equal(seen[0], 0x3f3fff);
	assert_int_equal(seen[1], 0x003fff);
}

/* Only the bytes that are there, at their end, so that a sanitizer sees a read beyond. */
static void
test_cut_short(void **state)
{
	(void)state;
	srandom(2);
	for (uint32_t n = 0; n < 400; n++) {
		struct frame_spec s;
		struct frame f;
		struct sim_phv whole = { 0 };
		struct sim_offsets off;

		frame_random_spec(&s);
		frame_build(&f, &s);
		sim_parse(f.data, (uint16_t)f.len, f.len, 0, &whole, &off);
		for (uint32_t len = 0; len < f.len; len++) {
			uint8_t *copy = malloc(len ? len : 1);
			struct sim_phv phv = { 0 };

			assert_non_null(copy);
			memcpy(copy, f.data, len);
			sim_parse(copy, (uint16_t)len, f.len, SIM_PARSE_INTEGRITY, &phv, &off);
			assert_true(off.payload <= len);
			for (uint32_t i = 0; i < 2; i++) {
				assert_int_equal(phv.layers[i] & ~whole.layers[i], 0);
				assert_true(off.l3[i] <= len && off.l4[i] <= len);
			}
			sim_parse(copy, (uint16_t)len, len, SIM_PARSE_INTEGRITY | SIM_PARSE_L3,
					&phv, &off);
			free(copy);
		}
	}
}

static uint32_t
expected_integrity(const struct frame *f, uint32_t i)
{
	const uint32_t layers = f->layers[i];
	uint32_t bits = layers ? SIM_I_PACKET_OK : 0;

	if (layers & SIM_L_ETH)
		bits |= SIM_I_L2_OK | SIM_I_L2_CRC_OK;
	if (layers & (SIM_L_IPV4 | SIM_L_IPV6))
		bits |= SIM_I_L3_OK | SIM_I_L3_LEN_OK;
	if (layers & SIM_L_IPV4)
		bits |= SIM_I_IPV4_CSUM_OK;
	if ((layers & (SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6)) &&
			!(layers & SIM_L_FRAG))
		bits |= SIM_I_L4_OK | SIM_I_L4_CSUM_OK;
	return bits;
}

static void
test_integrity(void **state)
{
	(void)state;
	srandom(3);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		struct frame_spec s;
		struct frame f;
		struct sim_phv phv = { 0 };
		struct sim_offsets off;

		frame_random_spec(&s);
		frame_build(&f, &s);
		sim_parse(f.data, (uint16_t)f.len, f.len, SIM_PARSE_INTEGRITY, &phv, &off);
		for (uint32_t i = 0; i < 2; i++)
			assert_int_equal(phv.integrity[i], expected_integrity(&f, i));
	}
}

/* One bit of a byte that a checksum covers: that checksum is wrong, whichever it is. */
static void
test_broken(void **state)
{
	uint32_t l3 = 0, l4 = 0;

	(void)state;
	srandom(4);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		struct frame_spec s;
		struct frame f;
		struct sim_phv phv = { 0 };
		struct sim_offsets off;

		frame_random_spec(&s);
		s.tunnel = T_NONE;
		frame_build(&f, &s);
		if (f.layers[0] & SIM_L_IPV4) {
			/* Addresses: in both sums, the pseudo header's for one. */
			f.data[f.l3[0] + 12 + random() % 8] ^= (uint8_t)(1u << random() % 8);
			sim_parse(f.data, (uint16_t)f.len, f.len, SIM_PARSE_INTEGRITY, &phv, &off);
			assert_int_equal(phv.integrity[0] &
							(SIM_I_IPV4_CSUM_OK | SIM_I_L3_OK |
									SIM_I_PACKET_OK),
					0);
			l3++;
			frame_build(&f, &s);
		}
		if (!(f.layers[0] & (SIM_L_TCP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6)) ||
				(f.layers[0] & SIM_L_FRAG) || s.payload == 0)
			continue;
		f.data[f.len - 1] ^= (uint8_t)(1u << random() % 8);
		sim_parse(f.data, (uint16_t)f.len, f.len, SIM_PARSE_INTEGRITY, &phv, &off);
		assert_int_equal(phv.integrity[0] &
						(SIM_I_L4_CSUM_OK | SIM_I_L4_OK | SIM_I_PACKET_OK),
				0);
		l4++;
	}
	assert_true(l3 > 1000 && l4 > 1000);
}

/* --- the table --- */

struct odd {
	const char *what;
	const char *hex;
	uint32_t outer, inner; /* layers */
};

#define ETH4 "020000000001020000000002 0800 "
#define ETH6 "020000000001020000000002 86dd "
#define IP6(len, next) \
	"60000000" len next "40 20010db8000000000000000000000001 20010db8000000000000000000000002 "

static const struct odd odds[] = {
	{ "nothing", "", 0, 0 },
	{ "13 bytes", "02000000000102000000000208", 0, 0 },
	{ "802.3 length", "020000000001020000000002 0026 4242030000000000", SIM_L_ETH, 0 },
	{ "ARP", "ffffffffffff020000000002 0806 0001080006040001 020000000002c0000201 000000000000c0000202",
			SIM_L_ETH | SIM_L_ARP, 0 },
	{ "ARP of something else",
			"ffffffffffff020000000002 0806 0006080006040001 020000000002c0000201 000000000000c0000202",
			SIM_L_ETH, 0 },
	{ "three tags", "020000000001020000000002 88a80001 81000002 81000003 0800 45000014000000004011000001020304 05060708",
			SIM_L_ETH | SIM_L_VLAN | SIM_L_QINQ, 0 },
	{ "version 6 behind type 0800", ETH4 "65000014000000004011000001020304 05060708", SIM_L_ETH,
			0 },
	{ "header of 16 bytes",
			ETH4 "44000020000000004011000001020304 05060708 0000000100080000 00000000",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "total length 0", ETH4 "45000000000000004011000001020304 05060708 0000000100080000",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "UDP cut by the total length",
			ETH4 "4500001b000000004011000001020304 05060708 0000000100080000",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "UDP, total length beyond the frame",
			ETH4 "45000fff000000004011000001020304 05060708 0000000100080000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP, 0 },
	{ "ICMPv6 over IPv4", ETH4 "4500001c00000000403a000001020304 05060708 8000000000000000",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "ICMP over IPv6", ETH6 IP6("0008", "01") "0800000000000000", SIM_L_ETH | SIM_L_IPV6, 0 },
	{ "8 extension headers",
			ETH6 IP6("0048",
					"3c") "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 1100000000000000 0000000100080000",
			SIM_L_ETH | SIM_L_IPV6 | SIM_L_IP_OPT | SIM_L_UDP, 0 },
	{ "9 extension headers",
			ETH6 IP6("0050",
					"3c") "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 1100000000000000 0000000100080000",
			SIM_L_ETH | SIM_L_IPV6 | SIM_L_IP_OPT, 0 },
	{ "two fragment headers",
			ETH6 IP6("0018", "2c") "2c00000000000001 1100000000000001 0000000100080000",
			SIM_L_ETH | SIM_L_IPV6 | SIM_L_FRAG6, 0 },
	{ "no next header", ETH6 IP6("0008", "3b") "0000000100080000", SIM_L_ETH | SIM_L_IPV6, 0 },
	{ "PPTP", ETH4 "4500002000000000402f000001020304 05060708 3001880b0000000100000000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_GRE, 0 },
	{ "GRE with routing",
			ETH4 "4500002000000000402f000001020304 05060708 400008000000000045000014",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_GRE, 0 },
	{ "GRE cut in its key", ETH4 "4500001a00000000402f000001020304 05060708 200008000000",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "GENEVE version 1",
			ETH4
			"4500002400000000401100000102030405060708 000117c100100000 4000655800000100",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP, 0 },
	{ "GENEVE options beyond the end",
			ETH4
			"4500002400000000401100000102030405060708 000117c100100000 0100655800000100",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP, 0 },
	{ "GTP echo",
			ETH4
			"4500002800000000401100000102030405060708 0868086800140000 320100040000000000010000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP | SIM_L_GTPU, 0 },
	{ "GTP'", ETH4 "4500002400000000401100000102030405060708 0868086800100000 20ff000000000000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP, 0 },
	{ "GTP extension of length 0",
			ETH4
			"4500002c00000000401100000102030405060708 0868086800180000 34ff000000000000 00000085 00000000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP, 0 },
	{ "VXLAN of 12 bytes",
			ETH4
			"4500002800000000401100000102030405060708 000112b500140000 0800000000000100 02000000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP | SIM_L_VXLAN, 0 },
	{ "IP in IP in IP: two levels are seen",
			ETH4
			"4500003c000000004004000001020304 05060708 45000028000000004004000001020304 05060708 45000014000000004006000001020304 05060708",
			SIM_L_ETH | SIM_L_IPV4, SIM_L_IPV4 },
	{ "inner packet beyond the outer's end",
			ETH4
			"45000020000000004004000001020304 05060708 45000014000000004006000001020304 05060708",
			SIM_L_ETH | SIM_L_IPV4, 0 },
	{ "later fragment of a tunnel",
			ETH4
			"4500002800000001401100000102030405060708 000112b500140000 0800000000000100 02000000",
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_FRAG, 0 },
};

static uint32_t
unhex(uint8_t *out, const char *hex)
{
	uint32_t n = 0;

	for (; *hex != '\0'; hex++) {
		unsigned int byte;

		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
		hex++;
	}
	return n;
}

static void
test_odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		const struct odd *o = &odds[i];
		uint8_t data[256];
		const uint32_t n = unhex(data, o->hex);
		struct sim_phv phv = { 0 };
		struct sim_offsets off;

		sim_parse(data, (uint16_t)n, n, SIM_PARSE_INTEGRITY, &phv, &off);
		if (phv.layers[0] != o->outer || phv.layers[1] != o->inner)
			fail_msg("%s: layers %x %x, expected %x %x", o->what, phv.layers[0],
					phv.layers[1], o->outer, o->inner);
	}
}

/* What is behind the IP packet in the frame is padding: sums leave it alone. */
static void
test_padding(void **state)
{
	const struct frame_spec s = { .level[0] = { .ip = 4, .l4 = 17 }, .payload = 1 };
	struct sim_phv phv = { 0 };
	struct sim_offsets off;
	struct frame f;

	(void)state;
	srandom(5);
	frame_build(&f, &s);
	memset(f.data + f.len, 0xff, 17);
	sim_parse(f.data, (uint16_t)(f.len + 17), f.len + 17, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_int_equal(phv.integrity[0], expected_integrity(&f, 0));
	/* Part of the frame is not in view: layer 4 cannot be summed, lengths can be known. */
	sim_parse(f.data, (uint16_t)(f.len - 1), f.len, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_int_equal(phv.integrity[0],
			SIM_I_L2_OK | SIM_I_L2_CRC_OK | SIM_I_L3_OK | SIM_I_L3_LEN_OK |
					SIM_I_IPV4_CSUM_OK);
	/* Nor can it be what it says. */
	sim_parse(f.data, (uint16_t)(f.len - 1), f.len - 1, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_int_equal(phv.integrity[0], SIM_I_L2_OK | SIM_I_L2_CRC_OK | SIM_I_IPV4_CSUM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_integrity),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
