#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Lists in the documentation that are lists of the program too: each has all of the other's words, in its words."""

import os
import re
import sys

SOURCE = os.environ['SHUNT_SOURCE_DIR']


def read(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
        return f.read()


def names(path, macro):
    """Name and meaning of every entry of a list X(...) in a header, but for the first: nothing happened."""
    text = read(path).split(f'#define {macro}(X)')[1]
    text = text[:re.search(r'\benum \w+ \{', text).start()].replace('\\\n', '')
    entries = re.findall(r'\bX\(\w+,\s*"([^"]*)"(?:,\s*"([^"]*)")?\s*\)', text)
    assert len(entries) > 10 and entries[0][0] == 'none', f'{path}: cannot read {macro}'
    return entries[1:]


def drops():
    documented = re.findall(r'^\| `(\w+)` \| (.*) \|$', read('docs/drops.md'), re.M)
    wanted = names('src/base/drop.h', 'DROP_REASONS')
    return [f'docs/drops.md: expected a row | `{n}` | {text} |' for n, text in wanted if (n, text) not in documented] + \
        [f'docs/drops.md: {n}: base/drop.h has no such reason' for n, text in documented if (n, text) not in wanted]


def punts():
    table = read('docs/architecture.md').split('(`PUNT_REASONS` in `base/pkt.h`):')[1].split('\n\n')[1]
    documented = re.findall(r'\| `(\w+)` ', table)
    wanted = [n for n, _ in names('src/base/pkt.h', 'PUNT_REASONS')]
    return [f'docs/architecture.md, punt reasons: {n}: in the page or in base/pkt.h, not in both'
            for n in sorted(set(documented) ^ set(wanted))]


def pages():
    """Every page is in the index, and every link between pages leads to a page and a heading."""
    bad = []
    docs = sorted(f for f in os.listdir(os.path.join(SOURCE, 'docs')) if f.endswith('.md'))
    index = read('docs/README.md')
    bad += [f'docs/README.md: {f} is missing' for f in docs if f != 'README.md' and f'({f})' not in index]
    for page in ['README.md', 'CONTRIBUTING.md'] + [f'docs/{f}' for f in docs]:
        text = re.sub(r'^```.*?^```', '', read(page), flags=re.M | re.S)
        for target, anchor in re.findall(r'\]\(([^):#]*)(?:#([^)]*))?\)', text):
            path = os.path.normpath(os.path.join(os.path.dirname(page), target)) if target else page
            if not os.path.exists(os.path.join(SOURCE, path)):
                bad.append(f'{page}: {target} is not there')
            elif anchor and anchor not in headings(path):
                bad.append(f'{page}: {target}#{anchor}: no such heading')
    return bad


def headings(path):
    """As GitHub makes links of them: small letters, dashes for blanks, no punctuation."""
    text = re.sub(r'^```.*?^```', '', read(path), flags=re.M | re.S)
    return [re.sub(r'[^\w\- ]', '', re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', h).lower()).replace(' ', '-')
            for h in re.findall(r'^#+ (.*)$', text, re.M)]


mistakes = drops() + punts() + pages()
print('\n'.join(mistakes) or 'the lists and links of the documentation are right')
sys.exit(1 if mistakes else 0)
