# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames, header by header: what the tests of net_hwsim send, and what they expect to come out.

Written from the RFCs, and shares nothing with the driver: it is what the driver is held against.

A frame is a list of headers, each a kind and its fields, and a payload. What follows from the other headers (types, lengths)
is filled in by link(), once; sums are made whenever the frame is turned into bytes.
"""

import copy
import struct

SPEC = {
    "eth": [("dst", 48), ("src", 48), ("type", 16)],
    "vlan": [("pcp", 3), ("dei", 1), ("vid", 12), ("inner_type", 16)],
    "arp": [("hrd", 16), ("pro", 16), ("hln", 8), ("pln", 8), ("op", 16), ("sha", 48), ("spa", 32), ("tha", 48),
            ("tpa", 32)],
    "ipv4": [("version_ihl", 8), ("tos", 8), ("length", 16), ("packet_id", 16), ("fragment_offset", 16), ("ttl", 8),
             ("proto", 8), ("sum", 16), ("src", 32), ("dst", 32)],
    "ipv6": [("version", 4), ("tc", 8), ("flow", 20), ("length", 16), ("proto", 8), ("hop", 8), ("src", 128),
             ("dst", 128)],
    "frag6": [("next_hdr", 8), ("reserved", 8), ("frag_data", 16), ("id", 32)],
    "udp": [("src", 16), ("dst", 16), ("length", 16), ("sum", 16)],
    "tcp": [("src", 16), ("dst", 16), ("seq", 32), ("ack", 32), ("offset", 8), ("flags", 8), ("window", 16),
            ("sum", 16), ("urgent", 16)],
    "sctp": [("src", 16), ("dst", 16), ("tag", 32), ("sum", 32)],
    "icmp": [("type", 8), ("code", 8), ("sum", 16), ("ident", 16), ("seq", 16)],
    "icmp6": [("type", 8), ("code", 8), ("sum", 16), ("body", 32)],
    "esp": [("spi", 32), ("seq", 32)],
    "vxlan": [("flags", 8), ("rsvd0", 24), ("vni", 24), ("last_rsvd", 8)],
    "geneve": [("ver_opt", 8), ("rsvd0", 8), ("protocol", 16), ("vni", 24), ("rsvd1", 8)],
    "gtpu": [("flags", 8), ("msg_type", 8), ("length", 16), ("teid", 32)],
    "gre": [("c_rsvd0_ver", 16), ("protocol", 16)],
    "gre_key": [("value", 32)],
    "nvgre": [("c_rsvd0_ver", 16), ("protocol", 16), ("tni", 24), ("flow_id", 8)],
}

DEFAULTS = {
    "eth": {"dst": 0x020000000102, "src": 0x020000000304},
    "vlan": {"pcp": 3, "dei": 0, "vid": 0x123},
    "arp": {"hrd": 1, "pro": 0x800, "hln": 6, "pln": 4, "op": 1, "sha": 0x020000000304, "spa": 0x0a000001, "tha": 0,
            "tpa": 0x0a000002},
    "ipv4": {"version_ihl": 0x45, "tos": 0x28, "packet_id": 0x1234, "fragment_offset": 0x4000, "ttl": 61,
             "src": 0xc0000201, "dst": 0xc6336402},
    "ipv6": {"version": 6, "tc": 0x48, "flow": 0x12345, "hop": 59,
             "src": 0x20010db8000000000000000000000001, "dst": 0x20010db8000100000000000000000002},
    "frag6": {"reserved": 0, "frag_data": 0x0001, "id": 0x00abcdef},
    "udp": {"src": 1234, "dst": 5678},
    "tcp": {"src": 1234, "dst": 5678, "seq": 0x01020304, "ack": 0x05060708, "offset": 0x50, "flags": 0x18,
            "window": 0x2000, "urgent": 0},
    "sctp": {"src": 1234, "dst": 5678, "tag": 0x11223344},
    "icmp": {"type": 8, "code": 0, "ident": 0x55aa, "seq": 7},
    "icmp6": {"type": 128, "code": 0, "body": 0x55aa0007},
    "esp": {"spi": 0x1000, "seq": 9},
    "vxlan": {"flags": 8, "rsvd0": 0, "vni": 0x010203, "last_rsvd": 0},
    "geneve": {"ver_opt": 0, "rsvd0": 0, "vni": 0x010203, "rsvd1": 0},
    "gtpu": {"flags": 0x30, "msg_type": 0xff, "teid": 0x01020304},
    "gre": {"c_rsvd0_ver": 0},
    "gre_key": {"value": 0x0a0b0c0d},
    "nvgre": {"c_rsvd0_ver": 0x2000, "protocol": 0x6558, "tni": 0x010203, "flow_id": 0},
}

ETHERTYPE = {"vlan": 0x8100, "ipv4": 0x0800, "ipv6": 0x86dd, "arp": 0x0806, "eth": 0x6558, None: 0x88b5}
PROTO = {"udp": 17, "tcp": 6, "sctp": 132, "icmp": 1, "icmp6": 58, "gre": 47, "nvgre": 47, "esp": 50, "frag6": 44,
         "ipv4": 4, "ipv6": 41, None: 253}
PORT = {"vxlan": 4789, "geneve": 6081, "gtpu": 2152}


def size(kind):
    return sum(bits for _, bits in SPEC[kind]) // 8


def bits(kind, field):
    return dict(SPEC[kind])[field]


def internet_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)
    return table


CRC = _crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC[(crc ^ byte) & 0xff] ^ crc >> 8
    return struct.unpack(">I", struct.pack("<I", crc ^ 0xffffffff))[0]


def toeplitz(key, data):
    """RFC-less, but the same in every data sheet: for each bit of the input that is set, 32 bits of the key from there."""
    wide, result = int.from_bytes(key, "big"), 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            result ^= wide >> (len(key) * 8 - 32 - i) & 0xffffffff
    return result


class Frame:
    def __init__(self, *headers, payload=b""):
        """headers: names, or (name, fields)."""
        self.headers = []
        for header in headers:
            kind, fields = (header, {}) if isinstance(header, str) else header
            self.headers.append((kind, {**DEFAULTS[kind], **fields}))
        self.payload = payload

    def copy(self):
        return copy.deepcopy(self)

    def kinds(self):
        return [kind for kind, _ in self.headers]

    def at(self, kind, nth=0):
        """Index of the nth header of a kind."""
        return [i for i, k in enumerate(self.kinds()) if k == kind][nth]

    def __getitem__(self, kind):
        """The fields of the outermost header of this kind, or of the one at an index."""
        return self.headers[self.at(kind) if isinstance(kind, str) else kind][1]

    def link(self):
        """Fills in what the other headers say, where it is not given."""
        kinds = self.kinds() + [None]
        behind = len(self.payload)
        for i in reversed(range(len(self.headers))):
            kind, f = self.headers[i]
            nxt = kinds[i + 1]
            if kind == "gre" and nxt == "gre_key":
                nxt = kinds[i + 2]
                f["c_rsvd0_ver"] |= 0x2000
            if kind in ("eth", "gre", "geneve", "vlan"):
                f.setdefault({"eth": "type", "vlan": "inner_type"}.get(kind, "protocol"), ETHERTYPE.get(nxt, 0))
            elif kind == "ipv4":
                f.setdefault("proto", PROTO.get(nxt))
                f.setdefault("length", 20 + behind)
            elif kind == "ipv6":
                f.setdefault("proto", PROTO.get(nxt))
                f.setdefault("length", behind)
            elif kind == "frag6":
                f.setdefault("next_hdr", PROTO.get(nxt))
            elif kind == "udp":
                f.setdefault("length", 8 + behind)
                if nxt in PORT:
                    f["dst"] = PORT[nxt]
            elif kind == "gtpu":
                f.setdefault("length", behind)
            behind += size(kind)
        return self

    def relink(self):
        """Lengths again, after headers have come or gone."""
        for kind, f in self.headers:
            if kind in ("ipv4", "ipv6", "udp", "gtpu"):
                f.pop("length", None)
        return self.link()

    def _pseudo(self, i, proto, length):
        for kind, f in reversed(self.headers[:i]):
            if kind == "ipv4":
                return f["src"].to_bytes(4, "big") + f["dst"].to_bytes(4, "big") + struct.pack(">BBH", 0, proto, length)
            if kind == "ipv6":
                return (f["src"].to_bytes(16, "big") + f["dst"].to_bytes(16, "big") +
                        struct.pack(">II", length, proto))
        return b""

    def _sum(self, i, header, body):
        kind, f = self.headers[i]
        if kind == "ipv4":
            return internet_sum(header)
        if kind == "icmp":
            return internet_sum(header + body)
        if kind == "sctp":
            return crc32c(header + body)
        if kind == "udp" and f.get("nosum"):
            return 0
        value = internet_sum(self._pseudo(i, PROTO[kind], len(header + body)) + header + body)
        return 0xffff if kind == "udp" and value == 0 else value

    def bytes(self):
        body = self.payload
        for i in reversed(range(len(self.headers))):
            kind, f = self.headers[i]
            summed = dict(SPEC[kind]).get("sum")
            header = pack(kind, {**f, "sum": 0})
            if summed:
                header = pack(kind, {**f, "sum": self._sum(i, header, body)})
            body = header + body
        return body


def pack(kind, fields):
    number = 0
    for name, width in SPEC[kind]:
        number = number << width | (fields[name] & (1 << width) - 1)
    return number.to_bytes(size(kind), "big")


def write_pcap(path, frames):
    """frames: (microseconds, bytes)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for us, data in frames:
            out.write(struct.pack("<IIII", us // 1000000, us % 1000000, len(data), len(data)) + data)


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack("<I", data[at + 8:at + 12])[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def mac_text(value):
    return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))
