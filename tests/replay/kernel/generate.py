#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make random scenarios for connection tracking: captures that record.py sends through a Linux router.

usage: generate.py --to DIRECTORY [--family NAME ...] [--seeds FIRST-LAST] [--connections N]

Writes FAMILY-SEED.pcapng, the same bytes for the same family and seed. Nothing here is sane traffic: numbers are taken
from the edges of what was sent before, since that is where trackers differ. Each connection has a pair of hosts of its
own, or nearly so; time between packets is microseconds, so that no timeout matters.
"""

import argparse
import pathlib
import random
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
MASK = 0xffffffff
STEP = 10_000  # ns between packets
VIP, BACKEND = bytes([12, 0, 99, 99]), bytes([12, 0, 0, 80])


# ---- packets ------------------------------------------------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ip4(src, dst, protocol, payload, ttl=64, options=b"", fragment=0):
    header = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 0, fragment, ttl,
                         protocol, 0) + src + dst + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ip6(src, dst, protocol, payload, ttl=64):
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + src + dst + payload


def ip(src, dst, protocol, payload, **more):
    return (ip4 if len(src) == 4 else ip6)(src, dst, protocol, payload, **more)


def pseudo(src, dst, protocol, length):
    if len(src) == 4:
        return src + dst + struct.pack(">BBH", 0, protocol, length)
    return src + dst + struct.pack(">II", length, protocol)


def tcp(src, dst, ports, seq, ack, flags, win=8192, options=b"", payload=b"", urgent=0):
    options += b"\0" * (-len(options) % 4)
    segment = struct.pack(">HHIIBBHHH", *ports, seq & MASK, ack & MASK, (5 + len(options) // 4) << 4, flags, win, 0,
                          urgent) + options + payload
    total = checksum(pseudo(src, dst, 6, len(segment)) + segment)
    return ip(src, dst, 6, segment[:16] + struct.pack(">H", total) + segment[18:])


def udp(src, dst, ports, payload=b"", protocol=17, length=None, with_sum=True):
    length = 8 + len(payload) if length is None else length
    datagram = struct.pack(">HHHH", *ports, length, 0) + payload
    total = checksum(pseudo(src, dst, protocol, len(datagram)) + datagram) or 0xffff
    return ip(src, dst, protocol, datagram[:6] + struct.pack(">H", total if with_sum else 0) + datagram[8:])


def icmp(src, dst, kind, code, rest=b"\0\0\0\0", payload=b"", **more):
    message = struct.pack(">BBH", kind, code, 0) + rest + payload
    protocol = 1 if len(src) == 4 else 58
    total = checksum((b"" if protocol == 1 else pseudo(src, dst, 58, len(message))) + message)
    return ip(src, dst, protocol, message[:2] + struct.pack(">H", total) + message[4:], **more)


# ---- a capture ----------------------------------------------------------------------------------------------------

class Capture:
    def __init__(self, rng):
        self.rng, self.packets = rng, []
        self.hosts = 0

    def add(self, packet):
        """It comes in on the side where its destination is not."""
        server = packet[16] == 12 if packet[0] >> 4 == 4 else packet[29] == 0x12
        self.packets.append((0 if server else 1, packet))

    def pair(self, v6=False):
        """Addresses of a client and a server that nobody used yet."""
        self.hosts += 1
        host = struct.pack(">I", self.hosts << 8 | self.rng.randrange(1, 255))[1:]
        if v6:
            return [bytes.fromhex(f"20010db800{side}") + b"\0" * 7 + host for side in ("11", "12")]
        return [bytes([11]) + host, bytes([12]) + host]

    def write(self, path):
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            size = struct.pack("<I", len(body) + 12)
            return struct.pack("<I", kind) + size + body + size

        def option(code, value):
            return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)

        with open(path, "wb") as out:
            out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
            for name in (b"client", b"server"):
                out.write(block(1, struct.pack("<HHI", 1, 0, 65535) + option(2, name) + option(9, b"\x09")
                                + option(0, b"")))
            now = 1_800_000_000 * 10**9
            for face, packet in self.packets:
                now += STEP
                kind = b"\x86\xdd" if packet[0] >> 4 == 6 and len(packet) >= 40 else b"\x08\x00"
                mac = bytes([2, 0, 0, 0, 10 + face, 1, 2, 0, 0, 0, 10 + face, 0])
                frame = mac + kind + packet
                out.write(block(6, struct.pack("<IIIII", face, now >> 32, now & MASK, len(frame), len(frame)) + frame))


# ---- TCP ----------------------------------------------------------------------------------------------------------

class Side:
    """What one host has sent, as far as it looked sane."""

    def __init__(self, rng):
        self.isn = rng.choice([0, 1, MASK, MASK - 1, 1 << 31, (1 << 31) - 1, rng.randrange(1 << 32), MASK - 100])
        self.next = self.isn
        self.acked = 0  # highest ACK it sent
        self.win, self.scale, self.maxwin = 8192, 0, 1
        self.limit = self.isn
        self.recent = [self.isn]


class Connection:
    """Two hosts that mean a connection, and a third that knows its numbers and sends what it likes."""

    def __init__(self, capture, hosts=None, ports=None, v6=False):
        rng = capture.rng
        self.capture, self.rng = capture, rng
        # Whoever opens is not always behind `client`.
        self.hosts = hosts or capture.pair(v6)[::rng.choice([1, 1, -1])]
        self.ports = ports or (rng.randrange(1024, 65536), rng.choice([22, 80, 443, 8080]))
        self.side = [Side(rng), Side(rng)]
        self.arrives = None  # for translated connections: (host, port) that the second side sends from

    def emit(self, d, seq, ack, flags, win=None, options=b"", payload=b"", urgent=0):
        """Side d sends; the addresses of a translated connection depend on the direction."""
        src, dst = (self.hosts[0], self.hosts[1]) if d == 0 else (self.hosts[1], self.hosts[0])
        ports = self.ports if d == 0 else self.ports[::-1]
        if self.arrives and d == 1:
            src, ports = self.arrives[0], (self.arrives[1], self.ports[0])
        side, other = self.side[d], self.side[1 - d]
        win = side.win if win is None else win
        self.capture.add(tcp(src, dst, ports, seq, ack, flags, win, options, payload, urgent))
        end = seq + len(payload) + bool(flags & SYN) + bool(flags & FIN) & MASK
        side.recent = (side.recent + [seq & MASK, end])[-8:]
        if flags & ACK:
            other.recent = (other.recent + [ack & MASK])[-8:]
        return end

    def learn(self, d, end, ack, flags, win):
        """Only for segments that a host would send itself."""
        side, other = self.side[d], self.side[1 - d]
        side.next = end
        scaled = win if flags & SYN else win << side.scale
        side.maxwin = max(side.maxwin, scaled, 1)
        if flags & ACK:
            side.acked = ack & MASK
            other.limit = ack + scaled & MASK

    def sane(self, d, flags, payload=b"", options=b"", win=None):
        side, other = self.side[d], self.side[1 - d]
        win = side.win if win is None else win
        ack = other.next if flags & ACK else 0
        end = self.emit(d, side.next, ack, flags, win, options, payload)
        self.learn(d, end, ack, flags, win)

    # -- options --

    def syn_options(self, d):
        rng, side = self.rng, self.side[d]
        options, side.scale = b"", 0
        if rng.random() < 0.25:
            return options
        if rng.random() < 0.8:
            options += b"\x02\x04\x05\xb4"
        if rng.random() < 0.6:
            options += b"\x04\x02"
        if rng.random() < 0.6:
            shift = rng.choice([0, 1, 2, 7, 8, 13, 14, 15, 255])
            side.scale = min(shift, 14)
            options += b"\x01\x03\x03" + bytes([shift])
        if rng.random() < 0.2:
            options += rng.choice([b"\x08\x0a" + bytes(8), b"\x05\x02", b"\x03\x02", b"\x03\x04\x01\x01", b"\x04\x03\x00", b"\xfe\x00",
                                   b"\x00\x03\x03\x05", b"\x04", b"\x03", b"\x1e\xff", b"\x03\x03\x02\x03\x03\x05"])
        return options[:40]

    def options(self, d):
        rng, other = self.rng, self.side[1 - d]
        kind = rng.random()
        if kind < 0.6:
            return b""
        if kind < 0.7:
            return b"\x01\x01\x08\x0a" + bytes(8)
        if kind < 0.75:
            return self.syn_options(d)

        def number():
            return (rng.choice(other.recent + [other.next, other.limit])
                    + rng.choice([0, 0, 1, -1, 10, 1000, 70000, 1 << 31])) & MASK

        def sack():
            blocks = b"".join(struct.pack(">II", number(), number()) for _ in range(rng.randrange(0, 4)))
            size = 2 + len(blocks) + rng.choice([0] * 8 + [1, -1, 8])
            return bytes([5, max(size, 0)]) + blocks

        options = rng.choice([b"", b"\x01\x01", b"\x01", b"\x08\x0a" + bytes(8), b"\x01\x01\x08\x0a" + bytes(8)]) + sack()
        if rng.random() < 0.2:
            options += sack()
        if rng.random() < 0.05:
            options = bytes([rng.choice([1, 0, 5, 3, 4, 8])]) + options
        return options[:40]

    # -- openings --

    def open(self):
        rng = self.rng
        kind = rng.choice(["full"] * 8 + ["syn", "synack", "pickup", "pickup2", "simultaneous", "bare", "stray"])
        for side in self.side:
            side.win = rng.choice([0, 1, 2, 10, 512, 1000, 8192, 65535, 65535])
        if kind in ("full", "syn", "synack"):
            self.sane(0, SYN, options=self.syn_options(0))
            if kind != "syn":
                self.sane(1, SYN | ACK, options=self.syn_options(1))
                if not self.both_scale():
                    self.side[0].scale = self.side[1].scale = 0
            if kind == "full":
                self.sane(0, ACK | rng.choice([0, PSH]), payload=bytes(rng.choice([0, 0, 1, 100])))
        elif kind in ("pickup", "pickup2"):
            self.side[0].acked = self.side[1].next
            self.sane(0, ACK | rng.choice([0, PSH, URG, FIN]), payload=bytes(rng.choice([0, 0, 1, 100])))
            if kind == "pickup2":
                self.sane(1, ACK, payload=bytes(rng.choice([0, 0, 1, 100])))
        elif kind == "simultaneous":
            self.sane(0, SYN, options=self.syn_options(0))
            self.side[1].recent.append(self.side[1].next)
            self.sane(1, SYN, options=self.syn_options(1))
            for d in rng.choice([(0, 1), (1, 0), (1,), (0,), ()]):
                self.emit(d, self.side[d].next - 1, self.side[1 - d].next, rng.choice([SYN | ACK, SYN | ACK, ACK]))
        elif kind == "stray":
            self.emit(0, self.side[0].next, self.side[1].next, rng.choice([RST, RST | ACK, FIN | ACK, SYN | ACK, ACK, URG | ACK]))

    def both_scale(self):
        return self.side[0].scale and self.side[1].scale

    # -- odd segments --

    def odd_seq(self, d):
        rng, side, other = self.rng, self.side[d], self.side[1 - d]
        base = rng.choice([side.next] * 4 + [side.limit, side.limit, side.next - other.maxwin, other.acked, other.acked, 0,
                                             side.isn, rng.randrange(1 << 32)] + side.recent)
        return (base + rng.choice([0] * 10 + [1, -1, 2, -2, 10, -10, 100, 1460, 66000, -66000, 1 << 20, 1 << 31])) & MASK

    def odd_ack(self, d):
        rng, side, other = self.rng, self.side[d], self.side[1 - d]
        base = rng.choice([other.next] * 6 + [other.next - max(side.maxwin, 66000), side.acked, 0, rng.randrange(1 << 32)]
                          + other.recent)
        return (base + rng.choice([0] * 12 + [1, -1, 2, -2, 10, -100, -66000, 1 << 31])) & MASK

    def odd_flags(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.9:
            return rng.choice([ACK] * 6 + [ACK | PSH, SYN, SYN, SYN | ACK, RST, RST | ACK, RST | ACK, RST, FIN | ACK, FIN | ACK,
                                           ACK | URG, FIN | ACK | PSH | URG, SYN | URG])
        if kind < 0.95:
            return rng.choice([SYN, SYN | ACK, ACK, RST, FIN | ACK]) | rng.choice([PSH, ECE, CWR, ECE | CWR])
        return rng.randrange(256)

    def odd(self, d, flags=None):
        rng = self.rng
        flags = self.odd_flags() if flags is None else flags
        seq = self.odd_seq(d) if rng.random() < 0.6 else self.side[d].next
        ack = self.odd_ack(d) if rng.random() < 0.6 else self.side[1 - d].next
        if not flags & ACK and rng.random() < 0.5:
            ack = 0
        payload = bytes(rng.choice([0] * 8 + [1, 2, 10, 100, 536, 1400]))
        win = rng.choice([self.side[d].win] * 4 + [0, 1, 2, 100, 8192, 65535])
        options = self.syn_options(d) if flags & SYN else self.options(d)
        end = self.emit(d, seq, ack, flags, win, options, payload, rng.choice([0, 0, 0, 1]))
        if rng.random() < 0.3:
            self.learn(d, end, ack, flags, win)

    def edge(self, d):
        """By one inside or outside of what the window allows."""
        rng, side, other = self.rng, self.side[d], self.side[1 - d]
        size = rng.choice([0, 0, 1, 10, 100])
        seq, ack = side.next, other.next
        which = rng.randrange(6)
        delta = rng.choice([-2, -1, 0, 1, 2])
        if which == 0:
            seq = side.limit + delta
        elif which == 1:
            seq = side.limit + other.maxwin - size + delta
        elif which == 2:
            seq = side.next - other.maxwin - size + delta
        elif which == 3:
            ack = other.next + delta
        elif which == 4:
            ack = other.next - max(side.maxwin, 66000) + delta
        else:
            seq = side.next - 1  # keep-alive
        end = self.emit(d, seq, ack, ACK, None, self.options(d), bytes(size))
        if rng.random() < 0.3:
            self.learn(d, end, ack, ACK, side.win)

    def data(self):
        rng = self.rng
        for _ in range(rng.randrange(1, 4)):
            d = rng.randrange(2)
            self.sane(d, ACK | rng.choice([0, PSH]), payload=bytes(rng.choice([0, 1, 10, 100])), options=self.options(d),
                      win=rng.choice([None] * 5 + [0, 1, 65535]))

    def repeat(self, d):
        """The same segment several times."""
        seq, ack, win = self.side[d].next, self.side[1 - d].next, self.rng.choice([0, 100, 8192])
        for _ in range(self.rng.randrange(2, 6)):
            self.emit(d, seq, ack, ACK, win)

    def close(self):
        rng = self.rng
        first = rng.randrange(2)
        for d, flags in ((first, FIN | ACK), (1 - first, ACK), (1 - first, FIN | ACK), (first, ACK))[:rng.randrange(1, 5)]:
            self.sane(d, flags)

    def reset(self, d):
        """A RST at, near or far from where it should be."""
        rng, side, other = self.rng, self.side[d], self.side[1 - d]
        seq = (rng.choice([other.acked] * 3 + [side.next, side.next, 0, side.limit] + side.recent)
               + rng.choice([0] * 6 + [1, -1, 2, -2, 100, 1 << 31])) & MASK
        ack = (rng.choice([other.next] * 3 + [0] + other.recent) + rng.choice([0] * 6 + [1, -1])) & MASK
        self.emit(d, seq, ack, rng.choice([RST, RST | ACK]), rng.choice([0, 0, 8192]),
                  payload=bytes(rng.choice([0] * 9 + [5])))

    def reopen(self):
        """A SYN on the same tuple, and what may answer it."""
        rng = self.rng
        d = rng.choice([0, 0, 0, 1])
        side, other = self.side[d], self.side[1 - d]
        isn = rng.choice([side.next + 1, side.next + 100000, side.next - 1, rng.randrange(1 << 32), side.isn, side.next, MASK, 0])
        options = self.syn_options(d)
        end = self.emit(d, isn, rng.choice([0, 0, 0, 5]), SYN, rng.choice([0, 1, 8192, 65535]), options)
        answer = rng.choice(["none", "synack", "synack", "synack", "challenge", "rst", "rst", "odd", "again"])
        if answer == "synack":
            new = rng.choice([rng.randrange(1 << 32), other.isn, other.next])
            other.next = self.emit(1 - d, new, end + rng.choice([0, 0, 0, 0, 1, -1]), SYN | ACK, rng.choice([0, 1, 8192]),
                                   self.syn_options(1 - d))
            side.next = end
            if rng.random() < 0.7:
                self.sane(d, ACK)
        elif answer == "challenge":
            # RFC 5961: an ACK of what the old connection knows, and the RST that it asks for.
            self.emit(1 - d, other.next, side.next, ACK)
            if rng.random() < 0.8:
                self.emit(d, side.next + rng.choice([0, 0, 0, 1, -1]), rng.choice([0, other.next]), rng.choice([RST, RST, RST | ACK]), 0)
            if rng.random() < 0.5:
                self.emit(d, isn, 0, SYN, 8192, options)
        elif answer == "rst":
            self.emit(1 - d, rng.choice([0, 0, other.next, side.acked]), end + rng.choice([0, 0, 0, 1, -1]),
                      rng.choice([RST, RST | ACK, RST | ACK]), 0)
        elif answer == "odd":
            self.odd(1 - d)
        elif answer == "again":
            self.emit(d, isn, 0, SYN, 8192, options)

    def run(self, weights, steps):
        actions = {"odd": lambda: self.odd(self.rng.randrange(2)), "edge": lambda: self.edge(self.rng.randrange(2)),
                   "data": self.data, "repeat": lambda: self.repeat(self.rng.randrange(2)), "close": self.close,
                   "reset": lambda: self.reset(self.rng.randrange(2)), "reopen": self.reopen}
        self.open()
        for action in self.rng.choices(list(weights), list(weights.values()), k=steps):
            actions[action]()


TCP_FAMILIES = {
    "tcp_life": {"data": 6, "close": 3, "reopen": 3, "reset": 1, "repeat": 1, "odd": 1},
    "tcp_reset": {"data": 3, "reset": 5, "reopen": 2, "odd": 1, "close": 1, "repeat": 1},
    "tcp_window": {"data": 3, "edge": 8, "repeat": 1, "odd": 1},
    "tcp_fuzz": {"odd": 10, "data": 2, "edge": 2, "reset": 2, "reopen": 2, "close": 1, "repeat": 1},
    "tcp_reuse": {"reopen": 8, "odd": 3, "close": 2, "reset": 2, "data": 1},
}


def tcp_family(weights):
    def family(capture, connections):
        for _ in range(connections):
            Connection(capture).run(weights, capture.rng.randrange(2, 14))
    return family


def tcp_v6(capture, connections):
    for _ in range(connections):
        Connection(capture, v6=True).run(TCP_FAMILIES["tcp_fuzz"], capture.rng.randrange(2, 10))


def nat_dnat(capture, connections):
    rng = capture.rng
    for n in range(connections):
        client = capture.pair()[0]
        if rng.random() < 0.6:
            c = Connection(capture, [client, VIP], (1024 + n, 80))
            c.arrives = (BACKEND, 8080)
            c.run(rng.choice(list(TCP_FAMILIES.values())), rng.randrange(1, 8))
        else:
            ports = (1024 + n, 53)
            capture.add(udp(client, VIP, ports, bytes(rng.randrange(30))))
            if rng.random() < 0.8:
                capture.add(udp(BACKEND, client, (5353, ports[0]), bytes(rng.randrange(30))))
        # Errors about either direction, as they would be quoted beyond the router, and as they would not.
        sent = rng.choice([udp(client, VIP, (1024 + n, 53), b"abcd"), udp(client, BACKEND, (1024 + n, 5353), b"abcd"),
                           tcp(client, BACKEND, (1024 + n, 8080), 1, 1, ACK), tcp(client, VIP, (1024 + n, 80), 1, 1, ACK)])
        answered = rng.choice([udp(VIP, client, (53, 1024 + n), b"efgh"), udp(BACKEND, client, (5353, 1024 + n), b"efgh"),
                               tcp(VIP, client, (80, 1024 + n), 1, 1, ACK), tcp(BACKEND, client, (8080, 1024 + n), 1, 1, ACK)])
        kind = rng.choice([3, 3, 11, 12, 4])
        router = bytes([12, 9, 9, 9])
        if rng.random() < 0.5:
            capture.add(icmp(rng.choice([BACKEND, router]), client, kind, rng.randrange(5), bytes(4),
                                sent[:rng.choice([28, 28, 32, 40, 200])]))
        if rng.random() < 0.5:
            capture.add(icmp(rng.choice([client, bytes([11, 9, 9, 9])]), rng.choice([VIP, BACKEND]), kind, rng.randrange(5),
                                bytes(4), answered[:rng.choice([28, 28, 32, 40, 200])]))


# ---- UDP, ICMP ----------------------------------------------------------------------------------------------------

def quoted(rng, flows):
    """A packet for an error to quote, and who had sent it."""
    src, dst, packet = rng.choice(flows)
    if rng.random() < 0.1:
        src, dst = dst, src
    cut = rng.choice([28, 28, 28, 36, len(packet), len(packet), 20, 21, 24, 27, 8, 0])
    packet = bytearray(packet)
    if packet[0] >> 4 == 4 and rng.random() < 0.1:
        at = rng.choice([0, 1, 6, 7, 8, 9, 10, 20, 24])
        packet[at % len(packet)] ^= 1 << rng.randrange(8)
    return src, dst, bytes(packet[:cut])


def udp_icmp(capture, connections, v6=False):
    rng = capture.rng
    error_types = [1, 2, 3, 4] if v6 else [3, 4, 5, 11, 12]
    queries = [128, 129, 139, 140, 127, 132, 200] if v6 else list(range(0, 20)) + [8, 8, 8, 8, 13, 15, 17, 30, 255]
    for _ in range(connections):
        a, b = capture.pair(v6)[::rng.choice([1, -1])]
        flows, sent = [], []
        ports = rng.randrange(1, 65536), rng.choice([53, 123, 5000, 0])
        ident = struct.pack(">HH", rng.randrange(65536), rng.randrange(3))
        for _ in range(rng.randrange(2, 8)):
            d = rng.randrange(2)
            src, dst = (a, b) if d == 0 else (b, a)
            kind = rng.random()
            if kind < 0.35:
                packet = udp(src, dst, ports if d == 0 else ports[::-1], bytes(rng.randrange(20)),
                             with_sum=v6 or rng.random() < 0.8)
            elif kind < 0.6:
                query = 128 if v6 else 8
                packet = icmp(src, dst, rng.choice([query, query, query + (1 if v6 else -8)] + queries), rng.choice([0, 0, 0, 1]),
                              ident, bytes(rng.randrange(12)))
            elif kind < 0.7:
                packet = ip(src, dst, rng.choice([2, 50, 89, 99, 253, 4, 41] if not v6 else [99, 253, 89, 47, 4]), bytes(rng.randrange(4, 20)))
            elif kind < 0.75:
                packet = tcp(src, dst, ports if d == 0 else ports[::-1], 1, 1, rng.choice([ACK, SYN]))
            elif flows:
                who, whom, inner = quoted(rng, flows)
                far = whom if rng.random() < 0.7 else rng.choice([a, b, whom[:-1] + b"\x09"])
                near = who if rng.random() < 0.9 else rng.choice([a, b])
                packet = icmp(far, near, rng.choice(error_types), rng.randrange(4), bytes(rng.choice([4, 4, 4, 4, 0, 2])), inner)
                capture.add(packet)
                continue
            else:
                continue
            flows.append((src, dst, packet))
            capture.add(packet)


# ---- broken packets -----------------------------------------------------------------------------------------------

def with_sums(packet, transport=True):
    """The packet with right checksums, whatever else is wrong with it."""
    packet = bytearray(packet)
    packet[10:12] = b"\0\0"
    packet[10:12] = struct.pack(">H", checksum(bytes(packet[:20])))
    at = {6: 16, 17: 6, 1: 2}.get(packet[9])
    if transport and at and len(packet) >= 20 + at + 2:
        l4 = packet[20:]
        l4[at:at + 2] = b"\0\0"
        head = b"" if packet[9] == 1 else pseudo(bytes(packet[12:16]), bytes(packet[16:20]), packet[9], len(l4))
        packet[20 + at:22 + at] = struct.pack(">H", checksum(head + bytes(l4)))
    return bytes(packet)


def broken(rng, packet):
    packet = bytearray(packet)
    kind = rng.choice(["ttl", "ttl", "byte", "byte", "offset", "cut", "cut", "pad", "header", "length", "sum", "protocol"])
    if kind == "ttl":
        packet[8] = rng.choice([0, 1, 2])
        return with_sums(packet)
    if kind == "byte":
        packet[rng.randrange(20, len(packet))] ^= 1 << rng.randrange(8)
    elif kind == "offset" and packet[9] == 6:
        packet[32] = rng.randrange(16) << 4
        return with_sums(packet)
    elif kind == "cut":
        packet = packet[:rng.randrange(20, len(packet) + 1)]
        packet[2:4] = struct.pack(">H", len(packet))
        return with_sums(packet, rng.random() < 0.5)
    elif kind == "pad":
        packet += bytes(rng.randrange(1, 30))
    elif kind == "header":
        at = rng.choice([0, 2, 3, 10, 11])
        packet[at] ^= 1 << rng.randrange(8)
        if rng.random() < 0.5:
            return with_sums(packet, False)
    elif kind == "length" and packet[9] == 17:
        packet[24:26] = struct.pack(">H", rng.choice([0, 7, 8, len(packet) - 20, len(packet) - 19, len(packet) - 21, 65535]))
        return with_sums(packet)
    elif kind == "sum" and packet[9] in (6, 17, 1) and len(packet) >= 28:
        at = {6: 36, 17: 26, 1: 22}[packet[9]]
        packet[at:at + 2] = rng.choice([b"\0\0", b"\xff\xff"])
    else:
        packet[9] = rng.choice([0, 2, 50, 51, 99, 255])
        return with_sums(packet)
    return bytes(packet)


def malformed(capture, connections):
    rng = capture.rng
    for _ in range(connections):
        part = Capture(rng)
        part.hosts = capture.hosts
        if rng.random() < 0.6:
            Connection(part).run(rng.choice(list(TCP_FAMILIES.values())), rng.randrange(1, 4))
        else:
            udp_icmp(part, 1)
        capture.hosts = part.hosts
        for face, packet in part.packets:
            if rng.random() < 0.3:
                capture.packets.append((face, broken(rng, packet)))
            if rng.random() < 0.9:
                capture.packets.append((face, packet))


FAMILIES = {name: tcp_family(weights) for name, weights in TCP_FAMILIES.items()}
FAMILIES["tcp_v6"] = tcp_v6
FAMILIES["nat_dnat"] = nat_dnat
FAMILIES["udp_icmp"] = udp_icmp
FAMILIES["malformed"] = malformed
FAMILIES["udp_icmp_v6"] = lambda capture, connections: udp_icmp(capture, connections, True)


def make(family, seed, connections):
    capture = Capture(random.Random(f"{family}-{seed}"))
    FAMILIES[family](capture, connections)
    return capture


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=pathlib.Path, required=True)
    parser.add_argument("--family", action="append", choices=sorted(FAMILIES))
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--connections", type=int, default=30)
    options = parser.parse_args()
    first, last = (int(n) for n in (options.seeds.split("-") * 2)[:2])
    for family in options.family or FAMILIES:
        for seed in range(first, last + 1):
            make(family, seed, options.connections).write(options.to / f"{family}-{seed}.pcapng")


if __name__ == "__main__":
    main()
