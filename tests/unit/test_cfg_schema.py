#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""config/schema.json, judged by somebody else's validator.

It is a schema, takes every example and every configuration of the tests, and says about each row of
cfg_bad.json what the row says (what it cannot see, such as references, it accepts). The documentation
has every key with its range and default, and its examples are valid. Exits with 77 without jsonschema.
"""

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

SOURCE = os.environ['SHUNT_SOURCE_DIR']


def load(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
        return json.load(f)


def undocumented(schema, text):
    """Keys that docs/configuration.md lacks, or of which it says something else."""
    singular = {'routes': 'route', 'services': 'service', 'classes': 'class', 'rules': 'rule', 'ports': 'port',
                'neighbours': 'neighbour', 'backends': 'backend', 'zones': 'zone', 'sets': 'set',
                'limits': 'limit', 'timeout-policies': 'timeout-policy', 'conntrack-rules': 'conntrack-rule'}
    bad = []
    sections = dict(re.findall(r'^##+ (.+?)\n(.*?)(?=^##|\Z)', text, re.M | re.S))
    objects = {name: d for name, d in schema['$defs'].items() if d.get('type') == 'object'}
    for heading, body in sections.items():
        name = singular.get(heading, heading)
        definition = schema if heading == 'Top level' else objects.pop(name, None)
        if definition is None:
            continue
        for key, p in definition['properties'].items():
            row = re.search(rf'^\| `{key}` \|.*', body, re.M)
            wanted = []
            if 'minimum' in p:
                wanted.append(f"| {p['minimum']} to {p['maximum']} |")
            if 'default' in p:
                wanted.append(f"| `{json.dumps(p['default'])}` |")
            if key in definition.get('required', []):
                wanted.append('| required |')
            if key != 'comment' and (row is None or not all(w in row[0] for w in wanted)):
                bad.append(f'docs/configuration.md: {heading}: {key}: expected a row with {wanted}')
    return bad + [f'docs/configuration.md: no section for {name}' for name in objects]


def examples(text):
    """The examples of the documentation, as configurations."""
    for block in re.findall(r'^```json\n(.*?)^```$', text, re.M | re.S):
        yield {'ports': [{'name': 'a'}], **json.loads('{' + block + '}')}


def main():
    schema = load('config/schema.json')
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    validator = kind(schema, format_checker=jsonschema.FormatChecker(('ipv4', 'ipv6')))
    bad = []
    good = sorted(glob.glob(os.path.join(SOURCE, 'config/*.json')) +
                  glob.glob(os.path.join(SOURCE, 'tests/replay/*.json')))
    good.remove(os.path.join(SOURCE, 'config/schema.json'))
    for path in good:
        config = load(path)
        if not isinstance(config, dict) or 'ports' not in config:
            continue  # not a configuration
        bad += [f'{path}: {e.json_path}: {e.message}' for e in validator.iter_errors(config)]
    rows = load('tests/unit/cfg_bad.json')
    for row in rows:
        said = 'accepts' if validator.is_valid(row['config']) else 'refuses'
        if said != row['schema']:
            bad.append(f"cfg_bad.json: {row['what']}: the schema {said} it")
    shown = []
    for path in ('docs/configuration.md', 'docs/conntrack.md', 'docs/limits.md'):
        with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
            text = f.read()
        if path == 'docs/configuration.md':
            bad += undocumented(schema, text)
        shown += [(path, example) for example in examples(text)]
    bad += [f'{path}: {e.json_path}: {e.message}' for path, example in shown for e in validator.iter_errors(example)]
    if bad:
        sys.exit('\n'.join(bad))
    print(f'{len(good)} good files, {len(rows)} bad configurations, {len(shown)} '
          'examples in the documentation')


main()
