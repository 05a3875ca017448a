# SPDX-License-Identifier: BSD-3-Clause
"""How fast the NIC simulator itself is on this machine: its source, its model in cycles, its rules.

Needs neither root nor hugepages. The programs count the CPU time that they had, so that others on the
machine disturb by the caches and the memory that they use only; that is much: see docs/performance.md.
"""

import json
import os
import subprocess
import sys
import time

from . import lib

FLOWS = (1_000, 1_000_000)
RULES = (1_000_000, 2_000_000)
# Rules of each of the three tables that tests/bench/hwsim_model fills.
MODEL_RULES = 10_000
PROFILES = ("ideal", "cx5")


def programs(options):
    """The benchmark's programs that are not built: those of rte_flow and the source want DPDK's driver headers."""
    names = ("hwsim_model", "hwsim_source", "hwsim_insert")
    return [name for name in names if not os.access(path(options, name), os.X_OK)]


def path(options, name):
    """Of a program of tests/bench."""
    return os.path.join(options.build, "tests", "bench", name)


def output(options, name, *arguments):
    """What a program prints, run on the worker's core if there is one."""
    core = options.cores[1]
    command = [path(options, name), *map(str, arguments)]
    if core in os.sched_getaffinity(0):
        command = ["taskset", "-c", str(core), *command]
    before, began = os.times(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    after, wall = os.times(), time.monotonic() - began
    had = after.children_user + after.children_system - before.children_user - before.children_system
    if had < 0.9 * wall:
        print(f"warning: {name}: {100 - 100 * had / wall:.0f} % of the time others had its core", file=sys.stderr)
    return done.stdout


def source(options):
    """Frames a second through rte_eth_rx_burst(), no clock, 64 bytes, random flows."""
    core = options.cores[1] if options.cores[1] in os.sched_getaffinity(0) else min(os.sched_getaffinity(0))
    eal = ["--no-huge", "-m", 512, "--no-pci", "--no-telemetry", f"--file-prefix=bench{os.getpid()}", "-l", core]
    rows = []
    for flows in FLOWS:
        text = output(options, "hwsim_source", *eal, "--", f"gen:flows={flows};size=64")
        results = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        rows += [lib.row("hwsim-source", flows, "mpps", r["mpps"]) for r in results if r["through"] == "port"]
    return rows


def model(options):
    """Simulated packets a second through three tables; one that was lost makes the figure worthless."""
    rows = []
    for profile in PROFILES:
        result = json.loads(output(options, "hwsim_model", profile))
        if result["received"] < 0.999 * result["offered"]:
            raise RuntimeError(f"hwsim_model {profile}: {result['received']} of {result['offered']} received")
        rows.append(lib.row(f"hwsim-model-{profile}", MODEL_RULES, "per_s", result["pps"]))
    return rows


def rules(options):
    """Rules created a second through rte_flow without a clock, and the memory that they take."""
    rows = []
    for r in json.loads(output(options, "hwsim_insert", *RULES)):
        name = f"hwsim-rules-{r['how']}"
        rows.append(lib.row(name, r["rules"], "per_s", r["create_per_s"]))
        rows.append(lib.row(f"{name}-memory", r["rules"], "mib", r["memory_mib"]))
    return rows


def run(options):
    """All of it, as often as asked for."""
    missing = programs(options)
    if missing:
        print(f"skipped: speed of the NIC simulator: not built: {', '.join(missing)}")
        return []
    results = []
    for _ in range(options.runs):
        results += source(options) + model(options) + rules(options)
    return results
