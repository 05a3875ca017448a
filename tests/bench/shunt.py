# SPDX-License-Identifier: BSD-3-Clause
"""Drives the program under test: its configuration, its prompt, its statistics."""

import json
import os
import select
import subprocess
import tempfile
import time

VIP, VIP_PORT = "10.255.0.1", 9000
BACKENDS, BACKEND_PORT = 16, 7000
MBUF_SIZE = 256  # 60 bytes behind a headroom of 128
SPARE_MBUFS = 16384
MBUF_BYTES = MBUF_SIZE + 128 + 64  # with struct rte_mbuf and what the mempool adds


def configuration(sessions, connections):
    """The services of `shunt-mkpcap udp-sessions`, with room for so many sessions in mbufs."""
    backend = [f"10.1.0.{k + 1}" for k in range(BACKENDS)]
    return {
        "ports": [
            {
                "name": "external",
                "device": "net_pcap0",
                "role": "external",
                "addresses": ["198.51.100.2/24"],
            },
            {
                "name": "internal",
                "device": "net_pcap1",
                "role": "internal",
                "addresses": ["10.1.0.254/24"],
            },
        ],
        "routes": [{"prefix": "198.18.0.0/15", "via": "198.51.100.1"}],
        "neighbours": [
            {"port": "external", "address": "198.51.100.1", "mac": "02:00:00:00:00:fe"},
            *(
                {"port": "internal", "address": a, "mac": f"02:00:00:00:01:{k + 1:02x}"}
                for k, a in enumerate(backend)
            ),
        ],
        "tables": {
            "connections": connections,
            "connections-ipv6": 0,
            "mbufs": 2 * sessions + SPARE_MBUFS,
            "mbuf-size": MBUF_SIZE,
        },
        "conntrack": {"timeouts": {"udp": 86400, "udp-stream": 86400}},
        "services": [
            {
                "name": f"service-{k}",
                "vip": VIP,
                "protocol": "udp",
                "port": VIP_PORT + k,
                "backends": [{"address": a, "port": BACKEND_PORT}],
            }
            for k, a in enumerate(backend)
        ],
        # The servers' capture runs from the start: its packets must not open connections.
        "classes": [{"name": "unasked", "drop": True}],
        "rules": [{"class": "unasked", "port": "internal", "state": "new"}],
    }


def hugepages_needed(sessions, connections):
    """Megabytes of hugepages that a run takes, with room for everything small."""
    return ((2 * sessions + SPARE_MBUFS) * MBUF_BYTES + connections * 400) // 2**20 + 512


class Shunt:
    """A running shunt; a context manager, so that it never outlives its benchmark."""

    def __init__(self, build, config, captures, cores=(0, 1), stage_cycles=False):
        self.program = os.path.join(build, "src", "shunt")
        self.config = config
        self.captures = captures
        self.cores = cores
        self.stage_cycles = stage_cycles
        self.process = None
        self.files = None
        self.unread = b""

    def __enter__(self):
        self.files = tempfile.TemporaryDirectory(prefix="shunt-bench-")
        path = os.path.join(self.files.name, "config.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(self.config, out, indent=1)
        log_path = os.path.join(self.files.name, "log")
        try:
            with open(log_path, "wb") as log:
                self.process = subprocess.Popen(
                    self._command(path),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                )
        except BaseException:
            self.files.cleanup()
            raise
        return self

    def _command(self, config):
        devices = [
            f"--vdev=net_pcap{i},rx_pcap={c},infinite_rx=1" for i, c in enumerate(self.captures)
        ]
        return [
            self.program,
            *("-l", ",".join(map(str, self.cores)), "--in-memory", "--no-pci", "--no-telemetry"),
            *devices,
            *("--", "--config", config, "--interactive"),
            *(["--stage-cycles"] if self.stage_cycles else []),
        ]

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self._send("quit")
                self.process.wait(30)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
        finally:
            self.process.kill()
            self.process.communicate()
            self.files.cleanup()

    def _log_tail(self):
        with open(os.path.join(self.files.name, "log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-15:])

    def _send(self, command):
        self.process.stdin.write(command.encode() + b"\n")

    def _line(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.unread:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            data = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not data:
                raise RuntimeError(f"shunt does not answer:\n{self._log_tail()}")
            self.unread += data
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode(errors="replace")

    def ask(self, command, timeout=60):
        """The JSON that a command prints. Lines that are none (prompt, log) are passed over."""
        self._send(command + " json")
        while True:
            line = self._line(timeout).removeprefix("shunt> ").strip()
            if line.startswith("{"):
                return json.loads(line)

    def tell(self, command):
        """A command whose answer does not matter."""
        self._send(command)

    def stats(self):
        """What `show stats` says."""
        return self.ask("show stats", 120)

    def wait_established(self, sessions, timeout=120):
        """Wait until every session is in the table."""
        deadline = time.monotonic() + timeout
        while True:
            count = self.stats()["conntrack"]["connections"]
            if count >= sessions:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {count} of {sessions} sessions were established")
            time.sleep(0.2)
