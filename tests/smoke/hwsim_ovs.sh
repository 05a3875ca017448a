#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Open vSwitch with DPDK on two ports of net_hwsim, hw-offload=true: what its datapath learns goes into the card, and then
# the card forwards alone. Translated (addresses, ports, TTL), encapsulated in VXLAN, and dropped. OVS runs privately, in
# a network namespace of its own, with all of its files in the work directory.
set -euo pipefail
. "$(dirname "$0")/hwsim_lib.sh"

VSWITCHD=/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk
SCHEMA=/usr/share/openvswitch/vswitch.ovsschema
FLOWS=64
RATE=20000
GEN="gen:flows=$FLOWS;proto=udp;size=90;order=round;seed=3;check=1;rate="
MAC1=02:68:77:aa:00:01 # net_hwsim0_p1
REMOTE_MAC=02:00:00:00:07:02

vsctl() { in_ns ovs ovs-vsctl --timeout=30 --db="unix:$WORK/db.sock" "$@"; }
appctl() { in_ns ovs ovs-appctl -t "$WORK/vswitchd.ctl" "$@"; }
flow() { in_ns ovs ovs-ofctl -OOpenFlow13 add-flow "unix:$WORK/$1.mgmt" "$2"; }
there() { [ -e "$1" ]; }

# start_ovs WIRE0 WIRE1: with the two ports, but no bridge yet.
start_ovs() {
	local cpus
	rm -f "$WORK"/*.{ctl,sock,db,mgmt}
	export OVS_RUNDIR=$WORK OVS_LOGDIR=$WORK OVS_DBDIR=$WORK OVS_SYSCONFDIR=$WORK
	ovsdb-tool create "$WORK/conf.db" "$SCHEMA"
	spawn ovsdb ovs ovsdb-server "$WORK/conf.db" --remote="punix:$WORK/db.sock" --unixctl="$WORK/ovsdb.ctl" -vfile:off
	ovsdb=$spawned
	wait_for 20 "database of OVS" there "$WORK/db.sock"
	vsctl --no-wait init
	# One thread polls, on the last CPU there is. Without hugepages EAL's memory is of the kind that it calls legacy.
	cpus=$(lcores 2)
	vsctl --no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:hw-offload=true \
		other_config:pmd-cpu-mask="$(printf '%#x' $((1 << ${cpus##*@})))" \
		other_config:dpdk-extra="\"--no-huge --legacy-mem -m 1536 --no-pci --file-prefix $PREFIX -d $PLUGIN --vdev=net_hwsim0,ports=2,wire0=$1,wire1=$2\""
	spawn vswitchd ovs "$VSWITCHD" "unix:$WORK/db.sock" --unixctl="$WORK/vswitchd.ctl" \
		--log-file="$WORK/ovs-vswitchd.log" -vconsole:off
	vswitchd=$spawned
	wait_for 30 "vswitchd" there "$WORK/vswitchd.ctl"
}

stop_ovs() {
	kill -TERM "$vswitchd" "$ovsdb"
	wait_for_end "$vswitchd" 30 || fail "vswitchd does not end"
	wait_for_end "$ovsdb" 10 || fail "ovsdb-server does not end"
}

# port BRIDGE NAME DEVICE NUMBER
port() {
	vsctl add-port "$1" "$2" -- set Interface "$2" type=dpdk "options:dpdk-devargs=\"$3\"" ofport_request="$4" > /dev/null
	[ "$(vsctl get Interface "$2" error)" = "[]" ] || fail "$2: $(vsctl get Interface "$2" error)"
}
bridge() {
	vsctl add-br "$1" -- set bridge "$1" datapath_type=netdev
	wait_for 20 "bridge $1" there "$WORK/$1.mgmt"
	in_ns ovs ovs-ofctl -OOpenFlow13 del-flows "unix:$WORK/$1.mgmt"
}

offloaded() { appctl dpctl/dump-flows -m type=offloaded | grep -c 'offloaded:yes.*dp:dpdk' || true; }
has_offloaded() { [ "$(offloaded)" -ge 1 ]; }
no_offloaded() { [ "$(offloaded)" -eq 0 ]; }
reaches() { [ "$(xstat "$1" "$2")" -ge "$3" ]; }

fewer() { [ "$(xstat "$1" "$2")" -lt "$3" ]; }

# alone WHAT PORT NAME [PERCENT]: while NAME of PORT counts 20,000 more, OVS itself receives none of them, or so many.
alone() {
	local software counted
	software=$(xstat 0 rx_good_packets)
	counted=$(xstat "$2" "$3")
	wait_for 30 "20000 more of $3" reaches "$2" "$3" $((counted + 20000))
	software=$(($(xstat 0 rx_good_packets) - software))
	counted=$(($(xstat "$2" "$3") - counted))
	[ $((software * 100)) -le $((counted * ${4:-0})) ] || fail "$1: OVS had to forward $software of $counted itself"
	say "$1: $counted packets, $software of them by OVS"
}

# The packets of a flow of OpenFlow, hardware's among them.
flow_packets() {
	in_ns ovs ovs-ofctl -OOpenFlow13 dump-flows "unix:$WORK/$1.mgmt" "$2" | sed -nE 's/.*n_packets=([0-9]+).*/\1/p' | head -n 1
}
counts() { [ "$(flow_packets "$1" "$2")" -ge "$3" ]; }

translate() {
	local what had
	start_ovs "$GEN$RATE" "${GEN}1;count=1"
	bridge br0
	port br0 p0 net_hwsim0 1
	port br0 p1 "class=eth,mac=$MAC1" 2
	flow br0 "in_port=1,udp,actions=mod_dl_src:$MAC1,mod_dl_dst:02:00:00:00:01:01,mod_nw_dst:10.1.0.7,mod_tp_dst:7000,dec_ttl,output:2"
	wait_for 30 "flow in the card" has_offloaded
	alone "translated" 1 wire_tx_frames
	# Not one is lost on the way from then on, and what leaves has good checksums.
	equal "packets with a bad checksum" "$(xstat 1 wire_check_bad_checksum)" 0
	equal "packets twice" "$(xstat 1 wire_check_duplicate)" 0
	had=$(xstat 1 wire_tx_frames)
	[ "$(xstat 1 wire_check_received)" -ge "$((had * 9 / 10))" ] || fail "the generator does not know its frames"
	# What the card counted comes back to OpenFlow's counters.
	wait_for 20 "statistics of the card in OVS" counts br0 in_port=1 "$had"
	say "OpenFlow counts $(flow_packets br0 in_port=1), of which OVS received $(xstat 0 rx_good_packets)"
	in_ns ovs ovs-ofctl -OOpenFlow13 mod-flows "unix:$WORK/br0.mgmt" "in_port=1,udp,actions=drop"
	sleep 2
	wait_for 20 "dropping flow in the card" has_offloaded
	what=$(xstat 1 wire_tx_frames)
	alone "dropped" 0 wire_rx_frames
	equal "packets that leave although dropped" "$(xstat 1 wire_tx_frames)" "$what"
	vsctl del-port br0 p1
	in_ns ovs ovs-ofctl -OOpenFlow13 del-flows "unix:$WORK/br0.mgmt"
	stop_ovs
}

# A rule a client, in a card with a clock; OVS, when it is slow to look through its flows, takes some back and learns them anew; all of them go when the port goes.
many() {
	local n=800
	start_ovs "gen:flows=$n;proto=udp;size=90;order=round;rate=10000,clock=tsc,profile=$PROFILES/cx5.json" none
	bridge br0
	port br0 p0 net_hwsim0 1
	port br0 p1 "class=eth,mac=$MAC1" 2
	flow br0 "in_port=1,udp,actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],mod_vlan_vid:7,output:2"
	# Some clients have more than one of the generator's flows.
	wait_for 60 "$n rules in the card" reaches 0 rules $((n * 9 / 10))
	sleep 2
	say "$(xstat 0 rules) rules in the card"
	alone "a rule each of $n" 1 wire_tx_frames 20
	vsctl del-port br0 p0
	wait_for 30 "end of the rules" fewer 1 rules 10
	stop_ovs
}

# Every frame of the capture but those that OVS makes for itself: VXLAN to the peer, and inside what the generator sent.
vxlan() {
	start_ovs "$GEN$RATE" "pcap:tx=$WORK/vxlan.pcap"
	bridge br-phy
	bridge br-int
	port br-int p0 net_hwsim0 1
	port br-phy p1 "class=eth,mac=$MAC1" 1
	flow br-phy actions=normal
	ip -n "$PREFIX-ovs" address add 10.9.0.1/24 dev br-phy
	ip -n "$PREFIX-ovs" link set br-phy up
	vsctl add-port br-int vx -- set Interface vx type=vxlan options:remote_ip=10.9.0.2 options:key=77 ofport_request=9
	appctl tnl/neigh/set br-phy 10.9.0.2 "$REMOTE_MAC" > /dev/null
	flow br-int in_port=1,actions=output:9
	wait_for 30 "flow in the card" has_offloaded
	alone "encapsulated" 1 wire_tx_frames
	stop_ovs
	"$PYTHON" - "$WORK/vxlan.pcap" << 'END' || fail "what left is not the VXLAN that was asked for"
import struct, sys
data = open(sys.argv[1], "rb").read()
at, good, other = 24, 0, 0
while at + 16 <= len(data):
    size = struct.unpack_from("<I", data, at + 8)[0]
    f = data[at + 16 : at + 16 + size]
    at += 16 + size
    if f[12:14] == b"\x08\x00" and f[23] == 17 and f[36:38] == b"\x12\xb5":
        assert f[0:6] == bytes.fromhex("020000000702"), f[:14].hex()
        assert f[26:34] == bytes([10, 9, 0, 1, 10, 9, 0, 2]), f[26:34]
        assert int.from_bytes(f[46:49], "big") == 77, f[42:50].hex()
        assert size == 50 + 86 and int.from_bytes(f[16:18], "big") == size - 14, size
        assert sum(struct.unpack("!10H", f[14:34])) % 0xFFFF == 0, f[14:34].hex()
        assert f[62:64] == b"\x08\x00" and f[73] == 17, f[50:74].hex()
        good += 1
    else:
        other += 1
print(f"== {good} frames in VXLAN 77 to 10.9.0.2, {other} others")
assert good >= 20000 and other < 100
END
}

hwsim_init ovsdb-tool ovsdb-server ovs-vsctl ovs-appctl ovs-ofctl
[ -x "$VSWITCHD" ] || skip "openvswitch-switch-dpdk is missing (scripts/setup --bench)"
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
ip netns add "$PREFIX-probe" 2> /dev/null || skip "network namespaces are not allowed here"
ip netns delete "$PREFIX-probe"
namespace ovs
case ${1:-} in
translate | vxlan | many) "$1" ;;
*) fail "usage: hwsim_ovs.sh translate|vxlan|many" ;;
esac
