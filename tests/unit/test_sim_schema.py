#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""config/hwsim/schema.json, judged by somebody else's validator.

It is a schema, takes every card that is shipped, refuses what the loader refuses, and every number of a
card says where it is from: a citation, "calibrated: ...", or "assumed". Exits with 77 without jsonschema.
"""

import copy
import glob
import json
import os
import re
import sys

try:
    import jsonschema
except ImportError:
    print('python3-jsonschema is not installed')
    sys.exit(77)

FOLDER = os.path.join(os.environ['SHUNT_SOURCE_DIR'], 'config', 'hwsim')
# Papers and standards by year or number, documents by name, or in so many words what it is instead.
SOURCE = re.compile(r'(Linux, |IEEE \d|.*\b(19|20)\d\d\b|DPDK \d|specification of |calibrated: |assumed|ideal|not built yet)')


def load(name):
    with open(os.path.join(FOLDER, name), encoding='utf-8') as f:
        return json.load(f)


def broken(card):
    """Copies of a card with one thing wrong each."""
    for what, change in {
            'unknown section': lambda c: c.update(cash={}),
            'unknown key': lambda c: c['cache'].update(line={'value': 1, 'source': 's'}),
            'bare number': lambda c: c['cache'].update(lines=8),
            'no source': lambda c: c['cache']['lines'].pop('source'),
            'empty source': lambda c: c['cache']['lines'].update(source=''),
            'no value': lambda c: c['cache']['lines'].pop('value'),
            'fraction': lambda c: c['cache']['lines'].update(value=8.5),
            'text': lambda c: c['cache']['lines'].update(value='8'),
            'below': lambda c: c['cache']['lines'].update(value=-1),
            'above': lambda c: c['cache']['lines'].update(value=1 << 40),
            'third key': lambda c: c['cache']['lines'].update(unit=''),
            'empty name': lambda c: c.update(name=''),
    }.items():
        bad = copy.deepcopy(card)
        change(bad)
        yield what, bad


def main():
    schema = load('schema.json')
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    check = validator(schema)
    wrong = []
    cards = [os.path.basename(p) for p in glob.glob(os.path.join(FOLDER, '*.json'))]
    cards.remove('schema.json')
    if len(cards) < 4:
        wrong.append(f'only {cards} are shipped')
    for name in cards:
        card = load(name)
        wrong += [f'{name}: {e.json_path}: {e.message}' for e in check.iter_errors(card)]
        for section, keys in card.items():
            if isinstance(keys, dict):
                wrong += [f'{name}: {section}.{k}: whose number is that: {v["source"]}' for k, v in keys.items()
                          if not SOURCE.match(v['source'])]
    wrong += [f'accepted: {what}' for what, bad in broken(load('ideal.json')) if check.is_valid(bad)]
    print('\n'.join(wrong) or f'{len(cards)} cards')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
