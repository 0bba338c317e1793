# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""
Documents: relative links lead to files, and to headings that are there; files that are named are
there; functions that are named are in the sources, and tests among the tests.
"""

import os
import re

import tree

FOLDERS = {path.split('/')[0] for path in tree.files() if '/' in path}
# Linux's.
ELSEWHERE = {'scripts/sign-file'}
# What a document may name by its beginning alone.
OURS = re.compile(r'^(ddi|devmap|cv|mutex|rw|sema|kmem|drv|engine|model|region|window)_\w+$')


def prose(text):
    """Blocks of code have other rules: blank lines instead."""
    return re.sub(r'^```.*?^```', lambda m: '\n' * m.group(0).count('\n'), text, flags=re.M | re.S)


def headings(path):
    """GitHub's names for them."""
    found = re.findall(r'^#+\s+(.*)$', prose(tree.text_of(path)), re.M)
    return {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in found}


def check_link(place, path, link):
    target, _, heading = link.partition('#')
    if re.match(r'[a-z]+:', link):
        return
    where = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
    if not os.path.exists(where):
        tree.complain(place, f'the link to {link} is dead')
    elif heading and where.endswith('.md') and heading not in headings(where):
        tree.complain(place, f'{where} has no heading #{heading}')


def check_file(place, path, name):
    """A path from the root of the tree, or from the document's folder."""
    name = re.sub(r':\d+$', '', name).rstrip('/')
    if not re.fullmatch(r'[\w.+*-]+(/[\w.+*-]+)+', name) or name.split('/')[0] not in FOLDERS \
            or name in ELSEWHERE:
        return
    if re.search(r'\*|[A-Z]{2,}', name) and not os.path.exists(name):
        return			# NAME.c, *.sh: a pattern
    if not os.path.exists(name) and not os.path.exists(os.path.join(os.path.dirname(path), name)):
        tree.complain(place, f'{name} is named, and is not there')


def check_function(place, name, known):
    name = re.sub(r'\(\)$', '', name)
    if OURS.match(name) and name not in known:
        tree.complain(place, f'{name} is named, and is nowhere in the sources')


def check_test(place, name, tests):
    if re.match(r'[CX]\d+ ', name) and name not in tests:
        tree.complain(place, f'no test is called "{name}"')


def names_of_tests():
    """What stands in quotes, or before a bar, in the tests."""
    found = set()
    for path in tree.files(under='tests/'):
        text = tree.text_of(path)
        found |= set(re.findall(r'"([CX]\d+ [^"\n]*)"', text))
        found |= set(re.findall(r'^([CX]\d+ [^|\n]*) \|', text, re.M))
    return found


def main():
    tests = names_of_tests()
    known = tree.identifiers(tree.files('.c', '.h'))
    # Families of functions, which macros make.
    known |= {f'{stem}{bits}' for stem in re.findall(r'\b(\w+)##bits\b', '\n'.join(
        tree.text_of(p) for p in tree.files('.c', '.h'))) for bits in (8, 16, 32, 64)}
    for path in tree.files('.md'):
        for number, line in enumerate(prose(tree.text_of(path)).split('\n'), 1):
            place = f'{path}:{number}'
            for link in re.findall(r'\]\(([^)\s]+)\)', line):
                check_link(place, path, link)
            for quoted in re.findall(r'`([^`]+)`', line):
                check_file(place, path, quoted)
                check_function(place, quoted, known)
                check_test(place, quoted, tests)


main()
tree.end()
