#!/usr/bin/env python3
"""random_test.py ENGINES [PROGRAMS] - random programs: the Python model against the engines.

Two thirds are of kind full, one third small, which run as bodies at their call site, too
(progs.py).  A third test asks whether the programs were any good: every instruction, and both
ways of every conditional jump, must have been executed.  Program N is the same in every
run: `random_test.py ENGINES --seed N` shows it.
"""
import os
import sys

import engines
import isa
import model
import progs

CHUNK = 500


def key(insn):
    """What must occur: opcode and the field that makes it another instruction."""
    op, _, src, off, imm = insn
    cls = op & 7
    if cls in (isa.ALU, isa.ALU64):
        return op, imm if op & 0xf0 == 0xd0 else off if op & 0xf0 in (0x30, 0x90, 0xb0) else 0
    if cls == isa.STX and op & 0xe0 == isa.ATOMIC:
        return op, imm
    return op, src if op == isa.CALL else 0


def all_keys():
    """Every instruction of RFC 9669 that progs.py may make, and how it may go on (1, 2: jumps)."""
    want = set()
    for cls in (isa.ALU, isa.ALU64):
        for op in isa.ALU_OPS.values():
            for src in (0, 8):
                want.add(((cls | op | src, 0), 1))
                if op in (0x30, 0x90):
                    want.add(((cls | op | src, 1), 1))
        for off in (8, 16) if cls == isa.ALU else (8, 16, 32):
            want.add(((cls | 0xb8, off), 1))
        want.add(((cls | 0x80, 0), 1))
    want |= {((op, bits), 1) for op in (0xd4, 0xdc, 0xd7) for bits in (16, 32, 64)}
    for cls in (isa.JMP, isa.JMP32):
        want |= {((cls | op | src, 0), way) for op in isa.JUMP_OPS.values() for src in (0, 8)
                 for way in (1, 2)}
    want |= {((isa.JA, 0), 2), ((isa.GOTOL, 0), 2), ((isa.EXIT, 0), 1), ((isa.LDDW, 0), 1),
             ((isa.CALL, 0), 1), ((isa.CALL, 1), 1), ((isa.MAY_GOTO, 0), 1)}
    for size, n in isa.SIZES.values():
        want |= {((isa.LDX | isa.MEM | size, 0), 1), ((isa.ST | isa.MEM | size, 0), 1),
                 ((isa.STX | isa.MEM | size, 0), 1)}
        want |= {((isa.STX | isa.ATOMIC | size, op), 1) for op in (isa.LOAD_ACQ, isa.STORE_REL)}
        if n < 8:
            want.add(((isa.LDX | isa.MEMSX | size, 0), 1))
        if n >= 4:
            want |= {((isa.STX | isa.ATOMIC | size, op), 1) for op in isa.ATOMIC_OPS.values()}
    return want


class Tally:
    def __init__(self):
        self.seen, self.insns, self.levels = {}, 0, {}

    def add(self, machine, code):
        level = isa.cpu_of(code)
        self.levels[level] = self.levels.get(level, 0) + 1
        for insn, ways in zip(machine.code, machine.seen):
            if ways:
                self.insns += 1
                k = key(insn)
                for way in (1, 2):
                    if ways & way:
                        self.seen[k, way] = self.seen.get((k, way), 0) + 1

    def show(self):
        least = sorted(self.seen.items(), key=lambda kv: kv[1])[:3]
        print(f'# {self.insns} instructions executed, {len(self.seen)} of {len(all_keys())} forms; by '
              'cpu level: ' + ', '.join(f'v{k} {n}' for k, n in sorted(self.levels.items())))
        print('# rarest: ' + ', '.join(f'{op:#04x}/{arg} way {way}: {n}'
                                       for ((op, arg), way), n in least))


def job(seed, kind):
    code, mem = progs.program(seed, kind)
    return engines.Job(code, [mem], engines.AS_BODY if kind == 'small' else engines.UNVERIFIED,
                       f'{kind} program {seed}')


def check(program, seeds, kind, tally):
    bad = []
    for first in range(0, len(seeds), CHUNK):
        jobs = [job(s, kind) for s in seeds[first:first + CHUNK]]
        for j, runs in zip(jobs, engines.run(program, jobs)):
            m = model.Machine(j.code)
            r0 = m.run(j.mems[0])
            tally.add(m, j.code)
            why = engines.compare(j, runs, [(r0, bytes(m.mem))])
            if why:
                bad.append(f'{j.what}: {why[0]}')
    return bad


def report(n, name, bad):
    print('not ok' if bad else 'ok', n, '-', name)
    for line in bad[:5]:
        print('#', line)
    return bool(bad)


def main():
    program = sys.argv[1]
    if '--seed' in sys.argv:
        seed = int(sys.argv[sys.argv.index('--seed') + 1])
        for kind in ('full', 'small'):
            print(kind, check(program, [seed], kind, Tally()))
            print('\n'.join(map(str, isa.decode(job(seed, kind).code))))
        return 0
    count = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get('UTRAMP_RUNS', 600))
    tally, failed = Tally(), 0
    full = range(count * 2 // 3)
    print('TAP version 13\n1..3')
    failed += report(1, f'{len(full)} programs: model, interpreter, checked interpreter and JIT',
                     check(program, full, 'full', tally))
    small = range(count - len(full))
    failed += report(2, f'{len(small)} small ones: the same, and at their call site',
                     check(program, small, 'small', tally))
    tally.show()
    missing = all_keys() - set(tally.seen)
    failed += report(3, 'every instruction was executed, every jump both ways',
                     [f'opcode {op:#04x}, field {arg}: way {way} never'
                      for (op, arg), way in sorted(missing)])
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
