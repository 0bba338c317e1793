#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run test programs, read the TAP that they print, and add it up.

A program is known by TREE/USER/SUITE/NAME, or KERNEL/SCRIPT/SUITE/NAME in a guest, which is what words
select by.  A line tells of each as it ends; of one that fails, all that it printed, its seed, and the
command that runs it alone.

A program fails as a whole, beyond its own `not ok` lines, when it prints no plan or not as many
results as planned, dies, exits with an error that no result explains, takes too long, leaves
processes behind, or when a sanitizer has something to say about it or about a program it started.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SLOW = max(1, int(os.environ.get('DEVMAP_TEST_SLOW') or 1))
LIMIT_S = 600 * SLOW    # for one program, which has limits of its own: the harness's last resort
GRACE_S = 20 * SLOW     # for what it started to go away after it
HEAD, TAIL = 150, 50    # lines that are shown of a sanitizer's report, which begins with what it is
NOBODY = 65534

running = set()     # process groups of programs that run now

PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', re.I)
RESULT = re.compile(r'(not )?ok\b(.*)$')
SKIP = re.compile(r'#\s*skip\S*\s*(.*)$', re.I)
SEED = re.compile(r'^# (?:\w+: )?seed (\d+)', re.M)
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
            pid, rest = stat.read_text(errors='replace').split(' (', 1)
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


def unmount_under(directory):
    """The nodes of engines that were killed together with those who would have cleaned up."""
    mounts = [line.split()[4] for line in open('/proc/self/mountinfo', errors='replace')]
    for mount in mounts:
        if mount.startswith(f'{directory}/'):
            command = ['umount', '-l'] if os.geteuid() == 0 else ['fusermount3', '-uzq']
            subprocess.run([*command, mount], check=False, stderr=subprocess.DEVNULL)


Program = collections.namedtuple('Program', 'id path tree as_user wrap')


def run_program(args, program):
    """Runs one program; returns its report, everything that it printed, and the seconds it took."""
    start = time.monotonic()
    home = pathlib.Path(tempfile.mkdtemp(prefix=f'{program.path.name}.', dir=args.work))
    if program.as_user:
        os.chown(home, NOBODY, NOBODY)
    command = ['timeout', '-k', '10', str(LIMIT_S), *program.as_user, *program.wrap,
               str(program.path)]
    output = args.work / f'{home.name}.out'
    with output.open('wb') as out:
        child = subprocess.Popen(command, cwd=home, env=environment(program.tree, home),
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
    unmount_under(home)
    shutil.rmtree(home, ignore_errors=True)
    return report, text, time.monotonic() - start


def interrupted(number, _frame):
    """Programs have sessions of their own: what ends us does not reach them by itself."""
    for pgid in list(running):
        try:
            os.killpg(pgid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(128 + number)


def find_programs(args):
    """The programs of the plan, whose lines are TREE/USER/SUITE|TREE'S PATH|DIR|AS|WRAP."""
    found = []
    for line in args.plan.read_text().splitlines():
        key, tree, folder, as_user, wrap = line.split('|')
        tree = pathlib.Path(tree)
        paths = [p for p in sorted((tree / folder).glob('*'))
                 if p.is_file() and os.access(p, os.X_OK)]
        if not paths:
            sys.exit(f'test: {key}: no program in {tree / folder}')
        found += [Program(f'{key}/{p.name}', p, tree, shlex.split(as_user), shlex.split(wrap))
                  for p in paths]
    return [p for p in found if any(w in p.id for w in args.words or [''])]


class Ledger:
    """Says what became of each program, and keeps account of it in the tally.

    Its lines are `sum PASSED FAILED SKIPPED` and, for each program that failed, `fail` with its id,
    the command that runs it alone, and why, separated by tabs.  `ran` with the id counts its runs.
    """

    def __init__(self, tally, again):
        self.tally, self.again = tally, again
        self.lock = threading.Lock()

    def write(self, *lines):
        with open(self.tally, 'a') as tally:
            tally.write(''.join(f'{line}\n' for line in lines))

    def command(self, name, seed):
        given = f'DEVMAP_TEST_SEED={seed} ' if seed else ''
        return f'{given}{self.again}{name}'

    def fail_whole(self, name, why, text):
        """Something that is no program has failed."""
        with self.lock:
            self.write('sum 0 1 0', f'fail\t{name}\t{self.command(name, None)}\t{why}')
            print(f'test: {name}: FAILED: {why}\n{text.rstrip()}', flush=True)

    def add(self, name, report, text, seconds, progress=''):
        failed = report.failed + len(report.problems)
        lines = [f'test: {progress}{name}: {total(report.passed, failed, len(report.skips))}'
                 f' in {seconds:.1f} s']
        lines += [f'test: {name}: skipped: {reason}' for reason in report.skips]
        counts = [f'sum {report.passed} {failed} {len(report.skips)}', f'ran\t{name}']
        if failed:
            seed = SEED.search(text)
            command = self.command(name, seed and seed[1])
            heading = [f'test: {name}: FAILED' + ''.join(f'; {p}' for p in report.problems),
                       f'test: alone: {command}']
            lines += heading + [text.rstrip()]
            if text.count('\n') > TAIL:
                lines += heading    # once more: of a long output often only the end is seen
            counts.append(f'fail\t{name}\t{command}\t{why(report, text)}')
        with self.lock:
            self.write(*counts)
            print('\n'.join(lines), flush=True)


def why(report, text):
    """The first thing that is wrong, in a line."""
    said = [line for line in text.splitlines() if line.startswith('# ') and '.c:' in line]
    bad = [line for line in text.splitlines() if line.startswith('not ok')]
    return '; '.join(report.problems[:1] + bad[:1] + said[:1]).replace('\t', ' ')[:300]


def in_rounds(programs, rounds):
    """Each program as often as there are rounds; beyond the first in another order each time."""
    for number in range(rounds):
        order = list(programs)
        if number:
            random.Random(number).shuffle(order)
        for program in order:
            yield number, program


def run(args):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    programs = find_programs(args)
    ledger = Ledger(args.tally, args.again)
    ended = iter(range(1, len(programs) * args.rounds + 1))

    def one(job):
        turn, program = job
        result = run_program(args, program)
        number = next(ended)
        ledger.add(program.id, *result, f'{number}/{len(programs) * args.rounds} ')

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, in_rounds(programs, args.rounds)))


class Guest:
    """What becomes of the programs of a guest, from what scripts/guest/lib.sh reports."""

    def __init__(self, ledger, kernel):
        self.ledger, self.kernel = ledger, kernel
        self.running = {}       # id: lines of its output, of those that have not ended
        self.done = False
        self.current, self.left = None, []

    def read(self, line):
        line = line.rstrip('\r\n')
        if line.startswith('@start '):
            self.running[line[7:]] = []
        elif line.startswith('@begin '):
            name, status, took = line[7:].rsplit(' ', 2)
            self.current = name, int(status), int(took) / 1000
            self.left = []
        elif line == '@done':
            self.done = True
        elif line.startswith('@left ') and self.current:
            self.left.append(line[6:])
        elif line == '@end' and self.current:
            self.end(*self.current)
            self.current = None
        elif line.startswith(' ') and self.current:
            self.running[self.current[0]].append(line[1:])

    def end(self, name, status, seconds, *problems):
        text = '\n'.join(self.running.pop(name))
        report = Report(text)
        report.judge_exit(status)
        report.problems += problems
        if self.left:
            report.problems.append('left running: ' + ', '.join(self.left))
        self.ledger.add(f'{self.kernel}/{name}', report, text, seconds)

    def cut_off(self):
        """Programs that the guest did not live to see the end of: failures with what they said."""
        self.left = []
        for name in list(self.running):
            self.end(name, 0, 0, 'the guest ended before it')


def follow(path, child):
    """The lines of a file that grows while a process lives, as they come."""
    rest, ended, at = b'', False, 0
    while not ended:
        ended = child.poll() is not None    # what it wrote before is there in the next read
        if path.exists():
            with path.open('rb') as file:
                file.seek(at)
                text = file.read()
                at += len(text)
            *lines, rest = (rest + text).split(b'\n')
            yield from (line.decode(errors='replace') for line in lines)
        if not ended:
            time.sleep(0.2)
    yield rest.decode(errors='replace')


def guest(args):
    directory = pathlib.Path('build-guest') / args.kernel / 'run'
    shutil.rmtree(directory, ignore_errors=True)
    child = subprocess.Popen(['scripts/guest/run.sh', args.kernel, *args.scripts],
                             stdin=subprocess.DEVNULL)

    def end_child(number, _frame):
        child.terminate()
        child.wait()
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_child)
    ledger = Ledger(args.tally, args.again)
    found = Guest(ledger, args.kernel)
    for line in follow(directory / 'report', child):
        found.read(line)
    found.cut_off()
    file = directory / 'problems'
    problems = file.read_text(errors='replace') if file.exists() else 'the guest did not start'
    if problems or not found.done:
        ledger.fail_whole(args.kernel, 'what the guest\'s kernel said' if found.done else
                          'the guest did not come to its end', problems)


def total(passed, failed, skipped):
    return f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')


def failures_of(lines):
    """{id: (number of times, first reason, first command)}"""
    found = {}
    for line in lines:
        if line.startswith('fail\t'):
            _, name, command, reason = line.rstrip('\n').split('\t')
            times, *first = found.get(name, (0, reason, command))
            found[name] = (times + 1, *first)
    return found


def table(lines, found):
    """Of several rounds: who ever failed, and how often."""
    ran = collections.Counter(line.split('\t')[1].strip() for line in lines
                              if line.startswith('ran\t'))
    print(f'{sum(ran.values())} runs of {len(ran)} programs; {len(found)} ever failed'
          + (':' if found else ''))
    for name, (times, reason, command) in sorted(found.items()):
        print(f'  {name}: {times} of {ran[name] or "?"}: {reason}\n    {command}')


def add_up(args):
    lines = open(args.tally).readlines()
    rows = [[int(n) for n in line.split()[1:]] for line in lines if line.startswith('sum ')]
    passed, failed, skipped = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0)
    found = failures_of(lines)
    if args.table:
        table(lines, found)
    else:
        for name, (_, reason, command) in sorted(found.items()):
            print(f'test: FAILED: {name}: {reason}\n    {command}')
    if passed + failed == 0:
        print('test: nothing ran')
    print(total(passed, failed, skipped))
    return 1 if failed or passed == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser('run', help='run the programs of a plan')
    one.add_argument('--plan', type=pathlib.Path, required=True)
    one.add_argument('--tally', required=True, help='file to add the counts to')
    one.add_argument('--work', type=pathlib.Path, required=True, help='directory for scratch')
    one.add_argument('--jobs', type=int, default=1, help='programs at once')
    one.add_argument('--rounds', type=int, default=1)
    one.add_argument('--again', required=True, help='command for a program, without its id')
    one.add_argument('words', nargs='*')
    one.set_defaults(func=run)
    machine = commands.add_parser('guest', help='run scripts in a guest')
    machine.add_argument('--tally', required=True, help='file to add the counts to')
    machine.add_argument('--again', required=True, help='command for a program, without its id')
    machine.add_argument('kernel')
    machine.add_argument('scripts', nargs='+')
    machine.set_defaults(func=guest)
    both = commands.add_parser('sum', help='print the failures and the sum of a tally')
    both.add_argument('--table', action='store_true', help='of several rounds')
    both.add_argument('tally')
    both.set_defaults(func=add_up)
    args = parser.parse_args()
    sys.exit(args.func(args))


if __name__ == '__main__':
    main()
