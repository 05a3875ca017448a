#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a program can do with a port of net_hwsim, done by testpmd and looked at: its answers, and frames that leave.

Each function is a test with a testpmd of its own. `hwsim_testpmd.py NAME...` runs some of them, or "ports" or "rules", or
all. SHUNT_KEEP=1 shows the end of testpmd's output where one fails.
"""

import re
import sys
import time

import testpmd
from frames import Frame, mac_text, read_pcap, toeplitz, write_pcap
from testpmd import Testpmd

KEY = bytes.fromhex("0102030405060708091011121314151617181920212223242526272829303132333435363738393a")
LAST = 0x02ee00000002
OWN = 0x026877aa0000
NONE = ("net_hwsim0,wire=none",)


class Wrong(Exception):
    pass


def check(condition, what, detail=""):
    if not condition:
        raise Wrong(f"{what}\n{detail}")


def says(t, command, *parts, seconds=20):
    """Asks, and all of these must be in the answer, in this order."""
    answer = t.ask(command, seconds)
    at = 0
    for part in parts:
        found = answer.find(part, at)
        check(found >= 0, f"'{command}' does not say '{part}'", answer)
        at = found + len(part)
    return answer


def silent(t, *commands):
    """Commands that print nothing when all is well."""
    for command in commands:
        answer = t.ask(command)
        check(answer == "", f"'{command}' is not silent", answer)


def refuses(t, command, number, text, errno):
    """rte_flow_error's type, message and code, as testpmd prints them."""
    answer = t.ask(command)
    pattern = rf"Caught PMD error type {number} \([^\n]*?\): (cause: 0x[0-9a-f]+, )?{re.escape(text)}: {errno}"
    check(re.search(pattern, answer), f"'{command}' should be refused with {number}, {text}, {errno}", answer)


def numbers(answer):
    """`name: value` of statistics."""
    return {name: int(value) for name, value in re.findall(r"^\s*([A-Za-z][\w-]*): +?(\d+)", answer, re.M)}


def xstats(t, port=0):
    return numbers(t.ask(f"show port xstats {port}"))


def hits(t, rule, port=0):
    found = re.search(r" hits: (\d+)\n bytes: (\d+)", t.ask(f"flow query {port} {rule} count"))
    check(found, f"no count of rule {rule}")
    return int(found.group(1)), int(found.group(2))


# ---- frames in, frames out --------------------------------------------------------------------------------------------

def udp(number=0, size=32, **fields):
    """Headers by name: udp(ipv4={"src": 1}, eth={...}, vlan={...})."""
    kinds = ["eth"] + (["vlan"] if "vlan" in fields else []) + ["ipv4", "udp"]
    frame = Frame(*[(kind, dict(fields.get(kind, {}))) for kind in kinds],
                  payload=bytes(size) + number.to_bytes(8, "big"))
    return frame.link()


def end_mark():
    return Frame(("eth", {"src": LAST, "dst": OWN}), payload=bytes(50)).link()


class Traffic:
    """A capture for a wire: a mark, silence, the frames, silence, a mark. rate=own: at these times with any clock."""

    def __init__(self, where, frames, name="0", gap=10, silence=1000000):
        self.frames, self.out = [frame.bytes() for frame in frames], f"{where}/out{name}.pcap"
        write_pcap(f"{where}/in{name}.pcap", [(0, end_mark().bytes())] +
                   [(silence + gap * i, frame) for i, frame in enumerate(self.frames)] +
                   [(2 * silence + gap * len(self.frames), end_mark().bytes())])
        self.wire = f"pcap:rx={where}/in{name}.pcap;tx={self.out};rate=own"

    def left(self):
        """What came out, but for the marks."""
        return [frame for frame in read_pcap(self.out) if LAST.to_bytes(6, "big") not in frame[:12]]


def run(t, seconds=30):
    """start, until both marks are in, stop; what testpmd said of the frames."""
    begin = len(t.log)
    says(t, "set verbose 1", "Change verbose level")
    t.send("start")
    for _ in range(2):
        t.until(mac_text(LAST).upper(), seconds)
    said = t.log[begin:]
    t.ask("stop")
    t.ask("set verbose 0")
    return said


SEEN = re.compile(r"port (\d+)/queue (\d+): received|src=([0-9A-F:]{17}) - dst=(.*)")


def seen(said):
    """(port, queue, line) of all frames but the marks."""
    at, frames = (None, None), []
    for found in SEEN.finditer(said):
        if found.group(1) is not None:
            at = (int(found.group(1)), int(found.group(2)))
        elif found.group(3) != mac_text(LAST).upper():
            frames.append((*at, found.group(4)))
    return frames


# ---- ports ------------------------------------------------------------------------------------------------------------

def info(_where):
    with Testpmd(*NONE, options=["--rxq=4", "--txq=2"]) as t:
        says(t, "show port info 0", "MAC address: 02:68:77:AA:00:00", "Device name: net_hwsim0", "Driver name: net_hwsim",
             "Firmware-version: profile ideal, clock off", "Link status: up", "Link speed: 100 Gbps",
             "Link duplex: full-duplex", "MTU: 1500", "Promiscuous mode: enabled",
             "Maximum number of MAC addresses: 128", "Hash key size in bytes: 40", "Redirection table size: 512",
             "Supported RSS offload flow types:", "ipv4-tcp", "ipv6-udp", "l3-src-only",
             "Current number of RX queues: 4", "Current number of TX queues: 2", "Switch name: net_hwsim0",
             "Switch Port Id: 0")
        says(t, "show port summary all", "Number of available ports: 1", "net_hwsim0   net_hwsim      up       100 Gbps")
        says(t, "show rxq info 0 3", "Rx queue state: started", "Number of RXDs: 1024")
        says(t, "show txq info 0 1", "Tx queue state: started")
        says(t, "show device info net_hwsim0", "Bus name: vdev", "Driver name: net_hwsim")
        says(t, "show port 0 rxq 0 desc used count", "Used desc count = 0")
        says(t, "port 0 rxq 1 stop")
        says(t, "show rxq info 0 1", "Rx queue state: stopped")
        says(t, "set link-down port 0")
        says(t, "show port summary 0", "down")
        says(t, "set link-up port 0")
        says(t, "show port summary 0", "up       100 Gbps")
        check(t.quit() == 0, "the end")


def stats(where):
    traffic = Traffic(where, [udp(i, size=i) for i in range(100)])
    size = sum(len(frame) for frame in traffic.frames)
    mark = len(end_mark().bytes())
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=2", "--txq=2", "--disable-rss"]) as t:
        says(t, "flow create 0 ingress pattern eth / ipv4 packet_id is 4660 / end actions count / queue index 1 / end",
             "Flow rule #0 created")
        says(t, "flow create 0 ingress pattern eth / ipv4 ttl is 99 / end actions drop / end", "created")
        run(t)
        answer = says(t, "show port stats 0", "RX-packets: 102", "RX-missed: 0", f"RX-bytes:  {size + 2 * mark}",
                      "RX-errors: 0", "TX-packets: 102", "TX-errors: 0", f"TX-bytes:  {size + 2 * mark}")
        x = xstats(t)
        want = {"rx_good_packets": 102, "rx_q0_packets": 2, "rx_q1_packets": 100, "rx_q1_bytes": size, "tx_q1_packets": 100,
                "wire_rx_frames": 102, "wire_tx_frames": 102, "steer_packets": 204, "steer_hits": 100, "rules": 2,
                "counters": 1, "drop_action": 0}
        check(all(x.get(name) == value for name, value in want.items()), "xstats", f"{x}\n{want}")
        check(hits(t, 0) == (100, size), "count", answer)
        says(t, "clear port xstats 0")
        silent_stats = xstats(t)
        check(silent_stats["rx_good_packets"] == 0 and silent_stats["rx_q1_packets"] == 0, "cleared", str(silent_stats))
        check(t.quit() == 0, "the end")
    check(sorted(traffic.left()) == sorted(traffic.frames), "the bytes that leave")


def rss(where):
    flows = [udp(i, ipv4={"src": 0x0a000000 + 7919 * i, "dst": 0x0b000001}, udp={"src": 1000 + i}) for i in range(64)]
    traffic = Traffic(where, flows)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=4", "--txq=4"]) as t:
        says(t, "show port 0 rss reta 512 (0x0f,0,0,0,0,0,0,0)", "hash index=0, queue=0", "hash index=3, queue=3")
        says(t, "port stop 0")
        silent(t, "port config 0 rx_offload rss_hash on")
        says(t, "port start 0", "Done")
        says(t, "port config all rss udp", "rss_hf")
        silent(t, f"port config 0 rss-hash-key ipv4-udp {KEY.hex()}")
        says(t, "show port 0 rss-hash key", "ipv4-udp", KEY.hex().upper())
        says(t, "port config 0 rss-hash-key ipv4-udp 0102", "invalid")
        table = [(i * 5 + i // 7) % 4 for i in range(512)]
        # Words of testpmd are short.
        t.ask_all("port config 0 rss reta " + ",".join(f"({n},{table[n]})" for n in range(i, i + 8)) for i in range(0, 512, 8))
        answer = "".join(t.ask_all("show port 0 rss reta 512 (" +
                                   ",".join("0xffffffffffffffff" if n == i else "0" for n in range(8)) + ")" for i in range(8)))
        got = [int(queue) for queue in re.findall(r"hash index=\d+, queue=(\d+)", answer)]
        check(got == table, "the redirection table", f"{got}\n{table}")
        frames = {}
        for _, queue, line in seen(run(t)):
            hashed = int(re.search(r"RSS hash=0x([0-9a-f]+)", line).group(1), 16)
            frames[hashed] = queue
        for frame in flows:
            ip, l4 = frame["ipv4"], frame["udp"]
            data = ip["src"].to_bytes(4, "big") + ip["dst"].to_bytes(4, "big") + l4["src"].to_bytes(2, "big") + \
                l4["dst"].to_bytes(2, "big")
            value = toeplitz(KEY, data)
            check(frames.get(value) == table[value % 512], f"hash 0x{value:x}: queue {frames.get(value)}")
        check(t.quit() == 0, "the end")


def vlan(where):
    tagged = [udp(i, vlan={"vid": 5 + i % 2}) for i in range(20)]
    traffic = Traffic(where, tagged)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}") as t:
        says(t, "set fwd macswap", "macswap")
        says(t, "port stop 0")
        silent(t, "tx_vlan set 0 77")
        says(t, "port start 0", "Done")
        silent(t, "vlan set strip on 0", "vlan set filter on 0", "rx_vlan add 5 0", "rx_vlan add 9 0", "rx_vlan rm 9 0")
        says(t, "show port info 0", "strip on, filter on")
        said = run(t)
        check(all("VLAN tci=0x6005" in line for _, _, line in seen(said)) and len(seen(said)) == 10, "stripped tags", said)
        check(xstats(t)["drop_filter"] == 10, "the filter's drops")
        check(t.quit() == 0, "the end")
    want = []
    for frame in tagged:
        if frame["vlan"]["vid"] == 5:
            frame["vlan"].update(vid=77, pcp=0, dei=0)
            frame["eth"]["dst"], frame["eth"]["src"] = frame["eth"]["src"], frame["eth"]["dst"]
            want.append(frame.bytes())
    check(traffic.left() == want, "tags stripped, filtered and inserted", "\n".join(f.hex() for f in traffic.left()[:3]))


def filters(where):
    """MTU, addresses, promiscuous mode."""
    group = 0x01005e000001
    frames = [udp(0, eth={"dst": OWN}), udp(1, eth={"dst": 0x020000000077}), udp(2, eth={"dst": 0x020000000078}),
              udp(3, eth={"dst": 0xffffffffffff}), udp(4, eth={"dst": group}), udp(5, eth={"dst": group + 1}),
              udp(6, eth={"dst": OWN}, size=1400), udp(7, eth={"dst": OWN}, size=1300 - 36)]
    traffic = Traffic(where, frames)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}") as t:
        says(t, "port config mtu 0 70000")
        says(t, "show port info 0", "MTU: 1500")
        silent(t, "port config mtu 0 1300", "set promisc 0 off", "mac_addr add 0 02:00:00:00:00:77",
               "mac_addr add 0 02:00:00:00:00:78", "mac_addr remove 0 02:00:00:00:00:78", "mcast_addr add 0 01:00:5e:00:00:01")
        says(t, "mac_addr remove 0 02:68:77:AA:00:00", "Cannot remove default MAC address")
        says(t, "show port 0 macs", "added: 2", "02:68:77:AA:00:00", "02:00:00:00:00:77")
        says(t, "show port info 0", "MTU: 1300", "Promiscuous mode: disabled")
        run(t)
        x = xstats(t)
        check(x["drop_filter"] == 2 and x["drop_length"] == 1, "drops", str(x))
        check(t.quit() == 0, "the end")
    check(traffic.left() == [traffic.frames[i] for i in (0, 1, 3, 4, 7)], "who is let in",
          str([f[-1] for f in traffic.left()]))


def hotplug(_where):
    with Testpmd(*NONE) as t:
        says(t, "port attach net_hwsim1,wire=none", "Port 1 is attached. Now total ports is 2")
        says(t, "port start 1", "Port 1: 02:68:77:AB:00:00")
        refuses(t, "flow create 0 transfer pattern eth / end actions represented_port ethdev_port_id 1 / end", 15,
                "port 1 is not one of this NIC", "Invalid argument")
        says(t, "flow create 1 ingress pattern eth / end actions drop / end", "Flow rule #0 created")
        says(t, "port stop 1")
        says(t, "port detach 1", "Device is detached", "Now total ports is 1")
        says(t, "port attach net_hwsim1,wire=foo", "wire=foo: no such kind", "Failed to attach port")
        says(t, "port attach net_hwsim1,colour=red", "colour=: no such key", "Failed to attach port")
        says(t, "port attach net_hwsim1,ports=2,clock=virtual,representor=[0-1]", "Now total ports is 7")
        says(t, "show port summary all", "net_hwsim1_p1", "net_hwsim1_representor_vf0", "net_hwsim1_vf1")
        says(t, "device detach net_hwsim1", "Device net_hwsim1 is detached", "Now total ports is 1")
        says(t, "show port summary all", "Number of available ports: 1")
        check(t.quit() == 0, "the end")


def life(_where):
    """Stop, reset, close, in any order; rules do not outlive a stop."""
    with Testpmd("net_hwsim0,ports=2,wire=none", options=["--rxq=2", "--txq=2"]) as t:
        says(t, "flow create 0 ingress pattern eth / ipv4 / end actions count / queue index 1 / end", "created")
        says(t, "port stop 0", "Done")
        says(t, "port start 0", "Done")
        answer = t.ask("flow dump 0 all")
        check("pattern" not in answer, "a rule is left after a stop", answer)
        says(t, "port close 0", "Cannot close started device")
        says(t, "port stop 0", "Done")
        says(t, "port reset 0", "Done")
        says(t, "port start 0", "Done")
        says(t, "flow create 0 ingress pattern eth / ipv4 / end actions count / queue index 1 / end", "created")
        says(t, "port stop all", "Done")
        says(t, "port close 1", "Port 1 is closed")
        says(t, "port start 0", "Done")
        says(t, "show port summary all", "Number of available ports: 1")
        says(t, "port stop 0", "Done")
        says(t, "port close 0", "Port 0 is closed")
        says(t, "show port summary all", "Number of available ports: 0")
        check(t.quit() == 0, "the end")


# ---- rules ------------------------------------------------------------------------------------------------------------

def flows(_where):
    with Testpmd(*NONE, options=["--rxq=4", "--txq=4"]) as t:
        says(t, "flow validate 0 ingress pattern eth / end actions queue index 1 / end", "Flow rule validated")
        says(t, "flow create 0 ingress pattern eth / ipv4 / end actions queue index 1 / count / end", "Flow rule #0 created")
        says(t, "flow create 0 ingress priority 3 pattern eth / vlan vid is 5 / end actions mark id 7 / drop / end", "#1 created")
        says(t, "flow create 0 egress group 2 pattern eth / end actions jump group 3 / end", "#2 created")
        says(t, "flow list 0", "0\t0\t0\ti--\tETH IPV4 => QUEUE COUNT", "1\t0\t3\ti--\tETH VLAN => MARK DROP",
             "2\t2\t0\t-e-\tETH => JUMP")
        says(t, "flow dump 0 all", "ingress port 0 group 0 priority 0 pattern eth / ipv4 / end actions count 0 / queue 1 / end hits 0",
             "priority 3 pattern eth / vlan tci 5", "egress port 0 group 2 priority 0", "Flow dump finished")
        says(t, "flow dump 0 rule 1", "mark 7", "Flow dump finished")
        says(t, "flow query 0 0 count", "hits_set: 1", "bytes_set: 1", "hits: 0", "bytes: 0")
        says(t, "flow query 0 77 count", "Flow rule #77 not found")
        says(t, "flow isolate 0 true", "Ingress traffic on port 0 is now restricted to the defined flow rules")
        says(t, "flow isolate 0 false", "is not restricted anymore")
        says(t, "flow destroy 0 rule 0", "Flow rule #0 destroyed")
        answer = says(t, "flow dump 0 all", "vlan")
        check("ipv4" not in answer, "a destroyed rule is dumped", answer)
        silent(t, "flow flush 0")
        answer = t.ask("flow dump 0 all")
        check("pattern" not in answer and xstats(t)["rules"] == 0, "rules after flush", answer)
        check(t.quit() == 0, "the end")


# Pattern or rule, actions, rte_flow_error_type, message, code.
INVALID, NOTSUP, EXISTS = "Invalid argument", "Operation not supported", "File exists"
REFUSED = [
    ("ingress pattern eth / ipv4 / end", "queue index 9", 15, "queue 9: the port has 4", INVALID),
    ("ingress pattern ipv4 / eth / end", "drop", 13, "ETH must stand before the header in front of it", INVALID),
    ("ingress pattern eth / ipv4 / icmp6 / end", "drop", 13, "ICMP6 is not carried by the header in front of it", INVALID),
    ("ingress pattern eth / ipv4 / udp / vxlan / eth / ipv4 / udp / vxlan / end", "drop", 13,
     "VXLAN within a tunnel: two levels are told apart, outer and inner", NOTSUP),
    ("ingress pattern eth / vlan / vlan / vlan / end", "drop", 13, "a third VLAN: two tags are parsed", NOTSUP),
    ("ingress pattern eth / gre_key value is 5 / end", "drop", 13, "GRE_KEY must follow GRE", INVALID),
    ("ingress pattern eth / raw relative is 0 pattern is ab / end", "drop", 13,
     "RAW: the card matches headers, not bytes at an offset", NOTSUP),
    ("ingress pattern eth / ipv4 src spec 1.2.3.4 src last 1.2.3.1 src mask 255.255.255.255 / end", "drop", 11,
     "range of src_addr ends before it begins", INVALID),
    ("ingress pattern eth / end", "drop / queue index 0", 16, "a second fate: a packet goes one way", INVALID),
    ("ingress pattern eth / end", "drop / dec_ttl", 16, "an action that changes the packet stands behind its fate", INVALID),
    ("ingress pattern eth / end", "jump group 4000000000", 15,
     "group 4000000000: the highest is 16776959 (profile: tables.groups)", NOTSUP),
    ("ingress pattern eth / end", "of_push_vlan ethertype 2048", 15, "0x0800 is no VLAN's EtherType: 0x8100 or 0x88a8", INVALID),
    ("ingress pattern eth / end", "rss types ipv4 end key aabb key_len 2 queues 0 1 end", 15, "RSS key of 2 bytes: it has 40",
     INVALID),
    ("ingress pattern eth / end", "rss queues 0 7 end", 15, "RSS: queue 7: the port has 4", INVALID),
    ("ingress pattern eth / end", "count / count / drop", 16, "a second COUNT", NOTSUP),
    ("ingress pattern eth / end", "age timeout 0 / drop", 15, "AGE: a timeout of 0 seconds", INVALID),
    ("ingress pattern eth / end", "meter mtr_id 3 / drop", 15, "no meter 3 on this port", INVALID),
    ("ingress pattern eth / end", "set_tag index 99 data 1 mask 1 / drop", 15, "tag 99: there are 8", INVALID),
    ("ingress pattern eth / end", "port_id id 0", 16, "ports are for transfer rules", INVALID),
    ("ingress pattern eth / end", "set_ipv4_dscp dscp_value 64 / drop", 15, "64: the highest value is 63", INVALID),
    ("egress pattern eth / end", "queue index 0", 16, "QUEUE is not for egress rules", INVALID),
    ("transfer pattern eth / end", "represented_port ethdev_port_id 9", 15, "port 9 is not one of this NIC", INVALID),
    ("pattern eth / end", "drop", 8, "none of ingress, egress and transfer", INVALID),
    ("ingress egress pattern eth / end", "drop", 6, "egress beside ingress: a rule is of one domain", NOTSUP),
    ("ingress pattern eth / ipv4 / tcp / end", "queue index 1", 4, "a rule of this match and priority is there", EXISTS),
]


def errors(_where):
    with Testpmd(*NONE, options=["--rxq=4", "--txq=4"]) as t:
        says(t, "flow create 0 ingress pattern eth / ipv4 / tcp / end actions queue index 0 / end", "Flow rule #0 created")
        for rule, actions, number, text, code in REFUSED:
            # A rule that is there already is noticed by who makes it: rte_flow_validate() need not look.
            for verb in ("create",) if code == EXISTS else ("validate", "create"):
                refuses(t, f"flow {verb} 0 {rule} actions {actions} / end", number, text, code)
        says(t, "flow create 0 ingress pattern eth / end actions indirect 5 / drop / end", "Failed to find indirect action #5")
        check(xstats(t)["rules"] == 1, "rules after what was refused")
        check(t.quit() == 0, "the end")


def ageing(where):
    traffic = Traffic(where, [udp(i) for i in range(300)], gap=10000)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}") as t:
        says(t, "flow create 0 ingress pattern eth / ipv4 / udp / end actions age timeout 2 / queue index 0 / end", "#0 created")
        says(t, "flow create 0 ingress pattern eth / ipv6 / end actions age timeout 1 / queue index 0 / end", "#1 created")
        says(t, "flow indirect_action 0 create action_id 1 ingress action age timeout 1 / end", "Indirect action #1 created")
        says(t, "flow create 0 ingress pattern eth / arp_eth_ipv4 / end actions indirect 1 / queue index 0 / end", "#2 created")
        run(t, 60)
        # What has aged is told once.
        answer = says(t, "flow aged 0 destroy", "total aged flows", "Flow rule #1 destroyed")
        check("#0 destroyed" not in answer, "the rule that is used has aged", answer)
        says(t, "flow aged 0", "Port 0 total aged flows: 0")
        says(t, "flow indirect_action 0 query 1", "aged: 1")
        says(t, "flow query 0 0 age", "aged: 0", "sec_since_last_hit_valid: 1", "sec_since_last_hit:")
        time.sleep(2.2)
        for _ in range(50):
            answer = t.ask("flow query 0 0 age")
            if "aged: 1" in answer:
                break
            time.sleep(0.1)
        check("aged: 1" in answer, "an idle rule ages", answer)
        silent(t, "flow flush 0")
        check(t.quit() == 0, "the end")


def set_conntrack(t, original, liberal=0):
    silent(t, f"set conntrack com peer 0 is_orig {original} enable 1 live 1 sack 1 cack 0 last_dir 0 liberal {liberal} state 1 "
           "max_ack_win 7 r_lim 5 last_win 510 last_seq 2632987379 last_ack 2532480967 last_end 2632987379 last_index 0x8",
           "set conntrack orig scale 7 fin 0 acked 1 unack_data 0 sent_end 2632987379 reply_end 2633016339 max_win 28960 "
           "max_ack 2632987379",
           "set conntrack rply scale 7 fin 0 acked 1 unack_data 0 sent_end 2532480967 reply_end 2532546247 max_win 65280 "
           "max_ack 2532480967")


def indirect(where):
    """Shared counters; a connection whose good and bad segments are told apart."""
    def segment(number, seq, size):
        return Frame("eth", "ipv4", ("tcp", {"seq": seq & 0xffffffff, "ack": 2532480967, "flags": 0x18, "window": 510}),
                     payload=bytes(size - 8) + number.to_bytes(8, "big")).link()

    good, bad = segment(1, 2632987379, 100), segment(2, 2632987379 + 10**8, 100)
    traffic = Traffic(where, [good, bad, udp(3), udp(4)])
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=4", "--txq=4", "--disable-rss"]) as t:
        says(t, "flow indirect_action 0 create action_id 1 ingress action count / end", "Indirect action #1 created")
        set_conntrack(t, 1)
        says(t, "flow indirect_action 0 create action_id 3 ingress action conntrack / end", "Indirect action #3 created")
        says(t, "flow indirect_action 0 create action_id 4 ingress action drop / end", "error type 16",
             "only COUNT, AGE, CONNTRACK and RSS can be indirect here")
        says(t, "flow create 0 ingress pattern eth / ipv4 / tcp / end actions indirect 1 / indirect 3 / jump group 2 / end", "#0")
        says(t, "flow create 0 ingress pattern eth / ipv4 / udp / end actions indirect 1 / queue index 1 / end", "#1")
        says(t, "flow create 0 ingress group 2 pattern eth / conntrack is 1 / end actions count / queue index 2 / end", "#2")
        says(t, "flow create 0 ingress group 2 pattern eth / conntrack is 16 / end actions count / queue index 3 / end", "#3")
        says(t, "flow indirect_action 0 query 3", "Peer: 0, Flow dir: Original, Enable: 1", "Last Seq: 2632987379")
        said = run(t)
        check([queue for _, queue, _ in sorted(seen(said))].count(1) == 2, "queue 1", said)
        says(t, "flow indirect_action 0 query 1", "hits: 4", f"bytes: {sum(len(f) for f in traffic.frames)}")
        states = {rule: hits(t, rule)[0] for rule in (2, 3)}
        check(states[2] == 1, "valid and bad segments", str(states))
        says(t, "flow indirect_action 0 query 3", "Last Seq: 2632987379", "Original Dir:", f"Sent end: {2632987379 + 100}")
        set_conntrack(t, 0, 1)
        says(t, "flow indirect_action 0 update 3 action conntrack_update ctx dir / end", "Indirect action #3 updated")
        says(t, "flow indirect_action 0 query 3", "Flow dir: Reply", "Liberal: 1", "Sent end: 2632987379,")
        says(t, "flow indirect_action 0 destroy action_id 1", "error type 16", "2 rules use this indirect action",
             "Device or resource busy")
        silent(t, "flow flush 0")
        says(t, "flow indirect_action 0 destroy action_id 1", "Indirect action #1 destroyed")
        says(t, "flow indirect_action 0 destroy action_id 3", "Indirect action #3 destroyed")
        x = xstats(t)
        check(x["counters"] == 0 and x["connections"] == 0, "objects at the end", str(x))
        check(t.quit() == 0, "the end")


def templates(where):
    frames = [udp(i, ipv4={"src": 0x0a000000 + i % 4}, udp={"dst": 53}) for i in range(40)]
    traffic = Traffic(where, frames)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=4", "--txq=4", "--disable-rss"]) as t:
        says(t, "flow info 0", "Number of queues: 64", "Size of queues: 65536")
        says(t, "flow configure 0 queues_number 2 queues_size 64", "Caught PMD error")
        says(t, "port stop 0")
        says(t, "flow configure 0 queues_number 2 queues_size 64 counters_number 100 aging_counters_number 10 meters_number 0",
             "Configure flows on port 0: number of queues 2 with 64 elements")
        says(t, "port start 0")
        says(t, "flow pattern_template 0 create ingress pattern_template_id 1 template eth / ipv4 src mask 255.255.255.255 / "
             "udp dst mask 0xffff / end", "Pattern template #1 created")
        says(t, "flow actions_template 0 create ingress actions_template_id 2 template count / queue / end "
             "mask count / queue / end", "Actions template #2 created")
        says(t, "flow template_table 0 create table_id 3 group 1 priority 0 ingress rules_number 8 pattern_template 1 "
             "actions_template 2", "Template table #3 created")
        says(t, "flow create 0 ingress pattern eth / end actions jump group 1 / end", "Flow rule #0 created")
        create = "flow queue 0 create {} template_table 3 pattern_template {} actions_template 0 postpone {} pattern eth / " \
            "ipv4 src is 10.0.0.{} / udp dst is 53 / end actions count / queue index {} / end"
        says(t, create.format(0, 0, "no", 1, 1), "Flow rule #1 creation enqueued")
        says(t, "flow push 0 queue 0", "Queue #0 operations pushed")
        says(t, "flow pull 0 queue 0", "Queue #0 pulled 1 operations (0 failed, 1 succeeded)")
        says(t, create.format(1, 0, "yes", 2, 2), "Flow rule #2 creation enqueued")
        says(t, "flow pull 0 queue 1", "Queue #1 pulled 0 operations")
        says(t, "flow push 0 queue 1")
        says(t, "flow pull 0 queue 1", "pulled 1 operations (0 failed, 1 succeeded)")
        says(t, create.format(5, 0, "no", 3, 2), "Queue #5 is invalid")
        says(t, create.format(0, 1, "no", 3, 2), "Pattern template index #1 is invalid")
        says(t, "flow dump 0 all", "group 1 priority 0 pattern eth / ipv4 src_addr 10.0.0.1 / udp dst_port 53",
             "ipv4 src_addr 10.0.0.2")
        queues = [queue for _, queue, _ in seen(run(t))]
        check(sorted(queues) == [0] * 20 + [1] * 10 + [2] * 10, "queues", str(queues))
        check(hits(t, 1)[0] == 10 and hits(t, 2)[0] == 10, "counts")
        says(t, "flow queue 0 indirect_action 0 create action_id 9 ingress postpone no action count / end", "creation queued")
        says(t, "flow push 0 queue 0")
        says(t, "flow pull 0 queue 0", "pulled 1 operations (0 failed, 1 succeeded)")
        says(t, "flow queue 0 indirect_action 0 destroy postpone no action_id 9", "destruction queued")
        says(t, "flow push 0 queue 0")
        says(t, "flow pull 0 queue 0", "pulled 1 operations (0 failed, 1 succeeded)")
        refuses(t, "flow template_table 0 destroy table 3", 2, "2 rules are in this table", "Device or resource busy")
        says(t, "flow queue 0 destroy 0 postpone no rule 2", "destruction enqueued")
        says(t, "flow queue 0 destroy 0 postpone no rule 1", "destruction enqueued")
        says(t, "flow push 0 queue 0")
        says(t, "flow pull 0 queue 0", "pulled 2 operations (0 failed, 2 succeeded)")
        says(t, "flow template_table 0 destroy table 3", "Template table #3 destroyed")
        says(t, "flow pattern_template 0 destroy pattern_template 1", "Pattern template #1 destroyed")
        says(t, "flow actions_template 0 destroy actions_template 2", "Actions template #2 destroyed")
        check(xstats(t)["rules"] == 1, "rules at the end")
        check(t.quit() == 0, "the end")


def tunnels(where):
    def vxlan(number, vni, inner):
        return Frame("eth", "ipv4", ("udp", {"nosum": True}), ("vxlan", {"vni": vni}), ("eth", {"dst": 0x02000000aa01}),
                     ("ipv4", {"src": inner}), ("udp", {"src": 9}), payload=bytes(32) + number.to_bytes(8, "big")).link()

    traffic = Traffic(where, [vxlan(0, 5, 0x0a000001), vxlan(1, 5, 0x0a000002), udp(2)])
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=4", "--txq=4", "--disable-rss"]) as t:
        says(t, "flow tunnel create 0 type vxlan", "flow tunnel #1 type vxlan")
        says(t, "flow tunnel list 0", "port 0 tunnel #1 type=vxlan")
        says(t, "flow create 0 ingress tunnel_set 1 pattern eth / ipv4 / udp / vxlan / end actions jump group 3 / end", "#0")
        says(t, "flow create 0 ingress tunnel_match 1 group 3 pattern eth / ipv4 / udp / vxlan / eth / ipv4 src is 10.0.0.1 / end "
             "actions count / queue index 1 / end", "#1 created")
        said = run(t)
        lines = seen(said)
        check(sorted(queue for _, queue, _ in lines) == [0, 0, 1], "queues", said)
        check(said.count("restore info: - tunnel #1 type vxlan - outer header present - miss group 3") == 1, "restore info of the frame that missed", said)
        check(hits(t, 1)[0] == 1, "hits of the inner match")
        says(t, "flow tunnel destroy 0 id 1", "flow tunnel #1 destroyed")
        silent(t, "flow flush 0")
        check(t.quit() == 0, "the end")


def meters(where):
    """RFC 2697 and 2698 with hardly any refill: the buckets are what passes."""
    frames = [udp(i, size=50) for i in range(60)] + [udp(100 + i, size=50, ipv4={"ttl": 7}) for i in range(60)]
    size = len(frames[0].bytes())
    traffic = Traffic(where, frames)
    with Testpmd(f"net_hwsim0,wire={traffic.wire}", options=["--rxq=4", "--txq=4", "--disable-rss"]) as t:
        says(t, "show port meter cap 0", "cap.meter_srtcm_rfc2697_n_max", "cap.meter_trtcm_rfc2698_n_max")
        silent(t, f"add port meter profile srtcm_rfc2697 0 1 1 {10 * size} {15 * size} 0",
               f"add port meter profile trtcm_rfc2698 0 2 1 2 {5 * size} {20 * size} 0",
               "add port meter policy 0 1 g_actions end y_actions end r_actions drop / end",
               "add port meter policy 0 2 g_actions queue index 1 / end y_actions queue index 2 / end r_actions drop / end",
               "create port meter 0 1 1 1 yes 0xffff 0 g 0", "create port meter 0 2 2 2 yes 0xffff 0 g 0")
        says(t, "add port meter profile trtcm_rfc2698 0 2 1 2 3000 4000 0", "a meter profile has this number already (error 2)")
        says(t, "add port meter profile trtcm_rfc2698 0 3 2000 1000 3000 4000 0", "RFC 2698: PIR must not be less than CIR")
        says(t, "create port meter 0 3 9 1 yes 0xffff 0 g 0", "error 2")
        says(t, "flow create 0 ingress pattern eth / ipv4 ttl is 61 / udp / end actions meter mtr_id 1 / queue index 3 / end", "#0")
        says(t, "flow create 0 ingress pattern eth / ipv4 ttl is 7 / udp / end actions meter mtr_id 2 / end", "#1 created")
        queues = [queue for _, queue, _ in seen(run(t))]
        want = {3: 25, 1: 5, 2: 15}
        got = {queue: queues.count(queue) for queue in want}
        check(got == want, "colours", f"{got} {want}")
        says(t, "show port meter stats 0 1 no", "Pkts G: 10", f"Bytes G: {10 * size}", "Pkts Y: 15", "Pkts DROPPED: 35")
        says(t, "show port meter stats 0 2 yes", "Pkts G: 5", "Pkts Y: 15", "Pkts DROPPED: 40")
        says(t, "show port meter stats 0 2 no", "Pkts G: 0")
        check(xstats(t)["drop_meter"] == 75, "drops")
        says(t, "del port meter 0 1", "(error")
        silent(t, "flow flush 0", "del port meter 0 1", "del port meter 0 2", "del port meter profile 0 1",
               "del port meter profile 0 2", "del port meter policy 0 1", "del port meter policy 0 2")
        check(xstats(t)["meters"] == 0, "meters at the end")
        check(t.quit() == 0, "the end")


# ---- the switch -------------------------------------------------------------------------------------------------------

def switch(where):
    """Two ports of a card: transfer rules send one's frames out of the other, and to the other's host side."""
    zero = Traffic(where, [udp(i, ipv4={"ttl": 10 + i % 2}) for i in range(20)], "0")
    one = Traffic(where, [udp(100 + i, ipv4={"ttl": 20}) for i in range(10)], "1")
    with Testpmd(f"net_hwsim0,ports=2,wire0={zero.wire},wire1={one.wire}", options=["--port-topology=loop"]) as t:
        says(t, "flow create 0 transfer pattern represented_port ethdev_port_id is 0 / eth / ipv4 ttl is 10 / end actions count / "
             "of_push_vlan ethertype 33024 / represented_port ethdev_port_id 1 / end", "Flow rule #0 created")
        says(t, "flow create 1 transfer pattern represented_port ethdev_port_id is 1 / eth / ipv4 ttl is 20 / end "
             "actions count / dec_ttl / port_representor port_id 0 / end", "Flow rule #0 created")
        begin = len(t.log)
        says(t, "set verbose 1", "Change verbose level")
        t.send("start")
        for _ in range(4):
            t.until(mac_text(LAST).upper(), 30)
        frames = seen(t.log[begin:])
        t.ask("stop")
        check(sorted(port for port, _, _ in frames) == [0] * 20, "who saw what", str(frames))
        check(hits(t, 0, 0)[0] == 10 and hits(t, 0, 1)[0] == 10, "counts")
        check(t.quit() == 0, "the end")

    def tagged(data):
        return data[:12] + bytes.fromhex("81000000") + data[12:]

    def older(i):
        return udp(100 + i, ipv4={"ttl": 19}).bytes()

    check(sorted(one.left()) == sorted(tagged(zero.frames[i]) for i in range(0, 20, 2)), "what left by port 1")
    check(sorted(zero.left()) == sorted([zero.frames[i] for i in range(1, 20, 2)] + [older(i) for i in range(10)]),
          "what left by port 0")


def representors(where):
    """The wire's frames to a function by a rule, back by its representor, and from there to the wire."""
    traffic = Traffic(where, [udp(i, eth={"dst": 0x020000000055}) for i in range(10)])
    with Testpmd(f"net_hwsim0,representor=[0],wire={traffic.wire}", options=["--port-topology=loop"]) as t:
        says(t, "show port summary all", "Number of available ports: 3", "net_hwsim0_representor_vf0", "net_hwsim0_vf0")
        says(t, "show port info 1", "Switch name: net_hwsim0")
        says(t, "flow create 0 transfer pattern represented_port ethdev_port_id is 0 / eth / ipv4 / end actions count / "
             "represented_port ethdev_port_id 1 / end", "#0 created")
        says(t, "flow create 1 transfer pattern represented_port ethdev_port_id is 1 / eth / ipv4 / end actions count / "
             "represented_port ethdev_port_id 0 / end", "#0 created")
        frames = seen(run(t))
        check([port for port, _, _ in frames] == [2] * 10, "the function's frames", str(frames))
        check(hits(t, 0, 0)[0] == 10 and hits(t, 0, 1)[0] == 10, "counts")
        check(t.quit() == 0, "the end")
    check(sorted(traffic.left()) == sorted(traffic.frames), "what leaves by the wire")


# ---- clocks -----------------------------------------------------------------------------------------------------------

def clock(where, name):
    """The silence is in the card's time, and that may be far slower than the wall's."""
    frames = [udp(i, ipv4={"ttl": 10 + i % 2}) for i in range(200)]
    traffic = Traffic(where, frames, silence=1000)
    with Testpmd(f"net_hwsim0,clock={name},wire={traffic.wire}", options=["--rxq=2", "--txq=2", "--disable-rss"]) as t:
        says(t, "show port info 0", f"clock {name}")
        says(t, "flow create 0 ingress pattern eth / ipv4 ttl is 10 / end actions count / set_ttl ttl_value 99 / "
             "queue index 1 / end", "Flow rule #0 created")
        says(t, "start", "io packet forwarding")
        for _ in range(100):
            x = xstats(t)
            if x["wire_tx_frames"] == 202:
                break
            time.sleep(0.1)
        t.ask("stop")
        check(x["rx_good_packets"] == 202 and x["wire_tx_frames"] == 202 and x["rx_q1_packets"] == 100, "conservation", str(x))
        check(hits(t, 0) == (100, sum(len(f.bytes()) for f in frames[::2])), "counts")
        check(t.quit() == 0, "the end")
    for frame in frames[::2]:
        frame["ipv4"]["ttl"] = 99
    check(sorted(traffic.left()) == sorted(frame.bytes() for frame in frames), "the bytes that leave")


def clock_virtual(where):
    clock(where, "virtual")


def clock_tsc(where):
    clock(where, "tsc")


TESTS = {
    "ports": [info, stats, rss, vlan, filters, hotplug, life, switch, representors, clock_virtual, clock_tsc],
    "rules": [flows, errors, ageing, indirect, templates, tunnels, meters],
}


def main():
    testpmd.require()
    names, failed = sys.argv[1:], []
    known = {test.__name__: [test] for group in TESTS.values() for test in group}
    known.update(TESTS)
    for test in [test for name in names or TESTS for test in known[name]]:
        begin = time.monotonic()
        with testpmd.scratch() as where:
            try:
                test(where)
                print(f"{test.__name__}: ok, {time.monotonic() - begin:.1f} s", flush=True)
            except (Wrong, RuntimeError) as wrong:
                failed.append(test.__name__)
                print(f"{test.__name__}: {wrong}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
