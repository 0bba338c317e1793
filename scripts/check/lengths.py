# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""
usage: lengths.py MAX MAX-OF-TESTS

How many lines functions have, folder by folder, from the first of the signature to the last brace;
one with more lines than MAX is an error.
"""

import os
import re
import sys

import tree


def functions(text):
    """(name, first line, lines): bodies that begin and end in the first column."""
    start = name = None
    lines = tree.without_comments(text).replace('\f', ' ').split('\n')
    first = 0			# line of what the body may belong to
    for number, line in enumerate(lines):
        if line.startswith('{') and start is None:
            found = re.search(r'(\w+)\s*\(', ' '.join(lines[first:number]))
            if found:
                start, name = first, found.group(1)
        elif line.startswith('}') and start is not None:
            yield name, start + 1, number - start + 1
            start = None
        if start is None and (not line.strip() or line[0] in '#}' or line.endswith(';')):
            first = number + 1


def percentile(sorted_values, p):
    return sorted_values[min(len(sorted_values) - 1, len(sorted_values) * p // 100)]


def main(limit, limit_of_tests):
    folders = {}
    for path in tree.files('.c', '.h'):
        for name, line, length in functions(tree.text_of(path)):
            folders.setdefault(os.path.dirname(path), []).append((length, name))
            most = limit_of_tests if path.startswith('tests/') else limit
            if length > most:
                tree.complain(f'{path}:{line}', f'{name} has {length} lines: at most {most}')
    print(f'{"lines of functions in":24} {"number":>6} {"p50":>4} {"p90":>4} {"max":>4}  longest')
    for folder, found in sorted(folders.items()):
        found.sort()
        lengths = [length for length, _ in found]
        print(f'{folder:24} {len(found):6} {percentile(lengths, 50):4} {percentile(lengths, 90):4} '
              f'{lengths[-1]:4}  {found[-1][1]}')
    tree.end()


main(int(sys.argv[1]), int(sys.argv[2]))
