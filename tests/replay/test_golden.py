#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Classes by TLS server name and QUIC connection id, end to end, against what tshark saw in the same captures.

For each capture a configuration gets a class for every name and id. The verdict of the frame that carries one must be of
its class. Asked of every frame that holds the whole field itself and is the connection's first data packet from its
client; what else tshark saw is listed, with the reason why shunt does not see it: it does not reassemble streams, it
decides once a connection, and a router drops packets with wrong IP checksums or to loopback addresses. These reasons are
found here, from the capture alone. At least 95 % of what is asked must agree.
"""

import collections
import concurrent.futures
import json
import os
import sys

import lib

CAPTURES = lib.SHARED / "captures"
ENOUGH = 95.0


def fields(path):
    """[(frame number, kind, value)] of one capture."""
    found = []
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            name, ident = line.get("tls.handshake.extensions_server_name"), line.get("quic.dcid")
            if name and "|" not in name and "quic.version" not in line:
                found.append((int(line["frame.number"]), "tls-sni", name.lower(), line))
            if ident and "quic.version" in line:
                found.append((int(line["frame.number"]), "quic-dcid", ident.split("|")[0], line))
    return found


def configuration(values):
    """The classes by (kind, value), and the configuration that has them."""
    with open(lib.SOURCE / "tests" / "replay" / "captures.json", encoding="utf-8") as file:
        config = json.load(file)
    classes = {}
    config["classes"], config["rules"] = [], []
    # Of two ids of which one begins with the other, the longer one must be asked for first.
    for kind, value in sorted(set(values), key=lambda v: (-len(v[1]), v)):
        name = f"{kind}-{len(classes)}"
        classes[kind, value] = name
        config["classes"].append({"name": name})
        config["rules"].append({"class": name, kind: value})
    return classes, config


OTHER = "not plainly TCP or UDP over IP"


def checksum(header):
    total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def transport(data, link):
    """(SYN and ACK, connection in this direction, payload) of a packet, or why it is not plainly UDP or TCP."""
    skip = {1: 14, 0: 4, 108: 4, 101: 0, 12: 0, 113: 16, 276: 20, 228: 0, 229: 0}.get(link)
    if skip is None:
        return OTHER
    if link == 1:
        while data[skip - 2:skip] in (b"\x81\x00", b"\x88\xa8"):
            skip += 4
        if data[skip - 2:skip] == b"\x88\x64":  # PPPoE
            skip += 8
    ip = data[skip:]
    if len(ip) < 40:
        return OTHER
    if ip[0] >> 4 == 4:
        proto, addresses, l4, end = ip[9], ip[12:20], (ip[0] & 15) * 4, int.from_bytes(ip[2:4], "big")
        if int.from_bytes(ip[6:8], "big") & 0x3fff:
            return OTHER
    elif ip[0] >> 4 == 6:
        proto, addresses, l4, end = ip[6], ip[8:40], 40, 40 + int.from_bytes(ip[4:6], "big")
    else:
        return OTHER
    half = len(addresses) // 2
    if ip[0] >> 4 == 4 and checksum(ip[:l4]) != 0:
        return "wrong IP checksum: dropped"
    if ip[0] >> 4 == 4 and ip[16] == 127 or addresses[half:] == bytes(15) + b"\x01":
        return "to a loopback address: dropped"
    if proto not in (6, 17) or len(ip) < l4 + 20:
        return OTHER
    payload = ip[l4 + (8 if proto == 17 else (ip[l4 + 12] >> 4) * 4):end or len(ip)]
    flags = ip[l4 + 13] & 0x12 if proto == 6 else 0
    return flags, (proto, addresses[:half], ip[l4:l4 + 2], addresses[half:], ip[l4 + 2:l4 + 4]), payload


def turned(key):
    return key[0], key[3], key[4], key[1], key[2]


class History:
    """What went before in each connection of a capture."""

    def __init__(self, packets, links):
        self.first, self.kind = {}, []  # of a connection: its first sender; of a packet: why it is not asked
        self.opening = {}  # of a connection: SYN seen without an answer
        said = set()  # directions that have sent data
        for packet in packets:
            self.kind.append(self.look(transport(packet.data, links[packet.face]), packet, said))

    def look(self, found, packet, said):
        if isinstance(found, str):
            return found
        flags, key, payload = found
        if flags & 2:
            self.opening[min(key, turned(key))] = not flags & 0x10
        original = self.first.setdefault(min(key, turned(key)), key) == key
        earlier = key in said
        if payload:
            said.add(key)
        if packet.length > len(packet.data):
            return "cut in the capture"
        if self.opening.get(min(key, turned(key))):
            return "data without the server's SYN/ACK: invalid"
        if not original:
            return "client is not who spoke first"
        if earlier:
            return "not the first data packet"
        return payload

    def ask(self, n, kind, value):
        """None when the packet must have the class, else why not."""
        what = self.kind[n]
        if isinstance(what, str):
            return what
        if kind == "tls-sni" and (what[:2] != b"\x16\x03" or value.encode() not in what.lower()):
            return "spread over several packets"
        if kind == "quic-dcid" and bytes.fromhex(value) not in what[:64]:
            return "of a later packet of a coalesced datagram"
        return None


def by_time(packets):
    """Positions in the order of time, as they are replayed."""
    order = sorted(range(len(packets)), key=lambda i: packets[i].ns)
    place = [0] * len(packets)
    for position, i in enumerate(order):
        place[i] = position
    return order, place


def compare(directory, golden):
    name = golden.name[:-len(".jsonl")]
    found = fields(golden)
    if not found:
        return None
    capture = CAPTURES / "pcap" / name
    packets, links, _, _ = lib.read_capture(capture)
    classes, config = configuration([(kind, value) for _, kind, value, _ in found])
    paths = [os.path.join(directory, name + end) for end in (".json", ".verdicts")]
    with open(paths[0], "w", encoding="utf-8") as file:
        json.dump(config, file)
    run = lib.Run("--config", paths[0], "--replay", capture, "--verdicts", paths[1])
    said = lib.verdicts(paths[1]) if os.path.exists(paths[1]) else []
    order, place = by_time(packets)
    history = History([packets[i] for i in order], links)
    results = []
    for frame, kind, value, _ in found:
        n = place[frame - 1]
        why = history.ask(n, kind, value)
        got = said[n]["class"] if n < len(said) else None
        results.append((name, frame, kind, value, why, got == classes[kind, value], said[n] if n < len(said) else None))
    return name, run, results


def main():
    if not (CAPTURES / "golden").is_dir():
        lib.skip(f"no {CAPTURES / 'golden'}")
    checks = lib.Checks()
    tally = {kind: collections.Counter() for kind in ("tls-sni", "quic-dcid")}
    with lib.scratch() as directory, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(lambda path: compare(directory, path), sorted((CAPTURES / "golden").glob("*.jsonl"))):
            if result is None:
                continue
            name, run, results = result
            checks.equal(f"{name}: exit code", run.code, 0)
            checks.equal(f"{name}: sanitizers", run.report, [])
            for _, frame, kind, value, why, agrees, verdict in results:
                tally[kind][(why or "asked") + (", agrees" if agrees else ", other class")] += 1
                if why is None and not agrees:
                    print(f"{name} frame {frame}: {kind} {value}: {verdict and {k: verdict[k] for k in verdict if k != 'out'}}")
    for kind, counts in tally.items():
        good, bad = counts["asked, agrees"], counts["asked, other class"]
        print(f"{kind}: {good} of {good + bad} agree ({100 * good / (good + bad):.1f} %); and of what is not asked")
        for what, n in counts.most_common():
            if not what.startswith("asked"):
                print(f"    {n:>5}  {what}")
        checks.true(f"{kind}: at least {ENOUGH} % agree", 100 * good >= ENOUGH * (good + bad))
        checks.true(f"{kind}: there is something to ask", good + bad > 10)
    sys.exit(checks.end())


main()
