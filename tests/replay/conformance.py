#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replay scenarios that a Linux router's connection tracking has judged, and print how far shunt agrees.

usage: conformance.py --shunt PROGRAM --reference DIR [--family NAME] [--differences N] [--require FAMILY=PERCENT ...]

DIR holds FAMILY-SEED.pcapng (what was sent) and FAMILY-SEED.jsonl (what the kernel said, a line a packet). Compared are
the state, the direction, the TCP state and the IP packet that left, byte by byte. Exits with 1 when a family stays
below what --require asks of it, and with 77 when DIR is not there. Without options: $SHUNT, and conformance/ in $SHUNT_SHARED.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIP = 77
ETHERNET = 14  # bytes of header in front of the packet, two hex digits each
CONFIGS = {"nat_dnat": "kernel-nat.json"}


def reference():
    """Beside the source tree, where tests find what is not part of it."""
    source = os.environ.get("SHUNT_SOURCE_DIR", pathlib.Path(__file__).parents[2])
    return pathlib.Path(os.environ.get("SHUNT_SHARED", pathlib.Path(source, "..", "shared")), "conformance")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shunt", default=os.environ.get("SHUNT"))
    parser.add_argument("--reference", default=reference(), type=pathlib.Path)
    parser.add_argument("--family", action="append", default=[])
    parser.add_argument("--differences", type=int, default=3)
    parser.add_argument("--require", action="append", default=[], metavar="FAMILY=PERCENT")
    return parser.parse_args()


def replay(shunt, config, capture, directory):
    verdicts = os.path.join(directory, "verdicts.jsonl")
    command = [shunt, "--config", str(config), "--replay", str(capture), "--verdicts", verdicts]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    with open(verdicts, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def said_by_shunt(verdict):
    frames = [out["frame"][2 * ETHERNET:] for out in verdict["out"]]
    return {
        "state": verdict["state"],
        "dir": verdict["dir"],
        "tcp": verdict.get("tcp"),
        "out": frames[0] if len(frames) == 1 else frames,
    }


def said_by_kernel(line):
    return {"state": line["state"], "dir": line["dir"], "tcp": line.get("tcp"), "out": line["out"]}


def compare(name, reference, verdicts, tally, differences):
    if len(reference) != len(verdicts):
        sys.exit(f"{name}: {len(reference)} packets were judged, {len(verdicts)} verdicts came")
    for line, verdict in zip(reference, verdicts):
        kernel, shunt = said_by_kernel(line), said_by_shunt(verdict)
        wrong = [key for key in kernel if kernel[key] != shunt[key]]
        tally["packets"] += 1
        tally["agree"] += not wrong
        for key in wrong:
            tally[key] += 1
        if wrong:
            differences.append((name, line, {key: (kernel[key], shunt[key]) for key in wrong}))


def main():
    options = arguments()
    configs = pathlib.Path(__file__).parent
    scenarios = sorted(options.reference.glob("*.jsonl"))
    if not scenarios:
        print(f"skipped: no reference verdicts in {options.reference}")
        return SKIP
    tallies = collections.defaultdict(collections.Counter)
    differences = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        for scenario in scenarios:
            family = scenario.stem.rsplit("-", 1)[0]
            if options.family and family not in options.family:
                continue
            with open(scenario, encoding="utf-8") as lines:
                reference = [json.loads(line) for line in lines]
            config = configs / CONFIGS.get(family, "kernel.json")
            verdicts = replay(options.shunt, config, scenario.with_suffix(".pcapng"), directory)
            compare(scenario.stem, reference, verdicts, tallies[family], differences[family])
    return report(options, tallies, differences)


def report(options, tallies, differences):
    required = {name: float(percent) for name, percent in (r.split("=") for r in options.require)}
    failed = 0
    print(f"{'family':<14}{'packets':>8}{'agree':>8}{'%':>8}   state   dir   tcp   out")
    for family, tally in sorted(tallies.items()):
        percent = 100 * tally["agree"] / tally["packets"]
        short = percent < required.get(family, 0)
        failed += short
        print(f"{family:<14}{tally['packets']:>8}{tally['agree']:>8}{percent:>8.2f}{tally['state']:>8}"
              f"{tally['dir']:>6}{tally['tcp']:>6}{tally['out']:>6}"
              + (f"   below {required[family]:g} %" if short else ""))
    for family, found in sorted(differences.items()):
        for name, line, wrong in found[:options.differences]:
            print(f"{name} packet {line['n']}" + (f" ({line['note']})" if "note" in line else ""))
            for key, (kernel, shunt) in wrong.items():
                print(f"    {key:<6} kernel {kernel}\n           shunt  {shunt}")
    return 1 if failed else 0


sys.exit(main())
