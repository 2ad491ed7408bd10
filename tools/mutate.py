#!/usr/bin/env python3
"""mutate.py [--check] [NAME...] - plant faults in the generator, one by one; a test must fail.

Each fault (tools/faults/) is one edit of one file and names the test that must fail for it: a
program, and the case in it.  A fault that no case notices, or another one only, is reported as surviving.
Works on a copy in build-mutate/, the tree itself is not touched.  --check: only see that each
edit still applies to exactly one place (suite check runs this).
"""
import argparse
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from faults import FAULTS, PROGRAMS, ROOT  # noqa: E402

COPY = ROOT / 'build-mutate'


def read(base, path):
    return (base / path).read_text(encoding='utf-8')


def check():
    bad = 0
    for name, path, old, new, program, _ in FAULTS:
        n = read(ROOT, path).count(old)
        ok = n == 1 and old != new and program in PROGRAMS
        bad += not ok
        print(f'{"" if ok else "not "}ok - {name}' + ('' if ok else f': {n} places in {path}'))
    print(f'1..{len(FAULTS)}')
    return bad


def copy_tree():
    files = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split('\n')
    for f in filter(None, files):
        src, dst = ROOT / f, COPY / 'tree' / f
        if src.is_file() and not (dst.exists() and dst.read_bytes() == src.read_bytes()):
            dst.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(src, dst)
    if not (COPY / 'build/build.ninja').exists():
        subprocess.run(['meson', 'setup', COPY / 'build', COPY / 'tree'], check=True,
                       capture_output=True)


def ninja(programs):
    targets = [w for p in programs for w in PROGRAMS[p]
               if isinstance(w, str) and re.match('tests/|src/|utramp$', w)]
    return subprocess.run(['ninja', '-C', COPY / 'build', *dict.fromkeys(targets)],
                          capture_output=True, text=True, check=False)


def failed_cases(text):
    out = re.findall(r'^\[  FAILED  \] (\w+)', text, re.M)
    return out + re.findall(r'^not ok \d+ - (.*)$', text, re.M)


def notices(program, case):
    """Does the case fail?  What there is to say."""
    try:
        r = subprocess.run(PROGRAMS[program], cwd=COPY / 'build', capture_output=True, text=True,
                           errors='replace', timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return True, f'{program}: runs for ever'
    if r.returncode < 0:
        return True, f'{program}: dies of signal {-r.returncode}'
    failed = failed_cases(r.stdout + r.stderr)
    hit = [c for c in failed if case is None or case in c]
    return bool(hit), f'{program}: {hit[0]}' if hit else f'{program}: failed {failed[:3]}'


def plant(fault):
    name, path, old, new, program, case = fault
    file = COPY / 'tree' / path
    text = read(COPY / 'tree', path)
    file.write_text(text.replace(old, new, 1), encoding='utf-8')
    try:
        built = ninja([program])
        if built.returncode:
            return False, 'does not build: ' + built.stdout[-400:]
        return notices(program, case)
    finally:
        file.write_text(text, encoding='utf-8')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--check', action='store_true')
    ap.add_argument('names', nargs='*', help='parts of names of faults; none: all')
    args = ap.parse_args()
    if check():
        return 1
    if args.check:
        return 0
    faults = [f for f in FAULTS if not args.names or any(n in f[0] for n in args.names)]
    programs = {f[4]: None for f in faults} if args.names else PROGRAMS
    copy_tree()
    built = ninja(programs)
    if built.returncode:
        print(built.stdout)
        return 1
    for program in programs:
        hit, what = notices(program, None)
        if hit:
            print(f'without a fault {what} fails')
            return 1
    survivors = 0
    for fault in faults:
        start = time.monotonic()
        dead, what = plant(fault)
        survivors += not dead
        print(f'{"killed " if dead else "ALIVE  "} {fault[0]}: {what} '
              f'({time.monotonic() - start:.1f} s)', flush=True)
    print(f'{len(faults) - survivors} killed, {survivors} survive')
    return survivors != 0


sys.exit(main())
