#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shunt itself on net_hwsim, which is linked into it. Live: sessions from generators at both wires, a UDP service that
# translates them, and what leaves is checked by the generators at the other end. In virtual time: captures in, captures
# out, twice, and both runs write the same bytes.
set -euo pipefail
. "$(dirname "$0")/hwsim_lib.sh"

SESSIONS=500
FRAMES=20000
RATE=20000
VIP=192.0.2.10

# What comes from the servers before the client has spoken opens nothing.
configuration() {
	cat > "$WORK/shunt.json" << END
{
  "ports": [
    {"name": "external", "device": "net_hwsim0", "addresses": ["198.51.100.1/24"]},
    {"name": "internal", "device": "net_hwsim0_p1", "role": "internal", "addresses": ["10.0.0.1/24"]}
  ],
  "routes": [{"prefix": "198.18.0.0/15", "via": "198.51.100.10"}],
  "neighbours": [
    {"port": "external", "address": "198.51.100.10", "mac": "02:00:00:00:00:fe"},
    {"port": "internal", "address": "10.0.0.11", "mac": "02:00:00:00:01:01"}
  ],
  "tables": {"connections": 65536, "mbufs": 16384},
  "conntrack": {"timeouts": {"udp": 300, "udp-stream": 300}},
  "classes": [{"name": "unasked", "drop": true}],
  "rules": [{"class": "unasked", "port": "internal", "state": "new"}],
  "services": [{"name": "echo", "vip": "$VIP", "protocol": "udp", "port": 9000,
    "backends": [{"address": "10.0.0.11", "port": 7000}]}]
}
END
}

# program DEVARGS: net_hwsim0 with these, for start_shunt; its numbers can be asked for.
program() {
	EAL=(--no-huge -m 512 --no-pci --file-prefix "$PREFIX" --log-level 5 --vdev "net_hwsim0,ports=2,$1")
}

came_in() { [ "$(ask show stats | jq .rx.packets)" -ge "$1" ]; }

# live CLOCK LCORES
live() {
	local gen="gen:sessions=$SESSIONS;proto=udp;dst=$VIP;dport=9000;seed=5;size=90;rate=$RATE;count=$FRAMES;check=1;order=round"
	local unasked gone back what
	program "clock=$1,wire0=$gen;dir=orig,wire1=$gen;dir=reply;reply-src=10.0.0.11;reply-sport=7000"
	start_shunt shunt "$2"
	wait_for 60 "$((2 * FRAMES)) packets from the wires" came_in $((2 * FRAMES))
	check_counters
	unasked=$(drops class_drop)
	gone=$(ask show ports | jq '.ports[] | select(.name == "internal").tx_packets')
	back=$(ask show ports | jq '.ports[] | select(.name == "external").tx_packets')
	equal "connections" "$(ask show stats | jq .conntrack.connections)" "$SESSIONS"
	equal "packets to the servers" "$gone" "$FRAMES"
	equal "packets to the clients and unasked ones" $((back + unasked)) "$FRAMES"
	[ "$back" -gt $((FRAMES / 2)) ] || fail "only $back of $FRAMES answers came back"
	# Every frame that went to the servers is one that a client sent, once, in order, with good checksums.
	equal "frames that the servers' wire knows" "$(xstat 1 wire_check_received)" "$FRAMES"
	for what in lost reordered duplicate old foreign bad_checksum; do
		equal "clock=$1, at the servers' wire $what" "$(xstat 1 "wire_check_$what")" 0
	done
	for what in duplicate foreign bad_checksum; do
		equal "clock=$1, at the clients' wire $what" "$(xstat 0 "wire_check_$what")" 0
	done
	say "clock=$1: $gone to the servers, $back back, $unasked before the first of their session"
	stop_shunt quit
}

# captures: twice in virtual time, with one lcore, for which nothing depends on time slices.
captures() {
	local run external internal
	"$MKPCAP" udp-sessions --sessions 2000 --vip "$VIP" --backends 1 --backend 10.0.0.11 \
		--external-mac 02:68:77:aa:00:00 --internal-mac 02:68:77:aa:00:01 \
		--out-client "$WORK/client.pcap" --out-server "$WORK/server.pcap"
	for run in 1 2; do
		external="pcap:rx=$WORK/client.pcap;tx=$WORK/external$run.pcap;rate=100kpps"
		internal="pcap:rx=$WORK/server.pcap;tx=$WORK/internal$run.pcap;rate=100kpps"
		program "profile=cx5,clock=virtual,wire0=$external,wire1=$internal"
		start_shunt shunt 1
		wait_for 60 "4000 packets from the captures" came_in 4000
		check_counters
		stop_shunt SIGTERM
	done
	for run in external internal; do
		[ "$(stat -c %s "$WORK/${run}1.pcap")" -gt 10000 ] || fail "next to nothing left at the port $run"
		cmp "$WORK/${run}1.pcap" "$WORK/${run}2.pcap" || fail "two runs in virtual time differ at the port $run"
	done
	say "clock=virtual: twice the same $(stat -c %s "$WORK/internal1.pcap") and $(stat -c %s "$WORK/external1.pcap") bytes"
}

smoke_init
MKPCAP=$SHUNT_BUILD_DIR/tools/mkpcap/shunt-mkpcap
[ -x "$MKPCAP" ] || skip "no $MKPCAP"
namespace shunt
configuration
case ${1:-} in
live)
	live off 2
	live tsc 2
	live off 1
	;;
virtual) captures ;;
*) fail "usage: hwsim_shunt.sh live|virtual" ;;
esac
