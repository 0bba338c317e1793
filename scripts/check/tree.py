# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the checks share: the files of the tree, C without its comments, and complaints."""

import os
import re
import subprocess
import sys

# What a build or a download leaves beside the sources.
BUILT = re.compile(r'^(build|build-[^/]*)/|/__pycache__/')

complaints = 0


def complain(place, text):
    """place: FILE or FILE:LINE."""
    global complaints
    complaints += 1
    print(f'{place}: {text}')


def end():
    sys.exit(1 if complaints else 0)


def files(*suffixes, under=''):
    """The sources' paths from here: what git knows or would take; all there is, without git."""
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:
        paths = [os.path.relpath(os.path.join(at, name)) for at, _, names in os.walk('.')
                 if '/.git' not in at for name in names]
    return sorted(p for p in set(paths) if p.startswith(under) and os.path.isfile(p) and
                  not BUILT.search(p) and (not suffixes or p.endswith(suffixes)))


def text_of(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def without_comments(text):
    """C with blanks for comments, and "" for strings: lines keep their numbers."""
    def blank(found):
        s = found.group(0)
        return '""' if s.startswith('"') else "' '" if s.startswith("'") else re.sub(r'[^\n]', ' ', s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def identifiers(paths):
    """All that C calls something."""
    found = set()
    for path in paths:
        found.update(re.findall(r'[A-Za-z_]\w*', without_comments(text_of(path))))
    return found
