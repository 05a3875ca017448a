/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Headers put in front and taken off: random packets through every encapsulation, each judged by its integrity bits, which
 * sum it from scratch, and by the packet that comes out again; VLAN tags; what has to fail, and change nothing.
 */
#include "test_sim_frame.h"

#define ROUNDS 20000

struct subject {
	struct frame f;
	struct sim_pkt p;
	struct sim_phv phv;
	struct sim_offsets off;
};

static int
act(struct subject *s, struct sim_action a)
{
	return sim_action_bytes(&s->p, &s->phv, &s->off, &a);
}

static void
subject(struct subject *s, const struct frame_spec *spec)
{
	frame_build(&s->f, spec);
	frame_packet(&s->f, &s->p, &s->phv, &s->off);
}

/* The vector is what a parser makes of the bytes; room and lengths add up. */
static void
check_current(struct subject *s, uint32_t flags)
{
	struct sim_phv fresh = s->phv;
	struct sim_offsets off;

	sim_parse(s->p.data, s->p.len, s->p.frame_len, flags, &fresh, &off);
	assert_memory_equal(&fresh, &s->phv, sizeof(fresh));
	assert_memory_equal(&off, &s->off, sizeof(off));
	assert_int_equal(s->p.headroom, s->p.data - s->f.room);
	assert_int_equal(s->p.len, s->p.frame_len);
}

/* A template: what an encapsulation action carries. Lengths and sums are rubbish on purpose. */
static uint32_t template(uint8_t *out, uint32_t tunnel, uint32_t ip, struct frame *f)
{
	struct frame_spec s = { .level = { { .ip = (uint8_t)ip }, { .ip = 4 } },
		.tunnel = (uint8_t)tunnel };
	uint32_t n;

	s.gre = 0xa0;
	s.level[0].tags = random() % 2;
	frame_build(f, &s);
	n = f->layers[1] & SIM_L_ETH ? f->l2[1] : f->l3[1];
	if (f->layers[0] & SIM_L_IPV4) {
		put16(f->data + f->l3[0] + 2, (uint32_t)random());
		put16(f->data + f->l3[0] + 10, (uint32_t)random());
	} else {
		put16(f->data + f->l3[0] + 4, (uint32_t)random());
	}
	if (f->layers[0] & SIM_L_UDP) {
		put16(f->data + f->l4[0], 0);
		put16(f->data + f->l4[0] + 4, (uint32_t)random());
		put16(f->data + f->l4[0] + 6, (uint32_t)random());
	}
	if (tunnel == T_GRE)
		put16(f->data + f->tunnel + 4, (uint32_t)random());
	memcpy(out, f->data, n);
	return n;
}

/* Ones that the integrity bits do not know: lengths of UDP and GTP-U, the sum of GRE, the port. */
static void
check_outer(const struct subject *s, uint32_t tunnel, uint32_t ip)
{
	const uint8_t *d = s->p.data;
	const uint8_t *udp = d + s->off.l4[0];
	const uint8_t *tun = d + s->off.tunnel;

	if (ip == 4)
		assert_int_equal(get16(d + s->off.l3[0] + 2), s->p.len - s->off.l3[0]);
	else
		assert_int_equal(get16(d + s->off.l3[0] + 4), s->p.len - s->off.l3[0] - 40);
	if (s->phv.layers[0] & SIM_L_UDP) {
		assert_int_equal(get16(udp + 4), s->p.len - s->off.l4[0]);
		assert_true(get16(udp) >= 0xc000);
		assert_int_equal(get16(udp + 6) == 0, ip == 4);
	}
	if (tunnel == T_GTPU)
		assert_int_equal(get16(tun + 2), s->p.len - s->off.tunnel - 8);
	if (s->phv.layers[0] & SIM_L_GRE)
		assert_int_equal(naive_sum(0, tun, s->p.len - s->off.tunnel), 0xffff);
}

static void
check_integrity(const struct subject *s)
{
	struct sim_phv phv = { 0 };
	struct sim_offsets off;

	sim_parse(s->p.data, s->p.len, s->p.frame_len, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_true(phv.integrity[0] & SIM_I_PACKET_OK);
	assert_true(phv.integrity[0] & SIM_I_L3_OK);
	if (phv.layers[0] & SIM_L_UDP)
		assert_true(phv.integrity[0] & SIM_I_L4_OK);
	assert_true(phv.integrity[1] & SIM_I_PACKET_OK);
}

static void
plain(struct frame_spec *s)
{
	frame_random_spec(s);
	s->tunnel = T_NONE;
}

/* Ethernet inside: ENCAP, then DECAP gives the very packet. */
static void
test_l2_tunnels(void **state)
{
	static const uint8_t tunnels[] = { T_VXLAN, T_GENEVE, T_NVGRE };
	static struct subject s;
	static struct frame scratch;
	uint8_t data[SIM_ENCAP_MAX], before[4096];

	(void)state;
	srandom(21);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		const uint32_t tunnel = tunnels[n % 3];
		const uint32_t ip = random() % 2 ? 4 : 6;
		struct frame_spec spec;
		struct sim_phv phv;
		uint32_t len;

		plain(&spec);
		subject(&s, &spec);
		memcpy(before, s.p.data, s.p.len);
		s.phv.mark = 77;
		phv = s.phv;
		len = template(data, tunnel, ip, &scratch);
		assert_int_equal(act(&s,
						 (struct sim_action){ SIM_A_ENCAP, 0, (uint16_t)len,
								 { .data = data } }),
				0);
		assert_int_equal(s.p.len, s.f.len + len);
		assert_memory_equal(s.p.data + len, before, s.f.len);
		check_current(&s, 0);
		check_outer(&s, tunnel, ip);
		check_integrity(&s);
		assert_int_equal(s.phv.layers[1], s.f.layers[0]);
		assert_memory_equal(&s.phv.level[1], &phv.level[0], sizeof(phv.level[0]));

		assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_DECAP }), 0);
		assert_int_equal(s.p.len, s.f.len);
		assert_memory_equal(s.p.data, before, s.f.len);
		assert_memory_equal(&s.phv, &phv, sizeof(phv));
		check_current(&s, 0);
	}
}

/* The inner packet, `before` without its first `l2` bytes, behind the Ethernet header that `data` begins with. */
static void
back_by_decap(struct subject *s, const uint8_t *data, const uint8_t *before, uint32_t l2)
{
	const uint32_t outer = s->off.l3[0], n = s->f.len - l2;

	assert_int_equal(act(s, (struct sim_action){ SIM_A_DECAP, SIM_AF_KEEP_L2, 0, { 0 } }), 0);
	assert_memory_equal(s->p.data, data, outer - 2);
	assert_int_equal(get16(s->p.data + outer - 2), before[l2] >> 4 == 4 ? 0x0800 : 0x86dd);
	assert_memory_equal(s->p.data + outer, before + l2, n);
	assert_int_equal(s->p.len, n + outer);
	check_current(s, 0);
}

/* All of `before`, whose Ethernet header is put in front again. */
static void
back_by_strip(struct subject *s, const uint8_t *before, uint32_t l2)
{
	const struct sim_action encap = { SIM_A_ENCAP, 0, (uint16_t)l2, { .data = before } };

	assert_int_equal(act(s, (struct sim_action){ SIM_A_DECAP, 0, 0, { 0 } }), -ENOENT);
	assert_int_equal(
			act(s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = s->off.l3[1] }), 0);
	check_current(s, SIM_PARSE_L3);
	assert_int_equal(act(s, encap), 0);
	assert_int_equal(s->p.len, s->f.len);
	assert_memory_equal(s->p.data, before, s->f.len);
	check_current(s, 0);
}

/* IP inside: STRIP of Ethernet, ENCAP; back by DECAP that keeps L2, or by STRIP and an Ethernet header in front. */
static void
test_l3_tunnels(void **state)
{
	static const uint8_t tunnels[] = { T_GTPU, T_GRE, T_IPIP };
	static struct subject s;
	static struct frame scratch;
	uint8_t data[SIM_ENCAP_MAX], before[4096];

	(void)state;
	srandom(22);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		const uint32_t tunnel = tunnels[n % 3];
		const uint32_t ip = random() % 2 ? 4 : 6;
		struct frame_spec spec;
		uint32_t len, l2;

		plain(&spec);
		spec.level[0].tags = (uint8_t)(random() % 3);
		subject(&s, &spec);
		l2 = s.off.l3[0];
		memcpy(before, s.p.data, s.p.len);
		assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = l2 }), 0);
		assert_int_equal(s.phv.layers[0],
				s.f.layers[0] & ~(uint32_t)(SIM_L_ETH | SIM_L_VLAN | SIM_L_QINQ));
		check_current(&s, SIM_PARSE_L3);

		len = template(data, tunnel, ip, &scratch);
		/* The builder's inner packet is IPv4; what is carried may be not. */
		if (tunnel == T_GRE)
			put16(data + scratch.tunnel + 2, spec.level[0].ip == 4 ? 0x0800 : 0x86dd);
		if (tunnel == T_IPIP && ip == 4)
			data[scratch.l3[0] + 9] = spec.level[0].ip == 4 ? 4 : 41;
		if (tunnel == T_IPIP && ip == 6)
			data[scratch.l3[0] + 6] = spec.level[0].ip == 4 ? 4 : 41;
		assert_int_equal(act(&s,
						 (struct sim_action){ SIM_A_ENCAP, 0, (uint16_t)len,
								 { .data = data } }),
				0);
		assert_memory_equal(s.p.data + len, before + l2, s.f.len - l2);
		check_current(&s, 0);
		check_outer(&s, tunnel, ip);
		check_integrity(&s);

		if (n % 2)
			back_by_decap(&s, data, before, l2);
		else
			back_by_strip(&s, before, l2);
	}
}

/* Same flow, same port; other flows, others. A port that is given stays. */
static void
test_source_port(void **state)
{
	static struct subject s;
	static struct frame scratch;
	const struct frame_spec spec = { .level[0] = { .ip = 4, .l4 = 17 }, .payload = 8 };
	uint8_t data[SIM_ENCAP_MAX];
	uint16_t ports[64];
	uint32_t len, same = 0;

	(void)state;
	srandom(23);
	len = template(data, T_VXLAN, 4, &scratch);
	for (uint32_t i = 0; i < 64; i++) {
		subject(&s, &spec);
		for (uint32_t twice = 0; twice < 2; twice++) {
			s.p.data[s.off.l4[0] + 4] ^= 1; /* the flow does not depend on lengths */
			assert_int_equal(act(&s,
							 (struct sim_action){ SIM_A_ENCAP, 0,
									 (uint16_t)len,
									 { .data = data } }),
					0);
			if (twice)
				assert_int_equal(ports[i], get16(s.p.data + s.off.l4[0]));
			ports[i] = get16(s.p.data + s.off.l4[0]);
			assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_DECAP }), 0);
		}
		for (uint32_t j = 0; j < i; j++)
			same += ports[i] == ports[j];
	}
	assert_true(same < 4);
	put16(data + scratch.l4[0], 1234);
	assert_int_equal(act(&s,
					 (struct sim_action){ SIM_A_ENCAP, 0, (uint16_t)len,
							 { .data = data } }),
			0);
	assert_int_equal(get16(s.p.data + s.off.l4[0]), 1234);
}

/* Identification where it is wanted: RFC 6864. */
static void
test_identification(void **state)
{
	static struct subject s;
	static struct frame scratch;
	const struct frame_spec spec = { .level[0] = { .ip = 4, .l4 = 17 }, .payload = 8 };
	uint8_t data[SIM_ENCAP_MAX];
	uint32_t len, at;

	(void)state;
	srandom(24);
	len = template(data, T_VXLAN, 4, &scratch);
	at = scratch.l3[0];
	for (uint32_t df = 0; df < 2; df++) {
		for (uint32_t given = 0; given < 2; given++) {
			uint16_t id;

			subject(&s, &spec);
			put16(data + at + 4, given ? 0x1234 : 0);
			put16(data + at + 6, df ? 0x4000 : 0);
			assert_int_equal(act(&s,
							 (struct sim_action){ SIM_A_ENCAP, 0,
									 (uint16_t)len,
									 { .data = data } }),
					0);
			id = get16(s.p.data + at + 4);
			if (given)
				assert_int_equal(id, 0x1234);
			else
				assert_int_equal(id == 0, df);
		}
	}
}

static void
test_vlan(void **state)
{
	static struct subject s;
	uint8_t before[4096];

	(void)state;
	srandom(25);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		struct frame_spec spec;
		struct sim_phv phv;
		uint16_t tci;

		frame_random_spec(&spec);
		spec.level[0].tags = (uint8_t)(random() % 2);
		subject(&s, &spec);
		memcpy(before, s.p.data, s.p.len);
		phv = s.phv;
		tci = spec.level[0].tags ? get16(before + 14) : 0;
		assert_int_equal(act(&s,
						 (struct sim_action){ .type = SIM_A_VLAN_PUSH,
								 .u32 = 0x88a8 }),
				0);
		assert_int_equal(s.p.len, s.f.len + 4);
		assert_memory_equal(s.p.data, before, 12);
		assert_int_equal(get16(s.p.data + 12), 0x88a8);
		assert_int_equal(get16(s.p.data + 14), tci);
		assert_memory_equal(s.p.data + 16, before + 12, s.f.len - 12);
		check_current(&s, 0);
		assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_VLAN_POP }), 0);
		assert_memory_equal(s.p.data, before, s.f.len);
		assert_memory_equal(&s.phv, &phv, sizeof(phv));
		check_current(&s, 0);

		assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_MAC_SWAP }), 0);
		assert_memory_equal(s.p.data, before + 6, 6);
		assert_memory_equal(s.p.data + 6, before, 6);
		assert_memory_equal(s.p.data + 12, before + 12, s.f.len - 12);
		check_current(&s, 0);
	}
}

/* Integrity that was asked for is that of the packet as it is now. */
static void
test_integrity_follows(void **state)
{
	static struct subject s;
	const struct frame_spec spec = { .level = { { .ip = 6 }, { .ip = 4, .l4 = 6 } },
		.tunnel = T_VXLAN };

	(void)state;
	srandom(26);
	subject(&s, &spec);
	s.f.data[s.f.l4[1] + 4] ^= 1; /* breaks both */
	sim_parse(s.p.data, s.p.len, s.p.len, SIM_PARSE_INTEGRITY, &s.phv, &s.off);
	assert_int_equal(s.phv.integrity[0] & SIM_I_L4_CSUM_OK, 0);
	assert_int_equal(s.phv.integrity[1] & SIM_I_L4_CSUM_OK, 0);
	assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_DECAP }), 0);
	assert_int_equal(s.phv.integrity[0] & (SIM_I_L4_CSUM_OK | SIM_I_L3_OK), SIM_I_L3_OK);
	assert_int_equal(s.phv.integrity[1], 0);
}

static void
check_refused(struct subject *s, struct sim_action a, int rc)
{
	const struct subject *before = s;
	struct subject copy;

	memcpy(&copy, s, sizeof(copy));
	assert_int_equal(act(s, a), rc);
	assert_memory_equal(before, &copy, sizeof(copy));
}

static void
test_refused(void **state)
{
	static struct subject s;
	static struct frame scratch;
	const struct frame_spec spec = { .level[0] = { .ip = 4, .l4 = 17 }, .payload = 8 };
	uint8_t data[SIM_ENCAP_MAX + 1] = { 0 };
	const uint16_t len = (uint16_t) template(data, T_VXLAN, 6, &scratch);

	(void)state;
	subject(&s, &spec);
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_POP }, -ENOENT);
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_PUSH, .u32 = 0x0800 }, -EINVAL);
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_PUSH, .u32 = 0x18100 }, -EINVAL);
	check_refused(&s, (struct sim_action){ .type = SIM_A_DECAP }, -ENOENT);
	check_refused(&s, (struct sim_action){ SIM_A_DECAP, SIM_AF_KEEP_L2, 0, { 0 } }, -ENOENT);
	check_refused(&s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = 0 }, -EINVAL);
	check_refused(&s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = s.p.len }, -ENOENT);
	check_refused(&s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = UINT32_MAX }, -ENOENT);
	check_refused(&s, (struct sim_action){ SIM_A_ENCAP, 0, 13, { .data = data } }, -EINVAL);
	check_refused(&s,
			(struct sim_action){ SIM_A_ENCAP, 0, SIM_ENCAP_MAX + 1, { .data = data } },
			-EINVAL);
	check_refused(&s, (struct sim_action){ SIM_A_ENCAP, 0, 50, { .data = NULL } }, -EINVAL);
	check_refused(&s, (struct sim_action){ .type = SIM_A_DROP }, -EINVAL);
	check_refused(&s, (struct sim_action){ .type = 255 }, -EINVAL);
	s.p.headroom = (uint16_t)(len - 1);
	check_refused(&s, (struct sim_action){ SIM_A_ENCAP, 0, len, { .data = data } }, -ENOSPC);
	s.p.headroom = 3;
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_PUSH, .u32 = 0x8100 }, -ENOSPC);
	s.p.headroom = 512;
	s.p.frame_len = SIM_FRAME_MAX - 3;
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_PUSH, .u32 = 0x8100 }, -ENOSPC);
	/* Without Ethernet there is nothing to tag or swap. */
	subject(&s, &spec);
	assert_int_equal(act(&s, (struct sim_action){ .type = SIM_A_STRIP, .u32 = 14 }), 0);
	check_refused(&s, (struct sim_action){ .type = SIM_A_VLAN_PUSH, .u32 = 0x8100 }, -ENOENT);
	check_refused(&s, (struct sim_action){ .type = SIM_A_MAC_SWAP }, -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_l2_tunnels),
		cmocka_unit_test(test_l3_tunnels),
		cmocka_unit_test(test_source_port),
		cmocka_unit_test(test_identification),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_integrity_follows),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
