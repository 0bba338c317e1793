# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""
usage: terminal.py ROWSxCOLUMNS 'STEP; STEP...' COMMAND...

Runs a command on a terminal of its own.  A step is `see WORD` (it appears after the step before),
`send KEYS` (\\n and \\x1b as in Python) or `size ROWSxCOLUMNS`.  The exit status is the command's,
or 1 with what was on the terminal if a word is waited for in vain.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 30 * float(os.environ.get('DEVMAP_TEST_SLOW', '1'))
ESCAPES = re.compile(r'\x1b(\[[0-9;?]*[A-Za-z]|[()][0-9A-Z]|[=>78M])')


def resize(fd, size):
    rows, columns = map(int, size.split('x'))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def read(fd):
    """None: the command has closed its terminal."""
    try:
        return os.read(fd, 65536) or None
    except OSError:
        return None


def see(fd, word):
    seen, end = b'', time.monotonic() + PATIENCE
    while word not in ESCAPES.sub('', seen.decode(errors='replace')):
        ready = select.select([fd], [], [], max(0, end - time.monotonic()))[0]
        got = read(fd) if ready else None
        if got is None:
            print(f'no {word!r} in {ESCAPES.sub("", seen.decode(errors="replace"))!r}')
            return False
        seen += got
    return True


def main():
    size, steps, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ['TERM'] = 'vt100'
        time.sleep(0.1) # so that it finds the right size
        os.execvp(command[0], command)
    resize(fd, size)
    for step in filter(None, map(str.strip, steps.split(';'))):
        what, _, word = step.partition(' ')
        if what == 'see' and not see(fd, word):
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            sys.exit(1)
        if what == 'send':
            os.write(fd, codecs.decode(word, 'unicode_escape').encode())
        if what == 'size':
            resize(fd, word)
    while read(fd) is not None:
        pass
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
