#!/usr/bin/env python3
"""survive.py UTRAMP STORM OBJECT VICTIM CASE... - a victim's cases, each untraced, with entry and
exit programs on its functions, under `trace`, and while programs come and go (storm.c).

stdout and status must be the same.
"""
import sys

import lib

UTRAMP, STORM, OBJECT, VICTIM = sys.argv[1:5]
SPEC = VICTIM.rsplit('/', 1)[-1] + ':t_*'
# Counts stay behind by jumps, and by cancellation at any instruction.
LEAKS = {'longjmp', 'siglongjmp', 'cancel-async', 'jump-any'}
# These end by exec or have children that outlive the moment: nothing for a storm.
CALM = {'exec', 'spawn', 'fork', 'deep'}
QUICK = {'exec', 'spawn', 'fork', 'deep', 'exit', 'longjmp', 'coroutine', 'throw',
         'crowd', 'step', 'jump-any'}
# With entry programs on each function of libc.
EVERYWHERE = {'threads', 'fork', 'spawn', 'exit', 'coroutine', 'throw'}


def same(tap, name, r, plain, ran):
    good = r.returncode == plain.returncode and r.stdout == plain.stdout and ran
    tap.ok(good, f'{name}: status {r.returncode}', f'stdout {r.stdout[-300:]!r}',
           f'untraced {plain.returncode} {plain.stdout!r}', r.stderr[-600:],
           '' if ran else 'no program ran')


def one(tap, case, tmp):
    out = tmp / 'out'
    plain = lib.run([VICTIM, case])
    tap.ok(plain.returncode == 7, f'{case}: untraced', plain.stdout, plain.stderr)
    attach = [f'--attach={p}={SPEC}' for p in ('entry', 'leave', 'pass', 'light')]
    r = lib.run([UTRAMP, 'run', OBJECT, '--missing=ignore', '-o', out, *attach, '--',
                 VICTIM, case])
    same(tap, f'{case}: programs', r, plain, 'hit' in out.read_text())
    if case in QUICK:
        r = lib.run([UTRAMP, 'trace', '-o', out, SPEC, '--', VICTIM, case])
        last = 't_final(' if case == 'jump-any' else 't_'
        same(tap, f'{case}: trace', r, plain, last in out.read_text())
    if case in EVERYWHERE:
        r = lib.run([UTRAMP, 'trace', '-o', out, '-e', 'libc:*', '--missing=ignore', '--', VICTIM,
                     case])
        same(tap, f'{case}: all of libc', r, plain, out.stat().st_size > 0)
    if case not in CALM:
        r = lib.run([STORM, '-a', *(['-l'] if case in LEAKS else []), '-n', '0', '-w', '40000', OBJECT,
                     SPEC, '--', VICTIM, case])
        tap.ok(r.returncode == 0, f'{case}: storm', r.stdout, r.stderr)


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    for case in sys.argv[5:]:
        one(tap, case, tmp)
    (tmp / 'out').unlink(missing_ok=True)
    tmp.rmdir()
    tap.end()


main()
