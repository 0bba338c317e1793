# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""
usage: core.py [--ring] OBJECT...

core/ and ddi/ know no operating system.  The core's objects want nothing but what core/engine.h and the
DDI's headers declare, and what any compiler may call; its files include nothing but these.  ddi/ may
also have what ddi/port.h asks for, and the strings of libc.  And the core's files call each other in
one direction: a ring of files is shown, and with --ring is an error.
"""

import os
import re
import subprocess
import sys

import ddi
import tree

# A compiler calls these by itself, in a kernel too; the last two lines are of instrumented builds.
COMPILERS = re.compile(r'^(mem(cpy|move|set|cmp)|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
                       r'|__(asan|ubsan|tsan|sanitizer)_\w+'
                       r'|__gcov_\w+)$')
# ddi/port.h says so.
STRINGS = {'strcmp', 'strlen', 'strncmp', 'snprintf', 'vsnprintf'}
INCLUDES = {
    'signal.h': 'the numbers of SIGBUS and SIGSEGV',
    'stdbool.h': 'a type, which every compiler brings',
    'sys/sdt.h': 'markers that do nothing: probe.h',
    '../engine/linux/trace.h': 'the same, in a kernel',
}


def symbols(path):
    """What an object defines, and what it wants."""
    out = subprocess.run(['nm', path], capture_output=True, text=True, check=True).stdout
    lines = [line.split()[-2:] for line in out.splitlines() if line]
    return ({name for kind, name in lines if kind in 'TDBRVW'},
            {name for kind, name in lines if kind == 'U'})


def functions_of(header):
    text = tree.without_comments(tree.text_of(header))
    return set(re.findall(r'\b([a-z]\w*)\(', text))


def check_symbols(objects, header, allowed):
    ours = {name for defined, _ in objects.values() for name in defined}
    allowed = ours | functions_of(header) | allowed
    for path, (_, wanted) in sorted(objects.items()):
        for name in sorted(wanted - allowed):
            if not COMPILERS.match(name):
                tree.complain(source_of(path), f'{name} is of an operating system: neither '
                              f'{header} nor a header of the DDI declares it')


def check_includes(folder):
    for path in tree.files('.c', '.h', under=f'{folder}/'):
        for number, line in enumerate(tree.text_of(path).split('\n'), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]*)', line)
            if found is None:
                continue
            where = 'include' if found.group(1) == '<' else folder
            header = os.path.normpath(f'{where}/{found.group(2)}')
            known = header.startswith(('include/', 'core/', f'{folder}/'))
            if found.group(2) not in INCLUDES and not (known and os.path.isfile(header)):
                tree.complain(f'{path}:{number}', f'{found.group(2)} is no header of {where}/')


def folder_of(path):
    return path.split('/')[-3]


def source_of(path):
    """build/core/libcore.a.p/access.c.o: core/access.c."""
    return f'{folder_of(path)}/' + os.path.basename(path).removesuffix('.o')


def graph_of(objects):
    """{file: {file whose functions it calls: the functions}}."""
    home = {name: path for path, (defined, _) in objects.items() for name in defined}
    graph = {path: {} for path in objects}
    for path, (_, wanted) in objects.items():
        for name in wanted & home.keys():
            graph[path].setdefault(home[name], []).append(name)
    return graph


def rings(graph):
    """Tarjan: the sets of files that reach each other."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in graph[node]:
            if to not in index:
                visit(to)
            if to in stack:
                low[node] = min(low[node], low[to])
        if low[node] == index[node]:
            ring = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(ring) > 1:
                found.append(sorted(ring))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def show_rings(graph, say):
    for ring in rings(graph):
        say('core', f'{len(ring)} files call each other in a ring')
        for path in ring:
            for to in sorted(set(graph[path]) & set(ring)):
                print(f'    {source_of(path)} -> {source_of(to)}: '
                      f'{", ".join(sorted(graph[path][to]))}')


def report(place, text):
    print(f'{place}: {text}')


def main(arguments):
    strict = '--ring' in arguments
    objects = {path: symbols(path) for path in arguments if path != '--ring'}
    core, common = ({path: found for path, found in objects.items() if folder_of(path) == folder}
                    for folder in ('core', 'ddi'))
    declared = set(ddi.declared())
    check_symbols(core, 'core/engine.h', declared)
    check_symbols(common, 'ddi/port.h', declared | STRINGS | functions_of('core/engine.h'))
    check_includes('core')
    check_includes('ddi')
    if strict:
        show_rings(graph_of(core), tree.complain)
    elif rings(graph_of(core)):
        show_rings(graph_of(core), report)
    tree.end()


main(sys.argv[1:])
