#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A UDP service for the live tests, and its client.

usage: udp_echo.py serve NAME PORT            answer with "NAME ADDRESS PORT DATA": whom it sees, and what came
       udp_echo.py ask N ADDRESS PORT NAME... send N datagrams, a socket each; all must be answered, by every NAME

The client's sockets are connected: the kernel takes answers from the address that was asked, and from no other.
"""

import collections
import select
import socket
import sys

TRIES = 5
PATIENCE = 1.0  # seconds a try
AT_A_TIME = 32


def serve(name, port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    while True:
        data, peer = server.recvfrom(65536)
        address = peer[0].removeprefix("::ffff:")
        server.sendto(f"{name} {address} {peer[1]} ".encode() + data, peer)


def check(sock, question, answer):
    """The name of the server; it must have seen our own address and port, and what we sent."""
    name, address, port, data = answer.split(b" ", 3)
    own = sock.getsockname()
    if (address.decode(), int(port), data) != (own[0], own[1], question):
        sys.exit(f"{own[0]} port {own[1]} sent {question!r}, the server says {answer!r}")
    return name.decode()


def ask_some(numbers, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    waiting = {}
    for number in numbers:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.connect((address, port))
        waiting[sock] = b"question %d" % number
    names, tries = collections.Counter(), 0
    while waiting and tries < TRIES:
        tries += 1
        for sock, question in waiting.items():
            sock.send(question)
        while waiting and (ready := select.select(list(waiting), [], [], PATIENCE)[0]):
            for sock in ready:
                names[check(sock, waiting.pop(sock), sock.recv(65536))] += 1
                sock.close()
    if waiting:
        sys.exit(f"{len(waiting)} datagrams to {address} were not answered in {TRIES} tries")
    return names, tries - 1


def ask(count, address, port, expected):
    names, again = collections.Counter(), 0
    for first in range(0, count, AT_A_TIME):
        got, tries = ask_some(range(first, min(count, first + AT_A_TIME)), address, port)
        names += got
        again += tries
    print(f"== {count} datagrams to {address} answered, {again} rounds again: {dict(sorted(names.items()))}")
    if missing := set(expected) - set(names):
        sys.exit(f"not reached: {missing}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        ask(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:])
