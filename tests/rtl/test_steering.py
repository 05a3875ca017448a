#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The steering pipeline as SystemVerilog and the model in C: the same packets, rules and seeds, and every packet must have the same
outcome in the same cycle. usage: test_steering.py BUILD-DIR LIBRARY-OF-THE-WORLD"""

import glob
import json
import os
import shlex
import shutil
import subprocess
import sys

SOURCE = os.environ['SHUNT_SOURCE_DIR']
SEEDS = range(1, 5)

# RTL's parameters, then those of the world: latency of memory, mean gap between packets.
SETS = {
    # Something of everything.
    'mixed': (dict(ENGINES=8, PARSER_LATENCY=4, PARSER_INTERVAL=2, PARSER_QUEUE=16, GROUP_CYCLES=2, LOOKUP=3, ACTION=1,
                   GROUPS_MAX=6, ORDER_BUCKETS=64, CACHE_LINES=64, CACHE_WAYS=4, CACHE_HIT=2, CACHE_READS=4,
                   CACHE_INTERVAL=3), dict(memory=60, gap=60)),
    # As fast as RTL goes: everybody asks the cache in the same cycles, and few buckets hold packets back.
    'fast': (dict(ENGINES=32, PARSER_LATENCY=2, PARSER_INTERVAL=1, PARSER_QUEUE=24, GROUP_CYCLES=1, LOOKUP=2, ACTION=0,
                  GROUPS_MAX=12, ORDER_BUCKETS=16, CACHE_LINES=1024, CACHE_WAYS=8, CACHE_HIT=0, CACHE_READS=32,
                  CACHE_INTERVAL=1), dict(memory=40, gap=5)),
    # One of each.
    'one': (dict(ENGINES=1, PARSER_LATENCY=3, PARSER_INTERVAL=5, PARSER_QUEUE=1, GROUP_CYCLES=3, LOOKUP=2, ACTION=2,
                 GROUPS_MAX=3, ORDER_BUCKETS=1, CACHE_LINES=1, CACHE_WAYS=1, CACHE_HIT=1, CACHE_READS=1,
                 CACHE_INTERVAL=10), dict(memory=2, gap=50)),
    # Numbers that are no powers of two.
    'odd': (dict(ENGINES=13, PARSER_LATENCY=9, PARSER_INTERVAL=3, PARSER_QUEUE=21, GROUP_CYCLES=4, LOOKUP=5, ACTION=3,
                 GROUPS_MAX=7, ORDER_BUCKETS=1000, CACHE_LINES=300, CACHE_WAYS=7, CACHE_HIT=3, CACHE_READS=9,
                 CACHE_INTERVAL=7), dict(memory=333, gap=90)),
}
COUNT = dict(rules=2500, packets=20000)
# Lines are written now and then, or almost always: then also in the cycle in which another of their set comes.
DROPS = (100, 3)


def card(name, gap):
    """A card's own numbers (config/hwsim), but for what RTL has least values of, and loops as long as a path may be."""
    with open(os.path.join(SOURCE, f'config/hwsim/{name}.json'), encoding='utf-8') as f:
        profile = json.load(f)

    def number(section, key):
        return profile[section][key]['value']

    return (dict(ENGINES=number('steering', 'engines'), PARSER_LATENCY=max(2, number('parser', 'latency')),
                 PARSER_INTERVAL=number('parser', 'interval'), PARSER_QUEUE=number('parser', 'queue'),
                 GROUP_CYCLES=max(1, number('steering', 'group-cycles')), LOOKUP=max(2, number('steering', 'lookup')),
                 ACTION=number('steering', 'action'), GROUPS_MAX=min(12, number('steering', 'groups-max')),
                 ORDER_BUCKETS=number('steering', 'order-buckets'), CACHE_LINES=number('cache', 'lines'),
                 CACHE_WAYS=number('cache', 'ways'), CACHE_HIT=number('cache', 'hit'),
                 CACHE_READS=number('cache', 'reads'), CACHE_INTERVAL=number('cache', 'interval')),
            dict(memory=max(2, number('cache', 'memory')), gap=gap))


SETS['cx5'] = card('cx5', 25)


def skip(why):
    print(f'not run: {why}')
    sys.exit(77)


def words(d):
    return [f'{k}={v}' for k, v in d.items()]


def build(name, params, top, world):
    """Verilator's program for one set of parameters; what is there and up to date is kept."""
    sanitize = os.environ.get('SANITIZE', 'none')
    flags = '' if sanitize == 'none' else f' -fsanitize={sanitize}'
    rtl = os.path.join(SOURCE, 'src/hwsim/rtl')
    package = os.path.join(rtl, 'steering_pkg.sv')
    files = [package] + sorted(set(glob.glob(os.path.join(rtl, '*.sv'))) - {package})
    dir_ = os.path.join(top, 'rtl-' + name)
    core = glob.glob(os.path.join(os.environ['SHUNT_BUILD_DIR'], 'src/libshunt_hwsim_core.a'))
    cmd = [os.environ['VERILATOR'], '--cc', '--exe', '--build', '-j', '2', '-Wall', '-Wno-UNUSEDSIGNAL', '-O3',
           '--x-initial', 'unique', '--x-assign', 'unique', '--top-module', 'steering', '--Mdir', dir_,
           '-CFLAGS', f'-O1 -I{shlex.quote(os.path.join(SOURCE, "tests/rtl"))}{flags}',
           '-LDFLAGS', ' '.join([shlex.quote(os.path.abspath(f)) for f in [world] + core]) + f' -ljansson -lm{flags}']
    cmd += ['-G' + w for w in words(params)] + files + [os.path.join(SOURCE, 'tests/rtl/bench.cpp')]
    # The libraries are no prerequisites that its make knows.
    program = os.path.join(dir_, 'Vsteering')
    if os.path.exists(program):
        os.unlink(program)
    run = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        print(' '.join(cmd), run.stdout, sep='\n')
        sys.exit(f'{name}: Verilator failed')
    return program


def main():
    top, world = sys.argv[1:]
    if 'VERILATOR' not in os.environ:
        skip('no verilator (scripts/setup --tests installs it)')
    for tool in ('make', 'g++'):
        if shutil.which(tool) is None:
            skip(f'verilator needs {tool}')
    bad = 0
    for name, (params, rest) in SETS.items():
        program = build(name, params, top, world)
        for seed in SEEDS:
            args = words(params) + words(rest) + words(COUNT) + [f'drops={DROPS[seed % 2]}', f'seed={seed}']
            run = subprocess.run([program] + args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 check=False)
            print(f'{name}, seed {seed}:', run.stdout, sep='\n', end='', flush=True)
            if run.returncode != 0:
                print(f'FAILED ({run.returncode}): {program} {" ".join(args)}')
                bad += 1
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
