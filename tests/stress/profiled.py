#!/usr/bin/env python3
"""profiled.py UTRAMP PROGRAMS OBJECT VICTIM FRAMES N ROUNDS - stacks walked at any instruction,
see profiled.c: N backtraces from SIGPROF and ROUNDS rounds of single steps with each set of
programs; FRAMES, the same by frame pointers.

Results and status are the untraced program's, and the handler has come in functions, images
and helpers.
"""
import os
import re
import sys

import lib

UTRAMP, PROGRAMS, OBJECT, VICTIM, FRAMES = sys.argv[1:6]
N, ROUNDS = int(sys.argv[6]), int(sys.argv[7])


def attach(*programs, to='p_*'):
    return [f'--attach={p}=NAME:{to}' for p in programs]


# The functions without a type, variadic ones, refuse exit programs: --missing=ignore.
WAYS = {
    'programs': ['run', PROGRAMS, '--missing=ignore', *attach('entry', 'leave', 'pass', 'light')],
    'entry alone': ['run', PROGRAMS, '--missing=ignore', *attach('light'),
                    *attach('entry', to='p_any'), *attach('leave', 'pass', to='nothing')],
    'stacks, sessions': ['run', OBJECT, '--missing=ignore',
                         *attach('stack', 'stack_exit', 'session'), *attach('skip', to='p_skip')],
    'trace': ['trace', 'NAME:p_*'],
    'stack': ['stack', 'NAME:p_*'],
}
# Single steps take a second or two each: `make test` steps through these alone.
STEPPED = {VICTIM: 'programs', FRAMES: 'trace'}
# Program globals that say so if what the object is for has happened.
HAPPENED = ('skipped', 'walked', 'sessions')


def one(tap, tmp, victim, way, mode, n):
    out, name = tmp / 'out', victim.rsplit('/', 1)[-1]
    args = [str(a).replace('=NAME:', f'={name}:').replace('NAME:p_', f'{name}:p_') for a in WAYS[way]]
    r = lib.run([UTRAMP, args[0], '-o', out, *args[1:], '--', victim, mode, n], timeout=1200)
    text = out.read_text()
    at = re.search(r'interrupted: (\d+) in functions, (\d+) in the room, (\d+) in rt, of (\d+); '
                   r'in (\S+) s, of CPUs (\S+) s', r.stderr)
    good = r.returncode == 7 and r.stdout == f'{mode}: 0 bad\n' and at
    # `light` is in line and calls no helper, unless it is interpreted
    alone = way == 'entry alone' and 'UTRAMP_TEST_ENGINE' not in os.environ
    came = at and all(int(at[i]) > 0 for i in ((1, 2) if alone else (1, 2, 3)))
    ran = way != 'stacks, sessions' or all(re.search(rf'^{v} = [1-9]', text, re.M) for v in HAPPENED)
    tap.ok(good and came and ran, f'{name}, {way}, {mode}: {at[0] if at else "no end"}',
           f'status {r.returncode}', r.stdout, r.stderr[-2000:], text[-300:] if not ran else '')
    return [float(x) for x in at.group(4, 5, 6)] if good and mode == 'sample' else [0, 0, 0]


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    sums = [0, 0, 0]
    for victim in (VICTIM, FRAMES):
        for mode, n in (('sample', N), ('step', ROUNDS)):
            r = lib.run([victim, mode, n], timeout=1200)
            tap.ok(r.returncode == 7 and r.stdout == f'{mode}: 0 bad\n', f'untraced, {mode}',
                   r.stdout, r.stderr)
            for way in WAYS:
                if ROUNDS > 1 or (way == STEPPED[victim] if mode == 'step' else victim == VICTIM):
                    sums = [a + b for a, b in zip(sums, one(tap, tmp, victim, way, mode, n))]
    if sums[0]:
        seen, wall, cpu = sums
        print(f'# SIGPROF while traced: {seen:.0f} in {wall:.1f} s, {seen / wall:.0f} a second; '
              f'{cpu:.1f} s of CPUs, {seen / cpu:.0f} a second of these')
    (tmp / 'out').unlink(missing_ok=True)
    tmp.rmdir()
    tap.end()


main()
