#!/usr/bin/env python3
"""transparent_test.py UTRAMP - a program of which every function is traced computes the same.

The victims call in ways that debug information hides: the compiler changed the arguments, the
convention is another, the types are incomplete.  Each is compiled by each compiler at several
levels and with several kinds of debug information, and runs alone and under `utramp trace` of all
its functions.  What is then reported may be little; what the program prints must not change.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

VICTIMS = pathlib.Path(__file__).parent / 'victims'
LEVELS = ['-O0', '-O1', '-O2', '-O3']
PROFILING = ['-gline-tables-only', '-fdebug-info-for-profiling']
CASES = {
    'gcc': [['-g', o] for o in LEVELS] + [['-g1', '-O2'], ['-g', '-O2', '-flto'],
                                          ['-g', '-O2', '-fno-var-tracking']],
    'clang': [['-g', o] for o in LEVELS] + [PROFILING + ['-O2'],
                                            ['-g', '-O0', '-fomit-frame-pointer']],
    'g++': [['-g', o] for o in LEVELS] + [['-g1', '-O0'],
                                          ['-g', '-gdwarf-4', '-gstrict-dwarf', '-O0'],
                                          ['-g', '-gdwarf-4', '-gstrict-dwarf', '-O2']],
    'clang++': [['-g', o] for o in LEVELS] + [PROFILING + ['-O0']],
}


def victim(cc, flags, where):
    source = VICTIMS / ('odd_classes.cc' if '++' in cc else 'odd_calls.c')
    exe = where / 'victim'
    extra = ['-std=c++17'] if '++' in cc else ['-std=gnu11']
    subprocess.run([cc, '-w', *extra, *flags, '-o', exe, source, '-lm'], check=True)
    return exe


def transparent(utramp, cc, flags, where):
    exe = victim(cc, flags, where)
    plain, out = Run([exe]), exe.with_suffix('.jsonl')
    assert plain.code == 0 and plain.stdout.count(b'\n') > 5
    traced = under(utramp, 'trace', out, [exe], f'{exe.name}:*')
    same_program(traced, plain)
    calls = list(records(out))
    assert len(calls) > 10, calls
    left = sum('entry' in r for r in calls)
    return f'{traced.attached()} functions, {len(calls)} calls, {left} without their end'


def reasons(utramp, where):
    """What has no exit is refused with a reason, and what is ordinary has one."""
    exe = victim('gcc', ['-g', '-O2'], where)
    got = {}
    for line in Run([utramp, 'list', '-j', f'{exe}:*']).stdout.splitlines():
        r = json.loads(line)
        got[r['func']] = r
    clone = got['promoted.isra.0']
    assert clone['attach'] == ['entry'] and 'the compiler changed' in clone['reason'], clone
    ms = got['ms']
    assert ms['attach'] == ['entry'] and 'elsewhere' in ms['reason'], ms
    for name in ('spilled', 'big_result', 'aligned_on_stack', 'complex_last', 'callback'):
        assert got[name]['attach'] == ['entry', 'exit'], got[name]


def realigned(utramp, where):
    """A struct of C is never by reference, whatever its place in debug information looks like."""
    lib = where / 'librealigned.so'
    subprocess.run(['gcc', '-g', '-O2', '-march=x86-64-v4', '-fPIC', '-shared', '-o', lib,
                    VICTIMS / 'realigned.c'], check=True)
    text = Run([utramp, 'code', f'{lib}:drap']).stdout.decode()
    model = next(line for line in text.splitlines() if line.startswith('  model'))
    assert model.split() == 'model xmm0=a0 [8]=a1 xmm1=a2 | [rdi]=r | K=64'.split(), model


def virtual_bases(utramp, where):
    """Of gcc's constructors only what is passed is shown, and they have exits."""
    exe = victim('g++', ['-g', '-O0'], where)
    out = where / 'ctor.jsonl'
    under(utramp, 'trace', out, [exe], f'{exe.name}:_ZN3midC*', f'{exe.name}:_ZN3topC*')
    got = [(r['func'], list(r['args'])) for r in records(out) if 'dur_ns' in r]
    names = list('abcdefgh')
    assert got == [('_ZN3midC1Ellllllll', ['this'] + names),
                   ('_ZN3midC2Ellllllll', ['this', '__vtt_parm'] + names),
                   ('_ZN3topC1Ellllllll', ['this'] + names)], got


def main(utramp):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-transparent-') as tmp:
        where = pathlib.Path(tmp)
        for cc, cases in CASES.items():
            for flags in cases if shutil.which(cc) else []:
                tap.run(f'{cc} {" ".join(flags)}', transparent, utramp, cc, flags, where)
        tap.run('reasons', reasons, utramp, where)
        tap.run('a stack that gcc aligns', realigned, utramp, where)
        if shutil.which('g++'):
            tap.run('virtual bases', virtual_bases, utramp, where)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
