#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Limits on connections, with the kernel's own TCP as client: of 100 connections 10 are let through and 90 get a reset
# at once; when the 10 end, their places are free again. IPv4 and IPv6. --lcores N.
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

smoke_init ethtool taskset ss
for i in client shunt server; do namespace "$i"; done
in_ns shunt sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
wire shunt external client eth0
wire shunt internal server eth0
host client "$CLIENT4" "$OWN4" "$CLIENT6" "$OWN6"
host server "${B4[1]}" 10.0.0.1 "${B6[1]}" 2001:db8:2::1
spawn server server "$PYTHON" "$HERE/tcp_clients.py" serve 8080
wait_for 10 "server" listens server t 8080

cat > "$WORK/shunt.json" << END
{
  "ports": [
    {"name": "external", "device": "net_af_packet0,iface=external,framecnt=4096", "addresses": ["$OWN4/24", "$OWN6/64"]},
    {"name": "internal", "device": "net_af_packet1,iface=internal,framecnt=4096", "role": "internal",
     "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]}
  ],
  "tables": {"connections": 65536, "mbufs": 16384},
  "conntrack": {"timeouts": {"tcp-time-wait": 1, "tcp-last-ack": 1, "tcp-close": 1}},
  "sets": [{"name": "servers", "prefixes": ["10.0.0.0/24", "2001:db8:2::/64"]}],
  "limits": [
    {"name": "per-client", "connections": 10, "protocol": "tcp", "destination-port": 8080, "action": "reset"},
    {"name": "to-servers", "by": "destination", "connections": 1, "set": "servers", "action": "count"}
  ]
}
END
start_shunt shunt "$n_lcores"

# limit NAME FIELD
limit() { ask show limits | jq --arg n "$1" ".limits[] | select(.name == \$n).$2"; }

# try ADDRESS: 100 connections, held open together; how many came about, were reset, and neither.
try() {
	local got
	got=$(in_ns client timeout 60 "$PYTHON" "$HERE/tcp_clients.py" open 100 "$1" 8080)
	[ "$got" = "10 opened, 90 reset, 0 other" ] || fail "100 connections to $1: $got"
	say "100 connections to $1: $got"
}
free() { [ "$(limit per-client connections)" -eq 0 ]; }

refused=0
for address in "${B4[1]}" "${B6[1]}" "${B4[1]}"; do
	try "$address"
	refused=$((refused + 90))
	[ "$(drops limit_connections)" -eq "$refused" ] || fail "drops: $(drops limit_connections), not $refused"
	[ "$(limit per-client refused)" -eq "$refused" ] || fail "show limits: $(ask show limits)"
	wait_for 30 "end of the connections" free
done
[ "$(limit to-servers counted)" -eq 27 ] || fail "counted: $(limit to-servers counted), not 27"
[ "$(limit to-servers refused)" -eq 0 ] || fail "a limit that only counts has refused"
check_counters
stop_shunt SIGTERM
