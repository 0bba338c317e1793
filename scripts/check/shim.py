# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A function of the shim calls the next one of its own name, and of no other: another library that is
preloaded may make the one of the other, and lead back to us."""

import re

import tree

FUNCTION = re.compile(r'^EXPORT\b[^\n;{]*?\b(\w+)\([^;{]*\)\n\{\n(.*?)^\}', re.S | re.M)
REAL = re.compile(r'\bREAL\((\w+)\)')

seen = 0
for path in tree.files('.c', under='client/'):
    text = tree.text_of(path)
    for function in FUNCTION.finditer(text):
        seen += 1
        name = function.group(1)
        for real in REAL.finditer(text, function.start(2), function.end(2)):
            if real.group(1) != name:
                line = text.count('\n', 0, real.start()) + 1
                tree.complain(f'{path}:{line}', f'{name}() calls the next {real.group(1)}()')
if seen < 50:
    tree.complain('client/', f'only {seen} functions are exported: is EXPORT written otherwise now?')
tree.end()
