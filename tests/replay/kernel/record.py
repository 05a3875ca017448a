#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Send captures through a Linux router, a packet at a time, and write down what its connection tracking says.

usage: record.py [--set NAME=VALUE ...] [--timeout] [--short] [--notes] CAPTURE.pcapng ... --to DIRECTORY

Needs root, ip and nft. Makes three network namespaces (client, router, server), and takes them away again. A capture has
two interfaces, client (0) and server (1); behind them lie 11.0.0.0/8 and 12.0.0.0/8, 2001:db8:11::/48 and
2001:db8:12::/48. Captures named nat_* go through a router that translates. --set names settings of /proc/sys/net/netfilter, without nf_conntrack_ (tcp_loose=0). For each capture a
file of lines, FAMILY-SEED.jsonl, comes to DIRECTORY: see README.md here. --timeout adds the seconds that the
connection has left. --short writes "=" for what left as it came, but for TTL and its checksum. --notes takes over the notes of a file of lines that is there already.

How it learns what the kernel thinks: rules write state and direction into the DSCP of what leaves the router, which is
taken off again here; the connection itself is asked for by netlink, by the packet's own tuple.
"""

import argparse
import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

CLONE_NEWNET = 0x40000000
STATES = ["", "new", "established", "related", "invalid", "untracked"]
DIRECTIONS = ["none", "original", "reply"]
TCP_STATES = ["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
              "SYN_SENT2"]
ASSURED = 4
PORTS = (6, 17, 132, 136)
PATIENCE = 0.03  # seconds for a packet that does not come

DNAT = """
table ip nat {
  chain pre {
    type nat hook prerouting priority dstnat
    ip daddr 12.0.99.99 tcp dport 80 dnat to 12.0.0.80:8080
    ip daddr 12.0.99.99 udp dport 53 dnat to 12.0.0.80:5353
  }
}
"""


# ---- the router ---------------------------------------------------------------------------------------------------

def marks():
    """Rules that write what connection tracking said into the DSCP."""
    rules = []
    for s, state in enumerate(STATES):
        if not state:
            continue
        for d, direction in enumerate(DIRECTIONS):
            if (d == 0) != (state in ("invalid", "untracked")):
                continue
            match = f"ct state {state}" + (f" ct direction {direction}" if d else "")
            for family in ("ip", "ip6"):
                rules.append(f"meta nfproto {'ipv4' if family == 'ip' else 'ipv6'} {match} "
                             f"{family} dscp set {s * 4 + d} accept")
    return ("table inet marks { chain out { type filter hook postrouting priority 200;\n"
            + "\n".join(rules) + "\n}\n}\n")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


class Namespaces:
    """client, router and server, with a link each between neighbours."""

    def __init__(self, ruleset, settings):
        self.names = [f"record{os.getpid()}{'n' if ruleset else ''}-{part}" for part in ("client", "router", "server")]
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.libc = ctypes.CDLL(None, use_errno=True)
        try:
            self.build(ruleset, settings)
        except BaseException:
            self.close()
            raise

    def ip(self, name, *arguments):
        run("ip", "-n", name, *arguments)

    def build(self, ruleset, settings):
        client, router, server = self.names
        for name in self.names:
            run("ip", "netns", "add", name)
            self.ip(name, "link", "set", "lo", "up")
        for i, (end, side) in enumerate(((client, "client"), (server, "server"))):
            near, far = f"192.0.0.{4 * i + 1}", f"192.0.0.{4 * i + 2}"
            near6, far6 = f"2001:db8:{i}::1", f"2001:db8:{i}::2"
            self.ip(end, "link", "add", "end", "address", f"02:00:00:00:00:{4 * i + 2:02x}", "type", "veth",
                    "peer", "name", side, "netns", router, "address", f"02:00:00:00:00:{4 * i + 1:02x}")
            for name, link in ((end, "end"), (router, side)):
                run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv6.conf.{link}.accept_dad=0",
                    f"net.ipv6.conf.{link}.router_solicitations=0")
                self.ip(name, "link", "set", link, "up")
            self.ip(router, "addr", "add", near + "/30", "dev", side)
            self.ip(router, "addr", "add", near6 + "/64", "dev", side, "nodad")
            self.ip(router, "neigh", "add", far, "lladdr", f"02:00:00:00:00:{4 * i + 2:02x}", "dev", side)
            self.ip(router, "neigh", "add", far6, "lladdr", f"02:00:00:00:00:{4 * i + 2:02x}", "dev", side)
            self.ip(router, "route", "add", f"{11 + i}.0.0.0/8", "via", far)
            self.ip(router, "route", "add", f"2001:db8:{11 + i}::/48", "via", far6)
            for name, link in ((end, "end"), (router, side)):
                subprocess.run(["ip", "netns", "exec", name, "ethtool", "-K", link, "tx", "off", "rx", "off", "tso", "off",
                                "gro", "off", "gso", "off"], capture_output=True, check=False)
        values = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1", "net.ipv4.conf.all.rp_filter": "0",
                  "net.ipv4.conf.default.rp_filter": "0", "net.ipv4.conf.client.rp_filter": "0",
                  "net.ipv4.conf.server.rp_filter": "0", "net.ipv4.conf.all.send_redirects": "0"}
        values.update({f"net.netfilter.nf_conntrack_{name}": value for name, value in settings})
        run("ip", "netns", "exec", router, "nft", "-f", "-", input=marks() + ruleset)
        run("ip", "netns", "exec", router, "sysctl", "-qw", *(f"{n}={v}" for n, v in values.items()))

    def socket(self, name, *arguments):
        """A socket that belongs to a namespace: the one where it was made."""
        with open(f"/run/netns/{name}", "rb") as there:
            self.enter(there.fileno())
            try:
                return socket.socket(*arguments)
            finally:
                self.enter(self.home)

    def enter(self, descriptor):
        if self.libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class End:
    """A host's link: sends frames, and sees what the router sends."""

    def __init__(self, namespaces, name, router_mac, own_mac):
        self.link = namespaces.socket(name, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.link.bind(("end", 3))
        self.link.setblocking(False)
        self.header = bytes.fromhex((router_mac + own_mac).replace(":", ""))

    def drain(self):
        while self.receive(0) is not None:
            pass

    def send(self, frame):
        self.link.send(self.header + frame[12:])

    def receive(self, patience):
        """The next packet that the router marked, or None."""
        while True:
            ready, _, _ = select.select([self.link], [], [], patience)
            if not ready:
                return None
            frame, (_, _, kind, _, _) = self.link.recvfrom(70000)
            if kind == socket.PACKET_OUTGOING:
                continue
            packet = frame[14:]
            version = packet[0] >> 4 if frame[12:14] in (b"\x08\x00", b"\x86\xdd") else 0
            if version == 4 and packet[1] >> 2 or version == 6 and (packet[0] << 4 | packet[1] >> 4) >> 2 & 63:
                return packet


def unmark(packet):
    """(state, direction, packet as it would have left without the mark)."""
    packet = bytearray(packet)
    if packet[0] >> 4 == 4:
        dscp = packet[1] >> 2
        packet[1] &= 3
        header = (packet[0] & 15) * 4
        packet[10:12] = b"\0\0"
        total = sum(struct.unpack(f">{header // 2}H", packet[:header]))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        packet[10:12] = struct.pack(">H", total ^ 0xffff)
        packet = packet[:struct.unpack(">H", packet[2:4])[0]]
    else:
        first = struct.unpack(">I", packet[:4])[0]
        dscp = first >> 22 & 63
        packet[:4] = struct.pack(">I", first & ~(63 << 22))
        packet = packet[:40 + struct.unpack(">H", packet[4:6])[0]]
    return STATES[dscp >> 2], DIRECTIONS[dscp & 3], bytes(packet)


# ---- asking for a connection --------------------------------------------------------------------------------------

def attribute(kind, *parts):
    body = b"".join(parts)
    return struct.pack("=HH", len(body) + 4, kind) + body + b"\0" * (-len(body) % 4)


def attributes(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        size, kind = struct.unpack("=HH", data[at:at + 4])
        if size < 4:
            break
        found[kind & 0x3fff] = data[at + 4:at + size]
        at += size + 3 & ~3
    return found


def tuple_of(packet):
    """Family, protocol, and the attributes that name a packet's connection; None if its header is too short."""
    if packet[0] >> 4 == 4:
        family, protocol, header = socket.AF_INET, packet[9], (packet[0] & 15) * 4
        addresses = attribute(1, packet[12:16]), attribute(2, packet[16:20])
    else:
        family, protocol, header = socket.AF_INET6, packet[6], 40
        addresses = attribute(3, packet[8:24]), attribute(4, packet[24:40])
    l4 = packet[header:]
    if len(l4) < (4 if protocol in PORTS else 8 if protocol in (1, 58) else 0):
        return None
    if protocol in PORTS:
        ports = attribute(2, l4[:2]), attribute(3, l4[2:4])
    elif protocol == 1:
        ports = attribute(4, l4[4:6]), attribute(5, l4[:1]), attribute(6, b"\0")
    elif protocol == 58:
        ports = attribute(7, l4[4:6]), attribute(8, l4[:1]), attribute(9, b"\0")
    else:
        ports = ()
    nested = 0x8000
    return family, protocol, attribute(1 | nested, attribute(1 | nested, *addresses),
                                       attribute(2 | nested, attribute(1, bytes([protocol])), *ports))


class Table:
    """The router's connections, by netlink."""

    NEWCT, GET, DELETE = 0x100, 0x101, 0x102
    ERROR = 2

    def __init__(self, namespaces, name):
        self.netlink = namespaces.socket(name, socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.netlink.settimeout(2)

    def ask(self, kind, flags, family, body=b""):
        self.netlink.send(struct.pack("=IHHIIBBH", 20 + len(body), kind, flags | 1, 1, 0, family, 0, 0) + body)
        answer = self.netlink.recv(70000)
        kind = struct.unpack("=H", answer[4:6])[0]
        if kind == self.ERROR:
            code = -struct.unpack("=i", answer[16:20])[0]
            return None if code == 0 else code
        size = struct.unpack("=I", answer[:4])[0]
        return attributes(answer[20:size])

    def flush(self):
        self.ask(self.DELETE, 4, 0)

    def find(self, packet):
        """(protocol, attributes) of a packet with a tuple; the latter None when there is no such connection."""
        family, protocol, body = tuple_of(packet)
        found = self.ask(self.GET, 0, family, body)
        return protocol, found if isinstance(found, dict) else None


def connection(table, packet, with_timeout):
    if tuple_of(packet) is None:
        return {}
    protocol, found = table.find(packet)
    said = {}
    if protocol == 6:
        said["tcp"] = "NONE"
        if found is not None:
            state = attributes(attributes(found[4])[1])[1][0]
            assured = struct.unpack(">I", found[3])[0] & ASSURED
            said["tcp"] = TCP_STATES[state] + (" ASSURED" if assured else "")
    if with_timeout and found is not None:
        said["timeout"] = struct.unpack(">I", found[7])[0]
    return said


# ---- recording ----------------------------------------------------------------------------------------------------

class Router:
    """A router that says of each packet what it thinks of it."""

    def __init__(self, settings=(), ruleset=""):
        self.namespaces = Namespaces(ruleset, settings)
        client, router, server = self.namespaces.names
        self.ends = [End(self.namespaces, client, "02:00:00:00:00:01", "02:00:00:00:00:02"),
                     End(self.namespaces, server, "02:00:00:00:00:05", "02:00:00:00:00:06")]
        self.table = Table(self.namespaces, router)
        time.sleep(1)  # until the links are up in every respect

    def judge(self, face, frame, with_timeout=False):
        """What becomes of a frame that comes in on a face; state and direction are None when nothing left."""
        self.ends[1 - face].drain()
        self.ends[face].send(frame)
        packet = self.ends[1 - face].receive(PATIENCE)
        said = {"state": None, "dir": None, "out": None}
        if packet is not None:
            state, direction, out = unmark(packet)
            said = {"state": state, "dir": direction, "out": out.hex()}
        said.update(connection(self.table, frame[14:], with_timeout))
        return said

    def record(self, packets, with_timeout=False):
        """packets: (face, frame). Forgets all connections first."""
        self.table.flush()
        for n, (face, frame) in enumerate(packets):
            yield {"n": n, "if": face, **self.judge(face, frame, with_timeout)}

    def close(self):
        self.namespaces.close()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("captures", nargs="+", type=pathlib.Path)
    parser.add_argument("--to", type=pathlib.Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--notes", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("SHUNT_SOURCE_DIR", "")
    os.environ.setdefault("SHUNT", "")
    import lib
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # takes the namespaces away
    settings = [setting.split("=") for setting in options.set]
    routers = {}
    try:
        for capture in options.captures:
            nat = capture.name.startswith("nat_")
            if nat not in routers:
                routers[nat] = Router(settings, DNAT if nat else "")
            router = routers[nat]
            packets = [(p.face, p.data) for p in lib.read_capture(capture)[0]]
            notes = {}
            old = capture.with_suffix(".jsonl")
            if options.notes and old.exists():
                notes = {line["n"]: line["note"] for line in map(json.loads, old.open()) if "note" in line}
            with open(options.to / old.name, "w", encoding="utf-8") as lines:
                for said in router.record(packets, options.timeout):
                    if said["n"] in notes:
                        said["note"] = notes[said["n"]]
                    if options.short and said["out"] == lib.routed(packets[said["n"]][1][14:]).hex():
                        said["out"] = "="
                    lines.write(json.dumps(said) + "\n")
    finally:
        for router in routers.values():
            router.close()


if __name__ == "__main__":
    main()
