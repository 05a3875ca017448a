#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Protocol stacks x fields x actions: rules that testpmd makes, held against the bytes that leave and the rules' counters.

For each case there is one rule that looks at one field, a frame that has its value, and one that differs in just this
field. Both carry the number of the case in a MAC address that the rule looks at, too, so that thousands of cases are one run:
a capture goes in by the wire, testpmd sends everything back, and what leaves is another capture. What is expected of a
frame is made here (frames.py); the queue and mark of a frame are those that testpmd prints when it comes in.

--domain ingress: all actions. egress: the same frames on their way out, for actions that are there. transfer: rules of the
switch, which send frames to the host or back to the wire.
"""

import argparse
import copy
import itertools
import re
import sys

import testpmd
from frames import Frame, bits, mac_text, read_pcap, write_pcap
from hwsim_actions import Act, SETUP, fates, ip4_text, ip6_text, modifications, rss_queue, shapes

QUEUES = 4
TAG = 0x02cc00000000
FIRST, LAST = 0x02ee00000001, 0x02ee00000002

FRAGMENT = ("ipv4", {"fragment_offset": 0x2064, "proto": 17})
OUTER = ("udp", {"nosum": True})
INNER_ETH = ("eth", {"dst": 0x02000000aa01, "src": 0x02000000aa02})
INNER_IPV4 = ("ipv4", {"src": 0x0a010101, "dst": 0x0a020202, "ttl": 33, "tos": 0})

# Name: headers. The fields of the last header that has a name here are looked at one by one, and those of the ones in front.
STACKS = {
    "eth": ["eth"],
    "eth_vlan": ["eth", "vlan"],
    "eth_qinq": [("eth", {"type": 0x88a8}), "vlan", ("vlan", {"vid": 0x456, "pcp": 1})],
    "arp": ["eth", "arp"],
    "ipv4": ["eth", "ipv4"],
    "ipv4_fragment": ["eth", FRAGMENT],
    "ipv4_udp": ["eth", "ipv4", "udp"],
    "ipv4_tcp": ["eth", "ipv4", "tcp"],
    "ipv4_sctp": ["eth", "ipv4", "sctp"],
    "ipv4_icmp": ["eth", "ipv4", "icmp"],
    "ipv4_esp": ["eth", "ipv4", "esp"],
    "ipv6": ["eth", "ipv6"],
    "ipv6_fragment": ["eth", "ipv6", ("frag6", {"frag_data": 0x0581, "next_hdr": 17})],
    "ipv6_udp": ["eth", "ipv6", "udp"],
    "ipv6_tcp": ["eth", "ipv6", "tcp"],
    "ipv6_sctp": ["eth", "ipv6", "sctp"],
    "ipv6_icmp6": ["eth", "ipv6", "icmp6"],
    "vlan_ipv4_tcp": ["eth", "vlan", "ipv4", "tcp"],
    "vlan_ipv6_udp": ["eth", "vlan", "ipv6", "udp"],
    "qinq_ipv4_udp": [("eth", {"type": 0x88a8}), "vlan", ("vlan", {"vid": 0x456, "pcp": 1}), "ipv4", "udp"],
    "vxlan_ipv4_udp": ["eth", "ipv4", OUTER, "vxlan", INNER_ETH, INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "vxlan6_ipv4_tcp": ["eth", "ipv6", "udp", "vxlan", INNER_ETH, INNER_IPV4, ("tcp", {"src": 7, "dst": 9})],
    "geneve_ipv4_tcp": ["eth", "ipv4", OUTER, "geneve", INNER_ETH, INNER_IPV4, ("tcp", {"src": 7, "dst": 9})],
    "gre_ipv4": ["eth", "ipv4", "gre", INNER_IPV4],
    "gre_key_ipv4_udp": ["eth", "ipv4", "gre", "gre_key", INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "nvgre_ipv4_udp": ["eth", "ipv4", "nvgre", INNER_ETH, INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
    "gtpu_ipv4_udp": ["eth", "ipv4", OUTER, "gtpu", INNER_IPV4, ("udp", {"src": 7, "dst": 9})],
}

# Header: item of testpmd; then field: (its word, where its text differs from a number).
ITEMS = {
    "eth": "eth", "vlan": "vlan", "arp": "arp_eth_ipv4", "ipv4": "ipv4", "ipv6": "ipv6", "frag6": "ipv6_frag_ext", "udp": "udp",
    "tcp": "tcp", "sctp": "sctp", "icmp": "icmp", "icmp6": "icmp6", "esp": "esp", "vxlan": "vxlan", "geneve": "geneve",
    "gtpu": "gtpu", "gre": "gre", "gre_key": "gre_key", "nvgre": "nvgre",
}
FIELDS = {
    "eth": ["dst", "src", "type"],
    "vlan": ["pcp", "dei", "vid", "inner_type"],
    "arp": ["sha", "spa", "tha", "tpa"],
    "ipv4": ["tos", "packet_id", "fragment_offset", "ttl", "proto", "src", "dst"],
    "ipv6": ["tc", "flow", "proto", "hop", "src", "dst"],
    "frag6": ["next_hdr", "frag_data"],
    "udp": ["src", "dst"],
    "tcp": ["src", "dst", "flags"],
    "sctp": ["src", "dst", "tag"],
    "icmp": ["type", "code", "ident", "seq"],
    "icmp6": ["type", "code"],
    "esp": ["spi"],
    "vxlan": ["vni", "last_rsvd"],
    "geneve": ["vni", "protocol"],
    "gtpu": ["teid", "msg_type"],
    "gre": ["protocol"],
    "gre_key": ["value"],
    "nvgre": ["tni"],
}
MACS = {("eth", "dst"), ("eth", "src"), ("arp", "sha"), ("arp", "tha")}
IPS = {("ipv4", "src"), ("ipv4", "dst"), ("arp", "spa"), ("arp", "tpa")}
IP6S = {("ipv6", "src"), ("ipv6", "dst")}


def text(kind, field, value):
    if (kind, field) in MACS:
        return mac_text(value)
    if (kind, field) in IPS:
        return ip4_text(value)
    if (kind, field) in IP6S:
        return ip6_text(value)
    return str(value)


# ---- cases ------------------------------------------------------------------------------------------------------------

class Case:
    def __init__(self, number, stack, field, act, form="is"):
        self.number, self.stack, self.field, self.act, self.form = number, stack, field, act, form
        self.rules, self.id, self.second = [], None, None

    def __str__(self):
        where = f"{self.field[1]}.{self.field[2]}" + ("(inner)" if self.field[0] > 3 else "") if self.field else "all"
        return f"{self.stack} {where} {self.form} {self.act.name}"


def fields_of(kinds):
    """(index of the header, kind, field), each once; of a header that is there twice, both."""
    return [(i, kind, field) for i, kind in enumerate(kinds) for field in FIELDS[kind]]


def tag_field(field):
    """The MAC address that carries the case's number: the other one, where one is looked at."""
    return "dst" if field and field[0] == 0 and field[2] == "src" else "src"


def frame_of(case, payload):
    frame = Frame(*copy.deepcopy(STACKS[case.stack]), payload=payload).link()
    frame[0][tag_field(case.field)] = TAG + case.number
    return frame


def other(kind, field, value):
    """A value that differs in one bit."""
    flip = {("eth", "type"): 0x0040, ("vlan", "inner_type"): 0x0040, ("ipv4", "fragment_offset"): 0x4000,
            ("geneve", "protocol"): 0x0040, ("gre", "protocol"): 0x0040, ("frag6", "frag_data"): 0x0100}
    return value ^ flip.get((kind, field), 1 << bits(kind, field) // 2)


def words_of(case, frame):
    """The pattern: all headers, the tag, and the one field."""
    items = []
    for i, (kind, fields) in enumerate(frame.headers):
        words = [ITEMS[kind]]
        if i == 0:
            tag = tag_field(case.field)
            words.append(f"{tag} is {mac_text(fields[tag])}")
        if case.field and case.field[0] == i:
            name = case.field[2]
            value = fields[name]
            if case.form == "is":
                words.append(f"{name} is {text(kind, name, value)}")
            elif case.form == "mask":
                # Only the upper bits, and bits of the spec outside of the mask.
                mask = (1 << bits(kind, name)) - (1 << bits(kind, name) // 2)
                words.append(f"{name} spec {text(kind, name, value ^ 1)} {name} mask {text(kind, name, mask)}")
            else:
                full = (1 << bits(kind, name)) - 1
                words.append(f"{name} spec {text(kind, name, value - 1)} {name} last {text(kind, name, value + 1)} "
                             f"{name} mask {text(kind, name, full)}")
        items.append(" ".join(words))
    return " / ".join(items)


def is_tunnel(stack):
    """Has two levels of headers."""
    kinds = Frame(*STACKS[stack]).kinds()
    return kinds.count("ipv4") + kinds.count("ipv6") > 1


def selects(kinds, field):
    """Says which header is next: with another value the frame is of another stack."""
    index, kind, name = field
    return index + 1 < len(kinds) and (
        name in ("type", "inner_type", "proto", "protocol", "next_hdr", "fragment_offset", "frag_data") or
        (kind, name) in (("udp", "dst"), ("gtpu", "msg_type")))


def make_cases(domain):
    cases, number = [], itertools.count(1)

    def add(*what, **more):
        cases.append(Case(next(number), *what, **more))

    for stack, headers in STACKS.items():
        kinds = Frame(*headers).kinds()
        changes = itertools.cycle(modifications(kinds))
        for field in fields_of(kinds):
            for act in fates(stack, kinds, len(cases) + 1):
                if domain == "ingress" or act.name in ("drop", "jump", "jumped"):
                    add(stack, field, act)
            add(stack, field, next(changes))
            for act in itertools.islice(itertools.cycle(shapes(kinds)), len(cases) % 7, len(cases) % 7 + 1):
                add(stack, field, act)
            if domain == "ingress" and not selects(kinds, field):
                add(stack, field, Act("count", ""), form="mask")
                kind, name = field[1:]
                if (kind, name) not in MACS | IP6S and bits(kind, name) > 3 and \
                        0 < frame_value(headers, field) < (1 << bits(kind, name)) - 2:
                    add(stack, field, Act("count", ""), form="range")
        for act in modifications(kinds) + shapes(kinds):
            add(stack, None, act)
    return cases


def frame_value(headers, field):
    return Frame(*headers, payload=b"").link()[field[0]].get(field[2]) or 0


class Shot:
    """A frame that goes in: what of it comes out, and where it was seen."""

    def __init__(self, case, hit, frame):
        self.case, self.hit, self.sent = case, hit, frame
        self.expected = frame if not hit else case.act.change(frame.copy())
        self.queue, self.mark = 0, None
        if hit:
            self.queue, self.mark = case.act.queue or 0, case.act.mark
            if case.act.rss:
                self.queue = rss_queue(frame)


def shots_of(cases):
    """Frames of all cases; each ends with its own number."""
    shots = []
    for case in cases:
        def frame():
            number = len(shots)
            return frame_of(case, bytes(range(40)) + number.to_bytes(8, "big"))
        shots.append(Shot(case, True, frame()))
        if case.field:
            index, kind, name = case.field
            differs = frame()
            value = differs[index][name]
            differs[index][name] = other(kind, name, value)
            if case.form == "mask":
                # One that differs outside of the mask, and one within.
                outside = frame()
                outside[index][name] = value ^ 1
                if bits(kind, name) > 1:
                    shots.append(Shot(case, True, outside))
                differs = frame()
                differs[index][name] = value ^ 1 << bits(kind, name) - 1
            elif case.form == "range":
                for value, hit in ((value - 1, True), (value + 1, True), (value + 2, False)):
                    edge = frame()
                    edge[index][name] = value
                    shots.append(Shot(case, hit, edge))
                differs = frame()
                differs[index][name] = value - 4 if value >= 4 else value + 4
            shots.append(Shot(case, False, differs))
    return shots


# ---- the run ----------------------------------------------------------------------------------------------------------

def destination(case, domain):
    """Where a rule sends what its own action does not: nowhere else, to a queue; of the switch to the host, or back."""
    if domain == "transfer":
        return ("port_representor port_id 0", "represented_port ethdev_port_id 0")[case.number % 2]
    return f"queue index {case.act.queue}" if domain == "ingress" and case.act.jump else ""


def listed(*actions):
    return " / ".join(action for action in ("count", *actions, "end") if action)


def rules_of(case, domain):
    """Commands that make its rules; the first is the one that is counted."""
    frame = frame_of(case, b"")
    # A rule of the switch says where a frame comes from: testpmd sends it back through the same tables.
    start = "represented_port ethdev_port_id is 0 / " if domain == "transfer" else ""
    pattern = start + words_of(case, frame)
    tag = f"{start}eth {tag_field(case.field)} is {mac_text(TAG + case.number)}"
    there = destination(case, domain)
    make = f"flow create 0 {domain}"
    if case.act.jump == "from":
        group = 1 + case.number % 5
        return [f"{make} pattern {pattern} / end actions {listed(f'jump group {group}')}",
                f"{make} group {group} pattern {tag} / end actions {listed(there)}"]
    if case.act.jump == "to":
        group = 11 + case.number % 5
        return [f"{make} group {group} pattern {pattern} / end actions {listed(there)}",
                f"{make} pattern {tag} / end actions {listed(f'jump group {group}')}"]
    return [f"{make} pattern {pattern} / end actions {listed(case.act.words, '' if case.act.fate else there)}"]


def load(t, path, lines, seconds):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)
    return t.ask(f"load {path}", seconds)


def make_rules(t, where, cases, domain):
    """All rules, at once; the commands that testpmd or the driver refused, each with the reason."""
    commands = [(case, command) for case in cases for command in rules_of(case, domain)]
    for _, command in commands:
        assert len(command) < 512, command
    out = load(t, f"{where}/create", [command for _, command in commands], 240)
    answers = re.findall(r"Flow rule #(\d+) created|(Caught PMD error[^\n]*)", out)
    if len(answers) != len(commands):
        # A file's commands that testpmd does not understand are passed over in silence.
        for case, command in commands:
            answer = t.ask(command.replace("flow create", "flow validate"))
            if "Bad arguments" in answer:
                raise RuntimeError(f"{case}: testpmd does not know: {command}")
        raise RuntimeError(f"{len(commands)} rules, {len(answers)} answers")
    refused = []
    for (case, command), (rule, error) in zip(commands, answers):
        if error:
            refused.append(f"{case}: {command}: {error}")
        else:
            case.rules.append(int(rule))
    return refused


def check_counts(t, where, cases, shots):
    wrong = []
    asked = [(case, rule) for case in cases for rule in case.rules]
    out = load(t, f"{where}/query", [f"flow query 0 {rule} count" for _, rule in asked], 120)
    counts = [(int(h), int(b)) for h, b in re.findall(r" hits: (\d+)\n bytes: (\d+)", out)]
    if len(counts) != len(asked):
        return [f"{len(asked)} queries, {len(counts)} answers"]
    hits, every = {}, {}
    for shot in shots:
        for where_, counted in ((hits, shot.hit), (every, True)):
            n, size = where_.get(shot.case, (0, 0))
            if counted:
                where_[shot.case] = (n + 1, size + len(shot.sent.bytes()))
    for (case, rule), got in zip(asked, counts):
        # The rule in front of a jump to the one that is tested is for both.
        want = every if case.act.jump == "to" and rule != case.rules[0] else hits
        if got != want[case]:
            wrong.append(f"{case}: rule {rule} counted {got}, not {want[case]}")
    return wrong


SEEN = re.compile(r"port 0/queue (\d+): received|src=[0-9A-F:]{17} - dst=.*")


def seen_frames(out):
    """(queue, mark) of every frame in the order of arrival: what testpmd printed."""
    queue, frames = None, []
    for match in SEEN.finditer(out):
        if match.group(1) is not None:
            queue = int(match.group(1))
        else:
            mark = re.search(r"FDIR matched ID=0x([0-9a-f]+)", match.group(0))
            frames.append((queue, int(mark.group(1), 16) if mark else None))
    return frames


def free_id(expected, got):
    """Identifications that the card chose: the outer header's, where the rule leaves it open."""
    for header in expected.headers:
        if header[0] == "ipv4" and header[1]["packet_id"] is None:
            header[1]["packet_id"] = int.from_bytes(got[18:20], "big")


def check_frames(shots, came, seen):
    wrong = []
    if seen is not None and len(seen) != len(came):
        wrong.append(f"{len(seen)} frames were seen, {len(came)} left")
        seen = None
    got = {}
    for i, data in enumerate(came):
        if int.from_bytes(data[6:12], "big") in (FIRST, LAST):
            continue
        number = int.from_bytes(data[-8:], "big")
        if number >= len(shots) or number in got:
            wrong.append(f"a frame that nobody sent, or twice: {data.hex()}")
        else:
            got[number] = (data, seen[i] if seen else None)
    for number, shot in enumerate(shots):
        data, at = got.get(number, (None, None))
        what = f"{shot.case} ({'matches' if shot.hit else 'differs'})"
        if (shot.expected is None) != (data is None):
            wrong.append(f"{what}: {'did not leave' if data is None else 'left'}")
            continue
        if data is None:
            continue
        free_id(shot.expected, data)
        if shot.expected.bytes() != data:
            wrong.append(f"{what}:\n  sent     {shot.sent.bytes().hex()}\n  expected {shot.expected.bytes().hex()}\n"
                         f"  left     {data.hex()}")
        if at is not None and at != (shot.queue, shot.mark):
            wrong.append(f"{what}: queue and mark {at}, not {(shot.queue, shot.mark)}")
    return wrong


def write_capture(path, shots):
    """The first frame says that the wire is open, and the last that all are in; in between testpmd has a second to be silent."""
    def mark(mac):
        return Frame(("eth", {"src": mac}), payload=bytes(50)).link().bytes()

    frames = [(1000000 + 10 * i, shot.sent.bytes()) for i, shot in enumerate(shots)]
    write_pcap(path, [(0, mark(FIRST)), *frames, (2000000 + 10 * len(shots), mark(LAST))])


def run(where, options):
    domain = options.domain
    cases = [case for case in make_cases(domain) if options.only in str(case) and
             options.stacks in ("all", "tunnels" if is_tunnel(case.stack) else "plain")]
    shots = shots_of(cases)
    write_capture(f"{where}/in.pcap", shots)
    wire = f"pcap:rx={where}/in.pcap;tx={where}/out.pcap;rate=own"
    queues = [f"--rxq={QUEUES}", f"--txq={QUEUES}", "--disable-rss"]
    with testpmd.Testpmd(f"net_hwsim0,wire={wire}", options=queues) as t:
        for line in SETUP + ["set verbose 1"]:
            answer = t.ask(line)
            assert "Bad" not in answer, (line, answer)
        wrong = make_rules(t, where, cases, domain)
        begin = len(t.log)
        t.send("start")
        t.until(mac_text(LAST).upper(), 60)
        seen = t.log[begin:]
        t.ask("stop")
        wrong += check_counts(t, where, cases, shots)
        if t.quit() != 0:
            wrong.append("testpmd did not end well")
    came = read_pcap(f"{where}/out.pcap")
    wrong += check_frames(shots, came, seen_frames(seen) if domain == "ingress" else None)
    stacks = len({case.stack for case in cases})
    fields = len({(case.stack, case.field) for case in cases if case.field})
    acts = len({case.act.name for case in cases})
    print(f"{domain}: {len(cases)} cases ({stacks} stacks, {fields} fields of them, {acts} actions), {len(shots)} frames, "
          f"{len(wrong)} wrong")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domain", choices=["ingress", "egress", "transfer"], default="ingress")
    parser.add_argument("--stacks", choices=["all", "plain", "tunnels"], default="all")
    parser.add_argument("--only", default="", help="cases whose name has this")
    options = parser.parse_args()
    testpmd.require()
    with testpmd.scratch() as where:
        wrong = run(where, options)
    for line in wrong[:40]:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
