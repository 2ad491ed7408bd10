"""call_types.py - C types of generated calls: values that are worth printing, and C text.

Layouts come from tests/unit/abi/gen_types.py.  A type that is more than its bytes (a string, a
function) has its number in a table as value, and says by load() and fold() how the program makes
and reads it; check() says what JSON must show of it.  Bytes: little endian, as the program's.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'unit/abi'))
from gen_types import (Aggregate, Array, Complex, Flexible, Generator, I128, INTS, POINTER,  # noqa: E402
                       Scalar, X80)

STRING_SHOWN = 64  # bytes, the default of --strings
VALUE_SHOWN = 256  # bytes of a value in memory
ANY = object()  # a context slot that may hold anything


class Number(str):
    """A JSON number as it was written; json.loads(parse_int=Number, parse_float=Number)."""


def finite(r, exponent_bits, mantissa_bits):
    """Raw bits of a float: mostly of moderate size, sometimes of any exponent, or a zero."""
    bias = (1 << exponent_bits - 1) - 1
    most = (1 << exponent_bits) - 2
    exponent = r.choice([0, 0, r.randrange(most + 1)] + [
        max(0, min(most, bias + r.randint(-20, 40)))] * 5)
    mantissa = r.choice([0, r.getrandbits(mantissa_bits), r.getrandbits(mantissa_bits)])
    return r.getrandbits(1) << exponent_bits + mantissa_bits | exponent << mantissa_bits | mantissa


class Enum(Scalar):
    """names in the order of declaration; flags: as utramp shows A|B (docs/values.md)."""

    def __init__(self, c, size, signed, names, bits=False, flags=False):
        super().__init__(f'{"i" if signed else "u"}{size * 8}', c, size, bits=bits)
        self.names, self.signed, self.flags = names, signed, flags

    def value(self, r):
        v = r.choice(list(self.names.values())) if r.random() < .6 else r.getrandbits(self.size * 8)
        if self.flags and r.random() < .4:
            v = 0
            for flag in r.sample(list(self.names.values()), r.randint(1, len(self.names))):
                v |= flag
        return (v & (1 << self.size * 8) - 1).to_bytes(self.size, 'little')


class Float(Scalar):
    """An IEEE format: 16, 32, 64 or 128 bits."""

    def __init__(self, sig, c, size, exponent_bits, mantissa_bits):
        super().__init__(sig, c, size, bits=False)
        self.exponent_bits, self.mantissa_bits = exponent_bits, mantissa_bits

    def value(self, r):
        return finite(r, self.exponent_bits, self.mantissa_bits).to_bytes(self.size, 'little')


class Vector:
    """A vector of size bytes, by the name of a typedef."""
    can_be_bits = False

    def __init__(self, name, elem, size):
        self.elem, self.c, self.size, self.align = elem, name, size, size
        self.n, self.sig = size // elem.size, f'v{size * 8}'

    def decl(self, name):
        return f'{self.c} {name}'

    def define(self):
        return f'typedef {self.elem.c} {self.c} __attribute__((vector_size({self.size})));\n'

    def mask(self):
        return b'\xff' * self.size

    def value(self, r):
        return b''.join(self.elem.value(r) for _ in range(self.n))


class BitInt(Scalar):
    def __init__(self, bits, signed):
        size = next(s for s in (1, 2, 4, 8, 16) if s * 8 >= bits)
        super().__init__(f'{"i" if signed else "u"}{size * 8}',
                         f'{"" if signed else "unsigned "}_BitInt({bits})', size,
                         min(size, 8), bits=False)
        self.bits = bits

    def value(self, r):
        v = r.getrandbits(self.bits)
        if self.sig[0] == 'i' and v >> self.bits - 1:
            v |= ~0 << self.bits
        return (v & (1 << self.size * 8) - 1).to_bytes(self.size, 'little')

    def mask(self):
        return ((1 << self.bits) - 1).to_bytes(self.size, 'little')

    def check(self, got, data):
        v = int.from_bytes(data, 'little') & (1 << self.bits) - 1
        v -= (self.sig[0] == 'i' and v >> self.bits - 1) << self.bits
        return None if got == str(v) else f'{got} for {v}'


class ArrayParameter(Scalar):
    """A parameter spelled as an array, which is a pointer (C11 6.7.6.3)."""

    def __init__(self, elem, bracket):
        super().__init__('p', f'const {elem} *', 8, bits=False)
        self.elem, self.bracket = elem, bracket

    def param(self, name):
        return f'const {self.elem} {name}{self.bracket}'


class Text(Scalar):
    """char *: the value is the number of a string."""
    STRINGS = [b'', b'a', b'Oslo', b'quote " backslash \\ slash /', b'tab\tnewline\nbell\a\x7f',
               'grüße, 世界'.encode(), b'x' * 63, b'y' * 62, b'percent %s %n']

    def __init__(self, c):
        super().__init__('p', c, 8, bits=False)

    def value(self, r):
        return r.randrange(len(self.STRINGS)).to_bytes(8, 'little')

    def load(self, name, at):
        return (f'\tuint64_t {name}_n;\n\tmemcpy(&{name}_n, {at}, 8);\n'
                f'\t{self.decl(name)} = ({self.c})strings[{name}_n];\n')

    def fold(self, name, total, mask):
        return f'\t{total} = fold_text({total}, {name});\n'

    def check(self, got, data):
        want = self.STRINGS[int.from_bytes(data, 'little')]
        if not isinstance(got, dict) or list(got) != ['ptr', 'str'] or not is_address(got['ptr']):
            return f'{got} is no string'
        return None if got['str'] == want.decode() else f'{got} for {want}'


class Function(Scalar):
    """A pointer to one of the program's functions cb_N, or NULL."""
    COUNT = 4

    def __init__(self):
        super().__init__('p', 'callback', 8, bits=False)

    def value(self, r):
        return r.randrange(self.COUNT + 1).to_bytes(8, 'little')

    def load(self, name, at):
        return (f'\tuint64_t {name}_n;\n\tmemcpy(&{name}_n, {at}, 8);\n'
                f'\tcallback {name} = callbacks[{name}_n];\n')

    def fold(self, name, total, mask):
        return f'\tfor (int k = 0; k <= {self.COUNT}; k++)\n' \
               f'\t\tif ({name} == callbacks[k]) {total} = {total} * 31 + k;\n'

    def slots(self, data):
        return [0 if int.from_bytes(data, 'little') == self.COUNT else None]

    def check(self, got, data):
        n = int.from_bytes(data, 'little')
        if n == self.COUNT:
            return None if got == '0x0' else f'{got} for NULL'
        if not isinstance(got, dict):
            return f'{got} is no function'
        good = list(got) == ['ptr', 'sym'] and is_address(got['ptr']) and \
            re.fullmatch(f'[^:]+:cb_{n}', got['sym'])
        return None if good else f'{got} for cb_{n}'


class Operations(Scalar):
    """A struct with a function and a string in it."""
    DEFINE = ('typedef struct operations { int number; callback call; const char *name; } '
              'operations;\n')

    def __init__(self):
        super().__init__('{i32,p,p}', 'operations', 24, 8, bits=False)

    def value(self, r):
        return FUNCTION.value(r) + TEXTS[0].value(r) + r.randbytes(8)

    def load(self, name, at):
        return (FUNCTION.load(f'{name}_c', at) + TEXTS[1].load(f'{name}_s', f'{at} + 8')
                + f'\tint {name}_i;\n\tmemcpy(&{name}_i, {at} + 16, 4);\n'
                f'\toperations {name} = {{ {name}_i, {name}_c, {name}_s }};\n')

    def fold(self, name, total, mask):
        return (FUNCTION.fold(f'{name}.call', total, mask)
                + TEXTS[0].fold(f'{name}.name', total, mask)
                + f'\t{total} += {name}.number;\n')

    def check(self, got, data):
        if not isinstance(got, dict) or list(got) != ['number', 'call', 'name']:
            return f'{got} is no operations'
        want = int.from_bytes(data[16:20], 'little', signed=True)
        if got['number'] != str(want):
            return f'.number: {got["number"]} for {want}'
        return FUNCTION.check(got['call'], data[:8]) or (
            None if is_address(got['name']) else f'.name: {got["name"]}')


def is_address(got):
    return isinstance(got, str) and not isinstance(got, Number) and \
        bool(re.fullmatch('0x[0-9a-f]+', got))


ENUMS = [Enum('enum minus', 4, True, {'MINUS': -1, 'NOUGHT': 0, 'PLENTY': 0x7fffffff}),
         Enum('enum plus', 4, False, {'ONE': 1, 'TEN': 10, 'MOST': 0xffffffff}),
         Enum('enum tiny', 1, False, {'T_NO': 0, 'T_YES': 1, 'T_LAST': 255}),
         Enum('enum wide', 8, False, {'W_ZERO': 0, 'W_BIG': 1 << 40}, flags=True),
         Enum('enum mode', 4, False, {'M_READ': 1, 'M_WRITE': 2, 'M_BOTH': 3, 'M_RUN': 4,
                                      'M_TOP': 1 << 31}, bits=True, flags=True),
         Enum('enum bit', 4, False, {'B_NONE': 0, 'B_ONE': 1, 'B_EIGHT': 8}, bits=True, flags=True)]
FLOATS = [Float('f32', 'float', 4, 8, 23), Float('f64', 'double', 8, 11, 52)]
HALF = Float('f16', '_Float16', 2, 5, 10)
QUAD = Float('f128', '__float128', 16, 15, 112)
COMPLEX = [Complex(t) for t in (*FLOATS, X80)]
PLAIN = [Scalar(*a) for a in (('i8', 'char', 1), ('i64', 'long long', 8), ('i32', 'int32_t', 4),
                              ('u64', 'unsigned long long', 8), ('u64', 'size_t', 8))]
POINTERS = [POINTER, Scalar('p', 'struct opaque *', 8, bits=False),
            Scalar('p', 'callback', 8, bits=False), Scalar('p', 'const int *', 8, bits=False)]
FUNCTION, OPERATIONS = Function(), Operations()
ARRAYS = [ArrayParameter('int', '[5]'), ArrayParameter('double', '[]'),
          ArrayParameter('short', '[3][7]')]
ARRAYS[2].c = 'const short (*'
ARRAYS[2].decl = lambda name: f'const short (*{name})[7]'
TEXTS = [Text('char *'), Text('const char *')]
BITINTS = [BitInt(n, s) for n in (8, 16, 32, 64, 128, 5, 37, 100) for s in (False, True)]
ELEMENTS = {'f': FLOATS[0], 'd': FLOATS[1], 'i': INTS[3], 's': INTS[2], 'c': INTS[1], 'l': INTS[7]}
VECTORS = {n: [Vector(f'v{n}{k}', e, n) for k, e in ELEMENTS.items() if e.size < n]
           for n in (8, 16, 32, 64)}

PRELUDE = '''#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
#define _Bool bool
#define _Static_assert static_assert
#define _Alignof alignof
#endif
#define NOINLINE __attribute__((noinline))
enum minus { MINUS = -1, NOUGHT, PLENTY = 0x7fffffff };
enum plus { ONE = 1, TEN = 10, MOST = 0xffffffff };
enum __attribute__((packed)) tiny { T_NO, T_YES, T_LAST = 255 };
enum wide { W_ZERO, W_BIG = 1ull << 40 };
enum mode { M_READ = 1, M_WRITE = 2, M_BOTH = 3, M_RUN = 4, M_TOP = 1u << 31 };
enum bit { B_NONE, B_ONE, B_EIGHT = 8 };
struct opaque;
typedef void (*callback)(int);
#ifdef __cplusplus
extern "C" {
#endif
extern const unsigned char values[], masks[];
extern const char *const strings[];
extern const callback callbacks[];
extern uint64_t sums[];
extern unsigned long round_at;
uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask);
uint64_t fold_text(uint64_t sum, const char *text);
void note(const volatile void *address);
#ifdef __cplusplus
}
#endif
''' + Operations.DEFINE


def param(t, name):
    return t.param(name) if hasattr(t, 'param') else t.decl(name)


def load(t, name, at):
    """C statements: declare name, with the value that lies at `at`."""
    if hasattr(t, 'load'):
        return t.load(name, at)
    return f'\t{t.decl(name)};\n\tmemcpy(&{name}, {at}, {t.size});\n'


def fold(t, name, total, mask):
    if hasattr(t, 'fold'):
        return t.fold(name, total, mask)
    return f'\t{total} = fold({total}, &{name}, {t.size}, masks + {mask});\n'


class Types(Generator):
    """Random types of a program of language 'c' or 'c++', for compiler 'gcc' or 'clang'."""
    MAX_AGGREGATE = 160

    def __init__(self, seed, language, compiler, version, wide):
        super().__init__(seed, wide, (compiler == 'clang', version))
        self.cxx, self.version, self.pool = language == 'c++', version, []
        self.text += [v.define() for n, row in VECTORS.items() if n <= max(16, wide) for v in row]

    def rare(self):
        r = self.r
        kinds = [X80, X80, QUAD, r.choice(VECTORS[8]), r.choice(VECTORS[16]), r.choice(COMPLEX),
                 r.choice(COMPLEX), r.choice(I128)]
        if not self.is_clang and not self.cxx or self.is_clang and self.version >= 15:
            kinds += [HALF]
        if self.is_clang and not self.cxx:
            kinds += [r.choice(BITINTS)]
        for n in (32, 64):
            kinds += [r.choice(VECTORS[n])] * 6 * (n <= self.wide)
        return r.choice(kinds)

    def scalar(self, p_rare):
        x = self.r.random()
        if x < p_rare / 2:
            return self.rare()
        if x < .5:
            return self.r.choice(INTS + PLAIN)
        return self.r.choice(ENUMS if x < .6 else POINTERS if x < .7 else FLOATS)

    def member(self, depth, packed):
        t, bits, asked = super().member(depth, packed)
        if bits and self.r.random() < .2:
            t, bits = self.r.choice([e for e in ENUMS if e.can_be_bits]), self.r.randint(1, 32)
        # clang 14 describes one as wide as its type as if it began at a byte
        return t, bits - 1 if packed and bits and bits == t.size * 8 else bits, asked

    def aggregate(self, depth=0):
        while True:
            had = len(self.text), self.ntypes
            a = super().aggregate(depth)
            # DWARF does not tell a packed type from one that lies the same without; on the stack
            # that matters for alignments above 8
            loose = Aggregate('', a.members, a.union, False, a.aligned)
            same = a.align == loose.align or loose.align < 16 or a.places != loose.places or \
                a.size != loose.size
            if same and (a.size or not self.cxx):  # C++ has no types of no size
                break
            del self.text[had[0]:]
            self.ntypes = had[1]
        open_end = a.members and isinstance(a.members[-1][0], Flexible)
        if not a.union and a.members and not depth and not open_end and self.r.random() < .06:
            self.text.pop()
            a = self.with_tail(a)
        if self.cxx:  # a name of its own, that a derived class's base shows
            self.text[-1] = re.sub(r'^typedef (\w+) \{', rf'\1 {a.tag} {{', self.text[-1])
            self.text[-1] = self.text[-1].replace(f') {a.tag};\n', ');\n', 1).replace(
                f'}} {a.tag};\n', '};\n', 1)
        return a

    def with_tail(self, a):
        """The same with an array of no length behind."""
        elem = self.r.choice(INTS[1:])
        tail = Flexible(elem) if self.r.random() < .5 else Array(elem, 0)
        more = Aggregate(a.tag, a.members + [(tail, 0, 0)], False, a.packed, a.aligned,
                         lossy=a.lossy)
        self.text.append(more.define())
        return more

    def large(self):
        """More bytes than are shown."""
        r, inner = self.r, self.small_aggregate()
        while any(isinstance(m, Flexible) for m, _, _ in inner.members):  # can be last only
            inner = self.small_aggregate()
        members = [(Array(r.choice(INTS[1:] + FLOATS), r.randint(30, 90)), 0, 0),
                   (self.scalar(0), 0, 0), (Array(r.choice(INTS[3:5]), 32), 0, 0),
                   (inner, 0, 0)]
        r.shuffle(members)
        a = Aggregate(f'T{self.ntypes}', members, lossy=self.is_clang)
        self.ntypes += 1
        self.text.append(a.define())
        return a

    def small_aggregate(self):
        while len(self.pool) < 12 or self.r.random() < .3:
            a = self.aggregate()
            if a.size <= self.MAX_AGGREGATE:
                self.pool.append(a)
                return a
        return self.r.choice(self.pool)

    def value_type(self):
        """Of an argument or a result, in C."""
        x = self.r.random()
        if x < .27:
            return self.small_aggregate()
        if x < .28:
            return self.large()
        if x < .40:
            return self.r.choice(TEXTS + [FUNCTION, FUNCTION, OPERATIONS])
        return self.scalar(.16)
