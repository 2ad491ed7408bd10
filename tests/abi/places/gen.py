"""gen.py - a program of local functions for compilers to change the parameters of.

Each function has parameters of random types, and a way for each in which its body treats it: used,
never used, the same constant in every call, assigned before or after its use, of a struct only a
member, its address taken.  The calls are written out with known values, so what each call passed and
returned is known without running anything, but for addresses, which are offsets into POOL.

Functions return a simple function of one parameter, which callers use or not.
"""
import random

HEAD = '''
#include <stdio.h>
#define LOCAL static __attribute__((noinline))
struct pt { int x, y; };
struct ld { long l; double d; };
struct dd { double d, e; };
struct ff { float f, g; };
struct ch { char a, b; short c; int d; long e; };
struct tri { long v[3]; };
struct rec { int a; char tag; double d; long l; struct rec *next; };
volatile long sink;
volatile double dsink;
char pool[8192] __attribute__((aligned(16)));
__attribute__((noinline)) void opaque(const void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }
'''

# name: bytes, signed
INTS = {'char': (1, True), 'unsigned char': (1, False), 'short': (2, True), 'unsigned': (4, False),
        'int': (4, True), 'long': (8, True), 'unsigned long': (8, False)}
STRUCTS = {'struct pt': [('x', 'int'), ('y', 'int')],
           'struct ld': [('l', 'long'), ('d', 'double')],
           'struct dd': [('d', 'double'), ('e', 'double')],
           'struct ff': [('f', 'float'), ('g', 'float')],
           'struct ch': [('a', 'char'), ('b', 'char'), ('c', 'short'), ('d', 'int'), ('e', 'long')],
           'struct tri': None}
KINDS = list(INTS) * 2 + ['float', 'double'] * 3 + list(STRUCTS) + ['struct rec *', 'int *',
                                                                    'const char *', '_Bool',
                                                                    '__int128']
WAYS = ['used'] * 5 + ['unused'] * 3 + ['const'] * 3 + ['changed', 'member', 'member', 'early',
                                                        'address', 'late']


class Pointer(int):
    """An offset into the pool."""


def wrap(v, kind):
    size, signed = INTS[kind]
    v &= (1 << 8 * size) - 1
    return v - (1 << 8 * size) if signed and v >> 8 * size - 1 else v


def literal(kind, v):
    if isinstance(v, Pointer):
        return f'(void *)(pool + {v})'
    if isinstance(v, dict):
        return f'({kind}){{ {", ".join(literal(None, x) for x in v.values())} }}'
    if isinstance(v, list):
        return '{ ' + ', '.join(map(str, v)) + ' }'
    if isinstance(v, float):
        return repr(v) + ('f' if kind == 'float' else '')
    if kind == 'long':
        return f'{v}l'
    if kind == 'unsigned long':
        return f'{v}ul'
    return str(int(v))


class Param:
    def __init__(self, rnd, i):
        self.name, self.kind, self.way = f'p{i}', rnd.choice(KINDS), rnd.choice(WAYS)
        if self.way == 'member' and self.kind not in STRUCTS and self.kind != 'struct rec *':
            self.way = 'used'
        self.rnd = rnd
        self.fixed = self.fresh()

    def scalar(self, kind):
        rnd = self.rnd
        if kind in INTS:
            return wrap(rnd.choice([rnd.getrandbits(64), rnd.randint(-9, 100)]), kind)
        return float(rnd.randint(-1000, 1000)) / 4

    def fresh(self):
        kind, rnd = self.kind, self.rnd
        if kind == '_Bool':
            return rnd.random() < .5
        if kind == '__int128':
            return rnd.randint(-1 << 40, 1 << 40)
        if kind.endswith('*'):
            return Pointer(rnd.randrange(64) * 48)
        if kind == 'struct tri':
            return {'v': [rnd.randint(-99, 99) for _ in range(3)]}
        if kind in STRUCTS:
            return {m: self.scalar(t) for m, t in STRUCTS[kind]}
        return self.scalar(kind)

    def value(self):
        return self.fixed if self.way == 'const' else self.fresh()

    def uses(self):
        """Statements that use all of it."""
        n, k = self.name, self.kind
        if k in ('float', 'double'):
            return f'dsink += {n};'
        if k == 'struct tri':
            return f'sink += {n}.v[0] ^ {n}.v[2];'
        if k in STRUCTS:
            return ' '.join(f'{"dsink" if t in ("float", "double") else "sink"} += {n}.{m};'
                            for m, t in STRUCTS[k])
        if k == 'struct rec *':
            return f'sink += {n}->l + {n}->a; dsink += {n}->d;'
        if k.endswith('*'):
            return f'sink += {n}[0] + {n}[1];'
        return f'sink += (long){n};'

    def member(self):
        if self.kind == 'struct rec *':
            return self.rnd.choice([f'sink += {self.name}->l;', f'dsink += {self.name}->d;',
                                    f'sink += {self.name}->tag + {self.name}->a;'])
        if self.kind == 'struct tri':
            return f'sink += {self.name}.v[{self.rnd.randrange(3)}];'
        m, t = self.rnd.choice(STRUCTS[self.kind])
        return f'{"dsink" if t in ("float", "double") else "sink"} += {self.name}.{m};'

    def change(self):
        if self.kind in STRUCTS:
            m = 'v[1]' if self.kind == 'struct tri' else STRUCTS[self.kind][0][0]
            return f'{self.name}.{m} += 5;'
        if self.kind.endswith('*'):
            return f'{self.name} += 1;'
        return f'{self.name} += 5;'

    def body(self):
        n = self.name
        return {'used': self.uses, 'unused': lambda: '', 'member': self.member,
                'const': lambda: f'{self.uses()} sink += 3;',
                'changed': lambda: f'{self.change()} {self.uses()}',
                'early': lambda: f'{self.uses()} if (sink == 12345) return {{}}; opaque(pool);',
                'address': lambda: f'opaque(&{n}); {self.uses()}',
                'late': lambda: f'for (int i = 0; i < 3; i++) opaque(pool + i); {self.uses()}',
                }[self.way]()


class Function:
    def __init__(self, rnd, i):
        self.name = f'fn{i}'
        self.params = [Param(rnd, k) for k in range(rnd.choice([1, 2, 2, 3, 3, 4, 5, 6, 9, 12]))]
        self.used = rnd.random() < .7  # the result
        able = [p for p in self.params if p.kind in INTS or p.kind == 'double']
        able = [p for p in able if p.way in ('used', 'const', 'late', 'address')]
        self.of = rnd.choice(able) if able else None
        self.ret = self.of.kind if self.of else 'void'
        self.factor = rnd.randint(2, 9)
        self.calls = [[p.value() for p in self.params] for _ in range(rnd.randint(2, 4))]

    def text(self):
        params = ', '.join(f'{p.kind} {p.name}' for p in self.params)
        result = f'{self.of.name} * {self.factor}' if self.of else ''
        lines = [f'sink += {self.name[2:]};'] + [p.body() for p in self.params]
        lines = [x.replace('return {}', f'return {result}') for x in lines if x]
        lines.append(f'return {result};')
        return f'LOCAL {self.ret} {self.name}({params})\n{{\n\t' + '\n\t'.join(lines) + '\n}\n'

    def result(self, args):
        """None: it has none."""
        if not self.of:
            return None
        v = args[self.params.index(self.of)] * self.factor
        return v if self.of.kind == 'double' else wrap(v, self.of.kind)

    def call(self, args):
        text = ', '.join(literal(p.kind, v) for p, v in zip(self.params, args))
        if not self.used or not self.of:
            return f'{self.name}({text});'
        return f'{"dsink" if self.ret == "double" else "sink"} += {self.name}({text});'


def program(seed, count):
    """The program's text, and its functions and calls in their order: (function, arguments)."""
    rnd = random.Random(seed)
    functions = [Function(rnd, i) for i in range(count)]
    calls = [(f, args) for f in functions for args in f.calls]
    rnd.shuffle(calls)
    text = [HEAD] + [f.text() for f in functions]
    main = '\n\t'.join(f.call(args) for f, args in calls)
    text.append('int main(void)\n{\n\tprintf("%p\\n", (void *)pool);\n\t' + main +
                '\n\tprintf("%ld %f\\n", sink, dsink);\n\treturn 0;\n}\n')
    return '\n'.join(text), calls
