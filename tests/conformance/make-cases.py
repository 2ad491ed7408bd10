#!/usr/bin/env python3
"""make-cases.py - write the .data files beside it: eBPF programs and what they return.

A third opinion beside interpreter and JIT: results come from Python's integers, or, where
a case is written out, from thinking.  Run by hand; the files are committed.
File format: tests/unit/bpf/cases_test.c; text of instructions: tests/unit/bpf/asmtext.h.
"""
import pathlib

HERE = pathlib.Path(__file__).parent
M64, M32 = (1 << 64) - 1, (1 << 32) - 1


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def quotient(a, b):         # towards zero
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def alu(op, a, b, bits):
    mask = (1 << bits) - 1
    ua, ub, sa, sb = a & mask, b & mask, signed(a, bits), signed(b, bits)
    shift = ub % bits
    return {
        'add': lambda: ua + ub, 'sub': lambda: ua - ub, 'mul': lambda: ua * ub,
        'div': lambda: ua // ub if ub else 0, 'mod': lambda: ua % ub if ub else ua,
        'sdiv': lambda: quotient(sa, sb) if sb else 0,
        'smod': lambda: sa - sb * quotient(sa, sb) if sb else ua,
        'or': lambda: ua | ub, 'and': lambda: ua & ub, 'xor': lambda: ua ^ ub,
        'lsh': lambda: ua << shift, 'rsh': lambda: ua >> shift, 'arsh': lambda: sa >> shift,
        'mov': lambda: ub, 'movsx8': lambda: signed(b, 8), 'movsx16': lambda: signed(b, 16),
        'movsx32': lambda: signed(b, 32),
    }[op]() & mask


class File:
    def __init__(self, name):
        self.name, self.out, self.n = name, [], 0

    def case(self, name, asm, result, mem=None):
        self.n += 1
        self.out.append(f'-- case {name}\n-- asm\n' + '\n'.join(
            line.strip() for line in asm.strip().splitlines()))
        if mem:
            self.out.append('-- mem\n' + ' '.join(f'{b:02x}' for b in mem))
        self.out.append(f'-- result\n{result & M64:#x}\n')

    def write(self):
        text = '# Written by make-cases.py.\n' + '\n'.join(self.out)
        (HERE / (self.name + '.data')).write_text(text)
        return self.n


def arithmetic():
    f = File('arithmetic')
    values = {
        'add': [(40, 2), (M64, 1), (0x7fffffff, 1), (-5, -6)],
        'sub': [(2, 40), (1 << 32, 1), (0, -(1 << 63)), (-1, 7)],
        'mul': [(0x123456789, 0x10), (-3, 7), (0xffffffff, 0xffffffff), (1 << 40, 1 << 30)],
        'div': [(1000, 7), (-1, 2), (5, 0), (1 << 63, M64)],
        'mod': [(1000, 7), (-1, 10), (0x100000005, 0), (M64, 1 << 32)],
        'sdiv': [(-1000, 7), (1000, -7), (-(1 << 63), -1), (-(1 << 31), -1), (9, 0)],
        'smod': [(-1000, 7), (1000, -7), (-(1 << 63), -1), (-13, -4), (-9, 0)],
        'or': [(0xf0f0, 0x0ff0), (1 << 63, 1)],
        'and': [(0xf0f0f0f0f0, 0x0ffffffff0), (-1, 0x80000000)],
        'xor': [(0xaaaa5555aaaa5555, 0xffff0000ffff0000), (77, 77)],
        'lsh': [(1, 40), (0xdeadbeef, 4), (3, 63), (1, 64), (5, 32)],
        'rsh': [(-1, 4), (1 << 63, 63), (0x80000000, 31), (0x1234, 96)],
        'arsh': [(-16, 2), (1 << 63, 62), (0x80000000, 31), (0x7000000080000000, 32)],
        'mov': [(7, -1), (7, 0x8000000012345678)],
        'movsx8': [(0, 0x1ff), (0, 0x17f)], 'movsx16': [(0, 0x18000), (0, 0x7fff)],
        'movsx32': [(0, 0x180000000), (0, 0x7fffffff)],
    }
    for op, pairs in values.items():
        for bits, tail in ((64, ''), (32, '32')):
            if bits == 32 and op == 'movsx32':
                continue
            for k, (a, b) in enumerate(pairs):
                want = alu(op, a, b, bits)
                f.case(f'{op}{tail} by register, {k}', f'''
                    lddw r0, {a & M64:#x}
                    lddw r3, {b & M64:#x}
                    {op}{tail} r0, r3
                    exit''', want)
                if op.startswith('movsx') or signed(b, 64) != signed(b, 32):
                    continue
                if (op in ('div', 'mod', 'sdiv', 'smod') and not b) or \
                        (op in ('lsh', 'rsh', 'arsh') and b >= bits):
                    continue
                f.case(f'{op}{tail} by immediate, {k}', f'''
                    lddw r4, {a & M64:#x}
                    {op}{tail} r4, {signed(b, 32)}
                    mov r0, r4
                    exit''', want)
    for v in (0x0123456789abcdef, 0xfedcba9876543210):
        raw = v.to_bytes(8, 'little')
        for bits in (16, 32, 64):
            cut = raw[:bits // 8]
            for op, order in (('le', 'little'), ('be', 'big'), ('bswap', 'big')):
                f.case(f'{op}{bits} of {v:#x}', f'''
                    lddw r5, {v:#x}
                    {op}{bits} r5
                    mov r0, r5
                    exit''', int.from_bytes(cut, order))
    for v in (0, 1, -1, 1 << 63, 1 << 31, 0x123456789):
        f.case(f'neg of {v}', f'lddw r0, {v & M64:#x}\nneg r0\nexit', -v)
        f.case(f'neg32 of {v}', f'lddw r0, {v & M64:#x}\nneg32 r0\nexit', -v & M32)
    f.case('mov32 clears the upper half of its own register', '''
        mov r6, -1
        mov32 r6, r6
        mov r0, r6
        exit''', M32)
    f.case('add32 clears the upper half even when adding 0', '''
        mov r2, -1
        add32 r2, 0
        mov r0, r2
        exit''', M32)
    f.case('division by itself', 'mov r3, 12\ndiv r3, r3\nmov r0, r3\nexit', 1)
    f.case('r0 and r3 survive a division elsewhere', '''
        mov r0, 100
        mov r3, 200
        mov r7, 1000
        mov r8, 33
        div r7, r8
        add r0, r3
        mul r0, r7
        exit''', 300 * 30)
    f.case('r4 survives shifts of others, and shifts itself', '''
        mov r4, 3
        mov r5, 1
        mov r6, 7
        lsh r5, r6
        lsh r4, r4
        mov r0, r4
        add r0, r5
        exit''', (3 << 3) + 128)
    return f.write()


def jumps():
    f = File('jumps')
    relation = {
        'jeq': lambda a, b, sa, sb: a == b, 'jne': lambda a, b, sa, sb: a != b,
        'jgt': lambda a, b, sa, sb: a > b, 'jge': lambda a, b, sa, sb: a >= b,
        'jlt': lambda a, b, sa, sb: a < b, 'jle': lambda a, b, sa, sb: a <= b,
        'jset': lambda a, b, sa, sb: a & b != 0, 'jsgt': lambda a, b, sa, sb: sa > sb,
        'jsge': lambda a, b, sa, sb: sa >= sb, 'jslt': lambda a, b, sa, sb: sa < sb,
        'jsle': lambda a, b, sa, sb: sa <= sb,
    }
    pairs = [(5, 5), (-1, 1), (0x100000000, 0), (0x80000000, 0x7fffffff)]
    for op, holds in relation.items():
        for bits, tail in ((64, ''), (32, '32')):
            mask = (1 << bits) - 1
            for a, b in pairs:
                yes = holds(a & mask, b & mask, signed(a, bits), signed(b, bits))
                f.case(f'{op}{tail} {a}, {b}', f'''
                    mov r0, 10
                    lddw r1, {a & M64:#x}
                    lddw r2, {b & M64:#x}
                    {op}{tail} r1, r2, there
                    add r0, 1
                    exit
                    there: add r0, 2
                    exit''', 12 if yes else 11)
                if signed(b, 32) == b:
                    f.case(f'{op}{tail} {a}, immediate {b}', f'''
                        mov r0, 10
                        lddw r9, {a & M64:#x}
                        {op}{tail} r9, {b}, there
                        add r0, 1
                        exit
                        there: add r0, 2
                        exit''', 12 if yes else 11)
    f.case('a loop adds 1 to 100', '''
        mov r0, 0
        mov r1, 100
        again: add r0, r1
        sub r1, 1
        jne r1, 0, again
        exit''', 5050)
    f.case('goto backwards', '''
        mov r0, 1
        ja first
        second: lsh r0, 4
        exit
        first: add r0, 2
        ja second''', 48)
    f.case('gotol over code', 'mov r0, 3\ngotol end\nmov r0, 4\nend: exit', 3)
    f.case('a jump to the next instruction', 'mov r0, 9\nja +0\njeq r0, 9, +0\nexit', 9)
    f.case('code behind exit is dead', 'mov r0, 1\nexit\nmov r0, 2\nexit', 1)
    f.case('Collatz of 27 takes 111 steps', '''
        mov r0, 0
        mov r1, 27
        step: jeq r1, 1, end
        add r0, 1
        jset r1, 1, odd
        rsh r1, 1
        ja step
        odd: mul r1, 3
        add r1, 1
        ja step
        end: exit''', 111)
    return f.write()


def memory():
    f = File('memory')
    data = bytes([0x11, 0x82, 0x33, 0xf4, 0x55, 0x66, 0x77, 0x98, 0xa9, 0x0a, 0xbb, 0xcc])
    for name, n in (('b', 1), ('h', 2), ('w', 4), ('dw', 8)):
        for at in (0, 1, 3, 4):
            chunk = data[at:at + n]
            f.case(f'ldx{name} at {at}', f'ldx{name} r0, [r1+{at}]\nexit',
                   int.from_bytes(chunk, 'little'), data)
            if n < 8:
                f.case(f'ldxs{name} at {at}', f'ldxs{name} r0, [r1+{at}]\nexit',
                       int.from_bytes(chunk, 'little', signed=True), data)
        v = 0xfedcba9876543210
        low = v & ((1 << 8 * n) - 1)
        around = int.from_bytes(data[:8], 'little')
        after = (around & ~(((1 << 8 * n) - 1) << 0)) | low
        f.case(f'stx{name} leaves the neighbours', f'''
            lddw r7, {v:#x}
            stx{name} [r1+0], r7
            ldxdw r0, [r1+0]
            exit''', after, data)
        f.case(f'st{name} cuts or extends its immediate', f'''
            st{name} [r1+0], -2
            ldxdw r0, [r1+0]
            exit''', (around & ~((1 << 8 * n) - 1)) | (-2 & ((1 << 8 * n) - 1)), data)
        f.case(f'stack: stx{name} and ldx{name}', f'''
            lddw r2, {v:#x}
            stdw [r10-16], -1
            stx{name} [r10-16], r2
            ldx{name} r0, [r10-16]
            exit''', low)
    f.case('r2 is the length of the memory', 'mov r0, r2\nexit', len(data), data)
    f.case('no memory: length 0', 'mov r0, r2\nexit', 0)
    f.case('the lowest byte of the stack', '''
        stb [r10-512], 77
        stb [r10-1], 1
        ldxb r0, [r10-512]
        ldxb r1, [r10-1]
        add r0, r1
        exit''', 78)
    f.case('a pointer into the stack by arithmetic', '''
        mov r2, r10
        add r2, -32
        stdw [r10-24], 5
        ldxdw r0, [r2+8]
        exit''', 5)
    f.case('r10 as the value stored and compared', '''
        stxdw [r10-8], r10
        ldxdw r1, [r10-8]
        mov r0, 0
        jne r1, r10, end
        mov r2, r10
        sub r2, r1
        mov r0, 1
        add r0, r2
        end: exit''', 1)
    f.case('lddw takes all 64 bits', 'lddw r0, 0x8877665544332211\nexit', 0x8877665544332211)
    f.case('lddw of a small negative', 'lddw r0, -2\nexit', -2)
    f.case('memory is reversed in place', '''
        mov r3, r1
        mov r4, r1
        add r4, r2
        again: sub r4, 1
        jge r3, r4, done
        ldxb r5, [r3+0]
        ldxb r6, [r4+0]
        stxb [r3+0], r6
        stxb [r4+0], r5
        add r3, 1
        ja again
        done: ldxdw r0, [r1+0]
        exit''', int.from_bytes(data[::-1][:8], 'little'), data)
    fnv = 0xcbf29ce484222325
    for b in data:
        fnv = (fnv ^ b) * 0x100000001b3 & M64
    f.case('FNV-1a over the memory', '''
        lddw r0, 0xcbf29ce484222325
        lddw r3, 0x100000001b3
        add r2, r1
        next: jge r1, r2, end
        ldxb r4, [r1+0]
        xor r0, r4
        mul r0, r3
        add r1, 1
        ja next
        end: exit''', fnv, data)
    return f.write()


def atomics():
    f = File('atomics')
    combine = {'add': lambda a, b: a + b, 'or': lambda a, b: a | b, 'and': lambda a, b: a & b,
               'xor': lambda a, b: a ^ b, 'xchg': lambda a, b: b}
    old, v = 0xf0f1f2f3f4f5f6f7, 0x1122334455667788
    for bits, tail in ((64, ''), (32, '32')):
        mask = (1 << bits) - 1
        for op, fn in combine.items():
            now = (fn(old, v) & mask) | (old & ~mask)
            fetch = 'xchg' if op == 'xchg' else 'fetch_' + op
            for base, set_base in (('r10-8', ''), ('r5-8', 'mov r5, r10\n')):
                head = f'{set_base}lddw r3, {old:#x}\nstxdw [r10-8], r3\nlddw r2, {v:#x}\n'
                if op != 'xchg':
                    f.case(f'lock {op}{tail} [{base}]: memory',
                           head + f'lock {op}{tail} [{base}], r2\nldxdw r0, [r10-8]\nexit', now)
                f.case(f'lock {fetch}{tail} [{base}]: memory',
                       head + f'lock {fetch}{tail} [{base}], r2\nldxdw r0, [r10-8]\nexit', now)
                f.case(f'lock {fetch}{tail} [{base}]: old value',
                       head + f'lock {fetch}{tail} [{base}], r2\nmov r0, r2\nexit', old & mask)
            f.case(f'lock {fetch}{tail} into r0', f'''
                lddw r3, {old:#x}
                stxdw [r10-8], r3
                mov r0, 3
                lock {fetch}{tail} [r10-8], r0
                exit''', old & mask)
        for equal in (True, False):
            expect = old if equal else old ^ 1
            head = f'''
                lddw r3, {old:#x}
                stxdw [r10-8], r3
                lddw r0, {expect:#x}
                lddw r6, {v:#x}
                lock cmpxchg{tail} [r10-8], r6
                '''
            word = 'equal' if equal else 'different'
            f.case(f'cmpxchg{tail}, {word}: r0', head + 'exit', old & mask)
            now = (v & mask) | (old & ~mask) if equal else old
            f.case(f'cmpxchg{tail}, {word}: memory', head + 'ldxdw r0, [r10-8]\nexit', now)
            f.case(f'cmpxchg{tail}, {word}: the source stays', head + 'mov r0, r6\nexit', v)
    f.case('xadd with the address as its own operand', '''
        stdw [r10-8], 0
        mov r7, r10
        add r7, -8
        lock add [r7+0], r7
        ldxdw r0, [r10-8]
        sub r0, r10
        exit''', -8)
    return f.write()


def calls():
    f = File('calls')
    f.case('helper 5 returns its argument', 'mov r1, 1234\ncall 5\nexit', 1234)
    f.case('r6-r9 survive a helper', '''
        mov r6, 1
        mov r7, 20
        mov r8, 300
        mov r9, 4000
        mov r1, 50000
        call 5
        add r0, r6
        add r0, r7
        add r0, r8
        add r0, r9
        exit''', 54321)
    f.case('the stack survives a helper', '''
        stdw [r10-64], 99
        mov r1, 1
        call 5
        ldxdw r1, [r10-64]
        add r0, r1
        exit''', 100)
    f.case('a local call', '''
        mov r1, 6
        call local square
        exit
        square: mov r0, r1
        mul r0, r1
        exit''', 36)
    f.case('five arguments', '''
        mov r1, 1
        mov r2, 2
        mov r3, 3
        mov r4, 4
        mov r5, 5
        call local digits
        exit
        digits: mov r0, r1
        mul r0, 10
        add r0, r2
        mul r0, 10
        add r0, r3
        mul r0, 10
        add r0, r4
        mul r0, 10
        add r0, r5
        exit''', 12345)
    f.case('r6-r9 belong to the caller', '''
        mov r6, 1
        mov r7, 2
        mov r8, 4
        mov r9, 8
        call local spoil
        or r0, r6
        or r0, r7
        or r0, r8
        or r0, r9
        exit
        spoil: mov r6, 0
        mov r7, 0
        mov r8, 0
        mov r9, 0
        mov r0, 16
        exit''', 31)
    f.case('each frame has a stack of its own', '''
        stdw [r10-8], 7
        call local other
        ldxdw r0, [r10-8]
        exit
        other: stdw [r10-8], 9
        mov r0, 0
        exit''', 7)
    f.case('a callee writes through a pointer to our stack', '''
        mov r1, r10
        add r1, -16
        call local fill
        ldxdw r0, [r10-16]
        exit
        fill: stdw [r1+0], 4711
        stdw [r10-16], 1
        mov r0, 0
        exit''', 4711)
    deep = ['mov r6, 1', 'call local f1', 'add r0, r6', 'exit']
    for k in range(1, 8):
        deep += [f'f{k}: mov r6, {1 << 4 * k}', f'stxdw [r10-32], r6']
        if k < 7:
            deep += [f'call local f{k + 1}']
        else:
            deep += ['mov r0, 0']
        deep += ['ldxdw r1, [r10-32]', 'jne r1, r6, bad%d' % k, 'add r0, r6', f'bad{k}: exit']
    f.case('eight frames', '\n'.join(deep), 0x11111111)
    deep = []
    for k in range(8):
        deep += [f'g{k}: mov r6, {k + 1}', f'mov r7, {k + 11}', f'mov r8, {k + 21}',
                 f'mov r9, {k + 31}', f'call local g{k + 1}' if k < 7 else 'mov r0, 0']
        for reg, add in ((6, 1), (7, 11), (8, 21), (9, 31)):
            deep += [f'jne r{reg}, {k + add}, bad{k}']
        deep += ['add r0, r6', 'add r0, r9', 'exit', f'bad{k}: mov r0, -1', 'exit']
    f.case('eight frames, each with r6-r9 of its own', '\n'.join(deep),
           sum(k + 1 + k + 31 for k in range(8)))
    f.case('a call in a loop', '''
        mov r6, 0
        mov r7, 10
        again: mov r1, r6
        mov r2, r7
        call local sum
        mov r6, r0
        sub r7, 1
        jne r7, 0, again
        mov r0, r6
        exit
        sum: mov r0, r1
        add r0, r2
        exit''', 55)
    f.case('two callers of one function, one calls the other', '''
        mov r1, 3
        call local twice
        exit
        once: mov r0, r1
        add r0, 5
        exit
        twice: mov r6, r1
        call local once
        mov r1, r0
        call local once
        mul r0, r6
        exit''', 39)
    f.case('a call whose target lies before the caller', '''
        ja main
        main: mov r1, 2
        call local b
        exit
        a: mov r0, r1
        lsh r0, 3
        exit
        b: call local a
        add r0, 1
        exit''', 17)
    return f.write()


total = sum(make() for make in (arithmetic, jumps, memory, atomics, calls))
print(total, 'cases')
