#!/usr/bin/env python3
"""attach_loops.py UTRAMP VICTIM THROW LIBRARY ROUNDS - attach, count, leave; again and again.

The programs allocate, load and unload a library, fork, or throw exceptions in tight loops on 8 threads,
and check their heap and results.  THROW: '-' where there is no C++ compiler.
"""
import json
import sys

import attachlib as lib
from attachlib import test

UTRAMP, VICTIM, THROW, LIBRARY = sys.argv[1:5]
ROUNDS = int(sys.argv[5])


def loop(*cmd):
    with lib.Victim(*cmd, LIBRARY=LIBRARY) as v:
        fd = lib.Shown(v.pid).fd
        for n in range(ROUNDS):
            r = lib.end(lib.start(UTRAMP, 'count', '-j', '-d', '0.05', '-p', v.pid, 'work'))
            assert r.code == 0, f'round {n}: {r}'
            assert 'attached 1 function' in r.err, f'round {n}: {r}'
            assert json.loads(r.out or '{"calls":0}')['calls'] >= 0, r
            assert v.p.poll() is None, f'round {n}: the victim ended with {v.p.returncode}'
        assert cmd[1] in ('dlopen', 'fork') or lib.Shown(v.pid).fd == fd, 'descriptors are left'


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


lib.main()
