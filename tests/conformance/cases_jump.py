"""cases_jump.py - jumps: RFC 9669 4.3."""
from casefile import File, M64, signed


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
    return f


RELATION = {
    'jeq': lambda a, b, sa, sb: a == b, 'jne': lambda a, b, sa, sb: a != b,
    'jgt': lambda a, b, sa, sb: a > b, 'jge': lambda a, b, sa, sb: a >= b,
    'jlt': lambda a, b, sa, sb: a < b, 'jle': lambda a, b, sa, sb: a <= b,
    'jset': lambda a, b, sa, sb: a & b != 0, 'jsgt': lambda a, b, sa, sb: sa > sb,
    'jsge': lambda a, b, sa, sb: sa >= sb, 'jslt': lambda a, b, sa, sb: sa < sb,
    'jsle': lambda a, b, sa, sb: sa <= sb,
}
PAIRS = ((0, 0), (1, 2), (2, 1), (-1, -1), (-1, 0), (0, -1), (1 << 63, (1 << 63) - 1),
         (1 << 31, (1 << 31) - 1), ((1 << 32) + 5, 5), (5, -5), (-(1 << 31), 1 << 31), (6, 9))


def holds(op, bits, a, b):
    mask = (1 << bits) - 1
    return RELATION[op](a & mask, b & mask, signed(a, bits), signed(b, bits))


def edges():
    """Each condition at its edges, by register and immediate, forward and backward."""
    f = File('conditions')
    for op in RELATION:
        for bits, tail in ((64, ''), (32, '32')):
            for a, b in PAIRS:
                yes = holds(op, bits, a, b)
                f.case(f'{op}{tail} {a:#x}, {b:#x}, backwards', f'''
                    lddw r7, {a & M64:#x}
                    lddw r8, {b & M64:#x}
                    ja test
                    there: mov r0, 2
                    exit
                    test: {op}{tail} r7, r8, there
                    mov r0, 1
                    exit''', 2 if yes else 1)
                if signed(b, 64) != signed(b, 32):
                    continue
                f.case(f'{op}{tail} {a:#x}, immediate {b:#x}, backwards', f'''
                    lddw r5, {a & M64:#x}
                    ja test
                    there: mov r0, 2
                    exit
                    test: {op}{tail} r5, {b}, there
                    mov r0, 1
                    exit''', 2 if yes else 1)
            for r in range(10):
                yes = holds(op, bits, 5, 5)
                f.case(f'{op}{tail} r{r}, r{r}', f'''
                    mov r{r}, 5
                    {op}{tail} r{r}, r{r}, there
                    mov r0, 1
                    exit
                    there: mov r0, 2
                    exit''', 2 if yes else 1)
    return f


def may_goto():
    """It falls through 8 M times in one call of a function, and jumps from then on."""
    f = File('may_goto')
    f.case('it does not jump at first', 'mov r0, 1\nmay_goto there\nmov r0, 2\nthere: exit', 2)
    f.case('over nothing', 'mov r0, 1\nmay_goto +0\nexit', 1)
    f.case('in a loop that ends', '''
        mov r0, 0
        again: may_goto end
        add r0, 1
        jlt r0, 1000, again
        end: exit''', 1000)
    f.case('all registers outlast it', '\n'.join(
        [f'mov r{r}, {r + 1}' for r in range(10)] + ['may_goto +0'] +
        [line for r in range(1, 10) for line in ('mul r0, 10', f'add r0, r{r}')] + ['exit']),
        int('1234567890') + 10)
    f.case('a function has a budget of its own', '''
        mov r6, 0
        mov r7, 0
        again: call local three
        add r7, r0
        add r6, 1
        jlt r6, 50, again
        mov r0, r7
        exit
        three: mov r0, 0
        inside: may_goto end
        add r0, 1
        jlt r0, 3, inside
        end: exit''', 150)
    f.case('a loop without end has one', '''
        mov r0, 0
        again: may_goto end
        add r0, 1
        ja again
        end: exit''', 8 << 20)
    f.case('a jump back', '''
        mov r0, 5
        ja test
        end: exit
        test: may_goto end
        mov r0, 6
        exit''', 6)
    return f


def distances():
    """As far as an offset reaches: 16 bits, and 32 for gotol, as far as a program is long."""
    f = File('distances')
    for n in (0, 1, 5, 29, 30, 31, 32, 33, 126, 127, 128, 32766):
        f.case(f'ja over {n}', f'mov r0, 1\nja there\n.fill {n}\nthere: add r0, 1\nexit', 2)
        f.case(f'jeq over {n}', f'''
            mov r0, 1
            jeq r0, 1, there
            .fill {n}
            there: add r0, 1
            exit''', 2)
    for n in (1, 29, 126, 127, 128, 32765):
        f.case(f'ja back over {n}', f'''
            mov r0, 1
            ja test
            back: add r0, 1
            exit
            .fill {n}
            test: ja back''', 2)
        f.case(f'jslt32 back over {n}', f'''
            mov r0, -1
            ja test
            back: add r0, 1
            exit
            .fill {min(n, 32760)}
            test: jslt32 r0, 0, back
            exit''', 0)
    for n in (0, 1, 127, 32767, 32768, 40000, 65536, 120000):
        f.case(f'gotol over {n}', f'mov r0, 1\ngotol there\n.fill {n}\nthere: add r0, 1\nexit', 2)
        f.case(f'gotol back over {n}', f'''
            mov r0, 1
            gotol test
            back: add r0, 1
            exit
            .fill {n}
            test: gotol back''', 2)
    f.case('a call over 70000', '''
        mov r1, 41
        call local far
        exit
        .fill 70000
        exit
        far: mov r0, r1
        add r0, 1
        exit''', 42)
    return f
