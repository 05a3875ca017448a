/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MODIFY against a naive model: bits are set one by one at the place that the protocol's document gives, then every checksum
 * of the packet is computed from scratch. The action, which works by differences, must give the same packet, and the
 * vector must be that of a parser run on it.
 */
#include "test_sim_frame.h"

#define ROUNDS 200000

enum at { AT_L2, AT_VLAN, AT_L3, AT_L4, AT_TUNNEL, AT_META };

/* Bit offset from the first bit of the header, as documents draw it, and width. */
static const struct place {
	uint8_t field;
	uint8_t at;
	uint16_t bit, bits;
	uint32_t layers;
} places[] = {
	{ SIM_F_MAC_DST, AT_L2, 0, 48, SIM_L_ETH },
	{ SIM_F_MAC_SRC, AT_L2, 48, 48, SIM_L_ETH },
	{ SIM_F_VLAN_ID, AT_VLAN, 4, 12, SIM_L_VLAN },
	{ SIM_F_VLAN_PCP, AT_VLAN, 0, 3, SIM_L_VLAN },
	{ SIM_F_IPV4_SRC, AT_L3, 96, 32, SIM_L_IPV4 },
	{ SIM_F_IPV4_DST, AT_L3, 128, 32, SIM_L_IPV4 },
	{ SIM_F_IPV4_DSCP, AT_L3, 8, 6, SIM_L_IPV4 },
	{ SIM_F_IPV4_ECN, AT_L3, 14, 2, SIM_L_IPV4 },
	{ SIM_F_IPV4_TTL, AT_L3, 64, 8, SIM_L_IPV4 },
	{ SIM_F_IPV6_SRC, AT_L3, 64, 128, SIM_L_IPV6 },
	{ SIM_F_IPV6_DST, AT_L3, 192, 128, SIM_L_IPV6 },
	{ SIM_F_IPV6_DSCP, AT_L3, 4, 6, SIM_L_IPV6 },
	{ SIM_F_IPV6_ECN, AT_L3, 10, 2, SIM_L_IPV6 },
	{ SIM_F_IPV6_HOPLIMIT, AT_L3, 56, 8, SIM_L_IPV6 },
	{ SIM_F_TTL, AT_L3, 64, 8, SIM_L_IPV4 },
	{ SIM_F_TTL, AT_L3, 56, 8, SIM_L_IPV6 },
	{ SIM_F_TCP_SRC, AT_L4, 0, 16, SIM_L_TCP },
	{ SIM_F_TCP_DST, AT_L4, 16, 16, SIM_L_TCP },
	{ SIM_F_TCP_SEQ, AT_L4, 32, 32, SIM_L_TCP },
	{ SIM_F_TCP_ACK, AT_L4, 64, 32, SIM_L_TCP },
	{ SIM_F_TCP_FLAGS, AT_L4, 103, 9, SIM_L_TCP },
	{ SIM_F_UDP_SRC, AT_L4, 0, 16, SIM_L_UDP },
	{ SIM_F_UDP_DST, AT_L4, 16, 16, SIM_L_UDP },
	{ SIM_F_TP_SRC, AT_L4, 0, 16, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	{ SIM_F_TP_DST, AT_L4, 16, 16, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	{ SIM_F_VXLAN_VNI, AT_TUNNEL, 32, 24, SIM_L_VXLAN },
	{ SIM_F_GENEVE_VNI, AT_TUNNEL, 32, 24, SIM_L_GENEVE },
	{ SIM_F_GTP_TEID, AT_TUNNEL, 32, 32, SIM_L_GTPU },
	{ SIM_F_TAG, AT_META, 0, 32, 0 },
	{ SIM_F_MARK, AT_META, 0, 32, 0 },
	{ SIM_F_META, AT_META, 0, 32, 0 },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

/* A number as bits, the least significant first. */
struct bits {
	bool b[128];
};

static const struct place *
find(const struct frame *f, uint32_t field, uint32_t level)
{
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].field == field &&
				(places[i].at == AT_META || (f->layers[level] & places[i].layers)))
			return &places[i];
	return NULL;
}

static uint8_t *
header(struct frame *f, const struct place *p, uint32_t level)
{
	const uint32_t at[] = { f->l2[level], f->vlan[level], f->l3[level], f->l4[level],
		f->tunnel };

	return f->data + at[p->at];
}

static uint32_t *
meta(struct sim_phv *phv, uint32_t field, uint32_t index)
{
	return field == SIM_F_TAG	      ? &phv->tag[index]
			: field == SIM_F_MARK ? &phv->mark
					      : &phv->meta;
}

static void
get_bits(struct frame *f, struct sim_phv *phv, const struct place *p, uint32_t level,
		uint32_t index, struct bits *v)
{
	memset(v, 0, sizeof(*v));
	for (uint32_t i = 0; i < p->bits; i++) {
		const uint32_t at = p->bit + p->bits - 1u - i;

		v->b[i] = p->at == AT_META ? *meta(phv, p->field, index) >> i & 1
					   : header(f, p, level)[at / 8] >> (7 - at % 8) & 1;
	}
}

static void
set_bits(struct frame *f, struct sim_phv *phv, const struct place *p, uint32_t level,
		uint32_t index, const struct bits *v)
{
	for (uint32_t i = 0; i < p->bits; i++) {
		const uint32_t at = p->bit + p->bits - 1u - i;

		if (p->at == AT_META) {
			uint32_t *m = meta(phv, p->field, index);

			*m = (*m & ~(1u << i)) | (uint32_t)v->b[i] << i;
		} else {
			uint8_t *h = header(f, p, level) + at / 8;
			const uint32_t shift = 7 - at % 8;

			*h = (uint8_t)((*h & ~(1u << shift)) | (uint32_t)v->b[i] << shift);
		}
	}
}

/* The model. */
static void
naive(struct frame *f, struct sim_phv *phv, const struct sim_modify *m)
{
	const struct place *d = find(f, m->dst, m->dst_level);
	const struct place *s = m->src == SIM_F_VALUE ? NULL : find(f, m->src, m->src_level);
	struct bits dst, src;
	bool carry = m->op == SIM_OP_SUB;

	if (d == NULL || (m->src != SIM_F_VALUE && s == NULL))
		return;
	if (s != NULL)
		get_bits(f, phv, s, m->src_level, m->src_index, &src);
	else
		for (uint32_t i = 0; i < 128; i++)
			src.b[i] = m->value[15 - i / 8] >> i % 8 & 1;
	get_bits(f, phv, d, m->dst_level, m->dst_index, &dst);
	for (uint32_t i = 0; i < m->bits; i++) {
		const bool a = dst.b[m->dst_bit + i];
		const bool b = src.b[m->src_bit + i] ^ (m->op == SIM_OP_SUB);

		if (m->op == SIM_OP_SET) {
			dst.b[m->dst_bit + i] = b;
			continue;
		}
		dst.b[m->dst_bit + i] = a ^ b ^ carry;
		carry = (a && b) || (carry && (a || b));
	}
	set_bits(f, phv, d, m->dst_level, m->dst_index, &dst);
}

static void
random_modify(struct sim_modify *m)
{
	uint32_t dst_bits, src_bits;

	memset(m, 0, sizeof(*m));
	m->op = (uint8_t)(random() % 3);
	m->dst = places[(size_t)random() % PLACES].field;
	m->src = random() % 3 ? SIM_F_VALUE : places[(size_t)random() % PLACES].field;
	m->dst_level = random() % 2;
	m->src_level = random() % 2;
	m->dst_index = (uint8_t)(random() % SIM_TAGS);
	m->src_index = (uint8_t)(random() % SIM_TAGS);
	dst_bits = sim_field_bits(m->dst);
	src_bits = m->src == SIM_F_VALUE ? 128 : sim_field_bits(m->src);
	m->bits = (uint16_t)(1 + (uint32_t)random() % (dst_bits < src_bits ? dst_bits : src_bits));
	m->dst_bit = (uint16_t)((uint32_t)random() % (dst_bits - m->bits + 1));
	m->src_bit = (uint16_t)((uint32_t)random() % (src_bits - m->bits + 1));
	if (random() % 3 == 0 && m->src == SIM_F_VALUE) {
		m->bits = (uint16_t)dst_bits;
		m->dst_bit = m->src_bit = 0;
	}
	for (uint32_t i = 0; i < 16; i++)
		m->value[i] = (uint8_t)random();
}

static bool
is_sctp_port_of_fragment(const struct frame *f, const struct sim_modify *m)
{
	const struct place *d = find(f, m->dst, m->dst_level);
	const uint32_t both = SIM_L_SCTP | SIM_L_FRAG;

	return d != NULL && d->at == AT_L4 && (f->layers[m->dst_level] & both) == both &&
			(m->src == SIM_F_VALUE || find(f, m->src, m->src_level) != NULL);
}

static void
compare(const struct frame *f, const struct frame *model, const struct sim_modify *m)
{
	if (memcmp(f->data, model->data, f->len) == 0)
		return;
	for (uint32_t i = 0; i < f->len; i++)
		if (f->data[i] != model->data[i])
			fail_msg("byte %u: %02x, should be %02x; op %u dst %u/%u bit %u bits %u; layers %x "
				 "%x, l3 %u %u, l4 %u %u",
					i, f->data[i], model->data[i], m->op, m->dst, m->dst_level,
					m->dst_bit, m->bits, f->layers[0], f->layers[1], f->l3[0],
					f->l3[1], f->l4[0], f->l4[1]);
}

static void
check_vector(const struct frame *f, const struct sim_phv *phv)
{
	struct sim_phv fresh = *phv;
	struct sim_offsets off;

	sim_parse(f->data, (uint16_t)f->len, f->len, 0, &fresh, &off);
	assert_memory_equal(&fresh, phv, sizeof(fresh));
}

/* Ports decide what is parsed behind them: a fresh look would find another packet. */
static bool
renames_tunnel(const struct frame *f, const struct sim_modify *m)
{
	return m->dst == SIM_F_UDP_DST || m->dst == SIM_F_TP_DST ? f->layers[0] & SIM_L_UDP : false;
}

static void
test_model(void **state)
{
	uint32_t changed = 0;

	(void)state;
	srandom(11);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		static struct frame f, model, before;
		struct frame_spec s;
		struct sim_pkt p;
		struct sim_phv phv, want;
		struct sim_offsets off;
		struct sim_modify m;
		int rc;

		if (n % 4 == 0) {
			frame_random_spec(&s);
			frame_build(&f, &s);
		}
		frame_packet(&f, &p, &phv, &off);
		for (uint32_t i = 0; i < SIM_TAGS; i++)
			phv.tag[i] = (uint32_t)random();
		phv.mark = (uint32_t)random();
		memcpy(&model, &f, sizeof(f));
		model.data = model.room + 512;
		memcpy(&before, &model, sizeof(f));
		before.data = before.room + 512;
		want = phv;
		random_modify(&m);
		rc = sim_modify_apply(&p, &off, &phv, &m);
		if (is_sctp_port_of_fragment(&f, &m)) {
			assert_int_equal(rc, -ENOTSUP);
			assert_memory_equal(&phv, &want, sizeof(phv));
		} else {
			assert_int_equal(rc, 0);
			naive(&model, &want, &m);
			frame_seal(&model);
		}
		changed += memcmp(f.data, before.data, f.len) != 0;
		compare(&f, &model, &m);
		assert_memory_equal(&phv.mark, &want.mark,
				sizeof(phv.mark) + sizeof(phv.meta) + sizeof(phv.tag));
		if (!renames_tunnel(&f, &m))
			check_vector(&f, &phv);
		else
			n += 3 - n % 4; /* another frame: this one is what its spec does not say */
	}
	assert_true(changed > ROUNDS / 8);
}

/* An old sum that was wrong must not become right. */
static void
test_wrong_stays_wrong(void **state)
{
	const struct frame_spec s = { .level[0] = { .ip = 4, .l4 = 6 }, .payload = 10 };
	const struct sim_modify m = { .dst = SIM_F_IPV4_DST, .bits = 32, .value = { [12] = 9 } };
	struct sim_phv phv;
	struct sim_offsets off;
	struct sim_pkt p;
	struct frame f;

	(void)state;
	frame_build(&f, &s);
	f.data[f.l4[0] + 16] ^= 1;
	f.data[f.l3[0] + 10] ^= 1;
	frame_packet(&f, &p, &phv, &off);
	assert_int_equal(sim_modify_apply(&p, &off, &phv, &m), 0);
	sim_parse(p.data, p.len, p.len, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_int_equal(phv.integrity[0] & (SIM_I_IPV4_CSUM_OK | SIM_I_L4_CSUM_OK), 0);
}

/* UDP sums: 0 is none and stays; a sum that comes out as 0 is 0xffff. */
static void
test_udp_zero(void **state)
{
	struct frame_spec s = { .level[0] = { .ip = 4, .l4 = 17, .no_sum = true }, .payload = 4 };
	struct sim_modify m = { .dst = SIM_F_IPV4_DST, .bits = 32 };
	struct sim_phv phv;
	struct sim_offsets off;
	struct sim_pkt p;
	struct frame f;

	(void)state;
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	assert_int_equal(sim_modify_apply(&p, &off, &phv, &m), 0);
	assert_int_equal(get16(f.data + f.l4[0] + 6), 0);

	s.level[0].no_sum = false;
	m = (struct sim_modify){ .dst = SIM_F_UDP_SRC, .bits = 16 };
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	/* All ports, so all sums. */
	for (uint32_t port = 0, zeros = 0; port < 65536; port++) {
		put16(m.value + 14, port);
		assert_int_equal(sim_modify_apply(&p, &off, &phv, &m), 0);
		assert_int_not_equal(get16(f.data + f.l4[0] + 6), 0);
		zeros += get16(f.data + f.l4[0] + 6) == 0xffff;
		if (port == 65535)
			assert_true(zeros > 0);
	}
}

static void
test_bad(void **state)
{
	static const struct sim_modify bad[] = {
		{ .op = 3, .dst = SIM_F_MARK, .bits = 1 },
		{ .dst = SIM_F_MARK, .bits = 0 },
		{ .dst = SIM_F_MARK, .bits = 33 },
		{ .dst = SIM_F_MARK, .dst_bit = 1, .bits = 32 },
		{ .dst = SIM_F_MARK, .dst_bit = UINT16_MAX, .bits = UINT16_MAX },
		{ .dst = SIM_F_VALUE, .bits = 1 },
		{ .dst = SIM_F_COUNT, .bits = 1 },
		{ .dst = 255, .bits = 1 },
		{ .dst = SIM_F_MARK, .src = SIM_F_COUNT, .bits = 1 },
		{ .dst = SIM_F_MARK, .src = SIM_F_VLAN_PCP, .bits = 4 },
		{ .dst = SIM_F_IPV6_SRC, .src = SIM_F_VALUE, .src_bit = 1, .bits = 128 },
		{ .dst = SIM_F_TAG, .dst_index = SIM_TAGS, .bits = 1 },
		{ .dst = SIM_F_MARK, .src = SIM_F_TAG, .src_index = SIM_TAGS, .bits = 1 },
		{ .dst = SIM_F_MAC_DST, .dst_level = 2, .bits = 1 },
		{ .dst = SIM_F_MARK, .src = SIM_F_MAC_DST, .src_level = 2, .bits = 1 },
	};
	const struct frame_spec s = { .level[0] = { .ip = 4, .l4 = 6 } };
	struct sim_phv phv;
	struct sim_offsets off;
	struct sim_pkt p;
	struct frame f;

	(void)state;
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sim_modify_apply(&p, &off, &phv, &bad[i]), -EINVAL);
}

/* What the descriptor says. */
static void
test_meta(void **state)
{
	const struct frame_spec s = { .level[0] = { .ip = 4, .l4 = 6 } };
	const struct sim_modify mark = {
		.dst = SIM_F_MARK, .src = SIM_F_VALUE, .bits = 32, .value = { [12] = 1, 2, 3, 4 }
	};
	const struct sim_modify copy = { .op = SIM_OP_ADD,
		.dst = SIM_F_META,
		.src = SIM_F_MARK,
		.dst_bit = 8,
		.src_bit = 8,
		.bits = 8 };
	struct sim_phv phv;
	struct sim_offsets off;
	struct sim_pkt p;
	struct frame f;

	(void)state;
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	assert_int_equal(sim_modify_apply(&p, &off, &phv, &mark), 0);
	assert_int_equal(sim_modify_apply(&p, &off, &phv, &copy), 0);
	assert_int_equal(phv.mark, 0x01020304);
	assert_int_equal(p.mark, 0x01020304);
	assert_int_equal(p.marked, 1);
	assert_int_equal(phv.meta, 0x300);
	assert_int_equal(p.meta, 0x300);
	assert_int_equal(p.meta_set, 1);
}

static void
test_widths(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++)
		assert_int_equal(sim_field_bits(places[i].field), places[i].bits);
	assert_int_equal(sim_field_bits(SIM_F_VALUE), 0);
	assert_int_equal(sim_field_bits(SIM_F_ETH_TYPE), 16);
	assert_int_equal(sim_field_bits(SIM_F_VLAN_TYPE), 16);
	assert_int_equal(sim_field_bits(SIM_F_COUNT), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_wrong_stays_wrong),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
