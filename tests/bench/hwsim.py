# SPDX-License-Identifier: BSD-3-Clause
"""The NIC simulator against what has been published about the cards that it models.

One point: scripts/bench --hwsim-point profile=cx5,tables=4,rules=1000000
All, and the page docs/hwsim-validation.md: scripts/bench --hwsim-validate
Nothing here needs root or hugepages: the model runs without EAL.
"""

import json
import os
import subprocess
import sys

from . import lib
from .hwsim_points import POINTS, UNPUBLISHED

PAGE = os.path.join(lib.ROOT, "docs", "hwsim-validation.md")
WITHIN = 0.15
WANTED = 0.75  # share of the predicted points that must be within

# Latency of the test bed itself, which is in the published latencies: calibrated on 30 to 35 us with 1 table.
BED_NS = 30_000

# What nobody has published, and what depends on it: (key, factors).
SWEPT = [
    ("cache.lines", (0.5, 0.75, 1.25, 2)),
    ("cache.ways", (0.5, 2)),
    ("cache.memory", (0.75, 1.25)),
    ("steering.engines", (0.75, 1.25)),
    ("steering.lookup", (0.5, 2)),
    ("tables.buckets-max", (0.25, 4)),
    ("buffer.packets", (0.5, 2)),
]
# The points that a sweep looks at: one of each regime.
SWEEP_POINTS = [(1, 4_000_000), (2, 4_000_000), (4, 20_000), (4, 1_000_000), (8, 10_000), (8, 1_000_000), (16, 20_000), (16, 4_000_000)]


def program(build, name, *arguments):
    """What a program of tests/bench prints as JSON."""
    command = [os.path.join(build, "tests", "bench", name), *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def simulate(build, profile, run, settings=()):
    """One run of a point of hwsim_points.py: everything that its program says."""
    kind, parameters = run
    arguments = ["--profile", profile]
    for name, value in parameters.items():
        arguments += [f"--{name}", value]
    if kind == "latency":
        arguments += ["--bed-ns", BED_NS]
    for setting in settings:
        arguments += ["--set", setting]
    name = {"point": "hwsim_point", "latency": "hwsim_point", "host": "hwsim_host", "command": "hwsim_command"}[kind]
    return program(build, name, *arguments)


def figure(kind, result):
    """The number that the published one is compared with."""
    if kind == "latency":
        return result["latency_median_us"]
    return result["krules_per_s" if kind == "command" else "gbps"]


def one_point(options):
    """--hwsim-point profile=FILE,tables=T,rules=N[,any option of hwsim_point]: prints it."""
    arguments = []
    for part in options.hwsim_point.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise RuntimeError(f"--hwsim-point: '{part}' is no key=value; try profile=cx5,tables=4,rules=1000000")
        arguments += [f"--{key}", value]
    command = [os.path.join(options.build, "tests", "bench", "hwsim_point"), *arguments]
    if options.json:
        result = program(options.build, "hwsim_point", *arguments)
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
            out.write("\n")
    return subprocess.run(command, check=False).returncode


def evaluate(build):
    """All points: [(point, simulated)]."""
    rows, seen = [], {}
    for point in POINTS:
        key = (point.profile, json.dumps(point.run, sort_keys=True))
        if key not in seen:
            seen[key] = simulate(build, point.profile, point.run)
        simulated = figure(point.run[0], seen[key])
        rows.append((point, simulated))
        print(f"{point.group}: {point.what}: {point.published:g} {point.unit}, simulated {simulated:.4g}"
              f" ({100 * point.error(simulated):+.1f} %)", file=sys.stderr)
    return rows


def sweep(build):
    """[(key, value, {point: Gb/s})] for what is assumed or calibrated, and the unchanged profile first."""
    profile = program(build, "hwsim_point", "--profile", "cx5", "--show")
    variants = [("as it is", None)]
    for key, factors in SWEPT:
        variants += [(key, round(profile[key] * factor)) for factor in factors]
    rows = []
    for key, value in variants:
        settings = [] if value is None else [f"{key}={value}"]
        figures = []
        for tables, rules in SWEEP_POINTS:
            try:
                result = simulate(build, "cx5", ("point", {"tables": tables, "rules": rules}), settings)
                figures.append(result["gbps"])
            except RuntimeError as e:
                raise RuntimeError(f"sweep {key}={value}: {e}") from e
        rows.append((key, value, figures))
        print(f"sweep {key} {value}: {figures}", file=sys.stderr)
    return rows


# The 25G card with offloaded VXLAN connections: (in words, options of hwsim_connections).
CARD_25G = [
    ("1,000,000 connections", ["--connections", 1_000_000]),
    ("2,000,000 connections", ["--connections", 2_000_000]),
    ("1,000,000, half of the engines, a quarter of the reads in flight",
     ["--connections", 1_000_000, "--set", "steering.engines=32", "--set", "cache.reads=16"]),
]


def connections(build):
    """Rows of the table of the 25G card: [(in words, what a working set gave)]."""
    rows = []
    for words, arguments in CARD_25G:
        command = [os.path.join(build, "tests", "bench", "hwsim_connections"), "--profile", "25g", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
        rows += [(words, json.loads(line)) for line in done.stdout.splitlines()]
    return rows


def summary(rows):
    """(predicted points, those within the bound, calibrated points)."""
    predicted = [(p, s) for p, s in rows if not p.calibrated]
    good = [1 for p, s in predicted if abs(p.error(s)) <= WITHIN]
    return len(predicted), len(good), len(rows) - len(predicted)


def published(point):
    """As it was published: a number or a range."""
    return f"{point.published:g}" if point.high is None else f"{point.published:g}-{point.high:g}"


def page(rows, unpublished, swept, card_25g):
    """The text of docs/hwsim-validation.md."""
    predicted, good, calibrated = summary(rows)
    with open(os.path.join(os.path.dirname(__file__), "hwsim_validation.md.in"), encoding="utf-8") as f:
        text = f.read()
    lines = []
    for group in dict.fromkeys(p.group for p, _ in rows):
        lines += [f"### {group}", "", "| | published | simulated | error | |", "|---|---:|---:|---:|---|"]
        for p, s in rows:
            if p.group == group:
                error = p.error(s)
                mark = "calibrated" if p.calibrated else "predicted" if abs(error) <= WITHIN else "predicted, **off**"
                lines.append(f"| {p.what} | {published(p)} {p.unit} | {s:.4g} | {100 * error:+.1f} % | {mark} |")
        lines.append("")
    more = ["| tables | rules | Gb/s | Mpps | median latency, us |", "|---:|---:|---:|---:|---:|"]
    for (_, tables, rules), r in unpublished:
        more.append(f"| {tables} | {rules:,} | {r['gbps']:.1f} | {r['mpps']:.3f} | {r['latency_median_us']:.1f} |")
    heads = " | ".join(f"{t} x {n // t:,}" for t, n in SWEEP_POINTS)
    sens = [f"| | | {heads} |", "|---|---:|" + "---:|" * len(SWEEP_POINTS)]
    for key, value, figures in swept:
        cells = " | ".join(f"{g:.1f}" for g in figures)
        sens.append(f"| {key} | {'' if value is None else f'{value:,}'} | {cells} |")
    card = ["| | active | Mpps | mean latency, us | entry cache | counter cache |", "|---|---:|---:|---:|---:|---:|"]
    for words, r in card_25g:
        hits = f"{100 * r['entry_cache_hit_rate']:.1f} % | {100 * r['counter_cache_hit_rate']:.1f} %"
        card.append(f"| {words} | {r['active']:,} | {r['mpps']:.2f} | {r['mean_latency_us']:.2f} | {hits} |")
    return (
        text.replace("@PREDICTED@", str(predicted))
        .replace("@GOOD@", str(good))
        .replace("@SHARE@", f"{100 * good / predicted:.0f}")
        .replace("@CALIBRATED@", str(calibrated))
        .replace("@ROWS@", "\n".join(lines).rstrip())
        .replace("@UNPUBLISHED@", "\n".join(more))
        .replace("@SWEEP@", "\n".join(sens))
        .replace("@CONNECTIONS@", "\n".join(card))
    )


def validate(options):
    """--hwsim-validate: runs all, writes the page (or only the rows with --json), 1 if too few points are met."""
    rows = evaluate(options.build)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(
                [
                    {
                        "group": p.group,
                        "what": p.what,
                        "profile": p.profile,
                        "run": {"kind": p.run[0], **p.run[1]},
                        "unit": p.unit,
                        "published": p.published,
                        "published_high": p.high,
                        "simulated": s,
                        "error": p.error(s),
                        "use": "calibrated" if p.calibrated else "predicted",
                        "source": p.source,
                    }
                    for p, s in rows
                ],
                out,
                indent=1,
            )
            out.write("\n")
    if not options.rows_only:
        unpublished = [
            (u, simulate(options.build, u[0], ("point", {"tables": u[1], "rules": u[2]}))) for u in UNPUBLISHED
        ]
        text = page(rows, unpublished, sweep(options.build), connections(options.build))
        with open(PAGE, "w", encoding="utf-8") as out:
            out.write(text)
    predicted, good, calibrated = summary(rows)
    print(f"{good} of {predicted} predicted points within {100 * WITHIN:.0f} %, {calibrated} calibrated")
    return 0 if good >= WANTED * predicted else 1
