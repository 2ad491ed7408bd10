"""cases_refused.py - what is no program, and the words that must say why."""
import isa
from casefile import File
from isa import ALU, ALU64, ATOMIC, JMP, JMP32, LDX, MEM, MEMSX, ST, STX, insn

EXIT = insn(isa.EXIT)
BEGIN = b''.join(insn(ALU64 | 0xb0, r, imm=1) for r in range(10))   # every register has a value
AT = 'insn 10'
RESERVED = 'a reserved field is not zero'
NONE = 'no such instruction'
WRONG = {'dst': dict(dst=1), 'src': dict(src=1), 'off': dict(off=1), 'imm': dict(imm=1)}


def legal():
    """(name, fields of a legal instruction, what of it is reserved)"""
    for cls, tail in ((ALU64, ''), (ALU, '32')):
        for name, op in isa.ALU_OPS.items():
            if name in ('div', 'mod'):
                yield f'{name}{tail} imm', dict(code=cls | op, dst=1, imm=1), ('src',)
                yield f'{name}{tail} reg', dict(code=cls | op | 8, dst=1, src=2), ('imm',)
            elif name == 'mov':
                yield f'mov{tail} imm', dict(code=cls | op, dst=1, imm=1), ('src', 'off')
                yield f'mov{tail} reg', dict(code=cls | op | 8, dst=1, src=2), ('imm',)
                yield f'movsx8{tail}', dict(code=cls | op | 8, dst=1, src=2, off=8), ('imm',)
            else:
                yield f'{name}{tail} imm', dict(code=cls | op, dst=1, imm=1), ('src', 'off')
                yield f'{name}{tail} reg', dict(code=cls | op | 8, dst=1, src=2), ('off', 'imm')
        yield f'neg{tail}', dict(code=cls | 0x80, dst=1), ('src', 'off', 'imm')
    for name, code in (('le', 0xd4), ('be', 0xdc), ('bswap', 0xd7)):
        yield name, dict(code=code, dst=1, imm=32), ('src', 'off')
    for cls, tail in ((JMP, ''), (JMP32, '32')):
        for name, op in isa.JUMP_OPS.items():
            yield f'{name}{tail} imm', dict(code=cls | op, dst=1), ('src',)
            yield f'{name}{tail} reg', dict(code=cls | op | 8, dst=1, src=2), ('imm',)
    yield 'may_goto', dict(code=isa.MAY_GOTO), ('dst', 'src', 'imm')
    yield 'ja', dict(code=isa.JA), ('dst', 'src', 'imm')
    yield 'gotol', dict(code=isa.GOTOL), ('dst', 'src', 'off')
    yield 'exit', dict(code=isa.EXIT), ('dst', 'src', 'off', 'imm')
    yield 'call', dict(code=isa.CALL, imm=5), ('dst', 'off')
    yield 'local call', dict(code=isa.CALL, src=1, imm=1), ('dst', 'off')
    for name, (size, n) in isa.SIZES.items():
        yield f'ldx{name}', dict(code=LDX | MEM | size, dst=1, src=2), ('imm',)
        if n < 8:
            yield f'ldxs{name}', dict(code=LDX | MEMSX | size, dst=1, src=2), ('imm',)
        yield f'st{name}', dict(code=ST | MEM | size, dst=1), ('src',)
        yield f'stx{name}', dict(code=STX | MEM | size, dst=1, src=2), ('imm',)


def reserved():
    """Each field that RFC 9669 reserves, in each instruction, set to 1."""
    f = File('reserved')
    for name, fields, free in legal():
        for field in free:
            f.refused(f'{name}: {field}', BEGIN + insn(**{**fields, **WRONG[field]}) + EXIT + EXIT,
                      AT, RESERVED)
    second = insn(0)
    for field in WRONG:
        if field != 'imm':
            f.refused(f'second half of lddw: {field}', BEGIN + insn(isa.LDDW) +
                      insn(0, **WRONG[field]) + EXIT, AT, RESERVED)
    f.refused('second half of lddw: opcode', BEGIN + insn(isa.LDDW) + insn(0xb7) + EXIT, AT,
              RESERVED)
    f.refused('lddw: off', BEGIN + insn(isa.LDDW, off=1) + second + EXIT, AT, RESERVED)
    return f


def known():
    """Opcodes that are instructions, ours or not: the others are none."""
    codes = {fields['code'] for _, fields, _ in legal()} | {isa.LDDW}
    codes |= {STX | ATOMIC | size for size, _ in isa.SIZES.values()}
    codes |= {0x8d, 0x0d, isa.MAY_GOTO}         # callx, gotox, may_goto
    return codes | {mode | size for mode in (0x20, 0x40) for size in (0x00, 0x08, 0x10)}


def fields(f):
    """Fields with a range of their own."""
    for cls, tail in ((ALU64, ''), (ALU, '32')):
        for name in ('div', 'mod'):
            op = isa.ALU_OPS[name]
            f.refused(f'{name}{tail} by an immediate of 0', BEGIN + insn(cls | op, 1) + EXIT, AT,
                      'division by zero')
            for off in (2, -1, 8, 256):
                f.refused(f'{name}{tail} with offset {off}', BEGIN +
                          insn(cls | op | 8, 1, 2, off) + EXIT, AT, RESERVED)
        for off in (2, 4, 7, 9, 24, 31, 33, 64, -8, 32 if cls == ALU else 33 * 8):
            f.refused(f'mov{tail} from {off} bits', BEGIN + insn(cls | 0xb8, 1, 2, off) + EXIT, AT,
                      'sign extension from a width that does not exist')
        bits = 64 if cls == ALU64 else 32
        for name in ('lsh', 'rsh', 'arsh'):
            for n in (bits, bits + 1, 255, -1):
                f.refused(f'{name}{tail} by {n}', f'mov r0, 1\n{name}{tail} r0, {n}\nexit',
                          'insn 1', 'shift by more than')
    for code, name in ((0xd4, 'le'), (0xdc, 'be'), (0xd7, 'bswap')):
        for bits in (0, 8, 15, 24, 48, 128, -16):
            f.refused(f'{name} of {bits} bits', BEGIN + insn(code, 1, imm=bits) + EXIT, AT,
                      'byte swap of a width')
    for size, name in ((0x18, ''), (0x00, '32')):
        for op in (0x10, 0x02, 0xe0, 0xf0, 0x51 | 0x100, -1, 0x20, 0xb1):
            f.refused(f'atomic{name} {op:#x}', BEGIN + insn(STX | ATOMIC | size, 1, 2, 0, op) + EXIT,
                      AT, 'no such atomic operation')
    for size, name in ((0x10, '8'), (0x08, '16')):
        for op, word in ((0x00, 'add'), (0x01, 'fetch_add'), (0xe1, 'xchg'), (0xf1, 'cmpxchg')):
            f.refused(f'atomic {word} of {name} bits', BEGIN +
                      insn(STX | ATOMIC | size, 1, 2, 0, op) + EXIT, AT, NONE)
    for src in range(3, 11):
        f.refused(f'call of kind {src}', BEGIN + insn(isa.CALL, src=src) + EXIT, AT,
                  'no such kind of call')
    for src in range(7, 11):
        f.refused(f'lddw of kind {src}', BEGIN + insn(isa.LDDW, src=src) + insn(0) + EXIT, AT,
                  'no such kind of 64-bit load')


def by_name(f):
    """What others have and we do not."""
    f.refused('a kernel variable', BEGIN + insn(isa.LDDW, src=3) + insn(0) + EXIT, AT, 'ksym')
    for src in (5, 6):
        f.refused(f'lddw of kind {src}', BEGIN + insn(isa.LDDW, src=src) + insn(0) + EXIT, AT,
                  'by index')
    f.refused('callx', BEGIN + insn(0x8d, imm=1) + EXIT, AT, 'callx')
    f.refused('gotox', BEGIN + insn(0x0d, 1) + EXIT, AT, 'gotox')
    f.refused('an arena cast', BEGIN + insn(ALU64 | 0xb8, 1, 2, 1) + EXIT, AT, 'arena')
    for mode, name in ((0x20, 'abs'), (0x40, 'ind')):
        for size in (0x00, 0x08, 0x10):
            f.refused(f'packet load {name} {size:#x}', BEGIN + insn(mode | size) + EXIT, AT,
                      'packet')


def registers(f):
    for r in range(11, 16):
        f.refused(f'r{r} as destination', BEGIN + insn(ALU64 | 0xb0, r) + EXIT, AT, 'no such register')
        f.refused(f'r{r} as source', BEGIN + insn(ALU64 | 0xb8, 1, r) + EXIT, AT, 'no such register')
    for name, code in (('mov imm', insn(ALU64 | 0xb0, 10)), ('add', insn(ALU64, 10, imm=8)),
                       ('neg', insn(ALU64 | 0x80, 10)), ('be', insn(0xdc, 10, imm=16)),
                       ('ldx', insn(LDX | MEM, 10, 1)), ('lddw', isa.lddw(10, 1)),
                       ('fetch_add', insn(STX | ATOMIC | 0x18, 1, 10, 0, 1)),
                       ('xchg', insn(STX | ATOMIC, 1, 10, 0, 0xe1))):
        f.refused(f'{name} writes r10', BEGIN + code + EXIT, AT, 'r10 is read-only')
    for r in (0, 3, 6, 9):
        f.refused(f'r{r} is read, and nobody set it', f'mov r1, r{r}\nmov r0, 0\nexit', 'insn 0',
                  f'r{r} is read')
    f.refused('r0 is not set at the end', 'exit', 'insn 0', 'r0 is read')
    f.refused('r3 does not outlive a call', 'mov r1, 0\nmov r3, 1\ncall 5\nmov r0, r3\nexit',
              'insn 3', 'r3 is read')


def flow(f):
    leaves = 'leaves the function'
    f.refused('ja past the end', 'mov r0, 0\nja +1\nexit', 'insn 1', leaves)
    f.refused('ja before the beginning', 'mov r0, 0\nja -3\nexit', 'insn 1', leaves)
    f.refused('jeq past the end', 'mov r0, 0\njeq r0, 1, +1\nexit', 'insn 1', leaves)
    f.refused('jeq32 far behind the end', 'mov r0, 0\njeq32 r0, 1, +32767\nexit', 'insn 1', leaves)
    f.refused('gotol far behind the end', 'mov r0, 0\ngotol +2147483647\nexit', 'insn 1', leaves)
    f.refused('gotol far before the beginning', 'mov r0, 0\ngotol -2147483648\nexit', 'insn 1', leaves)
    f.refused('a jump into the middle of lddw', 'mov r0, 0\nja +1\nlddw r0, 1\nexit', 'insn 1',
              'middle of insn 2')
    f.refused('a jump into another function', '''
        mov r0, 0
        jeq r0, 1, inside
        call local other
        exit
        other: mov r0, 1
        inside: exit''', 'insn 1', leaves)
    f.refused('the end without exit', 'mov r0, 0', 'insn 0', 'ends without exit')
    f.refused('a conditional jump at the end', 'mov r0, 0\nexit\njeq r0, 0, -2', 'insn 2',
              'ends without exit')
    f.refused('a call at the end', 'mov r1, 0\nexit\ncall 5', 'insn 2', 'ends without exit')
    f.refused('half a lddw', BEGIN + insn(isa.LDDW), AT, 'second half')
    f.refused('nothing', b'', 'at least one')
    call = 'which is no instruction'
    f.refused('a call past the end', 'call local +1\nexit', 'insn 0', call)
    f.refused('a call before the beginning', 'call local -2\nexit', 'insn 0', call)
    f.refused('a call into the middle of lddw', 'call local +2\nexit\nlddw r0, 1\nexit', 'insn 0', call)
    nesting = 'nest deeper than 8'
    f.refused('a function that calls itself', 'call local -1\nexit', nesting)
    f.refused('two functions that call each other', '''
        call local a
        exit
        a: call local b
        exit
        b: call local a
        exit''', nesting)
    f.refused('nine frames', '\n'.join(
        [f'f{k}: call local f{k + 1}\nexit' for k in range(8)] + ['f8: mov r0, 0\nexit']), nesting)


def stack(f):
    for name, n in (('b', 1), ('h', 2), ('w', 4), ('dw', 8)):
        for off in sorted({0, 1, 1 - n, -513, -512 - n, 32767, -32768}):
            f.refused(f'ldx{name} at r10{off:+}', f'ldx{name} r0, [r10{off:+}]\nexit', 'insn 0',
                      'outside the stack', f'r10{off:+}')
            f.refused(f'st{name} at r10{off:+}', f'mov r0, 0\nst{name} [r10{off:+}], 1\nexit',
                      'insn 1', 'outside the stack', f'r10{off:+}')
    f.refused('atomics at the end of the stack', 'mov r0, 0\nlock add [r10-4], r0\nexit', 'insn 1',
              'outside the stack')
    f.refused('a helper that there is not', 'call 4711\nexit', 'insn 0', 'unknown helper #4711')
    f.refused('a kfunc that there is not', 'call kfunc 4711\nexit', 'insn 0', 'unknown kfunc #4711')


def refused():
    f = File('refused')
    for code in sorted(set(range(256)) - known()):
        f.refused(f'opcode {code:#04x}', BEGIN + insn(code, 1) + EXIT, AT, NONE)
    fields(f)
    by_name(f)
    registers(f)
    flow(f)
    stack(f)
    return f
