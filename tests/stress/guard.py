#!/usr/bin/env python3
"""guard.py UTRAMP OBJECT VICTIM ROUNDS [SEED] - kill -9 of the tool's processes, at any moment.

A round: a program with threads that check their results runs under the tool, or ran before (-p);
after a random time the worker is killed, or the front, or both.  Who survives makes the text as it was; when
none does, `utramp detach` does.  The program goes on with right results, and nothing is left:
no file, no process, no signal handler.  One seed is one sequence of rounds and delays.
Of a program that dies all is told that can be known without tracing it (died.py).
"""
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import died
import lib

UTRAMP, OBJECT, VICTIM = map(os.path.realpath, sys.argv[1:4])
ROUNDS, SEED = int(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 11
NAME = VICTIM.rsplit('/', 1)[-1]
ALL = [f'{NAME}:{shape}_*' for shape in ('seven', 'nine', 'twelve', 'wide', 'memory')]
OUT = ['-q', '-o', '/dev/null']
# the last one: a signal handler of ours is there while programs read memory
WAYS = [
    ['run', OBJECT, '--missing=ignore', *OUT, *(f'--attach={p}={NAME}:*e*_?' for p in ('entry', 'leave', 'pass', 'light'))],
    ['trace', *OUT, *ALL],
    ['trace', *OUT, '--filter', 'arg1 < 5 || arg2 > 1', f'{NAME}:seven_*'],
    ['count', *OUT, *ALL],
    ['latency', *OUT, 'libc:malloc', *ALL],
    ['trace', *OUT, 'libc:puts', 'libc:getenv', f'{NAME}:memory_*'],
]
PATIENCE = 90        # 20 stops of some 0.7 s, where the machine is busy


def has_handler(pid):
    for line in open(f'/proc/{pid}/status'):
        if line.startswith('SigCgt:'):
            return bool(int(line.split()[1], 16) >> (signal.SIGSEGV - 1) & 1)


class Round:
    def __init__(self, rnd, running):
        self.dir = lib.scratch()
        self.env = {**os.environ, 'XDG_RUNTIME_DIR': str(self.dir)}
        self.out = self.dir / 'out'
        self.err = self.dir / 'err'
        self.running = running
        self.problems = []
        self.ends = {}          # of processes that were reaped here: pid, wait status
        way, command = rnd.choice(WAYS), [VICTIM, 'work', '4']
        if running:
            self.command = self.start(command, self.err.with_name('foreign'))
            many = lib.wait_for(lambda: len(os.listdir(f'/proc/{self.command.pid}/task')) >= 5)
            self.must(many, 'its threads do not start')
            self.p = self.start([UTRAMP, *way, '-p', str(self.command.pid)], self.err)
        else:
            self.p = self.command = self.start([UTRAMP, *way, '--', *command], self.err)
        self.front = self.p.pid
        self.worker = lib.wait_for(lambda: lib.child_of(self.front))
        time.sleep(rnd.random() ** 2 * 1.0)
        self.target = self.command.pid if running else lib.child_of(self.worker)

    def start(self, command, err):
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=open(self.out, 'a'),
                                stderr=open(err, 'w'), start_new_session=True, env=self.env, cwd=self.dir)

    def must(self, good, what):
        if not good:
            self.problems.append(what)

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            self.must(False, f'{pid} has ended before it was killed')

    def began(self):
        """It was let go: it is no new process under ptrace, which dies with its tracer."""
        def told():
            try:
                text = open(f'/proc/{self.target}/status').read()
            except OSError:
                return 'gone'
            pending = [int(x.split()[1], 16) for x in text.splitlines() if x[:7] in ('SigPnd:', 'ShdPnd:')]
            if '\nState:\tZ' in text or any(x >> (signal.SIGKILL - 1) & 1 for x in pending):
                return 'gone'   # or as good as
            return '\nTracerPid:\t0\n' in text and 'lives'
        if self.running:
            return True
        if not self.target or lib.wait_for(told, PATIENCE) != 'lives':
            return False
        time.sleep(0.1)         # one that dies has no signal pending at the very end
        return lib.alive(self.target) and \
            os.readlink(f'/proc/{self.target}/exe') == os.path.realpath(VICTIM)

    def as_it_was(self):
        clean = lib.wait_for(lambda: lib.text_differences(self.target) == [], PATIENCE)
        self.must(clean, f'text: {lib.text_differences(self.target)}')
        self.must(not has_handler(self.target), 'a handler of SIGSEGV is left')

    def results(self):
        self.command.stdin.close()
        self.must(lib.wait_for(lambda: not lib.alive(self.target), PATIENCE), 'the target does not end')
        self.must(self.out.read_text() == '# bad 0\n', f'the target says {self.out.read_text()!r}')

    def code(self):
        try:
            return self.p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.must(False, 'the front does not end')
            return None

    def close(self):
        for pid in (self.target, self.worker, self.front):
            if pid and lib.alive(pid):
                os.kill(pid, signal.SIGKILL)
        for p in (self.p, self.command):
            if not p.stdin.closed:
                p.stdin.close()
            p.wait()
            self.ends[p.pid] = -p.returncode if p.returncode < 0 else p.returncode << 8
        while True:             # orphans of the round are ours: see main()
            try:
                pid, st = os.waitpid(-1, 0)
                self.ends[pid] = st
            except ChildProcessError:
                break
        if self.problems:
            self.problems.append(f'stderr {self.err.read_text()!r}')
            self.problems += died.told(self.target, self.dir, self.ends.get(self.target))
        shutil.rmtree(self.dir)

    def left(self):
        return sorted(x.name for x in self.dir.iterdir() if x.name not in ('out', 'err', 'foreign', 'core'))

    def nothing_left(self):
        self.must(not self.left(), f'left: {self.left()}')


def worker_killed(r):
    r.kill(r.worker)
    began = r.began()
    if began:
        r.must(lib.wait_for(r.err.read_text, PATIENCE), 'nothing is said')
        r.as_it_was()
        r.results()
    code, said = r.code(), r.err.read_text()
    r.must(code == (7 if began and not r.running else 137), f'the exit code is {code}')
    r.must(said.count('\n') == 1 and said.startswith('utramp: the worker was killed by SIGKILL'), 'said')
    # of a process that ran before nothing may be changed by then
    early = r.running and said.endswith(', before anything was started or changed\n')
    r.must(not began or early or f'process {r.target} was restored' in said, 'said otherwise')
    if early:                   # perhaps while its files were made
        lib.wait_for(lambda: utramp(r, 'ps') and not r.left(), 10)
    r.nothing_left()


def front_killed(r):
    r.kill(r.front)
    gone = lib.wait_for(lambda: not lib.alive(r.worker), PATIENCE)
    r.must(gone, 'the worker does not end')
    if r.began():
        r.as_it_was()
        r.results()
    r.nothing_left()


def utramp(r, *args):
    return lib.run([UTRAMP, *args], env=r.env)


def both_killed(r):
    r.kill(r.front)
    r.kill(r.worker)
    r.p.wait()
    lib.wait_for(lambda: not lib.alive(r.worker), PATIENCE)
    began = r.began()
    mine = [x for x in map(json.loads, utramp(r, 'ps', '-j').stdout.splitlines())
            if x['pid'] == r.target]
    if began and lib.text_differences(r.target):
        r.must(len(mine) == 1 and mine[0]['state'] == 'orphaned' and mine[0]['tool'] == r.worker
               and mine[0]['comm'] == NAME and mine[0]['functions'] > 0, f'ps: {mine}')
    if mine:
        got = utramp(r, 'detach', r.target)
        # one that had not begun dies with its tracer, perhaps since it was listed
        r.must(got.returncode == 0 or (not began and got.returncode == 3), f'detach: {got}')
    if began:
        r.as_it_was()
        again = utramp(r, 'detach', r.target)
        r.must(again.returncode == 3, f'detach again: {again}')
        r.results()
    # what is stale goes; a directory that was just made, some seconds later
    lib.wait_for(lambda: utramp(r, 'ps') and not r.left(), 10)
    r.nothing_left()


def main():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # PR_SET_CHILD_SUBREAPER
    died.prepare()
    tap = lib.Tap()
    rnd = random.Random(SEED)
    for kind in (worker_killed, front_killed, both_killed):
        bad, began = [], 0
        for i in range(ROUNDS // 3):
            r = Round(rnd, i % 3 == 2)
            try:
                kind(r)
                began += r.target is not None
            except Exception as e:      # a round that breaks is a bad one
                r.must(False, f'{e!r}, the command: {r.command.poll()}')
            r.close()
            if r.problems:
                bad.append('\n'.join([f'round {i}:', *r.problems]))
        tap.ok(not bad, f'{kind.__name__} {ROUNDS // 3} times, {began} with a command', *bad)
    tap.end()


main()
