#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replay scenarios that a Linux router's connection tracking has judged, and print how far shunt agrees.

usage: conformance.py [--shunt PROGRAM] [--reference DIR ...] [--config FILE] [--set KEY=VALUE ...] [--family NAME ...]
                      [--differences N] [--require FAMILY=PERCENT ...]

DIR holds FAMILY-SEED.pcapng (what was sent) and FAMILY-SEED.jsonl (what the kernel said, a line a packet). Compared are
the state, the direction, the TCP state and the IP packet that left, byte by byte. Exits with 1 when a family stays
below what --require asks of it (* is any family), and with 77 when there are no references. Without options: $SHUNT, and
conformance/ in $SHUNT_SHARED.

The configuration is kernel.json beside this file, with translation for families that begin with nat_. Where a file's name
or its directory's says that the kernel had other settings, so has shunt: tcp_loose=0, tcp_be_liberal=1,
tcp_ignore_invalid_rst=1, tcp_max_retrans=N; "=", "-" and "_" are one, "tcp" and "be" may be missing, and "strict" and
"liberal" alone are understood too. --set says it for all (--set tcp-loose=false); --config takes another file for all.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("SHUNT", "")
os.environ.setdefault("SHUNT_SOURCE_DIR", str(pathlib.Path(__file__).resolve().parents[2]))
import lib  # noqa: E402  (wants both)

HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77
ETHERNET = 14  # bytes of header in front of the packet, two hex digits each
SETTINGS = (  # how a file is named, the key under "conntrack", the value that the name's number stands for
    (r"strict|no[-_=]?loose|loose[-_=]?0", "tcp-loose", lambda _: False),
    (r"liberal(?![-_=]?0)", "tcp-liberal", lambda _: True),
    (r"(?:ignore[-_]?)?invalid[-_]?rst(?![-_=]?0)|ignore[-_]?rst(?![-_=]?0)", "tcp-ignore-invalid-rst", lambda _: True),
    (r"max[-_]?retrans[-_=]?(\d+)", "tcp-max-retrans", int),
)


def reference():
    """Beside the source tree, where tests find what is not part of it."""
    source = os.environ.get("SHUNT_SOURCE_DIR", pathlib.Path(__file__).parents[2])
    return pathlib.Path(os.environ.get("SHUNT_SHARED", pathlib.Path(source, "..", "shared")), "conformance")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shunt", default=os.environ.get("SHUNT"))
    parser.add_argument("--reference", action="append", type=pathlib.Path)
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--family", action="append", default=[])
    parser.add_argument("--differences", type=int, default=3)
    parser.add_argument("--require", action="append", default=[], metavar="FAMILY=PERCENT")
    return parser.parse_args()


def named_settings(scenario):
    """What the name of a scenario, or of its directory, says about the kernel's settings."""
    name = f"{scenario.parent.name}/{scenario.stem}"
    found = ((key, re.search(pattern, name), value) for pattern, key, value in SETTINGS)
    return {key: value(match.group(match.lastindex or 0)) for key, match, value in found if match}


def configuration(options, scenario, directory):
    """The file to start shunt with."""
    path = options.config or HERE / ("kernel-nat.json" if "nat_" in scenario.stem else "kernel.json")
    settings = {} if options.config else named_settings(scenario)
    settings.update((key, json.loads(value)) for key, value in (s.split("=", 1) for s in options.set))
    if not settings:
        return path
    config = json.loads(path.read_text(encoding="utf-8"))
    config["conntrack"].update(settings)
    changed = pathlib.Path(directory, "config.json")
    changed.write_text(json.dumps(config), encoding="utf-8")
    return changed


def read_reference(scenario):
    """What the kernel said. "=" stands for a packet that left as it came, one hop further."""
    with open(scenario, encoding="utf-8") as lines:
        said = [json.loads(line) for line in lines]
    if any(line["out"] == "=" for line in said):
        packets = lib.read_capture(scenario.with_suffix(".pcapng"))[0]
        for line, packet in zip(said, packets):
            if line["out"] == "=":
                line["out"] = lib.routed(packet.data[ETHERNET:]).hex()
    return said


def replay(shunt, config, capture, directory):
    verdicts = os.path.join(directory, "verdicts.jsonl")
    command = [shunt, "--config", str(config), "--replay", str(capture), "--verdicts", verdicts]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    with open(verdicts, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def packet_in(frame):
    """The IP packet of a frame, hex, without what fills the frame up behind it."""
    packet = frame[2 * ETHERNET:]
    length = int(packet[4:8], 16) if packet[:1] == "4" else 40 + int(packet[8:12], 16) if packet[:1] == "6" else None
    return packet[:length and 2 * length]


def said_by_shunt(verdict, line):
    frames = [packet_in(out["frame"]) for out in verdict["out"]]
    if not line["out"]:
        # The kernel dropped it, so nobody could see what it thought. Shunt may answer its sender by ICMP.
        frames = [packet_in(out["frame"]) for out in verdict["out"] if out["port"] != verdict["port"]]
        return {"state": None, "dir": None, "tcp": line.get("tcp"), "out": frames or None}
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
        kernel, shunt = said_by_kernel(line), said_by_shunt(verdict, line)
        wrong = [key for key in kernel if kernel[key] != shunt[key]]
        tally["packets"] += 1
        tally["agree"] += not wrong
        for key in wrong:
            tally[key] += 1
        if wrong:
            differences.append((name, line, {key: (kernel[key], shunt[key]) for key in wrong}))


def main():
    options = arguments()
    places = options.reference or [reference()]
    scenarios = sorted(scenario for place in places for scenario in place.rglob("*.jsonl"))
    if not scenarios:
        print(f"skipped: no reference verdicts in {', '.join(map(str, places))}")
        return SKIP
    tallies = collections.defaultdict(collections.Counter)
    differences = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        for scenario in scenarios:
            family = scenario.stem.rsplit("-", 1)[0]
            if options.family and family not in options.family:
                continue
            if scenario.parent not in places:
                family = f"{scenario.parent.name}/{family}"
            said = read_reference(scenario)
            config = configuration(options, scenario, directory)
            verdicts = replay(options.shunt, config, scenario.with_suffix(".pcapng"), directory)
            compare(scenario.stem, said, verdicts, tallies[family], differences[family])
    return report(options, tallies, differences)


def report(options, tallies, differences):
    required = {name: float(percent) for name, percent in (r.split("=") for r in options.require)}
    failed = 0
    print(f"{'family':<24}{'packets':>8}{'agree':>8}{'%':>8}   state   dir   tcp   out")
    for family, tally in sorted(tallies.items()):
        percent = 100 * tally["agree"] / tally["packets"]
        short = percent < required.get(family, required.get("*", 0))
        failed += short
        print(f"{family:<24}{tally['packets']:>8}{tally['agree']:>8}{percent:>8.2f}{tally['state']:>8}"
              f"{tally['dir']:>6}{tally['tcp']:>6}{tally['out']:>6}"
              + (f"   below what is required" if short else ""))
    for family, found in sorted(differences.items()):
        for name, line, wrong in found[:options.differences]:
            print(f"{name} packet {line['n']}" + (f" ({line['note']})" if "note" in line else ""))
            for key, (kernel, shunt) in wrong.items():
                print(f"    {key:<6} kernel {kernel}\n           shunt  {shunt}")
    return 1 if failed else 0


sys.exit(main())
