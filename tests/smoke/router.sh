#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shunt as a router over net_af_packet: ping, traceroute, path MTU, neighbours that are there and that are not, and
# the checksums of everything that it sends, from captures at the far ends of its links.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

smoke_init curl nginx iperf3 ethtool taskset tshark tcpdump ping traceroute "$PYTHON"
topology
servers
configure 1
start_shunt shunt 2

# ---- captures --------------------------------------------------------------------------------------

captures=()
# record HOST: what passes at its eth0.
record() {
	spawn "tcpdump.$1" "$1" tcpdump -i eth0 -n -U --immediate-mode -Z root -w "$WORK/$1.pcap"
	captures+=("$spawned")
	wait_for 10 "capture at $1" grep -q 'listening on' "$WORK/tcpdump.$1.log"
}

# dissect HOST: a line a packet into HOST.fields: number, status of the checksums (0 bad, 1 good; those of quoted
# headers behind a comma), source, source port.
layers=(ip tcp udp icmp icmpv6)
statuses=()
for layer in "${layers[@]}"; do statuses+=(-e "$layer.checksum.status"); done
dissect() {
	tshark -n -r "$WORK/$1.pcap" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-o udp.check_checksum:TRUE -T fields -e frame.number "${statuses[@]}" \
		-e ip.src -e ipv6.src -e tcp.srcport -e udp.srcport \
		> "$WORK/$1.fields" 2> "$WORK/tshark.log"
}

# tolerable LAYER HOST FRAME...: a frame that net_af_packet sends over veth is shared memory until it is read (lib.sh,
# configure), so on a starved machine a payload may change behind its checksum: one in 2,000 may, of TCP and UDP.
tolerable() {
	local layer=$1 host=$2 frames
	shift 2
	[ $# -gt 0 ] || return 0
	frames=$(wc -l < "$WORK/$host.fields")
	{ [ "$layer" = tcp ] || [ "$layer" = udp ]; } && [ $(($# * 2000)) -le "$frames" ]
}

# check_checksums HOST: none is bad, and of each protocol there were some that are good.
check_checksums() {
	local i good counts='' bad=()
	dissect "$1"
	for i in "${!layers[@]}"; do
		mapfile -t bad < <(awk -F'\t' -v f=$((i + 2)) '$f ~ /(^|,)0/ { print $1 }' "$WORK/$1.fields")
		tolerable "${layers[i]}" "$1" "${bad[@]}" ||
			fail "bad ${layers[i]} checksums in the capture at $1, frames ${bad[*]}"
		good=$(awk -F'\t' -v f=$((i + 2)) '$f ~ /(^|,)1/ { n++ } END { print n + 0 }' "$WORK/$1.fields")
		[ "$good" -gt 0 ] || fail "no ${layers[i]} in the capture at $1"
		counts+=" ${layers[i]} $good"
	done
	say "checksums at $1, all good:$counts"
}

for host in client b1 b3; do record "$host"; done

# ---- ping, traceroute ------------------------------------------------------------------------------

# pings HOST ADDRESS...: two each, the second of which meets no neighbour that is to be found first.
pings() {
	local host=$1 address
	shift
	for address; do
		in_ns "$host" ping -n -q -c 2 -i 0.2 -W 5 "$address" > "$WORK/ping.log" 2>&1 ||
			fail "$host: no answer from $address"
	done
	say "$host: answers from $*"
}

# link_local INDEX: of a port of shunt, from its MAC address (RFC 4291 appendix A).
link_local() {
	local m
	IFS=: read -ra m < <(ask show ports | jq -r ".ports[$1].mac")
	printf 'fe80::%02x%s:%sff:fe%s:%s%s' $((16#${m[0]} ^ 2)) "${m[1]}" "${m[2]}" "${m[3]}" "${m[4]}" "${m[5]}"
}

pings client "$OWN4" "$OWN6" 10.0.0.1 2001:db8:3::1 "$(link_local 0)%eth0" "$VIP4" "$VIP6" \
	"${B4[@]}" "${B6[@]}"
for host in b1 b3; do pings "$host" "$CLIENT4" "$CLIENT6"; done

# trace ADDRESS OWN OPTION...: shunt is the first hop, the host the second.
trace() {
	local address=$1 own=$2 hops
	shift 2
	in_ns client traceroute -n -q 1 -w 5 -m 4 "$@" "$address" > "$WORK/traceroute.log" 2>&1 ||
		fail "traceroute $* $address"
	hops=$(awk 'NR > 1 { printf " %s", $2 }' "$WORK/traceroute.log")
	[ "$hops" = " $own $address" ] || fail "traceroute $* $address goes by$hops"
	say "traceroute $*:$hops"
}
for method in --udp --icmp; do
	trace "${B4[2]}" "$OWN4" -4 "$method"
	trace "${B6[2]}" "$OWN6" -6 "$method"
done
trace "${B4[1]}" "$OWN4" -4 --tcp --port=9

# A port of a VIP that no service has: refused, not left to time out.
for url in "http://$VIP4:81" "http://[$VIP6]:81" "http://$OWN4:80"; do
	rc=0
	in_ns client curl -sS --max-time 10 "$url" > "$WORK/curl.log" 2>&1 || rc=$?
	[ "$rc" -eq 7 ] || fail "$url: curl ended with $rc, not with 7 (connection refused)"
done
say "connections to ports without a service are refused"

# ---- path MTU --------------------------------------------------------------------------------------

# too_big ADDRESS HEADERS TEXT: what fits the narrow link goes through; one byte more is refused, with its MTU.
too_big() {
	local fits=$((NARROW_MTU - $2)) said
	in_ns client ping -n -q -M 'do' -c 1 -W 5 -s "$fits" "$1" > "$WORK/ping.log" 2>&1 ||
		fail "$NARROW_MTU bytes do not reach $1"
	said=$(in_ns client ping -n -M 'do' -c 1 -W 5 -s $((fits + 1)) "$1" 2>&1) || true
	[[ $said == *"$3"* ]] || fail "$((NARROW_MTU + 1)) bytes to $1: $said"
	say "$((NARROW_MTU + 1)) bytes to $1: $3"
}
too_big "${B4[3]}" 28 "Frag needed and DF set (mtu = $NARROW_MTU)"
too_big "${B6[3]}" 48 "Packet too big: mtu=$NARROW_MTU"
[ "$(drops mtu_exceeded)" -eq 2 ] || fail "mtu_exceeded: $(drops mtu_exceeded), not 2"

# ---- services, for the captures ----------------------------------------------------------------------

fetch 60 "http://$VIP4"
fetch 60 "http://[$VIP6]"
fetch_big "http://$VIP4"
fetch_big "http://[$VIP6]"
echoes 60 "$VIP4"
echoes 60 "$VIP6"

for pid in "${captures[@]}"; do
	kill -INT "$pid"
	wait_for_end "$pid" 10 || fail "tcpdump does not end"
done
for host in client b1 b3; do check_checksums "$host"; done
# Of the packets that come from a service's port or a server's, or quote one: who sent them.
answers=$(awk -F'\t' -v ports="^(80|7|8080|$ECHO_PORT)(,|$)" '$9 ~ ports || $10 ~ ports {
	split($7 $8, source, ","); print source[1] }' "$WORK/client.fields" | sort -u | xargs)
[ "$answers" = "$(printf '%s\n' "$VIP4" "$VIP6" | sort | xargs)" ] || fail "answers from $answers"
say "answers come from $answers only"

# ---- neighbours --------------------------------------------------------------------------------------

# gone ADDRESS: nobody has it.
gone() {
	local before
	before=$(drops neigh_failed)
	in_ns client ping -n -q -c 1 -W 1 "$1" > "$WORK/ping.log" 2>&1 && fail "$1 answers"
	failed_more() { [ "$(drops neigh_failed)" -gt "$before" ]; }
	wait_for 20 "drop for want of $1" failed_more
	say "$1, which nobody has: $(drops neigh_failed) dropped as neigh_failed"
}
gone 10.0.0.99
gone 2001:db8:2::99
check_counters

# One who is away when it is first asked for, and comes back.
ip -n "$PREFIX-switch" link set dev b2 down
in_ns client ping -n -q -c 1 -W 1 10.0.0.20 > "$WORK/ping.log" 2>&1 && fail "10.0.0.20 answers"
ip -n "$PREFIX-b2" address add 10.0.0.20/24 dev eth0
ip -n "$PREFIX-switch" link set dev b2 up
wait_for 30 "answer from 10.0.0.20, which came later" \
	in_ns client ping -n -q -c 1 -W 1 10.0.0.20 > "$WORK/ping.log" 2>&1
say "10.0.0.20 answers, which was not there at first"

# ---- end ---------------------------------------------------------------------------------------------

# With a packet still waiting for a neighbour.
holds() { [ "$(ask show stats | jq .held)" -gt 0 ]; }
in_ns client ping -n -q -c 1 -W 1 10.0.0.98 > "$WORK/ping.log" 2>&1 &
pinging=$!
wait_for 5 "held packet" holds
stop_shunt SIGTERM
[ "$(row 'held for a neighbour')" -gt 0 ] || fail "the held packet is not accounted for"
wait "$pinging" || true
