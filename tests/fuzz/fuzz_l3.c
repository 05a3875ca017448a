/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: a stranger on the link. The input is a series of steps: frames into l3_input() and
 * l3_icmp_error(), packets that wait, routes asked for, time that passes. What the parser says
 * about a frame is made by a parser of a few lines, or comes from the input as well (a parser that
 * errs must not be believed).
 *
 * Beside what the sanitizers see: no mbuf is lost or sent twice, answers are no larger than
 * questions, the hold keeps its bound, made packets are whole, and the static neighbour stays what
 * it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "base/time.h"
#include "l3/l3.h"

#include "fuzz.h"

#define HOLD_TOTAL 24
#define FRAME_MAX 2000

#define CHECK(x) \
	do { \
		if (!(x)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			abort(); \
		} \
	} while (0)

static struct rte_mempool *pool;
static const struct rte_ether_addr macs[] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 0, 2 } } };
static const struct rte_ether_addr fixed_mac = { { 2, 0, 0, 0, 0, 9 } };
static const struct l3_prefix addresses[] = {
	{ 4, 24, { { 192, 0, 2, 1 } } },
	{ 6, 64, { { 0x20, 1, 0xd, 0xb8, [15] = 1 } } },
};
static const struct flow_addr fixed = { { 192, 0, 2, 9 } };

int
LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const args[] = { "fuzz", "--no-huge", "--no-pci", "-m", "128",
		"--no-telemetry", "--no-shconf", "-l", "0", "--log-level=error" };
	char *eal[RTE_DIM(args) + 1] = { 0 };
	unsigned int i;

	(void)argc;
	(void)argv;
	for (i = 0; i < RTE_DIM(args); i++)
		eal[i] = (char *)(uintptr_t)args[i];
	if (rte_eal_init((int)RTE_DIM(args), eal) < 0)
		exit(1);
	pool = rte_pktmbuf_pool_create("fuzz_pool", 1023, 0, sizeof(struct pkt_meta),
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		exit(1);
	return 0;
}

static struct l3 *
network(void)
{
	struct l3_port_params ports[2] = {
		{ macs[0], 1500, true, addresses, RTE_DIM(addresses) },
		{ macs[1], 1500, false, NULL, 0 },
	};
	struct l3_prefix vips[] = { { 4, 32, { { 198, 51, 100, 1 } } },
		{ 6, 128, { { 0x20, 1, 0xd, 0xb8, 0xff } } } };
	struct l3_route_params routes[] = {
		{ { 4, 0, { { 0 } } }, 0, false, { { 192, 0, 2, 254 } } },
		{ { 6, 0, { { 0 } } }, 0, false, { { 0xfe, 0x80, [15] = 2 } } },
		{ { 4, 8, { { 10 } } }, 1, true, { { 0 } } },
	};
	struct l3_neighbour_params neighbour = { 0, 4, fixed, fixed_mac };

	return l3_create(&(struct l3_params){
			.name = "l3_fuzz",
			.ports = ports,
			.n_ports = RTE_DIM(ports),
			.routes = routes,
			.n_routes = RTE_DIM(routes),
			.neighbours = &neighbour,
			.n_neighbours = 1,
			.vips = vips,
			.n_vips = RTE_DIM(vips),
			.max_nexthops = 12,
			.hold_per_neighbour = 8,
			.hold_total = HOLD_TOTAL,
			.icmp_rate = 5,
			.pool = pool,
			.socket_id = SOCKET_ID_ANY,
	});
}

/* ---- input ---- */

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t
take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static struct flow_addr
take_addr(struct input *in, uint8_t *family)
{
	struct flow_addr a = { { 0 } };
	uint8_t kind = take(in);

	*family = kind & 1 ? 6 : 4;
	if (kind & 2) {
		memcpy(a.b, addresses[kind & 1].addr.b, *family == 4 ? 4 : 16);
		a.b[*family == 4 ? 3 : 15] = take(in);
		return a;
	}
	a.b[0] = take(in);
	a.b[1] = take(in);
	a.b[*family == 4 ? 3 : 15] = take(in);
	return a;
}

static struct rte_mbuf *
segment(const uint8_t *bytes, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	void *to;

	CHECK(m != NULL);
	to = rte_pktmbuf_append(m, len);
	CHECK(to != NULL);
	memcpy(to, bytes, len);
	return m;
}

/* A frame out of the input; in two segments when its first one would be shorter. */
static struct rte_mbuf *
take_frame(struct input *in)
{
	uint16_t len = take(in), first;
	struct rte_mbuf *m;

	len = (uint16_t)(len | (take(in) & 7) << 8);
	first = take(in);
	len = (uint16_t)RTE_MIN(in->left, (size_t)RTE_MIN(len, FRAME_MAX));
	if (first == 0 || first > len)
		first = len;
	m = segment(in->at, first);
	if (first < len)
		CHECK(rte_pktmbuf_chain(m, segment(in->at + first, len - first)) == 0);
	in->at += len;
	in->left -= len;
	return m;
}

/*
 * ---- a parser of a few lines: offsets lie within the frame, and that is all that it promises ----
 */

static void
describe(struct rte_mbuf *m)
{
	struct pkt_info *info = &pkt_meta(m)->info;
	uint8_t copy[64];
	uint32_t len = m->pkt_len, off = 14;
	const uint8_t *b = rte_pktmbuf_read(m, 0, RTE_MIN(len, 64u), copy);
	uint16_t type;

	if (len < 14)
		return;
	type = (uint16_t)(b[12] << 8 | b[13]);
	if (type == 0x8100 && len >= 18) {
		off = 18;
		type = (uint16_t)(b[16] << 8 | b[17]);
		info->flags |= PKT_F_VLAN;
	}
	info->l3_off = (uint16_t)off;
	info->l3_len = (uint16_t)(len - off);
	if (type == 0x0806) {
		info->flags |= PKT_F_ARP;
	} else if (type == 0x0800 && len >= off + 20) {
		info->family = 4;
		info->proto = b[off + 9];
		info->l4_off = (uint16_t)RTE_MIN(off + (b[off] & 15) * 4u, len);
	} else if (type == 0x86dd && len >= off + 40) {
		info->family = 6;
		info->proto = b[off + 6];
		info->l4_off = (uint16_t)(off + 40);
		if (info->proto == 58 && len > off + 40 && off + 40 < 64 && b[off + 40] >= 133 &&
				b[off + 40] <= 137)
			info->flags |= PKT_F_ND;
	}
}

/* Checksums made right, so that what lies behind them is reached. */
static void
seal(struct rte_mbuf *m)
{
	struct pkt_info *info = &pkt_meta(m)->info;
	uint32_t sum = 0, i, from = info->l4_off, to = (uint32_t)info->l3_off + info->l3_len;
	uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->next != NULL || to > m->data_len || from == 0 || from + 4 > to ||
			(info->proto != 1 && info->proto != 58))
		return;
	b[from + 2] = b[from + 3] = 0;
	if (info->family == 6) {
		for (i = 0; i < 32; i++)
			sum += i % 2 ? b[info->l3_off + 8 + i]
				     : (uint32_t)b[info->l3_off + 8 + i] << 8;
		sum += to - from + 58;
	}
	for (i = from; i < to; i++)
		sum += (i - from) % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	b[from + 2] = (uint8_t)(~sum >> 8);
	b[from + 3] = (uint8_t)~sum;
}

/* ---- steps ---- */

/* Everything in out is whole and is freed. `most`: bytes that a made packet may have. */
static void
collect(struct l3_out *out, uint32_t most)
{
	unsigned int i;

	CHECK(out->n <= L3_OUT_MAX);
	for (i = 0; i < out->n; i++) {
		struct rte_mbuf *m = out->m[i];
		const struct pkt_meta *meta = pkt_meta(m);

		rte_mbuf_sanity_check(m, 1);
		CHECK(meta->verdict == PKT_VERDICT_FORWARD || meta->verdict == PKT_VERDICT_DROP);
		if (meta->verdict == PKT_VERDICT_FORWARD) {
			CHECK(meta->port_out < RTE_DIM(macs) && m->data_len >= 14);
			CHECK(memcmp(rte_pktmbuf_mtod_offset(m, uint8_t *, 6),
					      &macs[meta->port_out], 6) == 0);
			CHECK((*rte_pktmbuf_mtod(m, uint8_t *) & 1) == 0 ||
					meta->gate == PKT_GATE_NONE);
		} else {
			CHECK(meta->reason == DROP_NEIGH_FAILED || meta->reason == DROP_NEIGH_FULL);
		}
		if (meta->gate == PKT_GATE_NONE)
			CHECK(m->pkt_len <= most);
		rte_pktmbuf_free(m);
	}
	out->n = 0;
}

static void
step_frame(struct l3 *l3, struct input *in, uint8_t how, uint64_t now)
{
	struct rte_mbuf *m = take_frame(in);
	struct l3_out out = { 0 };
	enum drop_reason reason;
	enum l3_verdict verdict;
	struct pkt_info *info = &pkt_meta(m)->info;
	uint32_t len = m->pkt_len;

	*pkt_meta(m) = (struct pkt_meta){ .port_in = how & 1 };
	describe(m);
	if (how & 2)
		seal(m);
	if (how & 4) {
		info->l3_off = take(in);
		info->l3_len = (uint16_t)(take(in) << 4);
		info->l4_off = take(in);
		info->flags = (uint16_t)(take(in) << 8);
		info->flags |= take(in);
		info->family = take(in);
		info->proto = take(in);
	}
	if (how & 8) {
		l3_icmp_error(l3, m, (enum l3_icmp_error)(take(in) % 6), 1400, now, &out);
		/* the answer quotes: Ethernet with tags, headers, and as much as they allow */
		collect(&out, 22 + 1280);
	}
	verdict = l3_input(l3, m, now, &reason, &out);
	CHECK((verdict == L3_DROP) == (reason != DROP_NONE) && reason < DROP_COUNT);
	/*
	 * ND's answer has an option that its question may lack, and no probe is shorter than ARP's
	 */
	collect(&out, len + 8);
	rte_pktmbuf_free(m);
}

static void
step_hold(struct l3 *l3, uint16_t nexthop, uint64_t now)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct l3_out out = { 0 };

	CHECK(m != NULL && rte_pktmbuf_append(m, 60) != NULL);
	*pkt_meta(m) = (struct pkt_meta){ .gate = 1 };
	if (l3_hold(l3, nexthop, m, now, &out) != 0)
		rte_pktmbuf_free(m);
	collect(&out, 14 + 40 + 32);
	CHECK(l3_held(l3) <= HOLD_TOTAL);
}

static void
step(struct l3 *l3, struct input *in, uint64_t *now, uint16_t *kept)
{
	struct l3_out out = { 0 };
	struct flow_addr addr;
	uint8_t op = take(in), family;
	int nh;

	switch (op & 7) {
	case 0:
	case 1:
	case 2:
		step_frame(l3, in, op >> 3, *now);
		break;
	case 3:
		*now += (uint64_t)take(in) * TIME_NS_PER_S / 8;
		l3_tick(l3, *now, &out);
		collect(&out, 14 + 40 + 32);
		break;
	case 4:
		step_hold(l3, take(in), *now);
		break;
	case 5:
		addr = take_addr(in, &family);
		nh = op & 8 ? l3_route_on(l3, op >> 4 & 1, family, &addr)
			    : l3_route(l3, family, &addr);
		CHECK(nh > 0 || nh == -ENETUNREACH || nh == -ENOSPC);
		if (nh > 0)
			step_hold(l3, (uint16_t)nh, *now);
		break;
	case 6:
		addr = take_addr(in, &family);
		nh = l3_route(l3, family, &addr);
		if (nh > 0 && *kept == 0) {
			*kept = (uint16_t)nh;
			l3_nexthop_ref(l3, *kept);
		}
		break;
	case 7:
		if (*kept != 0)
			l3_nexthop_unref(l3, *kept);
		*kept = 0;
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct l3 *l3 = network();
	const struct l3_nexthop *nh;
	uint64_t now = TIME_NS_PER_S;
	uint16_t kept = 0;
	int index;

	CHECK(l3 != NULL);
	while (in.left > 0)
		step(l3, &in, &now, &kept);
	index = l3_route(l3, 4, &fixed);
	CHECK(index > 0);
	nh = &l3_nexthops(l3)[index];
	CHECK(nh->usable && memcmp(nh->header, &fixed_mac, 6) == 0 && nh->port == 0);
	l3_destroy(l3);
	CHECK(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
