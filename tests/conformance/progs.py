"""progs.py - random programs that end and whose result is defined, at cpu v1 to v4.

A function is a row of units; jumps lead to the beginnings of units.  Three kinds:

    full    memory argument in r1, stack, helpers 5 and 6, local calls up to eight frames
    small   r0-r5 alone, at most 48 instructions, memory by address: may stand at a call site
    kernel  what the kernel's verifier must be able to follow: ctx (12 words) and stack, no
            helpers, accesses aligned, every instruction reachable; r0 is folded to 32 bits

In each function one register burns fuel for jumps back; every register is set before it is
read, again after each call.
"""
import random

import isa
from isa import ALU, ALU64, ATOMIC, JMP, JMP32, LDX, MEM, MEMSX, ST, STX
from model import MEM as MEM_AT

MEM_BYTES = 64
STACK_BYTES = 48
CORNERS = (0, 1, 2, 3, 7, 31, 32, 63, 64, 127, 128, 255, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
           0xffffffff, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 2,
           0xffffffff80000000, 0xffffffff7fffffff)
IMMS = (0, 1, 2, 3, 8, 31, 32, 63, 64, 127, 128, 255, 256, 32767, -1, -2, -128, -129, 65535,
        0x7fffffff, -0x80000000, -0x7fffffff)
PLAIN_ALU = [isa.ALU_OPS[k] for k in ('add', 'sub', 'mul', 'or', 'and', 'xor', 'mov')]
SHIFTS = [isa.ALU_OPS[k] for k in ('lsh', 'rsh', 'arsh')]
DIVISIONS = [isa.ALU_OPS[k] for k in ('div', 'mod')]
CONDITIONS_V1 = [v for v in isa.JUMP_OPS.values() if v < 0xa0]
CONDITIONS = list(isa.JUMP_OPS.values())
ATOMICS = [*isa.ATOMIC_OPS.values(), 0xf1, 0xf1]  # cmpxchg has more ways to go


class Function:
    """One function; out is a list of [opcode, dst, src, off, imm], jumps by unit."""

    def __init__(self, rng, kind, level, index, count, units):
        self.rng, self.kind, self.level = rng, kind, level
        self.index, self.count = index, count
        self.out, self.jumps, self.calls, self.starts = [], [], [], []
        self.regs = 6 if kind == 'small' else 10
        self.fuel = rng.randrange(6) if kind == 'small' else rng.randrange(6, 10)
        self.base = None
        if kind != 'small':
            self.base = rng.choice([r for r in range(6, 10) if r != self.fuel])
        self.begin()
        self.units(units)
        self.end()

    # -- parts ------------------------------------------------------------------

    def put(self, code, dst=0, src=0, off=0, imm=0):
        self.out.append([code, dst, src, off, imm])

    def lddw(self, dst, v):
        self.put(isa.LDDW, dst, 0, 0, v)
        self.put(0, 0, 0, 0, v >> 32)

    def value(self):
        pick = self.rng.random()
        if pick < 0.45:
            return self.rng.choice(CORNERS)
        return self.rng.getrandbits(8 if pick < 0.6 else 64)

    def imm(self):
        return self.rng.choice(IMMS) if self.rng.random() < 0.6 else \
            self.rng.getrandbits(32) - (1 << 31)

    def any(self):
        return self.rng.randrange(self.regs)

    def free(self):
        while True:
            r = self.any()
            if r not in (self.fuel, self.base):
                return r

    def set(self, r):
        if self.rng.random() < 0.4:
            self.put(ALU64 | 0xb0, r, 0, 0, self.imm())
        else:
            self.lddw(r, self.value())

    def begin(self):
        rng = self.rng
        if self.base is not None:
            self.put(ALU64 | 0xb8, self.base, 1)
        for r in range(self.regs):
            if r == self.fuel:
                back = 3 if self.index == 0 else rng.randrange(1, 3)
                self.put(ALU64 | 0xb0, r, 0, 0, back)
            elif r != self.base:
                self.set(r)
        if self.kind != 'small':
            for off in range(-STACK_BYTES, 0, 8):
                if rng.random() < 0.5:
                    self.put(STX | MEM | 0x18, 10, self.scalar(), off)
                else:
                    self.put(ST | MEM | 0x18, 10, 0, off, self.imm())

    def scalar(self):
        """Any register that holds no address."""
        while True:
            r = self.any()
            if r != self.base:
                return r

    def operand(self):
        """What may be read into a result: addresses are the same for all engines but the kernel."""
        return self.scalar() if self.kind == 'kernel' else self.any()

    def end(self):
        self.starts.append(len(self.out))
        for r in range(1, self.regs):
            if r != self.base:
                self.put(ALU64 | 0x20, 0, 0, 0, 31)
                self.put(ALU64 | 0x08, 0, r)
        if self.kind == 'kernel':
            self.put(ALU64 | 0xb8, 1, 0)
            self.put(ALU64 | 0x70, 1, 0, 0, 32)
            self.put(ALU64 | 0xa8, 0, 1)
            if self.index == 0:
                self.put(ALU64 | 0x60, 0, 0, 0, 32)
                self.put(ALU64 | 0x70, 0, 0, 0, 32)
        self.put(isa.EXIT)
        for at, unit in self.jumps:
            to = self.starts[min(unit, len(self.starts) - 1)] - at - 1
            self.out[at][4 if self.out[at][0] == isa.GOTOL else 3] = to

    # -- units --------------------------------------------------------------------

    def units(self, n):
        menu, weights = zip(*self.menu())
        limit = 28 if self.kind == 'small' else 100000
        must = self.rng.randrange(n) if self.kind == 'kernel' and self.index + 1 < self.count else -1
        for k in range(n):
            self.starts.append(len(self.out))
            if k == must:       # the verifier wants every function called
                self.local_call(1)
            else:
                self.rng.choices(menu, weights)[0]()
            if len(self.out) > limit:
                break

    def menu(self):
        menu = [(self.alu, 6), (self.unary, 2), (self.load, 3), (self.store, 3), (self.atomic, 2),
                (self.jump, 5), (self.loop, 1), (self.lddw_unit, 1)]
        if self.kind == 'full':
            menu += [(self.helper, 1), (self.frame_pointer, 1)]
        if self.kind == 'kernel':
            menu += [(self.ctx_load, 2 if self.index == 0 else 0)]
        if self.level >= 4:
            menu += [(self.ordered, 1)] + [(self.may_goto, 0.5)] * (self.kind != 'small')
        if self.index + 1 < self.count:
            menu += [(self.local_call, 1.5)]
        return menu

    def width(self):
        return ALU if self.level >= 3 and self.rng.random() < 0.5 else ALU64

    def alu(self):
        rng, cls = self.rng, self.width()
        by_reg, imm, off = rng.random() < 0.5, self.imm(), 0
        op = rng.choice(rng.choice((PLAIN_ALU, PLAIN_ALU, SHIFTS, DIVISIONS)))
        if op in SHIFTS and self.kind != 'full':
            imm &= 31 if cls == ALU else 63
        if op in DIVISIONS:
            imm += not imm
            off = rng.randrange(2) if self.level >= 4 else 0
        if op == 0xb0 and by_reg and self.level >= 4:
            off = rng.choice((0, 8, 16) if cls == ALU else (0, 8, 16, 32))
        if by_reg:
            self.put(cls | op | 8, self.free(), self.operand(), off)
        else:
            self.put(cls | op, self.free(), 0, off, imm)

    def unary(self):
        dst, bits = self.free(), self.rng.choice((16, 32, 64))
        pick = self.rng.randrange(4 if self.level >= 4 else 3)
        if pick == 0:
            self.put(0x80 | self.width(), dst)
        else:
            self.put((0xd4, 0xdc, 0xd7)[pick - 1], dst, 0, 0, bits)

    def lddw_unit(self):
        self.lddw(self.free(), self.value())

    def place(self, size, aligned, avoid=()):
        """(register, offset) of size bytes: at r10, at base, or at any register loaded here."""
        rng = self.rng
        align = size if aligned or self.kind == 'kernel' else 1
        stack = self.kind == 'kernel' or self.kind == 'full' and rng.random() < 0.5
        self.stack = stack
        room = STACK_BYTES if stack else MEM_BYTES
        at = rng.randrange(0, room - size + 1) // align * align
        if stack and rng.random() < 0.6:
            return 10, at - room
        if self.kind == 'full' and not stack and rng.random() < 0.4:
            return self.base, at
        r = self.free()
        while r in avoid:
            r = self.free()
        off = rng.choice((0, 8, -8, 127, -128, 128, -129, 32767, -32768, rng.randrange(-999, 999)))
        if self.kind == 'small':
            self.lddw(r, MEM_AT + at - off & isa_mask)
        else:
            self.put(ALU64 | 0xb8, r, 10 if stack else self.base)
            self.put(ALU64, r, 0, 0, at - off - (room if stack else 0))
        return r, off

    def load(self):
        code, size = self.rng.choice(list(isa.SIZES.values()))
        sign = size < 8 and self.level >= 4 and self.rng.random() < 0.5
        reg, off = self.place(size, False)
        self.put(LDX | (MEMSX if sign else MEM) | code, self.free(), reg, off)
        if self.out[-1][1] != reg:
            self.spoil(reg)

    def store(self):
        code, size = self.rng.choice(list(isa.SIZES.values()))
        reg, off = self.place(size, False)
        if self.rng.random() < 0.5:
            self.put(ST | MEM | code, reg, 0, off, self.imm())
        else:
            self.put(STX | MEM | code, reg, self.source(reg), off)
        self.spoil(reg)

    def source(self, reg):
        """What to store through reg: no address of the stack."""
        while True:
            r = self.operand()
            if r != reg or not self.stack:
                return r

    def spoil(self, reg):
        """An address of the stack must not reach the result."""
        if reg != 10 and self.stack:
            self.set(reg)

    def atomic(self):
        rng = self.rng
        op = rng.choice(ATOMICS) if self.level >= 3 else 0
        code, size = rng.choice((isa.SIZES['w'], isa.SIZES['dw']))
        reg, off = self.place(size, True, avoid=(0,) if op == 0xf1 else ())
        src = self.source(reg)
        if op & 1 and op != 0xf1:
            while src in (self.fuel, self.base) or self.stack and src == reg:
                src = self.free()
        if op == 0xf1 and 0 == self.fuel:
            op = 0
        if op == 0xf1 and rng.random() < 0.6:   # what is there is what it expects
            if rng.random() < 0.5:
                self.put(LDX | MEM | code, 0, reg, off)
            else:                               # of the upper half of r0 whatever it is
                self.put(STX | MEM | code, reg, 0, off)
        self.put(STX | ATOMIC | code, reg, src, off, op)
        if op == 0xf1 and size == 4 and self.kind == 'kernel':
            self.put(ALU | 0xbc, 0, 0)          # see kernel_test.py
        self.spoil(reg)

    def ordered(self):
        """Load-acquire or store-release: of all widths, and aligned."""
        code, size = self.rng.choice(list(isa.SIZES.values()))
        reg, off = self.place(size, True)
        if self.rng.random() < 0.5:
            self.put(STX | ATOMIC | code, self.free(), reg, off, isa.LOAD_ACQ)
            if self.out[-1][1] != reg:
                self.spoil(reg)
        else:
            self.put(STX | ATOMIC | code, reg, self.source(reg), off, isa.STORE_REL)
            self.spoil(reg)

    def may_goto(self):
        self.jumps.append((len(self.out), len(self.starts) + self.rng.randrange(4)))
        self.put(isa.MAY_GOTO)

    def condition(self):
        ops = CONDITIONS if self.level >= 2 else CONDITIONS_V1
        cls = JMP32 if self.level >= 3 and self.rng.random() < 0.5 else JMP
        return cls, self.rng.choice(ops)

    def put_condition(self, unit):
        """A conditional jump to a unit, its operands often equal or neighbours."""
        rng, (cls, op) = self.rng, self.condition()
        dst, imm = self.operand(), self.imm()
        close = rng.random() < 0.4 and dst not in (self.fuel, self.base)
        if close:
            near = max(-(1 << 31), min((1 << 31) - 1, imm + rng.randrange(-1, 2)))
            self.put(ALU64 | 0xb0, dst, 0, 0, near)
        if rng.random() < 0.5:
            src = self.operand()
            if close and src not in (dst, self.fuel, self.base):
                self.put(ALU64 | 0xb0, src, 0, 0, imm)
            self.jumps.append((len(self.out), unit))
            self.put(cls | op | 8, dst, src)
        else:
            self.jumps.append((len(self.out), unit))
            self.put(cls | op, dst, 0, 0, imm)

    def jump(self):
        ahead = len(self.starts) + self.rng.randrange(6)
        if self.rng.random() < 0.2:
            if self.kind == 'kernel':           # what lies behind must stay reachable
                cls, op = self.condition()
                self.put(cls | op, self.operand(), 0, 1, self.imm())
            self.jumps.append((len(self.out), ahead))
            self.put(isa.GOTOL if self.level >= 4 and self.rng.random() < 0.5 else isa.JA)
        else:
            self.put_condition(ahead)

    def loop(self):
        """Back to any unit while there is fuel: by the fuel itself, or by any condition."""
        back = self.rng.randrange(len(self.starts))
        self.put(ALU64 | 0x10, self.fuel, 0, 0, 1)
        if self.rng.random() < 0.5:
            self.jumps.append((len(self.out), back))
            self.put(JMP | 0x60, self.fuel, 0, 0, 0)            # jsgt
        else:
            at = len(self.out)
            self.put(JMP | 0x60 | 0, self.fuel, 0, 1, 0)
            self.jumps.append((len(self.out), len(self.starts)))
            self.put(isa.JA)
            self.put_condition(back)
            assert self.out[at][3] == 1

    def after_call(self):
        for r in range(1, 6):
            self.set(r)

    def helper(self):
        self.put(isa.CALL, 0, 0, 0, self.rng.choice((5, 6)))
        self.after_call()

    def local_call(self, step=None):
        if not step:
            step = 1 if self.rng.random() < 0.7 else self.rng.randrange(1, self.count - self.index)
        self.put(ALU64 | 0xb8, 1, self.base)
        self.calls.append((len(self.out), self.index + step))
        self.put(isa.CALL, 0, 1)
        self.after_call()

    def ctx_load(self):
        size = self.rng.choice((1, 2, 4, 8))
        code = {n: c for c, n in isa.SIZES.values()}[size]
        self.put(LDX | MEM | code, self.free(), self.base, self.rng.randrange(96 // size) * size)

    def frame_pointer(self):
        """r10 as an operand of what does not depend on where it points."""
        r, pick = self.free(), self.rng.randrange(4)
        if pick < 3:
            there, back = ((0x08, 0x18), (0x18, 0x08), (0xa8, 0xa8))[pick]
            self.put(ALU64 | there, r, 10)
            self.put(ALU64 | back, r, 10)
        else:
            self.put(STX | MEM | 0x18, 10, 10, -8)
            self.put(LDX | MEM | 0x18, r, 10, -8)
            self.put(JMP | 0x18, r, 10, 1)                      # jeq
            self.put(ALU64 | 0xb0, r, 0, 0, 77)
            self.put(ALU64 | 0x18, r, 10)
            self.put(ST | MEM | 0x18, 10, 0, -8, self.imm())


isa_mask = (1 << 64) - 1


def program(seed, kind):
    """(bytes of the program, bytes of its memory)"""
    rng = random.Random(seed)
    level = rng.choice((1, 2, 3, 4, 4))
    shape = 0.0 if kind == 'small' else rng.random()
    if shape < 0.6:
        count, units = 1, rng.randrange(6, 40)
    elif shape < 0.85:
        count, units = rng.randrange(2, 4), rng.randrange(5, 16)
    else:
        count, units = rng.randrange(4, 9), rng.randrange(3, 7)
    funcs = [Function(rng, kind, level, n, count, units) for n in range(count)]
    start, at = [], 0
    for f in funcs:
        start.append(at)
        at += len(f.out)
    code = []
    for n, f in enumerate(funcs):
        for call, to in f.calls:
            f.out[call][4] = start[to] - (start[n] + call) - 1
        code += f.out
    mem = b'' if kind == 'kernel' else rng.randbytes(MEM_BYTES)
    return b''.join(isa.insn(*i) for i in code), mem
