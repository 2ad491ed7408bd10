#!/usr/bin/env python3
"""table_test.py ENGINES - every operation on every pair of small and edge values.

Arithmetic and conditions of both widths, by register and by immediate, on all pairs out of
VALUES: all of four bits, and what lies at the edges of 8, 16, 32 and 64.  The engines against
model.alu() and model.taken().  tests/unit/bpf/table_test.c has every pair of registers instead.
"""
import struct
import sys

import engines
import isa
import model
from isa import ALU64, JMP

M64 = (1 << 64) - 1
VALUES = sorted({v & M64 for v in [
    *range(16), *range(-9, 0), *(1 << b for b in (5, 6, 7, 8, 15, 16, 31, 32, 62, 63)),
    31, 33, 63, 65, 127, 255, 0x7fff, 0xffff, 0x7fffffff, 0x80000001, 0xffffffff,
    0x100000001, 0xfffffffe, (1 << 63) - 1, (1 << 63) + 1, -128, -129, -32768, -(1 << 31),
    -(1 << 31) - 1, 0x0123456789abcdef]})
IMMS = sorted({model.signed(v, 32) for v in VALUES})
PAIRS = [struct.pack('<QQ', a, b) for a in VALUES for b in VALUES]
REGISTERS = ((0, 2), (4, 3))     # the JIT moves rax, rdx, rcx out of the way; table_test.c has all
ALU = [(op, 0) for op in isa.ALU_OPS.values()] + [(0x30, 1), (0x90, 1)]
MOVSX = [(0xb0, 8), (0xb0, 16), (0xb0, 32)]


def around(one, dst, src):
    """dst and src loaded from memory, one, and both stored back; r0 is what [r1] is then."""
    base = isa.insn(ALU64 | 0xb8, 9, 1)
    load, store = isa.LDX | isa.MEM | 0x18, isa.STX | isa.MEM | 0x18
    code = base + isa.insn(load, dst, 9, 0)
    if src is not None:
        code += isa.insn(load, src, 9, 8)
    code += one + isa.insn(store, 9, dst, 0)
    if src is not None:
        code += isa.insn(store, 9, src, 8)
    return code + isa.insn(load, 0, 9, 0) + isa.insn(isa.EXIT)


def marked(jump, dst, src):
    """r0: 2 if the jump is taken, 1 if not; memory as it was."""
    load = isa.LDX | isa.MEM | 0x18
    code = isa.insn(load, dst, 1, 0) + (isa.insn(load, src, 1, 8) if src is not None else b'')
    return code + jump + isa.insn(ALU64 | 0xb0, 0, imm=1) + isa.insn(isa.EXIT) + \
        isa.insn(ALU64 | 0xb0, 0, imm=2) + isa.insn(isa.EXIT)


def alu_jobs():
    """(job, function of a and b that gives a's new value)"""
    for cls, bits in ((isa.ALU, 32), (ALU64, 64)):
        for op, off in ALU + [m for m in MOVSX if m[1] < bits]:
            for dst, src in REGISTERS:
                yield engines.Job(around(isa.insn(cls | op | 8, dst, src, off), dst, src), PAIRS), \
                    lambda a, b, op=op, off=off, bits=bits: model.alu(op, off, a, b, bits)
        one = [struct.pack('<Q', v) for v in VALUES]
        for op, off in ALU:
            for imm in IMMS:
                if op in (0x30, 0x90) and not imm:
                    continue
                yield engines.Job(around(isa.insn(cls | op, 3, 0, off, imm), 3, None), one), \
                    lambda a, b, op=op, off=off, bits=bits, imm=imm: \
                    model.alu(op, off, a, imm, bits)
        for dst in (0, 4, 7):
            yield engines.Job(around(isa.insn(cls | 0x80, dst), dst, None), one), \
                lambda a, b, bits=bits: model.alu(0x80, 0, a, 0, bits)
    for op in (0xd4, 0xdc, 0xd7):
        for bits in (16, 32, 64):
            yield engines.Job(around(isa.insn(op, 4, 0, 0, bits), 4, None), one), \
                lambda a, b, op=op, bits=bits: model.swap(op, a, bits)


def jump_jobs():
    """(job, function of a and b: is it taken)"""
    one = [struct.pack('<Q', v) for v in VALUES]
    for cls, bits in ((JMP, 64), (isa.JMP32, 32)):
        for op in isa.JUMP_OPS.values():
            for dst, src in REGISTERS[:1]:
                yield engines.Job(marked(isa.insn(cls | op | 8, dst, src, 2), dst, src), PAIRS), \
                    lambda a, b, op=op, bits=bits: model.taken(op, a, b, bits)
            for imm in IMMS:
                yield engines.Job(marked(isa.insn(cls | op, 6, 0, 2, imm), 6, None), one), \
                    lambda a, b, op=op, bits=bits, imm=imm: model.taken(op, a, imm, bits)


def wrong(job, runs, expect, is_jump):
    """The first disagreement of a job, as a text; None: none."""
    if isinstance(runs, str):
        return f'refused: {runs}'
    for mem, run in zip(job.mems, runs):
        a = int.from_bytes(mem[:8], 'little')
        b = int.from_bytes(mem[8:], 'little')
        v = expect(a, b)
        r0 = (2 if v else 1) if is_jump else v
        after = mem if is_jump else v.to_bytes(8, 'little') + mem[8:]
        if run.r0 != (r0,) * 4 or run.differ or run.mem != after:
            return (f'a {a:#x} b {b:#x}: model {r0:#x}, engines '
                    f'{", ".join(hex(r) for r in run.r0)}, memory {run.mem.hex()}')
    return None


def check(program, pairs, is_jump):
    """(number of operations, disagreements)"""
    bad, total = [], 0
    while pairs:
        some, pairs = pairs[:100], pairs[100:]
        for (job, expect), runs in zip(some, engines.run(program, [job for job, _ in some])):
            total += len(job.mems)
            why = wrong(job, runs, expect, is_jump)
            if why:
                bad.append(f'{isa.decode(job.code)}: {why}')
    return total, bad


def main():
    failed = 0
    print('TAP version 13\n1..2')
    for n, (name, jobs) in enumerate((('arithmetic', alu_jobs), ('conditions', jump_jobs)), 1):
        total, bad = check(sys.argv[1], list(jobs()), jobs is jump_jobs)
        print('not ok' if bad else 'ok', n, f'- {name}: {total} operations on {len(VALUES)} values')
        for line in bad[:5]:
            print('#', line)
        failed += bool(bad)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
