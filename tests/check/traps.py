#!/usr/bin/env python3
"""traps.py SOURCE - docs/traps.md names what there is: a row for each trap, its tests, its messages.  TAP.

A test is `file`: `case`, `case`; a message is `file`: "text".  A case that is a name must stand in
its file as a word.  The reader is tried on pages with one thing changed.
"""
import pathlib
import re
import sys

NUMBERS = [*range(36, 54), *range(71, 89)]
ITEM = r'(?:`[^`]*`|"[^"]*")'


def rows(page):
    """[(number, what it is, what is done, its tests)]"""
    return [(int(m[1]), *(cell.strip() for cell in m[2].split('|')))
            for m in re.finditer(r'^\| (\d+) \|(.*)\|$', page, re.M)]


def named(cell):
    """[(file, case or message)]; None: what cannot be read."""
    for part in cell.split('; '):
        m = re.fullmatch(rf'`([\w./-]+)`: ({ITEM}(?:, {ITEM})*)', part)
        if not m:
            yield part, None
            continue
        for item in re.findall(ITEM, m[2]):
            yield m[1], item[1:-1]


def joined(text):
    """C strings that go on in the next line are one, and a literal's escapes are no part of it."""
    return re.sub(r'"\s*\n\s*"', '', text)


def found(root, file, case):
    path = root / file
    if not path.is_file():
        return f'{file}: no such file'
    text = joined(path.read_text())
    end = r'(?!\w)' if re.match(r'\w', case[-1]) else ''
    if not re.search((r'(?<!\w)' if re.match(r'\w', case) else '') + re.escape(case) + end, text):
        return f'{file} has no "{case}"'
    return None


def differences(root, page):
    have = rows(page)
    if [r[0] for r in have] != NUMBERS:
        yield f'numbers: {sorted(set(NUMBERS) ^ {r[0] for r in have})}, or not in order'
    for row in have:
        if len(row) != 4 or not all(row[1:]):
            yield f'{row[0]}: not three cells with something in them'
            continue
        for file, case in named(row[3]):
            wrong = f'"{file}" is no test' if case is None else found(root, file, case)
            if wrong:
                yield f'{row[0]}: {wrong}'


FAULTS = [
    ('a row is missing', re.compile(r'^\| 44 .*\n', re.M), ''),
    ('a row is there twice', re.compile(r'^(\| 44 .*\n)', re.M), r'\1\1'),
    ('no test is named', re.compile(r'^(\| 44 \|.*?\|.*?\|).*', re.M), r'\1 |'),
    ('a test is gone', re.compile('`test_counting_program`'), '`test_counting_programme`'),
    ('a part of a name', re.compile('`test_counting_program`'), '`test_counting`'),
    ('a file is gone', re.compile('tests/transparent/names.c'), 'tests/transparent/named.c'),
    ('a message is changed', re.compile('"it looks at its caller"'), '"it looks at a caller"'),
    ('a test without a file', re.compile(r'`tests/unit/tramp/plan_test.c`: `test_cou'), '`test_cou'),
]


def main(root):
    page = (root / 'docs/traps.md').read_text()
    wrong = list(differences(root, page))
    print(f'{"not " if wrong else ""}ok 1 - every row of docs/traps.md is true')
    for w in wrong:
        print('#', w)
    bad = bool(wrong)
    for n, (name, old, new) in enumerate(FAULTS, 2):
        changed = old.sub(new, page, count=1)
        seen = changed != page and len(list(differences(root, changed))) > len(wrong)
        bad |= not seen
        print(f'{"" if seen else "not "}ok {n} - seen: {name}')
    print(f'1..{len(FAULTS) + 1}')
    return bad


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1])))
