#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# net_tap: shunt makes the interfaces, they are moved to a client and to a server, and these talk through it.
# --lcores N.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

n_lcores=2
[ "${1:-}" != --lcores ] || n_lcores=$2
requests=$((${SHUNT_SMOKE_REQUESTS:-10000} / 20))

smoke_init curl nginx iperf3 taskset ping "$PYTHON"
[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
SERVERS=(b1)
say "namespaces $PREFIX-*: client, shunt, b1"
for i in client shunt b1; do namespace "$i"; done
cat > "$WORK/shunt.json" << END
{
  "ports": [
    {"name": "left", "device": "net_tap0,iface=left", "addresses": ["$OWN4/24", "$OWN6/64"]},
    {"name": "right", "device": "net_tap1,iface=right", "role": "internal",
     "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]}
  ],
  "tables": {"connections": 65536, "mbufs": 16384},
  "services": [
    $(service web "$VIP4" tcp 80 "$(backends 8080 1)"),
    $(service web6 "$VIP6" tcp 80 "$(backends6 8080 1)"),
    $(service echo "$VIP4" udp 7 "$(backends "$ECHO_PORT" 1)"),
    $(service echo6 "$VIP6" udp 7 "$(backends6 "$ECHO_PORT" 1)")
  ]
}
END
start_shunt shunt "$n_lcores"

# hand DEVICE NS MAC: to a namespace. The kernel's end has shunt's MAC address until it is given one of its own.
hand() {
	ip -n "$PREFIX-shunt" link set dev "$1" netns "$PREFIX-$2"
	ip -n "$PREFIX-$2" link set dev "$1" address "$3"
	ip -n "$PREFIX-$2" link set dev "$1" up
}
hand left client 02:00:00:00:0a:01
hand right b1 02:00:00:00:0b:01
host client "$CLIENT4" "$OWN4" "$CLIENT6" "$OWN6" left
host b1 "${B4[1]}" 10.0.0.1 "${B6[1]}" 2001:db8:2::1 right
servers

for address in "$OWN4" "$OWN6" "$VIP4" "$VIP6" "${B4[1]}" "${B6[1]}"; do
	in_ns client ping -n -q -c 2 -i 0.2 -W 5 "$address" > "$WORK/ping.log" 2>&1 ||
		fail "no answer from $address"
done
say "answers to ping"
fetch "$requests" "http://$VIP4"
fetch "$requests" "http://[$VIP6]"
fetch_big "http://$VIP4"
fetch_big "http://[$VIP6]"
echoes 32 "$VIP4"
echoes 32 "$VIP6"
check_counters
stop_shunt SIGTERM
