/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors of rte_flow in words, and what is checked of every rule before its pattern: port and attributes.
 */
#include "hwf_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int
hwf_fail(const struct hwf_where *w, struct rte_flow_error *error, int err,
		enum rte_flow_error_type type, const void *cause, const char *fmt, ...)
{
	char *text = w->h->port[w->port].said;
	va_list ap;

	if (error != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(w->h->port[0].said), fmt, ap);
		va_end(ap);
	}
	return rte_flow_error_set(error, err, type, cause, text);
}

int
hwf_check_port(const struct hwf *h, uint16_t port, struct rte_flow_error *error)
{
	if (port < h->n_ports)
		return 0;
	return rte_flow_error_set(error, ENODEV, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
			"the NIC has no such port");
}

int
hwf_attr(const struct hwf_where *w, struct rte_flow_error *error)
{
	const struct rte_flow_attr *a = w->attr;
	const struct sim_profile *p = w->h->profile;

	if (a == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, NULL, "no attributes");
	if (a->reserved != 0)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, a,
				"reserved attributes are set");
	if (!a->ingress && !a->egress && !a->transfer)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, a,
				"none of ingress, egress and transfer");
	/* Ingress beside transfer says nothing, but applications older than DPDK 21.11 say it. */
	if (a->egress && (a->ingress || a->transfer))
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_EGRESS, a,
				"egress beside %s: a rule is of one domain",
				a->transfer ? "transfer" : "ingress");
	if (a->group >= RTE_MIN(p->tables_groups, hwf_group_own(w->h)))
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, a,
				"group %u: the highest is %u (profile: tables.groups)", a->group,
				RTE_MIN(p->tables_groups, hwf_group_own(w->h)) - 1);
	if (a->priority >= p->tables_priorities)
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY, a,
				"priority %u: the highest number is %u (profile: tables.priorities)",
				a->priority, p->tables_priorities - 1);
	return 0;
}

enum sim_domain
hwf_domain(const struct rte_flow_attr *attr)
{
	if (attr->transfer)
		return SIM_TRANSFER;
	return attr->egress ? SIM_EGRESS : SIM_INGRESS;
}
