#!/usr/bin/env python3
"""tails_test.py UTRAMP DIRECTORY SOURCES - functions that jump to each other, traced whole.

tails.c by both compilers, every function with a counting entry and a counting exit program: the
results are those of the untraced program, the stack stays where it is, entries are counted per
hop and exits per call.  Of a cycle of twenty functions sixteen have an exit; the others' are
counted as lost.  And what an ordinary recursion costs: 64 bytes a level.
"""
import pathlib
import re
import shutil
import subprocess
import sys

from harness import Run, Tap, records, same_program, under

DEPTH = 50000
SHARED = 16  # frames of ours that are looked at: rt/tail.c


def build(cc, to, sources):
    to.mkdir(exist_ok=True)
    flags = [cc, '-O2', '-g', '-w']
    subprocess.run([*flags, '-fPIC', '-shared', '-Wl,-soname,libtails.so', '-o',
                    to / 'libtails.so', sources / 'tails_lib.c'], check=True)
    subprocess.run([*flags, '-rdynamic', '-Wl,-rpath,$ORIGIN', '-o', to / 'tails',
                    sources / 'tails.c', to / 'libtails.so'], check=True)
    return to / 'tails'


def share(n, every, first):
    """How many of the hops 0 .. n fall on the function that is `first` of `every`."""
    return (n - first) // every + 1 if n >= first else 0


def expected(n):
    """Entries and exits by function."""
    m = n // 100  # hops of outer
    want = {'self': (n + 1, 1), 'outer': (1, 1), 'deep': (DEPTH + 1 + 2, DEPTH + 1 + 2),
            'even': (share(n, 2, 0) + share(m // 2, 2, 0) + share(m % 2, 2, 1), 2 + m % 2),
            'odd': (share(n, 2, 1) + share(m // 2, 2, 1) + 1, 3),
            'stack_a': (share(n, 2, 0), 1), 'stack_b': (share(n, 2, 1), 1),
            'ping': (share(n, 2, 0), 1), 'lib_pong': (share(n, 2, 1), 1)}
    for i in range(3):
        want[f'three_{"abc"[i]}'] = (share(n, 3, i), 1)
    for i in range(20):
        want[f'c{i:02}'] = (share(n, 20, i), 1 if i < SHARED else 0)
    lost = sum(share(n, 20, i) for i in range(SHARED, 20))
    return want, lost


def counted(path):
    found = {}
    for r in records(path):
        if 'var' in r:
            found[r['var']] = r['value']
    return {name[3:]: (count, found['out_' + name[3:]])
            for name, count in found.items() if name.startswith('in_')}


def level(run):
    return int(re.search(r'^bytes a level: (\d+)$', run.stderr, re.M)[1])


def hops(utramp, tmp, victim, obj, n):
    plain = Run([victim, n, DEPTH])
    traced = under(utramp, 'run', tmp / 'out', [victim, n, DEPTH], obj)
    same_program(traced, plain)
    assert b'FAR' not in plain.stdout and plain.stdout.count(b'near') == 7, plain.stdout
    want, lost = expected(n)
    have = counted(tmp / 'out')
    wrong = {k: (have.get(k), want[k]) for k in want if have.get(k) != want[k]}
    assert not wrong, f'have and want: {wrong}'
    assert traced.lost() == lost, f'{traced.lost()} lost, want {lost}'
    assert level(traced) - level(plain) == 64, f'{level(plain)} bytes a level, {level(traced)} traced'


def latencies(utramp, tmp, victim):
    """A hop is no call of its own: one is measured, and nothing of it is called an exception's."""
    r = under(utramp, 'latency', tmp / 'out', [victim, 1000, 10], 'tails:three_*')
    assert r.code == 0, r.stderr
    calls = {x['func']: x['calls'] for x in records(tmp / 'out') if 'calls' in x}
    assert calls == {'three_a': 1, 'three_b': 1, 'three_c': 1}, calls


def main():
    utramp, build_dir, sources, obj = sys.argv[1], pathlib.Path(sys.argv[2]), \
        pathlib.Path(sys.argv[3]), sys.argv[4]
    tap = Tap()
    for cc, n, name in (('gcc', 10_000_000, 'gcc: results, entries and exits'),
                        ('clang', 1_000_003, 'clang: results, entries and exits')):
        tmp = build_dir / f'tails-{cc}'
        shutil.rmtree(tmp, ignore_errors=True)
        victim = build(cc, tmp, sources)
        tap.run(name, hops, utramp, tmp, victim, obj, n)
    tap.run('gcc: one duration for a chain', latencies, utramp, build_dir / 'tails-gcc',
            build_dir / 'tails-gcc/tails')
    return tap.end()


sys.exit(main())
