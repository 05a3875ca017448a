#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Limits in a replay, against a model of a few lines: exact fractions for the buckets, a list of what is open.

Thousands of first packets of both families at odd times. Every verdict, its reason and its answer must be the model's;
two runs, and one in bursts of a single packet, must give the same bytes.
"""

import fractions
import ipaddress
import json
import os
import random
import socket
import struct
import sys

import lib

MAC = bytes.fromhex("020000000001 0200000000fe")
UDP_TIMEOUT = 30
SOURCES = ["198.51.100.7", "198.51.100.8", "198.51.101.7", "198.51.102.7", "2001:db8:e::7", "2001:db8:e::8",
           "2001:db8:f::7"]
CONFIG = {
    "ports": [
        {"name": "external", "promiscuous": True, "mac": "02:00:00:00:00:01",
         "addresses": ["198.51.96.1/20", "2001:db8:e::1/64"]},
        {"name": "internal", "role": "internal", "mac": "02:00:00:00:00:02",
         "addresses": ["10.0.0.1/24", "2001:db8:2::1/64"]},
    ],
    "neighbours": [{"port": "internal", "address": a, "mac": "02:00:00:00:00:0b"}
                   for a in ("10.0.0.11", "2001:db8:2::11")],
    "tables": {"connections": 65536},
    "l3": {"icmp-rate": 1000000},
    "conntrack": {"timeouts": {"udp": UDP_TIMEOUT, "tcp-syn-sent": UDP_TIMEOUT}},
    "sets": [{"name": "friends", "prefixes": ["198.51.101.0/24", "2001:db8:f::/48"]}],
    "limits": [
        {"name": "seen", "connections": 1, "action": "count"},
        {"name": "slow", "prefix-length": 24, "prefix-length-ipv6": 48, "rate": 3, "burst": 5, "not-set": "friends"},
        {"name": "tcp", "protocol": "tcp", "destination-port": "80-90", "connections": 8, "action": "reset"},
        {"name": "both", "by": "all", "rate": 11, "burst": 20, "connections": 300},
    ],
}


# ---- packets ------------------------------------------------------------------------------------------------------

def ones(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def frame(source, proto, sport, dport, seq):
    v6 = ":" in source
    addresses = b"".join(socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
                         for a in (source, "2001:db8:2::11" if v6 else "10.0.0.11"))
    if proto == 6:
        l4 = struct.pack(">HHIIBBHHH", sport, dport, seq, 0, 0x50, 2, 65535, 0, 0)
    else:
        l4 = struct.pack(">HHHH", sport, dport, 8, 0)
    at = 16 if proto == 6 else 6
    check = ones(addresses + struct.pack(">II", len(l4), proto) + l4) or 0xffff
    l4 = l4[:at] + struct.pack(">H", check) + l4[at + 2:]
    if v6:
        return MAC + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(l4), proto, 64) + addresses + l4
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0, 64, proto, 0) + addresses
    return MAC + b"\x08\x00" + head[:10] + struct.pack(">H", ones(head)) + head[12:] + l4


def capture(path):
    """What is sent, and a file of it; times as the file has them, in ns."""
    chance = random.Random(20)
    sent, micro = [], 1000 * 10**6
    for i in range(4000):
        sent.append((chance.choice(SOURCES), chance.choice((6, 17)), 1024 + i, chance.choice((80, 85, 443)), i * 7919))
        micro += chance.choice((0, 1, 142857, 142858, chance.randrange(100000)))
        if i % 300 == 299:
            micro += 200 * 10**6  # all that is open ends
        sent[-1] += (micro,)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for *packet, when in sent:
            data = frame(*packet)
            out.write(struct.pack("<IIII", when // 10**6, when % 10**6, len(data), len(data)) + data)
    return sent


# ---- model --------------------------------------------------------------------------------------------------------

class Limit:
    def __init__(self, config):
        self.config = config
        self.open = {}
        self.buckets = {}
        self.over = 0

    def matches(self, source, proto, dport):
        low, high = map(int, self.config.get("destination-port", "0-65535").split("-"))
        if self.config.get("protocol", "") == "tcp" and proto != 6 or not low <= dport <= high:
            return False
        friends = [ipaddress.ip_network(p) for p in CONFIG["sets"][0]["prefixes"]]
        return "not-set" not in self.config or not any(ipaddress.ip_address(source) in net for net in friends)

    def key(self, source):
        if self.config.get("by") == "all":
            return None
        length = self.config.get("prefix-length-ipv6", 64) if ":" in source else self.config.get("prefix-length", 32)
        return ipaddress.ip_network(f"{source}/{length}", strict=False)

    def ask(self, key, when):
        if "connections" in self.config and self.open.get(key, 0) >= self.config["connections"]:
            return "limit_connections"
        if "rate" in self.config:
            tokens, last = self.buckets.get(key, (fractions.Fraction(self.config["burst"]), when))
            tokens += fractions.Fraction(when - last, 10**6) * self.config["rate"]
            self.buckets[key] = min(tokens, self.config["burst"]), when
            if tokens < 1:
                return "limit_rate"
        return None

    def take(self, key):
        self.open[key] = self.open.get(key, 0) + 1
        if "rate" in self.config and self.buckets[key][0] >= 1:
            self.buckets[key] = self.buckets[key][0] - 1, self.buckets[key][1]


def model(sent):
    """Expected (reason, whether a reset is sent) of each packet. Packets 30 s after the last one end all."""
    limits = [Limit(config) for config in CONFIG["limits"]]
    expected, opened = [], []
    for source, proto, _, dport, _, when in sent:
        while opened and when - opened[0][0] > (UDP_TIMEOUT + 1) * 10**6:
            for limit, key in opened.pop(0)[1]:
                limit.open[key] -= 1
        # Close to the end of a connection the model does not know to the tick when it was: there is no such packet.
        assert not opened or when - opened[0][0] < UDP_TIMEOUT * 10**6 - 10**6, "sent too long after"
        met = [(limit, limit.key(source)) for limit in limits if limit.matches(source, proto, dport)]
        reason, reset = None, False
        for limit, key in met:
            why = limit.ask(key, when)
            if why and limit.config.get("action") == "count":
                limit.over += 1
            elif why:
                reason, reset = why, limit.config.get("action") == "reset"
                break
        if reason is None:
            for limit, key in met:
                limit.take(key)
            opened.append((when, met))
        expected.append((reason, reset))
    return expected


# ---- test ---------------------------------------------------------------------------------------------------------

def is_reset(out, packet):
    data = bytes.fromhex(out["frame"])
    l4 = data[14 + (40 if ":" in packet[0] else 20):]
    sport, dport, seq, ack, _, flags = struct.unpack(">HHIIBB", l4[:14])
    return out["port"] == "external" and (sport, dport, seq, ack, flags) == (
        packet[3], packet[2], 0, packet[4] + 1 & 0xffffffff, 0x14)


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        config, path = os.path.join(directory, "limits.json"), os.path.join(directory, "limits.pcap")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        sent = capture(path)
        results = []
        for options in ([], ["--burst", "1"], []):
            verdicts, out = os.path.join(directory, "verdicts"), os.path.join(directory, "out.pcapng")
            run = lib.Run("--config", config, "--replay", path, "--verdicts", verdicts, "--out", out, *options)
            checks.equal("exit code", run.code, 0)
            checks.equal("sanitizers", run.report, [])
            rows, drops = lib.counters(run.out)
            checks.equal("adds up", lib.unbalanced(rows, drops), None)
            with open(verdicts, "rb") as file:
                results.append(file.read())
        checks.true("the same without bursts", results[0] == results[1])
        checks.true("the same again", results[0] == results[2])
        lines = [json.loads(line) for line in results[0].splitlines()]
        expected = model(sent)
        seen = {}
        for n, (line, (reason, reset)) in enumerate(zip(lines, expected)):
            if not checks.equal(f"packet {n} {sent[n]}", line["reason"], reason):
                break
            seen[reason] = seen.get(reason, 0) + 1
            checks.equal(f"packet {n}: state", line["state"], "new")
            if reason is None:
                checks.equal(f"packet {n}: leaves", [o["port"] for o in line["out"]], ["internal"])
            else:
                checks.equal(f"packet {n}: answers", [is_reset(o, sent[n]) for o in line["out"]], [True] * reset)
        checks.equal("lines", len(lines), len(sent))
        checks.true("all kinds are there", min(seen.get(why, 0) for why in
                                               (None, "limit_connections", "limit_rate")) > 100, seen)
        for why in ("limit_connections", "limit_rate"):
            checks.equal(why, drops.get(why), seen.get(why))
        print(seen)
    sys.exit(checks.end())


main()
