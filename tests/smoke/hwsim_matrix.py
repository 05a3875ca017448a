#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Protocol stacks x fields x actions: rules that testpmd makes, held against the bytes that leave and the rules' counters.

For each case there is one rule that looks at one field, a frame that has its value, and one that differs in just this
field. Both carry the number of the case in a MAC address that the rule looks at, too, so that thousands of cases are one run:
a capture goes in by the wire, testpmd sends everything back, and what leaves is another capture. What is expected of a
frame is made here (frames.py); the queue and mark of a frame are those that testpmd prints when it comes in.

--domain ingress: all actions. egress: the same frames on their way out, for actions that are there.
"""

import argparse
import copy
import itertools
import re
import sys

import testpmd
from frames import ETHERTYPE, Frame, PROTO, bits, mac_text, read_pcap, toeplitz, write_pcap

QUEUES = 4
KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
TAG = 0x02cc00000000
FIRST, LAST = 0x02ee00000001, 0x02ee00000002

FRAGMENT = ("ipv4", {"fragment_offset": 0x2064, "proto": 17})
OUTER = ("udp", {"nosum": True})
INNER_ETH = ("eth", {"dst": 0x02000000aa01, "src": 0x02000000aa02})
INNER_IPV4 = ("ipv4", {"src": 0x0a010101, "dst": 0x0a020202, "ttl": 33, "tos": 0})

# Name: headers. The fields of the last header that has a name here are looked at one by one, and those of the ones in front.
STACKS = {
    "eth": ["eth"],
    "eth_vlan": ["eth", "vlan"],
    "eth_qinq": [("eth", {"type": 0x88a8}), "vlan", ("vlan", {"vid": 0x456, "pcp": 1})],
    "arp": ["eth", "arp"],
    "ipv4": ["eth", "ipv4"],
    "ipv4_fragment": ["eth", FRAGMENT],
    "ipv4_udp": ["eth", "ipv4", "udp"],
    "ipv4_tcp": ["eth", "ipv4", "tcp"],
    "ipv4_sctp": ["eth", "ipv4", "sctp"],
    "ipv4_icmp": ["eth", "ipv4", "icmp"],
    "ipv4_esp": ["eth", "ipv4", "esp"],
    "ipv6": ["eth", "ipv6"],
    "ipv6_fragment": ["eth", "ipv6", ("frag6", {"frag_data": 0x0581, "next_hdr": 17})],
    "ipv6_udp": ["eth", "ipv6", "udp"],
    "ipv6_tcp": ["eth", "ipv6", "tcp"],
    "ipv6_sctp": ["eth", "ipv6", "sctp"],
    "ipv6_icmp6": ["eth", "ipv6", "icmp6"],
    "vlan_ipv4_tcp": ["eth", "vlan", "ipv4", "tcp"],
    "vlan_ipv6_udp": ["eth", "vlan", "ipv6", "udp"],
    "qinq_ipv4_udp": [("eth", {"type": 0x88a8}), "vlan", ("vlan", {"vid": 0x456, "pcp": 1}), "ipv4", "udp"],
    "vxlan_ipv4_udp": ["eth", "ipv4", OUTER, "vxlan", INNER_ETH, INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "vxlan6_ipv4_tcp": ["eth", "ipv6", "udp", "vxlan", INNER_ETH, INNER_IPV4, ("tcp", {"src": 7, "dst": 9})],
    "geneve_ipv4_tcp": ["eth", "ipv4", OUTER, "geneve", INNER_ETH, INNER_IPV4, ("tcp", {"src": 7, "dst": 9})],
    "gre_ipv4": ["eth", "ipv4", "gre", INNER_IPV4],
    "gre_key_ipv4_udp": ["eth", "ipv4", "gre", "gre_key", INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "nvgre_ipv4_udp": ["eth", "ipv4", "nvgre", INNER_ETH, INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "gtpu_ipv4_udp": ["eth", "ipv4", OUTER, "gtpu", INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
}

# Header: item of testpmd; then field: (its word, where its text differs from a number).
ITEMS = {
    "eth": "eth", "vlan": "vlan", "arp": "arp_eth_ipv4", "ipv4": "ipv4", "ipv6": "ipv6", "frag6": "ipv6_frag_ext", "udp": "udp",
    "tcp": "tcp", "sctp": "sctp", "icmp": "icmp", "icmp6": "icmp6", "esp": "esp", "vxlan": "vxlan", "geneve": "geneve",
    "gtpu": "gtpu", "gre": "gre", "gre_key": "gre_key", "nvgre": "nvgre",
}
FIELDS = {
    "eth": ["dst", "src", "type"],
    "vlan": ["pcp", "dei", "vid", "inner_type"],
    "arp": ["sha", "spa", "tha", "tpa"],
    "ipv4": ["tos", "packet_id", "fragment_offset", "ttl", "proto", "src", "dst"],
    "ipv6": ["tc", "flow", "proto", "hop", "src", "dst"],
    "frag6": ["next_hdr", "frag_data"],
    "udp": ["src", "dst"],
    "tcp": ["src", "dst", "flags"],
    "sctp": ["src", "dst", "tag"],
    "icmp": ["type", "code", "ident", "seq"],
    "icmp6": ["type", "code"],
    "esp": ["spi"],
    "vxlan": ["vni", "last_rsvd"],
    "geneve": ["vni", "protocol"],
    "gtpu": ["teid", "msg_type"],
    "gre": ["protocol"],
    "gre_key": ["value"],
    "nvgre": ["tni"],
}
MACS = {("eth", "dst"), ("eth", "src"), ("arp", "sha"), ("arp", "tha")}
IPS = {("ipv4", "src"), ("ipv4", "dst"), ("arp", "spa"), ("arp", "tpa")}
IP6S = {("ipv6", "src"), ("ipv6", "dst")}


def ip4_text(value):
    return ".".join(str(byte) for byte in value.to_bytes(4, "big"))


def ip6_text(value):
    return ":".join(f"{value >> shift & 0xffff:x}" for shift in range(112, -1, -16))


def text(kind, field, value):
    if (kind, field) in MACS:
        return mac_text(value)
    if (kind, field) in IPS:
        return ip4_text(value)
    if (kind, field) in IP6S:
        return ip6_text(value)
    return str(value)


# ---- actions: (name, words, what becomes of a frame, options) ---------------------------------------------------------

class Act:
    """What a rule does: words of testpmd, the frame that is expected (None: none), its queue and mark."""

    def __init__(self, name, words, change=lambda f: f, **more):
        self.name, self.words, self.change = name, words, change
        self.queue, self.mark, self.jump = more.get("queue"), more.get("mark"), more.get("jump")
        self.rss, self.fate = more.get("rss", False), more.get("fate", False)


def put(where, **values):
    """Sets fields of the outermost header `where`, or of its nth with (kind, n)."""
    def change(frame):
        kind, nth = where if isinstance(where, tuple) else (where, 0)
        fields = frame[frame.at(kind, nth)]
        for name, value in values.items():
            fields[name] = value(fields[name]) if callable(value) else value
        return frame
    return change


def swap_macs(frame):
    eth = frame[0]
    eth["dst"], eth["src"] = eth["src"], eth["dst"]
    return frame


def push(tpid, **tci):
    def change(frame):
        eth = frame[0]
        first = frame.headers[1][1] if frame.kinds()[1:2] == ["vlan"] else {"pcp": 0, "dei": 0, "vid": 0}
        tag = {name: first[name] for name in ("pcp", "dei", "vid")}
        frame.headers.insert(1, ("vlan", {**tag, **tci, "inner_type": eth["type"]}))
        eth["type"] = tpid
        return frame
    return change


def pop(frame):
    frame[0]["type"] = frame[1]["inner_type"]
    del frame.headers[1]
    return frame


def encap(*headers):
    def change(frame):
        frame.headers = Frame(*copy.deepcopy(headers)).headers + frame.headers
        return frame.relink()
    return change


def decap(frame):
    """Everything in front of the inner Ethernet header goes."""
    del frame.headers[:frame.at("eth", 1)]
    return frame


def l3_decap(kind):
    """The tunnel's headers go; Ethernet stays, with the type of what is carried."""
    def change(frame):
        del frame.headers[1:frame.at(kind) + 1]
        return frame
    return change


def l3_encap(*headers):
    """New headers between Ethernet and IP."""
    def change(frame):
        eth = frame.headers[0]
        frame.headers = Frame(*copy.deepcopy(headers)).headers + frame.headers[1:]
        assert eth[0] == "eth"
        return frame.relink()
    return change


VXLAN = [("eth", {"dst": 0x02bb00000001, "src": 0x02bb00000002}),
         ("ipv4", {"src": 0x01010101, "dst": 0x02020202, "tos": 0, "ttl": 64, "packet_id": None, "fragment_offset": 0}),
         ("udp", {"src": 4321, "dst": 4789, "nosum": True}), ("vxlan", {"vni": 77})]
RAW_VXLAN6 = [("eth", {"dst": 0x02bb00000003, "src": 0x02bb00000004}),
              ("ipv6", {"src": 1 << 124 | 1, "dst": 1 << 124 | 2, "tc": 0, "flow": 0, "hop": 77}),
              ("udp", {"src": 4322, "dst": 4789}), ("vxlan", {"vni": 78})]
NVGRE = [("eth", {"dst": 0x02bb00000005, "src": 0x02bb00000006}),
         ("ipv4", {"src": 0x03030303, "dst": 0x04040404, "tos": 0, "ttl": 64, "packet_id": None, "fragment_offset": 0}),
         ("nvgre", {"tni": 79})]
GTP = [("eth", {"dst": 0x02bb00000007, "src": 0x02bb00000008}),
       ("ipv4", {"src": 0x05050505, "dst": 0x06060606, "tos": 0, "ttl": 66, "packet_id": None, "fragment_offset": 0}),
       ("udp", {"src": 2152, "dst": 2152, "nosum": True}), ("gtpu", {"teid": 0x01020304})]

SETUP = [
    "set vxlan ip-version ipv4 vni 77 udp-src 4321 udp-dst 4789 ip-src 1.1.1.1 ip-dst 2.2.2.2 "
    "eth-src 02:bb:00:00:00:02 eth-dst 02:bb:00:00:00:01",
    "set nvgre ip-version ipv4 tni 79 ip-src 3.3.3.3 ip-dst 4.4.4.4 eth-src 02:bb:00:00:00:06 eth-dst 02:bb:00:00:00:05",
    "set raw_encap 0 eth src is 02:bb:00:00:00:04 dst is 02:bb:00:00:00:03 / ipv6 src is 1000::1 dst is 1000::2 hop is 77 / "
    "udp src is 4322 dst is 4789 / vxlan vni is 78 / end_set",
    "set raw_encap 1 eth src is 02:bb:00:00:00:08 dst is 02:bb:00:00:00:07 / ipv4 src is 5.5.5.5 dst is 6.6.6.6 ttl is 66 / "
    "udp src is 2152 dst is 2152 / gtp v_pt_rsv_flags is 48 msg_type is 255 teid is 16909060 / end_set",
    "set raw_encap 2 eth src is 02:bb:00:00:00:0a dst is 02:bb:00:00:00:09 type is 2048 / end_set",
    "set raw_decap 0 eth / end_set",
    "set raw_decap 1 eth / ipv4 / gre / end_set",
    "set raw_decap 2 eth / ipv4 / udp / gtp / end_set",
]


def modify(dst, width, value, change, level=0, offset=0, op="set"):
    """MODIFY_FIELD with an immediate value."""
    size = (width + offset + 7) // 8
    words = (f"modify_field op {op} dst_type {dst} dst_level {level} dst_offset {offset} "
             f"src_type value src_value {value.to_bytes(size, 'big').hex()} width {width}")
    return Act(f"modify_{dst}{'_inner' if level == 2 else ''}", words, change)


def modifications(kinds):
    """What can be written in frames of this stack: the outermost headers, and the inner ones of tunnels."""
    acts = [
        Act("set_mac_dst", "set_mac_dst mac_addr 02:dd:00:00:00:07", put("eth", dst=0x02dd00000007)),
        Act("set_mac_src", "set_mac_src mac_addr 02:dd:00:00:00:08", put("eth", src=0x02dd00000008)),
        Act("mac_swap", "mac_swap", swap_macs),
        modify("mac_dst", 48, 0x02dd00000009, put("eth", dst=0x02dd00000009)),
        modify("mac_src", 48, 0x02dd0000000a, put("eth", src=0x02dd0000000a)),
    ]
    if "vlan" in kinds:
        acts += [
            Act("of_set_vlan_vid", "of_set_vlan_vid vlan_vid 2748", put("vlan", vid=2748)),
            Act("of_set_vlan_pcp", "of_set_vlan_pcp vlan_pcp 6", put("vlan", pcp=6)),
            modify("vlan_id", 12, 0x777, put("vlan", vid=0x777)),
        ]
    outer = kinds[1] if len(kinds) > 1 and kinds[1] != "vlan" else next((k for k in kinds if k in ("ipv4", "ipv6")), None)
    if outer == "ipv4":
        acts += [
            Act("set_ipv4_src", "set_ipv4_src ipv4_addr 203.0.113.9", put("ipv4", src=0xcb007109)),
            Act("set_ipv4_dst", "set_ipv4_dst ipv4_addr 203.0.113.10", put("ipv4", dst=0xcb00710a)),
            Act("set_ipv4_dscp", "set_ipv4_dscp dscp_value 46", put("ipv4", tos=lambda v: 46 << 2 | v & 3)),
            Act("set_ttl", "set_ttl ttl_value 99", put("ipv4", ttl=99)),
            Act("dec_ttl", "dec_ttl", put("ipv4", ttl=lambda v: v - 1)),
            modify("ipv4_src", 32, 0xcb00710b, put("ipv4", src=0xcb00710b)),
            modify("ipv4_dst", 32, 0xcb00710c, put("ipv4", dst=0xcb00710c)),
            modify("ipv4_ttl", 8, 5, put("ipv4", ttl=lambda v: v + 5), op="add"),
            modify("ipv4_dscp", 6, 11, put("ipv4", tos=lambda v: 11 << 2 | v & 3)),
        ]
    if outer == "ipv6":
        src, dst = 0x20010db8000900000000000000000009, 0x20010db800090000000000000000000a
        acts += [
            Act("set_ipv6_src", f"set_ipv6_src ipv6_addr {ip6_text(src)}", put("ipv6", src=src)),
            Act("set_ipv6_dst", f"set_ipv6_dst ipv6_addr {ip6_text(dst)}", put("ipv6", dst=dst)),
            Act("set_ipv6_dscp", "set_ipv6_dscp dscp_value 46", put("ipv6", tc=lambda v: 46 << 2 | v & 3)),
            Act("set_ttl", "set_ttl ttl_value 99", put("ipv6", hop=99)),
            Act("dec_ttl", "dec_ttl", put("ipv6", hop=lambda v: v - 1)),
            modify("ipv6_src", 128, src + 5, put("ipv6", src=src + 5)),
            modify("ipv6_dst", 128, dst + 5, put("ipv6", dst=dst + 5)),
            modify("ipv6_hoplimit", 8, 7, put("ipv6", hop=lambda v: v - 7), op="sub"),
        ]
    l4 = next((k for k in kinds if k in ("udp", "tcp", "sctp", "icmp", "gre", "nvgre")), None)
    if l4 in ("udp", "tcp", "sctp") and not set(kinds) & {"vxlan", "geneve", "gtpu"}:
        acts += [
            Act("set_tp_src", "set_tp_src port 40001", put(l4, src=40001)),
            Act("set_tp_dst", "set_tp_dst port 40002", put(l4, dst=40002)),
        ]
    if l4 in ("udp", "tcp") and not set(kinds) & {"vxlan", "geneve", "gtpu"}:
        acts += [
            modify(f"{l4}_port_src", 16, 40003, put(l4, src=40003)),
            modify(f"{l4}_port_dst", 16, 40004, put(l4, dst=40004)),
        ]
    if l4 == "tcp":
        acts += [
            Act("inc_tcp_seq", "inc_tcp_seq value 4278190080", put("tcp", seq=lambda v: v + 0xff000000 & 0xffffffff)),
            Act("dec_tcp_seq", "dec_tcp_seq value 65536", put("tcp", seq=lambda v: v - 65536 & 0xffffffff)),
            Act("inc_tcp_ack", "inc_tcp_ack value 77", put("tcp", ack=lambda v: v + 77 & 0xffffffff)),
            Act("dec_tcp_ack", "dec_tcp_ack value 78", put("tcp", ack=lambda v: v - 78 & 0xffffffff)),
            modify("tcp_seq_num", 32, 0x0a0b0c0d, put("tcp", seq=0x0a0b0c0d)),
            modify("tcp_ack_num", 32, 0x0a0b0c0e, put("tcp", ack=0x0a0b0c0e)),
        ]
    if "vxlan" in kinds:
        acts += [modify("vxlan_vni", 24, 0x0d0e0f, put("vxlan", vni=0x0d0e0f))]
    if "geneve" in kinds:
        acts += [modify("geneve_vni", 24, 0x0d0e0f, put("geneve", vni=0x0d0e0f))]
    if "gtpu" in kinds:
        acts += [modify("gtp_teid", 32, 0x0d0e0f01, put("gtpu", teid=0x0d0e0f01))]
    if kinds.count("ipv4") + kinds.count("ipv6") == 2:
        nth = kinds.count("ipv4") - 1
        acts += [
            modify("ipv4_src", 32, 0x0a636363, put(("ipv4", nth), src=0x0a636363), level=2),
            modify("ipv4_dst", 32, 0x0a636364, put(("ipv4", nth), dst=0x0a636364), level=2),
            modify("ipv4_ttl", 8, 9, put(("ipv4", nth), ttl=9), level=2),
        ]
        if kinds[-1] in ("udp", "tcp"):
            nth = kinds.count(kinds[-1]) - 1
            acts += [
                modify(f"{kinds[-1]}_port_src", 16, 50001, put((kinds[-1], nth), src=50001), level=2),
                modify(f"{kinds[-1]}_port_dst", 16, 50002, put((kinds[-1], nth), dst=50002), level=2),
            ]
    return acts


def shapes(kinds):
    """Headers put on and taken off."""
    acts = [
        Act("push_vlan", "of_push_vlan ethertype 33024", push(0x8100)),
        Act("push_qinq", "of_push_vlan ethertype 34984 / of_set_vlan_vid vlan_vid 291 / of_set_vlan_pcp vlan_pcp 5",
            push(0x88a8, vid=291, pcp=5)),
        Act("vxlan_encap", "vxlan_encap", encap(*VXLAN)),
        Act("nvgre_encap", "nvgre_encap", encap(*NVGRE)),
        Act("raw_encap", "raw_encap index 0", encap(*RAW_VXLAN6)),
    ]
    if "vlan" in kinds:
        acts.append(Act("pop_vlan", "of_pop_vlan", pop))
    if kinds[:2] == ["eth", "ipv4"] and len(kinds) < 4:
        acts.append(Act("l3_encap", "raw_decap index 0 / raw_encap index 1", l3_encap(*GTP)))
    if "vxlan" in kinds:
        acts.append(Act("vxlan_decap", "vxlan_decap", decap))
    if "nvgre" in kinds:
        acts.append(Act("nvgre_decap", "nvgre_decap", decap))
    new = put("eth", src=0x02bb0000000a, dst=0x02bb00000009)
    if kinds[:3] == ["eth", "ipv4", "gre"] and "gre_key" not in kinds:
        acts.append(Act("l3_decap", "raw_decap index 1 / raw_encap index 2", lambda f: new(l3_decap("gre")(f))))
    if "gtpu" in kinds:
        acts.append(Act("l3_decap", "raw_decap index 2 / raw_encap index 2", lambda f: new(l3_decap("gtpu")(f))))
    return acts


def rss_types(stack, kinds):
    """Words of testpmd for what of the outermost headers is hashed; None: nothing."""
    l3 = next((k for k in kinds if k in ("ipv4", "ipv6")), None)
    if l3 is None:
        return None
    if stack.endswith("_fragment"):
        return f"{l3}-frag"
    l4 = kinds[kinds.index(l3) + 1:][:1]
    return l3 + (f"-{l4[0]}" if l4 and l4[0] in ("udp", "tcp", "sctp") else "")


def rss_queue(frame):
    """Where Toeplitz sends it: four queues in reverse order."""
    l3 = next(k for k in frame.kinds() if k in ("ipv4", "ipv6"))
    size = 4 if l3 == "ipv4" else 16
    data = b"".join(frame[l3][end].to_bytes(size, "big") for end in ("src", "dst"))
    behind = frame.kinds()[frame.kinds().index(l3) + 1:][:1]
    if behind and behind[0] in ("udp", "tcp", "sctp"):
        data += b"".join(frame[behind[0]][end].to_bytes(2, "big") for end in ("src", "dst"))
    return 3 - toeplitz(KEY, data) % 4


def fates(stack, kinds, number):
    queue = number % 3 + 1
    acts = [
        Act("queue", f"queue index {queue}", queue=queue, fate=True),
        Act("drop", "drop", lambda f: None, fate=True),
        Act("mark", f"mark id {number + 1} / queue index {queue}", queue=queue, mark=number + 1, fate=True),
        Act("jump", "jump group {group}", jump="from", queue=queue, fate=True),
        Act("jumped", f"queue index {queue}", jump="to", queue=queue, fate=True),
    ]
    types = rss_types(stack, kinds)
    if types is not None:
        acts.append(Act("rss", f"rss key {KEY.hex()} key_len 40 types {types} end queues 3 2 1 0 end", rss=True, fate=True))
    return acts


# ---- cases ------------------------------------------------------------------------------------------------------------

class Case:
    def __init__(self, number, stack, field, act, form="is"):
        self.number, self.stack, self.field, self.act, self.form = number, stack, field, act, form
        self.rules, self.id, self.second = [], None, None

    def __str__(self):
        where = f"{self.field[1]}.{self.field[2]}" + ("(inner)" if self.field[0] > 3 else "") if self.field else "all"
        return f"{self.stack} {where} {self.form} {self.act.name}"


def fields_of(kinds):
    """(index of the header, kind, field), each once; of a header that is there twice, both."""
    return [(i, kind, field) for i, kind in enumerate(kinds) for field in FIELDS[kind]]


def tag_field(field):
    """The MAC address that carries the case's number: the other one, where one is looked at."""
    return "dst" if field and field[0] == 0 and field[2] == "src" else "src"


def frame_of(case, payload):
    frame = Frame(*copy.deepcopy(STACKS[case.stack]), payload=payload).link()
    frame[0][tag_field(case.field)] = TAG + case.number
    return frame


def other(kind, field, value):
    """A value that differs in one bit."""
    flip = {("eth", "type"): 0x0040, ("vlan", "inner_type"): 0x0040, ("ipv4", "fragment_offset"): 0x4000,
            ("geneve", "protocol"): 0x0040, ("gre", "protocol"): 0x0040, ("frag6", "frag_data"): 0x0100}
    return value ^ flip.get((kind, field), 1 << bits(kind, field) // 2)


def words_of(case, frame):
    """The pattern: all headers, the tag, and the one field."""
    items = []
    for i, (kind, fields) in enumerate(frame.headers):
        words = [ITEMS[kind]]
        if i == 0:
            tag = tag_field(case.field)
            words.append(f"{tag} is {mac_text(fields[tag])}")
        if case.field and case.field[0] == i:
            name = case.field[2]
            value = fields[name]
            if case.form == "is":
                words.append(f"{name} is {text(kind, name, value)}")
            elif case.form == "mask":
                # Only the upper bits, and bits of the spec outside of the mask.
                mask = (1 << bits(kind, name)) - (1 << bits(kind, name) // 2)
                words.append(f"{name} spec {text(kind, name, value ^ 1)} {name} mask {text(kind, name, mask)}")
            else:
                full = (1 << bits(kind, name)) - 1
                words.append(f"{name} spec {text(kind, name, value - 1)} {name} last {text(kind, name, value + 1)} "
                             f"{name} mask {text(kind, name, full)}")
        items.append(" ".join(words))
    return " / ".join(items)


def is_tunnel(stack):
    """Has two levels of headers."""
    kinds = Frame(*STACKS[stack]).kinds()
    return kinds.count("ipv4") + kinds.count("ipv6") > 1


def selects(kinds, field):
    """Says which header is next: with another value the frame is of another stack."""
    index, kind, name = field
    return index + 1 < len(kinds) and (
        name in ("type", "inner_type", "proto", "protocol", "next_hdr", "fragment_offset", "frag_data") or
        (kind, name) in (("udp", "dst"), ("gtpu", "msg_type")))


def make_cases(domain):
    cases, number = [], itertools.count(1)

    def add(*what, **more):
        cases.append(Case(next(number), *what, **more))

    for stack, headers in STACKS.items():
        kinds = Frame(*headers).kinds()
        changes = itertools.cycle(modifications(kinds))
        for field in fields_of(kinds):
            if domain == "ingress":
                for act in fates(stack, kinds, len(cases) + 1):
                    add(stack, field, act)
            else:
                add(stack, field, Act("drop", "drop", lambda f: None, fate=True))
            add(stack, field, next(changes))
            for act in itertools.islice(itertools.cycle(shapes(kinds)), len(cases) % 7, len(cases) % 7 + 1):
                add(stack, field, act)
            if domain == "ingress" and not selects(kinds, field):
                add(stack, field, Act("count", ""), form="mask")
                kind, name = field[1:]
                if (kind, name) not in MACS | IP6S and bits(kind, name) > 3 and \
                        0 < frame_value(headers, field) < (1 << bits(kind, name)) - 2:
                    add(stack, field, Act("count", ""), form="range")
        for act in modifications(kinds) + shapes(kinds):
            add(stack, None, act)
    return cases


def frame_value(headers, field):
    return Frame(*headers, payload=b"").link()[field[0]].get(field[2]) or 0


class Shot:
    """A frame that goes in: what of it comes out, and where it was seen."""

    def __init__(self, case, hit, frame):
        self.case, self.hit, self.sent = case, hit, frame
        self.expected = frame if not hit else case.act.change(frame.copy())
        self.queue, self.mark = 0, None
        if hit:
            self.queue, self.mark = case.act.queue or 0, case.act.mark
            if case.act.rss:
                self.queue = rss_queue(frame)


def shots_of(cases):
    """Frames of all cases; each ends with its own number."""
    shots = []
    for case in cases:
        def frame():
            number = len(shots)
            return frame_of(case, bytes(range(40)) + number.to_bytes(8, "big"))
        shots.append(Shot(case, True, frame()))
        if case.field:
            index, kind, name = case.field
            differs = frame()
            value = differs[index][name]
            differs[index][name] = other(kind, name, value)
            if case.form == "mask":
                # One that differs outside of the mask, and one within.
                outside = frame()
                outside[index][name] = value ^ 1
                if bits(kind, name) > 1:
                    shots.append(Shot(case, True, outside))
                differs = frame()
                differs[index][name] = value ^ 1 << bits(kind, name) - 1
            elif case.form == "range":
                for value, hit in ((value - 1, True), (value + 1, True), (value + 2, False)):
                    edge = frame()
                    edge[index][name] = value
                    shots.append(Shot(case, hit, edge))
                differs = frame()
                differs[index][name] = value - 4 if value >= 4 else value + 4
            shots.append(Shot(case, False, differs))
    return shots


# ---- the run ----------------------------------------------------------------------------------------------------------

def rules_of(case, domain):
    """Commands that make its rules; the first is the one that is counted."""
    frame = frame_of(case, b"")
    pattern = words_of(case, frame)
    tag = f"eth {tag_field(case.field)} is {mac_text(TAG + case.number)}"
    actions = " / ".join(part for part in ("count", case.act.words) if part)
    make = f"flow create 0 {domain}"
    if case.act.jump == "from":
        group = 1 + case.number % 5
        return [f"{make} pattern {pattern} / end actions count / jump group {group} / end",
                f"{make} group {group} pattern {tag} / end actions count / queue index {case.act.queue} / end"]
    if case.act.jump == "to":
        group = 11 + case.number % 5
        return [f"{make} group {group} pattern {pattern} / end actions {actions} / end",
                f"{make} pattern {tag} / end actions count / jump group {group} / end"]
    return [f"{make} pattern {pattern} / end actions {actions} / end"]


def load(t, path, lines, seconds):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)
    return t.ask(f"load {path}", seconds)


def make_rules(t, where, cases, domain):
    """All rules, at once; the commands that testpmd or the driver refused, each with the reason."""
    commands = [(case, command) for case in cases for command in rules_of(case, domain)]
    for _, command in commands:
        assert len(command) < 512, command
    out = load(t, f"{where}/create", [command for _, command in commands], 240)
    answers = re.findall(r"Flow rule #(\d+) created|(Caught PMD error[^\n]*)", out)
    if len(answers) != len(commands):
        # A file's commands that testpmd does not understand are passed over in silence.
        for case, command in commands:
            answer = t.ask(command.replace("flow create", "flow validate"))
            if "Bad arguments" in answer:
                raise RuntimeError(f"{case}: testpmd does not know: {command}")
        raise RuntimeError(f"{len(commands)} rules, {len(answers)} answers")
    refused = []
    for (case, command), (rule, error) in zip(commands, answers):
        if error:
            refused.append(f"{case}: {command}: {error}")
        else:
            case.rules.append(int(rule))
    return refused


def check_counts(t, where, cases, shots):
    wrong = []
    asked = [(case, rule) for case in cases for rule in case.rules]
    out = load(t, f"{where}/query", [f"flow query 0 {rule} count" for _, rule in asked], 120)
    counts = [(int(h), int(b)) for h, b in re.findall(r" hits: (\d+)\n bytes: (\d+)", out)]
    if len(counts) != len(asked):
        return [f"{len(asked)} queries, {len(counts)} answers"]
    hits, every = {}, {}
    for shot in shots:
        for where_, counted in ((hits, shot.hit), (every, True)):
            n, size = where_.get(shot.case, (0, 0))
            if counted:
                where_[shot.case] = (n + 1, size + len(shot.sent.bytes()))
    for (case, rule), got in zip(asked, counts):
        # The rule in front of a jump to the one that is tested is for both.
        want = every if case.act.jump == "to" and rule != case.rules[0] else hits
        if got != want[case]:
            wrong.append(f"{case}: rule {rule} counted {got}, not {want[case]}")
    return wrong


SEEN = re.compile(r"port 0/queue (\d+): received|src=[0-9A-F:]{17} - dst=.*")


def seen_frames(out):
    """(queue, mark) of every frame in the order of arrival: what testpmd printed."""
    queue, frames = None, []
    for match in SEEN.finditer(out):
        if match.group(1) is not None:
            queue = int(match.group(1))
        else:
            mark = re.search(r"FDIR matched ID=0x([0-9a-f]+)", match.group(0))
            frames.append((queue, int(mark.group(1), 16) if mark else None))
    return frames


def free_id(expected, got):
    """Identifications that the card chose: the outer header's, where the rule leaves it open."""
    for header in expected.headers:
        if header[0] == "ipv4" and header[1]["packet_id"] is None:
            header[1]["packet_id"] = int.from_bytes(got[18:20], "big")


def check_frames(shots, came, seen):
    wrong = []
    if seen is not None and len(seen) != len(came):
        wrong.append(f"{len(seen)} frames were seen, {len(came)} left")
        seen = None
    got = {}
    for i, data in enumerate(came):
        if int.from_bytes(data[6:12], "big") in (FIRST, LAST):
            continue
        number = int.from_bytes(data[-8:], "big")
        if number >= len(shots) or number in got:
            wrong.append(f"a frame that nobody sent, or twice: {data.hex()}")
        else:
            got[number] = (data, seen[i] if seen else None)
    for number, shot in enumerate(shots):
        data, at = got.get(number, (None, None))
        what = f"{shot.case} ({'matches' if shot.hit else 'differs'})"
        if (shot.expected is None) != (data is None):
            wrong.append(f"{what}: {'did not leave' if data is None else 'left'}")
            continue
        if data is None:
            continue
        free_id(shot.expected, data)
        if shot.expected.bytes() != data:
            wrong.append(f"{what}:\n  sent     {shot.sent.bytes().hex()}\n  expected {shot.expected.bytes().hex()}\n"
                         f"  left     {data.hex()}")
        if at is not None and at != (shot.queue, shot.mark):
            wrong.append(f"{what}: queue and mark {at}, not {(shot.queue, shot.mark)}")
    return wrong


def write_capture(path, shots):
    """The first frame says that the wire is open, and the last that all are in; in between testpmd has a second to be silent."""
    def mark(mac):
        return Frame(("eth", {"src": mac}), payload=bytes(50)).link().bytes()

    frames = [(1000000 + 10 * i, shot.sent.bytes()) for i, shot in enumerate(shots)]
    write_pcap(path, [(0, mark(FIRST)), *frames, (2000000 + 10 * len(shots), mark(LAST))])


def run(where, options):
    domain = options.domain
    cases = [case for case in make_cases(domain) if options.only in str(case) and
             options.stacks in ("all", "tunnels" if is_tunnel(case.stack) else "plain")]
    shots = shots_of(cases)
    write_capture(f"{where}/in.pcap", shots)
    wire = f"pcap:rx={where}/in.pcap;tx={where}/out.pcap;rate=own"
    queues = [f"--rxq={QUEUES}", f"--txq={QUEUES}", "--disable-rss"]
    with testpmd.Testpmd(f"net_hwsim0,wire={wire}", options=queues) as t:
        for line in SETUP + ["set verbose 1"]:
            answer = t.ask(line)
            assert "Bad" not in answer, (line, answer)
        wrong = make_rules(t, where, cases, domain)
        begin = len(t.log)
        t.send("start")
        t.until(mac_text(LAST).upper(), 60)
        seen = t.log[begin:]
        t.ask("stop")
        wrong += check_counts(t, where, cases, shots)
        if t.quit() != 0:
            wrong.append("testpmd did not end well")
    came = read_pcap(f"{where}/out.pcap")
    wrong += check_frames(shots, came, seen_frames(seen) if domain == "ingress" else None)
    stacks = len({case.stack for case in cases})
    fields = len({(case.stack, case.field) for case in cases if case.field})
    acts = len({case.act.name for case in cases})
    print(f"{domain}: {len(cases)} cases ({stacks} stacks, {fields} fields of them, {acts} actions), {len(shots)} frames, "
          f"{len(wrong)} wrong")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domain", choices=["ingress", "egress"], default="ingress")
    parser.add_argument("--stacks", choices=["all", "plain", "tunnels"], default="all")
    parser.add_argument("--only", default="", help="cases whose name has this")
    options = parser.parse_args()
    testpmd.require()
    with testpmd.scratch() as where:
        wrong = run(where, options)
    for line in wrong[:40]:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
