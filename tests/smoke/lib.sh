# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the live tests share: namespaces, the processes in them, shunt and its prompt. Source it after
# `set -euo pipefail`. Everything happens in network namespaces that are made here; nothing of the
# machine's own network is touched. Every wait is for an event, and has an end. On exit all processes
# are ended and the namespaces removed, unless SHUNT_KEEP=1, which also keeps the logs.
#
#   client --- external | shunt | internal --- switch --- b1, b2
#                               | narrow ------------------------ b3
#
# The interfaces of `shunt` have no addresses in the kernel, and nothing forwards there: what arrives
# has gone through the program.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=/usr/bin/python3
export LC_ALL=C.UTF-8

VIP4=192.0.2.10
VIP6=2001:db8:1::10
CLIENT4=198.51.100.10
CLIENT6=2001:db8:e::10
OWN4=198.51.100.1
OWN6=2001:db8:e::1
# Address of backend N: B4N, B6N.
B4=([1]=10.0.0.11 [2]=10.0.0.12 [3]=10.0.3.13)
B6=([1]=2001:db8:2::11 [2]=2001:db8:2::12 [3]=2001:db8:3::13)
NARROW_MTU=1400

say() { printf '== %s\n' "$*"; }
skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# ---- start and end ---------------------------------------------------------------------------------

WORK='' # logs, configurations
PREFIX=sh$$
pids=()
namespaces=()

# smoke_init CMD...: skip unless we are root and have these programs; make the work directory.
smoke_init() {
	local cmd
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	for cmd in ip jq "$@"; do
		command -v "$cmd" > /dev/null || skip "$cmd is missing (scripts/setup --tests)"
	done
	: "${SHUNT:=$HERE/../../build/src/shunt}"
	[ -x "$SHUNT" ] || skip "no program: set SHUNT"
	ip netns add "$PREFIX-probe" 2> /dev/null || skip "network namespaces are not allowed here"
	ip netns delete "$PREFIX-probe"
	WORK=$(mktemp -d /tmp/shunt-smoke.XXXXXX)
	trap finish EXIT
	trap 'exit 130' INT TERM
}

show_logs() {
	local log
	for log in "$WORK"/*.log; do
		[ -s "$log" ] || continue
		printf -- '---- %s\n' "$(basename "$log")" >&2
		tail -n 25 "$log" >&2
	done
}

# shellcheck disable=SC2317 # reached from the trap
finish() {
	local rc=$? pid ns
	set +e
	[ "$rc" -eq 0 ] || show_logs
	if [ -n "${SHUNT_KEEP:-}" ]; then
		say "kept: $WORK, namespaces ${namespaces[*]}, processes ${pids[*]}"
		exit "$rc"
	fi
	for pid in "${pids[@]}"; do
		kill -TERM "$pid" 2> /dev/null
	done
	for pid in "${pids[@]}"; do
		wait_for_end "$pid" 5 || kill -KILL "$pid" 2> /dev/null
	done
	for ns in "${namespaces[@]}"; do
		ip netns delete "$ns"
	done
	rm -rf "$WORK"
	exit "$rc"
}

# ---- waiting ---------------------------------------------------------------------------------------

now_ms() { printf '%d' "$((${EPOCHREALTIME/./} / 1000))"; }

# until_true SECONDS CMD...: until CMD succeeds; 1 when it does not in time.
until_true() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# wait_for SECONDS WHAT CMD...: the same, and the test fails without WHAT.
wait_for() {
	local seconds=$1 what=$2
	shift 2
	until_true "$seconds" "$@" || fail "no $what within $seconds seconds"
}

ended() { ! kill -0 "$1" 2> /dev/null; }
wait_for_end() { until_true "$2" ended "$1"; }

# ---- namespaces ------------------------------------------------------------------------------------

# in_ns NAME CMD...
in_ns() {
	local ns=$PREFIX-$1
	shift
	ip netns exec "$ns" "$@"
}

# spawn LOG NAME CMD...: in the background; its process is in `spawned`.
spawn() {
	local log=$WORK/$1.log ns=$PREFIX-$2
	shift 2
	ip netns exec "$ns" "$@" > "$log" 2>&1 &
	spawned=$!
	pids+=("$spawned")
}

# namespace NAME: its IPv6 addresses are usable at once, and its ICMP is not rationed.
namespace() {
	ip netns add "$PREFIX-$1"
	namespaces+=("$PREFIX-$1")
	in_ns "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	ip -n "$PREFIX-$1" link set lo up
}

# plain NS DEVICE: veth hands packets over as the stack made them, before their checksums are filled
# in and the segments are cut. No wire carries such packets.
plain() {
	in_ns "$1" ethtool -K "$2" tx off rx off sg off tso off gso off gro off > /dev/null
}

# wire NS DEVICE PEER-NS PEER-DEVICE: a veth pair, up.
wire() {
	ip -n "$PREFIX-$1" link add name "$2" type veth peer name "$4" netns "$PREFIX-$3"
	plain "$1" "$2"
	plain "$3" "$4"
	ip -n "$PREFIX-$1" link set dev "$2" up
	ip -n "$PREFIX-$3" link set dev "$4" up
}

# host NS ADDRESS4 GATEWAY4 ADDRESS6 GATEWAY6 [DEVICE]
host() {
	ip -n "$PREFIX-$1" address add "$2/24" dev "${6:-eth0}"
	ip -n "$PREFIX-$1" address add "$4/64" dev "${6:-eth0}" nodad
	ip -n "$PREFIX-$1" route add default via "$3"
	ip -n "$PREFIX-$1" route add default via "$5"
}

# The hosts of the picture above.
topology() {
	local i
	say "namespaces $PREFIX-*: client, shunt, switch, b1, b2, b3"
	for i in client shunt switch b1 b2 b3; do namespace "$i"; done
	in_ns shunt sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
	in_ns switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
	ip -n "$PREFIX-switch" link add name br0 type bridge mcast_snooping 0
	ip -n "$PREFIX-switch" link set dev br0 up
	wire shunt external client eth0
	wire shunt internal switch uplink
	wire shunt narrow b3 eth0
	for i in b1 b2; do wire switch "$i" "$i" eth0; done
	for i in uplink b1 b2; do ip -n "$PREFIX-switch" link set dev "$i" master br0; done
	ip -n "$PREFIX-b3" link set eth0 mtu "$NARROW_MTU"
	host client "$CLIENT4" "$OWN4" "$CLIENT6" "$OWN6"
	host b1 "${B4[1]}" 10.0.0.1 "${B6[1]}" 2001:db8:2::1
	host b2 "${B4[2]}" 10.0.0.1 "${B6[2]}" 2001:db8:2::1
	host b3 "${B4[3]}" 10.0.3.1 "${B6[3]}" 2001:db8:3::1
}

# ---- servers ---------------------------------------------------------------------------------------

SERVERS=(b1 b2 b3)
BIG_BYTES=4194304
ECHO_PORT=7007

web_conf() {
	cat << END
daemon off; master_process off; pid $WORK/$1.pid; error_log $WORK/$1.nginx.log;
events { worker_connections 4096; }
http {
	log_format peer '\$remote_addr';
	access_log $WORK/$1.access peer;
	keepalive_timeout 0; default_type text/plain;
	client_body_temp_path $WORK/$1.tmp; proxy_temp_path $WORK/$1.tmp;
	fastcgi_temp_path $WORK/$1.tmp; uwsgi_temp_path $WORK/$1.tmp; scgi_temp_path $WORK/$1.tmp;
	server {
		listen 8080 backlog=4096; listen [::]:8080 backlog=4096;
		location / { return 200 "$1\n"; }
		location /big { access_log off; alias $WORK/big; }
	}
}
END
}

listens() { in_ns "$1" ss -H"$2"ln "sport = :$3" | grep -q .; }

# servers: on every backend nginx, a UDP echo that tells its name and what address it sees, iperf3.
servers() {
	local b
	head -c "$BIG_BYTES" /dev/urandom > "$WORK/big"
	chmod 755 "$WORK"
	for b in "${SERVERS[@]}"; do
		web_conf "$b" > "$WORK/$b.conf"
		spawn "$b.web" "$b" nginx -c "$WORK/$b.conf" -e "$WORK/$b.nginx.log"
		spawn "$b.echo" "$b" "$PYTHON" "$HERE/udp_echo.py" serve "$b" "$ECHO_PORT"
		spawn "$b.iperf" "$b" iperf3 -s
	done
	for b in "${SERVERS[@]}"; do
		wait_for 10 "web server on $b" listens "$b" t 8080
		wait_for 10 "echo server on $b" listens "$b" u "$ECHO_PORT"
		wait_for 10 "iperf3 server on $b" listens "$b" t 5201
	done
}

# ---- shunt -----------------------------------------------------------------------------------------

# backends PORT N...: JSON of those backends, IPv4; backends6 the same in IPv6.
backends() {
	local port=$1 list='' n
	shift
	for n; do list+="${list:+, }{\"address\": \"${B4[n]}\", \"port\": $port}"; done
	printf '[%s]' "$list"
}
backends6() {
	local port=$1 list='' n
	shift
	for n; do list+="${list:+, }{\"address\": \"${B6[n]}\", \"port\": $port}"; done
	printf '[%s]' "$list"
}

# service NAME VIP PROTOCOL PORT BACKENDS
service() {
	printf '{"name": "%s", "vip": "%s", "protocol": "%s", "port": %s, "backends": %s}' "$@"
}

# configure [QUEUES]: shunt's configuration for the picture above, over net_af_packet. Its rings are larger than usual:
# veth gives a frame of the output ring back as soon as it is handed over, while the receiver still reads from it.
configure() {
	local q=${1:-1}
	cat > "$WORK/shunt.json" << END
{
  "ports": [
    {"name": "external", "device": "net_af_packet0,iface=external,qpairs=$q,framecnt=4096",
     "addresses": ["$OWN4/24", "$OWN6/64"]},
    {"name": "internal", "device": "net_af_packet1,iface=internal,qpairs=$q,framecnt=4096", "role": "internal",
     "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]},
    {"name": "narrow", "device": "net_af_packet2,iface=narrow,qpairs=$q,framecnt=4096", "role": "internal",
     "mtu": $NARROW_MTU, "addresses": ["10.0.3.1/24", "2001:db8:3::1/64"]}
  ],
  "tables": {"connections": 65536, "mbufs": 16384},
  "services": [
    $(service web "$VIP4" tcp 80 "$(backends 8080 1 2 3)"),
    $(service web6 "$VIP6" tcp 80 "$(backends6 8080 1 2 3)"),
    $(service echo "$VIP4" udp 7 "$(backends "$ECHO_PORT" 1 2 3)"),
    $(service echo6 "$VIP6" udp 7 "$(backends6 "$ECHO_PORT" 1 2 3)"),
    $(service iperf "$VIP4" tcp 5201 "$(backends 5201 1)"),
    $(service iperf-udp "$VIP4" udp 5201 "$(backends 5201 1)"),
    $(service iperf6 "$VIP6" tcp 5201 "$(backends6 5201 1)"),
    $(service iperf6-udp "$VIP6" udp 5201 "$(backends6 5201 1)")
  ]
}
END
}

# lcores N: --lcores of N of them, on the CPUs there are, in turn.
lcores() {
	local i cpus list='' allowed
	allowed=$(taskset -pc $$ | sed 's/.*: //')
	mapfile -t cpus < <(tr , '\n' <<< "$allowed" | while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done)
	for ((i = 0; i < $1; i++)); do list+="${list:+,}$i@${cpus[i % ${#cpus[@]}]}"; done
	printf '%s' "$list"
}

# Without hugepages, PCI or files that a second shunt would share: what everybody can run.
EAL=(--no-huge -m 512 --no-pci --file-prefix "$PREFIX" --no-telemetry --log-level 5)

# start_shunt NAMESPACE N-LCORES [options of shunt]: until its prompt answers.
start_shunt() {
	local ns=$1 n=$2
	shift 2
	rm -f "$WORK/prompt"
	mkfifo "$WORK/prompt"
	exec {prompt}<> "$WORK/prompt"
	: > "$WORK/shunt.out"
	say "shunt --lcores $(lcores "$n") $*"
	ip netns exec "$PREFIX-$ns" "$SHUNT" --lcores "$(lcores "$n")" "${EAL[@]}" \
		-- --config "$WORK/shunt.json" --interactive "$@" \
		<&"$prompt" > "$WORK/shunt.out" 2> "$WORK/shunt.log" &
	shunt=$!
	pids+=("$shunt")
	ask show ports > /dev/null
}

answers() { grep -c '^[[{].*[]}]$' "$WORK/shunt.out" || true; }
answered() {
	! ended "$shunt" || fail "shunt is gone"
	[ "$(answers)" -gt "$1" ]
}

# ask METHOD...: by the prompt; prints the JSON.
ask() {
	local before
	before=$(answers)
	printf '%s json\n' "$*" >&"$prompt"
	wait_for 30 "answer to '$*'" answered "$before"
	grep '^[[{].*[]}]$' "$WORK/shunt.out" | tail -n 1
}

# drops REASON: how many packets.
drops() { ask show drops | jq --arg r "$1" '[.drops[] | select(.reason == $r).packets] | add // 0'; }

# Every packet in is forwarded, shunt's own, dropped or held; every packet out was forwarded or made.
adds_up() {
	ask show stats | tee "$WORK/stats" | jq -e '
		(.forwarded_fast.packets + .forwarded_slow.packets) as $forwarded
		| [.workers[].in_flight] | add == 0' > /dev/null &&
	jq -e '
		(.forwarded_fast.packets + .forwarded_slow.packets) as $forwarded
		| .rx.packets == $forwarded + .local + .dropped + .held + .fragments_waiting + .merged
		and .tx.packets == $forwarded + .made' "$WORK/stats" > /dev/null
}
check_counters() {
	until_true 10 adds_up || fail "the counters do not add up: $(cat "$WORK/stats")"
	say "$(jq -r '"counters add up: \(.rx.packets) in, \(.forwarded_fast.packets) forwarded fast, " +
		"\(.forwarded_slow.packets) slow, \(.local) local, \(.dropped) dropped, \(.made) made"' "$WORK/stats")"
}

# row NAME: of the tables at the end.
row() {
	awk -v name="$1" 'index($0, name "  ") == 1 { $0 = substr($0, length(name) + 1)
		gsub(",", "", $1); print $1; exit }' "$WORK/shunt.out"
}
# stop_shunt SIGTERM|quit: it ends well, and the tables that it prints last add up.
stop_shunt() {
	local rc=0 in fast slow itself held waiting merged dropped made out lines
	lines=$(wc -l < "$WORK/shunt.out")
	if [ "$1" = quit ]; then echo quit >&"$prompt"; else kill -TERM "$shunt"; fi
	wait_for_end "$shunt" 30 || fail "shunt did not end after $1"
	wait "$shunt" || rc=$?
	[ "$rc" -eq 0 ] || fail "shunt ended with $rc after $1"
	exec {prompt}>&-
	sed -i "1,${lines}d" "$WORK/shunt.out"
	in=$(row in) fast=$(row 'forwarded, fast path') slow=$(row 'forwarded, slow path')
	itself=$(row 'to shunt itself') held=$(row 'held for a neighbour') dropped=$(row dropped)
	waiting=$(row 'waiting for other fragments') merged=$(row 'merged with other fragments')
	made=$(row 'made by shunt') out=$(row out)
	[ -n "$in" ] && [ "$in" -gt 0 ] || fail "no tables at the end"
	[ "$in" -eq $((fast + slow + itself + held + waiting + merged + dropped)) ] ||
		fail "at the end $in came in, but $fast + $slow + $itself + $held + $waiting + $merged + $dropped are accounted for"
	[ "$out" -eq $((fast + slow + made)) ] ||
		fail "at the end $out went out, but $fast + $slow + $made should have"
	say "ended by $1: $in in = $fast fast + $slow slow + $itself local + $held held + $dropped dropped"
}

# ---- clients ---------------------------------------------------------------------------------------

# fetch N URL: N requests, a connection each, 32 at a time; none may fail, and every backend answers.
fetch() {
	local n=$1 url=$2 start rc=0 b got all=0 counts=''
	start=$(now_ms)
	in_ns client curl -sS --no-progress-meter --parallel --parallel-immediate --parallel-max 32 --max-time 60 \
		-H 'Connection: close' "$url/?[1-$n]" > "$WORK/bodies" 2> "$WORK/curl.log" || rc=$?
	for b in "${SERVERS[@]}"; do
		got=$(grep -cx "$b" "$WORK/bodies" || true)
		[ "$got" -gt 0 ] || fail "no request to $url reached $b"
		all=$((all + got)) counts+=" $b $got"
	done
	[ "$rc" -eq 0 ] && [ "$all" -eq "$n" ] && [ ! -s "$WORK/curl.log" ] ||
		fail "$n requests to $url: curl ended with $rc, $all answers"
	say "$n requests to $url in $(($(now_ms) - start)) ms, none failed:$counts"
}

# fetch_big URL
fetch_big() {
	in_ns client curl -gsS --max-time 60 -o "$WORK/big.got" "$1/big"
	cmp "$WORK/big" "$WORK/big.got" || fail "$1/big: not what the server has"
	say "$BIG_BYTES bytes from $1, as the server has them"
}

# echoes N VIP: N datagrams from N ports, each answered by the VIP, from backends that see our address.
echoes() {
	in_ns client "$PYTHON" "$HERE/udp_echo.py" ask "$1" "$2" 7 "${SERVERS[@]}" ||
		fail "UDP service at $2"
}
