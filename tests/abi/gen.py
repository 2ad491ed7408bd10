#!/usr/bin/env python3
"""gen.py SEED COUNT DIR [wide] - random C functions for the ABI test.

Writes types.h, caller.c, callee.c and table.txt into DIR.  The code holds no values: a
caller passes what it finds in a buffer, a callee stores what it got into another and
returns what lies in a third, so functions are small and one run can use fresh values.

table.txt, a line a function: FLAGS, the signature (text form of model/func_model.h), and for
the result and each argument KIND:OFFSET:BYTES.  KIND i signed, u unsigned, f raw bits, x long
double, a aggregate, v vector wider than 16, - void; BYTES has a letter per byte: x any, b bool, . padding, E F G the
parts of a long double that keep it a normal number.  Flag s: the same compiler on both sides.
"""
import random
import sys

SCALARS = {  # text form: C spelling, size, kind
    'i8': ('int8_t', 1, 'i'), 'u8': ('uint8_t', 1, 'u'), 'i16': ('int16_t', 2, 'i'),
    'u16': ('uint16_t', 2, 'u'), 'i32': ('int32_t', 4, 'i'), 'u32': ('uint32_t', 4, 'u'),
    'i64': ('int64_t', 8, 'i'), 'u64': ('uint64_t', 8, 'u'), 'p': ('void *', 8, 'u'),
    'bool': ('_Bool', 1, 'u'), 'f32': ('float', 4, 'f'), 'f64': ('double', 8, 'f'),
    'x80': ('long double', 16, 'x'), 'i128': ('__int128', 16, 'a'),
    'u128': ('unsigned __int128', 16, 'a'), 'v128': ('v128', 16, 'a'),
    'cx80': ('_Complex long double', 32, 'a'), 'v256': ('v256', 32, 'v'), 'v512': ('v512', 64, 'v'),
}
WEIGHTS = {'i8': 6, 'u8': 5, 'i16': 4, 'u16': 4, 'i32': 8, 'u32': 5, 'i64': 8, 'u64': 5, 'p': 8,
           'bool': 5, 'f32': 8, 'f64': 9, 'x80': 3, 'i128': 2, 'u128': 1, 'v128': 2, 'cx80': 1}
WIDE = {'v256': 6, 'v512': 6}
VECTORS = ('v128', 'v256', 'v512')
LONG_DOUBLE = 'xxxxxxxEFG......'
ARG_COUNTS = list(range(21)) + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12] + [30, 40]
BUFFER_ALIGN = 128


class Type:
    """A C type: its spelling, text form, size, alignment and a letter per byte."""

    def __init__(self, c, text, size, align, kind, bytes_, array=''):
        self.c, self.text, self.size, self.align = c, text, size, align
        self.kind, self.bytes, self.array = kind, bytes_, array

    def declare(self, name):
        return f'{self.c} {name}{self.array}'


def scalar(name):
    c, size, kind = SCALARS[name]
    letters = {'bool': 'b', 'x80': LONG_DOUBLE, 'cx80': LONG_DOUBLE * 2}.get(name, 'x' * size)
    return Type(c, name, size, 16 if name == 'cx80' else size, kind, letters)


def complex_float(width):
    c = '_Complex float' if width == 4 else '_Complex double'
    return Type(c, '{f%d,f%d}' % (8 * width, 8 * width), 2 * width, width, 'a', 'x' * 2 * width)


class Generator:
    def __init__(self, seed, wide):
        self.rnd = random.Random(seed)
        self.weights = {**WEIGHTS, **(WIDE if wide else {})}
        self.definitions = []
        self.pool = []

    def pick_scalar(self, without=()):
        names = [n for n in self.weights if n not in without]
        return scalar(self.rnd.choices(names, [self.weights[n] for n in names])[0])

    def member(self, depth):
        r = self.rnd.random()
        if r < .15 and depth < 2:
            m = self.aggregate(depth + 1)
        elif r < .18:
            m = complex_float(self.rnd.choice([4, 8]))
        else:
            m = self.pick_scalar(without=('i128', 'u128', *VECTORS))
        if self.rnd.random() < .15:
            n = self.rnd.choice([1, 2, 3, 3, 5])
            m = Type(m.c, f'{m.text}[{n}]', m.size * n, m.align, 'a', m.bytes * n,
                     f'[{n}]' + m.array)
        return m

    def aggregate(self, depth=0):
        members = [self.member(depth) for _ in range(self.rnd.choice([1, 1, 2, 2, 2, 3, 3, 4, 5]))]
        if self.rnd.random() < .12:
            return self.union(members)
        return self.struct(members)

    def struct(self, members):
        packed = self.rnd.random() < .12
        stricter = self.rnd.choice([0] * 12 + [16, 32, 64]) if not packed else 0
        letters, align = '', 1
        for m in members:
            step = 1 if packed else m.align
            letters += '.' * (-len(letters) % step) + m.bytes
            align = max(align, step)
        align = max(align, stricter)
        letters += '.' * (-len(letters) % align)
        text = ('!' if packed else '') + '{' + ','.join(m.text for m in members) + '}'
        attrs = ['packed'] * packed + [f'aligned({stricter})'] * bool(stricter)
        return self.define('struct', members, attrs, text + (f'@{stricter}' if stricter else ''),
                           letters, align)

    def union(self, members):
        align = max(m.align for m in members)
        size = -(-max(m.size for m in members) // align) * align
        used = [{m.bytes[i] for m in members if i < m.size} - {'.'} for i in range(size)]
        # a byte of two members may hold anything, if no member is a long double
        letters = ''.join('.' if not u else 'x' if len(u) > 1 else u.pop() for u in used)
        return self.define('union', members, [], '<' + '|'.join(m.text for m in members) + '>',
                           letters, align)

    def define(self, word, members, attrs, text, letters, align):
        name = f'{word[0]}{len(self.definitions)}'
        body = ' '.join(m.declare(f'm{i}') + ';' for i, m in enumerate(members))
        attr = f' __attribute__(({", ".join(attrs)}))' if attrs else ''
        self.definitions.append(f'typedef {word}{attr} {{ {body} }} {name};\n'
                                f'_Static_assert(sizeof({name}) == {len(letters)}, "{text}");')
        return Type(name, text, len(letters), align, 'a', letters)

    def value(self):
        r = self.rnd.random()
        if r < .35:
            return self.rnd.choice(self.pool)
        if r < .38:
            return complex_float(self.rnd.choice([4, 8]))
        return self.pick_scalar()

    def fill_pool(self, n):
        while len(self.pool) < n:
            t = self.aggregate()
            # unions of long doubles with others have no bytes that are safe to choose
            if t.size <= 256 and not ('<' in t.text and 'x80' in t.text):
                self.pool.append(t)


def clang_differs(args):
    """__int128 that may not fit in registers: LLVM before 20 splits it (reference 3.3, 5)."""
    wide = [i for i, t in enumerate(args) if t.text in ('i128', 'u128')]
    return any(i >= 2 for i in wide) or len(wide) == 2 and len(args) > 1 and wide != [0, 1]


def function(i, ret, args):
    """C text of caller and callee, and the line for the table."""
    places, off = [], 0
    for t in args:
        places.append(off)
        off += -(-t.size // BUFFER_ALIGN) * BUFFER_ALIGN
    c_ret = ret.c if ret else 'void'
    params = ', '.join(t.declare(f'a{k}') for k, t in enumerate(args)) or 'void'
    types = ', '.join(t.c for t in args) or 'void'
    values = ', '.join(f'*({t.c} *)(in + {o})' for t, o in zip(args, places))
    stores = ' '.join(f'*({t.c} *)(got + {o}) = a{k};'
                      for k, (t, o) in enumerate(zip(args, places)))
    keep = f'*({ret.c} *)out = ' if ret else ''
    back = f' return *({ret.c} *)result;' if ret else ''
    caller = (f'static void c{i}(void *fn, const char *in, char *out) '
              f'{{ {keep}(({c_ret} (*)({types}))fn)({values}); }}')
    callee = f'static {c_ret} f{i}({params}) {{ runs++; {stores}{back} }}'
    flags = 's' if clang_differs(args) else '-'
    text = f'{ret.text if ret else "void"}({",".join(t.text for t in args)})'
    line = [flags, text, f'{ret.kind}:0:{ret.bytes}' if ret else '-:0:']
    line += [f'{t.kind}:{o}:{t.bytes}' for t, o in zip(args, places)]
    return caller, callee, ' '.join(line)


def main(seed, count, where, wide):
    g = Generator(seed, wide)
    g.fill_pool(40 + count // 4)
    made = []
    for i in range(count):
        args = [g.value() for _ in range(g.rnd.choice(ARG_COUNTS))]
        ret = None if g.rnd.random() < .1 else g.value()
        made.append(function(i, ret, args))
    head = ('#include <stdint.h>\n'
            + ''.join(f'typedef long long v{n} __attribute__((vector_size({n // 8})));\n'
                      for n in (128, 256, 512))
            + '\n'.join(g.definitions) + '\n')
    files = {
        'types.h': head,
        'caller.c': '#include "types.h"\n' + '\n'.join(m[0] for m in made)
                    + '\nvoid *const callers[] = {'
                    + ','.join(f'c{i}' for i in range(count)) + '};\n',
        'callee.c': '#include "types.h"\n_Alignas(128) char got[32768], result[512];\nint runs;\n'
                    + '\n'.join(m[1] for m in made) + '\nvoid *const callees[] = {'
                    + ','.join(f'f{i}' for i in range(count)) + '};\n',
        'table.txt': ''.join(m[2] + '\n' for m in made),
    }
    for name, text in files.items():
        with open(f'{where}/{name}', 'w') as f:
            f.write(text)


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], 'wide' in sys.argv[4:])
