#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# dpdk-test-flow-perf, as Debian ships it, on net_hwsim: every rule that it makes of items and actions is taken and goes
# again. Paced, it measures what the profile says: the best batch of a few runs, because a machine that is busy with
# other things makes batches slower, and none may be faster.
#
# The order of the options is the order of the actions, and what changes a packet stands before what ends its way.
# Left out: hairpin queues and VXLAN-GPE, which the driver has not, and --unique-data with the DSCP, for which the tool
# counts beyond what six bits hold. `--port-id` wants a value: without one the tool itself ends in a fault.
set -euo pipefail
. "$(dirname "$0")/hwsim_lib.sh"

MATRIX_RULES=3000
MANY_RULES=1000000
TOLERANCE=10 # percent
RUNS=6

# perf DEVARGS RULES BATCH OPTIONS...: output in $WORK/perf.log. The tool wants two lcores, and one to insert from.
perf() {
	local devargs=$1 n=$2 batch=$3 created deleted
	shift 3
	eal "$devargs" 256 3
	timeout 100 dpdk-test-flow-perf "${EAL_OPTIONS[@]}" -- --rules-count="$n" --rules-batch="$batch" \
		--dump-iterations --deletion-rate "$@" > "$WORK/perf.log" 2>&1 || fail "dpdk-test-flow-perf $devargs $*"
	# The first rule, which sends group 0 to the others, is deleted with the rest.
	created=$(sed -nE 's/.*time for creating ([0-9]+) in rules.*/\1/p' "$WORK/perf.log" | paste -sd+ | bc)
	deleted=$(sed -nE 's/.*time for deleting ([0-9]+) rules is [0-9.]+ seconds/\1/p' "$WORK/perf.log" | head -n 1)
	[ "${created:-0}" -ge "$n" ] || fail "$created of $n rules were made: $devargs $*"
	[ "${deleted:-0}" -gt 0 ] || fail "no rule was deleted: $devargs $*"
}

# batches created|deleted N: rates of a run's batches, in rules a second, of N batches each way.
batches() {
	sed -nE 's/.*Rules batch.*Rate = ([0-9]+).*/\1/p' "$WORK/perf.log" |
		if [ "$1" = created ]; then head -n "$2"; else tail -n "$2"; fi | sort -rn
}

matrix() {
	local line count=0
	while read -r line; do
		[ -n "$line" ] || continue
		# shellcheck disable=SC2086 # words
		perf "$1" "$MATRIX_RULES" 1000 --group=1 $line
		count=$((count + 1))
	done
	say "$count sets of items and actions${1:+ on net_hwsim0$1}: $MATRIX_RULES rules of each made and deleted"
}

# Rules that differ: in an address or the network's identifier.
items() {
	matrix "" << 'END'
--ingress --ether --ipv4 --queue
--ingress --ether --vlan --ipv4 --udp --queue
--ingress --ether --ipv6 --tcp --queue
--ingress --ether --ipv4 --tcp --rss
--ingress --ether --ipv4 --udp --vxlan --queue
--ingress --ether --ipv4 --gre --queue
--ingress --ether --ipv6 --udp --geneve --queue
--ingress --ether --ipv4 --udp --gtp --queue
--ingress --ether --ipv4 --icmpv4 --queue
--ingress --ether --ipv6 --icmpv6 --queue
--ingress --ether --ipv4 --meta --tag --queue
END
}

actions() {
	matrix "" << 'END'
--ingress --ether --ipv4 --count --drop
--ingress --ether --ipv4 --udp --set-meta --set-tag --jump
--ingress --ether --ipv4 --mark --count --queue
--ingress --ether --ipv4 --flag --queue
--ingress --ether --ipv4 --tcp --set-src-mac --set-dst-mac --set-src-ipv4 --set-dst-ipv4 --set-src-tp --set-dst-tp --queue --unique-data
--ingress --ether --ipv6 --tcp --set-src-ipv6 --set-dst-ipv6 --set-ipv6-dscp --queue
--ingress --ether --ipv4 --set-ipv4-dscp --set-ttl --queue
--ingress --ether --ipv4 --tcp --dec-ttl --inc-tcp-ack --dec-tcp-seq --queue
--ingress --ether --ipv4 --tcp --inc-tcp-seq --dec-tcp-ack --queue
--ingress --ether --ipv4 --tcp --meter --jump
--ingress --ether --ipv4 --udp --vxlan --vxlan-decap --queue
--ingress --ether --ipv4 --udp --vxlan --raw-decap=ether,ipv4,udp,vxlan --queue
--egress --ether --ipv4 --udp --vxlan-encap
--egress --ether --ipv4 --udp --raw-encap=ether,ipv4,udp,vxlan
--egress --ether --ipv4 --tcp --raw-encap=ether,ipv6,udp,geneve --unique-data
--ingress --ether --ipv4 --queue --random-priority=4,7
--ingress --ether --ipv4 --queue --cores=2
END
}

# From a port to the other, in the switch; and two ports at once.
ports() {
	matrix ",ports=2" << 'END'
--transfer --portmask=1 --ether --ipv4 --tcp --count --set-src-tp --port-id=1
--ingress --ether --ipv4 --queue
END
}

# Items that are the same in every rule: cards whose driver takes twins.
twins() {
	matrix ",profile=$PROFILES/cx5.json" << 'END'
--ingress --ether --queue
--ingress --ether --vlan --queue
--ingress --ether --meta --queue
--ingress --ether --tag --queue
END
}

# The tool forwards what a generator brings, by its rules; Ctrl-C ends it. Its table has a line of the core each second.
forwarding() {
	local rc=0 best drops
	eal ",wire=gen:flows=64;rate=50000" 256 3
	timeout -s INT -k 20 6 dpdk-test-flow-perf "${EAL_OPTIONS[@]}" -- --rules-count=1000 --rules-batch=1000 \
		--ingress --group=1 --ether --ipv4 --queue --enable-fwd > "$WORK/perf.log" 2>&1 || rc=$?
	[ "$rc" -eq 124 ] || fail "the tool ended with $rc before its time"
	read -r best drops < <(awk '$1 == 1 && NF == 4 { if ($4 > best) best = $4; drops += $3 } END { print best + 0, drops + 0 }' \
		"$WORK/perf.log")
	[ "$best" -ge 40000 ] && [ "$best" -le 75000 ] && [ "$drops" -eq 0 ] ||
		fail "of 50000 packets a second it forwarded $best and dropped $drops"
	say "$best of 50000 packets a second forwarded in the best second, none dropped"
}

# A batch of 10,000 takes some ms, which a busy machine seldom leaves to one thread: the best of a few runs.
million() {
	local i rates best=0
	for ((i = 0; i < RUNS && best < 1000; i++)); do
		perf "" "$MANY_RULES" $((MANY_RULES / 100)) --ingress --group=1 --ether --ipv4 --tcp --queue
		rates=$(batches created 100)
		best=$(head -n 1 <<< "$rates")
		say "$MANY_RULES rules, functional: $(sed -nE 's/.*insertion rate -> ([0-9.]+ K).*/\1/p' "$WORK/perf.log" |
			head -n 1) a second; batches $best K to $(tail -n 1 <<< "$rates") K"
	done
	[ "$best" -ge 1000 ] || fail "no batch reached a million rules a second"
}

# near WHAT EXPECTED BEST: is it? Faster than the profile is wrong at once.
near() {
	[ $(($3 * 100)) -le $(($2 * (100 + TOLERANCE))) ] || fail "$1: $3 K a second, but the card does $2 K"
	[ $(($3 * 100)) -ge $(($2 * (100 - TOLERANCE))) ]
}

# paced CREATED DELETED OPTIONS...: K rules a second that the profile stands for.
paced() {
	local created=$1 deleted=$2 i made=0 gone=0 n
	shift 2
	for ((i = 0; i < RUNS; i++)); do
		perf ",profile=$PROFILES/cx5.json,pace=1" 20000 500 --ingress "$@"
		n=$(batches created 40 | head -n 1)
		made=$((n > made ? n : made))
		n=$(batches deleted 40 | head -n 1)
		gone=$((n > gone ? n : gone))
		if near "insertion, $*" "$created" "$made" && near "deletion, $*" "$deleted" "$gone"; then
			say "paced, $*: $made K rules a second made, of $created; $gone K deleted, of $deleted"
			return
		fi
	done
	fail "$*: $made K rules a second made, the card does $created; $gone K deleted, the card does $deleted"
}

hwsim_init dpdk-test-flow-perf bc
case ${1:-} in
matrix)
	items
	actions
	ports
	twins
	forwarding
	;;
rates)
	million
	# Katsikas et al., PAM 2021: ConnectX-5, 65k rules; deletion from their rate of delete and insert.
	paced 505 1195 --group=1 --ether --queue
	paced 493 1195 --group=1 --ether --ipv4 --tcp --queue
	paced 352 1195 --group=1 --ether --mark --count --queue
	paced 270 1195 --group=0 --ether --queue
	;;
*) fail "usage: hwsim_flow_perf.sh matrix|rates" ;;
esac
