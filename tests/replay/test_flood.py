#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SYN flood beside established connections and one honest handshake: none of the established ones' packets is lost,
the handshake is completed, and the flood leaves nothing behind.

What an honest client answers to a SYN cookie is only known when shunt has sent one. A replay gives the same bytes every
time, so the capture is replayed up to there first, and the rest is made with what came out.
"""

import json
import os
import random
import struct
import sys

import lib

FLOOD = int(os.environ.get("SHUNT_FLOOD_SYNS", "100000"))
ESTABLISHED = 50
START = 1_000_000_000
VIP, BACKEND, CLIENT = "192.0.2.10", "10.0.0.11", "198.51.100.7"
MAC = bytes.fromhex("020000000001")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

CONFIG = {
    "ports": [
        {"name": "external", "mac": "02:00:00:00:00:01", "addresses": ["198.51.100.2/24"], "promiscuous": True},
        {"name": "internal", "mac": "02:00:00:00:00:01", "role": "internal", "addresses": ["10.0.0.1/24"],
         "promiscuous": True},
    ],
    "routes": [{"prefix": "0.0.0.0/0", "via": "198.51.100.1"}],
    "neighbours": [
        {"port": "external", "address": "198.51.100.1", "mac": "02:00:00:00:00:fe"},
        {"port": "external", "address": CLIENT, "mac": "02:00:00:00:00:fe"},
        {"port": "internal", "address": BACKEND, "mac": "02:00:00:00:00:0b"},
    ],
    "tables": {"connections": 4096, "mbufs": 4096},
    "services": [{"name": "web", "vip": VIP, "protocol": "tcp", "port": 80,
                  "backends": [{"address": BACKEND, "port": 8080}]}],
}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return bytes(map(int, text.split(".")))


def segment(src, sport, dst, dport, flags, seq, ack=0, payload=b"", options=b"", window=64240):
    src, dst = (a if isinstance(a, bytes) else address(a) for a in (src, dst))
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (5 + len(options) // 4) << 4, flags,
                      window, 0, 0) + options + payload
    pseudo = src + dst + struct.pack(">HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return MAC + bytes.fromhex("0200000000fe") + b"\x08\x00" + ip + tcp


def parse(frame):
    """(src, dst, sport, dport, seq, ack, flags, window, options) of an IPv4 TCP frame."""
    ip = frame[14:]
    tcp = ip[(ip[0] & 15) * 4:struct.unpack(">H", ip[2:4])[0]]
    sport, dport, seq, ack, offset, flags, window = struct.unpack(">HHIIBBH", tcp[:16])
    return ip[12:16], ip[16:20], sport, dport, seq, ack, flags, window, tcp[20:(offset >> 4) * 4]


def write_pcapng(path, packets):
    """packets: (ns, interface, bytes), interfaces by name."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    with open(path, "wb") as out:
        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for name in ("external", "internal"):
            options = struct.pack("<HH", 2, len(name)) + name.encode() + bytes(-len(name) % 4)
            options += struct.pack("<HHBxxx", 9, 1, 9) + struct.pack("<HH", 0, 0)
            out.write(block(1, struct.pack("<HHI", 1, 0, 65535) + options))
        for when, face, data in packets:
            out.write(block(6, struct.pack("<IIIII", face, when >> 32, when & 0xffffffff, len(data), len(data)) + data))


class Capture:
    """Packets, with a mark each, and a clock that goes on by a microsecond a packet."""

    def __init__(self):
        self.packets, self.marks, self.now = [], [], START

    def add(self, face, data, mark):
        self.now += 1000
        self.packets.append((self.now, face, data))
        self.marks.append(mark)
        return len(self.packets) - 1


def established(capture, i, n):
    """Packets n of both directions of the established connection i; n = 0: its handshake."""
    port, client, server = 2000 + i, 10_000 * i, 77_000 * i
    if n == 0:
        capture.add(0, segment(CLIENT, port, VIP, 80, SYN, client), "open")
        capture.add(1, segment(BACKEND, 8080, CLIENT, port, SYN | ACK, server, client + 1), "open")
        capture.add(0, segment(CLIENT, port, VIP, 80, ACK, client + 1, server + 1), "open")
        return
    up, down = client + 1 + 10 * (n - 1), server + 1 + 20 * (n - 1)
    capture.add(0, segment(CLIENT, port, VIP, 80, ACK | PSH, up, down, b"x" * 10), "established")
    capture.add(1, segment(BACKEND, 8080, CLIENT, port, ACK | PSH, down, up + 10, b"y" * 20), "established")


OPTIONS = bytes.fromhex("020405b40402080a000003e80000000001030307")  # MSS 1460, SACK, timestamp 1000, scale 7


def handshake(capture, cookie, tsecr):
    """The honest client's, after its SYN was answered; data both ways; the end."""
    def stamps(value, echo):
        return bytes.fromhex("0101080a") + struct.pack(">II", value & 0xffffffff, echo & 0xffffffff)

    server, theirs = 0xdeadbeef, 5_000_000
    up = (CLIENT, 9999, VIP, 80)
    down = (BACKEND, 8080, CLIENT, 9999)
    rows = [
        (0, up, ACK, 501, cookie + 1, b"", stamps(1001, tsecr)),
        (1, down, SYN | ACK, server, 501, b"", bytes.fromhex("020405b40402080a") + struct.pack(">II", theirs, 1001) +
         bytes.fromhex("01030309")),
        (0, up, ACK | PSH, 501, cookie + 1, b"GET", stamps(1002, tsecr)),
        (1, down, ACK | PSH, server + 1, 504, b"answer", stamps(theirs + 3, 1002)),
        (0, up, ACK | FIN, 504, cookie + 7, b"", stamps(1003, tsecr + 3)),
        (1, down, ACK | FIN, server + 7, 505, b"", stamps(theirs + 4, 1003)),
        (0, up, ACK, 505, cookie + 8, b"", stamps(1004, tsecr + 4)),
    ]
    return [capture.add(face, segment(*ends, flags, seq, ack, payload, options), "honest")
            for face, ends, flags, seq, ack, payload, options in rows]


def build(rest):
    """The capture; `rest` is called at the point where the honest client's SYN has been answered."""
    rng = random.Random(4987)
    capture = Capture()
    for i in range(ESTABLISHED):
        established(capture, i, 0)
    honest, turn = None, 0
    for k in range(FLOOD):
        source = bytes((rng.randrange(11, 126), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)))
        capture.add(0, segment(source, rng.randrange(1024, 65536), VIP, 80, SYN, rng.randrange(1 << 32)), "flood")
        if k % 100 == 0:
            established(capture, k // 100 % ESTABLISHED, 1 + k // 100 // ESTABLISHED)
            turn += 1
        if k == FLOOD // 2:
            honest = capture.add(0, segment(CLIENT, 9999, VIP, 80, SYN, 500, options=OPTIONS), "honest")
        if k == FLOOD // 2 + 1000:
            if rest is None:
                break
            rest(capture)
    return capture, honest


def replay(directory, config, capture):
    paths = [os.path.join(directory, name) for name in ("in.pcapng", "out.pcapng", "verdicts")]
    write_pcapng(paths[0], capture.packets)
    run = lib.Run("--config", config, "--replay", paths[0], "--out", paths[1], "--verdicts", paths[2])
    return run, lib.read_capture(paths[1])[0], lib.verdicts(paths[2])


def answer(out, port):
    """The SYN/ACK for the client's port: (cookie, timestamp)."""
    for packet in out:
        src, dst, _, dport, seq, _, flags, window, options = parse(packet.data)
        if (src, dst) == (address(VIP), address(CLIENT)) and dport == port and flags == SYN | ACK and window == 0:
            at = options.index(b"\x08\x0a")
            return seq, struct.unpack(">I", options[at + 2:at + 6])[0]
    return None


def check(checks, run, out, verdicts, capture):
    checks.equal("exit code", run.code, 0)
    checks.equal("sanitizers", run.report, [])
    rows, drops = lib.counters(run.out)
    checks.equal("the counters add up", lib.unbalanced(rows, drops), None)
    checks.equal("nothing is dropped", drops, {})
    by_mark = {}
    for mark, verdict in zip(capture.marks, verdicts):
        by_mark.setdefault(mark, []).append((verdict["verdict"], verdict["path"]))
    checks.true("established packets", len(by_mark["established"]) >= FLOOD // 50)
    checks.equal("the established ones: all forwarded, by workers alone", set(by_mark["established"]),
                 {("forward", "fast")})
    threshold = 409
    forwarded = sum(verdict == "forward" for verdict, _ in by_mark["flood"])
    checks.true("of the flood, as many as the threshold says go on", forwarded <= threshold + 64, forwarded)
    checks.equal("and the rest is answered", sum(verdict == "local" for verdict, _ in by_mark["flood"]),
                 FLOOD - forwarded)
    answers = sum(parse(p.data)[6:8] == (SYN | ACK, 0) for p in out)
    checks.equal("with a cookie each", answers, FLOOD - forwarded + 1)


def check_honest(checks, out, cookie):
    def seen(src, dport, flags, seq, ack):
        return any((p[0], p[3], p[6], p[4], p[5]) == (address(src), dport, flags, seq & 0xffffffff, ack & 0xffffffff)
                   for p in packets)

    packets = [p for p in map(lambda o: parse(o.data), out) if 9999 in p[2:4] and address(CLIENT) in p[:2]]
    server = 0xdeadbeef
    checks.true("server gets the SYN", seen(CLIENT, 8080, SYN, 500, 0))
    checks.true("server gets the ACK", seen(CLIENT, 8080, ACK, 501, server + 1))
    checks.true("client gets a window", seen(VIP, 9999, ACK, cookie + 1, 501))
    checks.true("server gets the request", seen(CLIENT, 8080, ACK | PSH, 501, server + 1))
    checks.true("client gets the answer", seen(VIP, 9999, ACK | PSH, cookie + 1, 504))
    checks.true("server gets the FIN", seen(CLIENT, 8080, ACK | FIN, 504, server + 7))
    checks.true("client gets the FIN", seen(VIP, 9999, ACK | FIN, cookie + 7, 505))
    checks.true("server gets the last ACK", seen(CLIENT, 8080, ACK, 505, server + 8))


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        config = os.path.join(directory, "flood.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        capture, _ = build(None)
        _, out, _ = replay(directory, config, capture)
        found = answer(out, 9999)
        if not checks.true("the honest client gets a cookie", found):
            sys.exit(checks.end())
        cookie, stamp = found
        honest = []
        capture, first = build(lambda c: honest.extend(handshake(c, cookie, stamp)))
        run, out, verdicts = replay(directory, config, capture)
        check(checks, run, out, verdicts, capture)
        checks.equal("the honest client's packets: answered, then forwarded",
                     [verdicts[n]["verdict"] for n in [first] + honest], ["local"] + ["forward"] * len(honest))
        check_honest(checks, out, cookie)
    sys.exit(checks.end())


main()
