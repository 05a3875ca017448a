#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What shunt cannot have, it refuses by name, with the reason, and ends with a code other than 0.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

smoke_init ethtool taskset
for i in shunt client; do namespace "$i"; done
wire shunt veth0 client eth0

# refused CODE TEXT PORTS [MORE]: shunt with this configuration ends so, and says so.
refused() {
	local code=$1 text=$2 rc=0
	printf '{"ports": [%s], "tables": {"connections": 1024, "mbufs": 4096}%s}\n' "$3" "${4:-}" \
		> "$WORK/shunt.json"
	in_ns shunt timeout 30 "$SHUNT" --lcores "$(lcores 1)" "${EAL[@]}" -- --config "$WORK/shunt.json" \
		> "$WORK/shunt.out" 2> "$WORK/shunt.log" || rc=$?
	[ "$rc" -eq "$code" ] || fail "ended with $rc, not $code: $3"
	grep -qF -- "$text" "$WORK/shunt.log" || fail "does not say '$text': $3"
	say "$(grep -F -- "$text" "$WORK/shunt.log" | sed "s#$WORK/##")"
}

# good NAME: a port that can be had.
good() { printf '{"name": "%s", "device": "net_af_packet9,iface=veth0"}' "$1"; }

refused 1 'port left (no device): has no device' '{"name": "left"}'
refused 1 'port left (net_af_packet0,iface=nosuch): device cannot be attached' \
	'{"name": "left", "device": "net_af_packet0,iface=nosuch"}'
refused 1 'port right (net_nosuch0): device cannot be attached' \
	"$(good left), {\"name\": \"right\", \"device\": \"net_nosuch0\"}"
refused 1 'port left (0000:ff:1f.7): device cannot be attached' \
	'{"name": "left", "device": "0000:ff:1f.7"}'
refused 1 'port left (net_af_packet0,iface=veth0): device has fewer rx queues than asked for' \
	'{"name": "left", "device": "net_af_packet0,iface=veth0", "rx-queues": 2}'
refused 1 'port left (net_af_packet0,iface=veth0): device has fewer tx queues than asked for' \
	'{"name": "left", "device": "net_af_packet0,iface=veth0"}' \
	', "classes": [{"name": "gold", "port": "left", "queue": 3}]'
refused 1 'port left (net_af_packet0,iface=veth0): device ' \
	'{"name": "left", "device": "net_af_packet0,iface=veth0", "mtu": 65000}'
refused 1 'lcore 7 is not there' "$(good left)" ', "lcores": {"workers": [7]}'
refused 1 "port right (net_af_packet9,iface=veth0): device is another port's already" "$(good left), $(good right)"
rm "$WORK/shunt.json"
rc=0
"$SHUNT" --config "$WORK/shunt.json" --check-config > /dev/null 2> "$WORK/shunt.log" || rc=$?
[ "$rc" -eq 2 ] || fail "a configuration that is not there: ended with $rc"
