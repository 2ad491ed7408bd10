"""isa.py - eBPF's instructions as Python sees them: numbers, and text into bytes.

Written from RFC 9669 alone; shares nothing with src/bpf.  The syntax of the text is that of
tests/unit/bpf/asmtext.h, so that both assemble the same .data files.
"""
import re
import struct

ALU_OPS = {'add': 0x00, 'sub': 0x10, 'mul': 0x20, 'div': 0x30, 'or': 0x40, 'and': 0x50, 'lsh': 0x60,
           'rsh': 0x70, 'mod': 0x90, 'xor': 0xa0, 'mov': 0xb0, 'arsh': 0xc0}
SIGNED_OPS = {'sdiv': ('div', 1), 'smod': ('mod', 1), 'movsx8': ('mov', 8), 'movsx16': ('mov', 16),
              'movsx32': ('mov', 32)}
JUMP_OPS = {'jeq': 0x10, 'jgt': 0x20, 'jge': 0x30, 'jset': 0x40, 'jne': 0x50, 'jsgt': 0x60,
            'jsge': 0x70, 'jlt': 0xa0, 'jle': 0xb0, 'jslt': 0xc0, 'jsle': 0xd0}
ATOMIC_OPS = {'add': 0x00, 'or': 0x40, 'and': 0x50, 'xor': 0xa0, 'fetch_add': 0x01,
              'fetch_or': 0x41, 'fetch_and': 0x51, 'fetch_xor': 0xa1, 'xchg': 0xe1,
              'cmpxchg': 0xf1}
SIZES = {'b': (0x10, 1), 'h': (0x08, 2), 'w': (0x00, 4), 'dw': (0x18, 8)}
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
MEM, MEMSX, ATOMIC = 0x60, 0x80, 0xc0
LDDW, CALL, EXIT, JA, GOTOL, MAY_GOTO = 0x18, 0x85, 0x95, 0x05, 0x06, 0xe5
LOAD_ACQ, STORE_REL = 0x100, 0x110


def insn(code, dst=0, src=0, off=0, imm=0):
    """Eight bytes; off and imm are cut to their widths."""
    off = (off & 0xffff) - ((off & 0x8000) << 1)
    imm = (imm & 0xffffffff) - ((imm & 0x80000000) << 1)
    return struct.pack('<BBhi', code, dst | src << 4, off, imm)


def lddw(dst, value, src=0):
    return insn(LDDW, dst, src, 0, value) + insn(0, imm=value >> 32)


def decode(code):
    """[(opcode, dst, src, off, imm)] of bytes; the second half of lddw stays an entry."""
    return [(op, regs & 15, regs >> 4, off, imm)
            for op, regs, off, imm in struct.iter_unpack('<BBhi', code)]


def cpu_of(code):
    """The lowest -mcpu=vN that has all these instructions (clang's levels)."""
    level, skip = 1, False
    for op, _, src, off, imm in decode(code):
        cls, need = op & 7, 1
        if skip:
            skip = False
            continue
        skip = op == LDDW
        if cls in (ALU, ALU64):
            if op & 0xf0 == 0xd0:
                need = 4 if cls == ALU64 else 1
            else:
                need = 4 if off else 3 if cls == ALU else 1
        elif cls == JMP32:
            need = 4 if op == GOTOL else 3
        elif cls == JMP and op & 0xf0 >= 0xa0:
            need = 4 if op == MAY_GOTO else 2
        elif cls == LDX and op & 0xe0 == MEMSX or cls == ST:
            need = 4 if cls == LDX else 1
        elif cls == STX and op & 0xe0 == ATOMIC:
            need = 4 if imm in (LOAD_ACQ, STORE_REL) else 3 if imm else 1
        level = max(level, need)
    return level


class AsmError(Exception):
    pass


def register(word):
    m = re.fullmatch(r'%?r(\d+)', word)
    if not m or int(m[1]) > 10:
        raise AsmError(f"not a register: '{word}'")
    return int(m[1])


def is_register(word):
    return re.fullmatch(r'%?r\d+', word) is not None


def number(word):
    return int(word.lstrip('+'), 0)


def address(word):
    m = re.fullmatch(r'\[(%?r\d+)([+-](?:0x)?[0-9a-fA-F]+)?\]', word)
    if not m:
        raise AsmError(f"not an address: '{word}'")
    return register(m[1]), number(m[2]) if m[2] else 0


def split32(name):
    return (name[:-2], True) if name.endswith('32') and name[:-2] else (name, False)


class Assembler:
    def __init__(self):
        self.out, self.labels, self.uses = [], {}, []

    def target(self, word, by_imm):
        if word[0] in '+-' or word.isdigit():
            return number(word)
        self.uses.append((len(self.out), word, by_imm))
        return 0

    def put(self, *fields):
        self.out.append(list(fields))

    def alu(self, op):
        name = op[0]
        swap = re.fullmatch(r'(le|be|bswap)(\d+)', name)
        if swap:
            code = {'le': 0xd4, 'be': 0xdc, 'bswap': 0xd7}[swap[1]]
            self.put(code, register(op[1]), 0, 0, int(swap[2]))
            return True
        if name in ('neg', 'neg32'):
            self.put(0x84 if name == 'neg32' else 0x87, register(op[1]), 0, 0, 0)
            return True
        if name in ALU_OPS or name in SIGNED_OPS:
            cls = ALU64
        else:
            name, narrow = split32(name)
            cls = ALU if narrow else ALU64
        name, off = SIGNED_OPS.get(name, (name, 0))
        if name not in ALU_OPS:
            return False
        if is_register(op[2]):
            self.put(ALU_OPS[name] | 8 | cls, register(op[1]), register(op[2]), off, 0)
        else:
            self.put(ALU_OPS[name] | cls, register(op[1]), 0, off, number(op[2]))
        return True

    def jump(self, op):
        name, narrow = split32(op[0])
        if op[0] == 'ja':
            self.put(JA, 0, 0, self.target(op[1], False), 0)
        elif op[0] == 'gotol':
            self.put(GOTOL, 0, 0, 0, self.target(op[1], True))
        elif op[0] == 'may_goto':
            self.put(MAY_GOTO, 0, 0, self.target(op[1], False), 0)
        elif op[0] == 'exit':
            self.put(EXIT, 0, 0, 0, 0)
        elif op[0] == 'call' and op[1] == 'local':
            self.put(CALL, 0, 1, 0, self.target(op[2], True))
        elif op[0] == 'call' and op[1] == 'kfunc':
            self.put(CALL, 0, 2, 0, number(op[2]))
        elif op[0] == 'call':
            self.put(CALL, 0, 0, 0, number(op[1]))
        elif name in JUMP_OPS:
            cls = JMP32 if narrow else JMP
            dst, to = register(op[1]), self.target(op[3], False)
            if is_register(op[2]):
                self.put(JUMP_OPS[name] | 8 | cls, dst, register(op[2]), to, 0)
            else:
                self.put(JUMP_OPS[name] | cls, dst, 0, to, number(op[2]))
        else:
            return False
        return True

    def memory(self, op):
        if op[0] == 'lock':
            name, narrow = split32(op[1])
            if name not in ATOMIC_OPS:
                return False
            base, off = address(op[2])
            self.put(STX | ATOMIC | (0 if narrow else 0x18), base, register(op[3]), off,
                     ATOMIC_OPS[name])
            return True
        m = re.fullmatch(r'(ldx|ldxs|stx|st)(b|h|w|dw)', op[0])
        if m and (m[1], m[2]) != ('ldxs', 'dw'):
            size = SIZES[m[2]][0]
            base, off = address(op[2] if m[1].startswith('ldx') else op[1])
            if m[1].startswith('ldx'):
                mode = MEMSX if m[1] == 'ldxs' else MEM
                self.put(LDX | mode | size, register(op[1]), base, off, 0)
            elif m[1] == 'stx':
                self.put(STX | MEM | size, base, register(op[2]), off, 0)
            else:
                self.put(ST | MEM | size, base, 0, off, number(op[2]))
            return True
        m = re.fullmatch(r'acq(b|h|w|dw)|rel(b|h|w|dw)', op[0])
        if not m:
            return False
        size = SIZES[m[1] or m[2]][0]
        if m[1]:
            base, off = address(op[2])
            self.put(STX | ATOMIC | size, register(op[1]), base, off, LOAD_ACQ)
        else:
            base, off = address(op[1])
            self.put(STX | ATOMIC | size, base, register(op[2]), off, STORE_REL)
        return True

    def line(self, text):
        text = re.split('[#;]', text)[0].strip()
        if ':' in text:
            label, text = text.split(':', 1)
            self.labels[label.strip()] = len(self.out)
        op = text.replace(',', ' ').split()
        if not op:
            return
        if op[0] == '.fill':
            for _ in range(number(op[1])):
                self.put(ALU64 | 0xb0, 5, 0, 0, 0)
        elif op[0] == 'lddw':
            value = number(op[2])
            self.put(LDDW, register(op[1]), 0, 0, value)
            self.put(0, 0, 0, 0, value >> 32)
        elif not (self.memory(op) or self.alu(op) or self.jump(op)):
            raise AsmError(f"unknown instruction '{text.strip()}'")

    def finish(self):
        for at, label, by_imm in self.uses:
            if label not in self.labels:
                raise AsmError(f"no label '{label}'")
            self.out[at][4 if by_imm else 3] = self.labels[label] - at - 1
        return b''.join(insn(*fields) for fields in self.out)


def assemble(text):
    a = Assembler()
    for line in text.splitlines():
        try:
            a.line(line)
        except (IndexError, ValueError) as e:
            raise AsmError(f"'{line.strip()}': {e}") from e
    return a.finish()
