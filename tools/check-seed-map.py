#!/usr/bin/env python3
"""check-seed-map.py [ROOT] - hold docs/from-the-kernel.md to the sources and to completeness.

Each table there has the four columns of COLUMNS or, for what differs on purpose, of PURPOSE.  The
first cell of a row begins with the row's name in bold, which no other row has.  The last two
hold references: a file in backticks, then names in that file.  In the third cell a name is a
function, macro, struct or table defined there; in the fourth a test of that file, which the
build must know.  Instead of references the third may begin with "no counterpart: REASON" or
"planned, issue N: REASON", the fourth be "no counterpart" or begin with "no test: REASON".
All of REQUIRED must be there.  Prints one line per finding; exit status 1 if there is any.
"""
import functools
import pathlib
import re
import sys

DOC = 'docs/from-the-kernel.md'
COLUMNS = ['what the kernel has', 'why (short)', 'here (file and function)',
           'test here (file and test name)']
PURPOSE = ['what the kernel has', 'why ours differs', *COLUMNS[2:]]

# name of a row: a word that its first cell must have
HUNKS = {
    'H1': 'clean_stack_garbage', 'H2': 'save_args', 'H3': 'argument number', 'H4': 'restore_regs',
    'H5': 'enter', 'H6': 'ctx', 'H7': 'exit', 'H8': 'MAX_BPF_FUNC_ARGS', 'H9': 'rbx_off',
    'H10': 'nr_regs - 6', 'H11': 'alignment', 'H12': 'sub rsp', 'H13': 'mov', 'H14': 'save_regs',
    'H15': 'on_stack', 'H16': 'RESTORE_REGS', 'H17': 'epilogue',
}
FLAGS = ['RESTORE_REGS', 'CALL_ORIG', 'SKIP_FRAME', 'IP_ARG', 'RET_FENTRY_RET', 'ORIG_STACK',
         'SHARE_IPMODIFY', 'TAIL_CALL_CTX', 'INDIRECT']
FIXES = {
    'X1': 'first_off', 'X2': 'TAIL_CALL_CTX', 'X3': 'ORIG_STACK', 'X4': 'tail_call_cnt',
    'X5': 'CVE-2026-90358', 'X6': '8 bytes', 'X7': 'rbp + 16', 'X8': 'ALIGN16',
}
REQUIRED = {**HUNKS, **FIXES, **{f: '' for f in FLAGS}, **{f'E{i}': '' for i in range(1, 14)},
            **{f'S{i}': '' for i in range(1, 10)}, **{f'M{i}': '' for i in range(1, 15)},
            **{f'T{i}': '' for i in range(1, 55)}}
NAME = re.compile(r'\*\*([A-Z][A-Z0-9_]*)\*\* ')
REASON = 10  # characters that one has at least


class Sources:
    """Files of the tree, and what is defined and tested in them."""

    def __init__(self, root):
        self.root = root
        self.texts = {}
        self.builds = {p: p.read_text() for top in ('src', 'tests')
                       for p in root.joinpath(top).rglob('meson.build')}

    def text(self, file):
        """None: there is no such file."""
        if file not in self.texts:
            path = self.root / file
            self.texts[file] = path.read_text() if path.is_file() else None
        return self.texts[file]

    @functools.cache
    def defines(self, file, name):
        text, n = self.text(file), re.escape(name)
        if file.endswith('.py'):
            return re.search(rf'^\s*def {n}\(|^{n} = ', text, re.M)
        if file.endswith('.S'):
            return re.search(rf'^{n}:', text, re.M)
        if name.startswith('struct '):
            return re.search(rf'^{n} \{{', text, re.M)
        return (re.search(rf'^[A-Za-z_][^;{{}}#]*?\b{n}\([^;{{}}]*\)\s*\{{', text, re.M)
                or re.search(rf'^#define {n}\b', text, re.M))

    @functools.cache
    def built(self, file):
        """Does a meson.build name it, or its stem, as a loop over names has it?"""
        path = self.root / file
        stem = path.stem.removesuffix('_test')
        if path.parent == self.root / 'tests/oracle':
            return any(path.name in t for t in self.builds.values())
        for build, text in self.builds.items():
            near = build.parent in path.parents
            if re.search(rf"[/']{re.escape(path.name)}'", text):
                return True
            if near and re.search(rf"'{re.escape(path.stem)}'|'{re.escape(stem)}'", text):
                return True
        return False

    @functools.cache
    def tests(self, file, name):
        text, n = self.text(file), re.escape(name)
        if file.endswith('.txt'):
            return re.search(rf'^{n}:', text, re.M)
        if file.endswith('.py'):
            return self.defines(file, name) or re.search(rf'''['"][^'"\n]*{n}''', text)
        if 'cmocka_run_group_tests' in text:
            return (self.defines(file, name)
                    and re.search(rf'\b(?:cmocka_unit_test\w*|T|TEST|LOAD_TEST)\(\s*{n}\b|'
                                  rf'\.test_func = [^,]*\b{n}\b', text))
        if name == 'main':
            return self.defines(file, name)
        return re.search(rf'"{n}', text)


def rows(text):
    """(line number, cells, columns) of each row of each table."""
    columns = None
    for n, line in enumerate(text.splitlines(), 1):
        if not line.startswith('|'):
            columns = None
            continue
        cells = [c.strip() for c in line.strip().strip('|').split('|')]
        if columns is None:
            columns = cells
        elif not set(line) <= set('|- '):
            yield n, cells, columns


def references(cell):
    """(file, names) of a cell; names before any file: ('', names)."""
    refs = []
    for token in re.findall(r'`([^`]+)`', cell):
        if re.fullmatch(r'[\w.-]+(/[\w.+-]+)+\.\w+', token):
            refs.append((token, []))
        elif refs:
            refs[-1][1].append(token)
        else:
            refs.append(('', [token]))
    return refs


def is_reason(cell, what):
    m = re.match(rf'{what}: (.+)', cell)
    return m and len(m[1]) >= REASON


def check_here(s, cell):
    if is_reason(cell, 'no counterpart') or is_reason(cell, r'planned, issue \d+'):
        return
    refs = references(cell)
    if not any(names for _, names in refs):
        yield ('names no function, and neither "no counterpart: REASON" nor '
               '"planned, issue N: REASON"')
    for file, names in refs:
        if not file:
            yield f'{names[0]} has no file before it'
        elif s.text(file) is None:
            yield f'there is no file {file}'
        elif not names:
            yield f'{file}: no function is named'
        else:
            for name in names:
                if not s.defines(file, name):
                    yield f'{file} does not define {name}'


def check_test(s, cell, here):
    if is_reason(cell, 'no test') or (cell == 'no counterpart' and here.startswith(cell)):
        return
    refs = references(cell)
    if not refs:
        yield 'has no test, and neither "no counterpart" nor "no test: REASON"'
    for file, names in refs:
        if not file:
            yield f'{names[0]} has no file before it'
        elif s.text(file) is None:
            yield f'there is no file {file}'
        elif not s.built(file):
            yield f'{file} is in no meson.build'
        elif not names and not file.endswith('.t'):
            yield f'{file}: no test is named'
        else:
            for name in names:
                if not s.tests(file, name):
                    yield f'{file} has no test {name}'


def check_row(s, cells, columns, seen):
    if len(cells) != len(columns) or not all(cells):
        yield f'{len(cells)} cells, or an empty one'
        return
    m = NAME.match(cells[0])
    if not m:
        yield 'the first cell does not begin with a name, **T1** for one'
        return
    if m[1] in seen:
        yield f'{m[1]} is there twice'
    seen.add(m[1])
    if REQUIRED.get(m[1], '') not in cells[0]:
        yield f'{m[1]} is not about {REQUIRED[m[1]]}'
    yield from check_here(s, cells[2])
    yield from check_test(s, cells[3], cells[2])


def findings(s):
    text = s.text(DOC)
    if text is None:
        yield f'{DOC}: there is no such file'
        return
    seen = set()
    tables = [COLUMNS, PURPOSE]
    for n, cells, columns in rows(text):
        if columns not in tables:
            yield f'{DOC}:{n}: the columns are {columns}'
            tables.append(columns)  # said once
        for what in check_row(s, cells, columns, seen):
            yield f'{DOC}:{n}: {(cells[0] + " ").split(" ")[0]} {what}'
    for name in REQUIRED:
        if name not in seen:
            yield f'{DOC}: there is no row {name}'


def main(root):
    bad = 0
    for finding in findings(Sources(pathlib.Path(root))):
        print(finding)
        bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else '.'))
