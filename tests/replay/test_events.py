#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""--events: every connection of the demonstration capture has a life, in order, with the capture's time, the same bytes
every time, and as many as the tables at the end say."""

import json
import os
import subprocess
import sys
import tempfile

import lib

CONFIG = lib.SOURCE / "config" / "demo.json"
MKPCAP = os.path.join(os.environ["SHUNT_BUILD_DIR"], "tools", "mkpcap", "shunt-mkpcap")


def replay(capture, path, config, *options):
    run = lib.Run("--config", config, "--replay", capture, "--events", path, *options)
    if run.code != 0 or run.report:
        sys.exit(f"replay: {run.code} {run.err}")
    with open(path, encoding="utf-8") as f:
        return f.read()


def lives(events):
    """What is wrong with the order of events; and how many connections were opened."""
    there, opened = {}, 0
    for n, e in enumerate(events):
        if e.get("sequence") != n:
            return f"event {n} has number {e.get('sequence')}", opened
        who = e["id"]
        if e["event"] == "new":
            if who in there:
                return f"event {n}: {who} is there already", opened
            there[who] = (e["original"], e["reply"])
            opened += 1
            continue
        if who not in there:
            return f"event {n}: {who} was never opened", opened
        for mine, theirs in zip((e["original"], e["reply"]), there[who]):
            if any(mine[k] != theirs[k] for k in theirs):
                return f"event {n}: {who} has other addresses now", opened
        if e["event"] == "update" and not e["changed"]:
            return f"event {n}: nothing changed", opened
        if e["event"] == "destroy":
            if e["reason"] not in ("closed", "expired"):
                return f"event {n}: reason {e['reason']}", opened
            del there[who]
    return None, opened


def main():
    checks = 0
    with tempfile.TemporaryDirectory() as directory:
        capture = os.path.join(directory, "demo.pcapng")
        subprocess.run([MKPCAP, "demo", "--out", capture], check=True)
        text = replay(capture, os.path.join(directory, "a"), CONFIG)
        if replay(capture, os.path.join(directory, "b"), CONFIG) != text:
            sys.exit("the second run gave other bytes")
        events = [json.loads(line) for line in text.splitlines()]
        wrong, opened = lives(events)
        if wrong:
            sys.exit(wrong)
        if opened < 100 or not all(a["time"] <= b["time"] for a, b in zip(events, events[1:])):
            sys.exit(f"{opened} connections, or time runs backwards")
        packets, *_ = lib.read_capture(capture)
        first, last = min(p.ns for p in packets), max(p.ns for p in packets)
        if not all(first <= e["time"] <= last for e in events):
            sys.exit("times are not the capture's")
        kinds = {e["event"] for e in events}
        if kinds != {"new", "update", "destroy"} or not any(e.get("reason") == "expired" for e in events):
            sys.exit(f"only {kinds}")
        # A ring of a few events loses none either: what happens is written as it happens.
        with open(CONFIG, encoding="utf-8") as f:
            config = json.load(f)
        config["events"] = {"ring": 256}
        small = os.path.join(directory, "small.json")
        with open(small, "w", encoding="utf-8") as f:
            json.dump(config, f)
        if replay(capture, os.path.join(directory, "c"), small) != text:
            sys.exit("a small ring gave other bytes")
        config["events"] = {"ring": 0}
        with open(small, "w", encoding="utf-8") as f:
            json.dump(config, f)
        run = lib.Run("--config", small, "--replay", capture, "--events", os.path.join(directory, "d"))
        if run.code != 1 or "wants no events" not in run.err:
            sys.exit(f"without a ring: {run.code} {run.err}")
        checks = len(events)
    print(f"{checks} events of {opened} connections")


main()
