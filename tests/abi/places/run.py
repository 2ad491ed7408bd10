#!/usr/bin/env python3
"""run.py UTRAMP [--seed N --count N --ways A:B --keep DIR] - what is shown of changed functions.

Programs of gen.py, compiled so that compilers clone functions and drop, split and replace
parameters.  Of each call `utramp trace -j` must show each argument as it was passed, or name it
under "uncertain"; the same of results.  And the program computes what it does alone.  So that
nothing passes by being uncertain, of the arguments a share must be shown.
"""
import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'trace'))
from gen import INTS, Pointer, program  # noqa: E402
from harness import Run, Tap, records, same_program, under  # noqa: E402

WAYS = [['gcc', '-O2'], ['clang', '-O2'], ['gcc', '-O3'], ['clang', '-O3'],
        ['gcc', '-O2', '-fno-var-tracking'], ['clang', '-O1'], ['gcc', '-O0'], ['clang', '-O0'],
        ['gcc', '-Os'], ['clang', '-Os'], ['gcc', '-O1'], ['gcc', '-Og'], ['gcc', '-O2', '-flto'],
        ['gcc', '-O2', '-gdwarf-4', '-fno-plt'], ['clang', '-O2', '-gdwarf-4', '-fno-omit-frame-pointer'],
        ['clang', '-O2', '-gsplit-dwarf'], ['gcc', '-O3', '-march=x86-64-v4'],
        ['clang', '-O3', '-march=x86-64-v4']]
GONE = .3    # at most, of the arguments
UNSURE = .15  # at most, of the arguments that are not gone


def same(shown, kind, want, base):
    if isinstance(want, Pointer):
        if isinstance(shown, dict):
            shown = shown['ptr']
        return shown is not None and int(shown, 0) == base + want
    if isinstance(want, dict):
        return isinstance(shown, dict) and all(same(shown[m], None, v, base) for m, v in want.items())
    if isinstance(want, list):
        return shown == want
    if kind == '__int128':
        return shown == str(want)
    return shown is not None and not isinstance(shown, (str, dict)) and shown == want


def check_call(r, f, args, base, seen):
    unsure = r.get('uncertain', [])
    assert list(r['args']) == [p.name for p in f.params], r
    for p, want in zip(f.params, args):
        shown = r['args'][p.name]
        seen['args'] += 1
        if p.name in unsure:
            seen['gone' if shown is None else 'unsure'] += 1
            continue
        assert same(shown, p.kind, want, base), \
            f'{p.name} ({p.kind}, {p.way}) of {r["func"]}: {want} passed, {shown} shown\n{r}\n{f.text()}'
    if 'dur_ns' not in r:
        seen['entry only'] += 1
    elif f.of and 'ret' not in unsure:
        want = f.result(args)
        assert r['ret'] == want, f'{r["func"]}: {want} returned, {r["ret"]} shown\n{r}\n{f.text()}'
        seen['results'] += 1


def refused(utramp, exe, lines, calls):
    """Conditions on what is gone, and buffers that it would point to."""
    gone = [(r['func'], p) for r, (f, _) in zip(lines, calls) for p in f.params
            if r['args'][p.name] is None]
    for option, text, some in [('--filter', '{} == 0', gone),
                               ('--buf', '{}=4', [x for x in gone if x[1].kind.endswith('*')])]:
        for func, p in some[:1]:
            r = Run([utramp, 'trace', option, text.format(p.name), f'{exe.name}:{func}', '--', exe])
            assert r.code and 'removed by the compiler' in r.stderr, r.stderr


def shown(utramp, way, seed, count, where):
    text, calls = program(seed, count)
    source, exe = where / 'places.c', where / 'places'
    source.write_text(text)
    subprocess.run([way[0], '-g', '-w', *way[1:], '-o', exe, source], check=True)
    out = where / 'trace.jsonl'
    traced, plain = under(utramp, 'trace', out, [exe], f'{exe.name}:fn*'), Run([exe])
    base, plain.stdout = int(traced.stdout.split()[0], 0), plain.stdout.split(b'\n', 1)[1]
    traced.stdout = traced.stdout.split(b'\n', 1)[1]  # without the address
    same_program(traced, plain)
    lines, seen = list(records(out)), collections.Counter()
    assert len(lines) == len(calls), f'{len(lines)} of {len(calls)} calls\n{traced.stderr}'
    for r, (f, args) in zip(lines, calls):
        assert r['func'].split('.')[0] == f.name, (r, f.name)
        check_call(r, f, args, base, seen)
    refused(utramp, exe, lines, calls)
    changed = len({r['func'] for r in lines if '.' in r['func'] or None in r['args'].values()})
    if '-fno-var-tracking' not in way:
        assert seen['unsure'] < UNSURE * (seen['args'] - seen['gone']), dict(seen)
        assert seen['gone'] < GONE * seen['args'], dict(seen)
    return f'{dict(seen)}, {changed} functions changed'


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('utramp')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--count', type=int, default=60)
    ap.add_argument('--ways', default='0:4')
    ap.add_argument('--keep', type=pathlib.Path)
    o = ap.parse_args()
    lo, hi = (int(x) if x else None for x in o.ways.split(':'))
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-places-') as tmp:
        for i, way in enumerate(WAYS[lo:hi]):
            where = (o.keep or pathlib.Path(tmp)) / '_'.join(way)
            where.mkdir(parents=True, exist_ok=True)
            if shutil.which(way[0]):
                tap.run(' '.join(way), shown, o.utramp, way, o.seed + i, o.count, where)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
