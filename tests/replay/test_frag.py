#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fragments in a capture: a UDP service, a long ping and a TCP segment, both families. The fragments but the last one of a
datagram are held; the last one's verdict has what left: the same fragments, translated.

Packets are built and cut here, from the RFCs.
"""

import ipaddress
import json
import os
import struct
import sys

import lib

CLIENT = {4: "198.51.100.7", 6: "2001:db8:e::7"}
VIP = {4: "192.0.2.10", 6: "2001:db8:1::10"}
SERVER = {4: "10.0.0.11", 6: "2001:db8:2::11"}
NARROW = {4: "10.1.0.11", 6: "2001:db8:3::11"}
IN_MAC, CLIENT_MAC, SERVER_MAC, OUT_MAC = (bytes.fromhex(m) for m in (
    "020000000001", "0200000000fe", "02000000000b", "020000000002"))
UDP, TCP, ICMP = 17, 6, {4: 1, 6: 58}
CONFIG = {
    "ports": [
        {"name": "ext", "addresses": ["198.51.100.2/24", "2001:db8:e::2/64"]},
        {"name": "int", "role": "internal", "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]},
        {"name": "narrow", "role": "internal", "mtu": 1400, "addresses": ["10.1.0.1/24", "2001:db8:3::1/64"]},
    ],
    "neighbours": [
        {"port": port, "address": host[family], "mac": mac.hex(":")}
        for family in (4, 6)
        for port, host, mac in (("ext", CLIENT, CLIENT_MAC), ("int", SERVER, SERVER_MAC),
                                ("narrow", NARROW, SERVER_MAC))
    ],
    "services": [
        {"name": f"s{family}", "vip": VIP[family], "protocol": "udp", "port": 53,
         "backends": [{"address": SERVER[family], "port": 5353}]}
        for family in (4, 6)
    ],
    "tables": {"connections": 1024, "mbufs": 4096},
}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def packed(address):
    return ipaddress.ip_address(address).packed


def transport(family, proto, source, destination, header, at, payload):
    """Header and payload, with the checksum in the header's bytes from `at` on."""
    data = header + payload
    pseudo = packed(source) + packed(destination) + struct.pack(">II", len(data), proto)
    total = checksum((b"" if proto == ICMP[4] and family == 4 else pseudo) + data)
    return data[:at] + struct.pack(">H", total) + data[at + 2:]


def udp(family, source, destination, ports, payload):
    header = struct.pack(">HHHH", *ports, 8 + len(payload), 0)
    return transport(family, UDP, source, destination, header, 6, payload)


def tcp(family, source, destination, ports, numbers, flags, payload=b""):
    header = struct.pack(">HHIIBBHHH", *ports, *numbers, 0x50, flags, 65535, 0, 0)
    return transport(family, TCP, source, destination, header, 16, payload)


def echo(family, source, destination, payload):
    header = struct.pack(">BBHHH", 8 if family == 4 else 128, 0, 0, 77, 1)
    return transport(family, ICMP[family], source, destination, header, 2, payload)


def packet(family, source, destination, proto, part, where, ttl=64):
    """An IP packet; where: None, or (identification, offset, more fragments)."""
    ident, offset, more = where or (0, 0, 0)
    if family == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(part), ident, offset // 8 | more << 13, ttl, proto, 0)
        header += packed(source) + packed(destination)
        return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + part
    if where:
        part = struct.pack(">BBHI", proto, 0, offset | more, ident) + part
    return struct.pack(">IHBB", 6 << 28, len(part), 44 if where else proto, ttl) + packed(source) + \
        packed(destination) + part


def frames(family, source, destination, proto, data, step, ident, macs=(IN_MAC, CLIENT_MAC), ttl=64):
    link = macs[0] + macs[1] + (b"\x08\0" if family == 4 else b"\x86\xdd")
    cuts = range(0, len(data), step)
    return [link + packet(family, source, destination, proto, data[at:at + step],
                          (ident, at, int(at + step < len(data))) if len(cuts) > 1 else None, ttl) for at in cuts]


class Story:
    """Frames of a capture, and what is expected of each."""

    def __init__(self):
        self.frames, self.expected = [], []

    def add(self, given, out, state, verdict="forward", reason=None):
        for frame in given:
            self.frames.append((1 + len(self.frames) / 1000, frame))
            self.expected.append(("hold", None, []))
        self.expected[-1] = (verdict, reason, [frame.hex() for frame in out], state)


def tell(family, step, payload, story):
    client, server, narrow = CLIENT[family], SERVER[family], NARROW[family]
    out_macs = (SERVER_MAC, OUT_MAC)
    for number, state in ((1, "new"), (2, "new")):
        asked = udp(family, client, VIP[family], (4000, 53), payload)
        sent = udp(family, client, server, (4000, 5353), payload)
        story.add(frames(family, client, VIP[family], UDP, asked, step, number),
                  frames(family, client, server, UDP, sent, step, number, out_macs, 63), state)
    ping = echo(family, client, server, payload[:20000])
    story.add(frames(family, client, server, ICMP[family], ping, step, 3),
              frames(family, client, server, ICMP[family], ping, step, 3, out_macs, 63), "new")
    segment = tcp(family, client, server, (4001, 80), (1000, 0), 2)
    story.add(frames(family, client, server, TCP, segment, step, 0),
              frames(family, client, server, TCP, segment, step, 0, out_macs, 63), "new")
    # The connection is not open yet; out of order, the last fragment first.
    segment = tcp(family, client, server, (4001, 80), (1001, 5001), 0x10, payload[:4000])
    story.add(frames(family, client, server, TCP, segment, step, 4)[::-1],
              [], "invalid", "drop")
    # Too large for the link: IPv4 is cut finer, and of IPv6 the sender hears (that frame is not compared).
    long = udp(family, client, narrow, (4000, 9), payload[:5000])
    narrow_macs = (SERVER_MAC, bytes.fromhex("020000000003"))
    finer = frames(family, client, narrow, UDP, long, 1376, 5, narrow_macs, 63)
    story.add(frames(family, client, narrow, UDP, long, step, 5), finer, "new", "forward" if family == 4 else "drop",
              None if family == 4 else "mtu_exceeded")


def main():
    checks = lib.Checks()
    payload = bytes(i * 7 + (i >> 8) & 0xff for i in range(60000))
    story = Story()
    tell(4, 1480, payload, story)
    tell(6, 1448, payload, story)
    with lib.scratch() as directory:
        config, capture, verdicts = (os.path.join(directory, name) for name in ("c.json", "in.pcap", "v.jsonl"))
        with open(config, "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        lib.write_pcap(capture, story.frames)
        run = lib.Run("--config", config, "--replay", capture, "--verdicts", verdicts)
        checks.equal("exit code", run.code, 0)
        checks.equal("sanitizers", run.report, [])
        lines = lib.verdicts(verdicts)
        rows, drops = lib.counters(run.out)
        checks.equal("adds up", lib.unbalanced(rows, drops), None)
        checks.equal("fragments that wait at the end", rows.get("waiting for other fragments"), 0)
        checks.true("the table tells of them", "packets put together" in run.out, run.out)
    checks.equal("verdicts", len(lines), len(story.expected))
    for line, (verdict, reason, out, *state) in zip(lines, story.expected):
        what = f"packet {line['n']}"
        checks.equal(f"{what}: verdict", line["verdict"], verdict)
        if reason:
            checks.equal(f"{what}: reason", line["reason"], reason)
        if state:
            checks.equal(f"{what}: state", line["state"], state[0])
        if verdict != "drop":
            checks.equal(f"{what}: number of frames out", len(line["out"]), len(out))
            checks.equal(f"{what}: frames out", [frame["frame"] for frame in line["out"]], out)
        elif reason == "mtu_exceeded":
            error = bytes.fromhex(line["out"][0]["frame"])
            checks.equal(f"{what}: packet too big", (error[54], error[60:62]), (2, (1400).to_bytes(2, "big")))
    sys.exit(checks.end())


main()
