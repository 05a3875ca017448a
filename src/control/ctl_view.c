/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views: methods that only read conntrack, load balancing and classifier. This file registers them,
 * and has what their files share: names and addresses as JSON, and the way back to text.
 *
 * Control lcore only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/flow.h"
#include "control/ctl.h"

#include "ctl_priv.h"

const char *
ctl_protocol_name(uint8_t number, char buf[8])
{
	const char *name = flow_proto_name(number);

	if (name != NULL)
		return name;
	snprintf(buf, 8, "%u", number);
	return buf;
}

const char *
ctl_key_protocol(const struct flow_key *key, char buf[8])
{
	if (key->proto != FLOW_PROTO_RAW)
		return ctl_protocol_name(key->proto, buf);
	snprintf(buf, 8, "%u", flow_key_carries(key));
	return buf;
}

json_t *
ctl_protocol_json(uint8_t number)
{
	char text[8];

	return json_string(ctl_protocol_name(number, text));
}

json_t *
ctl_key_json(const struct flow_key *key)
{
	char text[8];

	return json_string(ctl_key_protocol(key, text));
}

json_t *
ctl_address_json(uint8_t family, const struct flow_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(
			inet_ntop(family == 6 ? AF_INET6 : AF_INET, addr->b, text, sizeof(text)));
}

const char *
ctl_string_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

uint64_t
ctl_uint_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

void
ctl_thousands_cell(struct ctl_table *t, uint64_t v)
{
	char buf[32];

	ctl_table_cell(t, "%s", ctl_thousands(v, buf));
}

int
ctl_parse_protocol(const char *text, int *proto, json_t **result)
{
	uint64_t number = 0;
	json_t *params;
	int rc;

	*proto = flow_proto_number(text);
	if (*proto >= 0 && flow_proto_pseudo((uint8_t)*proto))
		*proto |= CTL_PROTOCOL_PSEUDO;
	if (*proto >= 0)
		return 0;
	params = json_pack("{s:s}", "protocol", text);
	rc = ctl_param_uint(params, "protocol", UINT8_MAX, &number, result);
	json_decref(params);
	if (rc != 0) {
		json_decref(*result);
		*result = ctl_error(
				"protocol: \"%.32s\" is neither a known name nor 0 to 255", text);
		return rc;
	}
	*proto = (int)number;
	return 0;
}

/* ---- registration ---- */

int
ctl_register_views(struct ctl *c, const struct ctl_view *v)
{
	static const struct ctl_method methods[] = {
		{
				.name = "show connections",
				.help = "connections that are tracked",
				.args = "[limit N] [from ID] [format table|conntrack|lines] " CTL_FILTER_ARGS,
				.text = ctl_connections_text,
				.job = &ctl_connections_job,
		},
		{
				.name = "count connections",
				.help = "how many there are",
				.args = CTL_FILTER_ARGS,
				.text = ctl_count_text,
				.job = &ctl_count_job,
		},
		{
				.name = "flush connections",
				.help = "close them, with those that they expected",
				.args = "[all] [limit N] " CTL_FILTER_ARGS,
				.text = ctl_flush_text,
				.job = &ctl_flush_job,
		},
		{
				.name = "show conntrack",
				.help = "the table by family, zone, protocol and state; its counters and events",
				.text = ctl_conntrack_text,
				.job = &ctl_conntrack_job,
		},
		{
				.name = "show events",
				.help = "what happened to connections last",
				.args = "[limit N] [event new|update|destroy] [format conntrack|lines]",
				.job = &ctl_events_job,
		},
		{
				.name = "watch events",
				.help = "what happens to connections from now on",
				.args = "[limit N] [seconds S] [event new|update|destroy] [format conntrack|lines]",
				.job = &ctl_watch_job,
		},
		{
				.name = "show services",
				.help = "services and their backends",
				.call = ctl_services_call,
				.text = ctl_services_text,
		},
		{
				.name = "show classes",
				.help = "classes, and how often each rule decided",
				.call = ctl_classes_call,
				.text = ctl_classes_text,
		},
	};
	size_t i;
	int rc = 0;

	if (c->view != NULL)
		return -EEXIST;
	c->view = malloc(sizeof(*c->view));
	if (c->view == NULL)
		return -ENOMEM;
	*c->view = *v;
	for (i = 0; i < RTE_DIM(methods) && rc == 0; i++) {
		struct ctl_method m = methods[i];

		m.ctx = c->view;
		rc = ctl_register(c, &m);
	}
	return rc;
}
