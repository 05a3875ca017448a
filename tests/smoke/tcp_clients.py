#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Many TCP connections at once for the live tests, and a server that keeps them.

usage: tcp_clients.py serve PORT             accept, read until the client is done, close
       tcp_clients.py open N ADDRESS PORT    open N connections, hold them until all have been tried, close them
"""

import errno
import selectors
import socket
import sys

PATIENCE = 10.0  # seconds for a connection: a SYN that is only dropped is sent again after 1, 3 and 7


def serve(port):
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            try:
                done = not key.fileobj.recv(65536)
            except ConnectionError:
                done = True
            if done:
                selector.unregister(key.fileobj)
                key.fileobj.close()


def open_many(n, address, port):
    held, reset, other = [], 0, 0
    for _ in range(n):
        try:
            held.append(socket.create_connection((address, port), timeout=PATIENCE))
        except ConnectionRefusedError:
            reset += 1
        except OSError as e:
            print(errno.errorcode.get(e.errno, e), file=sys.stderr)
            other += 1
    for sock in held:
        sock.close()
    print(f"{len(held)} opened, {reset} reset, {other} other")


if sys.argv[1:2] == ["serve"] and len(sys.argv) == 3:
    serve(int(sys.argv[2]))
elif sys.argv[1:2] == ["open"] and len(sys.argv) == 5:
    open_many(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
else:
    sys.exit(__doc__)
