#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration capture: the same bytes every time, in bursts as one by one, verdict lines as documented."""

import collections
import json
import os
import subprocess
import sys

import lib

CONFIG = lib.SOURCE / "config" / "demo.json"
MKPCAP = os.path.join(os.environ["SHUNT_BUILD_DIR"], "tools", "mkpcap", "shunt-mkpcap")
KEYS = ["n", "port", "state", "dir", "flags", "tcp", "verdict", "reason", "class", "path", "out"]
VALUES = {
    "port": {"external", "internal"},
    "state": {"none", "new", "established", "related", "invalid", "untracked"},
    "dir": {"none", "original", "reply"},
    "verdict": {"forward", "drop", "local", "hold"},
    "path": {"fast", "slow"},
}


def replay(directory, name, *options):
    out, verdicts = os.path.join(directory, name + ".pcapng"), os.path.join(directory, name + ".jsonl")
    run = lib.Run("--config", CONFIG, "--replay", os.path.join(directory, "demo.pcapng"), "--out", out,
                  "--verdicts", verdicts, *options)
    return run, out, verdicts


def connection(frame):
    """(protocol, addresses, ports) of an Ethernet frame, in the order of the frame."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        head = frame[14:]
        ports = head[(head[0] & 15) * 4:][:4] if head[9] in (6, 17) else b""
        return head[9], head[12:20], ports
    if kind == b"\x86\xdd":
        head = frame[14:]
        return head[6], head[8:40], head[40:44] if head[6] in (6, 17) else b""
    return kind


def orders(path):
    """Frames by connection and direction, in order; and how often each frame left by each port."""
    packets, _, names, whole = lib.read_capture(path)
    assert whole
    sequence, multiset = collections.defaultdict(list), collections.Counter()
    for packet in packets:
        sequence[names[packet.face], connection(packet.data)].append(packet.data)
        multiset[names[packet.face], packet.data] += 1
    return names, sequence, multiset


def text_of(value):
    """A JSON line as verdict lines are written."""
    return json.dumps(value, ensure_ascii=False)


def check_lines(checks, path, count):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    checks.equal("the last line ends", lines.pop(), "")
    checks.equal("a line a packet", len(lines), count)
    seen = collections.defaultdict(set)
    for n, line in enumerate(lines):
        verdict = json.loads(line)
        keys = [key for key in KEYS if key != "tcp" or "tcp" in verdict]
        good = (list(verdict) == keys and verdict["n"] == n and text_of(verdict) == line
                and all(verdict[key] in values for key, values in VALUES.items())
                and (verdict["reason"] is None) == (verdict["verdict"] != "drop")
                and all(list(out) == ["port", "queue", "frame"] for out in verdict["out"]))
        if verdict["verdict"] == "forward":
            good = good and len(verdict["out"]) >= 1
        if not checks.true(f"line {n}", good, line[:300]):
            return
        for key in VALUES:
            seen[key].add(verdict[key])
    checks.true("all kinds of verdicts are there", seen["verdict"] >= {"forward", "drop", "local"}
                and seen["path"] == {"fast", "slow"} and seen["dir"] == VALUES["dir"], dict(seen))


def check_out(checks, path, verdicts_path):
    """The capture holds the frames of the verdicts, in that order, by port."""
    packets, _, names, _ = lib.read_capture(path)
    written = [(names[packet.face], packet.data.hex()) for packet in packets]
    said = [(out["port"], out["frame"]) for verdict in lib.verdicts(verdicts_path) for out in verdict["out"]]
    checks.equal("interfaces of --out", names, ["external", "internal"])
    checks.equal("frames of --out and of the verdicts", written, said)


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        subprocess.run([MKPCAP, "demo", "--out", os.path.join(directory, "demo.pcapng")], check=True)
        count = len(lib.read_capture(os.path.join(directory, "demo.pcapng"))[0])
        run, out, verdicts = replay(directory, "a")
        checks.equal("exit code", run.code, 0)
        checks.equal("sanitizers", run.report, [])
        rows, drops = lib.counters(run.out)
        checks.equal("packets read", rows.get("in"), count)
        checks.equal("packets that do not add up", lib.unbalanced(rows, drops), None)
        check_lines(checks, verdicts, count)
        check_out(checks, out, verdicts)

        _, out2, verdicts2 = replay(directory, "b")
        for first, second in ((out, out2), (verdicts, verdicts2)):
            with open(first, "rb") as a, open(second, "rb") as b:
                checks.true(f"the same bytes again: {os.path.basename(second)}", a.read() == b.read())

        names, sequence, multiset = orders(out)
        for burst in (2, 32, 64):
            other, out3, verdicts3 = replay(directory, f"burst{burst}", "--burst", burst)
            checks.equal(f"burst {burst}: exit code", other.code, 0)
            names3, sequence3, multiset3 = orders(out3)
            checks.equal(f"burst {burst}: interfaces", names3, names)
            checks.true(f"burst {burst}: the same frames", multiset3 == multiset,
                        f"{sum((multiset3 - multiset).values())} more, {sum((multiset - multiset3).values())} less")
            wrong = [key for key, frames in sequence.items() if sequence3[key] != frames]
            checks.equal(f"burst {burst}: connections in another order", wrong, [])
            check_lines(checks, verdicts3, count)
    sys.exit(checks.end())


main()
