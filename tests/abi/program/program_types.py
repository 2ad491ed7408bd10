"""types.py - the types of generated programs: those of tests/unit/abi/gen_types.py, and C++'s.

Each type declares a variable, loads its bytes from the program's values, and folds those of its
bytes that carry data into a digest `s`, in C and here alike.  No byte that nobody wrote is read.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'unit/abi'))
from gen_types import (F128, F16, FLOATS, I128, INTS, POINTER, VECTORS, X80, CX80,  # noqa: E402
                       Aggregate, Complex, Generator)

PRIME = 0x9e3779b97f4a7c15
MASK64 = (1 << 64) - 1
MAX_SIZE = 300
INLINE_SIZE = 48  # larger ones are folded by a call
MS_ABI = [t for t in INTS + FLOATS + [POINTER] if t.size <= 8]
VARIADIC = [t for t in INTS + FLOATS + [POINTER, X80, VECTORS[16]]
            if t.sig in ('i32', 'u32', 'i64', 'u64', 'p', 'f64', 'x80', 'v128')]


def chunks(mask):
    """(offset, bytes) of loads of 8, 4, 2 or 1 bytes that touch no byte without data."""
    at = 0
    while at < len(mask):
        if not mask[at]:
            at += 1
            continue
        n = next(n for n in (8, 4, 2, 1) if at + n <= len(mask) and all(mask[at:at + n]))
        yield at, n
        at += n


def step(s, v):
    return (s ^ v) * PRIME & MASK64


def fold_c(base, mask):
    """C statements that fold the object at base (a char pointer) into s."""
    out = ''
    for at, n in chunks(mask):
        m = int.from_bytes(mask[at:at + n], 'little')
        out += f'\t{{ uint{8 * n}_t w; __builtin_memcpy(&w, {base} + {at}, {n}); '
        out += f's = (s ^ (w & {m:#x}ull)) * PRIME; }}\n'
    return out


def fold_py(s, data, mask):
    for at, n in chunks(mask):
        m = int.from_bytes(mask[at:at + n], 'little')
        s = step(s, int.from_bytes(data[at:at + n], 'little') & m)
    return s


class Class:
    """A C++ class that holds raw bytes, and a text about what else it is."""
    can_be_bits = False

    def __init__(self, name, size, text, offset=0):
        self.c = self.sig = name
        self.size, self.align, self.text, self.offset = size, 1, text, offset

    def decl(self, name):
        return f'{self.c} {name}'

    def mask(self):
        return b'\xff' * self.size

    def value(self, r):
        return r.randbytes(self.size)

    def load(self, name, at):
        return f'\t{self.decl(name)};\n\t__builtin_memcpy({name}.raw, {at}, {self.size});\n'

    def fold(self, name, mask):
        return fold_c(f'(const char *){name}.raw', mask)


class String(Class):
    """std::string, short or on the heap by its first byte."""

    def __init__(self):
        super().__init__('std::string', 16, '')

    def load(self, name, at):
        return (f'\tstd::string {name}((const char *)({at}), 16);\n'
                f'\tif ({name}[0] & 1) {name}.append(40, {name}[1]);\n')

    def fold(self, name, mask):
        return fold_c(f'{name}.data()', mask)


class Unique(Class):
    """std::unique_ptr to bytes: moved, by invisible reference."""

    def __init__(self):
        super().__init__('std::unique_ptr<bytes16>', 16, '')

    def load(self, name, at):
        return (f'\t{self.c} {name}(new bytes16);\n'
                f'\t__builtin_memcpy({name}->raw, {at}, 16);\n')

    def fold(self, name, mask):
        return fold_c(f'(const char *){name}->raw', mask)


class MemberPointer(Class):
    """A pointer to a member function: two eightbytes, of which only which one it is is folded."""

    def __init__(self):
        super().__init__('picks', 1, '')

    def value(self, r):
        return bytes([r.randrange(4)])

    def load(self, name, at):
        return f'\tpicks {name} = picked[*({at}) & 3];\n'

    def fold(self, name, mask):
        return f'\ts = (s ^ ((&picker)->*{name})() & {mask[0]:#x}ull) * PRIME;\n'


class DataPointer(MemberPointer):
    def __init__(self):
        super().__init__()
        self.c = self.sig = 'fields'

    def load(self, name, at):
        return f'\tfields {name} = fielded[*({at}) & 3];\n'

    def fold(self, name, mask):
        return f'\ts = (s ^ picker.*{name} & {mask[0]:#x}ull) * PRIME;\n'


CLASSES = [
    Class('copied', 12, 'struct copied { unsigned char raw[12]; copied() {} copied(const copied &o) '
          '{ copies++; __builtin_memcpy(raw, o.raw, 12); } };'),
    Class('copied_big', 40, 'struct copied_big { long pad; unsigned char raw[40]; copied_big() : pad(1) {}'
          ' copied_big(const copied_big &o) : pad(o.pad + 1) '
          '{ copies++; __builtin_memcpy(raw, o.raw, 40); } };'),
    Class('dies', 8, 'struct dies { unsigned char raw[8]; dies() {} ~dies() { deaths++; } };'),
    Class('moves', 16, 'struct moves { unsigned char raw[16]; moves() {} moves(const moves &) = delete;'
          ' moves(moves &&) = default; };'),
    Class('moves_by_hand', 24, 'struct moves_by_hand { unsigned char raw[24]; moves_by_hand() {} '
          'moves_by_hand(moves_by_hand &&o) { copies++; __builtin_memcpy(raw, o.raw, 24); } };'),
    Class('made', 16, 'class made_base { public: unsigned char raw[16]; made_base() {} '
          'made_base(int, int) {} }; class made : public made_base { public: made() {} explicit '
          'made(const made_base &b) : made_base(b) {} };'),
    Class('wide_class', 20, 'struct alignas(32) wide_class { unsigned char raw[20]; wide_class() {} };'),
    Class('widest_class', 64, 'struct alignas(64) widest_class { unsigned char raw[64]; };'),
    Class('class128', 5, 'struct alignas(128) class128 { unsigned char raw[5]; };'),
    Class('derived', 9, 'struct derived_a { unsigned char raw[9]; }; struct derived_b { }; '
          'struct derived : derived_a, derived_b { };'),
    Class('with_virtual', 8, 'struct with_virtual { unsigned char raw[8]; with_virtual() {} '
          'UNLISTED virtual long get() const { return raw[0]; } };'),
    Class('virtual_base', 4, 'struct vbase { unsigned char raw[4]; vbase() {} }; '
          'struct virtual_base : virtual vbase { virtual_base() {} };'),
    Class('empty_class', 0, 'struct empty_class { unsigned char *raw_() { return 0; } };'),
    Class('packed_class', 11, '#pragma pack(push, 1)\nstruct packed_class { char head; '
          'unsigned char raw[11]; packed_class() : head(0) {} };\n#pragma pack(pop)'),
    Class('bytes16', 16, 'struct bytes16 { unsigned char raw[16]; };'),
    String(), Unique(), MemberPointer(), DataPointer(),
]
EMPTY = next(c for c in CLASSES if not c.size)
EMPTY.load = lambda name, at: f'\tempty_class {name};\n'
EMPTY.fold = lambda name, mask: f'\t(void){name};\n'


def load(t, name, at):
    if isinstance(t, Class):
        return t.load(name, at)
    return f'\t{t.decl(name)};\n\t__builtin_memcpy(&{name}, {at}, {t.size});\n'


def fold(t, name, mask, masks_at):
    """Statements in C; masks_at: where the mask lies in masks[]."""
    if isinstance(t, Class):
        return t.fold(name, mask)
    if t.size > INLINE_SIZE:
        return f'\ts = fold(s, &{name}, {t.size}, masks + {masks_at});\n'
    return fold_c(f'(const char *)&{name}', mask)


def fold_value(s, t, data, mask):
    if not isinstance(t, Class) and t.size > INLINE_SIZE:
        for b, m in zip(data, mask):
            s = step(s, b & m)
        return s
    if isinstance(t, MemberPointer):
        return step(s, (data[0] * 3 + 1) & mask[0])
    return fold_py(s, data, mask)


class Types(Generator):
    """Random types of a program; cxx: C++'s as well; same: one compiler on both sides."""

    OPEN_ENDS, ALIGNED = 0, (8, 16, 16, 32, 64)  # what compilers agree about

    def __init__(self, seed, wide, cxx, compilers):
        super().__init__(seed, wide, (compilers != {'gcc'}, 12))
        self.cxx, self.compilers, self.pool = cxx, compilers, []

    def rare(self):
        if len(self.compilers) > 1:  # clang 14 passes unions with the others in its own way
            kinds = [X80, CX80, VECTORS[16]]
        elif self.is_clang or self.cxx:
            kinds = [X80, CX80, F128, VECTORS[8], VECTORS[16]]
        else:
            kinds = [X80, CX80, F128, F16, VECTORS[8], VECTORS[16]]
        kinds += [VECTORS[n] for n in (32, 64) if n <= self.wide] * 4
        return self.r.choice(kinds + I128)

    def aggregate(self, depth=0):
        while True:
            had = len(self.text), self.ntypes
            a = super().aggregate(depth)
            if a.size <= MAX_SIZE and (a.size or not self.cxx):
                return a
            del self.text[had[0]:]
            self.ntypes = had[1]

    def value_type(self):
        x = self.r.random()
        if self.cxx and x < .2:
            return self.r.choice(CLASSES)
        if x < .45:
            while len(self.pool) < 12 or self.r.random() < .25:
                self.pool.append(self.aggregate())
                return self.pool[-1]
            return self.r.choice(self.pool)
        return self.scalar(.2)


__all__ = ['CLASSES', 'MASK64', 'MS_ABI', 'PRIME', 'VARIADIC', 'Aggregate', 'Class', 'Complex',
           'String', 'Types', 'Unique', 'fold', 'fold_value', 'load', 'step']
