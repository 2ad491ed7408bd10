#!/usr/bin/env python3
"""labels_test.py UTRAMP DIR - nothing that jumps or calls into the middle of a start dies of us.

Compiles labels.c (in DIR) in ways that put labels close behind a function's start, and traces all
of its functions and those of its library: same output, same end, and calls seen.
"""
import pathlib
import subprocess
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

WAYS = [tuple(w.split()) for w in (
    'gcc -O0', 'gcc -Os', 'gcc -O2 -fno-gcse -fno-reorder-blocks', 'gcc -Os -fno-pie -no-pie',
    'gcc -O2 -fcf-protection', 'clang -O1', 'clang -O2 -fcf-protection',
    'clang -O2 -fno-pie -no-pie', 'gcc -Os -mindirect-branch=thunk',
    'gcc -Os -mindirect-branch=thunk-inline',
    'gcc -Os -fno-gcse -fno-pie -no-pie -mindirect-branch=thunk')]


def check(utramp, source, tmp, way, define):
    lib, exe, out = tmp / 'liblabels.so', tmp / 'labels', tmp / 'out.jsonl'
    subprocess.run([way[0], '-shared', *define, source / 'labels_lib.S', '-o', lib], check=True)
    subprocess.run([*way, '-g', '-w', source / 'labels.c', lib, f'-Wl,-rpath,{tmp}', '-o', exe],
                   check=True)
    plain = Run([exe])
    assert plain.code == 0, plain.stderr
    run = under(utramp, 'trace', out, [exe], '--missing=warn', f'{exe.name}:by_*',
                f'{lib.name}:first')
    same_program(run, plain)
    seen = [r['func'] for r in records(out)]
    # two bytes suffice for `first`, and there is padding behind it
    assert seen.count('first') == 1, seen
    return f'{", ".join(sorted(set(seen)))}'


def main(utramp, source):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-labels-') as tmp:
        for i, way in enumerate(WAYS):
            tap.run(' '.join(way), check, utramp, source, pathlib.Path(tmp), way,
                    ['-DNOTYPE'] if i % 2 else [])
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
