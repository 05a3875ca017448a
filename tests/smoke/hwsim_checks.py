# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts of hwsim_testpmd.py share: answers of testpmd that are looked at, frames in and frames out."""

import re

from frames import Frame, mac_text, read_pcap, write_pcap

LAST = 0x02ee00000002
OWN = 0x026877aa0000


class Wrong(Exception):
    pass


def check(condition, what, detail=""):
    if not condition:
        raise Wrong(f"{what}\n{detail}")


def says(t, command, *parts, seconds=20):
    """Asks, and all of these must be in the answer, in this order."""
    answer = t.ask(command, seconds)
    at = 0
    for part in parts:
        found = answer.find(part, at)
        check(found >= 0, f"'{command}' does not say '{part}'", answer)
        at = found + len(part)
    return answer


def silent(t, *commands):
    """Commands that print nothing when all is well."""
    for command in commands:
        answer = t.ask(command)
        check(answer == "", f"'{command}' is not silent", answer)


def refuses(t, command, number, text, errno):
    """rte_flow_error's type, message and code, as testpmd prints them."""
    answer = t.ask(command)
    pattern = rf"Caught PMD error type {number} \([^\n]*?\): (cause: 0x[0-9a-f]+, )?{re.escape(text)}: {errno}"
    check(re.search(pattern, answer), f"'{command}' should be refused with {number}, {text}, {errno}", answer)


def numbers(answer):
    """`name: value` of statistics."""
    return {name: int(value) for name, value in re.findall(r"^\s*([A-Za-z][\w-]*): +?(\d+)", answer, re.M)}


def xstats(t, port=0):
    return numbers(t.ask(f"show port xstats {port}"))


def hits(t, rule, port=0):
    found = re.search(r" hits: (\d+)\n bytes: (\d+)", t.ask(f"flow query {port} {rule} count"))
    check(found, f"no count of rule {rule}")
    return int(found.group(1)), int(found.group(2))


# ---- frames in, frames out --------------------------------------------------------------------------------------------

def udp(number=0, size=32, **fields):
    """Headers by name: udp(ipv4={"src": 1}, eth={...}, vlan={...})."""
    kinds = ["eth"] + (["vlan"] if "vlan" in fields else []) + ["ipv4", "udp"]
    frame = Frame(*[(kind, dict(fields.get(kind, {}))) for kind in kinds],
                  payload=bytes(size) + number.to_bytes(8, "big"))
    return frame.link()


def end_mark():
    return Frame(("eth", {"src": LAST, "dst": OWN}), payload=bytes(50)).link()


class Traffic:
    """A capture for a wire: a mark, silence, the frames, silence, a mark. rate=own: at these times with any clock."""

    def __init__(self, where, frames, name="0", gap=10, silence=1000000):
        self.frames, self.out = [frame.bytes() for frame in frames], f"{where}/out{name}.pcap"
        write_pcap(f"{where}/in{name}.pcap", [(0, end_mark().bytes())] +
                   [(silence + gap * i, frame) for i, frame in enumerate(self.frames)] +
                   [(2 * silence + gap * len(self.frames), end_mark().bytes())])
        self.wire = f"pcap:rx={where}/in{name}.pcap;tx={self.out};rate=own"

    def left(self):
        """What came out, but for the marks."""
        return [frame for frame in read_pcap(self.out) if LAST.to_bytes(6, "big") not in frame[:12]]


def run(t, seconds=30):
    """start, until both marks are in, stop; what testpmd said of the frames."""
    begin = len(t.log)
    says(t, "set verbose 1", "Change verbose level")
    t.send("start")
    for _ in range(2):
        t.until(mac_text(LAST).upper(), seconds)
    said = t.log[begin:]
    t.ask("stop")
    t.ask("set verbose 0")
    return said


SEEN = re.compile(r"port (\d+)/queue (\d+): received|src=([0-9A-F:]{17}) - dst=(.*)")


def seen(said):
    """(port, queue, line) of all frames but the marks."""
    at, frames = (None, None), []
    for found in SEEN.finditer(said):
        if found.group(1) is not None:
            at = (int(found.group(1)), int(found.group(2)))
        elif found.group(3) != mac_text(LAST).upper():
            frames.append((*at, found.group(4)))
    return frames
