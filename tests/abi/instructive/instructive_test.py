#!/usr/bin/env python3
"""instructive_test.py UTRAMP SLOTS.bpf.o [CC...] - the thirteen cases that tools get wrong.

cases.c and cases.cc, compiled by each compiler (default: gcc and clang) at -O0 and -O2 and run
alone, under `utramp trace -j` of all their functions, and under `utramp run` of a program that
reports every word of the context.  What must be seen is written down here.  A value may be marked
uncertain only where this file says so, and must be right all the same; but for case 13, where
compilers drop, split and move arguments: there a value is right, null or marked.

The numbers are those of the reference, patching-and-abi.md 3.3.  wide.c has what depends on the
machine that code is for.
"""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / 'trace'))
from harness import Run, Tap  # noqa: E402

ANY = object()  # a pointer


def f32(*v):
    return int.from_bytes(struct.pack(f'<{len(v)}f', *v), 'little')


def f64(v):
    return int.from_bytes(struct.pack('<d', v), 'little')


def int_in(v):
    """A word whose upper half is padding."""
    return v, 0xffffffff


def x80(mantissa, exponent):
    return [mantissa, exponent]


# case: {function: ([arguments in order], result, words of the context)}; result: () nothing to see
C = {
    1: {'seed': ({'a': 97, 'b': 98, 'c': 99, 'd': 100, 'e': 101, 's': {'x': -10, 'y': 20}, 'g': 103},
                 608, [97, 98, 99, 100, 101, -10, int_in(20), 103])},
    2: {'st4': ({'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'x': 0x55667788, 'y': 0x77},
                -1298034611, [1, 2, 3, 4, 5, 6, 0x55667788, 0x77])},
    3: {'mid24': ({'a': 1, 's': {'x': 2, 'y': 3, 'z': 4}, 'b': 5, 'd': 6.5}, 21,
                  [1, ANY, 5, f64(6.5)])},
    4: {'aligned': ({'a': 1, 's': {'x': 2}, 't': {'x': 3}, 'b': 4}, 10, [1, ANY, 3, 0, 4])},
    5: {'i128': ({'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'x': str((-6 << 64) + 7), 'y': 8, 'z': 9,
                  'w': str((10 << 64) + 11)}, 128, [1, 2, 3, 4, 5, 7, -6, 8, 9, 11, 10]),
        'i128_struct': ({'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'x': str((6 << 64) + 7),
                         's': {'x': 8, 'y': 9}, 'z': 10}, 253, [1, 2, 3, 4, 5, 7, 6, 8, 9, 10])},
    6: {'x87': ({'a': 2, 'x': 1.5, 'y': {'x': .25}, 'b': 4}, 4,
                [2, *x80(3 << 62, 0x3fff), 1 << 63, (0x3ffd, 0xffff), 4]),
        'cfloat': ({'x': [1.5, 2.5], 'y': 2}, [3, 5], [f32(1.5, 2.5), f32(2)])},
    7: {'small': ({'a': {'x': 1, 'y': 2}, 'b': {'x': 3, 'y': 4}, 'c': {'x': 5, 'y': 6},
                   'd': {'x': 7, 'y': 8, 'z': 9}, 'e': {'x': 10, 'y': 11}}, {'x': 37, 'y': 29},
                  [f32(1) | 2 << 32, f32(3, 4), f64(5), 6, f32(7, 8), f32(9), 11 << 8 | 10, 0])},
    8: {'vsum': ({'n': 2, 'first': 1.5}, (), [2, f64(1.5)])},
    9: {'ret24': ({'a': 1, 'b': 2}, {'x': 1, 'y': 2, 'z': 3}, [1, 2])},
    10: {'narrow': ({'a': True, 'b': -2, 'c': 200, 'd': -300}, -101, [1, -2, 200, -300]),
         'cr': ({'x': 0x1234}, 0x34, [0x1234]), 'br': ({'x': 7}, True, [7])},
}
CXX = {
    9: {'V::r': ({'this': ANY, 'k': 8}, {'x': 7, 'y': 8, 'z': 15}, [ANY, 8])},
    11: {'e3': ({'a': 5, 'arg1': {}, 'b': 6}, 30, [5, 6]),
         'e7': ({'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'arg6': {}, 'g': 7}, 28,
                [1, 2, 3, 4, 5, 6, 7])},
    12: {'nt': ({'a': 1, 'b': 2, 'x': {'v': 3}}, 6, [1, 2, ANY]),
         'make': ({'a': 9}, {'v': 9}, [9]),
         'members': ({'data': 4, 'n': '0x0', 'func': ANY, 'last': 5}, 13, [4, 0, ANY, 0, 5])},
}
# Read piece by piece at -O2: debug information does not say that they are whole.  (A parameter
# without use is nowhere for it: a compiler may pass anything, though these do not.)
MAY_BE_MARKED = {('aligned', 't'), ('cfloat', 'x'), ('small', 'a'), ('small', 'b'),
                 ('small', 'c'), ('small', 'd'), ('e3', 'arg1'), ('e7', 'arg6'),
                 ('members', 'n')}
# gcc makes V::r a clone at -O2
MAY_BE_CLONE = {'V::r'}


def plain_name(name):
    """Of a function: no clone's suffix, no mangling of these simple ones."""
    name = name.split('.')[0]
    m = re.match(r'_ZNK?(\d+)(\w+)', name)
    if m:
        scope, rest = m[2][:int(m[1])], m[2][int(m[1]):]
        n = re.match(r'(\d+)', rest)
        return f'{scope}::{rest[len(n[1]):][:int(n[1])]}' if n else scope
    m = re.match(r'_Z(\d+)(\w+)', name)
    return m[2][:int(m[1])] if m else name


class Program:
    """One source by one compiler at one level, and what was seen of it."""

    def __init__(self, utramp, obj, source, cc, level, tmp):
        self.optimised = level != '-O0'
        self.exe = tmp / f'{source.suffix[1:]}{cc}{level}'
        subprocess.run([cc, level, '-g', '-w', '-Wno-psabi', '-o', self.exe, source], check=True)
        self.plain = Run([self.exe])
        assert self.plain.code == 0, self.plain.stderr
        spec = self.exe.name.replace('+', '?') + ':*'
        out = tmp / 'out.jsonl'
        self.same(Run([utramp, 'trace', '-j', '-o', out, spec, '--', self.exe]))
        self.lines = [json.loads(x) for x in out.read_text().splitlines()]
        self.same(Run([utramp, 'run', '-j', '-o', out, '--attach', f'at_entry={spec}', obj, '--',
                       self.exe]))
        self.words = self.by_name([json.loads(x)['event'] for x in out.read_text().splitlines()
                                   if '"event"' in x])

    def same(self, run):
        assert run.code == 0 and run.stdout == self.plain.stdout, (run.stdout, run.stderr)
        assert not run.lost(), run.stderr

    def by_name(self, events):
        """{function: words}, the first call of each."""
        nm = subprocess.run(['nm', self.exe], stdout=subprocess.PIPE, text=True, check=True)
        at = {name: int(addr, 16) for addr, kind, name in re.findall(
            r'^([0-9a-f]+) (\w) (\S+)$', nm.stdout, re.M) if kind in 'tTwW'}
        symbol = {addr: name for name, addr in at.items()}
        base = None
        seen = {}
        for e in events:
            base = e['ip'] - at['main'] if base is None else base  # it is called first
            seen.setdefault(plain_name(symbol[e['ip'] - base]), e['word'][:e['n']])
        return seen


def same_value(got, want):
    if want is ANY:
        return got is not None
    return type(got) in (type(want), int, float) and got == want


def check_call(p, name, args, ret, words):
    line = next((x for x in p.lines if plain_name(x['func']) == name), None)
    if line is None:
        assert p.optimised and name in MAY_BE_CLONE, f'{name} was not seen'
        return
    marked = set(line.get('uncertain', []))
    if '.' in line['func']:
        assert name in MAY_BE_CLONE, line
    else:
        assert list(line['args']) == list(args), line
        assert all(same_value(line['args'][k], v) for k, v in args.items()), line
        allowed = {a for f, a in MAY_BE_MARKED if f == name} if p.optimised else set()
        assert marked <= allowed, f'{marked - allowed} are called uncertain: {line}'
        assert line.get('entry') if ret == () else same_value(line['ret'], ret), line
        check_words(name, p.words[name], words)


def check_words(name, got, want):
    assert len(got) == len(want), f'{name}: {got}, not {want}'
    for i, (g, w) in enumerate(zip(got, want)):
        w, mask = w if isinstance(w, tuple) else (w, (1 << 64) - 1)
        assert w is ANY or (g ^ w) & mask == 0, f'{name}: word {i} of {got} is not {w}'


def check_case(p, case):
    for name, (args, ret, words) in case.items():
        check_call(p, name, args, ret, words)


def check_wide(utramp, cc, flags, tmp):
    """Arguments are exact whatever the code is for; results, or there are none to be seen."""
    exe = tmp / 'wide'
    subprocess.run([cc, *flags, '-g', '-w', '-Wno-psabi', '-o', exe, HERE / 'wide.c'], check=True)
    out = tmp / 'wide.jsonl'
    plain, traced = Run([exe]), Run([utramp, 'trace', '-j', '-o', out, 'wide:*', '--', exe])
    assert plain.code == traced.code == 0 and plain.stdout == traced.stdout, traced.stderr
    lines = {x['func']: x for x in map(json.loads, out.read_text().splitlines())}
    ones = list(range(1, 9))
    for name, (args, ret) in {
            'wide': ({'i': 1, 'v': ones, 'f': .5, **{f's{i}': i for i in range(1, 7)}}, 58.5),
            'wide_result': ({'p': ANY, 'f': 1}, [i + 1 for i in ones]),
            'wide_variadic': ({'n': 1, 'v': ones, 'f': .5}, ()),
            'far': ({'i': 1, 'x': {'x': 2}, 'y': 3}, ()),
            'flexible': ({'f': {'n': 7, 'tail': []}, 'y': 8}, 15),
            'bits': ({**{k: i + 1 for i, k in enumerate('abcde')}, 'x': str((8 << 64) + 9), 'y': 10},
                     58)}.items():
        if name == 'bits' and 'clang' not in cc:
            continue
        line = lines[name]
        assert all(k in line.get('uncertain', []) or same_value(line['args'][k], v)
                   for k, v in args.items()), line
        if line.get('entry'):
            # at -O2 nothing may tell; clang's results of this kind are never known
            assert ret == () or name == 'wide_result' or (name == 'wide' and '-O2' in flags), line
        else:
            assert ret != () and same_value(line['ret'], ret), line


def check_changed(p):
    """Case 13: a call each of f_retdead(6), then f_sra(&s, 77, 7) and f_sra(&s, 78, 8)."""
    lines = [x for x in p.lines if plain_name(x['func']) in ('f_retdead', 'f_sra')]
    want = [('f_retdead', {'x': 6}, 18), ('f_sra', {'s': ANY, 'unused': 77, 'k': 7}, 35),
            ('f_sra', {'s': ANY, 'unused': 78, 'k': 8}, 40)]
    assert [plain_name(x['func']) for x in lines] == [w[0] for w in want], lines
    for line, (_, args, ret) in zip(lines, want):
        marked = set(line.get('uncertain', []))
        assert p.optimised or not marked, line
        for k, v in args.items():
            assert k in marked or line['args'][k] is None and p.optimised or \
                same_value(line['args'][k], v), f'{k}: {line}'
        if not p.optimised:
            assert line['ret'] == ret, line


def widths():
    avx = ' avx ' in pathlib.Path('/proc/cpuinfo').read_text(encoding='ascii')
    return [[level, *more] for level in ('-O0', '-O2') for more in ([], ['-mavx'])
            if avx or not more]


def main(utramp, obj, compilers):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-instructive-') as tmp:
        for cc in filter(shutil.which, compilers):
            cxx = cc.replace('gcc', 'g++').replace('clang', 'clang++')
            for level in ('-O0', '-O2'):
                where = pathlib.Path(tmp)
                c = Program(utramp, obj, HERE / 'cases.c', cc, level, where)
                for n, case in C.items():
                    tap.run(f'instructive {n} C, {cc} {level}', check_case, c, case)
                tap.run(f'instructive 13 C, {cc} {level}', check_changed, c)
                if not shutil.which(cxx) or not shutil.which('g++'):  # whose library clang needs
                    continue
                cc_program = Program(utramp, obj, HERE / 'cases.cc', cxx, level, where)
                for n, case in CXX.items():
                    tap.run(f'instructive {n} C++, {cxx} {level}', check_case, cc_program, case)
            for flags in widths():
                tap.run(f'wide vectors, {cc} {" ".join(flags)}', check_wide, utramp, cc, flags,
                        pathlib.Path(tmp))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:] or ['gcc', 'clang']))
