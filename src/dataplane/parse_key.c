/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of zones whose packets are not told apart by 5-tuples (configuration "zones", "key"). Workers, after a burst was
 * parsed, where the port's zone has such keys; control, for single and quoted packets. Zones with 5-tuples never come
 * here for a burst. Only reads packets.
 */
#include "parse.h"

#include "parse_priv.h"

void
parse_rekey(const struct rte_mbuf *m, const struct pkt_info *info, const struct parse_params *pp,
		struct flow_key *key)
{
	uint32_t id = 0;
	uint8_t proto = 0;

	if (pp->keys == FLOW_KEYS_ADDRESSES)
		proto = FLOW_PROTO_ANY;
	else if (pp->keys == FLOW_KEYS_TUNNEL)
		proto = parse_tunnel_key(m, info, &id);
	if (proto != 0)
		flow_key_set_id(key, proto, id);
}

/* Control looks at what is sent to a link-local address, perhaps its own, whatever it carries. */
static bool
to_link_local(const struct rte_mbuf *m, const struct pkt_info *info)
{
	const struct parse p = { .m = m, .end = info->l3_off + info->l3_len };
	uint8_t buf[2];
	const uint8_t *dst;

	if (info->family != 6)
		return false;
	dst = parse_read(&p, info->l3_off + 24, sizeof(buf), buf);
	return dst == NULL || (dst[0] == 0xfe && (dst[1] & 0xc0) == 0x80);
}

void
parse_key(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key)
{
	parse_rekey(m, info, pp, key);
	/* A SYN or FIN opens and closes nothing there. */
	if (pp->keys == FLOW_KEYS_ADDRESSES && (info->flags & PKT_F_CONTROL) != 0 &&
			!to_link_local(m, info))
		info->flags &= (uint16_t)~PKT_F_CONTROL;
}

bool
parse_tuple_of(const struct rte_mbuf *m, const struct pkt_info *info, const struct parse_params *pp,
		struct flow_tuple *tuple)
{
	if (!parse_tuple(m, info, pp->zone, tuple))
		return false;
	parse_rekey(m, info, pp, &tuple->key);
	return true;
}
