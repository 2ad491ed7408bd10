"""cases_alu.py - arithmetic, moves, byte swaps: RFC 9669 4.1 and 4.2."""
from casefile import File, M32, M64, signed


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
    return f


CORNERS = (0, 1, -1, 2, -2, 7, -7, 1 << 31, -(1 << 31), (1 << 31) - 1, M32, 1 << 32, 1 << 63,
           (1 << 63) - 1, M64 - M32, 0x123456789abcdef0)
BY_ZERO = ('div', 'mod', 'sdiv', 'smod')
SHIFTS = ('lsh', 'rsh', 'arsh')
OPERATIONS = ('add', 'sub', 'mul', 'div', 'mod', 'sdiv', 'smod', 'or', 'and', 'xor', 'lsh', 'rsh',
              'arsh', 'mov')
EXTENSIONS = ('movsx8', 'movsx16', 'movsx32')


def edges():
    """Each operation on what lies at the edges of its width, both ways to give the operand."""
    f = File('edges')
    for op in OPERATIONS + EXTENSIONS:
        for bits, tail in ((64, ''), (32, '32')):
            if (op, bits) == ('movsx32', 32):
                continue
            for a in CORNERS[::2] if op in ('mov', *EXTENSIONS) else CORNERS:
                for b in CORNERS[:6] + CORNERS[8:9] if a not in (1 << 63, -(1 << 31)) else CORNERS:
                    f.case(f'{op}{tail} {a:#x}, register of {b:#x}', f'''
                        lddw r6, {a & M64:#x}
                        lddw r7, {b & M64:#x}
                        {op}{tail} r6, r7
                        mov r0, r6
                        exit''', alu(op, a, b, bits))
            immediates(f, op, tail, bits)
    for op in SHIFTS:
        for bits, tail in ((64, ''), (32, '32')):
            for n in (0, 1, 31, 32, 33, 63, 64, 65, 127, 255, -1, -64):
                f.case(f'{op}{tail} by a register of {n}', f'''
                    lddw r0, 0x8765432187654321
                    mov r1, {n}
                    {op}{tail} r0, r1
                    exit''', alu(op, 0x8765432187654321, n, bits))
    return f


def immediates(f, op, tail, bits):
    """Immediates are sign-extended, whatever the operation; shifts by more pass unverified only."""
    if op in EXTENSIONS:
        return
    for b in (0, 1, -1, 2, 31, 32, 63, 64, -128, 255, 0x7fffffff, -0x80000000):
        if op in BY_ZERO and not b:
            continue
        for a in (-5, 1 << 63, 0x80000000, 0xfedcba9876543210):
            f.case(f'{op}{tail} {a:#x}, immediate {b}', f'''
                lddw r0, {a & M64:#x}
                {op}{tail} r0, {b}
                exit''', alu(op, a, b, bits), unverified=op in SHIFTS and not 0 <= b < bits)


def registers():
    """Each operation with each pair of registers, and what it must leave alone."""
    f = File('registers')
    for op in OPERATIONS + EXTENSIONS:
        for bits, tail in ((64, ''), (32, '32')):
            if (op, bits) == ('movsx32', 32):
                continue
            for dst in range(10):
                src = (dst * 7 + bits // 32 + 3 * len(op)) % 10
                for src in {src, dst, 0 if dst == 4 else 4, 3 - dst % 3}:
                    registers_case(f, op, tail, bits, dst, src)
    return f


def registers_case(f, op, tail, bits, dst, src):
    value = [0x1000000000000001 * (r + 3) - (r << 33) & M64 for r in range(10)]
    after = list(value)
    after[dst] = alu(op, value[dst], value[src], bits)
    lines = [f'lddw r{r}, {v:#x}' for r, v in enumerate(value)] + [f'{op}{tail} r{dst}, r{src}']
    lines += [f'stxdw [r10-{8 * r + 8}], r{r}' for r in range(10)]
    total = 0
    lines.append('mov r0, 0')
    for r in range(10):
        total = (total * 31 + after[r]) & M64
        lines += ['mul r0, 31', f'ldxdw r1, [r10-{8 * r + 8}]', 'add r0, r1']
    f.case(f'{op}{tail} r{dst}, r{src} and all others', '\n'.join(lines + ['exit']), total)
