#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""SCTP against what a Linux router said about the same packets; GRE keys, timeout policies, rules and zones end to end.

linux/sctp.json: [direction sent in, SCTP packet, state, direction, state of the association after it, its chunks] of
random lives of associations, one packet at a time through a Linux 6.18 router.
"""

import json
import os
import struct
import sys

import lib

CLIENT, SERVER = bytes([11, 0, 0, 1]), bytes([12, 0, 0, 1])
PORTS = [{"name": name, "role": role, "promiscuous": True, "zone": zone, "addresses": [address]}
         for name, role, zone, address in (("client", "external", 3, "192.0.0.1/30"), ("server", "internal", 3, "192.0.0.5/30"),
                                           ("client2", "external", 4, "192.0.0.9/30"))]
CONFIG = {
    "ports": PORTS,
    "routes": [{"prefix": "11.0.0.0/8", "via": "192.0.0.2"}, {"prefix": "12.0.0.0/8", "via": "192.0.0.6"}],
    "neighbours": [{"port": "client", "address": "192.0.0.2", "mac": "02:00:00:00:00:02"},
                   {"port": "server", "address": "192.0.0.6", "mac": "02:00:00:00:00:06"}],
    "tables": {"connections": 4096, "mbufs": 2048},
}


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def frame(source, destination, proto, transport):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(transport), 0, 0x4000, 64, proto, 0) + source + destination
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return bytes.fromhex("020000000001" "0200000000fe" "0800") + head + transport


def udp(sport, dport):
    return struct.pack(">HHHH", sport, dport, 12, 0) + b"data"


def gre(key=None):
    return (b"\0\0\x08\0" if key is None else struct.pack(">HHI", 0x2000, 0x0800, key)) + b"data"


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def write(path, names, packets):
    """packets: (seconds, interface, frame)"""
    with open(path, "wb") as out:
        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for name in names:
            text = name.encode()
            out.write(block(1, struct.pack("<HHI", 1, 0, 65535) + struct.pack("<HH", 2, len(text)) + text +
                            b"\0" * (-len(text) % 4) + struct.pack("<HH", 0, 0)))
        for when, face, data in packets:
            micro = int(when * 10**6)
            out.write(block(6, struct.pack("<IIIII", face, micro >> 32, micro & 0xffffffff, len(data), len(data)) + data))


def replay(checks, directory, config, packets):
    paths = [os.path.join(directory, name) for name in ("config.json", "in.pcapng", "verdicts.jsonl")]
    with open(paths[0], "w", encoding="utf-8") as file:
        json.dump(config, file)
    write(paths[1], [port["name"] for port in PORTS], packets)
    run = lib.Run("--config", paths[0], "--replay", paths[1], "--verdicts", paths[2])
    checks.equal("exit code", run.code, 0)
    checks.equal("sanitizers", run.report, [])
    rows, drops = lib.counters(run.out)
    checks.equal("adds up", lib.unbalanced(rows, drops), None)
    return lib.verdicts(paths[2])


# ---- SCTP, as Linux -----------------------------------------------------------------------------------------------

def sctp(checks, directory):
    with open(lib.SOURCE / "tests" / "replay" / "linux" / "sctp.json", encoding="utf-8") as file:
        said = json.load(file)
    packets = []
    for n, (way, transport, *_) in enumerate(said):
        ends = (SERVER, CLIENT) if way else (CLIENT, SERVER)
        packets.append((1000 + n / 1000, way, frame(*ends, 132, bytes.fromhex(transport))))
    config = {**CONFIG, "conntrack": {"invalid": "forward"}}
    seen = replay(checks, directory, config, packets)
    for n, ((_, _, state, direction, after, chunks), verdict) in enumerate(zip(said, seen)):
        # What is invalid belongs to no connection, but has the state of the one that it names.
        want = (state, "none" if state == "invalid" else direction, after)
        checks.equal(f"packet {n} ({chunks})", (verdict["state"], verdict["dir"], verdict["sctp"]), want)
    checks.true("all states", {v["sctp"].split()[0] for v in seen} >= {
        "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
        "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT"})
    checks.equal("verdicts", len(seen), len(said))


# ---- GRE, rules, policies, zones -------------------------------------------------------------------------------------

def line(verdict):
    return verdict["state"], verdict["dir"], verdict["flags"]


NEW, AGAIN = ("new", "original", ["trk", "new"]), ("established", "original", ["trk", "est"])
ANSWER = ("established", "reply", ["trk", "est", "rpl"])


def keys(checks, directory):
    there, back = (lambda data: frame(CLIENT, SERVER, 47, data)), (lambda data: frame(SERVER, CLIENT, 47, data))
    story = [
        (0, 0, there(gre(1)), NEW), (0, 1, back(gre(1)), ANSWER), (0, 0, there(gre(1)), AGAIN),
        (0, 0, there(gre(0x10000)), NEW),   # halves changed places: another key
        (0, 1, back(gre(2)), NEW), (0, 0, there(gre()), NEW), (0, 1, back(gre()), ANSWER),
        (29, 1, back(gre(0x10000)), ANSWER),
        (61, 0, there(gre(2)), NEW),        # 30 s without an answer: forgotten
        (100, 0, there(gre(1)), AGAIN),     # 180 s with
        (281, 0, there(gre(1)), NEW),
    ]
    seen = replay(checks, directory, CONFIG, [(1000 + when, face, data) for when, face, data, _ in story])
    for n, (want, verdict) in enumerate(zip(story, seen)):
        checks.equal(f"GRE packet {n}", line(verdict), want[3])


def rules(checks, directory):
    there = lambda sport: frame(CLIENT, SERVER, 17, udp(sport, 53))
    back = lambda sport: frame(SERVER, CLIENT, 17, udp(53, sport))
    config = {**CONFIG, "conntrack": {
        "timeouts": {"udp": 20},
        "timeout-policies": [{"name": "short", "timeouts": {"udp": 5}}, {"name": "plain"}],
        "rules": [{"zone": 4, "protocol": "udp", "timeouts": "short"}, {"source-port": 7, "commit": False},
                  {"source-port": "8-9", "timeouts": "plain"},
                  {"source": "12.0.0.0/8", "protocol": "udp", "destination-port": 30, "force": True}]}}
    story = [
        # The same addresses and ports in two zones are two connections: both are new, one forgets sooner.
        (0, 0, there(5), NEW), (0, 2, there(5), NEW), (6, 0, there(5), NEW), (6, 2, there(5), NEW),
        (6, 1, back(5), ANSWER), (7, 0, there(5), AGAIN), (7, 2, there(5), NEW),
        # No entry.
        (7, 0, there(7), NEW), (7, 0, there(7), NEW), (7, 1, back(7), NEW), (7, 0, there(7), ANSWER),
        # A policy that changes nothing: this file's 20 seconds.
        (8, 0, there(8), NEW), (27, 1, back(8), ANSWER), (8, 0, there(9), NEW), (29, 1, back(9), NEW),
        # The first answer gives the connection its direction.
        (30, 0, there(30), NEW), (30, 1, back(30), NEW), (30, 0, there(30), ANSWER), (30, 1, back(30), AGAIN),
    ]
    story.sort(key=lambda step: step[0])
    seen = replay(checks, directory, config, [(1000 + when, face, data) for when, face, data, _ in story])
    for n, (want, verdict) in enumerate(zip(story, seen)):
        checks.equal(f"rules, packet {n} at {want[0]} s", line(verdict), want[3])
        checks.equal(f"rules, packet {n} left", verdict["verdict"], "forward")


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        sctp(checks, directory)
        keys(checks, directory)
        rules(checks, directory)
    sys.exit(checks.end())


main()
