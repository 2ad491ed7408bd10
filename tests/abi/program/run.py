#!/usr/bin/env python3
"""run.py UTRAMP CLOBBER.BPF.O DIRTY [--seed N] [--count N] [--only PATTERN...] - generated
programs, compiled in many ways, traced and untraced.

Each way below makes a program of COUNT random functions of its own (program.py).  It runs alone
three times, with other addresses and other bytes on the stack, and twice with bytes below rsp that
change at each call (dirty.c); then with six eBPF programs on each function, under `utramp trace`
and under `utramp count`.  Whatever is the same in the runs alone must be so in each: arguments as
the callee got them, results as the caller got them, what the caller kept in registers, every
register behind every call, and how it ends.  The first three of these must be as program.py says:
an untraced program of which they are not is a fault of the generator, and a test that failed.
"""
import argparse
import fnmatch
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / 'trace'))
from harness import Run, Tap, records, under  # noqa: E402
from program import Program, digest  # noqa: E402

COMMON = ['-g', '-w', '-Wno-psabi', '-fno-strict-aliasing']
V4 = '-march=x86-64-v4'
V4_NEEDS = {'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'}
REGS = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split()
COLUMNS = (['number', 'arguments', 'result', 'what the caller kept'] + REGS
           + [f'zmm{i}' for i in range(32)] + [f'k{i}' for i in range(8)]
           + ['x87', 'mxcsr', 'callee-saved registers, DF'])
KEPT = COLUMNS[:4] + ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'] + COLUMNS[-3:]
PROGRAMS = ['on_entry', 'on_mod', 'on_both', 'on_exit', 'on_entry_blind', 'on_exit_blind']
DEFINED = COLUMNS[1:4]
MIN_STABLE, MIN_EXITS, SHOWN = .65, .60, 8


class Way:
    """How a program is compiled: compiler and flags of each side."""

    def __init__(self, language, caller, callee, both='', lib='', link='', pie=True):
        self.cxx = language == 'c++'
        self.caller, self.callee = caller.split() + both.split(), callee.split() + both.split()
        self.lib, self.link, self.pie = lib.split(), link.split() + both.split(), pie
        self.name = ' '.join([language + ':', caller, '->', callee, *both.split(), *lib.split()]
                             + [] if pie else [language + ':', caller, '->', callee, both, lib,
                                               'no-pie']).replace('  ', ' ').strip()
        self.wide = 64 if V4 in self.caller and V4 in self.callee else 0
        self.compilers = {w[0].replace('++', '').replace('g', 'gcc', w[0] == 'g++')
                          for w in (self.caller, self.callee)}

    def missing(self):
        """What this machine lacks for it; None."""
        for cc in (self.caller[0], self.callee[0]):
            if not shutil.which(cc):
                return f'no {cc}'
        if V4 in self.caller + self.callee:
            flags = re.search(r'^flags.*', pathlib.Path('/proc/cpuinfo').read_text('utf-8'), re.M)
            if not V4_NEEDS <= set(flags[0].split()):
                return 'the processor has no AVX-512'
        if 'clang' in self.caller[0] and '-flto' in self.caller and not shutil.which('ld.lld') and \
                not pathlib.Path('/usr/lib/llvm-14/lib/LLVMgold.so').exists():
            return 'no linker plugin of clang'
        return None


def ways():
    c, cxx = 'c', 'c++'
    patch, patch_before = '-fpatchable-function-entry=5', '-fpatchable-function-entry=8,3'
    return [
        # the slice of make test
        Way(c, 'gcc -O2', 'clang -O2', lib='-fno-plt'),
        Way(c, f'gcc -O3 {V4}', f'gcc -O2 {V4}'),
        Way(cxx, 'g++ -O2', 'g++ -O2'),
        Way(c, 'gcc -O2', 'gcc -O2', '-flto'),
        # C, one compiler
        Way(c, 'gcc -O0', 'gcc -O0'), Way(c, 'gcc -O1', 'gcc -O1', pie=False),
        Way(c, 'gcc -O2', 'gcc -O2', pie=False), Way(c, 'gcc -O3', 'gcc -O3', lib='-fno-plt'),
        Way(c, 'gcc -Os', 'gcc -Os'), Way(c, 'gcc -O3', 'gcc -O3', '-flto'),
        Way(c, 'gcc -O2', 'gcc -O2', patch), Way(c, 'gcc -O2', 'gcc -O2', patch_before),
        Way(c, 'gcc -O2', 'gcc -O2', '-fcf-protection=full -gdwarf-4'),
        Way(c, 'gcc -O2', 'gcc -O2', '-fno-omit-frame-pointer -fstack-protector-all'),
        Way(c, f'gcc -O2 {V4}', f'gcc -O2 {V4}', '-flto'),
        Way(c, 'clang -O0', 'clang -O0'), Way(c, 'clang -O1', 'clang -O1', pie=False),
        Way(c, 'clang -O2', 'clang -O2'), Way(c, 'clang -O3', 'clang -O3', lib='-fno-plt'),
        Way(c, 'clang -O2', 'clang -O2', '-flto'), Way(c, 'clang -O2', 'clang -O2', patch),
        Way(c, 'clang -O2', 'clang -O2', '-fcf-protection=full'),
        Way(c, f'clang -O3 {V4}', f'clang -O2 {V4}'),
        Way(c, f'clang -O0 {V4}', f'clang -O0 {V4}'),
        # C, caller and callee of two
        Way(c, 'gcc -O0', 'clang -O0'), Way(c, 'gcc -O3', 'clang -O3', lib='-fno-plt'),
        Way(c, 'clang -O2', 'gcc -O2'), Way(c, 'clang -O0', 'gcc -O3'),
        Way(c, 'clang -O3', 'gcc -O0'), Way(c, 'gcc -O0', 'gcc -O3'),
        Way(c, f'gcc -O2 {V4}', f'clang -O2 {V4}'), Way(c, f'clang -O3 {V4}', f'gcc -O3 {V4}'),
        Way(c, 'clang -O2', 'gcc -O2', patch, pie=False),
        # C++
        Way(cxx, 'g++ -O0', 'g++ -O0'), Way(cxx, 'g++ -O3', 'g++ -O3', lib='-fno-plt'),
        Way(cxx, 'g++ -O2', 'g++ -O2', '-flto'), Way(cxx, 'g++ -O2', 'g++ -O2', patch, pie=False),
        Way(cxx, f'g++ -O2 {V4}', f'g++ -O2 {V4}'),
        Way(cxx, 'clang++ -O0', 'clang++ -O0'), Way(cxx, 'clang++ -O2', 'clang++ -O2'),
        Way(cxx, 'clang++ -O3', 'clang++ -O3', '-flto'),
        Way(cxx, f'clang++ -O2 {V4}', f'clang++ -O2 {V4}'),
        Way(cxx, 'g++ -O2', 'clang++ -O2'), Way(cxx, 'clang++ -O2', 'g++ -O3'),
        Way(cxx, 'g++ -O0', 'clang++ -O3', lib='-fno-plt'), Way(cxx, 'clang++ -O0', 'g++ -O0'),
    ]


def together(where, commands):
    jobs = [subprocess.Popen([str(w) for w in c], cwd=where, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for c in commands]
    for job, c in zip(jobs, commands):
        text = job.communicate()[0]
        assert not job.returncode, f'{" ".join(map(str, c))}\n{text[:1500]}'


def build(way, where):
    """prog and libfns.so, from the files in where."""
    ext, std = ('cc', '-std=gnu++17') if way.cxx else ('c', '-std=gnu11')
    pie = ['-fPIE'] if way.pie else ['-fno-pie']
    common = [*COMMON, std]
    # the harness is no part of what is compiled in many ways
    plain = ['gcc', '-g', '-O2', '-mgeneral-regs-only', '-fno-tree-loop-distribute-patterns', *pie]
    together(where, [
        [*way.caller, *common, *pie, '-c', f'caller.{ext}'],
        [*way.callee, *common, *pie, '-c', f'callee.{ext}']])
    together(where, [
        [*way.callee, *common, *way.lib, '-fPIC', '-shared', '-o', 'libfns.so', f'lib.{ext}'],
        [*plain, '-c', HERE / 'harness.c', HERE / 'poison.S', 'data.S']])
    together(where, [[*way.caller, *way.link, '-g', '-pie' if way.pie else '-no-pie', '-o', 'prog',
                      'caller.o', 'callee.o', 'harness.o', 'poison.o', 'data.o', '-L.', '-lfns',
                      f'-Wl,-rpath,{where}']])


CRT = ('_start', '_init', '_fini', '_dl_relocate_static_pie')


def points(way, where):
    """The places that dirty.c overwrites the stack at: main, then every function."""
    out = []
    for file, base in (('prog', 0 if way.pie else 0x400000), ('libfns.so', 0)):
        r = subprocess.run(['readelf', '-sW', where / file], stdout=subprocess.PIPE, text=True,
                           check=True)
        for w in map(str.split, r.stdout.splitlines()):
            # parts that a function jumps to have its frame, _start is not called
            if len(w) == 8 and w[3] == 'FUNC' and w[6] != 'UND' and w[7] not in CRT and \
                    '.cold' not in w[7]:
                out.append((w[7] != 'main', f'{file} {int(w[1], 16) - base:x}'))
    (where / 'points').write_text('\n'.join(line for _, line in sorted(out)) + '\n')


class Reference:
    """What the untraced program does, and which of it depends neither on addresses nor on stack
    that nobody wrote (stale)."""

    def __init__(self, exe, program, dirty):
        commands = [[exe, fill] for fill in '123']
        commands += [[dirty, seed, exe.with_name('points'), exe, '1'] for seed in '12']
        runs = [Run(c) for c in commands]
        assert all(r.code == 42 for r in runs), [(r.code, r.stderr) for r in runs]
        self.program = program
        times = [int(r.stderr.split()[-1]) for r in runs[3:]]
        assert min(times) >= 2 * program.rounds * len(program.functions), f'dirtied {times} times'
        runs = [[line.split() for line in r.stdout.decode().splitlines()] for r in runs]
        assert {len(x) for x in runs} == {len(program.functions)}
        self.want, self.stable, self.stale, wrong = runs[0], [], [], []
        for i, (f, pairs) in enumerate(zip(program.functions, program.expected())):
            same = [[len({x[i][k] for x in part}) == 1 for k in range(len(COLUMNS))]
                    for part in (runs, runs[:3])]
            if f.is_loose():
                same = [[s and c in KEPT for s, c in zip(x, COLUMNS)] for x in same]
            self.stable.append(same[0])
            stale = [c for c, all_, some in zip(COLUMNS, *same) if some and not all_]
            self.stale += [f'{f.name} {" ".join(stale)}'] if stale else []
            bad = [c for c, s in zip(COLUMNS, same[0]) if c in DEFINED and not s]
            bad += [c for c, got, want in zip(DEFINED, self.want[i][1:3], digest(pairs))
                    if int(got, 16) != want]
            bad += [COLUMNS[-1]] * any(x[i][-1].strip('0') != '' for x in runs)
            wrong += [f'{f}: {", ".join(sorted(set(bad)))}'] if bad else []
        assert not wrong, f'{len(wrong)} functions wrong untraced\n' + '\n'.join(wrong)

    def share(self):
        return sum(map(sum, self.stable)) / (len(self.stable) * len(COLUMNS))

    def compare(self, run):
        assert run.code == 42, f'exit status {run.code}, untraced 42\n{run.stderr[-1500:]}'
        lines = [line.split() for line in run.stdout.decode().splitlines()]
        assert len(lines) == len(self.want), f'{len(lines)} lines'
        wrong = []
        for i, (got, want) in enumerate(zip(lines, self.want)):
            differ = [c for c, g, w, stable in zip(COLUMNS, got, want, self.stable[i])
                      if g != w and stable]
            if differ:
                wrong.append(f'{self.program.functions[i]}: {", ".join(differ)}')
        assert not wrong, f'{len(wrong)} functions wrong\n' + '\n'.join(wrong)


def reference(exe, program, dirty):
    ref = Reference(exe, program, dirty)
    share = ref.share()
    assert share >= MIN_STABLE, f'only {share:.0%} of what is looked at is the same in all runs'
    names = ', '.join(ref.stale[:SHOWN]) + ', ...' * (len(ref.stale) > SHOWN)
    return ref, (f'{share:.1%} compared; {len(ref.stale)} functions hand on stack that nobody wrote'
                 + f': {names}' * bool(names))


SPECS = ['prog:*', 'libfns:*']
QUIET = [w for f in ('fold', 'memcpy', 'memset', 'main', 'poisoned_call') for w in ('-N', f'prog:{f}')]


def exits(utramp, exe):
    """How many functions of the generated ones have exits, and how many there are."""
    names = {}
    for spec in ('prog:*fn_*', 'libfns:*fn_*'):
        r = Run([utramp, 'list', '-j', spec, '--', exe])
        for line in r.stdout.splitlines():
            got = json.loads(line)
            names[spec, got['func']] = got
    assert names, 'no functions'
    return sum('exit' in n['attach'] for n in names.values()), len(names)


def with_object(utramp, exe, ref, obj):
    have, all_ = exits(utramp, exe)
    assert have >= MIN_EXITS * all_, f'{have} of {all_} functions have exits'
    binds = [w for p in PROGRAMS for s in SPECS for w in ('--attach', f'{p}={s}')]
    out = exe.with_suffix('.maps')
    run = under(utramp, 'run', out, [exe, '1'], '--missing', 'ignore', *binds, obj)
    ref.compare(run)
    ran = {r['key']: r['value'] for r in records(out) if r.get('map') == 'ran'}
    calls = len(ref.program.functions) * ref.program.rounds
    assert ran[4] >= 2 * calls and ran[5] >= MIN_EXITS * calls and ran[5] >= ran[3] > 0 and \
        ran[0] >= calls and ran[2] >= ran[3], f'{calls} calls, programs ran {ran}'
    return f'{have} of {all_} functions have exits; {ran[4]} entries, {ran[5]} exits'


def with_trace(utramp, exe, ref):
    out = exe.with_suffix('.jsonl')
    run = under(utramp, 'trace', out, [exe, '1'], '--lossless', '--missing', 'ignore', *QUIET, *SPECS)
    ref.compare(run)
    n = ends = 0
    for r in records(out):
        n, ends = n + 1, ends + ('dur_ns' in r)
    calls = len(ref.program.functions) * ref.program.rounds
    assert not run.lost() and n >= calls and ends >= MIN_EXITS * n, f'{n} calls, {ends} with end'
    return f'{n} calls, {ends} with their end'


def with_count(utramp, exe, ref):
    out = exe.with_suffix('.counts')
    run = under(utramp, 'count', out, [exe, '1'], '--missing', 'ignore', *SPECS)
    ref.compare(run)
    n = sum(r.get('calls', 0) for r in records(out))
    calls = len(ref.program.functions) * ref.program.rounds
    assert n >= calls, f'{n} calls of {calls} counted'
    return f'{n} calls'


def one_way(tap, opts, way, seed, where):
    where.mkdir(parents=True, exist_ok=True)
    program = Program(seed, opts.count, opts.rounds, 'c++' if way.cxx else 'c', way.compilers,
                      way.wide)
    program.write(where)
    exe, name, refs = where / 'prog', f'{way.name}, seed {seed}', []

    def untraced():
        build(way, where)
        points(way, where)
        ref, note = reference(exe, program, opts.dirty)
        refs.append(ref)
        return note

    tap.run(f'{name}: untraced', untraced)
    for ref in refs:
        tap.run(f'{name}: object', with_object, opts.utramp, exe, ref, opts.object)
        tap.run(f'{name}: trace', with_trace, opts.utramp, exe, ref)
        tap.run(f'{name}: count', with_count, opts.utramp, exe, ref)
    return len(program.functions)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('utramp', nargs='?')
    p.add_argument('object', nargs='?')
    p.add_argument('dirty', nargs='?')
    p.add_argument('--seed', type=int, default=1, help='of the first way; each has one of its own')
    p.add_argument('--count', type=int, default=100, help='functions of a program')
    p.add_argument('--rounds', type=int, default=3, help='calls of each')
    p.add_argument('--ways', default='0:4', metavar='FROM:TO', help='numbers of --list')
    p.add_argument('--only', default='*', metavar='PATTERN', help='ways with such names')
    p.add_argument('--list', action='store_true')
    p.add_argument('--keep', help='keep sources and programs in this folder')
    opts = p.parse_args()
    tap, functions, skipped = Tap(), 0, 0
    first, last = (int(w) if w else None for w in opts.ways.split(':'))
    for i, way in list(enumerate(ways()))[first:last]:
        if not fnmatch.fnmatch(way.name, opts.only):
            continue
        if opts.list:
            print(i, way.name)
            continue
        if way.missing():
            tap.n, skipped = tap.n + 1, skipped + 1
            print(f'ok {tap.n} - {way.name} # SKIP {way.missing()}')
            continue
        with tempfile.TemporaryDirectory(prefix='utramp-program-') as tmp:
            where = pathlib.Path(opts.keep or tmp).resolve() / f'way-{i}'
            functions += one_way(tap, opts, way, opts.seed + i, where)
    print(f'# {functions} functions, {skipped} ways skipped')
    return 0 if opts.list else tap.end()


if __name__ == '__main__':
    sys.exit(main())
