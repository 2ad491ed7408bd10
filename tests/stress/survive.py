#!/usr/bin/env python3
"""survive.py [--long] UTRAMP STORM OBJECT VICTIM - a victim's cases, each untraced, with entry and
exit programs on its functions, and then, as the tables below say: under `trace`, with entry
programs on all of libc, with a look at the counters at the end (storm -c), and while programs
come and go (storm).

stdout and status must be the same.  What stays counted for good is told by the victim (LEAVES)
and in docs/transparency.md; elsewhere it is 0.
"""
import os
import sys

import lib

LONG = sys.argv[1] == '--long'
UTRAMP, STORM, OBJECT, VICTIM = sys.argv[2 if LONG else 1:]
NAME = VICTIM.rsplit('/', 1)[-1]
SPECS = [NAME + ':t_*'] + (['libsurvive_rpath.so:t_*'] if NAME == 'survive_ways' else [])

# Case: P programs, T trace, L all of libc, C programs and counters, S storm; in small letters:
# `make test-long` only.
CASES = {
    'survive': {
        'exit': 'pTlCS', 'cancel': 'pCS', 'cancel-async': 'pCs', 'threads': 'PLS',
        'longjmp': 'pTCs', 'siglongjmp': 'pCS', 'signal': 'PS', 'altstack': 'PS',
        'profile': 'PS', 'fork': 'PTLc', 'spawn': 'PtLc', 'exec': 'PT', 'deep': 'PTc',
        'coroutine': 'PTLS', 'crowd': 'PTS', 'step': 'PTs', 'jump-any': 'ptCs', 'jump-alt': 'pC'},
    'survive_ways': {
        'twice': 'pTLCs', 'quit': 'PtLC', 'quit-thread': 'pC', 'vfork': 'pTLC', 'linker': 'pLC'},
    'survive_threads': {
        'destructors': 'ptLCs', 'first-ends': 'ptC', 'raw-tls': 'ptC', 'raw-shared': 'ptC',
        'raw-process': 'ptC', 'raw-process-shared': 'ptC', 'raw-vfork': 'ptC',
        'raw-exit': 'ptC'},
    'survive_co': {
        'hand': 'ptC', 'moved': 'pTCs', 'outlived': 'pC', 'never': 'ptC', 'ucontext': 'ptLC',
        'preempt': 'ptCs'},
    'survive_cxx': {
        'throw': 'PTLS', 'exit': 'PTS', 'cancel': 'PS', 'moved': 'pTCs', 'rethrow': 'pTCs',
        'coroutine': 'ptC', 'objects': 'ptLC'},
}[NAME]


def same(tap, name, r, plain, ran):
    good = r.returncode == plain.returncode and r.stdout == plain.stdout and ran
    tap.ok(good, f'{name}: status {r.returncode}', f'stdout {r.stdout[-300:]!r}',
           f'untraced {plain.returncode} {plain.stdout!r}', r.stderr[-600:],
           '' if ran else 'no program ran')


def storm(tap, name, case, out, *options):
    env = dict(os.environ, LEAVES=str(out))
    r = lib.run([STORM, *options, OBJECT, *SPECS, '--', VICTIM, case], env=env)
    tap.ok(r.returncode == 0, f'{case}: {name}', r.stdout, r.stderr)


def one(tap, case, what, tmp):
    out = tmp / 'out'
    plain = lib.run([VICTIM, case])
    tap.ok(plain.returncode == 7, f'{case}: untraced', plain.stdout, plain.stderr)
    if 'P' in what:
        attach = [f'--attach={p}={s}' for p in ('entry', 'leave', 'pass', 'light') for s in SPECS]
        r = lib.run([UTRAMP, 'run', OBJECT, '--missing=ignore', '-o', out, *attach, '--', VICTIM,
                     case])
        same(tap, f'{case}: programs', r, plain, 'hit' in out.read_text())
    if 'T' in what:
        r = lib.run([UTRAMP, 'trace', '-o', out, *SPECS, '--', VICTIM, case])
        last = 't_final(' if case.startswith('jump-a') else 't_'
        same(tap, f'{case}: trace', r, plain, last in out.read_text())
    if 'L' in what:
        r = lib.run([UTRAMP, 'trace', '-o', out, '-e', 'libc:*', '--missing=ignore', '--', VICTIM,
                     case])
        same(tap, f'{case}: all of libc', r, plain, out.stat().st_size > 0)
    if 'C' in what:
        storm(tap, 'counters', case, out, '-c', out)
    if 'S' in what:
        leaks = ['-l'] if case in LEAKS else []
        storm(tap, 'storm', case, out, '-a', *leaks, '-n', '0', '-w', '40000')


# No look at the counters in a storm: they depend on what was attached when.
LEAKS = {'longjmp', 'siglongjmp', 'cancel-async', 'jump-any', 'twice', 'quit', 'ucontext',
         'raw-shared'}


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    for case, what in CASES.items():
        one(tap, case, what.upper() if LONG else what, tmp)
    (tmp / 'out').unlink(missing_ok=True)
    tmp.rmdir()
    tap.end()


main()
