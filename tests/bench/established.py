# SPDX-License-Identifier: BSD-3-Clause
"""Established UDP sessions through DNAT, both directions, on one worker.

Cycles a packet of the worker from receive to transmit, net_pcap's included; and packets a second.
The peer, where asked for, does the same job from the same captures, in turns with shunt.
"""

import sys
import time

from . import lib, peer_ovs
from .shunt import Shunt, configuration, hugepages_needed

NAME = "established-udp-dnat"
SIZES = (1000, 64512, 258048, 1032192)
LARGE = 4128768
PEER_MAX = 1032192  # more does not fit into the mbuf pools that Open vSwitch makes


def connections(sessions):
    """Room in the table: what is there and an eighth."""
    return sessions + sessions // 8 + 1024


def measure(options, sessions, stage_cycles=False):
    """One run of shunt; its rows."""
    captures = lib.captures(options.build, sessions)
    config = configuration(sessions, connections(sessions))
    with Shunt(options.build, config, captures, options.cores, stage_cycles) as shunt:
        shunt.wait_established(sessions)
        time.sleep(1)
        waiting = lib.Waiting(shunt.process.pid, options.cores[-1])
        before = shunt.stats()
        time.sleep(options.seconds)
        after = shunt.stats()
        waiting.warn(f"shunt, {sessions} sessions")
    return rows(before, after, sessions, stage_cycles)


def rows(before, after, sessions, stage_cycles):
    """What two snapshots of one worker's statistics mean."""
    (first,), (last,) = before["workers"], after["workers"]
    packets = last["busy_packets"] - first["busy_packets"]
    seconds = after["seconds"] - before["seconds"]
    forwarded = after["forwarded_fast"]["packets"] - before["forwarded_fast"]["packets"]
    if packets <= 0 or forwarded < 0.99 * packets:
        raise RuntimeError(f"only {forwarded} of {packets} packets took the fast path")
    if stage_cycles:
        return [
            lib.row(NAME, sessions, f"cycles_per_packet_{stage}", (count - begin) / packets)
            for (stage, count), begin in zip(last["stages"].items(), first["stages"].values())
        ]
    cycles = (last["cycles"] - first["cycles"]) / packets
    # The source never runs dry: the worker should be busy all the time.
    whole = after["tsc_hz"] * seconds / packets
    if not 0.95 * whole < cycles < 1.05 * whole:
        print(
            f"warning: {sessions} sessions: {cycles:.1f} cycles a packet were counted while"
            f" {whole:.1f} went by",
            file=sys.stderr,
        )
    return [
        lib.row(NAME, sessions, "cycles_per_packet", cycles),
        lib.row(NAME, sessions, "mpps", forwarded / seconds / 1e6),
    ]


def run(options):
    """Every size, shunt and the peer in turns; then once by stages, which costs cycles itself."""
    sizes = options.sessions or (SIZES + ((LARGE,) if options.large else ()))
    results = []
    for sessions in sizes:
        peer = options.peer == "ovs" and sessions <= PEER_MAX
        megabytes = hugepages_needed(sessions, connections(sessions))
        if peer:
            megabytes = max(megabytes, peer_ovs.hugepages_needed(sessions))
        with lib.hugepages(megabytes):
            for _ in range(options.runs):
                if not options.peer_only:
                    results += measure(options, sessions)
                if peer:
                    captures = lib.captures(options.build, sessions)
                    core = options.cores[-1]
                    results += peer_ovs.run(*captures, sessions, options.seconds, core)
            if not options.peer_only:
                results += measure(options, sessions, stage_cycles=True)
    return results
