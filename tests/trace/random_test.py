#!/usr/bin/env python3
"""random_test.py UTRAMP SLOTS.BPF.O [--seed N] [--count N] - random calls, traced and untraced.

For gcc and clang at -O0 and -O2: a program of gen_calls.py runs alone, under `utramp trace -j`
of all its functions, and under `utramp run` of slots.bpf.o on all its functions.  The program
must print the same checksums and end alike; every argument and result must be reported as
passed, each call once, in order.
"""
import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from gen_calls import Program, check, slots
from harness import Run, Tap, records, same_program, under

FLAGS = ['-g', '-w', '-Wno-psabi', '-Wno-packed-bitfield-compat', '-Wno-unknown-warning-option',
         '-std=gnu11', '-fno-strict-aliasing']
SLOTS = 48  # of one record of slots.bpf.c
HEAD = struct.Struct('<IIqqQ')


def compile_program(cc, level, where):
    """Caller and callee apart, so that nothing is inlined or passed in another way."""
    exe = where / f'prog-{cc}{level}'
    sides = [subprocess.Popen([cc, *FLAGS, level, '-c', '-o', where / f'{s}{level}.o',
                               where / f'{s}.c']) for s in ('caller', 'callee')]
    assert not any(p.wait() for p in sides), f'{cc} {level} does not compile the program'
    subprocess.run([cc, '-o', exe, where / f'caller{level}.o', where / f'callee{level}.o'],
                   check=True)
    return exe


def entry_only(utramp, exe, program):
    """Functions that gcc and clang call differently have no exit; all others have."""
    got = {}
    for r in map(json.loads, Run([utramp, 'list', '-j', f'{exe}:fn_*']).stdout.splitlines()):
        got[r['func']] = r
    assert len(got) == len(program.functions), f'{len(got)} functions listed'
    none = {n for n, r in got.items() if r['attach'] != ['entry', 'exit']}
    for n in none:
        assert got[n]['attach'] == ['entry'] and 'stack arguments' in got[n]['reason'], got[n]
    assert len(none) * 20 <= len(got), f'{len(none)} functions without exit: {sorted(none)}'
    return none


KEYS = ['time_ns', 'pid', 'tid', 'module', 'func', 'args', 'ret', 'dur_ns']


def check_call(f, parts, got, disputed):
    """Why a line of trace -j is not this call; None."""
    if got.get('func') != f.name:
        return f'{got.get("func")} where {f.name} is due'
    names = [f'a{i}' for i in range(len(f.args))]
    args = got.get('args')
    if not isinstance(args, dict) or list(args) != names:
        return f'{f.name}: arguments {args}, not {names}'
    if f.name in disputed:
        return None if list(got) == KEYS[:-2] + ['entry'] and got['entry'] is True else got
    if list(got) != KEYS:
        return f'{f.name}: {got}'
    for name, (t, data, mask) in zip(names, parts):
        why = check(t, args[name], data, mask)
        if why:
            return f'{f.name}: {name} ({t.sig}): {why}'
    if not f.ret:
        return None if got.get('ret', 0) is None else f'{f.name}: void returned {got.get("ret")}'
    why = check(f.ret, got['ret'], *parts[-1][1:])
    return f'{f.name}: result ({f.ret.sig}): {why}' if why else None


def trace(utramp, exe, program):
    plain, out = Run([exe]), exe.with_suffix('.jsonl')
    traced = under(utramp, 'trace', out, [exe], f'{exe.name}:fn_*')
    same_program(traced, plain)
    assert traced.attached() == len(program.functions), traced.stderr
    assert not traced.lost(), traced.stderr
    calls, wrong, n = list(program.calls()), [], 0
    disputed = entry_only(utramp, exe, program)
    for n, got in enumerate(records(out, exact=True), 1):
        assert n <= len(calls), f'more than {len(calls)} lines'
        why = check_call(*calls[n - 1], got, disputed)
        if why:
            wrong.append(f'line {n}: {why}')
    assert n == len(calls), f'{n} lines for {len(calls)} calls'
    assert not wrong, f'{len(wrong)} of {n} calls wrong\n' + '\n'.join(wrong)
    return f'{n} calls, {len(disputed)} functions without exit'


def check_slots(got, parts):
    """Compare u64 slots with the values; None or why not."""
    want = []
    for t, data, mask in parts:
        masked = bytes(d & m for d, m in zip(data, mask))
        filled = bytes(d | (m ^ 0xff) for d, m in zip(data, mask))
        want += zip(slots(t, masked), slots(t, filled))
    if len(got) != len(want):
        return f'{len(got)} slots, not {len(want)}'
    for i, (g, (w, w_filled)) in enumerate(zip(got, want)):
        if w is None:
            if not g:
                return f'slot {i}: no address'
        elif g & ~(w ^ w_filled) & (1 << 64) - 1 != w & ~(w ^ w_filled) & (1 << 64) - 1:
            return f'slot {i}: {g:#x}, not {w:#x}'
    return None


def objects(utramp, exe, program, obj):
    """The same through a compiled object: entry and exit program on every function."""
    plain, out = Run([exe]), exe.with_suffix('.slots')
    spec = f'{exe.name}:fn_*'
    disputed = entry_only(utramp, exe, program)
    traced = under(utramp, 'run', out, [exe], '--lossless', '--missing', 'ignore',
                   '--attach', f'on_entry={spec}', '--attach', f'on_exit={spec}', obj)
    same_program(traced, plain)
    wrong, n = [], 0
    got = [bytes.fromhex(r['hex']) for r in records(out)]
    for f, parts in program.calls():
        args = parts[:len(f.args)]
        for is_exit in (0,) if f.name in disputed else (0, 1):
            assert n < len(got), f'{n} records, more are due'
            rec, n = got[n], n + 1
            kind, cnt, args_err, ret_err, ret = HEAD.unpack_from(rec)
            have = struct.unpack_from(f'<{cnt}Q', rec, HEAD.size) if cnt <= SLOTS else ()
            why = None if kind == is_exit else f'kind {kind}'
            if not why and f.name not in disputed:
                why = check_slots(have, args)
            if not why and args_err != -22:
                why = f'bpf_get_func_arg() past the last: {args_err}'
            if not why and ret_err != (0 if is_exit else -95):
                why = f'bpf_get_func_ret(): {ret_err}'
            if not why and is_exit and f.ret and f.ret.size:
                t, data, mask = parts[-1]
                first = t.size > 16 or len(data) <= 8
                why = check_slots([ret], [parts[-1]]) if first else None
            if why:
                wrong.append(f'{f.name} {"exit" if is_exit else "entry"}: {why}')
    assert n == len(got), f'{len(got)} records for {n} runs'
    assert not wrong, f'{len(wrong)} of {n} runs wrong\n' + '\n'.join(wrong)
    return f'{n} records'


def compiler(tap, opts, cc, where):
    program = Program(opts.seed, opts.count, opts.rounds, cc == 'clang')
    program.write(where)
    for level in ('-O0', '-O2'):
        exe = compile_program(cc, level, where)
        tap.run(f'{cc} {level}: trace', trace, opts.utramp, exe, program)
        tap.run(f'{cc} {level}: object', objects, opts.utramp, exe, program, opts.object)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('utramp')
    p.add_argument('object')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--count', type=int, default=500)
    p.add_argument('--rounds', type=int, default=2)
    opts = p.parse_args()
    tap = Tap()
    for cc in filter(shutil.which, ('gcc', 'clang')):
        with tempfile.TemporaryDirectory(prefix=f'utramp-random-{cc}-') as where:
            compiler(tap, opts, cc, pathlib.Path(where))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
