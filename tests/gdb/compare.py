#!/usr/bin/env python3
"""compare.py UTRAMP PARTS [--cache DIR] [--table FILE] [--dump FILE] [NAME...]

The values that `utramp trace` shows, beside those that gdb shows at the same instruction: for the
first calls of every function of a program, every parameter.  What differs must be marked uncertain
or stand in explained.txt, with its reason.  --table writes the counts into FILE, below the
line that says so; --dump writes every difference.

Programs run under gdb twice, which tells what differs by itself, and under utramp once.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'stress'), str(HERE.parent / 'whole')]

import altered       # noqa: E402
import explained     # noqa: E402
import jobs          # noqa: E402
import lib           # noqa: E402
import match         # noqa: E402
import places        # noqa: E402
import runs          # noqa: E402

# A parameter is of the last of these that some part of it is.
ORDER = ['exact', 'place', 'kind', 'cut', 'gone', 'ours', 'absent', 'differs']
GOOD = {'exact', 'place', 'kind', 'cut', 'gone'}


def evidence(kind, how):
    """What gdb's own account of where it reads a value says about it, or None."""
    if 'frame base reg $rsp' in how:
        return 'frame base'         # clang's holds behind the prologue, so gdb reads beside the value
    # in its frame or in a register that it saves first, where its code will put it
    if re.match(r'a (complex DWARF expression:\s+0: DW_OP_fbreg -|variable in \$(rbx|rbp|r1[2-5]),)', how):
        return 'own copy'
    if kind == 'ours' and 'multi-location' in how:
        return 'later'              # it is there, and the list begins behind the entry
    return None


class Result:
    def __init__(self):
        self.count = collections.Counter()
        self.scalars = 0
        self.functions = self.with_args = 0
        self.found = []             # (function, parameter, class, text): to be explained

    def add(self, where, name, leaves, marked):
        self.scalars += len(leaves)
        worst = max((x[1] for x in leaves), key=ORDER.index, default='exact')
        if marked:
            self.count['marked, ' + ('the same' if worst in GOOD - {'gone'} else 'not known to gdb'
                                     if worst in ('gone', 'ours') else 'another')] += 1
            return
        self.count[worst] += 1
        if worst not in GOOD:
            text = '; '.join(f'{p}: gdb {a}, utramp {b}' for p, c, a, b in leaves if c == worst)
            self.found.append((where, name, worst, text))


def one_call(result, pair, key, theirs, again, ours, marked):
    """theirs: gdb's [[name, node]]; ours: {name: value}."""
    same = len(theirs) == len(again)
    rest = list(ours.all)           # parameters of a pack have one name: the first is the first
    for i, (name, node) in enumerate(theirs):
        at = next((k for k, (n, _) in enumerate(rest) if n == name), None)
        value = rest.pop(at)[1] if at is not None else None
        if not same or node != again[i][1]:
            result.count['varies'] += 1
        elif at is None and node['k'] == 'gone':
            result.count['gone'] += 1       # __in_chrg: declared, and not passed
        elif at is None:
            result.count['differs'] += 1
            result.found.append((key, name, 'differs', f'gdb has a parameter {node}'))
        else:
            result.add(key, name, match.match(pair, name, node, value), name in marked)
    result.count['unnamed'] += len(rest)


def compare(theirs, again, ours):
    pair = places.Places(theirs.maps, ours.maps)
    for _ in range(2):              # the first time tells which distances are usual
        result = Result()
        for key in sorted(theirs.args.keys() | ours.args.keys()):
            a, b, c = theirs.args.get(key, []), again.args.get(key, []), ours.args.get(key, [])
            if len(a) != len(b):
                result.count['calls vary'] += 1
                continue
            if len(a) != len(c):
                result.found.append((key, '*', 'differs', f'{len(a)} calls for gdb, {len(c)} traced'))
                continue
            if any(isinstance(x, str) for x in a):
                result.count['no function for gdb'] += 1
                continue
            result.functions += 1
            result.with_args += bool(a and a[0])
            for x, y, z in zip(a, b, c):
                one_call(result, pair, key, x, y, z, ours.uncertain.get(key, ()))
        pair.settle()
    return result, pair


def settle(runner, job, rows, result):
    """Differences that gdb's account of where it reads a value explains get that for their class."""
    where = {(r['module'], r['func']): int(r['addr'], 16) for r in rows}
    said = {}
    for module, path in runner.files.items():
        addrs = sorted({where[f[0]] for f in result.found if f[0][0] == module and f[1] != '*'})
        if addrs:
            for addr, how in runner.accounts(job, path, addrs).items():
                said[module, addr] = how
    left = []
    for key, name, kind, text in result.found:
        shown = evidence(kind, said.get((key[0], where[key]), {}).get(name, ''))
        if shown:
            result.count[kind] -= 1
            result.count[shown] += 1
        else:
            left.append((key, name, kind, text))
    result.found = left


def one(tap, runner, job, reasons, dump):
    """One program; its row of the table."""
    rows, total = runner.list(job)
    ours = runner.trace(job, rows)
    theirs, again = runner.gdb(job, rows), runner.gdb(job, rows)
    r, pair = compare(theirs, again, ours)
    settle(runner, job, rows, r)
    left = collections.OrderedDict()
    why = collections.Counter()
    for (module, func), name, kind, text in r.found:
        known = reasons.reason(job.name, func, name)
        if known:
            why[known] += 1
        else:
            left.setdefault((func, name, kind), text)
        if dump:
            print(json.dumps([job.name, module, func, name, kind, known, text]), file=dump)
    tap.ok(not left, f'{job.name}: {r.functions} functions, {sum(r.count.values())} values as gdb has them, '
           'marked or explained', *(f'{f} {n} ({k}): {t}' for (f, n, k), t in list(left.items())[:12]),
           f'{len(left)} in all')
    print(f'# {dict(sorted(r.count.items()))}, {r.scalars} scalars', flush=True)
    tried, missed = altered.unnoticed(pair, theirs, ours)
    tap.ok(tried and not missed, f'{job.name}: of {tried} values that are altered each is noticed', *missed[:9])
    return {'name': job.name, 'what': job.what, 'listed': total, 'functions': r.functions,
            'with_args': r.with_args, 'scalars': r.scalars, 'count': dict(r.count), 'why': dict(why),
            'left': len(left), 'keys': sorted('/'.join(k) for k in theirs.args)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('utramp')
    p.add_argument('parts')
    p.add_argument('--cache', default=os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
                   + '/utramp-whole')
    p.add_argument('--table')
    p.add_argument('--dump')
    p.add_argument('--hits', type=int, default=3)
    p.add_argument('names', nargs='*')
    args = p.parse_intermixed_args()
    tap, scratch = lib.Tap(), pathlib.Path(tempfile.mkdtemp(prefix='gdb-'))
    kit = jobs.Kit(args.utramp, args.parts, args.cache, scratch)
    runner = runs.Runner(kit.utramp, kit.part('maps_note.so'), scratch, args.hits)
    reasons, rows = explained.Reasons(HERE / 'explained.txt'), []
    dump = open(args.dump, 'w', encoding='utf-8') if args.dump else None
    names = [x for n in args.names or jobs.JOBS for x in (jobs.SHORT if n == 'short' else [n])]
    for name in names:
        if not shutil.which('gdb'):
            tap.skip(name, 'no gdb')
            continue
        try:
            job = jobs.JOBS[name](kit)
        except jobs.UNAVAILABLE as why:
            tap.skip(name, str(why))
            continue
        job.name = name
        try:
            rows.append(one(tap, runner, job, reasons, dump))
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            tap.ok(False, f'{name}: runs under gdb and under trace', e)
        if args.table and rows:
            explained.write_table(pathlib.Path(args.table), rows, reasons)
    if not os.environ.get('UTRAMP_KEEP'):
        shutil.rmtree(scratch)
    tap.end()


if __name__ == '__main__':
    main()
