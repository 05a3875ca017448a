#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every real capture replays: a verdict a packet, packets in = out + drops by reason + local + held, no sanitizer
report; and a capture that is broken says so, after what is good of it."""

import collections
import concurrent.futures
import os
import sys

import lib

CAPTURES = lib.SHARED / "captures" / "pcap"


def replay(directory, path):
    """(path, what is in it, run, verdicts, frames written)"""
    out, verdicts = (os.path.join(directory, path.name + end) for end in (".out", ".verdicts"))
    run = lib.Run("--config", lib.SOURCE / "tests" / "replay" / "captures.json", "--replay", path,
                  "--out", out, "--verdicts", verdicts, "--burst", 16)
    result = path, lib.read_capture(path), run, lib.verdicts(verdicts), len(lib.read_capture(out)[0])
    os.unlink(out)
    os.unlink(verdicts)
    return result


def main():
    if not CAPTURES.is_dir():
        lib.skip(f"no captures in {CAPTURES}")
    checks = lib.Checks()
    totals, reasons, broken = collections.Counter(), collections.Counter(), []
    files = sorted(path for path in CAPTURES.iterdir() if ".pcap" in path.name or path.suffix == ".cap")
    with lib.scratch() as directory, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, capture, run, lines, frames in pool.map(lambda path: replay(directory, path), files):
            packets, _, _, whole = capture
            name = path.name
            checks.equal(f"{name}: sanitizers", run.report, [])
            checks.equal(f"{name}: exit code", run.code, 0 if whole else 1)
            if not whole:
                broken.append(name)
                checks.true(f"{name}: says what is wrong", str(path) in run.err, run.err)
            rows, drops = lib.counters(run.out)
            checks.equal(f"{name}: adds up", lib.unbalanced(rows, drops), None)
            checks.equal(f"{name}: packets in", rows.get("in"), len(packets))
            checks.equal(f"{name}: verdicts", len(lines), len(packets))
            said = collections.Counter(line["reason"] for line in lines if line["verdict"] == "drop")
            # A fragment that waited was held when its verdict was written: what became of it then only the table knows.
            late = collections.Counter(drops) - said
            held = sum(line["verdict"] == "hold" for line in lines)
            checks.equal(f"{name}: more drops said than there are", said - collections.Counter(drops),
                         collections.Counter())
            checks.true(f"{name}: drops by reason", sum(late.values()) <= held and
                        all(reason.startswith("frag_") for reason in late), late)
            checks.equal(f"{name}: frames out", frames, rows.get("out"))
            totals.update(rows)
            reasons.update(drops)
    print(f"{len(files)} captures, broken: {', '.join(broken) or 'none'}")
    for what, n in list(totals.items()) + [("", "")] + reasons.most_common():
        print(f"{what:<24}{n:>10}")
    sys.exit(checks.end())


main()
