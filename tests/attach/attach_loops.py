#!/usr/bin/env python3
"""attach_loops.py UTRAMP VICTIM THROW LIBRARY ROUNDS WAY... [PROGRAM...] - attach, count, leave; again and again.

The programs allocate, load and unload a library, fork, or throw exceptions in tight loops on 8 threads,
and check their heap and results.  THROW: '-' where there is no C++ compiler.

WAY    loaded   each round loads two slabs, by dlopen() on a thread of the program: they are kept from being
                taken again (UTRAMP_KEEP_SLABS).  The loader has room for some 26 pairs, so a program
                is there for EACH rounds
       again    one program for all rounds, whose two slabs are taken again and again

PROGRAM is one of the tests below; all, if none is named.  A round that is refused, because the loader or
a lock of its, or a system call, takes too long (5 s and more; a loaded machine), is no round; how many were is told.
"""
import json
import os
import shutil
import sys
import time

import attachlib as lib
from attachlib import test

UTRAMP, VICTIM, THROW, LIBRARY = sys.argv[1:5]
ROUNDS = int(sys.argv[5])
WAYS = [w for w in sys.argv[6:] if w in ('loaded', 'again')]
PROGRAMS = [w for w in sys.argv[6:] if w not in WAYS]
EACH = 20
REFUSED = ("a thread holds the loader's lock for long", 'its loader takes too long', 'timed out')
progress = [0]
os.environ['XDG_RUNTIME_DIR'] = str(lib.tmp)


def slabs(pid):
    """How many are loaded."""
    return len({m[3] for m in lib.maps(pid) if lib.SLAB.search(m[3])})


def attach(pid, what):
    """Count once; how often it was refused before."""
    for refused in range(10):
        r = lib.end(lib.start(UTRAMP, 'count', '-j', '-d', '0.02', '-p', pid, 'work'))
        if r.code == 0 or not any(x in r.err for x in REFUSED):
            break
    assert r.code == 0, f'{what}: {r}'
    assert 'attached 1 function' in r.err, f'{what}: {r}'
    assert json.loads(r.out or '{"calls":0}')['calls'] >= 0, r
    return refused


def rounds(n, loaded, cmd):
    with lib.Victim(*cmd, LIBRARY=LIBRARY) as v:
        fd, refused = lib.Shown(v.pid).fd, 0
        for i in range(n):
            refused += attach(v.pid, f'round {i}')
            progress[0] += 1
            if progress[0] % 100 == 0:
                print(f'# {progress[0]} rounds', flush=True)
            assert v.p.poll() is None, f'round {i}: the victim ended with {v.p.returncode}'
            have = slabs(v.pid)
            least = 2 * (i + 1) if loaded else 2    # those of a round that was refused may stay
            assert least <= have <= least + 2 * refused, f'round {i}: there are {have} slabs'
        assert cmd[1] in ('dlopen', 'fork') or lib.Shown(v.pid).fd == fd, 'descriptors are left'
    return refused


def loop(*cmd):
    for way in WAYS:
        begin, done, refused = time.monotonic(), 0, 0
        os.environ['UTRAMP_KEEP_SLABS'] = '1' if way == 'loaded' else '0'
        while done < ROUNDS:
            n = min(ROUNDS - done, EACH if way == 'loaded' else ROUNDS)
            refused += rounds(n, way == 'loaded', cmd)
            done += n
            for kept in lib.tmp.glob('utramp-??????'):
                shutil.rmtree(kept)
        took = time.monotonic() - begin
        print(f'# {cmd[1]}, {way}: {done} rounds in {took:.1f} s, {1000 * took / done:.0f} ms each, '
              f'{refused} refused', flush=True)


@test
def malloc():
    loop(VICTIM, 'malloc', 8)


@test
def dlopen():
    loop(VICTIM, 'dlopen', 8)


@test
def fork():
    loop(VICTIM, 'fork', 8)


@test
def throw():
    if THROW != '-':
        loop(THROW, 'throw', 8)


lib.tests[:] = [f for f in lib.tests if not PROGRAMS or f.__name__ in PROGRAMS]
try:
    lib.main()
finally:
    shutil.rmtree(lib.tmp, ignore_errors=True)
