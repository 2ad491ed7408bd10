#!/usr/bin/env python3
"""traps_test.py UTRAMP CLOBBER HEAVY LIGHT SLAB [PART...] - programs that depend on what a hook may destroy.

Each victim is built by each compiler and its cases run five ways: alone; under clobber.c, a hook
that keeps what the ABI promises and no more, which must change the result, or the victim proves
nothing; with programs at entry and exit that change all they may, and with some that only count;
under `trace`.  Output and status are those of the plain run, what can be attached is what is
written here, and programs and records count the same calls.

Numbers are those of docs/traps.md.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'trace'))
from harness import Run, Tap, first_difference, records, under  # noqa: E402

EXIT = ['entry', 'exit']
ENTRY = ['entry']
UTRAMP, CLOBBER, HEAVY, LIGHT, SLAB = (os.path.abspath(p) for p in sys.argv[1:6])


class Case:
    """kinds: what can be attached; breaks: what destroys the result; keeps: what does not.

    moved: its first bytes have a call.
    """

    def __init__(self, kinds=EXIT, breaks=(), keeps=(), why=None, moved=False):
        self.kinds, self.breaks, self.keeps, self.why = kinds, list(breaks), keeps, why
        self.moved = moved


class Build:
    """One victim: compiled by cc with flags, linked with calls.S or its own second unit."""

    def __init__(self, name, cc, flags, source, cases, needs='', proto=(), env=None):
        self.name, self.cc, self.flags, self.source, self.cases = name, cc, flags, source, cases
        self.needs, self.proto = needs, [a for p in proto for a in ('--proto', p)]

    def make(self, where):
        exe = where / 'victim'
        base = [self.cc, '-g', '-w', *self.flags]
        other = HERE / 'calls.S'
        if self.source == 'ipa.c':
            other = where / 'other.o'
            subprocess.run([*base, '-DOTHER', '-c', '-o', other, HERE / self.source], check=True)
        subprocess.run([*base, '-o', exe, HERE / self.source, other], check=True,
                       stderr=subprocess.PIPE)
        return exe


def cpu(flag):
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        return any(flag in line.split() for line in f if line.startswith('flags'))


def addresses(exe):
    r = subprocess.run(['nm', exe], check=True, capture_output=True, text=True)
    return {f[2].split('.')[0]: f[0] for f in map(str.split, r.stdout.splitlines()) if len(f) == 3}


def symbol(name):
    """clang puts a convention into the symbol of a function."""
    return name.removeprefix('__regcall3__')


def controls(exe, build):
    """Each case depends on what it says it does, and on nothing that it says it does not."""
    at = {symbol(k): v for k, v in addresses(exe).items()}
    for name, case in build.cases.items():
        plain = Run([exe, name])
        for what in (*case.breaks, *case.keeps):
            kind, _, extra = what.partition('+')
            where, _, number = (extra or name).partition('@')
            spot = at.get(where, at[name]) + ('+' + number if number else '')
            if extra and extra in at and kind == 'errno':
                spot = f'{at[name]}+0x{at[extra]}'
            got = Run([CLOBBER, kind, spot, '--', exe, name])
            assert got.code != 99, f'{name}, {what}: {got.stderr}'
            changed = (got.code, got.stdout) != (plain.code, plain.stdout)
            assert changed == (what in case.breaks), \
                f'{name}: {what} {"changes" if changed else "does not change"} the result'


def kinds(exe, build):
    """What can be attached, and for what cannot the reason."""
    got = {}
    for line in Run([UTRAMP, 'list', '-j', *build.proto, f'{exe}:*t_*']).stdout.splitlines():
        r = json.loads(line)
        got[symbol(r['func']).split('.')[0]] = r
    for name, case in build.cases.items():
        assert got[name]['attach'] == case.kinds, got[name]
        assert not case.why or case.why in got[name]['reason'], got[name]


def first_calls(exe, build):
    """Those that are said to have a call in their first five bytes have one."""
    r = subprocess.run(['objdump', '-d', '--no-show-raw-insn', exe], check=True, capture_output=True,
                       text=True)
    for name in (c for c, case in build.cases.items() if case.moved):
        lines = r.stdout.split(f'<{name}>:\n')[1].split('\n\n')[0].splitlines()
        at = [int(x.split(':')[0], 16) for x in lines if 'call' in x]
        assert at and at[0] - int(lines[0].split(':')[0], 16) < 5, lines[:4]


def same(what, got, plain):
    assert got.code == plain.code, f'{what}: status {got.code}, not {plain.code}\n{got.stderr}'
    assert got.stdout == plain.stdout, f'{what}: {first_difference(got.stdout, plain.stdout)}'


def patterns(build):
    return ['victim:t_*'] + ['victim:__regcall3__*'] * ('t_regcall' in build.cases)


def programs(exe, build, obj, plain):
    """How often programs ran at entries and at exits."""
    out = exe.with_suffix('.json')
    attach = [f'--attach={p}={t}' for p in ('enter', 'leave') for t in patterns(build)]
    r = under(UTRAMP, 'run', out, [exe], obj, *attach, *build.proto, '--missing=ignore')
    same(pathlib.Path(obj).name, r, plain)
    found = {v['var']: v['value'] for v in records(out) if 'var' in v}
    return found['entries'], found['leaves']


def traced(exe, build, plain):
    """Calls and exits, as `trace` has them; what it refuses, it refuses by name."""
    out = exe.with_suffix('.jsonl')
    r = under(UTRAMP, 'trace', out, [exe], *patterns(build), '--missing=ignore', '--lossless',
              *build.proto)
    same('trace', r, plain)
    assert not r.lost(), r.stderr
    calls, ends = collections.Counter(), 0
    for r in records(out):
        calls[symbol(r['func']).split('.')[0]] += 1
        ends += 'dur_ns' in r and not r.get('unwound')
    for name in build.cases:
        assert calls[name] >= 3, f'{name}: {calls[name]} calls traced'
    return sum(calls.values()), ends


def trapped(build, where):
    exe = build.make(where)
    plain = Run([exe], cwd=where)
    lines = collections.Counter(line.split()[0].decode() for line in plain.stdout.splitlines())
    assert plain.code == 0 and dict(lines) == {c: 3 for c in build.cases}, plain.stdout
    kinds(exe, build)
    first_calls(exe, build)
    controls(exe, build)
    calls, ends = traced(exe, build, plain)
    for obj in (HEAVY, LIGHT):
        n, m = programs(exe, build, obj, plain)
        assert n == calls, f'{n} programs at entry, {calls} calls'
        assert m == ends, f'{m} programs at exit, {ends} exits traced'
    done = sum(len(c.breaks) for c in build.cases.values())
    return f'{len(build.cases)} functions, {done} ways to break them'


# -- names and languages -------------------------------------------------------------------

NAMES = {'_setjmp': 'return twice', 'getcontext': 'return twice', 'vfork': 'return twice',
         'dlsym': 'looks at its caller'}  # 78, 79


def compiled(where, source, *flags):
    exe = where / 'victim'
    subprocess.run(['gcc', '-g', '-w', '-O2', *flags, '-o', exe, HERE / source],
                   check=True, stderr=subprocess.PIPE)
    return exe


def names(where):
    """Entry programs only, and then as if there were none; a stub that calls dlsym gets another."""
    exe, out = compiled(where, 'names.c'), where / 'out'
    plain = Run([exe])
    assert b'dlsym 5\n' in plain.stdout and b'stub -1\n' in plain.stdout, plain.stdout
    for name, why in NAMES.items():
        r = under(UTRAMP, 'run', out, [exe], HEAVY, f'--attach=enter=libc:{name}',
                  f'--attach=leave=libc:{name}')
        assert r.code == 1 and not r.stdout and f'libc.so.6:{name}: exit: it ' in r.stderr, r.stderr
        assert why in r.stderr, r.stderr
        r = under(UTRAMP, 'run', out, [exe], LIGHT, f'--attach=enter=libc:{name}',
                  '--attach=leave=libc:labs')
        same(name, r, plain)
        count = {v['var']: v['value'] for v in records(out) if 'var' in v}
        assert count['entries'] >= 3, f'{name}: {count}'


def go(where):
    """82: no program on Go's stacks; C in the same file is C, if one can see where it is."""
    exe = compiled(where, 'go_like.c', '-fno-toplevel-reorder')
    plain = Run([exe])
    r = Run([UTRAMP, 'trace', 'victim:t_go', '--', exe])
    assert r.code == 1 and 'cannot trace victim:t_go: it is Go code' in r.stderr, r.stderr
    assert 'stack' in r.stderr and not r.stdout, r.stderr
    same('C beside Go', under(UTRAMP, 'trace', where / 'out', [exe], 'victim:t_cgo'), plain)
    assert len(list(records(where / 'out'))) == 3
    at = {n: '0x' + a for n, a in addresses(exe).items()}
    subprocess.run(['strip', exe], check=True)
    for name in ('t_go', 't_cgo'):
        r = Run([UTRAMP, 'check', f'victim:{at[name]}', '--', exe])
        assert r.code == 1 and b'it is Go code' in r.stdout, r.stdout + r.stderr.encode()


def split(where):
    """48: a piece of stack that gcc thinks large enough has no room for programs."""
    exe = compiled(where, 'split.c', '-fsplit-stack')
    plain = Run([exe])
    assert plain.code == 0, plain.stderr
    r = Run([UTRAMP, 'trace', 'victim:t_deep', '--', exe])
    assert r.code == 1 and 'cannot trace victim:t_deep: it is compiled with -fsplit-stack' in r.stderr
    assert not r.stdout, r.stdout
    same('the rest', under(UTRAMP, 'trace', where / 'out', [exe], 'victim:*'), plain)


def middle(where):
    """47: functions are entered where they begin, or not at all."""
    exe = compiled(where, 'stacks.c', HERE / 'calls.S')
    inside = hex(int(addresses(exe)['redzone_middle'], 16))
    for what, why in (('t_redzone+4', "'t_redzone+4': an offset into a function"),
                      (inside, f'no function begins at {inside} in '),
                      ('redzone_middle', "no function 'redzone_middle' in victim")):
        r = Run([UTRAMP, 'trace', f'victim:{what}', '--', exe])
        assert r.code in (1, 3) and why in r.stderr and not r.stdout, (what, r.code, r.stderr)


def slab(_):
    """72, 73: our code has one entry for unwinders, in a section and under a name of its own."""
    text = Run(['readelf', '--debug-dump=frames', SLAB]).stdout.decode()
    found = [(int(a, 16), int(b, 16)) for a, b in re.findall(r' FDE .*pc=(\w+)\.\.(\w+)', text)]
    line = next(x for x in Run(['readelf', '-SW', SLAB]).stdout.decode().splitlines()
                if re.search(r'\] \.text ', x))
    lo, size = (int(line.split(']')[1].split()[n], 16) for n in (2, 4))
    assert [f for f in found if f[1] > lo] == [(lo, lo + size)], (hex(lo), hex(size))
    text = Run(['readelf', '-d', SLAB]).stdout.decode()
    assert re.search(r'soname: \[utramp-slab-X{16}\.so\]', text), text  # X: one of each process


# -- the victims ---------------------------------------------------------------------------

IPA = ('gpr-entry', 'gpr')  # traps 36, 37


def ipa(more=(), off=(), **vector):
    """What gcc -O2 does; -flto and -march add to it, -fpatchable-function-entry=N takes it away."""
    cases = {c: Case(breaks=IPA + ('rdx',)) for c in ('t_static', 't_exported', 't_attribute')}
    cases |= {c: Case(breaks=IPA) if c in more else Case(keeps=IPA) for c in ('t_hidden', 't_global')}
    cases |= {'t_double': Case(breaks=('xmm',)), 't_vector': Case(breaks=('xmm',))}
    for name, breaks in vector.items():
        cases[name] = Case(breaks=breaks)
    if off:
        cases = {c: Case(keeps=(*k.breaks, *k.keeps)) for c, k in cases.items()}
    return cases


def stacks(leaf='align', plain=False, **more):
    """leaf: gcc enters it with rsp off by 8; plain: a build for the sake of its prologues."""
    cases = {
        't_leaf': Case(breaks=[leaf] if leaf else [], keeps=[] if leaf else ['align']),  # 41
        't_by32': Case(breaks=['copy']), 't_by64': Case(breaks=['copy']),  # 42
        't_boundary': Case(), 't_pages': Case(),  # 49
        't_even': Case(),  # 80
        't_top': Case(breaks=['over+@17'], keeps=['over+@16']),  # 52
        't_bare_top': Case(breaks=['over+@1']),
        't_fiber': Case(breaks=['deep+@4096'], keeps=['deep+@2048']),  # 48
        't_redzone': Case(breaks=['below+redzone_middle'], keeps=['below']),  # 47
    }
    for name, breaks in more.items():
        cases[name] = Case(breaks=breaks)
    return {c: Case() for c in cases} if plain else cases


def state(nested=True):
    cases = {
        't_state': Case(breaks=['gpr-entry', 'gpr', 'rdx', 'scratch', 'chain', 'rax', 'df', 'xmm',
                                'mxcsr', 'x87', 'emms']),  # 38-40, 43-46
        't_scratch': Case(breaks=['scratch', 'chain', 'rax']),  # 38, 39
        't_carry': Case(ENTRY, breaks=['flags'], why='not known'),  # 40
        't_borrow': Case(ENTRY, breaks=['flags-entry'], why='not known'),
        't_direction': Case(),
        't_ldouble': Case(breaks=['x87']),  # 45
        't_variadic': Case(ENTRY, breaks=['al'], why='variadic'),  # 39, 53
        't_errno': Case(breaks=['errno+errno_at']),  # 50
        't_paired': Case(),  # 84, 85
    }
    if nested:
        cases['t_nested'] = Case(breaks=['chain'])  # 38
    if cpu('avx'):
        cases['t_state'].breaks += ['ymm']
    if cpu('avx512f'):
        cases['t_state'].breaks += ['k', 'zmm', 'zmm16']
    return cases


PROTO = ['void t_state(void)', 'long t_scratch(void)',
         'long t_direction(void)']
OWN = 'it is called with a convention of its own'
ELSE = 'debug information sees a parameter elsewhere'  # gcc does not tell conventions
CONVENTIONS = {
    'gcc': {'t_ms': Case(ENTRY, breaks=['xmm'], why=ELSE), 't_ms_mixed': Case(ENTRY, why=ELSE),
            't_none': Case()},
    'clang': {'t_ms': Case(ENTRY, breaks=['xmm'], why=OWN), 't_ms_mixed': Case(ENTRY, why=OWN),
              't_most': Case(ENTRY, breaks=['gpr'], why=OWN),
              't_all': Case(ENTRY, breaks=['xmm'], why=OWN),
              **{c: Case(ENTRY, why=OWN) for c in ('t_regcall', 't_regcall_many', 't_vectorcall',
                                                   't_swift')}},
}
PROTECTED = ['-O2', '-fcf-protection=full', '-fstack-protector-all', '-fstack-clash-protection']

BUILDS = [
    Build('ipa, gcc', 'gcc', ['-O2'], 'ipa.c', ipa()),
    Build('ipa, gcc -flto', 'gcc', ['-O2', '-flto'], 'ipa.c', ipa(more=('t_hidden', 't_global'))),
    Build('ipa, gcc v3', 'gcc', ['-O2', '-march=x86-64-v3'], 'ipa.c',
          ipa(t_vector=('xmm', 'ymm')), needs='avx2'),
    Build('ipa, gcc v4', 'gcc', ['-O2', '-march=x86-64-v4'], 'ipa.c',
          ipa(t_vector=('xmm', 'ymm', 'zmm'), t_high=('zmm16',), t_mask=('k',)), needs='avx512vl'),
    Build('ipa, gcc -fpatchable-function-entry=5', 'gcc', ['-O2', '-fpatchable-function-entry=5'],
          'ipa.c', ipa(off=True)),
    Build('ipa, clang', 'clang', ['-O2'], 'ipa.c', ipa(off=True)),
    Build('stacks, gcc', 'gcc', ['-O2'], 'stacks.c', stacks()),
    Build('stacks, gcc v4', 'gcc', ['-O2', '-march=x86-64-v4'], 'stacks.c',
          stacks(t_m256=['copy'], t_m512=['copy']), needs='avx512vl'),
    Build('stacks, clang v3', 'clang', ['-O2', '-march=x86-64-v3'], 'stacks.c',
          stacks(leaf=None, t_m256=['copy']), needs='avx2'),
    Build('stacks, gcc, aligned to 64', 'gcc', ['-O2', '-mpreferred-stack-boundary=6'], 'stacks.c',
          stacks(t_boundary=['copy'])),
    Build('stacks, gcc, protected', 'gcc', PROTECTED, 'stacks.c', stacks(plain=True)),
    Build('stacks, gcc -pg', 'gcc', ['-O2', '-pg'], 'stacks.c', stacks(plain=True)),
    Build('stacks, gcc -pg -mfentry', 'gcc', ['-O2', '-pg', '-mfentry'], 'stacks.c',
          stacks(plain=True)),
    Build('stacks, gcc, 8 nops before and 8 behind', 'gcc',
          ['-O2', '-fpatchable-function-entry=16,8'], 'stacks.c', stacks()),
    Build('state, gcc', 'gcc', ['-O2'], 'state.c', state(), proto=PROTO),
    Build('state, clang', 'clang', ['-O2'], 'state.c', state(nested=False), proto=PROTO),
    *(Build(f'thrown, {cc}', cc, ['-O2'], 'thrown.cc',  # 75
            {'t_catches': Case(moved=cc == 'g++'), 't_passes': Case(moved=True)})
      for cc in ('g++', 'clang++')),
    *(Build(f'conventions, {cc}', cc, ['-O2'], 'conventions.c', c)
      for cc, c in CONVENTIONS.items()),
]


def main(parts):
    tap = Tap()
    for build in BUILDS:
        if parts and not any(p in build.name for p in parts):
            continue
        if not shutil.which(build.cc) or (build.needs and not cpu(build.needs)):
            tap.run(f'{build.name} # SKIP no {build.needs or build.cc}', lambda: None)
            continue
        with tempfile.TemporaryDirectory(prefix='utramp-traps-') as tmp:
            os.chdir(tmp)  # -pg leaves a file
            tap.run(build.name, trapped, build, pathlib.Path(tmp))
            os.chdir('/')
    for extra in (names, go, split, middle, slab):
        if not parts or extra.__name__ in parts:
            with tempfile.TemporaryDirectory(prefix='utramp-traps-') as tmp:
                tap.run(extra.__name__, extra, pathlib.Path(tmp))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[6:]))
