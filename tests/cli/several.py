#!/usr/bin/env python3
"""several.py UTRAMP PARTS - -n NAME and several -p: what processes do together, in one output.

Each process is `several`, which calls work() until its standard input ends and then says how many
calls gave what they should: none is hurt by being attached to, or by not being.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import time

from harness import TIMEOUT, env, exe, main, part, test, tmp

NAME = f'several-{os.getpid()}'


class Workers:
    """Programs that run; after `with` all of them have ended well, unless they are said to be others."""

    def __init__(self, n, *args, name=NAME):
        self.path = tmp / name
        if not self.path.exists():
            shutil.copy(part('several'), self.path)
        self.p = [subprocess.Popen([str(self.path), *args], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True) for _ in range(n)]

    def __enter__(self):
        for p in self.p:
            assert p.stdout.readline() == 'ready\n'
        return [p.pid for p in self.p]

    def __exit__(self, *_):
        try:
            while self.p:
                p = self.p[0]
                out, _ = p.communicate(timeout=TIMEOUT)
                self.p.pop(0)
                m = re.match(r'(\d+) of (\d+)\n$', out)
                assert p.returncode == 0 and m and m[1] == m[2], (p.pid, p.returncode, out)
        finally:
            for p in self.p:
                p.kill()


def tool(*args, code=0):
    """What it wrote while processes of ours live; nothing stays in the slab directory but theirs."""
    r = subprocess.run([str(exe), *map(str, args)], env=env(), stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=TIMEOUT)
    err = [x for x in r.stderr.splitlines() if 'attaching: ' not in x]
    assert all(x.startswith('utramp: ') for x in err), err
    assert r.returncode == code, (r.returncode, r.stdout, err)
    return r.stdout, [x.removeprefix('utramp: ') for x in err]


def untouched(pids):
    """No jump of ours stands in work()."""
    line = subprocess.run(['nm', part('several')], capture_output=True, text=True, check=True).stdout
    at = int(re.search(r'^(\w+) [Tt] work$', line, re.M)[1], 16)
    with open(part('several'), 'rb') as f:
        f.seek(at)
        want = f.read(5)
    for pid in pids:
        base = next(int(x.split('-')[0], 16) for x in open(f'/proc/{pid}/maps') if NAME in x)
        with open(f'/proc/{pid}/mem', 'rb') as f:
            f.seek(base + at)
            assert f.read(5) == want, pid


@test
def count():
    with Workers(3) as pids:
        out, err = tool('count', '-d', '0.5', '-j', 'work', '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        assert len(rows) == 1 and rows[0]['func'] == 'work' and rows[0]['calls'] > 3, out
        assert re.fullmatch(r'attached 1 function in 3 processes, stopped \d+\.\d ms', err[0]), err
        assert err[1:] == ['detached from 3 processes', '1 of 1 function was called'], err
        untouched(pids)


@test
def sums_are_exact():
    """Calls are counted from attaching to the end: all of the process that are said."""
    with Workers(2) as pids:
        p = subprocess.Popen([str(exe), 'count', '-j', 'work', 'caller', '-p', str(pids[0]), '-p',
                              str(pids[1])], env=env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        seen(p, 'attached 2 functions')
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        out, err = p.stdout.read(), p.stderr.read()
        p.wait()
        rows = {r['func']: r['calls'] for r in map(json.loads, out.splitlines())}
        # one of each process may be inside caller(), of which work() was not yet called or has ended
        assert p.returncode == 0 and abs(rows['work'] - rows['caller']) <= 2 < rows['work'], (rows, err)


@test
def one_name_twice():
    with Workers(1) as pids:
        out, err = tool('count', '-d', '0.2', 'work', '-n', NAME, '-p', pids[0], '-n', 'several-*')
        assert 'in process' in err[0] and str(pids[0]) in err[0], err


@test
def intervals():
    with Workers(2):
        out, _ = tool('count', '-i', '0.2', '-d', '0.7', '-j', 'work', '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        times = [r['time_ns'] for r in rows]
        # one row of both a table
        assert len(rows) >= 3 and times == sorted(set(times)), rows
        assert all(0 < r['calls'] < 1000 for r in rows), rows


@test
def latency():
    with Workers(3):
        out, _ = tool('latency', '-d', '0.5', '-j', 'work', '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        assert len(rows) == 1, rows
        r = rows[0]
        assert sum(b['count'] for b in r['hist']) == r['calls'] > 3, r
        assert 0 < r['min_ns'] <= r['avg_ns'] <= r['max_ns'] and r['total_ns'] >= r['max_ns'], r


@test
def stacks_are_one():
    """Addresses differ from process to process, what they are called does not."""
    with Workers(3):
        out, _ = tool('stack', '-d', '0.5', '-j', '-D', '2', 'work', '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        assert len(rows) == 1 and [f['func'] for f in rows[0]['stack']] == ['caller', 'main'], rows


@test
def trace_in_order():
    with Workers(4) as pids:
        out, err = tool('trace', '-j', '-d', '0.6', 'work', '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        ends = [r['time_ns'] + r['dur_ns'] for r in rows]
        assert ends == sorted(ends), [b - a for a, b in zip(ends, ends[1:]) if b < a]
        assert {r['pid'] for r in rows} == set(pids), rows
        for pid in pids:  # all of each, in its own order
            n = [r['args']['n'] for r in rows if r['pid'] == pid]
            assert n == list(range(n[0], n[0] + len(n))), n
        assert not any('lost' in x for x in err), err
        untouched(pids)


@test
def trace_as_text():
    with Workers(2) as pids:
        out, _ = tool('trace', '-t', '-E', '20', 'work', '-n', NAME)
        lines = out.splitlines()
        assert len(lines) == 20, out
        found = [re.fullmatch(r'\[pid (\d+)\] (\d+\.\d{6}) several-\d+:work\(n=(\d+)\) += (\d+) .*', x)
                 for x in lines]
        assert all(found), out
        assert {int(m[1]) for m in found} <= set(pids)
        assert all(int(m[4]) == 2 * int(m[3]) + 1 for m in found)
        since = [float(m[2]) for m in found]
        assert since == sorted(since) and since[-1] < TIMEOUT, since


@test
def run():
    with Workers(2) as pids:
        out, err = tool('run', '-d', '0.4', part('several.bpf.o'), '-n', NAME)
        for pid in pids:
            text = re.findall(rf'^\[pid {pid}\] work (\d+)$', out, re.M)
            records = re.findall(rf'^\[pid {pid}\] seen: .*?n=(\d+)', out, re.M)
            assert text and text == records, (pid, text, records, out[:500])
            total = re.search(rf'^process {pid}:\ntotal = (\d+)$', out, re.M)
            assert total and int(total[1]) == len(text), (total, len(text))
        out, _ = tool('run', '-j', '-d', '0.4', part('several.bpf.o'), '-n', NAME)
        rows = [json.loads(x) for x in out.splitlines()]
        assert {r['pid'] for r in rows} == set(pids), rows
        texts = [r['time_ns'] for r in rows if 'printk' in r]
        assert texts == sorted(texts) and texts, texts
        for pid in pids:
            n = len([r for r in rows if r['pid'] == pid and 'printk' in r])
            assert [r['value'] for r in rows if r['pid'] == pid and r.get('var') == 'total'] == [n], rows
            assert n == len([r for r in rows if r['pid'] == pid and 'event' in r])


@test
def inject():
    with Workers(2) as pids:
        out, err = tool('inject', '-d', '0.2', '-j', '--prob', '0.000001', '--seed', '3', 'work=0', '-n', NAME)
        assert json.loads(out)['calls'] > 1, out
        for o in ['--count', '--after']:
            _, err = tool('inject', o, '2', 'work=7', '-n', NAME, code=2)
            assert err == [f'inject: {o} counts the calls of one process: not with several; run utramp once '
                           'for each'], err


@test
def until_all_have_ended():
    one, two = Workers(1), Workers(1)
    with one as first, two as second:
        p = subprocess.Popen([str(exe), 'count', '-j', 'work', '-n', NAME], env=env(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seen(p, r'attached 1 function in 2 processes')
        for w, pid in (one, first[0]), (two, second[0]):
            w.__exit__()
            seen(p, f'process {pid} has ended$')
        out, err = p.stdout.read(), p.stderr.read()
        assert p.wait() == 0 and err == 'utramp: 1 of 1 function was called\n', err
        assert json.loads(out)['calls'] > 0, out


@test
def one_that_ends_while_being_attached_to():
    """Those of a name are those that are there; whoever is named by -p has to be."""
    with Workers(2) as pids:
        gone = subprocess.Popen(['true'])
        gone.wait()
        _, err = tool('count', 'work', '-p', pids[0], '-p', gone.pid, code=5)
        assert f'no process {gone.pid}' in err[0] and 'nothing is attached' in err[1], err
        untouched(pids)


def seen(p, pattern):
    """Read what it says until that."""
    while not re.search(pattern, line := p.stderr.readline()):
        assert line, pattern


@test
def all_or_none():
    with subprocess.Popen([part('several')], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        try:
            trouble(other)
        finally:
            other.kill()


def trouble(other):
    """A process that another traces cannot be attached to."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    assert libc.ptrace(0x4206, other.pid, None, None) == 0
    with Workers(2) as pids:
        who = ['-p', pids[0], '-p', other.pid, '-p', pids[1]]
        out, err = tool('count', '-d', '0.2', 'work', *who, code=4)
        assert out == '' and f'process {other.pid} is traced by ' in err[0], err
        assert err[1:] == [f'because of process {other.pid} nothing is attached to any of the 3 processes '
                           '(--missing warn leaves it out)'], err
        untouched(pids)
        out, err = tool('count', '-d', '0.2', '-j', '--missing', 'warn', 'work', *who)
        assert err[1] == f'process {other.pid} is left out' and 'in 2 processes' in err[2], err
        assert json.loads(out)['calls'] > 1, out
        out, err = tool('count', '-d', '0.2', '-j', '--missing', 'ignore', 'work', *who)
        assert 'in 2 processes' in ' '.join(err) and json.loads(out)['calls'] > 1, err


@test
def a_function_that_one_has_not():
    with Workers(1) as pids, Workers(1, name=f'{NAME}-b') as more:
        sleep = subprocess.Popen(['sleep', '1000'])
        try:
            who = ['-p', pids[0], '-p', sleep.pid, '-p', more[0]]
            _, err = tool('trace', 'work', *who, code=3)
            assert "'work'" in err[0] or 'work' in err[0], err
            assert f'because of process {sleep.pid} nothing is attached' in err[-1], err
            untouched(pids)
            out, err = tool('trace', '-j', '-E', '10', '--missing', 'warn', 'work', *who)
            assert {json.loads(x)['pid'] for x in out.splitlines()} <= {*pids, *more}, out
            assert "not attached: no function 'work' in sleep" in err[0], err
            assert 'attached 1 function in 2 processes, ' in err[1], err
        finally:
            sleep.kill()
            sleep.wait()


@test
def interrupted():
    with Workers(2) as pids:
        p = subprocess.Popen([str(exe), 'trace', '-j', 'work', '-n', NAME], env=env(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        p.stdout.readline()
        p.send_signal(signal.SIGINT)
        p.stdout.read()
        err = p.stderr.read()
        assert p.wait() == 0 and 'utramp: detached from 2 processes\n' in err, err
        untouched(pids)


@test
def nobody():
    _, err = tool('count', 'work', '-n', NAME + '-nobody', code=3)
    assert err == [f'no process is named {NAME}-nobody'], err
    _, err = tool('count', 'work', '-n', NAME, '--', 'true', code=2)
    assert 'exclude each other' in err[0], err


if __name__ == '__main__':
    main()
