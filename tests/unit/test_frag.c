/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments that come in (src/frag): in any order, twice, overlapping, too many, too long, too late. A naive model, bytes
 * in an array, says what is right. Cutting: test_frag_split.c.
 */
#include "test_frag.h"

/* ---- what makes a datagram ---------------------------------------------------------------------------------------- */

/* d's payload of `len` bytes in fragments of `step`, in the order that `order` gives: 0 as cut, 1 reversed, 2 odd first. */
static void
whole_of(uint8_t family, uint32_t len, uint32_t step, int order)
{
	const struct datagram d = { .family = family, .id = 0x1234 };
	struct frag *f = make(16, 16, 1024);
	const uint32_t n = (len + step - 1) / step;
	static struct bytes want;
	struct frag_result r = { .whole = NULL };

	frame(&want, &d, noise(), 0, len, false);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = order == 0 ? i : order == 1 ? n - 1 - i : (2 * i + 1) % (n | 1);
		uint32_t size = RTE_MIN(step, len - k * step);
		enum frag_verdict v;

		v = give(f, fragment(&d, noise(), k * step, size, k + 1 < n), &r);
		assert_int_equal(v, i + 1 < n ? FRAG_WAITS : FRAG_WHOLE);
		assert_int_equal(waiting(f), i + 1 < n ? i + 1 : 0);
	}
	assert_int_equal(r.fragments, n);
	assert_frame(r.whole, &want);
	assert_true(step > 2000 ||
			r.whole->data_len == L2 + (family == 4 ? 20u : 40u) + RTE_MIN(step, len));
	assert_non_null(frag_note(f, r.whole));
	assert_int_equal(frag_note(f, r.whole)->largest,
			RTE_MIN(step, len) + (family == 4 ? 20 : 48));
	rte_pktmbuf_free(r.whole);
	destroy(f);
}

static void
test_whole(void **state)
{
	static const struct {
		uint32_t len, step;
	} rows[] = {
		{ 16, 8 },
		{ 9, 8 },
		{ 1481, 1480 },
		{ 20008, 1480 },
		{ 60008, 1448 },
		{ 65515 - 40, 1480 }, /* 45 fragments */
		{ 65495, 1448 },      /* the longest of IPv6: 65,535 bytes with its header */
		{ 65495, 256 },	      /* in as many fragments as are allowed */
		{ 3001, 2400 },	      /* fragments longer than an mbuf */
		{ 1001, 8 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		for (int order = 0; order < 2; order++)
			for (unsigned int family = 4; family <= 6; family += 2)
				whole_of((uint8_t)family, rows[i].len, rows[i].step, order);
	whole_of(4, 65515, 1480, 0);
	whole_of(4, 65515, 1480, 1);
	whole_of(4, 6 * 1480 + 3, 1480, 2);
	whole_of(6, 6 * 1448 + 3, 1448, 2);
}

/* Fields that tell datagrams apart: RFC 791 3.2, RFC 8200 4.5. */
static void
test_keys(void **state)
{
	struct datagram d = { .family = 4, .id = 1 };
	struct frag *f = make(16, 16, 64);
	struct frag_result r;

	(void)state;
	assert_int_equal(give(f, fragment(&d, noise(), 0, 8, true), &r), FRAG_WAITS);
	d.id = 2;
	assert_int_equal(give(f, fragment(&d, noise(), 8, 8, false), &r), FRAG_WAITS);
	d.id = 1, d.src = 9;
	assert_int_equal(give(f, fragment(&d, noise(), 8, 8, false), &r), FRAG_WAITS);
	d.src = 0, d.proto = IPPROTO_ICMP;
	assert_int_equal(give(f, fragment(&d, noise(), 8, 8, false), &r), FRAG_WAITS);
	d.proto = 0;
	assert_int_equal(frag_input(f, fragment(&d, noise(), 8, 8, false), 5, 0, &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 8, 8, false), &r), FRAG_WHOLE);
	rte_pktmbuf_free(r.whole);
	/* The first fragment says what an IPv6 datagram carries; what others say of it is no matter. */
	d = (struct datagram){ .family = 6, .id = 1 };
	assert_int_equal(give(f, fragment(&d, noise(), 0, 8, true), &r), FRAG_WAITS);
	d.proto = IPPROTO_TCP;
	assert_int_equal(give(f, fragment(&d, noise(), 8, 8, false), &r), FRAG_WHOLE);
	assert_int_equal(rte_pktmbuf_mtod(r.whole, uint8_t *)[L2 + 6], IPPROTO_UDP);
	rte_pktmbuf_free(r.whole);
	destroy(f);
}

/* Options and extension headers of the first fragment are the datagram's. */
static void
test_headers(void **state)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	static const uint8_t hop[8] = { 44, 0, 1, 4, 0, 0, 0, 0 };
	struct datagram d = { .family = 4, .id = 1, .options = options, .n_options = 8 };
	struct datagram plain = { .family = 4, .id = 1 };
	struct frag *f = make(16, 16, 64);
	static struct bytes want;
	struct frag_result r;

	(void)state;
	frame(&want, &d, noise(), 0, 1000, false);
	assert_int_equal(give(f, fragment(&plain, noise(), 800, 200, false), &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 0, 800, true), &r), FRAG_WHOLE);
	assert_frame(r.whole, &want);
	rte_pktmbuf_free(r.whole);

	d = (struct datagram){ .family = 6, .id = 1, .options = hop, .n_options = 8 };
	plain = (struct datagram){ .family = 6, .id = 1 };
	frame(&want, &d, noise(), 0, 1000, false);
	want.b[L2 + 40] = IPPROTO_UDP;
	assert_int_equal(give(f, fragment(&plain, noise(), 800, 200, false), &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 0, 800, true), &r), FRAG_WHOLE);
	assert_frame(r.whole, &want);
	assert_int_equal(frag_note(f, r.whole)->cut, 48);
	rte_pktmbuf_free(r.whole);
	destroy(f);
}

/* DF as the largest fragment has it; ECN by RFC 3168 5.3. */
static void
test_flags(void **state)
{
	static const struct {
		bool df[2];
		uint8_t tos[2];
		int want; /* -1: dropped; else DF << 8 | TOS */
	} rows[] = {
		{ { true, true }, { 0, 0 }, 1 << 8 },
		{ { true, false }, { 0, 0 }, 1 << 8 },
		{ { false, true }, { 0, 0 }, 0 },
		{ { false, false }, { 2, 2 }, 2 },
		{ { false, false }, { 0xa2, 0xa3 }, 0xa3 },
		{ { false, false }, { 1, 3 }, 3 },
		{ { false, false }, { 1, 2 }, 1 },
		{ { false, false }, { 0, 3 }, -1 },
		{ { false, false }, { 2, 0 }, -1 },
	};
	struct frag *f = make(16, 16, 64);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		for (unsigned int family = 4; family <= 6; family += 2) {
			struct datagram d = { .family = (uint8_t)family, .id = i + 1 };
			enum frag_verdict v;
			struct frag_result r;
			uint8_t *ip;

			d.df = rows[i].df[0], d.tos = rows[i].tos[0];
			give(f, fragment(&d, noise(), 0, 16, true), &r);
			d.df = rows[i].df[1], d.tos = rows[i].tos[1];
			v = give(f, fragment(&d, noise(), 16, 8, false), &r);
			assert_int_equal(v, rows[i].want < 0 ? FRAG_DROP : FRAG_WHOLE);
			if (v == FRAG_DROP) {
				assert_int_equal(r.reason, DROP_FRAG_ECN);
				continue;
			}
			ip = rte_pktmbuf_mtod_offset(r.whole, uint8_t *, L2);
			if (family == 4) {
				assert_int_equal((ip[6] & 0x40) << 2 | ip[1], rows[i].want);
				assert_int_equal(sum16(ip, 20), 0);
			} else {
				assert_int_equal(ip[1] >> 4, rows[i].want & 0xf);
			}
			rte_pktmbuf_free(r.whole);
		}
	assert_int_equal(drops[DROP_FRAG_ECN], 4); /* the first ones; the last are the caller's */
	destroy(f);
}

/* ---- what does not ------------------------------------------------------------------------------------------------------ */

struct piece {
	uint32_t offset, len;
	bool more;
	enum frag_verdict verdict;
	enum drop_reason reason;
};

static void
test_overlaps(void **state)
{
#define WAITS FRAG_WAITS, DROP_NONE
#define BAD(r) FRAG_DROP, DROP_FRAG_##r
	static const struct piece rows[][6] = {
		/* the same again, at the front, within, as the last */
		{ { 0, 16, true, WAITS }, { 0, 16, true, BAD(DUPLICATE) },
				{ 16, 5, false, FRAG_WHOLE } },
		{ { 8, 16, true, WAITS }, { 16, 8, true, BAD(DUPLICATE) },
				{ 8, 8, true, BAD(DUPLICATE) }, { 24, 5, false, WAITS },
				{ 24, 5, false, BAD(DUPLICATE) }, { 0, 8, true, FRAG_WHOLE } },
		{ { 0, 8, true, WAITS }, { 8, 8, true, WAITS }, { 0, 16, true, BAD(DUPLICATE) },
				{ 16, 1, false, FRAG_WHOLE } },
		/* over the end of one, over its beginning, around it, into a gap that is too small */
		{ { 0, 16, true, WAITS }, { 8, 16, true, BAD(OVERLAP) },
				{ 16, 8, false, BAD(OVERLAP) } },
		{ { 16, 16, true, WAITS }, { 8, 16, true, BAD(OVERLAP) },
				{ 0, 8, true, BAD(OVERLAP) } },
		{ { 16, 16, true, WAITS }, { 8, 32, true, BAD(OVERLAP) },
				{ 0, 8, true, BAD(OVERLAP) } },
		{ { 0, 16, true, WAITS }, { 24, 8, true, WAITS }, { 16, 16, true, BAD(OVERLAP) } },
		{ { 0, 16, true, WAITS }, { 24, 8, true, WAITS }, { 8, 16, true, BAD(OVERLAP) } },
		{ { 0, 16, true, WAITS }, { 24, 8, true, WAITS }, { 0, 40, true, BAD(OVERLAP) } },
		/* two ends; one behind the end; an end before what is here */
		{ { 16, 8, false, WAITS }, { 24, 8, false, BAD(LENGTH) },
				{ 0, 8, true, BAD(LENGTH) } },
		{ { 16, 8, false, WAITS }, { 8, 8, false, BAD(LENGTH) } },
		{ { 16, 8, false, WAITS }, { 24, 8, true, BAD(LENGTH) } },
		{ { 16, 8, true, WAITS }, { 8, 8, false, BAD(LENGTH) } },
		{ { 16, 8, true, WAITS }, { 16, 4, false, BAD(LENGTH) } },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		for (unsigned int family = 4; family <= 6; family += 2) {
			const struct datagram d = { .family = (uint8_t)family, .id = 77 };
			struct frag *f = make(16, 16, 64);
			uint64_t given = 0, dropped = 0;
			struct frag_result r = { .fragments = 0 };
			bool whole = false;

			for (unsigned int k = 0; k < 6 && rows[i][k].len != 0; k++, given++) {
				const struct piece *p = &rows[i][k];

				assert_int_equal(give(f,
								 fragment(&d, noise(), p->offset,
										 p->len, p->more),
								 &r),
						p->verdict);
				assert_int_equal(r.reason, p->reason);
				dropped += p->verdict == FRAG_DROP;
				whole |= p->verdict == FRAG_WHOLE;
			}
			for (unsigned int why = 0; why < DROP_COUNT; why++)
				dropped += drops[why];
			assert_int_equal(given, dropped + (whole ? r.fragments : 0));
			if (whole)
				rte_pktmbuf_free(r.whole);
			assert_int_equal(waiting(f), 0);
			destroy(f);
		}
}

/* More than 65,535 bytes, by the fragment or with the first one's options; broken ones that the parser lets nobody see. */
static void
test_oversize(void **state)
{
	static const uint8_t options[40] = { 1, 1, 1, 1 };
	struct datagram d = { .family = 4, .id = 1 };
	struct frag *f = make(16, 16, 256);
	struct frag_result r;
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(give(f, fragment(&d, noise(), 65528, 8, false), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);
	assert_int_equal(give(f, fragment(&d, noise(), 65528, 7, false), &r), FRAG_WAITS);
	/* No gap can be filled: 20 bytes of header are too many. In chains, as one mbuf is not enough. */
	assert_int_equal(give(f, fragment(&d, noise(), 0, 32768, true), &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 32768, 32760, true), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);
	assert_int_equal(drops[DROP_FRAG_LENGTH], 2);
	d.id = 2;
	assert_int_equal(give(f, fragment(&d, noise(), 1480, 65515 - 1480, false), &r), FRAG_WAITS);
	d.options = options, d.n_options = 40;
	assert_int_equal(give(f, fragment(&d, noise(), 0, 1480, true), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);
	d = (struct datagram){ .family = 6, .id = 2 };
	assert_int_equal(give(f, fragment(&d, noise(), 1448, 65495 - 1447, false), &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 0, 1448, true), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);

	d = (struct datagram){ .family = 4, .id = 3 };
	assert_int_equal(give(f, fragment(&d, noise(), 0, 9, true), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);
	assert_int_equal(give(f, fragment(&d, noise(), 8, 0, false), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LENGTH);
	m = fragment(&d, noise(), 8, 100, false);
	pkt_meta(m)->info.l3_len = 2000;
	assert_int_equal(give(f, m, &r), FRAG_DROP);
	m = fragment(&d, noise(), 8, 100, false);
	pkt_meta(m)->info.family = 0;
	assert_int_equal(give(f, m, &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_HDR_SPLIT);
	destroy(f);
}

/* ---- limits ------------------------------------------------------------------------------------------------------------------ */

static enum frag_verdict
begin(struct frag *f, uint8_t family, uint8_t src, uint32_t id)
{
	const struct datagram d = { .family = family, .src = src, .id = id };
	struct frag_result r;

	return give(f, fragment(&d, noise(), 0, 8, true), &r);
}

static bool
is_there(struct frag *f, uint8_t family, uint8_t src, uint32_t id)
{
	const struct datagram d = { .family = family, .src = src, .id = id };
	struct frag_result r;

	if (give(f, fragment(&d, noise(), 0, 8, true), &r) == FRAG_DROP)
		return r.reason == DROP_FRAG_DUPLICATE;
	return false;
}

static void
test_limits(void **state)
{
	struct frag *f = make(8, 3, 64);
	struct datagram a = { .family = 6, .net = 1 };
	struct frag_stats s;
	struct frag_result r;

	(void)state;
	/* A source displaces its own oldest. */
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(begin(f, 4, 1, id), FRAG_WAITS);
	assert_int_equal(drops[DROP_FRAG_LIMIT], 1);
	assert_true(is_there(f, 4, 1, 2) && is_there(f, 4, 1, 4));
	/* All of them displace the oldest of all. */
	for (uint8_t src = 2; src <= 7; src++)
		assert_int_equal(begin(f, 4, src, 1), FRAG_WAITS);
	assert_int_equal(drops[DROP_FRAG_LIMIT], 2);
	assert_true(is_there(f, 4, 1, 3) && is_there(f, 4, 7, 1));
	frag_stats(f, &s);
	assert_int_equal(s.datagrams, 8);
	assert_int_equal(s.fragments, 8);
	assert_int_equal(s.mbufs, 8);
	/* A /64 is one source, whatever the address. */
	for (uint8_t src = 1; src <= 100; src++) {
		a.src = src;
		a.id = src;
		assert_int_equal(give(f, fragment(&a, noise(), 0, 8, true), &r), FRAG_WAITS);
	}
	assert_int_equal(drops[DROP_FRAG_LIMIT], 2 + 3 + 97);
	assert_true(is_there(f, 4, 7, 1));
	destroy(f);
	/* With room for one of a source its only one gives way. */
	f = make(1, 1, 64);
	assert_int_equal(begin(f, 4, 1, 1), FRAG_WAITS);
	assert_int_equal(begin(f, 4, 1, 2), FRAG_WAITS);
	assert_int_equal(begin(f, 4, 2, 2), FRAG_WAITS);
	assert_int_equal(drops[DROP_FRAG_LIMIT], 2);
	destroy(f);
}

static void
test_memory(void **state)
{
	struct datagram d = { .family = 4, .id = 1 };
	struct frag *f = make(16, 16, 20);
	struct frag_stats s;
	struct frag_result r;

	(void)state;
	/* Half of the buffers are all that a source gets: its oldest goes, and at last the datagram itself. */
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(give(f, fragment(&d, noise(), 8 * i, 8, true), &r), FRAG_WAITS);
	assert_int_equal(begin(f, 4, 2, 1), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 80, 8, true), &r), FRAG_DROP);
	assert_int_equal(r.reason, DROP_FRAG_LIMIT);
	assert_int_equal(drops[DROP_FRAG_LIMIT], 10);
	assert_true(is_there(f, 4, 2, 1));
	/* A bomb of many sources: never more than there may be. */
	for (uint32_t i = 0; i < 5000; i++) {
		d.src = (uint8_t)(1 + i % 250);
		d.id = i / 3;
		give(f, fragment(&d, noise(), 8 * (i % 200), 8, true), &r);
		frag_stats(f, &s);
		assert_true(s.mbufs <= 20 && s.datagrams <= 16);
		assert_int_equal(rte_mempool_in_use_count(pool), s.mbufs);
	}
	destroy(f);
	/* None may wait. */
	f = make(16, 16, 0);
	assert_int_equal(begin(f, 4, 1, 1), FRAG_DROP);
	destroy(f);
	/* As many small ones as it takes to make a long list: one too many. */
	f = make(16, 16, 1024);
	d = (struct datagram){ .family = 4, .id = 1 };
	for (uint32_t i = FRAG_PER_DATAGRAM; i > 0; i--)
		assert_int_equal(give(f, fragment(&d, noise(), 8 * i, 8, true), &r), FRAG_WAITS);
	assert_int_equal(give(f, fragment(&d, noise(), 0, 8, true), &r), FRAG_DROP);
	assert_int_equal(drops[DROP_FRAG_LIMIT], FRAG_PER_DATAGRAM);
	assert_int_equal(waiting(f), 0);
	destroy(f);
}

static void
test_timeouts(void **state)
{
	const uint64_t s = TIME_NS_PER_S;
	struct datagram d = { .family = 4, .id = 1 };
	struct frag *f = make(16, 16, 64);
	struct rte_mbuf *first[2];
	struct frag_result r;
	unsigned int n;

	(void)state;
	/* Counted from the first one that came; the second changes nothing. */
	assert_int_equal(frag_input(f, fragment(&d, noise(), 0, 8, true), 0, s, &r), FRAG_WAITS);
	assert_int_equal(frag_input(f, fragment(&d, noise(), 16, 8, true), 0, 20 * s, &r),
			FRAG_WAITS);
	d.id = 2;
	assert_int_equal(
			frag_input(f, fragment(&d, noise(), 8, 8, true), 0, 2 * s, &r), FRAG_WAITS);
	for (d.id = 3; d.id < 6; d.id++)
		assert_int_equal(frag_input(f, fragment(&d, noise(), 0, 8, true), 0, 3 * s, &r),
				FRAG_WAITS);
	assert_int_equal(frag_expire(f, 31 * s - 1, first, 2, &n), 0);
	assert_int_equal(frag_expire(f, 31 * s, first, 2, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(first[0]->pkt_len, 60); /* as it came in, padding and all */
	rte_pktmbuf_free(first[0]);
	assert_int_equal(drops[DROP_FRAG_TIMEOUT], 2);
	/* No first fragment: nothing to quote. No more at once than asked for. */
	assert_int_equal(frag_expire(f, 100 * s, first, 2, &n), 2);
	assert_int_equal(n, 1);
	rte_pktmbuf_free(first[0]);
	assert_int_equal(frag_expire(f, 100 * s, first, 2, &n), 2);
	assert_int_equal(n, 2);
	rte_pktmbuf_free(first[0]);
	rte_pktmbuf_free(first[1]);
	assert_int_equal(drops[DROP_FRAG_TIMEOUT], 6);
	/* What came too late meets nothing, even if nobody has looked at the clock since. */
	d.id = 1;
	assert_int_equal(frag_input(f, fragment(&d, noise(), 0, 8, true), 0, 200 * s, &r),
			FRAG_WAITS);
	assert_int_equal(frag_input(f, fragment(&d, noise(), 8, 8, false), 0, 230 * s, &r),
			FRAG_WAITS);
	assert_int_equal(drops[DROP_FRAG_TIMEOUT], 7);
	destroy(f);
}

/* ---- against the model --------------------------------------------------------------------------------------------------- */

#define MODEL_BYTES 160
#define MODEL_DATAGRAMS 6

static struct model {
	bool open;
	uint64_t deadline;
	enum drop_reason dead;
	uint32_t n, total, end;
	uint8_t here[MODEL_BYTES];
	uint8_t data[MODEL_BYTES];
} model[MODEL_DATAGRAMS];

static enum drop_reason
model_judge(const struct model *o, uint32_t from, uint32_t to, bool more)
{
	uint32_t covered = 0;

	if (o->dead != DROP_NONE)
		return o->dead;
	if (!more && (to < o->end || (o->total != 0 && to != o->total)))
		return DROP_FRAG_LENGTH;
	if (more && o->total != 0 && to > o->total)
		return DROP_FRAG_LENGTH;
	for (uint32_t i = from; i < to; i++)
		covered += o->here[i];
	return covered == 0		       ? DROP_NONE
			: covered == to - from ? DROP_FRAG_DUPLICATE
					       : DROP_FRAG_OVERLAP;
}

/* What must come of it; the model's state afterwards. *whole: its bytes are in o->data. */
static enum drop_reason
model_give(struct model *o, uint64_t now, uint32_t from, uint32_t len, bool more,
		const uint8_t *data, uint64_t *lost, bool *whole)
{
	enum drop_reason why;
	uint32_t here = 0;

	if (o->open && now >= o->deadline) {
		*lost += o->n;
		o->open = false;
	}
	if (!o->open)
		*o = (struct model){ .open = true, .deadline = now + 30 * TIME_NS_PER_S };
	why = model_judge(o, from, from + len, more);
	if (why != DROP_NONE) {
		if (why != DROP_FRAG_DUPLICATE && o->dead == DROP_NONE) {
			*lost += o->n;
			o->n = 0;
			o->dead = why;
		}
		return why;
	}
	memset(o->here + from, 1, len);
	memcpy(o->data + from, data, len);
	o->n++;
	o->end = RTE_MAX(o->end, from + len);
	if (!more)
		o->total = from + len;
	for (uint32_t i = 0; i < MODEL_BYTES; i++)
		here += o->here[i];
	*whole = here == o->total;
	return DROP_NONE;
}

static void
test_model(void **state)
{
	struct frag *f = make(16, 16, 1024);
	uint64_t now = TIME_NS_PER_S, lost = 0, wholes = 0, seen[DROP_COUNT] = { 0 };
	static struct bytes want;

	(void)state;
	srandom(4711);
	memset(model, 0, sizeof(model));
	for (uint32_t round = 0; round < 400000; round++) {
		const uint32_t which = (uint32_t)random() % MODEL_DATAGRAMS;
		const struct datagram d = { .family = which & 1 ? 4 : 6, .id = which };
		/* Half of the datagrams are mostly well meant. */
		const bool tame = which < MODEL_DATAGRAMS / 2 && random() % 50 != 0;
		const uint32_t from = (uint32_t)random() % (tame ? 5 : 10) * 8;
		const bool more = tame ? from != 32 : random() % 4 != 0;
		const uint32_t len = tame ? 8
				: more	  ? (1 + (uint32_t)random() % 3) * 8
					  : 1 + (uint32_t)random() % 20;
		const uint8_t *data = noise() + random() % 60000;
		struct model *o = &model[which];
		struct frag_result r;
		struct rte_mbuf *m;
		enum drop_reason why;
		enum frag_verdict v;
		bool whole = false;

		if (from == 0 && !more)
			continue;
		now += (uint64_t)random() % (3 * TIME_NS_PER_S);
		m = fragment(&d, data - from, from, len, more);
		why = model_give(o, now, from, len, more, data, &lost, &whole);
		v = frag_input(f, m, 0, now, &r);
		assert_int_equal(v, why != DROP_NONE ? FRAG_DROP : whole ? FRAG_WHOLE : FRAG_WAITS);
		assert_int_equal(r.reason, why);
		seen[why]++;
		if (v == FRAG_DROP)
			rte_pktmbuf_free(m);
		if (whole) {
			frame(&want, &d, o->data, 0, o->total, false);
			assert_frame(r.whole, &want);
			assert_int_equal(r.fragments, o->n);
			rte_pktmbuf_free(r.whole);
			o->open = false;
			wholes++;
		}
	}
	for (unsigned int i = 0; i < MODEL_DATAGRAMS; i++)
		lost += model[i].open ? model[i].n : 0;
	frag_destroy(f);
	for (unsigned int why = 0; why < DROP_COUNT; why++)
		lost -= drops[why];
	assert_int_equal(lost, 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_true(wholes > 1000 && seen[DROP_FRAG_OVERLAP] > 1000 &&
			seen[DROP_FRAG_LENGTH] > 1000 && seen[DROP_FRAG_DUPLICATE] > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_model),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, make_pool, NULL);
}
