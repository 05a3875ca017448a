# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: rows, targets, hugepages, captures, the table."""

import contextlib
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NR_HUGEPAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
HUGEPAGE_MB = 2

# (name, metric, sessions or None for any): the bound, and whether it is the least or the most.
TARGETS = {
    ("established-udp-dnat", "cycles_per_packet", 1000): ("<=", 150),
    ("established-udp-dnat", "cycles_per_packet", 64512): ("<=", 200),
    ("established-udp-dnat", "cycles_per_packet", 1032192): ("<=", 300),
    ("new-connections-udp", "per_s", None): (">=", 1_000_000),
    ("new-connections-tcp", "per_s", None): (">=", 500_000),
    ("full-connections-tcp", "per_s", None): (">=", 800_000),
    ("memory", "bytes_per_connection", None): ("<=", 256),
    ("conntrack-look-ups-crc32c", "per_s", 1032192): (">=", 40_000_000),
    ("conntrack-look-ups-siphash", "per_s", 1032192): (">=", 40_000_000),
    ("conntrack-table", "bytes_per_connection", None): ("<=", 256),
    ("ageing", "late_s", None): ("<=", 1),
    ("ageing", "lost_live", None): ("<=", 0),
    ("ageing", "slower_percent", None): ("<=", 5),
    ("hwsim-source", "mpps", None): (">=", 30),
    ("hwsim-model-ideal", "per_s", None): (">=", 1_000_000),
    ("hwsim-model-cx5", "per_s", None): (">=", 1_000_000),
    ("hwsim-rules-sync", "per_s", 1_000_000): (">=", 1_000_000),
    ("hwsim-rules-async", "per_s", 1_000_000): (">=", 1_000_000),
    ("hwsim-rules-sync-memory", "mib", 2_000_000): ("<=", 1024),
    ("hwsim-rules-async-memory", "mib", 2_000_000): ("<=", 1024),
    ("hwsim-rules-async-mark-memory", "mib", 2_000_000): ("<=", 1024),
}

MORE_IS_BETTER = ("mpps", "per_s")


def row(name, sessions, metric, value, peer=None):
    """One result. `sessions` is None where a benchmark has no such number."""
    return {"name": name, "sessions": sessions, "metric": metric, "value": value, "peer": peer}


def target_of(result):
    """The target of a row of shunt, or None."""
    if result["peer"]:
        return None
    for sessions in (result["sessions"], None):
        target = TARGETS.get((result["name"], result["metric"], sessions))
        if target:
            return target
    return None


def meets(target, value):
    """Whether the value is on the right side of the bound."""
    relation, bound = target
    return value <= bound if relation == "<=" else value >= bound


def medians(rows):
    """One row for each measurement that was repeated, with the median of its values."""
    groups = {}
    for r in rows:
        key = (r["name"], r["sessions"], r["metric"], r["peer"])
        groups.setdefault(key, []).append(r["value"])
    return [
        row(name, sessions, metric, round(statistics.median(values), 3), peer)
        for (name, sessions, metric, peer), values in groups.items()
    ]


@contextlib.contextmanager
def hugepages(megabytes):
    """See to it that so much is free in hugepages of 2 MB; what was there before comes back."""
    with open(NR_HUGEPAGES, encoding="ascii") as knob:
        before = int(knob.read())
    wanted = before + max(0, -(-megabytes // HUGEPAGE_MB) - _free_hugepages())
    try:
        if wanted > before:
            _set_hugepages(wanted)
        if _free_hugepages() * HUGEPAGE_MB < megabytes:
            raise RuntimeError(f"{megabytes} MB of hugepages are needed and cannot be had")
        yield
    finally:
        if wanted > before:
            _set_hugepages(before)


def _set_hugepages(count):
    try:
        with open(NR_HUGEPAGES, "w", encoding="ascii") as knob:
            knob.write(str(count))
    except PermissionError as e:
        raise RuntimeError("hugepages need root: sudo scripts/bench") from e


def _free_hugepages():
    with open("/proc/meminfo", encoding="ascii") as info:
        for line in info:
            if line.startswith("HugePages_Free:"):
                return int(line.split()[1])
    return 0


class Waiting:
    """How much of its time a polling thread waits for its core: what others take away from it.

    Such time is in every cycle count, of shunt as of the peer; a measurement with much of it says
    more about the machine than about the program.
    """

    def __init__(self, pid, core):
        pinned = [
            task
            for task in map(int, os.listdir(f"/proc/{pid}/task"))
            if os.sched_getaffinity(task) == {core}
        ]
        self.paths = [f"/proc/{pid}/task/{task}/schedstat" for task in pinned]
        self.before = self._read()

    def _read(self):
        times = {}
        for path in self.paths:
            with open(path, encoding="ascii") as stat:
                ran, waited, _ = map(int, stat.read().split())
            times[path] = (ran, waited)
        return times

    def warn(self, who, limit=0.02):
        """Say so on standard error if the busiest thread waited more than the limit."""
        spans = [
            (ran - self.before[path][0], waited - self.before[path][1])
            for path, (ran, waited) in self._read().items()
        ]
        ran, waited = max(spans, default=(0, 0))
        if waited > limit * (ran + waited):
            share = 100 * waited / (ran + waited)
            print(f"warning: {who}: {share:.0f} % of the time others had its core", file=sys.stderr)


def cache_directory():
    """Where captures stay from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or "/var/tmp"
    path = os.path.join(base, "shunt-bench")
    os.makedirs(path, exist_ok=True)
    return path


def captures(build, sessions):
    """The captures of so many UDP sessions: (clients', servers'); made unless they are there.

    A capture that is older than the generator is made anew.
    """
    generator = os.path.join(build, "tools", "mkpcap", "shunt-mkpcap")
    paths = [
        os.path.join(cache_directory(), f"udp-{sessions}-{side}.pcap")
        for side in ("client", "server")
    ]
    made = os.path.getmtime(generator)
    if not all(os.path.exists(p) and os.path.getmtime(p) >= made for p in paths):
        # Under other names first: an interrupted run must not leave half a capture to the next.
        parts = [p + ".part" for p in paths]
        command = [generator, "udp-sessions", "--sessions", str(sessions)]
        command += ["--out-client", parts[0], "--out-server", parts[1]]
        subprocess.run(command, check=True)
        for part, path in zip(parts, paths):
            os.rename(part, path)
    return paths


def build_all(build):
    """Set the build directory up unless it is, and build."""
    if not os.path.exists(os.path.join(build, "build.ninja")):
        subprocess.run(["meson", "setup", "--buildtype=release", build, ROOT], check=True)
    subprocess.run(["meson", "compile", "-C", build], check=True)


def table(rows):
    """The rows for people: shunt, the peer, how many times better shunt is, the target."""
    peers = {
        (r["name"], r["sessions"], r["metric"]): r["value"] for r in rows if r["peer"] is not None
    }
    lines = [("benchmark", "sessions", "metric", "shunt", "peer", "ratio", "target")]
    for r in rows:
        if r["peer"] is not None:
            continue
        key = (r["name"], r["sessions"], r["metric"])
        peer = peers.pop(key, None)
        target = target_of(r)
        verdict = ""
        if target:
            verdict = f"{target[0]} {target[1]:,} {'met' if meets(target, r['value']) else 'MISSED'}"
        sessions = "" if r["sessions"] is None else f"{r['sessions']:,}"
        ratio = _ratio(r, peer)
        lines.append(
            (r["name"], sessions, r["metric"], _number(r["value"]), _number(peer), ratio, verdict)
        )
    for (name, sessions, metric), value in peers.items():
        lines.append((name, f"{sessions:,}", metric, "", _number(value), "", ""))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in (1, 3, 4, 5) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def _ratio(result, peer):
    if not peer or not result["value"]:
        return ""
    more_is_better = result["metric"] in MORE_IS_BETTER
    return f"{result['value'] / peer if more_is_better else peer / result['value']:.2f}"


def _number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10_000 else f"{value:,.2f}"
