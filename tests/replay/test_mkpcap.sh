#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The captures of shunt-mkpcap, as tshark sees them: an independent reader of everything it wrote.
# Finds the program in $MKPCAP, or in the build directory $SHUNT_BUILD_DIR.
set -euo pipefail

mkpcap=${MKPCAP:-${SHUNT_BUILD_DIR:?where is the build?}/tools/mkpcap/shunt-mkpcap}
command -v tshark > /dev/null || { echo "skipped: tshark is not installed" >&2; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

is() { # is WHAT EXPECTED ACTUAL
	if [ "$2" != "$3" ]; then
		printf 'FAIL %s: expected %s, got %s\n' "$1" "$2" "$3" >&2
		failed=1
	fi
}

# read_as FILE FILTER FIELD...: one line a packet, the fields of the outermost layer.
read_as() {
	local file=$1 filter=$2 args=() f
	shift 2
	for f; do args+=(-e "$f"); done
	tshark -n -r "$file" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-o udp.check_checksum:TRUE -o ip.defragment:FALSE -Y "$filter" \
		-T fields -E occurrence=f "${args[@]}" 2> "$dir/tshark.log" ||
		{ cat "$dir/tshark.log" >&2; exit 1; }
}
count() { read_as "$1" "$2" frame.number | wc -l; }

bad='ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 ||
	icmp.checksum.status == 0 || icmpv6.checksum.status == 0'

# --- udp-sessions
n=3000
"$mkpcap" udp-sessions --sessions $n --out-client "$dir/c.pcap" --out-server "$dir/s.pcap"
for side in c s; do
	is "udp $side: frames of 60 bytes" $n "$(count "$dir/$side.pcap" 'frame.len == 60 && udp')"
	# Not _ws.malformed: tshark takes payloads for the protocols that own some client's port.
	is "udp $side: bad" 0 "$(count "$dir/$side.pcap" "$bad")"
	is "udp $side: checksums seen as good" $n \
		"$(count "$dir/$side.pcap" 'ip.checksum.status == 1 && udp.checksum.status == 1')"
done
# A session is the client's address and port; its service k, of 16, must be answered by backend k.
read_as "$dir/c.pcap" udp ip.src udp.srcport ip.dst udp.dstport |
	awk '{ print $1, $2, "10.1.0." $4 - 9000 + 1, 7000, $3 }' | sort > "$dir/c.txt"
read_as "$dir/s.pcap" udp ip.dst udp.dstport ip.src udp.srcport |
	awk '{ print $1, $2, $3, $4, "10.255.0.1" }' | sort > "$dir/s.txt"
is "udp: every answer fits its request" "" "$(diff "$dir/c.txt" "$dir/s.txt" | head -3)"
is "udp: distinct sessions" $n "$(cut -d' ' -f1,2 "$dir/c.txt" | sort -u | wc -l)"
is "udp: backends in use" 16 "$(cut -d' ' -f3 "$dir/c.txt" | sort -u | wc -l)"
is "udp: shuffled" 1 "$(read_as "$dir/c.pcap" udp udp.srcport | sort -nc 2>&1 | grep -c disorder)"

"$mkpcap" udp-sessions --sessions $n --out-client "$dir/c2.pcap" --out-server "$dir/s2.pcap"
is "udp: same seed, same bytes" 0 "$(cmp "$dir/c.pcap" "$dir/c2.pcap" > /dev/null; echo $?)"
"$mkpcap" udp-sessions --sessions $n --seed 2 --out-client "$dir/c2.pcap" --out-server "$dir/s2.pcap"
is "udp: other seed, other order" 1 "$(cmp "$dir/c.pcap" "$dir/c2.pcap" > /dev/null; echo $?)"

# --- tcp-opens: merged by time, every connection is SYN, SYN/ACK, ACK with numbers that fit.
n=200
"$mkpcap" tcp-opens --sessions $n --out-client "$dir/c.pcap" --out-server "$dir/s.pcap"
is "tcp: bad" 0 "$(count "$dir/c.pcap" "_ws.malformed || $bad")"
is "tcp: bad answers" 0 "$(count "$dir/s.pcap" "_ws.malformed || $bad")"
mergecap -w "$dir/both.pcapng" "$dir/c.pcap" "$dir/s.pcap"
is "tcp: handshakes" $n "$(tshark -n -o tcp.relative_sequence_numbers:FALSE -r "$dir/both.pcapng" \
	-T fields -e tcp.flags -e tcp.srcport -e tcp.dstport -e tcp.seq -e tcp.ack | awk '
	function next_of(seq) { return (seq + 1) % 4294967296 }
	$1 == "0x0002" { isn[$2] = $4 }
	$1 == "0x0012" && ($2 == 7000) && $5 == next_of(isn[$3]) { answer[$3] = $4 }
	$1 == "0x0010" && $5 == next_of(answer[$2]) && $4 == next_of(isn[$2]) { n++ }
	END { print n + 0 }')"

# --- IPv6
"$mkpcap" udp-sessions --sessions 100 --out-client "$dir/c.pcap" --out-server "$dir/s.pcap" \
	--client 2001:db8:c::1 --vip 2001:db8:1::10 --backend 2001:db8:2::1
is "ipv6: good" 100 "$(count "$dir/c.pcap" 'ipv6 && udp.checksum.status == 1')"

# --- demo
demo=$dir/demo.pcapng
"$mkpcap" demo --out "$demo"
is "demo: interfaces" "external internal" \
	"$(read_as "$demo" frame frame.interface_name | sort -u | xargs)"
total=$(count "$demo" frame)
is "demo: about 20,000 packets ($total)" 1 $((total > 17000 && total < 23000))
is "demo: sorted by time" 1 "$(capinfos -o "$demo" | grep -c 'Strict time order: *True')"

# What is wrong is wrong on purpose, once each. An ICMP error quotes part of a packet: its checks
# are of the outer one.
is "demo: IPv4 checksum" 1 "$(count "$demo" 'ip.checksum.status == 0')"
is "demo: TCP checksum" 0 "$(count "$demo" 'tcp.checksum.status == 0 && !icmp && !icmpv6')"
is "demo: UDP checksum" 1 "$(count "$demo" 'udp.checksum.status == 0 && !icmp && !icmpv6')"
is "demo: ICMP checksum" 0 \
	"$(count "$demo" 'icmp.checksum.status == 0 || icmpv6.checksum.status == 0')"
is "demo: cut TCP header" 1 "$(count "$demo" 'ip.proto == 6 && ip.len == 30')"
is "demo: IP length beyond the frame" 1 "$(count "$demo" 'ip.len > 1086 && frame.len < 200')"
is "demo: last hop" 1 "$(count "$demo" 'ip.ttl == 1 && !icmp')"
is "demo: fragments" 3 "$(count "$demo" 'ip.flags.mf == 1 || ip.frag_offset > 0')"
is "demo: GRE" 1 "$(count "$demo" 'gre && udp')"
is "demo: malformed (UDP length, cut TCP)" 2 "$(count "$demo" _ws.malformed)"
is "demo: tagged" 4 "$(count "$demo" 'vlan.id == 100')"
is "demo: ARP" 2 "$(count "$demo" arp)"

# What a classifier should find.
is "demo: server names" "api.example.com mail.example.com shop.example.net static.example.net
video.example.org www.example.com" "$(read_as "$demo" tls.handshake.extensions_server_name \
	tls.handshake.extensions_server_name | sort -u | xargs | fold -sw 80 | sed 's/ *$//')"
is "demo: QUIC Initials" 90 "$(count "$demo" 'quic.version == 1')"
is "demo: DNS queries" 200 "$(count "$demo" \
	'dns.flags.response == 0 && udp.dstport == 53 && !icmp && !icmpv6')"
is "demo: ICMP errors" 7 "$(count "$demo" \
	'icmp.type == 3 || icmpv6.type == 1 || icmpv6.type == 2')"

# Round robin (a TCP header that is cut opens nothing): the n-th connection of a service is answered by backend n modulo how many it has.
read_as "$demo" '(tcp.hdr_len || udp) && !icmp && !icmpv6' frame.interface_id ip.src ipv6.src ip.dst \
	ipv6.dst ip.proto ipv6.nxt tcp.srcport udp.srcport tcp.dstport udp.dstport |
	awk -F'\t' '
	{
		src = $2 $3; dst = $4 $5; proto = $6 $7; sport = $8 $9; dport = $10 $11
		family = $3 == "" ? 4 : 6
	}
	$1 == 0 && (dst == "192.0.2.10" || dst == "2001:db8:1::10") {
		key = src " " sport " " proto
		service = family " " proto " " dport
		if ((dport == 443 || dport == 80 || dport == 53) && !(key in turn)) {
			of[key] = service
			turn[key] = opened[service]++
		}
	}
	$1 == 1 {
		key = dst " " dport " " proto
		if (!(key in turn) || (key in seen))
			next
		seen[key] = 1
		n = split(src, part, /[.:]/)
		backends = of[key] ~ / 53$/ ? 2 : 3
		checked++
		if (part[n] != 11 + turn[key] % backends)
			wrong++
	}
	END { print checked + 0, wrong + 0 }' > "$dir/robin.txt"
# 480 connections but for two whose backend answers with an ICMP error only.
is "demo: connections checked, out of turn" "478 0" "$(cat "$dir/robin.txt")"

exit $failed
