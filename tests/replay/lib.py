# SPDX-License-Identifier: BSD-3-Clause
"""What the replay tests share: run shunt, read its tables, its verdicts and its capture, and read captures at all.

The readers are written from the formats' specifications and share nothing with shunt's: they say what a capture holds.
"""

import collections
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

SKIP = 77
SOURCE = pathlib.Path(os.environ["SHUNT_SOURCE_DIR"])
SHUNT = os.environ["SHUNT"]
SHARED = pathlib.Path(os.environ.get("SHUNT_SHARED", SOURCE / ".." / "shared"))
REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error", "SUMMARY: ", "Segmentation")

Packet = collections.namedtuple("Packet", "ns face data length")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


# ---- running ------------------------------------------------------------------------------------------------------

class Run:
    """One run of shunt: exit code, output, and what the options asked it to write."""

    def __init__(self, *arguments):
        # The sanitizers watch shunt, not what EAL leaves behind on purpose at exit.
        done = subprocess.run([SHUNT, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.report = [line for line in (self.out + self.err).splitlines()
                       if any(word in line for word in REPORTS)]


def counters(table):
    """The rows of the table "Packets", and the drops by reason."""
    rows, drops, title = {}, {}, None
    for line in table.splitlines():
        if not line.strip():
            title = None
        elif title is None:
            title = line.split(" (")[0]
        elif title == "Packets" and "  " in line.strip():
            cells = line.rsplit(None, 2)
            if len(cells) == 3 and cells[1].replace(",", "").isdigit():
                rows[cells[0].strip()] = int(cells[1].replace(",", ""))
        elif title == "Dropped packets by reason" and line.split()[1].replace(",", "").isdigit():
            drops[line.split()[0]] = int(line.split()[1].replace(",", ""))
    return rows, drops


def unbalanced(rows, drops):
    """Why the packets of a run do not add up; None if they do."""
    parts = ["forwarded, fast path", "forwarded, slow path", "to shunt itself", "held for a neighbour",
             "waiting for other fragments", "merged with other fragments", "dropped"]
    missing = [part for part in parts + ["in", "out", "made by shunt"] if part not in rows]
    if missing:
        return f"the table lacks {missing}"
    if rows["in"] != sum(rows[part] for part in parts):
        return f"in is not the sum of what became of the packets: {rows}"
    if rows["dropped"] != sum(drops.values()):
        return f"{rows['dropped']} dropped, but by reason {sum(drops.values())}"
    if rows["out"] != rows["forwarded, fast path"] + rows["forwarded, slow path"] + rows["made by shunt"]:
        return f"out is not what was forwarded or made: {rows}"
    return None


def verdicts(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def scratch():
    return tempfile.TemporaryDirectory(prefix="shunt-replay-")


# ---- captures -----------------------------------------------------------------------------------------------------

def read_pcap(data):
    """(packets, link types by interface, names by interface, whether the file ends as it should)."""
    order = {b"\xa1\xb2\xc3\xd4": ">", b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">", b"\x4d\x3c\xb2\xa1": "<"}
    mark = order[data[:4]]
    scale = 1 if data[:4] in (b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1") else 1000
    minor = struct.unpack(mark + "H", data[6:8])[0]
    link = struct.unpack(mark + "I", data[20:24])[0] & 0x0fffffff
    packets, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, caplen, length = struct.unpack(mark + "IIII", data[at:at + 16])
        if minor < 3:  # the two had changed places then
            caplen, length = length, caplen
        if caplen > 262144 * 4 or at + 16 + caplen > len(data):
            break
        packets.append(Packet(seconds * 10**9 + fraction * scale, 0, data[at + 16:at + 16 + caplen], length))
        at += 16 + caplen
    return packets, [link], [""], at == len(data)


def read_pcapng(data):
    packets, links, names, scales, at, mark, base = [], [], [], [], 0, "<", 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            mark = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            base = len(links)
        kind, size = struct.unpack(mark + "II", data[at:at + 8])
        if size < 12 or size % 4 or at + size > len(data):
            break
        body = data[at + 8:at + size - 4]
        if kind == 1:
            links.append(struct.unpack(mark + "H", body[:2])[0])
            name, scale, option = "", 1000, 8
            while option + 4 <= len(body):
                code, length = struct.unpack(mark + "HH", body[option:option + 4])
                value = body[option + 4:option + 4 + length]
                if code == 2:
                    name = value.decode()
                elif code == 9:
                    scale = 10 ** (9 - value[0]) if value[0] <= 9 else 1
                option += 4 + (length + 3 & ~3)
            names.append(name)
            scales.append(scale)
        elif kind == 6:
            face, high, low, caplen, length = struct.unpack(mark + "IIIII", body[:20])
            face += base
            packets.append(Packet((high << 32 | low) * scales[face], face, body[20:20 + caplen], length))
        elif kind == 3:
            length = struct.unpack(mark + "I", body[:4])[0]
            packets.append(Packet(0, base, body[4:4 + min(length, len(body) - 4)], length))
        at += size
    return packets, links, names, at == len(data)


def read_capture(path):
    data = pathlib.Path(path).read_bytes()
    return read_pcapng(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap(data)


def write_pcap(path, frames, link=1, snap=65535):
    """frames: (seconds, bytes) or (seconds, bytes, length on the wire)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, snap, link))
        for when, data, *length in frames:
            out.write(struct.pack("<IIII", int(when), int(when % 1 * 10**6), len(data), *(length or [len(data)])))
            out.write(data)


def routed(packet):
    """An IP packet as a router sends it on: one hop less, and the checksum that this makes."""
    packet = bytearray(packet)
    if packet[0] >> 4 == 6:
        packet[7] -= packet[7] > 0
        return bytes(packet[:40 + struct.unpack(">H", packet[4:6])[0]])
    packet[8] -= packet[8] > 0
    packet[10:12] = b"\0\0"
    header = (packet[0] & 15) * 4
    total = sum(struct.unpack(f">{header // 2}H", packet[:header])) if len(packet) >= header else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    packet[10:12] = struct.pack(">H", total ^ 0xffff)
    return bytes(packet[:struct.unpack(">H", packet[2:4])[0]])


# ---- checks -------------------------------------------------------------------------------------------------------

class Checks:
    """Collects what failed; a test ends with `sys.exit(checks.end())`."""

    def __init__(self):
        self.failed = 0
        self.done = 0

    def true(self, what, condition, detail=""):
        self.done += 1
        if not condition:
            self.failed += 1
            print(f"FAIL {what}" + (f": {detail}" if detail != "" else ""))
        return bool(condition)

    def equal(self, what, got, want):
        return self.true(what, got == want, f"got {str(got)[:500]}, want {str(want)[:500]}")

    def end(self):
        print(f"{self.done} checks, {self.failed} failed")
        return 1 if self.failed else 0
