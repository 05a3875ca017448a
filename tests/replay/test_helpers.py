#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""An FTP session and a TFTP transfer behind a VIP, replayed: what both ends receive is put together again byte by byte.

The capture is made here, with the numbers that real ends would use. From the frames that left, each end's stream must have no
hole and no byte twice with different values, say what it should, and every checksum must be right. Other sizes of burst must
give the same bytes.
"""

import ipaddress
import json
import os
import struct
import sys

import lib

CLIENT, VIP, SERVER = "11.0.0.5", "12.0.99.199", "12.0.0.80"
SYN, ACK, PSH, FIN = 2, 16, 8, 1
MASK = 0xffffffff

CONFIG = {
    "ports": [
        {"name": "client", "role": "external", "promiscuous": True, "addresses": ["192.0.0.1/30"]},
        {"name": "server", "role": "internal", "promiscuous": True, "addresses": ["192.0.0.5/30"]}],
    "routes": [{"prefix": "11.0.0.0/8", "via": "192.0.0.2"}, {"prefix": "12.0.0.0/8", "via": "192.0.0.6"}],
    "neighbours": [
        {"port": "client", "address": "192.0.0.2", "mac": "02:00:00:00:00:02"},
        {"port": "server", "address": "192.0.0.6", "mac": "02:00:00:00:00:06"}],
    "conntrack": {"rules": [
        {"protocol": "tcp", "destination-port": 21, "helper": "ftp"},
        {"protocol": "udp", "destination-port": 69, "helper": "tftp"}]},
    "services": [
        {"name": "ftp", "vip": VIP, "protocol": "tcp", "port": 21, "backends": [{"address": SERVER, "port": 2121}]},
        {"name": "tftp", "vip": VIP, "protocol": "udp", "port": 69, "backends": [{"address": SERVER}]}],
}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def frame(source, destination, proto, segment):
    """Ethernet and IPv4 around a transport segment whose checksum field, at its usual place, is zero."""
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    at = 16 if proto == 6 else 6
    sum_ = checksum(addresses + struct.pack(">HH", proto, len(segment)) + segment)
    segment = segment[:at] + struct.pack(">H", sum_) + segment[at + 2:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, proto, 0) + addresses
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return bytes.fromhex("0200000000010200000000090800") + header + segment


def write_pcapng(path, packets):
    """packets: (interface, frame), a millisecond apart."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    with open(path, "wb") as out:
        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for name in (b"client", b"server"):
            out.write(block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 2, len(name)) + name +
                            b"\0" * (-len(name) % 4) + bytes(4)))
        for n, (face, data) in enumerate(packets):
            when = 10**15 + n * 1000
            out.write(block(6, struct.pack("<IIIII", face, when >> 32, when & MASK, len(data), len(data)) + data))


class Connection:
    """Both ends of a TCP connection. An end knows the other's numbers as they reach it: moved by `shift`."""

    def __init__(self, packets, opener, seqs=(1000, MASK - 40)):
        # opener: interface, then per end (by interface) the address and port that it has, and that it knows the other by.
        self.packets, (first, self.me, self.other) = packets, opener
        self.next, self.shift = list(seqs), [0, 0]
        self.segment(first, SYN)
        self.segment(1 - first, SYN | ACK)
        self.segment(first, ACK)

    def segment(self, face, flags, text=b"", back=0):
        ack = self.next[1 - face] + self.shift[1 - face] if flags & ACK else 0
        header = struct.pack(">HHIIBBHHH", self.me[face][1], self.other[face][1], (self.next[face] - back) & MASK,
                             ack & MASK, 0x50, flags, 65535, 0, 0)
        self.packets.append((face, frame(self.me[face][0], self.other[face][0], 6, header + text)))
        if not back:
            self.next[face] += len(text) + bool(flags & (SYN | FIN))

    def say(self, face, text, arrives=None, again=False):
        """`again`: it is sent twice before the other end acknowledges it."""
        text = text.encode()
        self.segment(face, ACK | PSH, text)
        self.shift[face] += len(arrives or text) - len(text)
        if again:
            self.segment(face, ACK | PSH, text, back=len(text))
        self.segment(1 - face, ACK)


def session():
    """(packets, what each end must read of the control connection, how many connections were announced)."""
    packets = []
    ftp = Connection(packets, (0, [(CLIENT, 40000), (SERVER, 2121)], [(VIP, 21), (CLIENT, 40000)]))
    heard = ["", ""]

    def say(face, text, arrives=None, again=False):
        ftp.say(face, text, arrives, again)
        heard[1 - face] += arrives or text

    say(1, "220 ready\r\n")
    say(0, "USER anonymous\r\n")
    say(1, "230 welcome\r\n")
    for n in range(6):
        port = 5000 + 300 * n
        words = f"{port >> 8},{port & 255}"
        if n % 3 == 0:
            say(0, "PASV\r\n")
            say(1, f"227 Entering Passive Mode (12,0,0,80,{words}).\r\n",
                f"227 Entering Passive Mode (12,0,99,199,{words}).\r\n", again=n == 3)
        elif n % 3 == 1:
            say(0, "EPSV\r\n")
            say(1, f"229 Entering Extended Passive Mode (|||{port}|)\r\n")
        else:
            say(0, f"PORT 11,0,0,5,{words}\r\n")
            say(1, "200 PORT command successful\r\n")
        if n % 3 < 2:
            data = Connection(packets, (0, [(CLIENT, 50000 + n), (SERVER, port)], [(VIP, port), (CLIENT, 50000 + n)]))
        else:
            data = Connection(packets, (1, [(CLIENT, port), (SERVER, 20)], [(VIP, 20), (CLIENT, port)]))
        data.say(1, f"file {n}")
        say(1, "226 done\r\n")
    request = b"\0\1file\0octet\0"
    for face, source, sport, destination, dport, text in (
            (0, CLIENT, 45000, VIP, 69, request), (1, SERVER, 33333, CLIENT, 45000, b"\0\3\0\1data"),
            (0, CLIENT, 45000, VIP, 33333, b"\0\4\0\1")):
        packets.append((face, frame(source, destination, 17,
                                    struct.pack(">HHHH", sport, dport, 8 + len(text), 0) + text)))
    return packets, heard, 7


def streams(frames, checks):
    """By (receiver's port, tuple): the bytes of each TCP stream, put together by number."""
    found = {}
    for port, data in frames:
        ip, tcp = data[14:34], data[34:]
        proto, length = ip[9], struct.unpack(">H", ip[2:4])[0]
        checks.equal("frame's length", len(data), 14 + length)
        checks.equal("IP checksum", checksum(ip), 0)
        checks.equal("transport checksum", checksum(ip[12:20] + struct.pack(">HH", proto, len(tcp)) + tcp), 0)
        if proto != 6:
            continue
        sport, dport, seq, _, offset, flags = struct.unpack(">HHIIBB", tcp[:14])
        key = (port, str(ipaddress.ip_address(ip[12:16])), sport, str(ipaddress.ip_address(ip[16:20])), dport)
        if flags & SYN:
            found[key] = [(seq + 1) & MASK, {}]
        first, held = found[key]
        for i, byte in enumerate(tcp[(offset >> 4) * 4:]):
            checks.equal("a byte sent twice", held.setdefault((seq - first + i) & MASK, byte), byte)
    return {key: bytes(held[i] for i in sorted(held)) if sorted(held) == list(range(len(held))) else None
            for key, (_, held) in found.items()}


def main():
    checks = lib.Checks()
    packets, heard, announced = session()
    with lib.scratch() as directory:
        capture, config = os.path.join(directory, "in.pcapng"), os.path.join(directory, "config.json")
        write_pcapng(capture, packets)
        with open(config, "w", encoding="utf-8") as out:
            json.dump(CONFIG, out)
        results = []
        for burst in (1, 7, 64):
            path = os.path.join(directory, f"verdicts{burst}")
            run = lib.Run("--config", config, "--replay", capture, "--verdicts", path, "--burst", burst)
            checks.equal("exit code", run.code, 0)
            checks.equal("sanitizers", run.report, [])
            checks.equal("accounts", lib.unbalanced(*lib.counters(run.out)), None)
            results.append(lib.verdicts(path))
    lines = results[0]
    for other in results[1:]:
        for one, two in zip(lines, other):
            checks.equal(f"packet {one['n']} in another burst", (two["state"], two["verdict"], two["out"]),
                         (one["state"], one["verdict"], one["out"]))
    checks.equal("packets forwarded", [line["n"] for line in lines if line["verdict"] != "forward"], [])
    checks.equal("connections announced", sum(line["state"] == "related" for line in lines), announced)
    found = streams([(out["port"], bytes.fromhex(out["frame"])) for line in lines for out in line["out"]], checks)
    checks.equal("what the client reads", found["client", VIP, 21, CLIENT, 40000], heard[0].encode())
    checks.equal("what the server reads", found["server", CLIENT, 40000, SERVER, 2121], heard[1].encode())
    files = sorted(text for key, text in found.items() if key[0] == "client" and text and text.startswith(b"file"))
    checks.equal("files", files, [f"file {n}".encode() for n in range(6)])
    sys.exit(checks.end())


main()
