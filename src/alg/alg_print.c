/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses and ports as FTP writes them: alg.h.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "alg/alg.h"

uint32_t
alg_ftp_print(const struct alg_announced *a, const struct flow_addr *address, uint16_t port,
		char text[ALG_FTP_TEXT_MAX])
{
	const uint8_t *b = address->b;
	char ip[INET6_ADDRSTRLEN];
	int n;

	switch (a->kind) {
	case ALG_FTP_PORT:
	case ALG_FTP_227:
		n = snprintf(text, ALG_FTP_TEXT_MAX, "%u,%u,%u,%u,%u,%u", b[0], b[1], b[2], b[3],
				port >> 8, port & 0xff);
		break;
	case ALG_FTP_EPRT:
		if (inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, b, ip, sizeof(ip)) == NULL)
			return 0;
		n = snprintf(text, ALG_FTP_TEXT_MAX, "%c%u%c%s%c%u%c", a->delimiter,
				a->family == 6 ? 2 : 1, a->delimiter, ip, a->delimiter, port,
				a->delimiter);
		break;
	default:
		n = snprintf(text, ALG_FTP_TEXT_MAX, "%u", port);
		break;
	}
	return (uint32_t)n;
}
