# SPDX-License-Identifier: BSD-3-Clause
"""Actions of rules as testpmd has them, and what becomes of a frame: of hwsim_matrix.py."""

import copy

from frames import Frame, toeplitz

KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


def ip4_text(value):
    return ".".join(str(byte) for byte in value.to_bytes(4, "big"))


def ip6_text(value):
    return ":".join(f"{value >> shift & 0xffff:x}" for shift in range(112, -1, -16))


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


def modify_part(dst, whole, width, offset, value, change):
    """Some bits of a field: the immediate value is laid out as the whole field is."""
    words = (f"modify_field op set dst_type {dst} dst_level 0 dst_offset {offset} src_type value "
             f"src_value {(value << offset).to_bytes(whole // 8, 'big').hex()} width {width}")
    return Act(f"modify_{dst}_part", words, change)


def modifications(kinds):
    """What can be written in frames of this stack: the outermost headers, and the inner ones of tunnels."""
    acts = [
        Act("set_mac_dst", "set_mac_dst mac_addr 02:dd:00:00:00:07", put("eth", dst=0x02dd00000007)),
        Act("set_mac_src", "set_mac_src mac_addr 02:dd:00:00:00:08", put("eth", src=0x02dd00000008)),
        Act("mac_swap", "mac_swap", swap_macs),
        modify("mac_dst", 48, 0x02dd00000009, put("eth", dst=0x02dd00000009)),
        modify("mac_src", 48, 0x02dd0000000a, put("eth", src=0x02dd0000000a)),
        modify_part("mac_dst", 48, 16, 16, 0xabcd, put("eth", dst=lambda v: v & ~0xffff0000 | 0xabcd0000)),
        modify("mac_type", 16, 0x88b6, put("eth", type=0x88b6)),
    ]
    if "vlan" in kinds:
        acts += [
            Act("of_set_vlan_vid", "of_set_vlan_vid vlan_vid 2748", put("vlan", vid=2748)),
            Act("of_set_vlan_pcp", "of_set_vlan_pcp vlan_pcp 6", put("vlan", pcp=6)),
            modify("vlan_id", 12, 0x777, put("vlan", vid=0x777)),
            modify("vlan_type", 16, 0x9100, put("eth", type=0x9100)),
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
            modify_part("ipv4_src", 32, 13, 9, 0x0abc, put("ipv4", src=lambda v: v & ~(0x1fff << 9) | 0x0abc << 9)),
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
            modify_part("ipv6_dst", 128, 32, 40, 0xa1b2c3d4,
                        put("ipv6", dst=lambda v: v & ~(0xffffffff << 40) | 0xa1b2c3d4 << 40)),
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
            modify("tcp_flags", 9, 0x12, put("tcp", flags=0x12)),
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
        Act("jump", "", jump="from", queue=queue, fate=True),
        Act("jumped", "", jump="to", queue=queue, fate=True),
    ]
    types = rss_types(stack, kinds)
    if types is not None:
        acts.append(Act("rss", f"rss key {KEY.hex()} key_len 40 types {types} end queues 3 2 1 0 end", rss=True, fate=True))
    return acts
