# SPDX-License-Identifier: BSD-3-Clause
"""What has been published about cards that hwsim models: the points that the model must reproduce.

Source of all of them, unless a row says otherwise: Katsikas, Barbette, Chiesa, Kostic, Maguire, "What You Need
to Know About (Smart) Network Interface Cards", PAM 2021 (nic-bench): 100 GbE, frames of 1,500 bytes, read off
the plots to about 1 Gb/s.
"""

import dataclasses

PAM21 = "Katsikas et al., PAM 2021"


@dataclasses.dataclass(frozen=True)
class Point:
    """One published number, and how to simulate it."""

    group: str  # heading that it stands under
    what: str  # in words
    profile: str
    run: tuple  # (kind, parameters), see hwsim.py
    published: float
    unit: str
    high: float = None  # published as a range: its upper end
    calibrated: bool = False  # the model's numbers were chosen to meet it
    source: str = PAM21

    def error(self, simulated):
        """Relative error; 0 within a published range, else from its nearer end."""
        high = self.published if self.high is None else self.high
        if self.published <= simulated <= high:
            return 0.0
        end = self.published if simulated < self.published else high
        return simulated / end - 1


def _count(n):
    return f"{n // 1_000_000}M" if n % 1_000_000 == 0 and n else f"{n // 1000}k" if n else "0"


def _throughput(tables, rules, gbps, calibrated=False, profile="cx5"):
    name = "ConnectX-5" if profile == "cx5" else "ConnectX-6"
    what = f"{_count(rules)} rules in table 0" if tables == 0 else f"{tables} table{'s' * (tables > 1)}, {_count(rules)} rules"
    group = f"{name}: throughput by number of rules"
    return Point(group, what, profile, ("point", {"tables": tables, "rules": rules}), gbps, "Gb/s", None, calibrated)


def _latency(tables, rules, low, high, calibrated=False):
    return Point(
        "ConnectX-5: median latency",
        f"{tables} table{'s' * (tables > 1)}, {_count(rules)} rules",
        "cx5",
        ("latency", {"tables": tables, "rules": rules}),
        low,
        "us",
        high,
        calibrated,
    )


def _shared(rate, gbps, calibrated=False):
    return Point(
        "ConnectX-5: throughput while the same core inserts rules",
        f"{_count(rate)} insertions/s asked for",
        "cx5",
        ("host", {"inserts": rate}),
        gbps,
        "Gb/s",
        None,
        calibrated,
    )


def _insert(what, krules, calibrated=False, **shape):
    return Point(
        "ConnectX-5: insertions a second",
        what,
        "cx5",
        ("command", {"kind": "insert", **shape}),
        krules,
        "k/s",
        None,
        calibrated,
    )


def _update(what, krules, kind, rules, calibrated=False):
    return Point(
        "ConnectX-5: updates a second",
        f"{what}, {_count(rules)} rules",
        "cx5",
        ("command", {"kind": kind, "rules": rules, "items": "eth,ipv4,tcp", "actions": 1, "table": 1}),
        krules,
        "k/s",
        None,
        calibrated,
    )


POINTS = [
    # Table 0, which firmware manages.
    _throughput(0, 1_000, 98.9),
    _throughput(0, 16_000, 98.9),
    _throughput(0, 32_000, 82.3, calibrated=True),
    _throughput(0, 56_000, 48.9),
    _throughput(0, 57_000, 0.84, calibrated=True),
    _throughput(0, 58_000, 0.155),
    _throughput(0, 60_000, 0.053, calibrated=True),
    _throughput(0, 65_000, 0.022),
    # Tables behind it.
    _throughput(1, 2_000_000, 98.9),
    _throughput(1, 3_000_000, 89.1),
    _throughput(1, 4_000_000, 69.7),
    _throughput(2, 1_000_000, 98.6),
    _throughput(2, 2_000_000, 91.4),
    _throughput(2, 3_000_000, 79.9),
    _throughput(2, 4_000_000, 62.1),
    _throughput(4, 10_000, 98.9),
    _throughput(4, 20_000, 82.7),
    _throughput(4, 100_000, 71.2),
    _throughput(4, 1_000_000, 51.8),
    _throughput(4, 4_000_000, 43.2, calibrated=True),
    _throughput(8, 10_000, 55.5, calibrated=True),
    _throughput(8, 20_000, 42.1),
    _throughput(8, 100_000, 31.1),
    _throughput(8, 1_000_000, 29.7),
    _throughput(8, 4_000_000, 25.3),
    _throughput(16, 10_000, 54.6, calibrated=True),
    _throughput(16, 20_000, 19.4),
    _throughput(16, 100_000, 17.5),
    _throughput(16, 1_000_000, 14.3),
    _throughput(16, 4_000_000, 12.6),
    _latency(1, 1_000_000, 30, 35, calibrated=True),
    _latency(16, 20_000, 180, 230, calibrated=True),
    _latency(16, 100_000, 180, 230),
    _latency(16, 1_000_000, 180, 230),
    _latency(16, 4_000_000, 180, 230),
    _shared(10_000, 95.7, calibrated=True),
    _shared(50_000, 83.7),
    _shared(100_000, 67.7, calibrated=True),
    _shared(200_000, 53.5),
    _shared(300_000, 43.6),
    _shared(400_000, 37.0),
    _shared(500_000, 32.0),
    _insert("ETH, 1 action", 505, calibrated=True, items="eth", actions=1, table=1, rules=65_000),
    _insert("IPv4", 493, items="eth,ipv4", actions=1, table=1, rules=65_000),
    _insert("IPv4/TCP", 493, items="eth,ipv4,tcp", actions=1, table=1, rules=65_000),
    _insert("IPv6", 438, calibrated=True, items="eth,ipv6", actions=1, table=1, rules=65_000),
    _insert("IPv6/TCP", 419, items="eth,ipv6,tcp", actions=1, table=1, rules=65_000),
    _insert("ETH, 2 actions", 482, items="eth", actions=2, table=1, rules=65_000),
    _insert("ETH, 3 actions", 352, calibrated=True, items="eth", actions=3, table=1, rules=65_000),
    _insert("ETH, 4 actions", 344, items="eth", actions=4, table=1, rules=65_000),
    _insert("table 0, ETH", 270, calibrated=True, items="eth", actions=1, table=0, rules=1_000),
    _insert("table 0, IPv6", 255, items="eth,ipv6", actions=1, table=0, rules=1_000),
    _insert("table 0, IPv4, at 16k rules", 40, items="eth,ipv4", actions=1, table=0, rules=16_000),
    _insert("table 0, IPv4, at 65k rules", 1.4, calibrated=True, items="eth,ipv4", actions=1, table=0, rules=65_000),
    _update("in memory", 620, "update", 100_000, calibrated=True),
    _update("in memory", 456, "update", 1_000_000),
    _update("in memory", 320, "update", 4_000_000, calibrated=True),
    _update("delete and insert", 355, "replace", 100_000, calibrated=True),
    _update("delete and insert", 282, "replace", 1_000_000),
    _update("delete and insert", 218, "replace", 4_000_000),
    _throughput(1, 4_000_000, 99.0, calibrated=True, profile="cx6"),
    _throughput(16, 4_000_000, 22.7, calibrated=True, profile="cx6"),
]

# The model's own predictions where this project knows no published number: to be checked by who does.
UNPUBLISHED = [
    ("cx6", tables, rules)
    for tables in (2, 4, 8, 16)
    for rules in (10_000, 20_000, 100_000, 1_000_000, 4_000_000)
    if (tables, rules) != (16, 4_000_000)
]
