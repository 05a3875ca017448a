# SPDX-License-Identifier: BSD-3-Clause
"""New connections a second: runs the compiled harness tests/bench/opens, which prints rows."""

import json
import os
import subprocess

from . import lib


def run(options):
    """The harness's rows, or none where it is not built."""
    harness = os.path.join(options.build, "tests", "bench", "opens")
    if not os.access(harness, os.X_OK):
        print(f"skipped: new connections: {harness} is not built")
        return []
    results = []
    with lib.hugepages(2048):
        for _ in range(options.runs):
            done = subprocess.run([harness], stdout=subprocess.PIPE, text=True, check=True)
            for line in done.stdout.splitlines():
                if line.startswith("{"):
                    r = json.loads(line)
                    results.append(
                        lib.row(r["name"], r.get("sessions"), r["metric"], r["value"], r.get("peer"))
                    )
    return results
