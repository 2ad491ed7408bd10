#!/usr/bin/env python3
"""whole.py UTRAMP PARTS [--long] [--cache DIR] [--table FILE] [NAME...]

Programs run untraced twice, then with programs at the entry and, where K is known, at the exit of
every function of theirs: once with a pair that counts, once with one that does all a program may
(whole.bpf.c), some under `utramp trace`.  Output, status and produced files must be the same, byte
for byte.  Without --long: what needs nothing but installed packages.  --table writes what was
measured into FILE, below the line that says so.

Slowdown is (wall time - time stopped for attaching) / the better of the untraced times.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'stress')]

import get           # noqa: E402
import lib           # noqa: E402
import programs      # noqa: E402

MODES = {'count': ('count_in', 'count_out'), 'work': ('work_in', 'work_out')}
MARK = '<!-- below: written by tests/whole/whole.py --table -->\n'
UNKNOWN = 'size of its stack arguments is not known'


class Kit:
    def __init__(self, args):
        self.utramp = pathlib.Path(args.utramp).resolve()
        self.parts = pathlib.Path(args.parts).resolve()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix='whole-'))
        self._cache = args.cache
        self._opened = None

    @property
    def cache(self):
        self._opened = self._opened or get.Cache(self._cache)
        return self._opened

    def part(self, name):
        path = self.parts / name
        if not path.exists():
            raise get.Missing(f'{name} was not built')
        return path


# -- a run -------------------------------------------------------------------------------------

class Outcome:
    """What all steps did; seconds, and what utramp said of itself, are told apart."""

    def __init__(self):
        self.status, self.streams, self.tree = [], [], {}
        self.seconds, self.stopped = 0.0, 0.0
        self.said, self.reports = [], []

    def differs(self, other):
        if self.status != other.status:
            return f'status {self.status}, not {other.status}'
        for i, (a, b) in enumerate(zip(self.streams, other.streams)):
            if a != b:
                at = next((k for k in range(min(len(a), len(b))) if a[k] != b[k]), min(len(a), len(b)))
                return (f'step {i // 2}, {"stderr" if i % 2 else "stdout"}, at byte {at}: '
                        f'{a[max(0, at - 60):at + 200]!r}, not {b[max(0, at - 60):at + 200]!r}')
        for name in sorted(set(self.tree) | set(other.tree)):
            if self.tree.get(name) != other.tree.get(name):
                return f'file {name}'
        return None


def fresh(kit, ready):
    work = kit.scratch / 'work'
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name, data in ready.files.items():
        (work / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return work


def split_stderr(outcome, data):
    own = [x for x in data.splitlines(True) if x.startswith(b'utramp: ')]
    outcome.said += [x.decode(errors='replace').rstrip() for x in own]
    return b''.join(x for x in data.splitlines(True) if not x.startswith(b'utramp: '))


def execute(kit, program, ready, prefix=None, timeout=900):
    """Every step of it in a fresh directory; prefix(report) are the words before the command."""
    work, o = fresh(kit, ready), Outcome()
    env = {k: v for k, v in os.environ.items() if not k.startswith(('LD_', 'UTRAMP_', 'PYTHON'))}
    env.update(LC_ALL='C', TZ='UTC', HOME=str(work), UTRAMP_CACHE='off', **ready.env)
    for i, step in enumerate(ready.steps):
        report = kit.scratch / f'report{i}'
        argv = [*(prefix(report) if prefix else []), *step.argv]
        began = time.monotonic()
        with open(work / step.stdin if step.stdin else os.devnull, 'rb') as stdin, \
                open(work / f'out{i}', 'wb') as out, open(kit.scratch / 'err', 'wb') as err:
            try:
                status = subprocess.run([str(x) for x in argv], cwd=work, env=env, stdin=stdin,
                                        stdout=out, stderr=err, timeout=timeout).returncode
            except subprocess.TimeoutExpired:
                status = 'no end'
        o.seconds += time.monotonic() - began
        o.status.append(status)
        err = split_stderr(o, (kit.scratch / 'err').read_bytes())
        o.streams += [programs.filtered(program.filter, (work / f'out{i}').read_bytes()),
                      programs.filtered(program.filter, err)]
        o.reports.append(report)
    for p in sorted(work.rglob('*')):
        name = str(p.relative_to(work))
        if p.is_file() and not re.fullmatch(r'out\d+', name):
            data = programs.filtered(program.filter, p.read_bytes())
            o.tree[name] = hashlib.sha256(data).hexdigest()
    o.stopped = sum(float(x) for line in o.said for x in re.findall(r'stopped ([0-9.]+) ms', line)) / 1e3
    return o


# -- one program -------------------------------------------------------------------------------

def functions(kit, ready):
    r = subprocess.run([kit.utramp, 'list', '-q', '-j', *ready.options, *ready.specs, '--',
                        ready.steps[0].argv[0]], capture_output=True, text=True, timeout=300)
    if r.returncode:
        raise RuntimeError(f'list: {r.stderr}')
    return [json.loads(x) for x in r.stdout.splitlines()]


def reason_class(text):
    text = re.sub(r'no types in \S+', 'no types', text)
    text = re.sub(r' at \+0x[0-9a-f]+|\(.*\)|; .*', '', text)
    return text.replace(', so the ' + UNKNOWN, '').strip()


def attach_words(ready, rows, mode):
    words = []
    exits = {r['module'] for r in rows if 'exit' in r['attach']}
    for spec in ready.specs:
        module = spec.split(':')[0]
        words += ['--attach', f'{MODES[mode][0]}={spec}']
        if any(module in m for m in exits):
            words += ['--attach', f'{MODES[mode][1]}={spec}']
    return words


def tail(path, size=4096):
    if not path.exists():
        return ''
    with open(path, 'rb') as f:
        f.seek(max(0, path.stat().st_size - size))
        return f.read().decode(errors='replace')


def sums(outcome):
    """Globals are printed last."""
    total = collections.Counter()
    for report in outcome.reports:
        text = tail(report)
        for name, n in re.findall(r'(?m)^(entries|exits) = (\d+)$', text):
            total[name] += int(n)
    return total


def as_untraced(tap, program, ready, work, plain, got, name):
    wrong = got.differs(plain)
    if not wrong and ready.check:
        wrong = ready.check(work)
    tap.ok(not wrong, f'{program.name}: {name}; output, status and files as untraced', wrong,
           *got.said[-8:])


def attached(outcome):
    return [int(n) for line in outcome.said for n in re.findall(r'attached (\d+) function', line)]


def traced_runs(tap, kit, program, ready, rows, plain, row):
    entry = sum('entry' in r['attach'] for r in rows)
    for mode in MODES:
        words = attach_words(ready, rows, mode)
        got = execute(kit, program, ready, lambda report: [
            kit.utramp, 'run', '-o', report, '--missing=ignore', *ready.options, *words,
            kit.part('whole.bpf.o'), '--'])
        n = sums(got)
        as_untraced(tap, program, ready, kit.scratch / 'work', plain, got,
                    f'{mode}, {n["entries"]} entries, {n["exits"]} exits')
        tap.ok(attached(got) == [entry] * len(ready.steps) and n['entries'] >= n['exits'] and n['entries']
               and bool(n['exits']) == any('exit' in r['attach'] for r in rows),
               f'{program.name}: {mode}, all {entry} functions that list says have programs',
               attached(got), n)
        row[mode] = (got.seconds - got.stopped) / plain.seconds
        if mode == 'count':
            row.update(entries=n['entries'], exits=n['exits'],
                       stopped=got.stopped / len(ready.steps))
    if program.traced:
        got = execute(kit, program, ready, lambda report: [
            kit.utramp, 'trace', '--lossless', '-o', report, '--missing=ignore', *ready.options,
            *ready.specs, '--'])
        lines = sum(1 for r in got.reports if r.exists() for _ in open(r, errors='replace'))
        as_untraced(tap, program, ready, kit.scratch / 'work', plain, got, f'trace, {lines} lines')
        tap.ok(lines == row['entries'], f'{program.name}: trace printed every call', lines, row)
        row['trace'] = (got.seconds - got.stopped) / plain.seconds


def one(tap, kit, program):
    """Everything about one program; its row of the table, or None when it cannot be had."""
    try:
        ready = program.setup(kit)
    except get.Missing as why:
        tap.skip(program.name, str(why))
        return None
    plain, again = (execute(kit, program, ready) for _ in range(2))
    good = tap.ok(not plain.differs(again) and plain.status == [s.status for s in ready.steps],
                  f'{program.name}: untraced twice the same, status {plain.status}',
                  plain.differs(again), *(x[-300:] for x in plain.streams[1::2]))
    if not good:
        return None
    plain.seconds = min(plain.seconds, again.seconds)
    rows = functions(kit, ready)
    row = {'name': program.name, 'what': program.what, 'seen': len(rows),
           'both': sum('exit' in r['attach'] for r in rows),
           'entry': sum(r['attach'] == ['entry'] for r in rows),
           'none': sum(not r['attach'] for r in rows),
           'known': sum(not (r['reason'] and UNKNOWN in r['reason']) for r in rows) / len(rows),
           'reasons': collections.Counter(reason_class(r['reason']) for r in rows if r['reason']),
           'plain': plain.seconds}
    traced_runs(tap, kit, program, ready, rows, plain, row)
    if program.typed:
        tap.ok(row['known'] >= program.typed,
               f'{program.name}: K known for {row["known"]:.1%} of {len(rows)} functions', row['reasons'])
    return row


# -- the table ---------------------------------------------------------------------------------

def times(x):
    return '' if x is None else f'{x:.1f} ×'


def first_lines(r):
    return ['| ' + ' | '.join((
        f'{r["name"]}: {r["what"]}', f'{r["seen"]:,}', f'{r["both"]:,}', f'{r["entry"]:,}',
        f'{r["none"]:,}', f'{r["known"]:.1%}', f'{r["entries"]:,}', f'{r["exits"]:,}',
        f'{r["plain"]:.2f} s', f'{r["stopped"]:.1f} s', times(r['count']), times(r['work']),
        times(r.get('trace')))) + ' |']


def second_lines(r):
    return [f'| {r["name"]} | {why} | {n:,} |' for why, n in r['reasons'].most_common()]


def table(rows, old):
    """Of programs that did not run this time, what the old text says."""
    def lines(make, mark):
        out = []
        for p in programs.PROGRAMS:
            row = next((r for r in rows if r['name'] == p.name), None)
            out += make(row) if row else [x for x in old.splitlines()
                                          if x.startswith(f'| {p.name}{mark}')]
        return out
    return '\n'.join([
        f'{time.strftime("%Y-%m-%d")}, {os.cpu_count()} processors, Linux {os.uname().release}.', '',
        '| program | functions | entry + exit | entry only | none | K known | entries | exits | '
        'untraced | attaching | counting | helpers, map, ring | `trace` |', '|' + '---|' * 13,
        *lines(first_lines, ':'), '', '| program | why not entry and exit | functions |', '|---|---|---|',
        *lines(second_lines, ' |')]) + '\n'


def write_table(path, rows):
    head, _, old = path.read_text().partition(MARK)
    path.write_text(head + MARK + '\n' + table(rows, old))


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('utramp')
    p.add_argument('parts')
    p.add_argument('--long', action='store_true')
    p.add_argument('--cache', default=os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
                   + '/utramp-whole')
    p.add_argument('--table')
    p.add_argument('names', nargs='*')
    args = p.parse_intermixed_args()
    tap, kit, rows = lib.Tap(), Kit(args), []
    for program in programs.PROGRAMS:
        if program.name in args.names or not args.names and (args.long or program.short):
            row = one(tap, kit, program)
            if row:
                rows.append(row)
            if row and args.table:
                write_table(pathlib.Path(args.table), rows)
    shutil.rmtree(kit.scratch)
    tap.end()


main()
