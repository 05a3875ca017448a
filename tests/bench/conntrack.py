# SPDX-License-Identifier: BSD-3-Clause
"""The connection table by itself: runs the compiled harness tests/bench/conntrack, a size and a hash a run.

And a worker beside a million connections that expire: tests/bench/ageing.
"""

import json
import os
import subprocess
import sys

from . import lib

SIZES = (64512, 1032192, 4128768, 16515072)
HASHES = ("crc32c", "siphash")
# Of the table a connection, and what the harness and EAL need beside it.
BYTES_A_CONNECTION = 256
MEGABYTES_MORE = 64
AGEING_MEGABYTES = 1024
SKIPPED = 77


def megabytes(connections):
    """Of hugepages, for a table of so many connections."""
    return connections * BYTES_A_CONNECTION // 1_000_000 + MEGABYTES_MORE


def free_megabytes():
    """What can be had: hugepages that are free, and memory that could become some."""
    free = 0
    with open("/proc/meminfo", encoding="ascii") as info:
        for line in info:
            name, value = line.split()[:2]
            if name == "MemAvailable:":
                free += int(value) // 1024
            elif name == "HugePages_Free:":
                free += int(value) * lib.HUGEPAGE_MB
    return free


def harness_rows(options, name, arguments):
    """Rows of one run of a harness; none where it is not built, or says that it cannot run."""
    harness = os.path.join(options.build, "tests", "bench", name)
    if not os.access(harness, os.X_OK):
        print(f"skipped: {harness} is not built")
        return []
    done = subprocess.run([harness, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == SKIPPED:
        print(f"skipped: {name} {' '.join(arguments)}: see above")
        return []
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed with {done.returncode}")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [lib.row(r["name"], r["sessions"], r["metric"], r["value"]) for r in rows]


def eal(cores):
    """Arguments of EAL for these lcores."""
    quiet = ["--in-memory", "--no-pci", "--no-telemetry", "--log-level=lib.eal:3"]
    return ["-l", ",".join(map(str, cores)), *quiet, "--"]


def run(options):
    """Every size that fits, with either hash; then ageing beside traffic."""
    results = []
    for connections in options.sessions or SIZES:
        needed = megabytes(connections)
        # The harness keeps two numbers a connection in ordinary memory.
        if free_megabytes() < needed + connections * 8 // 1_000_000 + 512:
            print(f"skipped: {connections:,} connections need {needed:,} MB", file=sys.stderr)
            continue
        with lib.hugepages(needed):
            for kind in HASHES * options.runs:
                arguments = [*eal(options.cores[1:]), str(connections), kind]
                results += harness_rows(options, "conntrack", arguments)
    with lib.hugepages(AGEING_MEGABYTES):
        for _ in range(options.runs):
            results += harness_rows(options, "ageing", eal(options.cores))
    return results
