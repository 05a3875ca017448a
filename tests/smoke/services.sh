#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Services over net_af_packet, a control lcore and a worker: web and UDP, IPv4 and IPv6, from a client through shunt
# to three backends. SHUNT_SMOKE_REQUESTS: how many requests (default 10000). --lcores N, --queues N; --short
# (or SHUNT_SMOKE_SHORT=1): a twentieth of the requests, and no throughput.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

n_lcores=2 queues=1 short=${SHUNT_SMOKE_SHORT:-0}
while [ $# -gt 0 ]; do
	case $1 in
	--lcores) n_lcores=$2; shift ;;
	--queues) queues=$2; shift ;;
	--short) short=1 ;;
	*) fail "what is $1?" ;;
	esac
	shift
done
requests=${SHUNT_SMOKE_REQUESTS:-10000}
[ "$short" -eq 0 ] || requests=$((requests / 20))

smoke_init curl nginx iperf3 ethtool taskset "$PYTHON"
topology
servers
configure "$queues"
start_shunt shunt "$n_lcores"

# The backends saw the client's own address, in every request.
check_peers() {
	local peers
	peers=$(cat "$WORK"/b?.access | sort | uniq -c | awk '{ print $1, $2 }' | sort)
	[ "$peers" = "$(printf '%s\n' "$1 $CLIENT4" "$1 $CLIENT6" | sort)" ] ||
		fail "the web servers' logs name other clients than $1 times each of ours: $peers"
	say "the web servers saw $CLIENT4 and $CLIENT6, $1 times each"
}

# The prompt answers while traffic runs.
watch_prompt() {
	local stats
	stats=$(ask show stats)
	jq -e '.rx.packets > 0 and .conntrack.connections > 0' <<< "$stats" > /dev/null ||
		fail "show stats during traffic: $stats"
	ask show connections limit 5 | jq -e 'length == 5' > /dev/null ||
		fail "show connections during traffic"
	ask show drops | jq -e '.drops | type == "array"' > /dev/null || fail "show drops during traffic"
	say "prompt during traffic: $(jq -r '"\(.conntrack.connections) connections, \(.rx.packets) packets"' <<< "$stats")"
}

fetch $((requests / 2)) "http://$VIP4" &
fetching=$!
wait_for 30 "request" test -s "$WORK/b3.access"
watch_prompt
wait "$fetching" || exit 1
fetch $((requests / 2)) "http://[$VIP6]"
check_peers $((requests / 2))
fetch_big "http://$VIP4"
fetch_big "http://[$VIP6]"
echoes $((requests / 20)) "$VIP4"
echoes $((requests / 20)) "$VIP6"

# throughput NAME OPTIONS...: reported, not judged.
throughput() {
	local name=$1
	shift
	in_ns client timeout 30 iperf3 --json --time 2 "$@" > "$WORK/iperf.log" 2>&1 ||
		fail "iperf3 $*"
	say "$(jq -r --arg n "$name" '.end | (.sum_received // .sum) as $s
		| "iperf3 \($n): \($s.bits_per_second / 1e6 | floor) Mbit/s"
		+ (if .sum then ", \(.sum.lost_percent * 100 | floor / 100) % lost" else "" end)' "$WORK/iperf.log")"
	jq -e '.end | (.sum_received // .sum).bytes > 0' "$WORK/iperf.log" > /dev/null ||
		fail "iperf3 $*: nothing arrived"
}
if [ "$short" -eq 0 ]; then
	for vip in "$VIP4" "$VIP6"; do
		throughput "TCP to $vip" -c "$vip"
		throughput "TCP from $vip" -c "$vip" --reverse
		throughput "UDP to $vip" -c "$vip" --udp --bitrate 50M --length 1200
		throughput "UDP from $vip" -c "$vip" --udp --bitrate 50M --length 1200 --reverse
	done
fi
check_counters
drops=$(ask show drops | jq -c '[.drops[] | select(.reason != "ip_multicast") | {(.reason): .packets}]')
[ "$drops" = '[]' ] || fail "dropped, though nothing was wrong: $drops"
if [ "$n_lcores" -gt 2 ]; then
	jq -e '[.workers[].packets > 0] | all' "$WORK/stats" > /dev/null || [ "$queues" -eq 1 ] ||
		fail "a worker received nothing"
	jq -e '[.workers[].busy_packets > 0] | all' "$WORK/stats" > /dev/null ||
		fail "a worker did nothing"
	say "workers: $(jq -c '[.workers[] | {packets, busy_packets, handover}]' "$WORK/stats")"
fi
stop_shunt quit
