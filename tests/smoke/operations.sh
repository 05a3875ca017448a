#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Operating the connection table of a shunt that forwards: list with filters, count, flush, conntrack's manner, the
# stream of events with real readers, and a dump of many connections while traffic runs.
# SHUNT_SMOKE_CONNECTIONS: how many (default 100000, with SHUNT_SMOKE_SHORT=1 2000).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

many=100000
[ "${SHUNT_SMOKE_SHORT:-0}" -eq 0 ] || many=2000
many=${SHUNT_SMOKE_CONNECTIONS:-$many}

smoke_init curl nginx iperf3 ethtool taskset socat "$PYTHON"
topology
servers
configure 1
# Room for many, and a ring that keeps all that they say.
jq --argjson n $((many + 65536)) '.tables = {connections: $n, "connections-ipv6": 4096, mbufs: 16384}
	| .conntrack.timeouts = {udp: 600} | .events = {ring: 1048576}' \
	"$WORK/shunt.json" > "$WORK/big.json"
mv "$WORK/big.json" "$WORK/shunt.json"
start_shunt shunt 2 --events-socket "$WORK/events.socket"

count() { ask count connections "$@" | jq .connections; }
# listed WHAT JQ FILTER...: the list is what JQ says.
listed() {
	local what=$1 expected=$2 got
	shift 2
	got=$(ask show connections limit 1000000 "$@")
	jq -e "$expected" <<< "$got" > /dev/null || fail "$what ($*): $(head -c 2000 <<< "$got")"
}

# ---- events ------------------------------------------------------------------------------------------

socat -u UNIX-CONNECT:"$WORK/events.socket" - > "$WORK/events" 2> "$WORK/socat.log" &
pids+=("$!")
# Its question comes out of a pipe that stays open, and that ends with it: a process that kept it open would outlive us.
mkfifo "$WORK/events.ask"
exec {events_ask}<> "$WORK/events.ask"
echo conntrack >&"$events_ask"
socat UNIX-CONNECT:"$WORK/events.socket" - <&"$events_ask" > "$WORK/events.text" 2>> "$WORK/socat.log" &
pids+=("$!")
readers() { [ "$(ask show conntrack | jq .events.readers)" -eq "$1" ]; }
wait_for 10 "two readers of events" readers 2

in_ns client curl -sS --max-time 10 -H 'Connection: close' "http://$VIP4/" > "$WORK/body" || fail "curl"
ended_well() { grep '"event":"update"' "$WORK/events" | grep -q '"tcp_state":"TIME_WAIT"'; }
wait_for 10 "event of the connection's end" ended_well
jq -se '[.[] | select(.protocol == "tcp")] as $e | $e[0].event == "new" and $e[0].tcp_state == "SYN_SENT"
	and ([$e[].tcp_state] | index("ESTABLISHED")) != null
	and ([$e[] | select((.changed // []) | index("fast"))] | length) >= 1
	and ([.[].sequence] == [range(0; length)])' "$WORK/events" > /dev/null ||
	fail "events of a connection: $(head -n 20 "$WORK/events")"
grep -q "^    \[NEW\] tcp      6 120 SYN_SENT src=$CLIENT4 dst=$VIP4 " "$WORK/events.text" ||
	fail "events in conntrack's manner: $(head -n 5 "$WORK/events.text")"
say "a connection in $(grep -c '"protocol":"tcp"' "$WORK/events") events: $(jq -r .event "$WORK/events" | uniq -c | tr -s ' \n' ' ')"

# ---- list, count, flush ------------------------------------------------------------------------------

# An open connection, which data keep on the fast path.
in_ns client curl -sS --max-time 120 --limit-rate 20k -o /dev/null "http://$VIP4/big" 2> "$WORK/slow.log" &
slow=$!
pids+=("$slow")
fast() { [ "$(count protocol tcp fast yes)" -eq 1 ]; }
wait_for 10 "connection on the fast path" fast
in_ns client curl -gsS --max-time 10 "http://[$VIP6]/" > "$WORK/body"
listed "TCP to the service" 'length == 1 and .[0].tcp_state == "ESTABLISHED" and .[0].assured and .[0].lcore == 1
	and .[0].tcp.original.window_scaling and .[0].tcp.reply.sack and .[0].original.last_seen < 10' \
	protocol tcp state ESTABLISHED source "$CLIENT4" dport 80
listed "by prefix and service" 'length == 2' source 198.51.100.0/24 service web
listed "by reply source" 'length >= 1 and all(.[]; .reply.src | startswith("10.0."))' reply-source 10.0.0.0/16
listed "IPv6" 'length == 1 and .[0].family == 6 and .[0].tcp_state == "TIME_WAIT"' family 6
listed "nobody" 'length == 0' source 203.0.113.1
[ "$(count family 4 service web)" -eq 2 ] || fail "count"
before=$(wc -l < "$WORK/shunt.out")
echo 'show connections format conntrack protocol tcp state established family 4 fast yes' >&"$prompt"
ask show drops > /dev/null # comes after it
sed "1,${before}d" "$WORK/shunt.out" | grep -Eq "^ipv4     2 tcp      6 [0-9]+ ESTABLISHED src=$CLIENT4 dst=$VIP4 \
sport=[0-9]+ dport=80 packets=[0-9]+ bytes=[0-9]+ src=10\.0\.[03]\.1[123] dst=$CLIENT4 sport=8080 dport=[0-9]+ \
packets=[0-9]+ bytes=[0-9]+ \[ASSURED\] mark=0 zone=0 use=1 id=[0-9]+$" || fail "conntrack's manner: $(tail -n 3 "$WORK/shunt.out")"
say "list and count with filters; conntrack's manner"

# The connection that runs is taken away under its worker.
ask flush connections fast yes protocol tcp | jq -e '.flushed == 1' > /dev/null || fail "flush"
flushed() { grep -q '"reason":"flushed"' "$WORK/events"; }
wait_for 10 "event of the flushed connection" flushed
grep '"reason":"flushed"' "$WORK/events" | jq -e --arg c "$CLIENT4" '.event == "destroy" and .original.src == $c
	and .original.packets > 3 and .reply.bytes > 5000' > /dev/null ||
	fail "the flushed connection's last event: $(grep flushed "$WORK/events")"
ask flush connections | jq -e .error > /dev/null || fail "flush without a condition closed something"
say "flush: $(grep '"reason":"flushed"' "$WORK/events" | jq -c '{reason, packets: .reply.packets, bytes: .reply.bytes}')"
kill "$slow" 2> /dev/null || true

# ---- a dump of many, under traffic -----------------------------------------------------------------

say "$many connections"
in_ns client "$PYTHON" - "$many" << 'END'
import socket
import sys
import time

# From few sockets to many ports behind shunt: nobody answers, and each datagram opens a connection.
many = int(sys.argv[1])
senders = []
for _ in range(8):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('198.51.100.10', 0))
    senders.append(s)
for i in range(many):
    try:
        senders[i // 40000].sendto(b'x', ('10.0.0.11', 20000 + i % 40000))
    except OSError:  # a port unreachable that came back
        pass
    if i % 200 == 199:
        time.sleep(0.005)
END
there=$(count protocol udp)
[ "$there" -ge $((many * 9 / 10)) ] || fail "only $there connections of $many were opened"
fetch 2000 "http://$VIP4" > "$WORK/fetch.log" &
fetching=$!
wait_for 30 "request" test -s "$WORK/b3.access"
start=$(now_ms)
before=$(wc -l < "$WORK/shunt.out")
echo 'show connections protocol udp format conntrack' >&"$prompt"
echo 'show connections protocol udp limit 1000000 json' >&"$prompt"
echo 'show drops json' >&"$prompt" # the line before it is whole when this one is there
dumped() { tail -n 1 "$WORK/shunt.out" | grep -q '^{"drops":.*}$'; }
wait_for 120 "end of the dump" dumped
took=$(($(now_ms) - start))
lines=$(sed "1,${before}d" "$WORK/shunt.out" | grep -c '^ipv4     2 udp ') || true
[ "$lines" -eq "$there" ] || fail "the dump has $lines lines of $there connections"
[ "$(tail -n 2 "$WORK/shunt.out" | head -n 1 | jq '[.[].id] | unique | length')" -eq "$there" ] || fail "the list lacks connections"
wait "$fetching" || fail "requests during the dump: $(cat "$WORK/fetch.log")"
say "$there connections listed twice in $took ms, meanwhile $(sed 's/^== //' "$WORK/fetch.log")"
ask flush connections protocol udp | jq -e --argjson n "$there" '.flushed == $n' > /dev/null || fail "flush of many"
[ "$(count protocol udp)" -eq 0 ] || fail "not all are gone"
caught_up() { [ "$(tail -n 1 "$WORK/events" | jq '.sequence + 1')" = "$(ask show conntrack | jq .events.sequence)" ]; }
wait_for 60 "reader with all events" caught_up
[ "$(jq -s 'map(.lost // 0) | add' "$WORK/events")" -eq 0 ] || fail "events were lost"
say "flushed; the reader has all $(wc -l < "$WORK/events") events"
check_counters
stop_shunt quit
[ ! -e "$WORK/events.socket" ] || fail "the socket was left behind"
