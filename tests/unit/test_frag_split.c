/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cutting (src/frag): what came whole, and what came in fragments, for links of any MTU. Every fragment is compared with
 * one that is built here, or put together again by a few lines that know only the RFCs.
 */
#include "test_frag.h"

#include <errno.h>

static struct rte_mbuf *piece[FRAG_SPLIT_MAX];

static void
free_pieces(int n)
{
	rte_pktmbuf_free_bulk(piece, (unsigned int)n);
}

/* The fragments in piece[], as a host puts them together, are `want`; none is longer than limit. */
static void
assert_pieces(int n, const struct bytes *want, uint32_t limit, uint32_t id)
{
	static struct bytes got;
	const bool v6 = want->b[L2] >> 4 == 6;
	uint32_t at = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		const uint8_t *ip = rte_pktmbuf_mtod_offset(piece[i], const uint8_t *, L2), *h6;
		uint32_t h = v6 ? 40 : (ip[0] & 15u) * 4, next = 6, len, offset, more;

		assert_int_equal(piece[i]->nb_segs, 1);
		assert_true(piece[i]->pkt_len - L2 <= limit);
		rte_mbuf_sanity_check(piece[i], 1);
		while (v6 && ip[next] != 44) {
			next = h;
			h += (ip[h + 1] + 1u) * 8;
		}
		h6 = ip + h;
		h += v6 ? 8 : 0;
		len = piece[i]->pkt_len - L2 - h;
		offset = v6 ? get16(h6 + 2) & 0xfff8 : (get16(ip + 6) & 0x1fff) * 8;
		more = v6 ? h6[3] & 1 : get16(ip + 6) >> 13 & 1;
		assert_int_equal(get16(ip + (v6 ? 4 : 2)), v6 ? h - 40 + len : h + len);
		assert_int_equal(offset, at);
		assert_int_equal(more, i + 1 < n);
		assert_true(!more || len % 8 == 0);
		if (v6)
			assert_int_equal(get16(h6 + 4) << 16 | get16(h6 + 6), id);
		else
			assert_int_equal(sum16(ip, h), 0);
		if (i == 0) {
			got.len = L2 + h - (v6 ? 8 : 0);
			memcpy(got.b, ip - L2, got.len);
			got.b[L2 + next] = v6 ? h6[0] : got.b[L2 + next];
		} else {
			assert_memory_equal(ip - L2, rte_pktmbuf_mtod(piece[0], void *), L2 + 2);
		}
		memcpy(got.b + got.len, ip + h, len);
		got.len += len;
		at += len;
	}
	if (v6) {
		put16(got.b + L2 + 4, got.len - L2 - 40);
	} else {
		put16(got.b + L2 + 2, got.len - L2);
		put16(got.b + L2 + 6, get16(got.b + L2 + 6) & 0x4000);
		put16(got.b + L2 + 10, 0);
		put16(got.b + L2 + 10, sum16(got.b + L2, (got.b[L2] & 15u) * 4));
	}
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.b, want->b, want->len);
}

/* ---- what came whole --------------------------------------------------------------------------------------------------- */

static void
test_whole(void **state)
{
	static const uint32_t lens[] = { 9, 17, 561, 1373, 1473, 2500, 9000, 20008, 65515 };
	static const uint16_t limits[] = { 68, 100, 576, 1280, 1400, 1401, 1407, 1500, 9000 };
	struct frag *f = make(16, 16, 256);
	static struct bytes want;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(lens); i++)
		for (unsigned int k = 0; k < RTE_DIM(limits); k++) {
			const struct datagram d = { .family = 4, .id = 99 };
			const uint32_t step = (RTE_MIN(limits[k], 2034u) - 20u) & ~7u;
			struct rte_mbuf *m;
			int n;

			frame(&want, &d, noise(), 0, lens[i], false);
			m = to_mbuf(&want, 4, i % 2); /* padding is not sent */
			pkt_meta(m)->sequence = 4711;
			frag_note_make(f, m)->limit = limits[k];
			n = frag_split(f, m, piece);
			assert_pieces(n, &want, limits[k], 0);
			assert_true((uint32_t)n <= (lens[i] + step - 1) / step);
			for (int p = 0; p < n; p++)
				assert_int_equal(pkt_meta(piece[p])->sequence, 4711);
			free_pieces(n);
		}
	destroy(f);
}

/* RFC 791 3.1: options without the copied bit are in the first fragment alone. */
static void
test_options(void **state)
{
	static const uint8_t options[16] = { 7, 3, 4, 0x94, 4, 0, 0, 1, 68, 4, 5, 0, 0 };
	static const uint8_t later[16] = { 1, 1, 1, 0x94, 4, 0, 0, 1, 1, 1, 1, 1, 0 };
	const struct datagram d = { .family = 4, .id = 9, .options = options, .n_options = 16 };
	struct frag *f = make(16, 16, 256);
	static struct bytes want;
	struct rte_mbuf *m;
	int n;

	(void)state;
	frame(&want, &d, noise(), 0, 3000, false);
	m = to_mbuf(&want, 4, 0);
	frag_note_make(f, m)->limit = 1000;
	n = frag_split(f, m, piece);
	assert_pieces(n, &want, 1000, 0);
	for (int i = 0; i < n; i++)
		assert_memory_equal(rte_pktmbuf_mtod_offset(piece[i], void *, L2 + 20),
				i == 0 ? options : later, 16);
	free_pieces(n);
	destroy(f);
}

/* ---- what came in fragments ------------------------------------------------------------------------------------------ */

static struct rte_mbuf *
join(struct frag *f, const struct datagram *d, uint32_t len, uint32_t step)
{
	struct frag_result r = { .whole = NULL };

	for (uint32_t at = 0; at < len; at += step)
		give(f, fragment(d, noise(), at, RTE_MIN(step, len - at), at + step < len), &r);
	assert_non_null(r.whole);
	return r.whole;
}

/* Where they fit they leave as they came, in the same buffers. */
static void
test_as_it_came(void **state)
{
	static const uint32_t steps[] = { 8, 256, 1000, 1480 };
	struct frag *f = make(16, 16, 1024);
	static struct bytes want;

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2)
		for (unsigned int i = 0; i < RTE_DIM(steps); i++) {
			const struct datagram d = {
				.family = (uint8_t)family, .id = 0xabcd1234, .df = true
			};
			const uint32_t len = 100 * steps[i] / (i + 1) + 5;
			struct rte_mbuf *m = join(f, &d, len, steps[i]);
			const unsigned int used = rte_mempool_in_use_count(pool);
			int n;

			frag_note(f, m)->limit = RTE_MAX(frag_note(f, m)->largest, 576);
			n = frag_split(f, m, piece);
			assert_int_equal(n, (int)((len + steps[i] - 1) / steps[i]));
			assert_int_equal(rte_mempool_in_use_count(pool), used);
			for (int k = 0; k < n; k++) {
				const uint32_t at = (uint32_t)k * steps[i];

				frame(&want, &d, noise() + at, at, RTE_MIN(steps[i], len - at),
						k + 1 < n);
				assert_frame(piece[k], &want);
			}
			free_pieces(n);
		}
	destroy(f);
}

static void
test_cut_finer(void **state)
{
	static const uint16_t limits[] = { 100, 576, 999, 1280, 1400 };
	static const uint8_t hop[8] = { 44, 0, 1, 4, 0, 0, 0, 0 };
	struct frag *f = make(16, 16, 1024);
	static struct bytes want;

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2)
		for (unsigned int i = 0; i < RTE_DIM(limits); i++)
			for (unsigned int extra = 0; extra < 2; extra++) {
				struct datagram d = { .family = (uint8_t)family, .id = 0xabcd1234 };
				struct rte_mbuf *m;
				int n;

				if (extra && family == 6)
					d.options = hop, d.n_options = 8;
				frame(&want, &d, noise(), 0, 20005, false);
				if (d.n_options != 0)
					want.b[L2 + 40] = IPPROTO_UDP;
				m = join(f, &d, 20005, 1448);
				frag_note(f, m)->limit = limits[i];
				n = frag_split(f, m, piece);
				assert_pieces(n, &want, limits[i], 0xabcd1234);
				free_pieces(n);
			}
	destroy(f);
}

/* ---- what cannot be ------------------------------------------------------------------------------------------------------- */

static void
test_refused(void **state)
{
	const struct datagram d = { .family = 4, .id = 1 }, d6 = { .family = 6, .id = 1 };
	struct frag *f = make(16, 16, 256);
	static struct rte_mbuf *all[MBUFS];
	static struct bytes want;
	struct rte_mbuf *m;
	unsigned int left;

	(void)state;
	frame(&want, &d, noise(), 0, 3000, false);
	m = to_mbuf(&want, 4, 0);
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE); /* nobody said how */
	frag_note_make(f, m)->limit = 27;		      /* no room for 8 bytes */
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE);
	frag_note_make(f, m)->limit = 28;
	assert_int_equal(frag_split(f, m, piece), 375);
	free_pieces(375);
	frame(&want, &d, noise(), 0, 65515, false);
	m = to_mbuf(&want, 4, 0);
	frag_note_make(f, m)->limit = 28; /* 8,190 of them */
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE);
	/* No buffers: the packet is as it was. */
	frag_note(f, m)->limit = 1500;
	left = rte_mempool_avail_count(pool) - 44;
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, all, left), 0);
	assert_int_equal(frag_split(f, m, piece), -ENOMEM);
	rte_pktmbuf_free_bulk(all, left);
	assert_frame(m, &want);
	/* Headers that lie: longer than the packet, or than there is. */
	rte_pktmbuf_mtod(m, uint8_t *)[L2] = 0x4f;
	put16(rte_pktmbuf_mtod_offset(m, uint8_t *, L2 + 2), 60);
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE);
	rte_pktmbuf_free(m);
	frame(&want, &d6, noise(), 0, 3000, false);
	m = to_mbuf(&want, 6, 0);
	frag_note_make(f, m)->limit = 1400;
	frag_note(f, m)->cut = 44;
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE);
	frag_note(f, m)->cut = 3000;
	assert_int_equal(frag_split(f, m, piece), -EMSGSIZE);
	rte_pktmbuf_free(m);
	destroy(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_as_it_came),
		cmocka_unit_test(test_cut_finer),
		cmocka_unit_test(test_refused),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, make_pool, NULL);
}
