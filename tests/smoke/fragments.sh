#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Fragments: long pings and long datagrams, through shunt as a router and to a service of it, IPv4 and IPv6, to hosts
# behind a link of MTU 1500 and behind one of 1400. Over net_tap: the kernel puts IPv4 fragments together itself before
# net_af_packet sees them. --lcores N.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

n_lcores=2
while [ $# -gt 0 ]; do
	case $1 in
	--lcores) n_lcores=$2; shift ;;
	*) fail "what is $1?" ;;
	esac
	shift
done

smoke_init taskset ping "$PYTHON"
[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
say "namespaces $PREFIX-*: client, shunt, b1, b3"
for i in client shunt b1 b3; do namespace "$i"; done
cat > "$WORK/shunt.json" << END
{
  "ports": [
    {"name": "left", "device": "net_tap0,iface=left", "addresses": ["$OWN4/24", "$OWN6/64"]},
    {"name": "right", "device": "net_tap1,iface=right", "role": "internal",
     "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]},
    {"name": "narrow", "device": "net_tap2,iface=narrow", "role": "internal", "mtu": $NARROW_MTU,
     "addresses": ["10.0.3.1/24", "2001:db8:3::1/64"]}
  ],
  "tables": {"connections": 65536, "mbufs": 16384},
  "services": [
    $(service echo "$VIP4" udp 7 "$(backends "$ECHO_PORT" 1)"),
    $(service echo6 "$VIP6" udp 7 "$(backends6 "$ECHO_PORT" 1)")
  ]
}
END
start_shunt shunt "$n_lcores"

# hand DEVICE NS MAC MTU: to a namespace. The kernel's end has shunt's MAC address until it is given one of its own.
hand() {
	ip -n "$PREFIX-shunt" link set dev "$1" netns "$PREFIX-$2"
	ip -n "$PREFIX-$2" link set dev "$1" address "$3" mtu "$4"
	ip -n "$PREFIX-$2" link set dev "$1" up
}
hand left client 02:00:00:00:0a:01 1500
hand right b1 02:00:00:00:0b:01 1500
hand narrow b3 02:00:00:00:0b:03 "$NARROW_MTU"
host client "$CLIENT4" "$OWN4" "$CLIENT6" "$OWN6" left
host b1 "${B4[1]}" 10.0.0.1 "${B6[1]}" 2001:db8:2::1 right
host b3 "${B4[3]}" 10.0.3.1 "${B6[3]}" 2001:db8:3::1 narrow
for b in b1 b3; do
	spawn "$b.echo" "$b" "$PYTHON" "$HERE/udp_echo.py" serve "$b" "$ECHO_PORT"
	wait_for 10 "echo server on $b" listens "$b" u "$ECHO_PORT"
done

# long_ping ADDRESS SIZE [OPTION...]: three answers, to ten questions at most: on a starved machine some come too late,
# and the first ones of IPv6 are lost while the path's MTU is learnt (no router cuts it).
long_ping() {
	local address=$1 size=$2 got=0 asked
	shift 2
	for ((asked = 0; asked < 10 && got < 3; asked++)); do
		in_ns client ping -n -q -c 1 -W 5 -s "$size" "$@" "$address" > "$WORK/ping.log" 2>&1 && got=$((got + 1))
	done
	[ "$got" -eq 3 ] || fail "$got answers to $asked of ping -s $size $address"
	say "ping -s $size $address: $got answers to $asked"
}
# The first one of each meets a neighbour that is to be found.
for address in "${B4[1]}" "${B4[3]}" "${B6[1]}" "${B6[3]}"; do long_ping "$address" 56; done
long_ping "${B4[1]}" 20000
long_ping "${B6[1]}" 20000
long_ping "${B4[1]}" 65507 # 65,535 bytes with its headers
long_ping "${B4[3]}" 20000
long_ping "${B6[3]}" 20000

# long_datagrams ADDRESS PORT BYTES: from twelve sockets, each answered; again after three seconds, while the path's MTU is learnt.
long_datagrams() {
	in_ns client "$PYTHON" - "$@" << 'END' || fail "datagrams of $3 bytes to $1 port $2; $(ask show drops)"
import os, socket, sys
address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
again = 0
for number in range(12):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.connect((address, port))
        data = os.urandom(size)
        for attempt in range(4):
            try:
                sock.send(data)
                answer = sock.recv(65536)
                break
            except (TimeoutError, OSError):
                again += 1
        else:
            sys.exit(f"datagram {number} was not answered")
        name, seen, its_port, got = answer.split(b" ", 3)
        if got != data or (seen.decode(), int(its_port)) != sock.getsockname()[:2]:
            sys.exit(f"the server {name} saw {seen} {its_port} and {len(got)} bytes")
print(f"== 12 datagrams of {size} bytes to {address} port {port}, and their answers; {again} sent again")
END
}
for n in 1 3; do
	long_datagrams "${B4[n]}" "$ECHO_PORT" 60000
	long_datagrams "${B6[n]}" "$ECHO_PORT" 60000
done
for size in 1473 1500 60000; do
	long_datagrams "$VIP4" 7 "$size"
	long_datagrams "$VIP6" 7 "$size"
done
check_counters
jq -e '.reassembled > 100 and .fragmented > 100 and .fragments_waiting == 0' "$WORK/stats" > /dev/null ||
	fail "few fragments: $(cat "$WORK/stats")"
say "$(jq -r '"\(.reassembled) packets put together, \(.fragmented) sent as \(.fragments_made) fragments"' "$WORK/stats")"
stop_shunt quit
