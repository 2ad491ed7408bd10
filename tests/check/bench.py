#!/usr/bin/env python3
"""bench.py RUN BUILD - the bench runs, of everything that it knows; its numbers are not judged."""
import json
import pathlib
import subprocess
import sys

RUN, BUILD = sys.argv[1:]
ROWS = pathlib.Path(RUN).with_name('rows.h').read_text(encoding='utf-8')
FEW = [sys.executable, RUN, BUILD, '--no-build', '--blocks', '2', '--us', '20']
COUNTS = {'COUNTS': (0, 2, 6, 8, 12), 'TWELVE': (12,), 'RING': (12,), 'PAIR': (2, 12)}
failed = cases = 0


def check(name, ok, why=''):
    global failed, cases
    cases += 1
    failed += not ok
    print(f'{"ok" if ok else "not ok"} {cases} - {name}' + (f': {why}' if not ok else ''))


def bench(*options):
    r = subprocess.run([*FEW, *options], capture_output=True, text=True, check=False)
    return r.stdout, r.stderr, r.returncode


def expected(with_kernel):
    """(row, number of arguments) of rows.h."""
    out = set()
    for line in ROWS.splitlines():
        if line.startswith('\tX(') and '"' in line:
            row, how, counts = [w.strip() for w in line[3:].split(',')[:3]]
            if how != 'KERNEL' or with_kernel:
                out |= {(row, n) for n in COUNTS[counts]}
    return out


out, err, rc = bench('-j')
check('it runs', rc == 0, err)
r = json.loads(out) if rc == 0 else {'rows': [], 'ratios': [], 'layouts': [], 'compiling': [], 'nothing': {}, 'floors': [], 'no_uprobes': ''}
want = expected(not r['no_uprobes'])
got = {(row['row'], row['args']) for row in r['rows']}
check('all rows, with all numbers of arguments', len(want) > 50 and got == want, want ^ got)
check('times are times', all(0 < row['least'] <= row['median'] for row in r['rows']))
check('compile times', len(r['compiling']) == 6 and all(0 < c['least'] for c in r['compiling']))
check('what it should cost', len(r["floors"]) == 22, len(r['floors']))
check('a program as a function, and C', sorted(r['nothing']) == ['C', 'utramp'], r['nothing'])
check('all ratios', len(r['ratios']) == 21, len(r['ratios']))
check('all layouts', len(r['layouts']) == 20, len(r['layouts']))
check('the kernel is measured, or its refusal is named',
      r['no_uprobes'] is None or 'uprobe: ' in r['no_uprobes'], r['no_uprobes'])

out, err, rc = bench('--no-uprobes')
check('as tables', rc == 0 and 'utramp / hand-written, least' in out, err)
check('what was not asked for is said', 'kernel uprobes are not measured: not asked for' in out)
print(f'1..{cases}')
sys.exit(failed != 0)
