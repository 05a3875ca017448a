# SPDX-License-Identifier: BSD-3-Clause
"""Memory of the connection table, a connection that it has room for.

All of it is there from the start, so asking an idle shunt is enough.
"""

from . import lib
from .established import connections
from .shunt import Shunt, configuration, hugepages_needed

ROOM = connections(1032192)


def measure(options, connections_ipv6):
    """Bytes a connection of a table of which so many connections may be IPv6; None: the default."""
    config = configuration(1, ROOM)
    config["tables"].pop("connections-ipv6", None)
    if connections_ipv6 is not None:
        config["tables"]["connections-ipv6"] = connections_ipv6
    captures = lib.captures(options.build, 1)
    with lib.hugepages(hugepages_needed(1, ROOM)):
        with Shunt(options.build, config, captures, options.cores) as shunt:
            table = shunt.stats()["conntrack"]
    return table["bytes"] / table["connections_max"]


def run(options):
    """As configured by default, where a quarter may be IPv6; all of them; and none."""
    return [
        lib.row("memory", ROOM, "bytes_per_connection", measure(options, None)),
        lib.row("memory", ROOM, "bytes_per_connection_ipv6", measure(options, ROOM)),
        lib.row("memory", ROOM, "bytes_per_connection_ipv4_only", measure(options, 0)),
    ]
