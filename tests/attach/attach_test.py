#!/usr/bin/env python3
"""attach_test.py UTRAMP VICTIM OBJECT - each verb on a process that runs, and what is left of it.

The victim's threads allocate, sleep, poll, and wait in epoll_wait() and for a condition; it checks
itself that nothing of that failed or was cut short.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

import attachlib as lib
from attachlib import test

UTRAMP, VICTIM, OBJECT = sys.argv[1:4]


def utramp(*args):
    return lib.end(lib.start(UTRAMP, *args))


def attached(r, pid, n=1):
    s = '' if n == 1 else 's'
    assert re.search(rf'^utramp: attached {n} function{s} in process {pid}, stopped \d+\.\d ms$', r.err,
                     re.M), r


@test
def count_and_leave():
    with lib.Victim(VICTIM, 'mix', 2) as v:
        before = lib.Shown(v.pid)
        for _ in range(3):
            r = utramp('count', '-j', '-d', '0.2', '-p', v.pid, 'work')
            assert r.code == 0, r
            attached(r, v.pid)
            assert f'detached from process {v.pid}\n' in r.err, r
            assert json.loads(r.out)['calls'] > 10, r
            lib.same(before, lib.Shown(v.pid))


@test
def trace():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        before = lib.Shown(v.pid)
        r = utramp('trace', '-E', '5', '-p', v.pid, 'work')
        assert r.code == 0, r
        lines = r.out.splitlines()
        assert len(lines) == 5, r
        for x in lines:
            m = re.match(r'(?:\[tid \d+\] )?attach_victim:work\(a=(\d+), b=7, x=2\.5\) += (\d+) ', x)
            assert m and int(m[2]) == int(m[1]) * 3 + 9, r
        lib.same(before, lib.Shown(v.pid))


@test
def two_functions_one_stop():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        r = utramp('latency', '-d', '0.2', '-p', v.pid, 'work', 'libc:malloc')
        assert r.code == 0, r
        attached(r, v.pid, 2)
        assert 'attach_victim:work' in r.out and 'malloc' in r.out, r


@test
def stack():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        r = utramp('stack', '-d', '0.2', '-p', v.pid, 'work')
        assert r.code == 0 and 'waits+' in r.out, r


@test
def inject():
    """getenv() is called by nobody there: it attaches, counts nothing, and leaves."""
    with lib.Victim(VICTIM, 'mix', 1) as v:
        before = lib.Shown(v.pid)
        r = utramp('inject', '-d', '0.2', '-p', v.pid, 'libc:getenv=0')
        assert r.code == 0 and 'injected 0 of 0 calls' in r.err, r
        lib.same(before, lib.Shown(v.pid))


@test
def run():
    with lib.Victim(VICTIM, 'mix', 2) as v:
        before = lib.Shown(v.pid)
        r = utramp('run', '-d', '0.3', '-p', v.pid, OBJECT)
        assert r.code == 0, r
        attached(r, v.pid)
        lib.same(before, lib.Shown(v.pid))


@test
def computing():
    """No thread ever makes a system call: one is met in code of its own."""
    with lib.Victim(VICTIM, 'compute', 1) as v:
        before = lib.Shown(v.pid)
        r = utramp('count', '-j', '-d', '0.2', '-p', v.pid, 'work')
        assert r.code == 0 and json.loads(r.out)['calls'] > 1000, r
        lib.same(before, lib.Shown(v.pid))


@test
def interrupted():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        before = lib.Shown(v.pid)
        p = lib.start(UTRAMP, 'count', '-p', v.pid, 'work')
        while b'attached 1 function' not in p.stderr.readline():
            assert p.poll() is None, 'it has ended'
        time.sleep(0.5)     # it is called by then
        p.send_signal(signal.SIGINT)
        r = lib.end(p)
        assert r.code == 0 and 'work' in r.out, r
        lib.same(before, lib.Shown(v.pid))


@test
def target_ends():
    v = lib.Victim(VICTIM, 'mix', 1)
    with v:
        p = lib.start(UTRAMP, 'count', '-p', v.pid, 'work')
        while b'attached 1 function' not in p.stderr.readline():
            assert p.poll() is None, 'it has ended'
    r = lib.end(p)
    assert r.code == 0 and f'process {v.pid} has ended' in r.err, r


@test
def interpreted():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        r = utramp('count', '--engine', 'interp', '-j', '-d', '0.2', '-p', v.pid, 'work')
        assert r.code == 0 and json.loads(r.out)['calls'] > 10, r


@test
def refused():
    gone = subprocess.Popen(['true'])
    gone.wait()
    for code, words, *args in (
            (5, f'there is no process {gone.pid}', '-p', gone.pid, 'work'),
            (2, 'exclude each other', '-p', os.getpid(), 'work', '--', 'true'),
            (2, "'many' is not a value it takes (a process's number)", '-p', 'many', 'work'),
            (2, 'or name a process by -p PID', 'work')):
        r = utramp('count', *args)
        assert r.code == code and words in r.err and r.out == '', r


@test
def no_such_function():
    with lib.Victim(VICTIM, 'mix', 1) as v:
        before = lib.Shown(v.pid)
        r = utramp('count', '-p', v.pid, 'worc')
        assert r.code == 3 and 'work' in r.err, r
        lib.same(before, lib.Shown(v.pid))


@test
def stopped():
    """A process that is stopped by a signal is attached to and left stopped."""
    with lib.Victim(VICTIM, 'mix', 1) as v:
        os.kill(v.pid, signal.SIGSTOP)
        r = utramp('count', '-d', '0.1', '-p', v.pid, 'work')
        assert r.code == 0 and 'attached 1 function' in r.err, r
        time.sleep(0.05)
        state = open(f'/proc/{v.pid}/stat').read().rpartition(')')[2].split()[0]
        assert state == 'T', state
        os.kill(v.pid, signal.SIGCONT)


lib.main()
