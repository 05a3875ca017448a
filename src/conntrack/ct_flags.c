/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet is to its connection, in the words of Open vSwitch and tc: for rules, verdicts and reports. Any lcore;
 * reads one connection and changes nothing.
 */
#include <netinet/in.h>

#include "ct_priv.h"

static const struct {
	uint8_t flag;
	const char *name;
} names[] = {
	{ CT_FLAG_TRK, "trk" },
	{ CT_FLAG_NEW, "new" },
	{ CT_FLAG_EST, "est" },
	{ CT_FLAG_REL, "rel" },
	{ CT_FLAG_RPL, "rpl" },
	{ CT_FLAG_INV, "inv" },
	{ CT_FLAG_SNAT, "snat" },
	{ CT_FLAG_DNAT, "dnat" },
};

const char *
ct_flag_name(unsigned int i, uint8_t *flag)
{
	if (i >= RTE_DIM(names))
		return NULL;
	*flag = names[i].flag;
	return names[i].name;
}

uint8_t
ct_flags(const struct ct_conn *c, unsigned int dir, enum ct_state state)
{
	uint8_t flags = CT_FLAG_TRK;

	switch (state) {
	case CT_STATE_NEW:
		flags |= CT_FLAG_NEW;
		break;
	case CT_STATE_ESTABLISHED:
		flags |= CT_FLAG_EST;
		break;
	case CT_STATE_RELATED:
		flags |= CT_FLAG_REL;
		break;
	case CT_STATE_INVALID: /* belongs to no connection, whichever it names */
		return flags | CT_FLAG_INV;
	default:
		return 0;
	}
	if (dir == FLOW_REPLY)
		flags |= CT_FLAG_RPL;
	if (c != NULL && (c->status & CT_S_SNAT))
		flags |= CT_FLAG_SNAT;
	if (c != NULL && (c->status & CT_S_DNAT))
		flags |= CT_FLAG_DNAT;
	return flags;
}

const char *
ct_state_of(const struct ct_conn *c)
{
	switch (c->flow[FLOW_ORIGINAL].key.proto) {
	case IPPROTO_TCP:
		return ct_tcp_state_name(c->tcp.state);
	case IPPROTO_SCTP:
		return ct_sctp_state_name(c->sctp.state);
	case IPPROTO_DCCP:
		return ct_ops_of(&c->flow[FLOW_ORIGINAL].key) == &ct_dccp_ops
				? ct_dccp_state_name(c->dccp.state)
				: NULL;
	default:
		return NULL;
	}
}
