#!/usr/bin/env python3
"""The differential test of abi_assign(), at length.

  diff_long.py PATH/TO/abi_diff_test [--count 10000] [--seed 1] [--cc gcc,clang] [--opt O0,O2]

count functions for each compiler and optimisation, in chunks of 1000, and a tenth of it with wide
vectors.  The last line says what was run; exit code 1 if any call was wrong.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 1000


def run_chunk(test, cc, opt, seed, count, wide, tmp):
    so = os.path.join(tmp, f'{cc}-{opt}-{wide}-{seed}.so')
    subprocess.run([sys.executable, os.path.join(HERE, 'gen_types.py'), '--seed', str(seed),
                    '--count', str(count), '--wide', str(wide), '--cc', cc, '-o', so, '--',
                    f'-{opt}'], check=True, stderr=subprocess.DEVNULL)
    r = subprocess.run([test, so], check=False, text=True, capture_output=True)
    if r.returncode:
        print(r.stdout, r.stderr, sep='\n')
    for name in (so, so.removesuffix('.so') + '.gen.c'):
        os.unlink(name)
    return r.returncode == 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument('test')
    p.add_argument('--count', type=int, default=10000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cc', default='gcc,clang')
    p.add_argument('--opt', default='O0,O2')
    a = p.parse_args()
    if not any(map(shutil.which, a.cc.split(','))):
        print(f'none of {a.cc} is here')
        return 77
    wrong = done = 0
    with tempfile.TemporaryDirectory() as tmp:
        for cc in filter(shutil.which, a.cc.split(',')):
            for opt in a.opt.split(','):
                for wide, total in ((0, a.count), (32, a.count // 20), (64, a.count // 20)):
                    for at in range(0, total, CHUNK):
                        n = min(CHUNK, total - at)
                        ok = run_chunk(a.test, cc, opt, a.seed + at, n, wide, tmp)
                        wrong, done = wrong + (not ok), done + n
    print(f'{done} functions, {wrong} chunks wrong, seed {a.seed}')
    return 1 if wrong or not done else 0


if __name__ == '__main__':
    sys.exit(main())
