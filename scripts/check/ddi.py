# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""
usage: ddi.py USER-ENGINE | --exports

What headers declare, both engines define: functions of include/sys, include/vm and
<devmap/model.h> are symbols that the user engine's executable exports, and EXPORT_SYMBOLs of the
kernel engine, under the names of <devmap/linux_names.h>.  What either exports is declared: all
other names are a driver's own.  What documents name, NAME(9F), is declared, and NAME(9S) is a type.

--exports prints what engine/user/ddi.exports has to be.
"""

import os
import re
import subprocess
import sys
import tempfile

import tree

HEADERS = ('include/sys/', 'include/vm/', 'include/devmap/model.h')

# libc has these, and Linux its own.
LIBC = {'snprintf', 'sprintf', 'vsnprintf'}
LINUX = LIBC | {'max', 'min', 'panic'}
# A driver defines these (_init and so on: <sys/modctl.h>).
DRIVERS = {'devmap_mod_init', 'devmap_mod_fini', 'devmap_mod_info'}
# Manual pages with the name of a family.
PAGES = {'ddi_soft_state'}
EXPORTS = 'engine/user/ddi.exports'


def ddi_headers():
    return [p for p in tree.files('.h', under='include/') if p.startswith(HEADERS)]


def declared():
    """{function: where it is declared}: the compiler's own list, and variables, by their 'extern'."""
    found = {}
    with tempfile.TemporaryDirectory() as work:
        unit, listing = os.path.join(work, 'all.c'), os.path.join(work, 'list')
        with open(unit, 'w', encoding='utf-8') as f:
            f.write('#include <sys/types.h>\n')
            f.writelines(f'#include <{p.removeprefix("include/")}>\n' for p in ddi_headers())
        subprocess.run(['gcc', '-Iinclude', '-fsyntax-only', '-aux-info', listing, unit], check=True)
        for path, line, text in re.findall(r'^/\* (include/[^:]*):(\d+):\w+ \*/ (.*)$',
                                           tree.text_of(listing), re.M):
            name = re.search(r'\(?\*?(\w+)\)? \(', text)
            if text.startswith('extern') and name:
                found[name.group(1)] = f'{path}:{line}'
    for path in ddi_headers():
        for number, line in enumerate(tree.without_comments(tree.text_of(path)).split('\n'), 1):
            for name in re.findall(r'^extern [^()]*?(\w+)(?:\[\w*\])?;', line):
                found[name] = f'{path}:{number}'
    return found


def exported_by(executable):
    """What libraries brought along, with its version, and the linker's own names are not ours."""
    out = subprocess.run(['nm', '-D', '--defined-only', executable], capture_output=True, text=True,
                         check=True).stdout
    names = {line.split()[-1] for line in out.splitlines()}
    return {name for name in names if '@' not in name and name != '_IO_stdin_used'}


def print_exports(names):
    print('/* SPDX-License-Identifier: GPL-2.0-only OR MIT */')
    print("/* The user engine's names that drivers and models bind to, and no other [C28]. */")
    print('{')
    for name in sorted(set(names) - LIBC - DRIVERS):
        print(f'\t{name};')
    print('};')


def kernel_exports():
    """EXPORT_SYMBOL(x), also out of macros that paste names: MACRO(8) for x##bits."""
    found = {}
    for path in tree.files('.c', under='engine/linux/'):
        text = tree.without_comments(tree.text_of(path)).replace('\\\n', ' ')
        for name in re.findall(r'^\s*EXPORT_SYMBOL(?:_GPL)?\((\w+)\)', text, re.M):
            found[name] = path
        for macro, parameters, body in re.findall(r'^#define (\w+)\(([\w, ]*)\)(.*)$', text, re.M):
            for arguments in re.findall(rf'^{macro}\(([^()]*)\)', text, re.M):
                values = dict(zip(re.split(r',\s*', parameters), re.split(r',\s*', arguments)))
                for name in re.findall(r'EXPORT_SYMBOL(?:_GPL)?\(([\w#]+)\)', body):
                    found[''.join(values.get(n, n) for n in name.split('##'))] = path
    return found


def kernel_names():
    """{name: symbol}: names that are others to the linker, and macros that call a function."""
    names = dict(re.findall(r'^#define\s+(\w+)(?:\(\w+\))?\s+(devmap_\w+)(?:\(\w+\))?$',
                            tree.text_of('include/devmap/linux_names.h'), re.M))
    macros = tree.text_of('include/devmap/linux_ksynch.h').replace('\\\n', ' ')
    names.update(re.findall(r'^#define\s+(\w+)\([^)]*\).*?\b(devmap_\w+)\(', macros, re.M))
    return names


def check_engines(names, executable):
    user, kernel, other = exported_by(executable), kernel_exports(), kernel_names()
    for name, where in sorted(names.items()):
        if name in DRIVERS:
            continue
        if name not in user and name not in LIBC:
            tree.complain(where, f'{name} is declared, and the user engine does not export it: see '
                                 f'{EXPORTS}')
        if name not in kernel and other.get(name) not in kernel and name not in LINUX:
            tree.complain(where, f'{name} is declared, and the kernel engine does not export it')
    known = tree.identifiers(tree.files('.h', under='include/'))
    for name, where in sorted(kernel.items()):
        if name not in known:
            tree.complain(where, f'{name} is exported, and no header of include/ declares it')
    for name in sorted(user - set(names)):
        tree.complain(EXPORTS, f'{name} is exported, and no header of the DDI declares it')


def check_documents():
    here = tree.identifiers(tree.files('.h', under='include/'))
    for path in tree.files('.md', '.1', '.3', '.7'):
        for number, line in enumerate(tree.text_of(path).split('\n'), 1):
            for name, section in re.findall(r'\b([a-z_]\w*)\((9[FS])\)', line):
                if name not in here | PAGES:
                    tree.complain(f'{path}:{number}', f'{name}({section}) is in no header')


if __name__ == '__main__':
    if sys.argv[1] == '--exports':
        print_exports(declared())
        sys.exit()
    check_engines(declared(), sys.argv[1])
    check_documents()
    tree.end()
