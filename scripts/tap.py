#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the test programs of one suite, read the TAP that they print, and add it up.

A program fails as a whole, beyond its own `not ok` lines, when it prints no plan or not as many
results as planned, dies, exits with an error that no result explains, takes too long, leaves
processes behind, or when a sanitizer has something to say about it or about a program it started.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

LIMIT_S = 300       # for one program
GRACE_S = 5         # for what it started to go away after it
HEAD, TAIL = 150, 50    # lines that are shown of a sanitizer's report, which begins with what it is
NOBODY = 65534

running = set()     # process groups of programs that run now

PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', re.I)
RESULT = re.compile(r'(not )?ok\b(.*)$')
SKIP = re.compile(r'#\s*skip\S*\s*(.*)$', re.I)
FINDING = re.compile(r'^(?:SUMMARY: |.*(?:ERROR|WARNING): \w+Sanitizer|.*runtime error: ).*', re.M)


class Report:
    """What one program's output, and what else is known of its run, comes to."""

    def __init__(self, text):
        self.passed = self.failed = self.planned = 0
        self.skips = []         # reasons
        self.problems = []      # failures of the program as a whole
        plans = 0
        for line in text.splitlines():
            plan, result = PLAN.match(line), RESULT.match(line)
            if plan:
                plans += 1
                self.planned += int(plan[1])
                if plan[1] == '0':
                    self.skips.append(plan[2] or 'no reason given')
            elif result:
                self.add(result)
            elif line.startswith('Bail out!'):
                self.problems.append(line)
        ran = self.passed + self.failed + len(self.skips)
        if plans == 0:
            self.problems.append('no plan')
        elif self.planned and ran != self.planned:
            self.problems.append(f'{self.planned} planned, {ran} ran')

    def add(self, result):
        skip = SKIP.search(result[2])
        if skip:
            name = result[2][:skip.start()].strip(' -0123456789')
            self.skips.append(': '.join(filter(None, [name, skip[1]])))
        elif result[1]:
            self.failed += 1
        else:
            self.passed += 1

    def judge_exit(self, status):
        """The status is timeout(1)'s: 128 + N for signal N, 124 for too long, -N if itself killed."""
        if status == 124 or status == -signal.SIGKILL:
            self.problems.append(f'still running after {LIMIT_S} s')
        elif status < 0 or status > 128:
            number = -status if status < 0 else status - 128
            self.problems.append(f'died of signal {number}')
        elif status != 0 and not self.failed and not (status == 77 and self.skips):
            self.problems.append(f'exit status {status}')


def environment(tree, home):
    env = dict(os.environ)
    log = home / 'sanitizer'
    env.update({
        'DEVMAP_ROOT': str(tree), 'HOME': str(home), 'TMPDIR': str(home),
        'XDG_RUNTIME_DIR': str(home), 'LC_ALL': 'C.UTF-8',
        'CMOCKA_MESSAGE_OUTPUT': 'TAP',
        'ASAN_OPTIONS': f'log_path={log}:detect_stack_use_after_return=1:strict_string_checks=1',
        'UBSAN_OPTIONS': f'log_path={log}:print_stacktrace=1:halt_on_error=1',
        'TSAN_OPTIONS': f'log_path={log}:second_deadlock_stack=1',
    })
    return env


def group_members(pgid):
    """The living processes of a process group, as 'PID COMMAND'."""
    found = []
    for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            pid, rest = stat.read_text().split(' (', 1)
        except OSError:
            continue
        comm, fields = rest.rsplit(') ', 1)
        state, _, group = fields.split()[:3]
        if int(group) == pgid and state not in 'ZX':
            found.append(f'{pid} {comm}')
    return found


def left_behind(pgid):
    """What the program left running in its group; it is killed."""
    end = time.monotonic() + GRACE_S
    while found := group_members(pgid):
        if time.monotonic() > end:
            os.killpg(pgid, signal.SIGKILL)
            break
        time.sleep(0.02)
    return found


def excerpt(text):
    """The text, without the middle if it is long."""
    lines = text.rstrip().splitlines()
    if len(lines) > HEAD + TAIL:
        lines[HEAD:-TAIL] = [f'... ({len(lines) - HEAD - TAIL} lines left out)']
    return '\n'.join(lines) + '\n' if lines else ''


def finding(log):
    """What a sanitizer's report says in one line: its summary, or what it begins with."""
    found = FINDING.findall(log)
    summary = [line for line in found if line.startswith('SUMMARY: ')]
    return (summary + found + ['no summary'])[0]


def run_program(args, program):
    """Runs one program; returns its report and everything that it printed."""
    home = args.work / f'{os.getpid()}.{program.name}'
    home.mkdir(mode=0o700)
    if args.as_user:
        os.chown(home, NOBODY, NOBODY)
    command = ['timeout', '-k', '10', str(LIMIT_S), *args.as_user, *args.wrap, str(program)]
    output = args.work / f'{home.name}.out'
    with output.open('wb') as out:
        child = subprocess.Popen(command, cwd=home, env=environment(args.tree, home),
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        running.add(child.pid)
        status = child.wait()
    left = left_behind(child.pid)
    running.discard(child.pid)
    text = output.read_text(errors='replace')
    report = Report(text)
    report.judge_exit(status)
    if left:
        report.problems.append('left running: ' + ', '.join(left))
    for path in sorted(home.glob('sanitizer.*')):
        log = path.read_text(errors='replace')
        report.problems.append(f'sanitizer report: {finding(log)}')
        text += f'--- {path.name}\n{excerpt(log)}'
    output.unlink()
    shutil.rmtree(home, ignore_errors=True)
    return report, text


def interrupted(number, _frame):
    """Programs have sessions of their own: what ends us does not reach them by itself."""
    for pgid in list(running):
        try:
            os.killpg(pgid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(128 + number)


def find_programs(args):
    where = args.tree / args.dir
    found = (p for p in sorted(where.glob('*')) if p.is_file() and os.access(p, os.X_OK))
    words = args.words or ['']
    return [p for p in found if any(w in f'{args.suite}/{p.name}' for w in words)]


def show(args, program, report, text):
    name = f'{args.title}: {program.name}'
    for reason in report.skips:
        print(f'test: {name}: skipped: {reason}')
    if report.failed or report.problems:
        heading = f'test: {name}: FAILED' + ''.join(f'; {p}' for p in report.problems)
        print(heading)
        print(text.rstrip())
        if text.count('\n') > TAIL:
            print(heading)      # once more: of a long output often only the end is seen


def run(args):
    start = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    passed = failed = skipped = 0
    programs = find_programs(args)
    if not programs and args.words:
        return
    if not programs:
        failed = 1
        print(f'test: {args.title}: no program in {args.dir}')
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        reports = pool.map(lambda p: run_program(args, p), programs)
        for program, (report, text) in zip(programs, reports):
            show(args, program, report, text)
            passed += report.passed
            failed += report.failed + len(report.problems)
            skipped += len(report.skips)
            sys.stdout.flush()
    with open(args.tally, 'a') as tally:
        tally.write(f'{passed} {failed} {skipped}\n')
    print(f'test: {args.title}: {total(passed, failed, skipped)}'
          f' in {time.monotonic() - start:.1f} s', flush=True)


class Guest:
    """What the programs of a guest came to, from what scripts/guest/lib.sh reported."""

    def __init__(self, report):
        self.titles = {}        # title: [(name, Report, output, milliseconds)]
        self.running = {}       # (title, name): lines of its output, those that have not ended
        self.done = False
        current = None
        for line in report.splitlines():
            line = line.rstrip('\r')
            if line.startswith('@start '):
                self.running[tuple(line[7:].split('|', 1))] = []
            elif line.startswith('@begin '):
                where, status, took = line[7:].rsplit(' ', 2)
                current, left = tuple(where.split('|', 1)), []
            elif line == '@done':
                self.done = True
            elif line.startswith('@left ') and current:
                left.append(line[6:])
            elif line == '@end' and current:
                self.end(current, int(status), left, int(took))
                current = None
            elif line.startswith(' ') and current:
                self.running[current].append(line[1:])

    def end(self, where, status, left, took):
        title, name = where
        text = '\n'.join(self.running.pop(where))
        report = Report(text)
        report.judge_exit(status)
        if left:
            report.problems.append('left running: ' + ', '.join(left))
        self.titles.setdefault(title, []).append((name, report, text, took))

    def cut_off(self):
        """Programs that the guest did not live to see the end of: failures with what they said."""
        for where in list(self.running):
            self.end(where, 0, [], 0)
            self.titles[where[0]][-1][1].problems.append('the guest ended before it')


def guest(args):
    found = Guest(args.report.read_text(errors='replace') if args.report.exists() else '')
    found.cut_off()
    with open(args.tally, 'a') as tally:
        for title, programs in found.titles.items():
            args.title = f'{title} ({args.where})'
            passed = failed = skipped = took = 0
            for name, report, text, milliseconds in sorted(programs, key=lambda p: p[0]):
                show(args, pathlib.PurePath(name), report, text)
                passed += report.passed
                failed += report.failed + len(report.problems)
                skipped += len(report.skips)
                took += milliseconds
            tally.write(f'{passed} {failed} {skipped}\n')
            print(f'test: {args.title}: {total(passed, failed, skipped)}'
                  f' in {took / 1000:.1f} s')
        problems = args.problems.read_text(errors='replace').rstrip()
        if problems or not found.done:
            print(f'test: {args.where}: FAILED\n{problems}')
            tally.write('0 1 0\n')
    sys.stdout.flush()


def total(passed, failed, skipped):
    return f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')


def add_up(args):
    rows = [[int(n) for n in line.split()] for line in open(args.tally)]
    passed, failed, skipped = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0)
    if passed + failed == 0:
        print('test: nothing ran')
    print(total(passed, failed, skipped))
    return 1 if failed or passed == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser('run', help='run one suite')
    one.add_argument('--title', required=True, help='the suite in messages')
    one.add_argument('--suite', required=True)
    one.add_argument('--tally', required=True, help='file to add the counts to')
    one.add_argument('--work', type=pathlib.Path, required=True, help='directory for scratch')
    one.add_argument('--jobs', type=int, default=1)
    one.add_argument('--as', dest='as_user', type=shlex.split, default=[],
                     help='command that becomes the ordinary user')
    one.add_argument('--wrap', type=shlex.split, default=[], help='command to run programs under')
    one.add_argument('tree', type=pathlib.Path)
    one.add_argument('dir')
    one.add_argument('words', nargs='*')
    one.set_defaults(func=run)
    machine = commands.add_parser('guest', help='add up what a guest reported')
    machine.add_argument('--where', required=True, help='the guest in messages')
    machine.add_argument('--tally', required=True, help='file to add the counts to')
    machine.add_argument('report', type=pathlib.Path)
    machine.add_argument('problems', type=pathlib.Path)
    machine.set_defaults(func=guest)
    both = commands.add_parser('sum', help='print the sum of a tally')
    both.add_argument('tally')
    both.set_defaults(func=add_up)
    args = parser.parse_args()
    sys.exit(args.func(args))


if __name__ == '__main__':
    main()
