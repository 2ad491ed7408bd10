"""cases_atomic.py - atomic operations: RFC 9669 5.3."""
from casefile import File, M64


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
    return f


COMBINE = {'add': lambda a, b: a + b, 'or': lambda a, b: a | b, 'and': lambda a, b: a & b,
           'xor': lambda a, b: a ^ b, 'xchg': lambda a, b: b}
OLD, NEW = 0xf0f1f2f3f4f5f6f7, 0x1122334455667788
MIX = '''
    ldxdw r0, [r10-16]
    ldxdw r1, [r10-32]
    mul r0, 31
    add r0, r1
    ldxdw r1, [r10-40]
    mul r0, 31
    add r0, r1
    ldxdw r1, [r10-48]
    mul r0, 31
    add r0, r1
    exit'''


def pairs():
    """Each operation, width, base (r0 to r10) and source: memory, r0, source and base after it."""
    f = File('pairs')
    ops = [(op, fetch) for op in ('add', 'or', 'and', 'xor') for fetch in (False, True)]
    for bits, tail in ((64, ''), (32, '32')):
        for op, fetch in ops + [('xchg', True)]:
            name = f'{"fetch_" if fetch and op != "xchg" else ""}{op}{tail}'
            for base in range(11):
                for src in range(10):
                    if src == base:
                        own_address(f, name, op, fetch, bits, base)
                    else:
                        pair(f, name, op, fetch, bits, base, src)
        for base in range(11):
            for src in range(10):
                for equal in (True, False):
                    if base not in (0, src):
                        exchange(f, f'cmpxchg{tail}', bits, base, src, equal)
    return f


def setup(base, src):
    """The cell at r10-16 through base - 9, source and r0 (unless it is one of them)."""
    lines = [f'lddw r{src}, {OLD:#x}', f'stxdw [r10-16], r{src}']
    if 0 not in (base, src):
        lines.append('mov r0, 77')
    if base != 10:
        lines += [f'mov r{base}, r10', f'add r{base}, -7']
    return lines + [f'lddw r{src}, {NEW:#x}']


def keep(base, src):
    """What MIX reads: source, r0 and how far base is from r10."""
    lines = [f'stxdw [r10-32], r{src}', f'stxdw [r10-40], r0']
    if base == 0:               # an address: no part of the result
        lines.append('stdw [r10-40], 0')
    elif base != 10:
        lines.append(f'sub r{base}, r10')
    lines.append(f'stxdw [r10-48], r{base}' if base not in (0, 10) else 'stdw [r10-48], -7')
    return lines


def mixed(memory, src, r0):
    total = 0
    for v in (memory, src, r0, -7):
        total = total * 31 + v
    return total


def pair(f, name, op, fetch, bits, base, src):
    mask = (1 << bits) - 1
    now = (COMBINE[op](OLD, NEW) & mask) | (OLD & ~mask)
    got = OLD & mask if fetch else NEW
    r0 = 0 if base == 0 else got if src == 0 else 77
    off = -16 if base == 10 else -9
    f.case(f'lock {name} [r{base}{off}], r{src}', '\n'.join(
        setup(base, src) + [f'lock {name} [r{base}{off}], r{src}'] + keep(base, src)) + MIX,
        mixed(now, got, r0))


def own_address(f, name, op, fetch, bits, base):
    """The operand is the address itself; what memory must be then is computed the other way."""
    other, probe = (base + 1) % 10, (base + 2) % 10
    tail = '' if bits == 64 else '32'
    part = 'dw' if bits == 64 else 'w'
    plain = 'mov' if op == 'xchg' else op
    f.case(f'lock {name} [r{base}-9], r{base}', f'''
        lddw r{other}, {OLD:#x}
        stxdw [r10-16], r{other}
        mov r{base}, r10
        add r{base}, -7
        {plain}{tail} r{other}, r{base}
        stxdw [r10-24], r{other}
        lock {name} [r{base}-9], r{base}
        stxdw [r10-32], r{base}
        ldx{part} r{probe}, [r10-16]
        ldx{part} r{other}, [r10-24]
        mov r0, 1
        {f'jeq r{probe}, r{other}, same' if 0 not in (probe, other) else same_of_r0(part)}
        mov r0, 2
        same: ldxdw r1, [r10-32]
        {'' if fetch else 'sub r1, r10'}
        add r0, r1
        exit''', 1 + ((OLD & ((1 << bits) - 1)) if fetch else -7))


def same_of_r0(part):
    """r0 has a part there: the two words are loaded once more."""
    return f'ldx{part} r2, [r10-16]\nldx{part} r3, [r10-24]\njeq r2, r3, same'


def exchange(f, name, bits, base, src, equal):
    """src 0: what is compared is what is stored."""
    mask = (1 << bits) - 1
    expect = OLD if equal else OLD ^ 2
    now = (NEW & mask) | (OLD & ~mask) if equal else OLD
    off = -16 if base == 10 else -9
    stored = NEW
    if src == 0:
        stored, now = OLD & mask, OLD
    f.case(f'lock {name} [r{base}{off}], r{src}, {"equal" if equal else "different"}', '\n'.join(
        setup(base, src) + [f'lddw r0, {expect:#x}', f'lock {name} [r{base}{off}], r{src}'] +
        keep(base, src)) + MIX, mixed(now, stored, OLD & mask))


SIZES = (('b', 1), ('h', 2), ('w', 4), ('dw', 8))


def ordered():
    """Load-acquire and store-release: each width, with each pair of registers."""
    f = File('ordered')
    for name, n in SIZES:
        part = (1 << 8 * n) - 1
        for base in range(11):
            for reg in range(10):
                off = -16 if base == 10 else -9
                if reg != base:
                    loaded = OLD & part
                    f.case(f'acq{name} r{reg}, [r{base}{off}]', '\n'.join(
                        setup(base, reg) + [f'acq{name} r{reg}, [r{base}{off}]'] +
                        keep(base, reg)) + MIX,
                        mixed(OLD, loaded, 0 if base == 0 else loaded if reg == 0 else 77))
                    f.case(f'rel{name} [r{base}{off}], r{reg}', '\n'.join(
                        setup(base, reg) + [f'rel{name} [r{base}{off}], r{reg}'] +
                        keep(base, reg)) + MIX,
                        mixed(OLD & ~part | NEW & part, NEW,
                              0 if base == 0 else NEW if reg == 0 else 77))
        for r in range(10):
            f.case(f'acq{name} r{r} through itself', f'''
                stdw [r10-16], -7
                mov r{r}, r10
                add r{r}, -7
                acq{name} r{r}, [r{r}-9]
                mov r0, r{r}
                exit''', -7 & part)
            f.case(f'rel{name} of the address in r{r} itself', f'''
                stdw [r10-16], 0
                mov r{r}, r10
                add r{r}, -16
                rel{name} [r{r}+0], r{r}
                ldxdw r{(r + 1) % 10}, [r10-16]
                mov r{(r + 2) % 10}, r10
                add r{(r + 2) % 10}, -16
                {'' if n == 8 else f'lsh r{(r + 2) % 10}, {64 - 8 * n}'}
                {'' if n == 8 else f'rsh r{(r + 2) % 10}, {64 - 8 * n}'}
                sub r{(r + 1) % 10}, r{(r + 2) % 10}
                mov r0, r{(r + 1) % 10}
                exit''', 0)
    return f
