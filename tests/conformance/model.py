"""model.py - what an eBPF program computes, by Python's integers.

An interpreter of its own, written from RFC 9669 (the sections are named), to be a third
opinion beside src/bpf/interp.c and the JIT.  It is stricter than both: what a program
reads must have been written, so that a result never hangs on chance.

Addresses are made up: the memory argument lies at MEM, the frames' stacks at STACK and below.
"""
import isa

M64, M32 = (1 << 64) - 1, (1 << 32) - 1
MEM = 0x300000000000      # where engines.c has it, too; ASan has lower ones
STACK = 0x7ffd12345000
FRAME, FRAMES = 512, 8
LOOPS = 8 << 20             # of may_goto in one call: BPF_MAX_LOOPS, include/linux/bpf.h


class Fault(Exception):
    """The program does what no program may."""


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - ((v >> (bits - 1)) << bits)


def quotient(a, b):
    """Towards zero."""
    return -(abs(a) // abs(b)) if (a < 0) != (b < 0) else abs(a) // abs(b)


def alu(op, off, a, b, bits):
    """4.1: both operands as they stand in the registers; op is the opcode's high nibble."""
    mask = (1 << bits) - 1
    ua, ub = a & mask, b & mask
    if op == 0x00:
        v = ua + ub
    elif op == 0x10:
        v = ua - ub
    elif op == 0x20:
        v = ua * ub
    elif op == 0x30:
        if off:
            v = quotient(signed(a, bits), signed(b, bits)) if ub else 0
        else:
            v = ua // ub if ub else 0
    elif op == 0x40:
        v = ua | ub
    elif op == 0x50:
        v = ua & ub
    elif op == 0x60:
        v = ua << (ub % bits)
    elif op == 0x70:
        v = ua >> (ub % bits)
    elif op == 0x80:
        v = -ua
    elif op == 0x90:
        if off:
            sa, sb = signed(a, bits), signed(b, bits)
            v = sa - sb * quotient(sa, sb) if ub else ua
        else:
            v = ua % ub if ub else ua
    elif op == 0xa0:
        v = ua ^ ub
    elif op == 0xb0:
        v = signed(b, off) if off else ub
    elif op == 0xc0:
        v = signed(a, bits) >> (ub % bits)
    else:
        raise Fault(f'no operation {op:#x}')
    return v & mask


def swap(code, a, bits):
    """4.2 on a little-endian machine: le only cuts."""
    order = 'little' if code == 0xd4 else 'big'
    return int.from_bytes((a & ((1 << bits) - 1)).to_bytes(bits // 8, 'little'), order)


def taken(op, a, b, bits):
    """4.3"""
    mask = (1 << bits) - 1
    a, b = a & mask, b & mask
    if op in (0x60, 0x70, 0xc0, 0xd0):
        a, b = signed(a, bits), signed(b, bits)
    if op == 0x10:
        return a == b
    if op == 0x50:
        return a != b
    if op == 0x40:
        return a & b != 0
    if op in (0x20, 0x60):
        return a > b
    if op in (0x30, 0x70):
        return a >= b
    if op in (0xa0, 0xc0):
        return a < b
    if op in (0xb0, 0xd0):
        return a <= b
    raise Fault(f'no condition {op:#x}')


def mix(r):
    return ((r[1] * 3 + r[2] * 5 + r[3] * 7 + r[4] * 11 + r[5] * 13) & M64) ^ r[1] >> 29


HELPERS = {5: lambda r: r[1], 6: mix}       # bpf-plugin's and engines.c's
WIDTH = {0x10: 1, 0x08: 2, 0x00: 4, 0x18: 8}
COMBINE = {0x00: lambda a, b: a + b, 0x40: lambda a, b: a | b, 0x50: lambda a, b: a & b,
           0xa0: lambda a, b: a ^ b, 0xe0: lambda a, b: b}


class Machine:
    def __init__(self, code):
        self.code = isa.decode(code)
        self.seen = bytearray(len(self.code))   # 1: executed or fell through, 2: jumped

    def run(self, mem=b'', ctx=(0, 0), fuel=100000):
        """r0; self.mem is the memory afterwards.  ctx: r1 and r2 if there is no memory."""
        self.mem = bytearray(mem)
        self.stack = bytearray(FRAME * FRAMES)
        self.written = bytearray(FRAME * FRAMES)
        self.r = [None] * 10 + [STACK]
        self.r[1], self.r[2] = (MEM, len(mem)) if mem else ctx
        self.calls, self.budget = [], [LOOPS]
        self.pc = 0
        while fuel:
            fuel -= 1
            if self.step():
                return self.r[0]
        raise Fault('out of fuel')

    # -- memory ---------------------------------------------------------------

    def place(self, addr, size):
        if MEM <= addr and addr + size <= MEM + len(self.mem):
            return self.mem, addr - MEM, None
        at = addr - (STACK - FRAME * FRAMES)
        if self.r[10] - FRAME <= addr and addr + size <= STACK:
            return self.stack, at, self.written
        raise Fault(f'access of {size} bytes at {addr:#x}')

    def load(self, addr, size):
        where, at, written = self.place(addr, size)
        if written is not None and not all(written[at:at + size]):
            raise Fault('reads of the stack what nobody wrote')
        return int.from_bytes(where[at:at + size], 'little')

    def store(self, addr, size, v):
        where, at, written = self.place(addr, size)
        where[at:at + size] = (v & ((1 << 8 * size) - 1)).to_bytes(size, 'little')
        if written is not None:
            written[at:at + size] = b'\1' * size

    def atomic(self, op, dst, src, off, imm):
        """5.3; load-acquire and store-release as in the kernel's Documentation/bpf/standardization"""
        r, size = self.r, WIDTH[op & 0x18]
        if imm == isa.LOAD_ACQ:
            r[dst] = self.load((r[src] + off) & M64, size)
            return
        addr = (r[dst] + off) & M64
        if imm == isa.STORE_REL:
            self.store(addr, size, r[src])
            return
        if size < 4 or addr % size:
            raise Fault('atomic operation of no such width, or unaligned')
        old, mask = self.load(addr, size), (1 << 8 * size) - 1
        if imm == 0xf1:
            if r[0] & mask == old:
                self.store(addr, size, r[src])
            r[0] = old
            return
        self.store(addr, size, COMBINE[imm & 0xf0](old, r[src]))
        if imm & 1:
            r[src] = old

    # -- calls ------------------------------------------------------------------

    def forget(self):
        for n in range(1, 6):
            self.r[n] = None

    def call(self, src, imm):
        if src == 1:
            self.calls.append((self.pc, self.r[6:10]))
            if len(self.calls) == FRAMES:
                raise Fault('too many frames')
            self.budget.append(LOOPS)
            self.r[10] -= FRAME
            low = self.r[10] - FRAME - (STACK - FRAME * FRAMES)
            self.written[low:low + FRAME] = bytes(FRAME)
            self.pc += imm
            return
        self.r[0] = HELPERS[imm](self.r)
        self.forget()

    def leave(self):
        if not self.calls:
            return True
        self.pc, self.r[6:10] = self.calls.pop()
        self.budget.pop()
        self.r[10] += FRAME
        self.forget()
        return False

    # -- one instruction ----------------------------------------------------------

    def jump(self, op, dst, src, off, imm):
        at, cls = self.pc - 1, op & 7
        if op == isa.EXIT:
            self.seen[at] |= 1
            return self.leave()
        if op == isa.CALL:
            self.seen[at] |= 1
            self.call(src, imm)
        elif op == isa.JA or op == isa.GOTOL:
            self.seen[at] |= 2
            self.pc += off if op == isa.JA else imm
        elif op == isa.MAY_GOTO:
            self.budget[-1] -= 1
            if self.budget[-1] < 0:
                self.seen[at] |= 2
                self.pc += off
            else:
                self.seen[at] |= 1
        else:
            b = self.r[src] if op & 8 else imm & M64
            if taken(op & 0xf0, self.r[dst], b, 64 if cls == isa.JMP else 32):
                self.seen[at] |= 2
                self.pc += off
            else:
                self.seen[at] |= 1
        return False

    def step(self):
        r = self.r
        op, dst, src, off, imm = self.code[self.pc]
        cls = op & 7
        self.pc += 1
        if cls in (isa.JMP, isa.JMP32):
            return self.jump(op, dst, src, off, imm)
        self.seen[self.pc - 1] |= 1
        if cls in (isa.ALU, isa.ALU64):
            bits = 64 if cls == isa.ALU64 else 32
            if op & 0xf0 == 0xd0:
                r[dst] = swap(op, r[dst], imm)
            elif op & 0xf0 == 0xb0:
                r[dst] = alu(0xb0, off, 0, r[src] if op & 8 else imm, bits)
            else:
                r[dst] = alu(op & 0xf0, off, r[dst], r[src] if op & 8 else imm, bits)
        elif cls == isa.LDX:
            size = WIDTH[op & 0x18]
            v = self.load((r[src] + off) & M64, size)
            r[dst] = signed(v, 8 * size) & M64 if op & 0xe0 == isa.MEMSX else v
        elif cls == isa.ST:
            self.store((r[dst] + off) & M64, WIDTH[op & 0x18], imm)
        elif cls == isa.STX:
            if op & 0xe0 == isa.ATOMIC:
                self.atomic(op, dst, src, off, imm)
            elif r[src] is None:
                raise Fault('stores a register that nobody set')
            else:
                self.store((r[dst] + off) & M64, WIDTH[op & 0x18], r[src])
        else:
            r[dst] = imm & M32 | (self.code[self.pc][4] & M32) << 32
            self.pc += 1
        return False
