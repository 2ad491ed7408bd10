#!/usr/bin/env python3
"""run.py --runner ABI_RUN [--seed N] [--count N] [--rounds N] [--keep DIR]

Generates random functions (gen.py), compiles callers and callees with each compiler at each
level, and runs every pair of them through trampolines (abi_run.c).  Exit status 0: no
difference.  Each round takes the next seed.  UTRAMP_ABI_SEED, _COUNT, _ROUNDS are defaults.
"""
import argparse
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ['-w', '-Wno-psabi', '-std=gnu11', '-fPIC', '-shared', '-fno-strict-aliasing']


def compile_side(where, side, compiler, level):
    out = where / f'{side}-{compiler}{level.replace(" ", "")}.so'
    subprocess.run([compiler, *FLAGS, *level.split(), '-o', out, where / f'{side}.c'], check=True)
    return out


def dialect(compiler):
    """gcc:12, clang:14"""
    r = subprocess.run([compiler, '-dM', '-E', '-x', 'c', '/dev/null'], stdout=subprocess.PIPE,
                       text=True, check=True)
    m = (re.search(r'__clang_major__ (\d+)', r.stdout) or re.search(r'__GNUC__ (\d+)', r.stdout))
    return f'{"clang" if "__clang__" in r.stdout else "gcc"}:{m[1]}'


def one_round(opts, seed, where):
    subprocess.run([sys.executable, HERE / 'gen.py', str(seed), str(opts.count), where,
                    *['wide'] * opts.wide], check=True)
    ways = list(itertools.product(opts.compilers, opts.levels))
    with ThreadPoolExecutor(2) as pool:
        jobs = {(side, *way): pool.submit(compile_side, where, side, *way)
                for side in ('caller', 'callee') for way in ways}
        built = {key: job.result() for key, job in jobs.items()}
    failed, changed = 0, set()
    for caller, callee in itertools.product(ways, ways):
        cmd = [opts.runner, built['caller', *caller], built['callee', *callee],
               where / 'table.txt', str(seed)]
        if caller[0] == callee[0]:
            cmd.append(dialect(caller[0]))
        r = subprocess.run(cmd, stdout=subprocess.PIPE, text=True)
        print(f'seed {seed}: {"".join(caller)} calls {"".join(callee)}: {r.stdout.strip()}'
              + (f' (status {r.returncode})' if r.returncode else ''), flush=True)
        if r.returncode == 77:
            sys.exit(77)
        failed += r.returncode != 0
        changed.update(re.findall(r': ([^:\n]*) changed$', r.stdout, re.M))
        changed.update(re.findall(r': caller got (another result[^:\n]*)$', r.stdout, re.M))
        if r.returncode < 0:
            changed.add(f'all, by signal {-r.returncode}')
    if failed:
        print(f'not ok 1 - {failed} pairs of seed {seed}; changed: {", ".join(sorted(changed))}')
    return failed


def main():
    env = os.environ.get
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--runner', required=True)
    p.add_argument('--seed', type=int, default=int(env('UTRAMP_ABI_SEED', '1')))
    p.add_argument('--count', type=int, default=int(env('UTRAMP_ABI_COUNT', '500')))
    p.add_argument('--rounds', type=int, default=int(env('UTRAMP_ABI_ROUNDS', '1')))
    p.add_argument('--levels', nargs='+', default=['-O0', '-O2'])
    p.add_argument('--wide', action='store_true',
                   help='vectors of 32 and 64 bytes; needs AVX-512 and levels with a -march= for it')
    p.add_argument('--keep', help='keep sources and libraries here')
    p.add_argument('--compilers', nargs='+', default=['gcc', 'clang'], help='of these, what there is')
    opts = p.parse_args()
    opts.compilers = [c for c in opts.compilers if shutil.which(c)]
    if opts.wide and 'avx512vl' not in pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8'):
        print('the processor has no AVX-512')
        return 77
    opts.levels = [level if level.startswith('-') else '-' + level for level in opts.levels]
    failed = 0
    start = time.monotonic()
    for seed in range(opts.seed, opts.seed + opts.rounds):
        with tempfile.TemporaryDirectory(prefix='utramp-abi-') as tmp:
            where = pathlib.Path(opts.keep or tmp)
            where.mkdir(parents=True, exist_ok=True)
            failed += one_round(opts, seed, where)
    print(f'{failed} pairs failed, {time.monotonic() - start:.1f} s')
    return 1 if failed else 0


sys.exit(main())
