#!/usr/bin/env python3
"""run-tests.py BUILD [--long] [--suite NAME]... - run the floors of tests and count.

Each floor is a meson suite with a budget in seconds in tests/budget.txt; a floor that takes
more than 120 % of it fails.  The last line is "N passed, N failed" (", N skipped").
With --long the suite "long" runs too, without budget.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def budgets():
    out = {}
    for line in (ROOT / 'tests/budget.txt').read_text().splitlines():
        line = line.split('#')[0].split()
        if line:
            out[line[0]] = int(line[1])
    return out


def tap_counts(text):
    """(passed, failed, skipped) of a TAP stream; None if it is not one."""
    n = [0, 0, 0]
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ['ok']:
            n[2 if '# SKIP' in line.upper() else 0] += 1
        elif words[:2] == ['not', 'ok']:
            n[1] += 1
    return n if sum(n) else None


def count(build):
    """Sum the results of the last meson run: TAP points where there are any, else programs."""
    total = [0, 0, 0]
    logs = (pathlib.Path(build) / 'meson-logs').glob('testlog*.json')  # named after the test setup
    log = max(logs, key=lambda p: p.stat().st_mtime)
    for line in log.read_text().splitlines():
        test = json.loads(line)
        ok = test['result'] in ('OK', 'EXPECTEDFAIL')
        skip = test['result'] == 'SKIP'
        n = tap_counts(test.get('stdout', '')) or [int(ok), int(not ok and not skip), int(skip)]
        if not ok and not skip and not n[1]:
            n[1] = 1            # died before it could say so
        total = [a + b for a, b in zip(total, n)]
    return total


def run(build, suite):
    start = time.monotonic()
    code = subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--print-errorlogs',
                           '--suite', suite, '-q'], stdin=subprocess.DEVNULL).returncode
    return code, time.monotonic() - start


def suites(build):
    text = subprocess.run(['meson', 'introspect', '--tests', build], capture_output=True,
                          text=True, check=True).stdout
    return {s.split(':')[-1] for t in json.loads(text) for s in t['suite']}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('build')
    ap.add_argument('--long', action='store_true')
    ap.add_argument('--suite', action='append')
    args = ap.parse_args()
    subprocess.run(['ninja', '-C', args.build, '--quiet'], check=True)
    have, limits = suites(args.build), budgets()
    total = [0, 0, 0]
    names = args.suite or [n for n in limits if n in have]
    names += ['long'] if args.long and 'long' in have else []
    for name in names:
        code, took = run(args.build, name)
        n = count(args.build)
        if code and not n[1]:
            n[1] = 1
        limit = limits.get(name, 0) * 1.2
        if limit and took > limit:
            print(f'{name}: {took:.0f} s, the budget is {limits[name]} s')
            n[1] += 1
        print(f'{name}: {n[0]} passed, {n[1]} failed, {took:.0f} s', flush=True)
        total = [a + b for a, b in zip(total, n)]
    skipped = f', {total[2]} skipped' if total[2] else ''
    print(f'{total[0]} passed, {total[1]} failed{skipped}')
    return 1 if total[1] or not total[0] else 0


sys.exit(main())
