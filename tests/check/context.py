#!/usr/bin/env python3
"""context.py ROWS PAGE - the table of docs/context.md is what ROWS (tests/abi/context) prints.  TAP.

UTRAMP_BLESS=1 writes it into the page instead.  The comparison is tried on pages with one
thing changed.  Exit status 77: ROWS cannot run here.
"""
import os
import pathlib
import re
import subprocess
import sys

ROWS, PAGE = sys.argv[1], pathlib.Path(sys.argv[2])
BEGIN, END = r'<!-- rows: [^\n]*-->\n\|[^\n]*\n\|[-|]*\n', '<!-- end of rows -->'


def rows_of(page):
    """(before, rows, behind)"""
    head = re.search(BEGIN, page)
    end = page.find(END)
    if not head or end < head.end():
        return None
    return page[:head.end()], page[head.end():end], page[end:]


def differences(page, want):
    parts = rows_of(page)
    if not parts:
        return ['the page has no such table']
    have, want = parts[1].splitlines(), want.splitlines()
    diff = [f'only on the page: {x}' for x in have if x not in want]
    diff += [f'not on the page: {x}' for x in want if x not in have]
    return diff or (['the rows are in another order, or twice'] if have != want else [])


def main():
    r = subprocess.run([ROWS], stdout=subprocess.PIPE, text=True)
    if r.returncode == 77:
        print('1..0 # SKIP the processor has no AVX-512')
        return 0
    page, rows = PAGE.read_text(encoding='utf-8'), r.stdout
    if r.returncode or rows.count('\n') < 20:
        print(f'1..1\nnot ok 1 - {ROWS}: status {r.returncode}\n# {rows}')
        return 1
    if os.environ.get('UTRAMP_BLESS') and rows_of(page):
        before, _, behind = rows_of(page)
        page = before + rows + behind
        PAGE.write_text(page, encoding='utf-8')
    first = rows.splitlines()[0]
    points = [('the page has what programs see', page, None),
              ('a row that is missing', page.replace(first + '\n', '', 1), 'not on the page'),
              ('a value that is another', page.replace('0x3ff8000000000000', '0x3ff8', 1),
               'only on the page'),
              ('a row twice', page.replace(first, first + '\n' + first, 1), 'or twice'),
              ('no table', page.replace(END, '', 1), 'no such table')]
    bad = 0
    print(f'1..{len(points)}')
    for i, (what, text, why) in enumerate(points, 1):
        found = differences(text, rows)
        ok = any(why in f for f in found) if why else not found
        bad += not ok
        print(f'{"" if ok else "not "}ok {i} - {what}')
        for f in found if not ok else []:
            print('#', f)
    return 1 if bad else 0


sys.exit(main())
