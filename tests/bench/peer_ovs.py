#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The peer: Open vSwitch's userspace datapath doing the job that shunt does.

Two net_pcap ports replay the captures of `shunt-mkpcap udp-sessions` without end; one PMD thread
tracks the sessions, translates the service's address to the backend's and back, rewrites the MACs
and decrements the TTL. OVS runs privately, with every file in a temporary directory: it neither
needs nor touches a system service. Called by scripts/bench, or by itself:

    peer_ovs.py --client A.pcap --server B.pcap --sessions N [--seconds S] [--core C]

prints the rows of its measurement as JSON, one a line.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

if __package__:
    from . import lib
else:
    import lib

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"

# What shunt-mkpcap writes unless told otherwise.
VIP, VIP_PORT = "10.255.0.1", 9000
BACKEND, BACKEND_PORT, BACKENDS = "10.1.0.%d", 7000, 16
EXTERNAL_MAC, INTERNAL_MAC = "02:70:63:61:70:00", "02:70:63:61:70:01"
CLIENT_MAC, BACKEND_MAC = "02:00:00:00:00:fe", "02:00:00:00:01:%02x"

RXQ_DESC = 4096  # the most that OVS allows
MBUF_BYTES = 2304  # about what a mbuf takes with mtu_request=800
MBUFS_SHARED = 100_000  # sessions up to which the shared mbuf pool (262,144 for two ports) holds


def available():
    """Why OVS cannot run here, or None."""
    if not os.access(VSWITCHD, os.X_OK):
        return "openvswitch-switch-dpdk is not installed"
    if os.geteuid() != 0:
        return "Open vSwitch with DPDK needs root"
    return None


def hugepages_needed(sessions):
    """Megabytes of hugepages that a run takes, with room for everything small."""
    if sessions <= MBUFS_SHARED:
        return 1536  # 262,144 mbufs of the default size
    return 2 * (sessions + 40_000) * MBUF_BYTES // 2**20 + 1024


def flows():
    """The OpenFlow rules: DNAT of new sessions, then both directions of established ones.

    Clients are behind port 1, servers behind port 2.
    """
    to_client = (
        f"mod_dl_src:{EXTERNAL_MAC},mod_dl_dst:{CLIENT_MAC},dec_ttl,output:1"
    )
    yield f"table=0,priority=10,in_port=1,udp,nw_dst={VIP},actions=ct(zone=1,nat,table=1)"
    yield "table=0,priority=10,in_port=2,udp,actions=ct(zone=1,nat,table=2)"
    yield "table=0,priority=0,actions=drop"
    for k in range(BACKENDS):
        backend = BACKEND % (k + 1)
        to_server = (
            f"mod_dl_src:{INTERNAL_MAC},mod_dl_dst:{BACKEND_MAC % (k + 1)},dec_ttl,output:2"
        )
        yield (
            f"table=1,ct_state=+trk+new,udp,tp_dst={VIP_PORT + k},"
            f"actions=ct(commit,zone=1,nat(dst={backend}:{BACKEND_PORT})),{to_server}"
        )
        yield f"table=1,ct_state=+trk+est,udp,nw_dst={backend},actions={to_server}"
    yield f"table=2,ct_state=+trk+est+rpl,udp,actions={to_client}"


class Ovs:
    """A private Open vSwitch; a context manager, so that nothing of it outlives an error."""

    def __init__(self, sessions, core=1):
        self.sessions = sessions
        self.core = core
        self.directory = None
        self.children = []

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="shunt-ovs-")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        shutil.rmtree(self.directory, ignore_errors=True)

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _environment(self):
        private = dict.fromkeys(
            ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), self.directory
        )
        return {**os.environ, **private}

    def _spawn(self, *argv):
        with open(self._path("output.log"), "ab") as log:
            self.children.append(
                subprocess.Popen(
                    argv,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def tool(self, *argv, timeout=120):
        """Run one of OVS's own commands and return what it prints."""
        done = subprocess.run(
            argv,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}\n{self.log_tail()}")
        return done.stdout

    def log_tail(self):
        """The end of vswitchd's log, for an error message."""
        try:
            with open(self._path("ovs-vswitchd.log"), encoding="utf-8") as log:
                return "".join(log.readlines()[-15:])
        except OSError:
            return ""

    def vsctl(self, *argv):
        """Change the configuration and wait until vswitchd took it."""
        return self.tool("ovs-vsctl", "--timeout=30", f"--db=unix:{self._path('db.sock')}", *argv)

    def appctl(self, *argv):
        """Ask the running vswitchd."""
        return self.tool("ovs-appctl", "-t", self._path("vswitchd.ctl"), *argv)

    def _wait_for(self, name):
        deadline = time.monotonic() + 30
        while not os.path.exists(self._path(name)):
            if time.monotonic() > deadline or any(c.poll() is not None for c in self.children):
                raise RuntimeError(f"Open vSwitch did not start:\n{self.log_tail()}")
            time.sleep(0.05)

    def _start(self):
        self.tool("ovsdb-tool", "create", self._path("conf.db"), SCHEMA)
        self._spawn(
            "ovsdb-server",
            self._path("conf.db"),
            f"--remote=punix:{self._path('db.sock')}",
            f"--unixctl={self._path('ovsdb.ctl')}",
            "-vfile:off",
        )
        self._wait_for("db.sock")
        self.vsctl("--no-wait", "init")
        self.vsctl(
            "--no-wait",
            "set",
            "Open_vSwitch",
            ".",
            "other_config:dpdk-init=true",
            f"other_config:pmd-cpu-mask={1 << self.core:#x}",
            f"other_config:per-port-memory={str(self.sessions > MBUFS_SHARED).lower()}",
            'other_config:dpdk-extra="--in-memory --no-pci --no-telemetry"',
        )
        self._spawn(
            VSWITCHD,
            f"unix:{self._path('db.sock')}",
            f"--unixctl={self._path('vswitchd.ctl')}",
            f"--log-file={self._path('ovs-vswitchd.log')}",
            "-vconsole:off",
        )
        self._wait_for("vswitchd.ctl")

    def _port(self, index, name, capture):
        """The arguments that add one port.

        net_pcap holds a whole capture in mbufs of the port's pool. OVS sizes a pool of its own for
        a port after queues x descriptors, whatever the device makes of that request later.
        """
        arguments = [
            *("--", "add-port", "br0", name, "--", "set", "Interface", name, "type=dpdk"),
            f"options:dpdk-devargs=net_pcap{index},rx_pcap={capture},infinite_rx=1",
            f"options:n_rxq_desc={RXQ_DESC}",
        ]
        if self.sessions > MBUFS_SHARED:
            arguments += [f"options:n_rxq={-(-self.sessions // RXQ_DESC) + 2}", "mtu_request=800"]
        return arguments

    def load(self, client, server):
        """Make the bridge and its flows; the captures start to run."""
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        self.appctl("dpctl/ct-set-maxconns", str(2 * self.sessions + 10_000))
        # The flows come first: a session is then tracked from its first packet on.
        rules = self._path("flows")
        with open(rules, "w", encoding="utf-8") as out:
            out.writelines(rule + "\n" for rule in flows())
        self.tool("ovs-ofctl", "-OOpenFlow13", "replace-flows", f"unix:{self._path('br0.mgmt')}", rules)
        self.vsctl(*self._port(0, "client", client), "ofport_request=1")
        self.vsctl(*self._port(1, "server", server), "ofport_request=2")
        for name in ("client", "server"):
            error = self.vsctl("get", "Interface", name, "error").strip()
            if error != "[]":
                raise RuntimeError(f"port {name}: {error}\n{self.log_tail()}")

    def wait_established(self, timeout=120):
        """Wait until every session is in the table; returns how many are."""
        deadline = time.monotonic() + timeout
        count = 0
        while count < self.sessions and time.monotonic() < deadline:
            time.sleep(0.5)
            count = int(self.appctl("dpctl/ct-get-nconns").strip())
        return count

    def _pmd_counters(self):
        text = self.appctl("dpif-netdev/pmd-stats-show")
        text = text[text.index(f"core_id {self.core}:") :]
        found = re.search(r"avg cycles per packet: [\d.]+ \((\d+)/(\d+)\)", text)
        if not found:
            raise RuntimeError(f"no packets are counted:\n{text}\n{self.log_tail()}")
        return int(found[1]), int(found[2]), text

    def _sent(self):
        """Packets sent by the client's and the server's port, of this moment."""
        text = self.appctl("dpctl/show", "-s", "netdev@ovs-netdev")
        return [
            int(re.search(rf"port \d+: {name} .*?TX packets:(\d+)", text, re.DOTALL)[1])
            for name in ("client", "server")
        ]

    def measure(self, seconds):
        """Cycles a packet and packets a second of the PMD thread over some seconds."""
        waiting = lib.Waiting(self.children[-1].pid, self.core)
        before = self._sent()
        self.appctl("dpif-netdev/pmd-stats-clear")
        begin = time.monotonic()
        time.sleep(seconds)
        cycles, packets, text = self._pmd_counters()
        elapsed = time.monotonic() - begin
        after = self._sent()
        waiting.warn(f"Open vSwitch, {self.sessions} sessions")
        return {
            "cycles_per_packet": cycles / packets,
            "mpps": packets / elapsed / 1e6,
            "sent": [b - a for a, b in zip(before, after)],
            "text": text,
        }


def run(client, server, sessions, seconds, core=1, verbose=False):
    """Start OVS, establish the sessions, measure; returns the two rows."""
    with Ovs(sessions, core) as ovs:
        ovs.load(client, server)
        count = ovs.wait_established()
        if count < sessions:
            raise RuntimeError(f"only {count} of {sessions} sessions were established")
        time.sleep(1)
        result = ovs.measure(seconds)
        if verbose:
            print(result["text"], result["sent"], ovs.log_tail(), file=sys.stderr)
    # Both directions must come out: a rule that drops one would look fast.
    if min(result["sent"]) == 0 or sum(result["sent"]) < 0.9 * result["mpps"] * 1e6 * seconds:
        raise RuntimeError(f"packets got lost: {result}")
    row = {"name": "established-udp-dnat", "sessions": sessions, "peer": "ovs"}
    return [
        {**row, "metric": metric, "value": round(result[metric], 3)}
        for metric in ("cycles_per_packet", "mpps")
    ]


def main():
    """Measure once, from the command line."""
    parser = argparse.ArgumentParser(description="measure Open vSwitch with two captures")
    parser.add_argument("--client", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    reason = available()
    if reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 77
    for row in run(**vars(arguments)):
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
