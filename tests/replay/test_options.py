#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What shunt says to bad captures, bad configurations, bad options and files that it cannot write: exit code and text."""

import gzip
import os
import subprocess
import sys

import lib

CONFIG = lib.SOURCE / "config" / "minimal.json"
GOOD, FAILED, USAGE = 0, 1, 2

FRAME = bytes.fromhex("020000000001020000000002080045000020000040004011") + bytes(200)


def options(checks, capture, directory):
    replay = ["--config", CONFIG, "--replay", capture]
    twice = os.path.join(directory, "twice.pcap")
    with open(capture, "rb") as source, open(twice, "wb") as copy:
        copy.write(source.read())
    over_itself = ["--config", CONFIG, "--replay", twice]
    # arguments, exit code, words of stdout or stderr
    rows = [
        (["--help"], GOOD, ["usage: shunt", "--replay", "--check-config"]),
        (["-l", "0", "--", "--help"], GOOD, ["usage: shunt"]),
        (["--version"], GOOD, ["shunt 0.", "DPDK"]),
        ([], USAGE, ["--config FILE is missing"]),
        (["--replay", capture], USAGE, ["--config FILE is missing"]),
        (["--config"], USAGE, ["Try 'shunt --help'"]),
        (["--nonsense", "--config", CONFIG], USAGE, ["--nonsense", "Try 'shunt --help'"]),
        (["--", "--nonsense", "--config", CONFIG], USAGE, ["--nonsense"]),
        (["--config", CONFIG, "more"], USAGE, ["what is this?: more"]),
        (["--config", CONFIG, "--out", "x"], USAGE, ["go with --replay"]),
        (["--config", CONFIG, "--verdicts", "x"], USAGE, ["go with --replay"]),
        (["--config", CONFIG, "--events", "x"], USAGE, ["go with --replay"]),
        (["--config", CONFIG, "--burst", "2"], USAGE, ["go with --replay"]),
        (replay + ["--events-socket", "x"], USAGE, ["for live traffic"]),
        (replay + ["--interactive"], USAGE, ["for live traffic"]),
        (replay + ["--stats-period", "1"], USAGE, ["for live traffic"]),
        (replay + ["--burst", "0"], USAGE, ["--burst wants 1 to 64, not: 0"]),
        (replay + ["--burst", "65"], USAGE, ["--burst wants 1 to 64, not: 65"]),
        (replay + ["--burst", "-1"], USAGE, ["not: -1"]),
        (replay + ["--burst", "4x"], USAGE, ["not: 4x"]),
        (replay + ["--burst", ""], USAGE, ["--burst wants"]),
        (replay + ["--burst", "99999999999999999999"], USAGE, ["--burst wants"]),
        (["--config", CONFIG, "--stats-period", "0"], USAGE, ["1 to 86400, not: 0"]),
        (replay, GOOD, []),
        (["--"] + replay, GOOD, []),
        (replay + ["--burst", "64"], GOOD, []),
        (replay + ["--stage-cycles"], GOOD, []),
        (replay + ["--out", directory], FAILED, [directory, "Is a directory"]),
        (replay + ["--out", os.path.join(directory, "none", "x")], FAILED, ["No such file"]),
        (replay + ["--verdicts", os.path.join(directory, "none", "x")], FAILED, ["No such file"]),
        (replay + ["--events", os.path.join(directory, "none", "x")], FAILED, ["No such file"]),
        (replay + ["--events", twice + "x", "--verdicts", twice + "x"], FAILED, ["is named twice"]),
        (over_itself + ["--events", twice], FAILED, ["is named twice"]),
        (over_itself + ["--out", twice], FAILED, ["is named twice"]),
        (over_itself + ["--verdicts", twice], FAILED, ["is named twice"]),
        (replay + ["--out", twice + "x", "--verdicts", twice + "x"], FAILED, ["is named twice"]),
        (over_itself, GOOD, []),  # still there
        (replay + ["--out", "/dev/full"], FAILED, ["No space left"]),
        (replay + ["--verdicts", "/dev/full"], FAILED, ["No space left"]),
    ]
    for arguments, code, words in rows:
        what = " ".join(map(str, arguments))
        run = lib.Run(*arguments)
        checks.equal(f"{what}: exit code", run.code, code)
        checks.equal(f"{what}: sanitizers", run.report, [])
        for word in words:
            checks.true(f"{what}: says {word!r}", word in run.out + run.err, run.out + run.err)
        if code == USAGE:
            checks.equal(f"{what}: stdout", run.out, "")


def configurations(checks, directory):
    path = os.path.join(directory, "config.json")
    # text, exit code, words
    rows = [
        ('{"ports": [{"name": "a"}]}', GOOD, ["good"]),
        ("", USAGE, [path]),
        ("{", USAGE, [path + ": 1:"]),
        ("[]", USAGE, [path]),
        ("{}", USAGE, ["ports"]),
        ('{"ports": []}', USAGE, ["/ports"]),
        ('{"ports": [{"name": "a", "mtu": 70000, "promiscous": true}]}', USAGE,
         ["/ports/0/mtu: 70000 is out of range", 'did you mean "promiscuous"?']),
        ('{"ports": [{"name": "a"}], "rules": [{"class": "glod"}]}', USAGE, ['no class is named "glod"']),
        ('{"ports": [{"name": "a"}, {"name": "a"}]}', USAGE, ["/ports/1/name"]),
    ]
    for text, code, words in rows:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        run = lib.Run("--config", path, "--check-config")
        checks.equal(f"{text}: exit code", run.code, code)
        checks.equal(f"{text}: sanitizers", run.report, [])
        for word in words:
            checks.true(f"{text}: says {word!r}", word in run.out + run.err, run.out + run.err)
    for missing in (os.path.join(directory, "none.json"), directory):
        run = lib.Run("--config", missing, "--check-config")
        checks.equal(f"{missing}: exit code", run.code, USAGE)
        checks.true(f"{missing}: is named", missing in run.err, run.err)
    for example in sorted((lib.SOURCE / "config").glob("*.json")):
        if example.name != "schema.json":
            checks.equal(f"{example.name}", lib.Run("--config", example, "--check-config").code, GOOD)


def captures(checks, directory):
    """Bytes of a file, exit code, packets, words of stderr."""
    good = os.path.join(directory, "good.pcap")
    lib.write_pcap(good, [(i, FRAME) for i in range(3)])
    with open(good, "rb") as file:
        data = file.read()
    record = 16 + len(FRAME)
    path = os.path.join(directory, "bad.pcap")
    rows = [
        ("whole", data, GOOD, 3, []),
        ("no packets", data[:24], GOOD, 0, []),
        ("empty", b"", FAILED, None, [path]),
        ("cut file header", data[:23], FAILED, None, [path]),
        ("unknown magic", b"\0" * 100, FAILED, None, [path]),
        ("text", b"not a capture at all, but some text\n" * 4, FAILED, None, [path]),
        ("compressed", gzip.compress(data), FAILED, None, [path, "gzip"]),
        ("cut in the last packet", data[:-1], FAILED, 2, [path, "the packets before it were replayed"]),
        ("cut in the last header", data[:24 + 2 * record + 8], FAILED, 2, ["the packets before it were replayed"]),
        ("length of a packet absurd", data[:24 + record + 8] + b"\xff\xff\xff\x7f" + data[24 + record + 12:], FAILED, 1,
         ["the packets before it were replayed"]),
        ("unknown link type", data[:20] + (147).to_bytes(4, "little") + data[24:], GOOD, 3, []),
    ]
    for what, content, code, packets, words in rows:
        with open(path, "wb") as file:
            file.write(content)
        verdicts = os.path.join(directory, "verdicts")
        run = lib.Run("--config", CONFIG, "--replay", path, "--verdicts", verdicts)
        checks.equal(f"{what}: exit code", run.code, code)
        checks.equal(f"{what}: sanitizers", run.report, [])
        for word in words:
            checks.true(f"{what}: says {word!r}", word in run.err, run.err)
        if packets is not None:
            checks.equal(f"{what}: verdicts", len(lib.verdicts(verdicts)), packets)
            rows_, drops = lib.counters(run.out)
            checks.equal(f"{what}: packets", rows_.get("in"), packets)
            checks.equal(f"{what}: adds up", lib.unbalanced(rows_, drops), None)
    checks.equal("unknown link type: reason", {line["reason"] for line in lib.verdicts(verdicts)}, {"link_type"})
    run = lib.Run("--config", CONFIG, "--replay", os.path.join(directory, "none.pcap"))
    checks.equal("no such capture", run.code, FAILED)
    checks.true("no such capture is named", "none.pcap" in run.err and "No such file" in run.err, run.err)
    # Fewer bytes than the frame had: a drop of its own.
    lib.write_pcap(path, [(0, FRAME[:100], 1500)])
    run = lib.Run("--config", CONFIG, "--replay", path, "--verdicts", verdicts)
    checks.equal("cut frame", [line["reason"] for line in lib.verdicts(verdicts)], ["frame_cut"])
    return good


def memory(checks, directory, capture):
    """A configuration that does not fit in memory is refused, not killed."""
    path = os.path.join(directory, "large.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"ports": [{"name": "a"}], "tables": {"connections": 1073741824}}')
    # A limit of address space: what a machine has is not known. Sanitizers need all of it.
    if subprocess.run(["grep", "-q", "__asan_init", lib.SHUNT], check=False).returncode == 0:
        return
    done = subprocess.run(["prlimit", "--as=8000000000", lib.SHUNT, "--config", path, "--replay", capture],
                          capture_output=True, text=True, timeout=60, check=False)
    checks.equal("too large: exit code", done.returncode, FAILED)
    checks.true("too large: says so", "memory" in done.stderr.lower(), done.stderr)


def main():
    checks = lib.Checks()
    with lib.scratch() as directory:
        capture = captures(checks, directory)
        options(checks, capture, directory)
        configurations(checks, directory)
        memory(checks, directory, capture)
    sys.exit(checks.end())


main()
