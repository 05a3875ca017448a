#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Zones that are not keyed by 5-tuples, end to end: VXLAN whose outer source ports are entropy, and two hosts that are one
connection whatever they send each other. With both hashes."""

import json
import os
import struct
import sys

import lib

CLIENT, SERVER = bytes([11, 0, 0, 1]), bytes([12, 0, 0, 1])
NEW, AGAIN, ANSWER = ("new", "original"), ("established", "original"), ("established", "reply")
RELATED = ("related", "original")
NONE = ("invalid", "none")


def config(key, hash_):
    zone = {} if key is None else {"zones": [{"id": 3, "key": key, "limit": 100}]}
    ports = [{"name": name, "role": role, "promiscuous": True, "zone": 3, "addresses": [address]} for name, role, address in
             (("client", "external", "192.0.0.1/30"), ("server", "internal", "192.0.0.5/30"))]
    return {
        "ports": ports, **zone,
        "conntrack": {"hash": hash_, "hash-seed": 5},
        "routes": [{"prefix": "11.0.0.0/8", "via": "192.0.0.2"}, {"prefix": "12.0.0.0/8", "via": "192.0.0.6"}],
        "neighbours": [{"port": "client", "address": "192.0.0.2", "mac": "02:00:00:00:00:02"},
                       {"port": "server", "address": "192.0.0.6", "mac": "02:00:00:00:00:06"}],
        "tables": {"connections": 4096, "mbufs": 2048},
    }


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def packet(back, proto, transport):
    source, destination = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(transport), 0, 0x4000, 64, proto, 0) + source + destination
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + transport


def pseudo(back, proto, transport):
    source, destination = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    return checksum(source + destination + struct.pack(">HH", proto, len(transport)) + transport)


def udp(back, sport, dport, data=b"data"):
    bare = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
    return packet(back, 17, bare[:6] + struct.pack(">H", pseudo(back, 17, bare)) + bare[8:])


def tcp(back, sport, dport, flags):
    bare = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 1000, 0, 0)
    return packet(back, 6, bare[:16] + struct.pack(">H", pseudo(back, 6, bare)) + bare[18:])


def icmp(back, kind, code, rest):
    bare = struct.pack(">BBH", kind, code, 0) + rest
    return packet(back, 1, bare[:2] + struct.pack(">H", checksum(bare)) + bare[4:])


def vxlan(back, entropy, vni):
    inner = bytes(12) + b"\x08\0" + packet(back, 253, b"inside")
    return udp(back, entropy, 4789, struct.pack(">II", 0x08000000, vni << 8) + inner)


def unreachable(back, about):
    return icmp(back, 3, 3, bytes(4) + about)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def capture(path, packets):
    with open(path, "wb") as out:
        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for name in (b"client", b"server"):
            out.write(block(1, struct.pack("<HHI", 1, 0, 65535) + struct.pack("<HH", 2, len(name)) + name +
                            b"\0" * (-len(name) % 4) + struct.pack("<HH", 0, 0)))
        for n, (face, data) in enumerate(packets):
            data = bytes.fromhex("020000000001" "0200000000fe" "0800") + data
            micro = 10**9 + n * 1000
            out.write(block(6, struct.pack("<IIIII", face, micro >> 32, micro & 0xffffffff, len(data), len(data)) + data))


def play(checks, directory, what, key, story):
    for hash_ in "crc32c", "siphash":
        paths = [os.path.join(directory, name) for name in ("config.json", "in.pcapng", "verdicts.jsonl")]
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump(config(key, hash_), file)
        capture(paths[1], [step[:2] for step in story])
        run = lib.Run("--config", paths[0], "--replay", paths[1], "--verdicts", paths[2])
        checks.equal(f"{what}: exit code", run.code, 0)
        checks.equal(f"{what}: sanitizers", run.report, [])
        rows, drops = lib.counters(run.out)
        checks.equal(f"{what}: adds up", lib.unbalanced(rows, drops), None)
        seen = lib.verdicts(paths[2])
        checks.equal(f"{what}: verdicts", len(seen), len(story))
        for n, (step, verdict) in enumerate(zip(story, seen)):
            got = (verdict["state"], verdict["dir"]), verdict["path"] if len(step) > 3 else None
            checks.equal(f"{what}, {hash_}, packet {n}", got, (step[2], step[3] if len(step) > 3 else None))
            if step[2] != NONE:
                checks.equal(f"{what}, {hash_}, packet {n} left", verdict["verdict"], "forward")


def tunnels():
    story = [(0, vxlan(0, 50000, 5), NEW, "slow"), (0, vxlan(0, 50001, 5), NEW, "slow"), (1, vxlan(1, 61000, 5), ANSWER)]
    for n in range(50):
        story += [(0, vxlan(0, 50000 + 7 * n, 5), AGAIN, "fast"), (1, vxlan(1, 61000 - 3 * n, 5), ANSWER, "fast")]
    return story + [
        (0, vxlan(0, 50000, 6), NEW), (1, vxlan(1, 50000, 6), ANSWER),  # another VNI, another connection
        (1, vxlan(1, 50000, 7), NEW), (0, vxlan(0, 1, 7), ANSWER),
        (1, unreachable(1, vxlan(0, 999, 5)[:36]), ("related", "reply")),
        (1, unreachable(1, vxlan(0, 999, 5)[:28]), NONE),               # does not show which
        (0, udp(0, 50000, 53), NEW), (1, udp(1, 53, 50000), ANSWER), (0, udp(0, 50001, 53), NEW),
        (0, packet(0, 251, b"\0" * 8), NEW), (0, packet(0, 252, b"\0" * 8), NEW), (1, packet(1, 251, b""), ANSWER),
        (0, vxlan(0, 50000, 0), NEW),                                   # no protocol 251
    ]


def addresses():
    story = [(0, tcp(0, 1000, 80, 0x02), NEW, "slow"), (0, udp(0, 1001, 53), NEW, "slow"), (1, udp(1, 7, 8), ANSWER)]
    for n in range(20):
        story += [(n % 2, tcp(n % 2, 1000 + n, 80, flags), ANSWER if n % 2 else AGAIN, "fast") for flags in (2, 18, 16, 17, 4)]
        story += [(n % 2, udp(n % 2, n + 1, 53), ANSWER if n % 2 else AGAIN, "fast"),
                  (n % 2, icmp(n % 2, 8, 0, struct.pack(">HH", n, 1)), ANSWER if n % 2 else AGAIN, "fast"),
                  (n % 2, icmp(n % 2, 0, 0, struct.pack(">HH", n, 1)), ANSWER if n % 2 else AGAIN, "fast"),
                  (n % 2, packet(n % 2, 47, b"\0\0\x08\0"), ANSWER if n % 2 else AGAIN, "fast"),
                  (n % 2, packet(n % 2, 254, b""), ANSWER if n % 2 else AGAIN, "fast")]
    broken = tcp(0, 5, 80, 0x10)
    return story + [
        (1, unreachable(1, tcp(0, 9, 80, 0x10)[:28]), ("related", "reply")),
        (0, unreachable(0, icmp(1, 8, 0, bytes(4))), RELATED),
        (0, broken[:36] + b"\xff\xff" + broken[38:], NONE),             # a wrong checksum stays wrong
    ]


def five():
    """The same without such a key: nothing of it holds."""
    return [(0, vxlan(0, 50000, 5), NEW), (1, vxlan(1, 61000, 5), NEW), (0, vxlan(0, 50001, 5), NEW),
            (0, tcp(0, 1000, 80, 0x02), NEW), (1, tcp(1, 80, 1001, 0x12), NONE),
            (0, packet(0, 254, b""), NEW), (1, packet(1, 254, b""), ANSWER), (1, packet(1, 253, b""), NEW)]


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        play(checks, directory, "tunnels", "tunnel-id", tunnels())
        play(checks, directory, "addresses", "addresses", addresses())
        play(checks, directory, "5-tuples", "5-tuple", five())
        play(checks, directory, "not listed", None, five())
    sys.exit(checks.end())


main()
