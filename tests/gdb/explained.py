"""explained.py - why a value differs from gdb's: explained.txt read, and the table written.

explained.txt: a line '[reason] text' begins what is so for that reason; a line below it is one value,
'program | function | parameter'.  A parameter * is the function's calls.
"""
import collections
import pathlib


class Reasons:
    def __init__(self, path):
        self.text, self.known = {}, {}
        reason = None
        for line in pathlib.Path(path).read_text(encoding='utf-8').splitlines():
            if line.startswith('['):
                reason, _, text = line[1:].partition('] ')
                self.text[reason] = text
            elif line.strip() and not line.startswith('#'):
                self.known[tuple(x.strip() for x in line.split(' | '))] = reason

    def reason(self, program, function, parameter):
        return self.known.get((program, function, parameter))


MARK = '<!-- below: written by tests/gdb/compare.py --table -->\n'
COLUMNS = ['exact', 'place', 'kind', 'cut', 'gone', 'marked, the same', 'marked, not known to gdb',
           'marked, another', 'later', 'frame base', 'own copy', 'explained', 'left', 'varies']


def figures(row):
    n = collections.Counter(row['count'])
    n['explained'], n['left'] = sum(row['why'].values()), row['left']
    return n


def line(name, functions, with_args, n):
    return f'| {name} | {functions:,} | {with_args:,} | ' + ' | '.join(f'{n[c]:,}' for c in COLUMNS) + ' |'


def table(rows, reasons):
    distinct = {k for r in rows for k in r['keys']}
    total = collections.Counter()
    for r in rows:
        total.update(figures(r))
    text = [f'{len(distinct):,} distinct functions, {sum(r["functions"] for r in rows):,} counted by program; '
            f'{sum(r["scalars"] for r in rows):,} scalars.', '',
            '| program | functions | with parameters | ' + ' | '.join(COLUMNS) + ' |', '|' + '---|' * (len(COLUMNS) + 3)]
    text += [line(r['name'], r['functions'], r['with_args'], figures(r)) for r in rows]
    text += [line('all', sum(r['functions'] for r in rows), sum(r['with_args'] for r in rows), total), '',
             '| program | function | parameter | why |', '|---|---|---|---|']
    shown = {r['name'] for r in rows}
    text += [f'| {p} | `{f}` | `{a}` | {reasons.text[why]} |' for (p, f, a), why in reasons.known.items()
             if p in shown]
    return '\n'.join(text) + '\n'


def write_table(path, rows, reasons):
    """Below the mark."""
    head = path.read_text(encoding='utf-8').partition(MARK)[0]
    path.write_text(head + MARK + '\n' + table(rows, reasons),
                    encoding='utf-8')
