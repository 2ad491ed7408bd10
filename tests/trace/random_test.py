#!/usr/bin/env python3
"""random_test.py UTRAMP SLOTS.BPF.O [--seed N] [--count N] [--ways FROM:TO] - random calls.

Each way below is a program of gen_calls.py, compiled by one compiler at one level.  It runs
alone, under `utramp trace -j` of all its functions, and under `utramp run` of slots.bpf.o on all
its functions.  The program must print the same checksums and end alike; every argument and result
must be reported as passed, each call once, in order.

An argument may be "uncertain" in local functions only, which compilers change, and a function
without exit must have a reason that is true of it.  Both have bounds.
"""
import argparse
import collections
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from call_check import check_slots, slots
from call_types import ANY, Aggregate, Array, BitInt
from gen_calls import HERE, Program, check_value
from harness import Run, Tap, records, same_program, under

FLAGS = ['-g', '-w', '-Wno-psabi', '-Wno-packed-bitfield-compat', '-Wno-unknown-warning-option',
         '-fno-strict-aliasing']
STANDARD = {'c': '-std=gnu11', 'c++': '-std=gnu++17'}
V4 = '-march=x86-64-v4'
V4_NEEDS = {'avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'}
SLOTS = 128  # of one record of slots.bpf.c
HEAD = struct.Struct('<IIqqQ')
KEYS = ['time_ns', 'pid', 'tid', 'module', 'func', 'args']
SHOWN = 40  # wrong calls


class Way:
    """A language, a compiler and its flags."""

    def __init__(self, language, compiler, flags):
        self.language, self.compiler, self.flags = language, compiler, flags.split()
        self.family = 'clang' if 'clang' in compiler else 'gcc'
        self.ext = 'cc' if language == 'c++' else 'c'
        self.name = f'{language} {compiler} {flags}'
        self.wide = 64 if V4 in self.flags else 0

    def missing(self):
        """What this machine lacks for it; None."""
        if not shutil.which(self.compiler):
            return f'no {self.compiler}'
        flags = re.search(r'^flags.*', pathlib.Path('/proc/cpuinfo').read_text('utf-8'), re.M)
        if self.wide and not (flags and V4_NEEDS <= set(flags[0].split())):
            return 'the processor has no AVX-512'
        return None

    def version(self):
        return int(Run([self.compiler, '-dumpversion']).stdout.split(b'.')[0])


def ways():
    main = [Way(language, cc, level) for level in ('-O2', '-O0', '-O3')
            for language, cc in (('c', 'gcc'), ('c', 'clang'), ('c++', 'g++'), ('c++', 'clang++'))]
    wide = [Way('c', 'gcc', f'-O2 {V4}'), Way('c', 'clang', f'-O2 {V4}')]
    more = [Way(language, f'{cc}-{v}', level) for v in (16, 19) for level in ('-O2', '-O0')
            for language, cc in (('c', 'clang'), ('c++', 'clang++'))]
    return main + wide + more


def build(way, where):
    """Callers and callees apart, so that nothing is inlined or passed in another way."""
    exe = where / 'prog'
    flags = [way.compiler, *FLAGS, STANDARD[way.language], *way.flags]
    sides = ['caller', 'callee'] + ['tables'] * (way.language == 'c++')
    jobs = [subprocess.Popen([*flags, '-c', f'{s}.{way.ext}'], cwd=where) for s in sides]
    jobs.append(subprocess.Popen(['gcc', '-O1', '-g', '-c', 'main.c'], cwd=where))
    assert not any([p.wait() for p in jobs]), f'{way.name}: the program does not compile'
    subprocess.run([way.compiler, *way.flags, '-o', exe, *[f'{s}.o' for s in sides], 'main.o'],
                   cwd=where, check=True)
    return exe


def number(name):
    """Of function fn_N_, whatever stands around it."""
    m = re.search(r'fn_(\d+)_', name)
    return int(m[1]) if m else None


def has_bit_int(t):
    inner = [m for m, _, _ in t.members] if isinstance(t, Aggregate) else \
        [t.elem] if isinstance(t, Array) else []
    return isinstance(t, BitInt) or any(map(has_bit_int, inner))


class Case:
    """A program, and what utramp says of its functions."""
    # reasons of functions that are only entered, and of which kinds of functions they may be
    REASONS = {'variadic, so the size': ('variadic',),
               'the compiler changed its parameters': ('local',),
               'the compiler removed some of its parameters': ('local',),
               'the compiler may have changed its parameters': ('local',),
               # as clang has it of some pieces on the stack
               'debug information sees a parameter elsewhere than its type puts it': None,
               # clang -O0
               'debug information lacks some of its parameters': None,
               # a packed union or struct that lies as one that is not, in another
               'a struct has padding that its members do not explain': None,
               'it is not told whether vectors of more than 16 bytes are in registers': None,
               'an argument is aligned to more than 64 bytes': None,
               'it is not known in which registers its result is': None,
               'its result may be in memory or not': None,
               'compilers differ in how they pass': None}

    def __init__(self, utramp, way, program, exe):
        self.utramp, self.way, self.program, self.exe = utramp, way, program, exe
        self.spec = f'{exe.name}:*fn_*'
        self.times = collections.Counter()  # a constructor may be two functions
        self.entry_only, self.reasons, self.free = {}, collections.Counter(), {}
        self.listed, self.traced, self.lacked = 0, False, set()
        for line in Run([utramp, 'list', '-j', f'{exe}:*fn_*']).stdout.splitlines():
            r = json.loads(line)
            n = number(r['func'])
            self.listed += 1
            if program.functions[n].kind in ('ctor', 'dtor'):
                self.times[n] += 1
            if r['attach'] != ['entry', 'exit']:
                self.entry_only[r['func']] = r['reason']

    def only_entered(self, f):
        """Is it, by its one name or that of a clone."""
        return any(number(n) == f.number for n in self.entry_only)

    def may_be_uncertain(self, f):
        """The names of its values that utramp need not be sure of, for a reason that is known."""
        if f.kind == 'local':
            return {*f.names(), 'ret'}
        if self.disputed(f):
            return set(f.names())
        # DWARF does not tell how many bits a _BitInt has
        bits = {f'a{i}' for i, a in enumerate(f.args) if has_bit_int(a.t)}
        bits |= {'ret'} if has_bit_int(f.ret) else set()
        # clang's callers may pass anything for what is not read, if they know; gcc's do not
        if self.way.family == 'clang':
            bits |= {f'a{i}' for i, a in enumerate(f.args) if a.is_unread()}
            bits |= set(f.names()) if f.kind in HERE else set()  # it may lose track of others
        return bits

    def lacking(self, f, args):
        """Does debug information not have all of its parameters?  clang -O0 says less at times."""
        return self.only_entered(f) and set(args) < set(f.names()) and \
            self.way.name.startswith('c++ clang')

    def disputed(self, f):
        return any(number(n) == f.number and self.REASONS.get(self.why(r), ()) is None
                   for n, r in self.entry_only.items() if number(n) == f.number)

    def why(self, reason):
        """What of REASONS it says."""
        return next((w for w in self.REASONS if w in (reason or '')), None)

    def check_reasons(self):
        """Why functions without exit should have one."""
        wrong = []
        kinds = collections.Counter(f.kind for f in self.program.functions)
        for name, reason in self.entry_only.items():
            f = self.program.functions[number(name)]
            why = self.why(reason)
            of = self.REASONS.get(why, ())
            if of is not None and f.kind not in of:
                wrong.append(f'{f} is only entered: {reason}')
                continue
            self.reasons['disputed' if of is None else f.kind] += 1
        n = len(self.program.functions) - kinds['variadic']
        assert self.reasons['disputed'] <= DISPUTED * n, self.reasons
        assert self.reasons['local'] <= LOCAL_ENTRY_ONLY * kinds['local'] + 2, self.reasons
        return wrong

    def calls(self):
        """Those of the program, twice where two functions are called."""
        for f, parts in self.program.calls():
            for _ in range(self.times.get(f.number, 1)):
                yield f, parts


# Shares of functions that may have no exit, and of values of local functions that may be uncertain;
# and of others for no reason that is known.
DISPUTED, LOCAL_ENTRY_ONLY, LOCAL_UNCERTAIN, UNCERTAIN = .25, .9, .95, .01


class Count:
    """What was compared."""

    def __init__(self):
        self.calls = self.values = self.uncertain = self.local = self.unsure = self.others = 0

    def add(self, more):
        for name, n in vars(more).items():
            setattr(self, name, getattr(self, name) + n)

    def __str__(self):
        return (f'{self.calls} calls, {self.values} values compared, {self.uncertain} uncertain of '
                f'{self.local} in local functions, {self.unsure} of {self.others} in others')


TOTAL, WITHOUT_EXIT = Count(), collections.Counter()


def check_ends(f, got, case):
    """Why what is beside the arguments is not as it should be; None."""
    keys = [k for k in got if k != 'uncertain']
    if case.only_entered(f):
        return None if keys == KEYS + ['entry'] and got['entry'] is True else f'{got}'
    return None if keys == KEYS + ['ret', 'dur_ns'] else f'{got}'


def check_result(f, got, part):
    if not f.ret:
        return None if got['ret'] is None else f'void returned {got["ret"]}'
    return check_value(f.ret, got['ret'], *part[1:])


def check_call(case, f, parts, got, notes, count):
    """Why a line of trace -j is not this call; None."""
    if number(got.get('func', '')) != f.number:
        return f'{got.get("func")} where {f.name} is due'
    names, args = f.names(), got.get('args')
    if f.kind == 'variadic' and isinstance(args, dict):
        args.pop('...', None)
    if isinstance(args, dict) and case.lacking(f, args):
        case.lacked.add(f.number)
        return None if got.get('uncertain', []) == list(args) else f'{f}: {got}'
    if not isinstance(args, dict) or list(args) != names:
        return f'{f}: arguments {args}, not {names}'
    why = check_ends(f, got, case)
    if why:
        return f'{f}: {why}'
    notes = list(notes)
    if f.is_member() and args['this'] != f'{notes.pop(0):#x}':
        return f'{f}: this is {args["this"]}'
    free = set(got.get('uncertain', ()))
    case.free.setdefault(f.number, set()).update(free)
    if f.kind in HERE:
        count.uncertain += len(free)
        count.local += len(names) + 1
    else:
        count.unsure += len(free - case.may_be_uncertain(f))
        count.others += len(names) + 1
    for name, a, (_, data, mask) in zip(names[f.is_member():], f.args, parts):
        address = notes.pop(0) if a.by_address() else None
        why = None if name in free else a.check(args[name], data, mask, address, f.kind in HERE)
        count.values += name not in free
        if why:
            return f'{f}: {name} ({a.t.sig} {a.how}): {why}'
    if 'ret' in got and 'ret' not in free:
        count.values += 1
        why = check_result(f, got, parts[-1] if f.ret else None)
        return f'{f}: result ({f.ret.sig if f.ret else "void"}): {why}' if why else None
    return None


def notes_of(path, program):
    """For each call, the addresses that its caller noted."""
    data = path.read_bytes()
    at = 0
    for f, _ in program.calls():
        n = f.notes()
        yield struct.unpack_from(f'<{n}Q', data, at)
        at += 8 * n
    assert at == len(data), f'{len(data)} bytes of addresses, {at} due'


def as_alone(traced, plain):
    """What the program does otherwise than alone."""
    try:
        same_program(traced, plain)
    except AssertionError as e:
        return [f'THE PROGRAM: {e}']
    return []


def fail(wrong, n, what):
    lines = '\n'.join(w[:1500] for w in wrong[:SHOWN])
    assert not wrong, f'{len(wrong)} of {n} {what} wrong\n{lines}'


def trace(case):
    exe, program, count = case.exe, case.program, Count()
    wrong = case.check_reasons()
    plain, out, noted = Run([exe]), exe.with_suffix('.jsonl'), exe.with_suffix('.notes')
    traced = under(case.utramp, 'trace', out, [exe, noted], '--lossless', case.spec)
    wrong += as_alone(traced, plain)
    assert traced.attached() == case.listed, f'{case.listed} listed\n{traced.stderr}'
    assert not traced.lost(), traced.stderr
    lines = records(out, exact=True)
    for (f, parts), notes in zip(program.calls(), notes_of(noted, program)):
        for _ in range(case.times.get(f.number, 1)):
            got = next(lines, None)
            assert got, f'{count.calls} lines, {f.name} is due'
            count.calls += 1
            why = check_call(case, f, parts, got, notes, count)
            if why:
                wrong.append(f'line {count.calls}: {why}')
    more = sum(1 for _ in lines)
    assert not more, f'{more} lines more than calls'
    case.traced = True
    fail(wrong, count.calls, 'calls')
    share = count.uncertain / max(count.local, 1)
    assert share <= LOCAL_UNCERTAIN, f'{share:.0%} of the values of local functions are uncertain'
    # LLVM 19 keeps less of where parameters are
    assert count.unsure <= (.06 if '-19' in case.way.name else UNCERTAIN) * count.others, f'{count}'
    TOTAL.add(count)
    WITHOUT_EXIT.update(case.reasons)
    return f'{count}; functions without exit: {dict(case.reasons)}'


def check_record(case, f, parts, rec, is_exit):
    kind, cnt, args_err, ret_err, ret = HEAD.unpack_from(rec)
    have = struct.unpack_from(f'<{cnt}Q', rec, HEAD.size) if cnt <= SLOTS else ()
    free = case.free.get(f.number, set())
    if f.kind in HERE and not case.traced or f.number in case.lacked:
        return None  # which of it is uncertain is not known
    if kind != is_exit:
        return f'kind {kind}'
    args = [('this', None)] * f.is_member()
    args += [(f'a{i}', a) for i, a in enumerate(f.args)]
    values = iter(parts)
    want = []
    for name, a in args:
        t, data, mask = next(values) if a else (ADDRESS, bytes(8), bytes(8))
        if a and a.by_address():
            t, data, mask = ADDRESS, bytes(8), bytes(8)
        want.append((name, t, data, mask))
    why = check_slots(have, want, free)
    if not why and args_err != -22:
        why = f'bpf_get_func_arg() past the last: {args_err}'
    if not why and ret_err != (0 if is_exit else -95):
        why = f'bpf_get_func_ret(): {ret_err}'
    if not why and is_exit and f.ret and 'ret' not in free:
        why = check_slots([ret], [('ret', First(f.ret), *parts[-1][1:])], ())
    return why


class Address:
    sig, size = 'p', 8

    def slots(self, data):
        return [None]

    def check(self, got, data):
        raise NotImplementedError


class First:
    """The first word of a result."""

    def __init__(self, t):
        self.t, self.sig = t, t.sig

    def slots(self, data):
        return (slots(self.t, data) or [ANY])[:1]


ADDRESS = Address()


def objects(case):
    """The same through a compiled object: entry and exit program on every function."""
    plain, out = Run([case.exe]), case.exe.with_suffix('.slots')
    traced = under(case.utramp, 'run', out, [case.exe], '--lossless', '--missing', 'ignore',
                   '--attach', f'on_entry={case.spec}', '--attach', f'on_exit={case.spec}',
                   case.object)
    wrong, n = as_alone(traced, plain), 0
    got = (bytes.fromhex(r['hex']) for r in records(out))
    for f, parts in case.program.calls():
        times = case.times.get(f.number, 1)
        kinds = [0] * times + [1] * times * (not case.only_entered(f))
        for is_exit in kinds:
            rec = next(got, None)
            assert rec, f'{n} records, more are due'
            n += 1
            why = check_record(case, f, parts, rec, is_exit)
            if why:
                wrong.append(f'{f} {"exit" if is_exit else "entry"}: {why}')
    more = sum(1 for _ in got)
    assert not more, f'{more} records more than runs'
    fail(wrong, n, 'runs')
    return f'{n} records'


def one_way(tap, opts, way, seed, where):
    program = Program(seed, opts.count, opts.rounds, way.language, way.family, way.version(),
                      way.wide)
    program.write(where)
    made = []
    tap.run(f'{way.name}, seed {seed}: built',
            lambda: made.append(Case(opts.utramp, way, program, build(way, where))))
    for case in made:
        case.object = opts.object
        tap.run(f'{way.name}: trace', trace, case)
        tap.run(f'{way.name}: object', objects, case)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('utramp')
    p.add_argument('object')
    p.add_argument('--seed', type=int, default=1, help='of the first way; each has one of its own')
    p.add_argument('--count', type=int, default=100, help='functions of a program')
    p.add_argument('--rounds', type=int, default=2, help='calls of each')
    p.add_argument('--ways', default='0:', metavar='FROM:TO')
    p.add_argument('--keep', help='keep sources and programs in this folder')
    opts = p.parse_args()
    tap, functions, skipped = Tap(), 0, 0
    first, last = (int(w) if w else None for w in opts.ways.split(':'))
    for i, way in list(enumerate(ways()))[first:last]:
        if way.missing():
            tap.n, skipped = tap.n + 1, skipped + 1
            print(f'ok {tap.n} - {way.name} # SKIP {way.missing()}')
            continue
        with tempfile.TemporaryDirectory(prefix='utramp-random-') as tmp:
            where = pathlib.Path(opts.keep or tmp).resolve() / f'way-{i}'
            where.mkdir(parents=True, exist_ok=True)
            one_way(tap, opts, way, opts.seed + i, where)
            functions += opts.count
    print(f'# {functions} functions, {skipped} ways skipped; {TOTAL}; '
          f'functions without exit: {dict(WITHOUT_EXIT)}')
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
