/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames from descriptions; see test_sim_frame.h.
 */
#include "test_sim_frame.h"

static uint32_t
pick(uint32_t n)
{
	return (uint32_t)random() % n;
}

uint16_t
naive_sum(uint32_t start, const uint8_t *p, uint32_t n)
{
	uint32_t sum = start;

	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

uint32_t
naive_crc32c(const uint8_t *p, uint32_t n)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < n * 8; i++) {
		const uint32_t bit = (crc ^ (p[i / 8] >> i % 8)) & 1;

		crc = crc >> 1 ^ (bit ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* --- the description --- */

static void
random_level(struct level_spec *l, bool carrier)
{
	static const uint8_t l4[] = { 6, 17, 132, 1, 58, 50, 0, 6, 17, 6 };

	l->tags = pick(4) == 0 ? (uint8_t)(1 + pick(2)) : 0;
	l->ip = pick(2) ? 4 : 6;
	l->options = pick(3) == 0 ? (uint8_t)(1 + pick(3)) : 0;
	l->cut = carrier || pick(5) ? CUT_NONE : (uint8_t)(1 + pick(3));
	if (l->cut == CUT_ATOMIC && l->ip == 4)
		l->cut = CUT_FIRST;
	l->l4 = carrier ? 0 : l4[pick(sizeof(l4))];
	if (l->l4 == 1 && l->ip == 6)
		l->l4 = 58;
	else if (l->l4 == 58 && l->ip == 4)
		l->l4 = 1;
	l->no_sum = l->ip == 4 && pick(3) == 0;
}

void
frame_random_spec(struct frame_spec *s)
{
	memset(s, 0, sizeof(*s));
	s->tunnel = pick(2) ? T_NONE : (uint8_t)pick(T_COUNT);
	s->gre = (uint8_t)(pick(8) << 4);
	s->gre = (uint8_t)((s->gre & 0x10) | (s->gre & 0x20) | (s->gre & 0x40 ? 0x80 : 0));
	s->payload = (uint16_t)pick(200);
	random_level(&s->level[0], s->tunnel != T_NONE);
	random_level(&s->level[1], false);
	if (s->tunnel == T_GTPU || s->tunnel == T_GRE || s->tunnel == T_IPIP)
		s->level[1].tags = 0;
	if (s->tunnel != T_NONE && s->tunnel != T_IPIP && pick(6) == 0)
		s->level[0].cut = CUT_FIRST;
}

/* --- headers, front to back; lengths and checksums come after --- */

struct writer {
	struct frame *f;
	uint32_t at;
};

static uint8_t *
add(struct writer *w, uint32_t n)
{
	uint8_t *p = w->f->data + w->at;

	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)random();
	w->at += n;
	return p;
}

static void
add_ether(struct writer *w, uint32_t level, uint32_t type)
{
	static const uint16_t tpid[3] = { 0x8100, 0x88a8, 0x9100 };
	struct frame *f = w->f;
	uint8_t *h;

	f->l2[level] = w->at;
	f->layers[level] |= SIM_L_ETH;
	h = add(w, 14);
	f->vlan[level] = f->spec.level[level].tags ? w->at : 0;
	for (uint32_t i = 0; i < f->spec.level[level].tags; i++) {
		put16(h + 12 + 4 * i, tpid[pick(3)]);
		add(w, 4);
		f->layers[level] |= i == 0 ? SIM_L_VLAN : SIM_L_QINQ;
	}
	put16(f->data + w->at - 2, type);
}

static void
add_ipv4(struct writer *w, uint32_t level, uint8_t proto)
{
	const struct level_spec *l = &w->f->spec.level[level];
	uint8_t *h = add(w, 20 + 4u * l->options);

	h[0] = (uint8_t)(0x45 + l->options);
	put16(h + 6, pick(2) ? 0x4000 : 0);
	if (l->cut == CUT_FIRST)
		put16(h + 6, 0x2000);
	else if (l->cut == CUT_LATER)
		put16(h + 6, (pick(2) ? 0x2000 : 0) | (1 + pick(0x1fff)));
	h[9] = proto;
	if (l->options)
		memset(h + 20, 1, 4u * l->options);
}

static void
add_ipv6(struct writer *w, uint32_t level, uint8_t proto)
{
	static const uint8_t kinds[3] = { 0, 60, 51 };
	struct frame *f = w->f;
	const struct level_spec *l = &f->spec.level[level];
	uint8_t *h = add(w, 40);
	uint8_t *next = h + 6;

	h[0] = (uint8_t)(0x60 | (h[0] & 15));
	for (uint32_t i = 0; i < l->options; i++) {
		const uint32_t words = 2 * (1 + pick(3));

		*next = kinds[i];
		next = add(w, words * 4);
		next[1] = (uint8_t)(kinds[i] == 51 ? words - 2 : words / 2 - 1);
	}
	if (l->cut != CUT_NONE) {
		*next = 44;
		next = add(w, 8);
		put16(next + 2,
				l->cut == CUT_FIRST ? 1
						: l->cut == CUT_ATOMIC
						? 0
						: ((1 + pick(0x1fff)) << 3 | pick(2)));
		f->layers[level] |= SIM_L_FRAG6;
	}
	*next = proto;
}

static void
add_ip(struct writer *w, uint32_t level, uint8_t proto)
{
	struct frame *f = w->f;
	const struct level_spec *l = &f->spec.level[level];

	f->l3[level] = w->at;
	f->proto[level] = proto;
	f->layers[level] |= l->ip == 4 ? SIM_L_IPV4 : SIM_L_IPV6;
	f->layers[level] |= l->options ? SIM_L_IP_OPT : 0;
	f->layers[level] |= l->cut == CUT_FIRST || l->cut == CUT_LATER ? SIM_L_FRAG : 0;
	if (l->ip == 4)
		add_ipv4(w, level, proto);
	else
		add_ipv6(w, level, proto);
	f->l3_len[level] = w->at - f->l3[level];
	f->payload = w->at;
}

static void
add_l4(struct writer *w, uint32_t level, uint8_t proto)
{
	static const struct {
		uint8_t proto;
		uint8_t bytes;
		uint32_t layer;
	} known[] = { { 6, 20, SIM_L_TCP }, { 17, 8, SIM_L_UDP }, { 132, 12, SIM_L_SCTP },
		{ 1, 8, SIM_L_ICMP }, { 58, 8, SIM_L_ICMP6 }, { 50, 8, SIM_L_ESP } };
	struct frame *f = w->f;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t *h;

		if (known[i].proto != proto)
			continue;
		h = add(w, known[i].bytes);
		if (f->spec.level[level].cut == CUT_LATER)
			return; /* of the middle of a datagram: only bytes */
		f->l4[level] = w->at - known[i].bytes;
		f->layers[level] |= known[i].layer;
		if (proto == 6) {
			const uint32_t words = pick(2) ? pick(11) : 0;

			h[12] = (uint8_t)((5 + words) << 4 | (h[12] & 1));
			add(w, words * 4);
		} else if (proto == 17) {
			put16(h + 2, 9999); /* no tunnel by accident */
		}
		f->payload = w->at;
	}
}

/* --- tunnels --- */

static void
add_gre(struct writer *w, uint32_t type)
{
	struct frame *f = w->f;
	const uint8_t flags = f->spec.gre;
	uint8_t *h = add(w, 4);

	h[0] = flags;
	h[1] = 0;
	put16(h + 2, type);
	f->layers[0] |= SIM_L_GRE;
	if (flags & 0x80)
		put16(add(w, 4) + 2, 0);
	if (flags & 0x20) {
		add(w, 4);
		f->layers[0] |= SIM_L_GRE_KEY;
	}
	if (flags & 0x10)
		add(w, 4);
}

static void
add_gtpu(struct writer *w)
{
	const uint32_t kind = pick(3);
	uint8_t *h = add(w, 8);

	h[0] = (uint8_t)(0x30 | (kind == 0 ? 0 : kind == 1 ? 2 : 4));
	h[1] = 255;
	if (kind == 0)
		return;
	h = add(w, 4);
	h[3] = kind == 1 ? 0 : 0x85;
	if (kind == 2) {
		h = add(w, 4);
		h[0] = 1;
		h[3] = pick(2) ? 0xc0 : 0;
		if (h[3] != 0) {
			h = add(w, 8);
			h[0] = 2;
			h[7] = 0;
		}
	}
}

static void
add_tunnel(struct writer *w, uint32_t type)
{
	struct frame *f = w->f;
	const uint32_t options = pick(4);
	uint8_t *h;

	if (f->spec.tunnel == T_IPIP)
		return;
	f->tunnel = w->at;
	switch (f->spec.tunnel) {
	case T_VXLAN:
		h = add(w, 8);
		h[0] = 8;
		f->layers[0] |= SIM_L_VXLAN;
		break;
	case T_GENEVE:
		h = add(w, 8);
		h[0] = (uint8_t)options;
		put16(h + 2, 0x6558);
		add(w, options * 4);
		f->layers[0] |= SIM_L_GENEVE;
		break;
	case T_GTPU:
		add_gtpu(w);
		f->layers[0] |= SIM_L_GTPU;
		break;
	case T_NVGRE:
		add_gre(w, 0x6558);
		f->layers[0] |= SIM_L_NVGRE;
		break;
	default:
		add_gre(w, type);
		break;
	}
	f->payload = w->at;
}

static void
add_outer(struct writer *w, uint32_t type)
{
	static const uint16_t port[T_COUNT] = {
		[T_VXLAN] = 4789, [T_GENEVE] = 6081, [T_GTPU] = 2152
	};
	struct frame *f = w->f;
	const uint8_t tunnel = f->spec.tunnel;

	add_ether(w, 0, f->spec.level[0].ip == 4 ? 0x0800 : 0x86dd);
	if (port[tunnel] != 0) {
		add_ip(w, 0, 17);
		f->l4[0] = w->at;
		f->layers[0] |= SIM_L_UDP;
		put16(add(w, 8) + 2, port[tunnel]);
	} else if (tunnel == T_IPIP) {
		add_ip(w, 0, f->spec.level[1].ip == 4 ? 4 : 41);
	} else {
		add_ip(w, 0, 47);
	}
	add_tunnel(w, type);
	if (tunnel == T_VXLAN || tunnel == T_GENEVE || tunnel == T_NVGRE)
		add_ether(w, 1, type);
}

/* --- lengths, sums --- */

static void
lengths(struct frame *f)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t *ip = f->data + f->l3[i];

		if (f->layers[i] & SIM_L_IPV4)
			put16(ip + 2, f->len - f->l3[i]);
		else if (f->layers[i] & SIM_L_IPV6)
			put16(ip + 4, f->len - f->l3[i] - 40);
		if (f->layers[i] & SIM_L_UDP)
			put16(f->data + f->l4[i] + 4, f->len - f->l4[i]);
	}
	if (f->layers[0] & SIM_L_GTPU)
		put16(f->data + f->tunnel + 2, f->len - f->tunnel - 8);
}

static void
seal_l4(struct frame *f, uint32_t level)
{
	uint8_t *h = f->data + f->l4[level];
	const uint8_t *ip = f->data + f->l3[level];
	const uint32_t n = f->len - f->l4[level];
	const uint32_t layers = f->layers[level];
	uint32_t start = f->proto[level] + n;
	uint32_t at;

	if (layers & SIM_L_IPV4)
		start = naive_sum(start, ip + 12, 8);
	else
		start = naive_sum(start, ip + 8, 32);
	if (layers & SIM_L_SCTP) {
		uint32_t crc;

		put32(h + 8, 0);
		crc = naive_crc32c(h, n);
		for (at = 0; at < 4; at++)
			h[8 + at] = (uint8_t)(crc >> 8 * at);
		return;
	}
	at = layers & SIM_L_TCP ? 16 : layers & SIM_L_UDP ? 6 : 2;
	if ((layers & SIM_L_UDP) && get16(h + 6) == 0)
		return;
	if (layers & SIM_L_ICMP)
		start = 0;
	put16(h + at, 0);
	put16(h + at, (uint16_t)~naive_sum(start, h, n));
	if ((layers & SIM_L_UDP) && get16(h + 6) == 0)
		put16(h + 6, 0xffff);
}

void
frame_seal(struct frame *f)
{
	for (uint32_t i = 2; i-- > 0;) {
		uint8_t *ip = f->data + f->l3[i];

		if (f->layers[i] & SIM_L_IPV4) {
			put16(ip + 10, 0);
			put16(ip + 10, (uint16_t)~naive_sum(0, ip, (ip[0] & 15u) * 4));
		}
		if (i == 0 && (f->layers[0] & SIM_L_GRE) && (f->data[f->tunnel] & 0x80)) {
			put16(f->data + f->tunnel + 4, 0);
			put16(f->data + f->tunnel + 4,
					(uint16_t)~naive_sum(0, f->data + f->tunnel,
							f->len - f->tunnel));
		}
		if (f->layers[i] & (SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6))
			seal_l4(f, i);
	}
}

void
frame_build(struct frame *f, const struct frame_spec *s)
{
	const bool tunnel = s->tunnel != T_NONE;
	const uint32_t last = tunnel ? 1 : 0;
	const uint32_t type = s->level[last].ip == 4 ? 0x0800 : 0x86dd;
	struct writer w = { f, 0 };

	memset(f, 0, sizeof(*f));
	f->spec = *s;
	f->data = f->room + 512;
	if (tunnel)
		add_outer(&w, type);
	else
		add_ether(&w, 0, type);
	add_ip(&w, last, s->level[last].l4 ? s->level[last].l4 : 253);
	add_l4(&w, last, s->level[last].l4);
	add(&w, s->payload);
	f->len = w.at;
	lengths(f);
	for (uint32_t i = 0; i < 2; i++)
		if (f->layers[i] & SIM_L_UDP)
			put16(f->data + f->l4[i] + 6, s->level[i].no_sum ? 0 : 1);
	frame_seal(f);
}

void
frame_packet(struct frame *f, struct sim_pkt *p, struct sim_phv *phv, struct sim_offsets *off)
{
	memset(p, 0, sizeof(*p));
	memset(phv, 0, sizeof(*phv));
	p->data = f->data;
	p->len = (uint16_t)f->len;
	p->frame_len = f->len;
	p->headroom = (uint16_t)(f->data - f->room);
	p->tailroom = (uint16_t)(sizeof(f->room) - p->headroom - f->len);
	sim_parse(p->data, p->len, p->frame_len, 0, phv, off);
}
