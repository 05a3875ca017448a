#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A SYN flood beside honest clients: an established connection that streams, and files fetched by connection after
# connection, through SYN cookies. --mode auto|on; --rate N: SYNs a second (default 50000, 0 = all that go).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

mode=auto rate=${SHUNT_SMOKE_FLOOD:-50000} seconds=8
while [ $# -gt 0 ]; do
	case $1 in
	--mode) mode=$2; shift ;;
	--rate) rate=$2; shift ;;
	*) fail "what is $1?" ;;
	esac
	shift
done
: "${SYN_FLOOD:=${SHUNT_BUILD_DIR:-$HERE/../../build}/tests/smoke/syn_flood}"

smoke_init curl nginx iperf3 ethtool taskset "$PYTHON"
[ -x "$SYN_FLOOD" ] || skip "no flooder: set SYN_FLOOD"
topology
servers
configure 1
jq --arg mode "$mode" '.conntrack."syn-cookies" = {mode: $mode, threshold: 2000}
	| .tables."connections-extended" = 65536
	| .routes = [{prefix: "0.0.0.0/0", via: "'"$CLIENT4"'"}]' "$WORK/shunt.json" > "$WORK/with.json"
mv "$WORK/with.json" "$WORK/shunt.json"
head -c 1048576 "$WORK/big" > "$WORK/1MB" && mv "$WORK/1MB" "$WORK/big"
start_shunt shunt 2

cookies() { ask show stats | jq ".syn_cookies.$1"; }
flooding() { [ "$(cookies sent)" -gt 1000 ]; }

# The connection that is there before the flood.
spawn stream client iperf3 -c "$VIP4" --time $((seconds + 4)) --bitrate 10M --json
stream=$spawned
sleep 1
mac=$(ip -n "$PREFIX-shunt" -j link show external | jq -r '.[0].address')
spawn flood client nice "$SYN_FLOOD" eth0 "$mac" "$VIP4" 80 "$seconds" "$rate"
flood=$spawned
wait_for 5 "SYN cookie" flooding
say "$(ask show stats | jq -c .syn_cookies) while the flood goes on"

fetched=0
until ended "$flood"; do
	in_ns client curl -gsS --max-time 30 -o "$WORK/big.got" "http://$VIP4/big" ||
		fail "a file was not fetched during the flood"
	cmp "$WORK/big" "$WORK/big.got" || fail "what was fetched is not what the server has"
	fetched=$((fetched + 1))
done
[ "$fetched" -gt 0 ] || fail "nothing was fetched during the flood"
say "$(cat "$WORK/flood.log") SYNs in $seconds s; meanwhile $fetched files of 1 MB, none failed"
wait_for_end "$stream" 60 || fail "the stream did not end"
jq -e '.end.sum_received.bytes > 1000000' "$WORK/stream.log" > /dev/null || fail "the stream stood still"
say "$(jq -r '.end | "stream: \(.sum_received.bytes) bytes, \(.sum_sent.retransmits) repeated by its sender"' "$WORK/stream.log")"

stats=$(ask show stats | jq -c .syn_cookies)
say "$stats"
# Nearly all: a SYN of a tuple that is still in the table is for the tracker, and takes no cookie.
jq -e --argjson n "$fetched" '.sent > 10000 and .valid >= $n * 9 / 10 and .refused == 0' <<< "$stats" > /dev/null ||
	fail "cookies: $stats"
# Nothing that shunt dropped was anything but the flood: strangers that the ring had no room for, or answers to them.
drops=$(ask show drops | jq -c '[.drops[] | select(.reason | IN("ip_multicast", "control_ring_full", "tx_full", "neigh_failed",
	"neigh_hold_full") | not) | {(.reason): .packets}]')
[ "$drops" = '[]' ] || fail "dropped, though nothing was wrong: $drops"
say "drops: $(ask show drops | jq -c '[.drops[] | {(.reason): .packets}] | add')"
echo quit >&"$prompt"
wait_for_end "$shunt" 30 || fail "shunt did not end"
