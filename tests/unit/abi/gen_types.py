#!/usr/bin/env python3
"""Generate C callers with random signatures, for abi_diff_test.

  gen_types.py --seed N --count N [--wide 32|64] --cc gcc|clang -o OUT.so [-- CFLAGS...]

Each case is a C function that loads its arguments from bytes, calls a function pointer with them
and stores the result as bytes.  The layout computed here (gcc's, System V) only makes masks of the
bits that carry data; static assertions hold it to the compiler's.  The same seed gives the same
text everywhere.
"""
import argparse
import os
import random
import struct
import subprocess
import sys


def up(v, to):
    return (v + to - 1) // to * to


class Scalar:
    def __init__(self, sig, c, size, align=None, bits=True):
        self.sig, self.c, self.size, self.align = sig, c, size, align or size
        self.can_be_bits = bits

    def decl(self, name):
        return f'{self.c} {name}'

    def mask(self):
        if self.sig == 'x80':
            return b'\xff' * 10 + bytes(6)
        if self.sig == 'cx80':
            return (b'\xff' * 10 + bytes(6)) * 2
        return b'\xff' * self.size

    def value(self, r):
        if self.sig == 'bool':
            return bytes([r.randint(0, 1)])
        if self.sig == 'f32':
            return struct.pack('<f', r.randint(-99999, 99999) + 0.25)
        if self.sig == 'f64':
            return struct.pack('<d', r.randint(-99999999, 99999999) + 0.125)
        if self.sig in ('x80', 'cx80'):  # normal numbers
            return b''.join(r.randbytes(7) + bytes([r.getrandbits(7) | 0x80, r.randint(0, 255),
                            r.choice([0x3f, 0x40, 0xbf, 0xc0])]) + bytes(6)
                            for _ in range(self.size // 16))
        return r.randbytes(self.size)


class Complex:
    def __init__(self, part):
        self.sig = f'{{{part.sig},{part.sig}}}'
        self.c, self.size, self.align = f'_Complex {part.c}', 2 * part.size, part.align
        self.part, self.can_be_bits = part, False

    def decl(self, name):
        return f'{self.c} {name}'

    def mask(self):
        return self.part.mask() * 2

    def value(self, r):
        return self.part.value(r) + self.part.value(r)


class Flexible:
    """T[] at the end of a struct: it adds no bytes, and is not passed."""
    can_be_bits = False

    def __init__(self, elem):
        self.elem, self.size, self.align, self.sig = elem, 0, elem.align, f'{elem.sig}[]'

    def decl(self, name):
        return self.elem.decl(f'{name}[]')

    def mask(self):
        return b''

    def value(self, r):
        return b''


class Array:
    can_be_bits = False

    def __init__(self, elem, n):
        self.elem, self.n = elem, n
        self.size, self.align, self.sig = elem.size * n, elem.align, f'{elem.sig}[{n}]'

    def decl(self, name):
        return self.elem.decl(f'{name}[{self.n}]')

    def mask(self):
        return self.elem.mask() * self.n

    def value(self, r):
        return b''.join(self.elem.value(r) for _ in range(self.n))


class Aggregate:
    """members: (type, bits or 0, asked alignment or 0)

    lossy: as clang does, a union carries only what its largest members all have (it drops half of
    the double in union { struct { float a; double b; } s; double d; }).
    """
    can_be_bits = False

    def __init__(self, tag, members, union=False, packed=False, aligned=0, lossy=False):
        self.tag, self.members, self.union = tag, members, union
        self.packed, self.aligned, self.places, self.lossy = packed, aligned, [], lossy
        pos = end = 0
        self.align = 1
        for t, bits, asked in members:
            if union:
                pos = 0
            if bits:
                unit = t.size * 8
                if not packed and pos // unit != (pos + bits - 1) // unit:
                    pos = up(pos, unit)
                align = 1 if packed else t.align
                self.places.append(pos)
                pos += bits
            else:
                align = max(1 if packed else t.align, asked)
                pos = up(up(pos, 8), align * 8)
                self.places.append(pos)
                pos += t.size * 8
            self.align = max(self.align, align)
            end = max(end, pos)
        self.align = max(self.align, aligned)
        self.size = up(up(end, 8) // 8, self.align)
        body = ('|' if union else ',').join(
            t.sig + (f':{b}' if b else '') + (f'@{a}' if a else '') for t, b, a in members)
        self.sig = ('!' if packed else '') + ('<%s>' if union else '{%s}') % body
        self.sig += f'@{aligned}' if aligned else ''

    def decl(self, name):
        return f'{self.tag} {name}'

    def define(self):
        attrs = (['packed'] if self.packed else []) + (
            [f'aligned({self.aligned})'] if self.aligned else [])
        text = 'typedef %s {\n' % ('union' if self.union else 'struct')
        for i, (t, bits, asked) in enumerate(self.members):
            text += '\t%s%s%s;\n' % (t.decl(f'm{i}'), f' : {bits}' if bits else '',
                                     f' __attribute__((aligned({asked})))' if asked else '')
        text += '} ' + (f'__attribute__(({", ".join(attrs)})) ' if attrs else '') + f'{self.tag};\n'
        text += f'_Static_assert(sizeof({self.tag}) == {self.size}, "{self.sig}");\n'
        text += f'_Static_assert(_Alignof({self.tag}) == {self.align}, "{self.sig}");\n'
        for i, ((t, bits, _), at) in enumerate(zip(self.members, self.places)):
            if not bits:
                text += (f'_Static_assert(__builtin_offsetof({self.tag}, m{i}) == {at // 8}, '
                         f'"{self.sig}");\n')
        return text

    def fill(self, get):
        """Lay get(type) of the members over each other; a union's later ones win."""
        whole = 0
        for (t, bits, _), at in zip(self.members, self.places):
            width = bits or t.size * 8
            v = int.from_bytes(get(t), 'little') & ((1 << width) - 1)
            whole = whole & ~(((1 << width) - 1) << at) | v << at
        return whole.to_bytes(self.size, 'little')

    def mask(self):
        if not self.union:
            return self.fill(lambda t: t.mask())
        masks = [(int.from_bytes(t.mask(), 'little') & ((1 << (bits or t.size * 8)) - 1), t.size)
                 for t, bits, _ in self.members]
        whole = 0
        if self.lossy and masks:
            largest = max(size for _, size in masks)
            whole = (1 << 8 * self.size) - 1
            for mask, size in masks:
                whole &= mask if size == largest else whole
        else:
            for mask, _ in masks:
                whole |= mask
        return whole.to_bytes(self.size, 'little')

    def value(self, r):
        return self.fill(lambda t: t.value(r))


INTS = [Scalar(*a) for a in (
    ('bool', '_Bool', 1), ('i8', 'signed char', 1), ('i16', 'short', 2), ('i32', 'int', 4),
    ('i64', 'long', 8), ('u8', 'unsigned char', 1), ('u16', 'unsigned short', 2),
    ('u32', 'unsigned', 4), ('u64', 'unsigned long', 8))]
ENUMS = [Scalar('i32', 'enum minus', 4, bits=False), Scalar('u32', 'enum plus', 4, bits=False)]
POINTER = Scalar('p', 'void *', 8, bits=False)
I128 = [Scalar('i128', '__int128', 16, bits=False),
        Scalar('u128', 'unsigned __int128', 16, bits=False)]
FLOATS = [Scalar('f32', 'float', 4, bits=False), Scalar('f64', 'double', 8, bits=False)]
X80 = Scalar('x80', 'long double', 16, bits=False)
CX80 = Scalar('cx80', '_Complex long double', 32, 16, bits=False)
F128 = Scalar('f128', '__float128', 16, bits=False)
F16 = Scalar('f16', '_Float16', 2, bits=False)
VECTORS = {n: Scalar(f'v{n * 8}', f'v{n * 8}', n, bits=False) for n in (2, 4, 8, 16, 32, 64)}
BIT_INTS = [Scalar('b128', 'unsigned _BitInt(128)', 16, 8, bits=False),
            Scalar('u32', 'unsigned _BitInt(32)', 4, bits=False),
            Scalar('b192', 'unsigned _BitInt(192)', 24, 8, bits=False)]


class Generator:
    OPEN_ENDS = .03  # structs that end in T[]
    ALIGNED = (8, 16, 16, 32, 64, 128)

    def __init__(self, seed, wide, compiler):
        self.r, self.wide = random.Random(seed), wide
        self.is_clang, self.major = compiler
        self.text, self.ntypes = [], 0

    def rare(self):
        """The scalars that have a rule of their own; not all compilers have them all."""
        kinds = [X80, CX80, F128] + [VECTORS[n] for n in (2, 4, 8, 16)] + I128 * 3
        kinds += [F16] if self.major >= (15 if self.is_clang else 12) else []
        if self.is_clang:
            kinds += BIT_INTS[:0 if self.major < 14 else 2 if self.major < 16 else 3]
        if self.wide:
            kinds += [VECTORS[n] for n in (32, 64) if n <= self.wide] * 6
        return self.r.choice(kinds)

    def scalar(self, p_rare):
        r = self.r
        if r.random() < p_rare:
            return self.rare()
        x = r.random()
        if x < .5:
            return r.choice(INTS)
        if x < .55:
            return r.choice(ENUMS)
        if x < .65:
            return POINTER
        return r.choice(FLOATS) if x < .97 else Complex(r.choice(FLOATS))

    def member(self, depth, packed):
        r = self.r
        x = r.random()
        if x < .16:
            t = r.choice(INTS)
            return t, 1 if t.sig == 'bool' else r.randint(1, t.size * 8), 0
        t = self.aggregate(depth + 1) if x < .28 and depth < 2 else self.scalar(.06)
        asked = 0
        if r.random() < .15 and t.size:
            t = Array(t, r.choice([1, 1, 2, 3, 4]))
        if not isinstance(t, (Aggregate, Complex)) and r.random() < .05:
            asked = r.choice([2, 8, 16])
        return t, 0, asked

    def aggregate(self, depth=0):
        r = self.r
        union, packed = r.random() < .2, r.random() < .12
        aligned = r.choice(self.ALIGNED) if r.random() < .07 else 0
        n = 0 if r.random() < .02 else r.choice([1, 1, 2, 2, 2, 3, 3, 4, 5])
        members = [self.member(depth, packed) for _ in range(n)]
        if n and not union and depth == 0 and self.OPEN_ENDS and r.random() < self.OPEN_ENDS:
            members.append((Flexible(r.choice(INTS)), 0, 0))
        a = Aggregate(f'T{self.ntypes}', members, union, packed, aligned, lossy=self.is_clang)
        a.tag = f'T{self.ntypes}'  # the members took numbers of their own
        self.ntypes += 1
        self.text.append(a.define())
        return a

    def value_type(self):
        return self.aggregate() if self.r.random() < .4 else self.scalar(.15)

    def case(self, i):
        r = self.r
        args = [self.value_type() for _ in range(r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 20]))]
        ret = None if r.random() < .1 else self.value_type()
        off, load, vals, masks = 0, '', b'', b''
        for k, t in enumerate(args):
            load += f'\t{t.decl(f"a{k}")};\n\tmemcpy(&a{k}, v + {off}, {t.size});\n'
            vals, masks, off = vals + t.value(r), masks + t.mask(), off + t.size
        c_ret = ret.decl('').strip() if ret else 'void'
        call = '((%s (*)(%s))fn)(%s)' % (c_ret, ', '.join(t.decl('').strip() for t in args) or
                                         'void', ', '.join(f'a{k}' for k in range(len(args))))
        store = f'\t{call};\n'
        if ret:
            store = f'\t{ret.decl("r")} = {call};\n\tmemcpy(o, &r, {ret.size});\n'
        self.text.append(f'static void call_{i}(void *fn, const unsigned char *v, unsigned char *o)'
                         f'\n{{\n{load}{store}}}\n')
        sizes = ','.join(str(t.size) for t in args)
        if ret:
            vals, masks = vals + ret.value(r), masks + ret.mask()
        sig = f'{ret.sig if ret else "void"}({",".join(t.sig for t in args)})'
        return (f'\t{{ "{sig}", call_{i}, (const unsigned short[]){{ {sizes or 0} }}, {len(args)}, '
                f'{ret.size if ret else 0}, {hexed(vals)}, {hexed(masks)} }},\n')

    def unit(self, count):
        rows = [self.case(i) for i in range(count)]
        return PRELUDE + ''.join(self.text) + (
            f'const struct abi_case abi_cases[] = {{\n{"".join(rows)}}};\n'
            f'const unsigned abi_ncases = {count};\n'
            f'const unsigned abi_wide = {self.wide};\n')


def hexed(b):
    return '(const unsigned char *)"' + ''.join(f'\\x{x:02x}' for x in b) + '"'


PRELUDE = '''#include <string.h>
#include "abi_case.h"
#ifdef __clang__
const unsigned abi_by = 2, abi_version = __clang_major__;
#else
const unsigned abi_by = 1, abi_version = __GNUC__;
#endif
enum minus { MINUS = -1, ZERO };
enum plus { PLUS = 1 };
typedef char v16 __attribute__((vector_size(2)));
typedef short v32 __attribute__((vector_size(4)));
typedef float v64 __attribute__((vector_size(8)));
typedef float v128 __attribute__((vector_size(16)));
typedef float v256 __attribute__((vector_size(32)));
typedef float v512 __attribute__((vector_size(64)));
'''


def compiler_of(cc):
    """(is it clang, its first number)"""
    r = subprocess.run([cc, '-dM', '-E', '-x', 'c', '/dev/null'], stdout=subprocess.PIPE, text=True,
                       check=True)
    macros = dict(line.split(' ', 2)[1:] for line in r.stdout.splitlines() if line.count(' ') > 1)
    return '__clang__' in macros, int(macros.get('__clang_major__', macros['__GNUC__']))


def main():
    cflags = []
    if '--' in sys.argv:
        at = sys.argv.index('--')
        cflags, sys.argv = sys.argv[at + 1:], sys.argv[:at]
    p = argparse.ArgumentParser()
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--count', type=int, default=500)
    p.add_argument('--wide', type=int, default=0, choices=[0, 32, 64])
    p.add_argument('--cc', default='gcc')
    p.add_argument('-o', dest='out', required=True)
    a = p.parse_args()
    g = Generator(a.seed, a.wide, compiler_of(a.cc))
    source = a.out.removesuffix('.so') + '.gen.c'
    with open(source, 'w', encoding='ascii') as f:
        f.write(g.unit(a.count))
    wide = {0: [], 32: ['-mavx2'], 64: ['-mavx512f']}[a.wide]
    return subprocess.run([a.cc, '-shared', '-fPIC', '-w', '-Wno-psabi', '-I', os.path.dirname(
        os.path.abspath(__file__)), *wide, *cflags, '-o', a.out, source], check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
