/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets by name, for the tests of rte_flow's patterns and actions: "eth vlan ipv4 udp vxlan eth ipv4 tcp". Fields have
 * the values below; of the inner level addresses begin with 192.168 and 2001:db8:1, and ports are 10000 higher.
 *
 *   eth    02:00:00:00:00:01 <- 02:00:00:00:00:02 (inner: ..11 <- ..12)
 *   vlan   id 100 priority 3; a second one: id 200 priority 5 (qinq: 0x88a8 outside)
 *   ipv4   10.0.0.1 -> 10.0.0.2, ttl 64, tos 0x28 (DSCP 10), id 0x1234
 *   ipv6   2001:db8::1 -> 2001:db8::2, hop limit 64, class 0x28, label 0x12345
 *   tcp    1000 -> 2000, sequence 0x01020304, ack 0x05060708, flags ACK|PSH, window 4096
 *   udp    3000 -> 4000, sctp 5000 -> 6000 tag 0xabcd, icmp type 8 code 0 id 7 seq 9, icmp6 type 128, esp spi 0x100
 *   frag4  the IPv4 header says more fragments; frag4n: offset 8. frag6: fragment header, offset 0, more
 *   opt4   IPv4 with 4 bytes of options; opt6: an IPv6 destination options header
 *   vxlan  vni 0x123456, geneve vni 0x234567, gtpu teid 0x34567890, gre, grekey key 77, nvgre tni 0x456789 flow 1
 *   arp    request for 10.0.0.2 by 10.0.0.1
 */
#ifndef TEST_HWF_PACKETS_H
#define TEST_HWF_PACKETS_H

#include "test_hwf_rig.h"

void
rig_stack(struct rig_packet *p, const char *stack);
/* The bytes of `stack`: room for 512. Returns their number. */
uint32_t
rig_bytes(uint8_t *to, const char *stack);

/* No rule, and nothing that a rule had. */
void
rig_empty(struct rig *r);

#endif /* TEST_HWF_PACKETS_H */
