"""gen_calls.py - random C functions, a program that calls them, and what a tracer must see.

Types come from tests/unit/abi/gen_types.py; here they get values that are worth printing
(whole range of integers, every finite float, enumerators, strings) and a check of the JSON
that `utramp trace -j` makes of them.  Functions are fn_0, fn_1, ...; each call's arguments and
result are read from values.bin, so that the code holds none; each callee folds the bytes that
carry data (masks.bin) into a checksum of its own, which the program prints.
"""
import pathlib
import random
import re
import struct
import sys
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'unit/abi'))
from gen_types import (Aggregate, Array, Generator, INTS, I128, POINTER, Scalar, X80)  # noqa: E402

MAX_AGGREGATE = 160  # bytes
MAX_ARGS_BYTES = 1500  # a record holds 4000
STRING_SHOWN = 64  # bytes, the default of --strings


class Number(str):
    """A JSON number as it was written; json.loads(parse_int=Number, parse_float=Number)."""


def finite(r, exponent_bits, mantissa_bits):
    """Raw bits of a float: mostly of moderate size, sometimes of any exponent, or a zero."""
    bias = (1 << exponent_bits - 1) - 1
    exponent = r.choice([0, 0, r.randrange((1 << exponent_bits) - 1)] + [
        bias + r.randint(-20, 40)] * 5)
    mantissa = r.choice([0, r.getrandbits(mantissa_bits), r.getrandbits(mantissa_bits)])
    return r.getrandbits(1) << exponent_bits + mantissa_bits | exponent << mantissa_bits | mantissa


class Enum(Scalar):
    def __init__(self, c, size, signed, names):
        super().__init__(f'{"i" if signed else "u"}{size * 8}', c, size, bits=False)
        self.names, self.signed = names, signed

    def value(self, r):
        v = r.choice(list(self.names.values())) if r.random() < .7 else r.getrandbits(self.size * 8)
        return (v & (1 << self.size * 8) - 1).to_bytes(self.size, 'little')

    def flags(self, v):
        """'A|B|0x8' if all enumerators are single bits, some of which v has; else None."""
        if self.signed or any(e & e - 1 for e in self.names.values()):
            return None
        bits = {name: e for name, e in self.names.items() if v & e}
        rest = v & ~sum(bits.values())
        return '|'.join([*bits, *[f'{rest:#x}'] * bool(rest)]) if bits else None


class Float(Scalar):
    def __init__(self, sig, c, size, exponent_bits, mantissa_bits):
        super().__init__(sig, c, size, bits=False)
        self.exponent_bits, self.mantissa_bits = exponent_bits, mantissa_bits

    def value(self, r):
        return finite(r, self.exponent_bits, self.mantissa_bits).to_bytes(self.size, 'little')


class Text(Scalar):
    """char *: the value is the number of a string."""
    STRINGS = [b'', b'a', b'Oslo', b'quote " backslash \\ slash /', b'tab\tnewline\nbell\a\x7f',
               'grüße, 世界'.encode(), b'x' * 63, b'y' * 62, b'percent %s %n']

    def __init__(self, c):
        super().__init__('p', c, 8, bits=False)

    def value(self, r):
        return r.randrange(len(self.STRINGS)).to_bytes(8, 'little')


ENUMS = [Enum('enum minus', 4, True, {'MINUS': -1, 'NOUGHT': 0, 'PLENTY': 0x7fffffff}),
         Enum('enum plus', 4, False, {'ONE': 1, 'TEN': 10, 'MOST': 0xffffffff}),
         Enum('enum tiny', 1, False, {'T_NO': 0, 'T_YES': 1, 'T_LAST': 255}),
         Enum('enum wide', 8, False, {'W_ZERO': 0, 'W_BIG': 1 << 40})]
FLOATS = [Float('f32', 'float', 4, 8, 23), Float('f64', 'double', 8, 11, 52)]
PLAIN = [Scalar(*a) for a in (('i8', 'char', 1), ('i64', 'long long', 8), ('i32', 'int32_t', 4),
                              ('u64', 'unsigned long long', 8), ('u64', 'size_t', 8))]
POINTERS = [POINTER, Scalar('p', 'struct opaque *', 8, bits=False),
            Scalar('p', 'callback', 8, bits=False), Scalar('p', 'const int *', 8, bits=False)]
TEXTS = [Text('char *'), Text('const char *')]

PRELUDE = '''#include <stdint.h>
#include <stdio.h>
#include <string.h>
enum minus { MINUS = -1, NOUGHT, PLENTY = 0x7fffffff };
enum plus { ONE = 1, TEN = 10, MOST = 0xffffffff };
enum __attribute__((packed)) tiny { T_NO, T_YES, T_LAST = 255 };
enum wide { W_ZERO, W_BIG = 1ull << 40 };
struct opaque;
typedef void (*callback)(int);
extern const unsigned char values[], masks[];
extern const char *const strings[];
extern uint64_t sums[];
extern unsigned long round_at;
uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask);
uint64_t fold_text(uint64_t sum, const char *text);
'''


class Calls(Generator):
    """Functions and their calls; is_clang as in gen_types: what of a union travels."""

    def __init__(self, seed, is_clang):
        super().__init__(seed, 0, is_clang)
        self.pool = []

    def rare(self):
        return X80

    def scalar(self, p_rare):
        x = self.r.random()
        if x < p_rare / 2:
            return self.rare()
        if x < .5:
            return self.r.choice(INTS + PLAIN)
        return self.r.choice(ENUMS if x < .6 else POINTERS if x < .7 else FLOATS)

    def member(self, depth, packed):
        t, bits, asked = super().member(depth, packed)
        # clang 14 describes one as wide as its type as if it began at a byte
        return t, bits - 1 if packed and bits and bits == t.size * 8 else bits, asked

    def aggregate(self, depth=0):
        while True:
            a = super().aggregate(depth)
            # DWARF does not tell a packed type from one that lies the same without; on the stack
            # that matters for alignments above 8
            loose = Aggregate('', a.members, a.union, False, a.aligned)
            if a.align == loose.align or loose.align < 16 or a.places != loose.places or \
                    a.size != loose.size:
                return a

    def small_aggregate(self):
        while len(self.pool) < 12 or self.r.random() < .3:
            a = self.aggregate()
            if a.size <= MAX_AGGREGATE:
                self.pool.append(a)
                return a
        return self.r.choice(self.pool)

    def value_type(self):
        x = self.r.random()
        if x < .3:
            return self.small_aggregate()
        return self.r.choice(TEXTS) if x < .4 else self.scalar(.12)

    def signature(self):
        args = [self.value_type() for _ in range(self.r.randrange(21))]
        # clang before 20 and gcc pass an __int128 differently where registers run out: two fit
        for i in range(min(2, len(args))):
            if self.r.random() < .03:
                args[i] = self.r.choice(I128)
        while sum(t.size for t in args) > MAX_ARGS_BYTES:
            args.pop()
        return None if self.r.random() < .1 else self.value_type(), args


class Function:
    """One function, where its values lie in values.bin (per round) and masks in masks.bin."""

    def __init__(self, number, ret, args, at, mask_at):
        self.number, self.ret, self.args = number, ret, args
        self.name = f'fn_{number}'
        self.places, self.mask_places = [], []
        for t in args + ([ret] if ret else []):
            self.places.append(at)
            self.mask_places.append(mask_at)
            at, mask_at = at + t.size, mask_at + t.size
        self.end, self.mask_end = at, mask_at

    def types(self):
        return self.args + ([self.ret] if self.ret else [])

    def head(self):
        params = ', '.join(t.decl(f'a{k}') for k, t in enumerate(self.args)) or 'void'
        return f'{self.ret.decl("") if self.ret else "void "}{self.name}({params})'

    def load(self, t, name, k):
        at = f'values + round_at + {self.places[k]}'
        if isinstance(t, Text):
            return (f'\tuint64_t n{k};\n\tmemcpy(&n{k}, {at}, 8);\n'
                    f'\t{t.decl(name)} = ({t.c})strings[n{k}];\n')
        return f'\t{t.decl(name)};\n\tmemcpy(&{name}, {at}, {t.size});\n'

    def fold(self, t, name, k):
        total = f'sums[{self.number}]'
        if isinstance(t, Text):
            return f'\t{total} = fold_text({total}, {name});\n'
        return f'\t{total} = fold({total}, &{name}, {t.size}, masks + {self.mask_places[k]});\n'

    def callee(self):
        n = len(self.args)
        body = f'\tsums[{self.number}] += {self.number + 1};\n'  # no two functions are alike
        body += ''.join(self.fold(t, f'a{k}', k) for k, t in enumerate(self.args))
        if self.ret:
            body += self.load(self.ret, 'r', n) + '\treturn r;\n'
        return f'{self.head()}\n{{\n{body}}}\n'

    def caller(self):
        n = len(self.args)
        body = ''.join(self.load(t, f'a{k}', k) for k, t in enumerate(self.args))
        call = f'{self.name}({", ".join(f"a{k}" for k in range(n))})'
        if self.ret:
            body += f'\t{self.ret.decl("r")} = {call};\n' + self.fold(self.ret, 'r', n)
        else:
            body += f'\t{call};\n'
        return f'static void call_{self.number}(void)\n{{\n{body}}}\n'


MAIN = '''static uint64_t mix(uint64_t sum, unsigned char byte)
{
	return (sum ^ byte) * 0x100000001b3u;
}

uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask)
{
	for (unsigned long i = 0; i < n; i++)
		sum = mix(sum, ((const unsigned char *)data)[i] & mask[i]);
	return sum;
}

uint64_t fold_text(uint64_t sum, const char *text)
{
	while (*text)
		sum = mix(sum, (unsigned char)*text++);
	return mix(sum, 0);
}

int main(void)
{
	for (int i = 0; i < ROUNDS; i++, round_at += STRIDE) {
		for (int k = 0; k < COUNT; k++)
			calls[k]();
	}
	for (int k = 0; k < COUNT; k++)
		printf("fn_%d %016llx\\n", k, (unsigned long long)sums[k]);
	return 42;
}
'''


def c_string(b):
    return '"' + ''.join(f'\\{x:03o}' for x in b) + '"'


class Program:
    """count functions, each called once in each round."""

    def __init__(self, seed, count, rounds, is_clang):
        g = Calls(seed, is_clang)
        self.rounds, self.functions = rounds, []
        at = mask_at = 0
        for i in range(count):
            f = Function(i, *g.signature(), at, mask_at)
            at, mask_at = f.end, f.mask_end
            self.functions.append(f)
        self.stride, self.types = at, g.text
        r = random.Random(seed + 1)
        self.values = [b''.join(t.value(r) for f in self.functions for t in f.types())
                       for _ in range(rounds)]
        self.masks = b''.join(t.mask() for f in self.functions for t in f.types())

    def write(self, where):
        (where / 'types.h').write_text(
            PRELUDE + ''.join(self.types) + ''.join(f.head() + ';\n' for f in self.functions))
        (where / 'values.bin').write_bytes(b''.join(self.values))
        (where / 'masks.bin').write_bytes(self.masks)
        (where / 'callee.c').write_text(
            '#include "types.h"\n' + ''.join(f.callee() for f in self.functions))
        count = len(self.functions)
        blobs = ''.join(f'__asm__(".section .rodata\\n.globl {n}\\n{n}:\\n"\n'
                        f'".incbin \\"{where}/{n}.bin\\"\\n.byte 0\\n.previous");\n'
                        for n in ('values', 'masks'))
        (where / 'caller.c').write_text(
            '#include "types.h"\n' + blobs + f'uint64_t sums[{count}];\nunsigned long round_at;\n'
            'const char *const strings[] = {' + ','.join(map(c_string, Text.STRINGS)) + '};\n'
            + ''.join(f.caller() for f in self.functions)
            + 'static void (*const calls[])(void) = {'
            + ','.join(f'call_{i}' for i in range(count)) + '};\n'
            f'#define COUNT {count}\n#define ROUNDS {self.rounds}\n#define STRIDE {self.stride}\n'
            + MAIN)

    def calls(self):
        """(function, [(type, bytes, mask) of arguments and result]) in the order of the calls."""
        for values in self.values:
            for f in self.functions:
                yield f, [(t, values[p:p + t.size], self.masks[m:m + t.size]) for t, p, m in
                          zip(f.types(), f.places, f.mask_places)]


# -- what JSON must say ---------------------------------------------------------------------


def normal_x80(data):
    """The exact value of a long double, None of one that is no number (unions make such)."""
    mantissa, exponent = struct.unpack('<QH', data[:10])
    negative, exponent = exponent >> 15, exponent & 0x7fff
    if exponent == 0x7fff or (exponent and not mantissa >> 63) or (not exponent and mantissa >> 63):
        return None
    e = max(exponent, 1) - 16383 - 63
    v = Fraction(mantissa) * (Fraction(2) ** e)
    return -v if negative else v


def check_x80(got, data):
    want = normal_x80(data)
    if want is None:
        return None
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    if not want:
        return None if not Fraction(got) else f'{got} for 0'
    ulp = Fraction(2) ** (max(struct.unpack('<H', data[8:10])[0] & 0x7fff, 1) - 16383 - 63)
    off = abs(Fraction(got) - want) * 2
    reads_back = off < ulp or off == ulp and not data[0] & 1  # half way: to the even one
    return None if reads_back else f'{got} is another long double'


def check_float(t, got, data):
    wide = t.sig == 'f64'
    bits = int.from_bytes(data, 'little')
    if bits >> t.mantissa_bits & (1 << t.exponent_bits) - 1 == (1 << t.exponent_bits) - 1:
        return None  # no number: only a union makes such
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    try:
        back = struct.pack('<d' if wide else '<f', float(got))
    except OverflowError:
        return f'{got} is out of range'
    # float(): nearest double, and that rounded again; shortest decimals are never so close to
    # the middle of two floats that this matters
    return None if back == data else f'{got} is {back.hex()}, passed {data.hex()}'


def integer(t, data, bits):
    v = int.from_bytes(data, 'little')
    return v - (1 << bits) if t.sig[0] == 'i' and v >> bits - 1 else v


def check_scalar(t, got, data, bits):
    if isinstance(t, Text):
        want = Text.STRINGS[int.from_bytes(data, 'little')]
        if not isinstance(got, dict) or not re.fullmatch('0x[0-9a-f]+', got.get('ptr', '')):
            return f'{got} is no string'
        return None if got.get('str') == want.decode() else f'{got} for {want}'
    if t.sig == 'p':
        got = got['ptr'] if isinstance(got, dict) and 'sym' in got else got
        want = f'"{int.from_bytes(data, "little"):#x}"'
        return None if f'"{got}"' == want else f'{got} for {want}'
    if t.sig == 'bool':
        if int.from_bytes(data, 'little') > 1:
            return None  # only a union makes such
        return None if got is bool(data[0]) else f'{got} for {data[0]}'
    if t.sig in ('i128', 'u128'):
        return None if got == str(integer(t, data, 128)) and not isinstance(got, Number) else \
            f'{got} for {integer(t, data, 128)}'
    want = integer(t, data, bits)
    if isinstance(t, Enum):
        for name, v in t.names.items():
            if v == want:
                return None if got == name and not isinstance(got, Number) else f'{got} for {name}'
        if t.flags(want):
            return None if got == t.flags(want) else f'{got} for {t.flags(want)}'
    if t.sig == 'x80':
        return check_x80(got, data)
    if isinstance(t, Float):
        return check_float(t, got, data)
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    return None if got == str(want) else f'{got} for {want}'


def part(data, at, bits):
    v = int.from_bytes(data, 'little') >> at & (1 << bits) - 1
    return v.to_bytes((bits + 7) // 8, 'little')


def check(t, got, data, mask, bits=0):
    """None, or why got (parsed JSON) is not the value; bytes that do not travel are free."""
    if isinstance(t, Array):
        if not isinstance(got, list) or len(got) != t.n:
            return f'{got} is no array of {t.n}'
        s = t.elem.size
        parts = [(f'[{i}]', t.elem, got[i], data[i * s:i * s + s], mask[i * s:i * s + s], 0)
                 for i in range(t.n)]
    elif isinstance(t, Aggregate):
        names = [f'm{i}' for i in range(len(t.members))]
        if not isinstance(got, dict) or list(got) != names:
            return f'{got} has not the members {names}'
        parts = [(f'.{n}', m, got[n], *(part(x, at, b or m.size * 8) for x in (data, mask)), b)
                 for n, (m, b, _), at in zip(names, t.members, t.places)]
    else:
        bits = bits or t.size * 8
        if int.from_bytes(mask, 'little') != (1 << (80 if t.sig == 'x80' else bits)) - 1:
            return None
        return check_scalar(t, got, data, bits)
    for name, *rest in parts:
        why = check(*rest)
        if why:
            return f'{name}{"" if why[0] in ".[" else ": "}{why}'
    return None


def in_st0(t):
    """A result that travels in x87 registers (psABI 3.2.3: class X87)."""
    if isinstance(t, Array):
        return t.n == 1 and in_st0(t.elem)
    if isinstance(t, Aggregate):
        held = [m for m, _, _ in t.members if m.size]
        return t.size == 16 and bool(held) and all(in_st0(m) for m in held)
    return t.sig == 'x80'


def slots(t, data):
    """The context's u64 of a value as model/func_model.h says; None: an address, not known."""
    if isinstance(t, Text):
        return [None]
    if isinstance(t, (Aggregate, Array)) or t.size > 8:
        if t.size > 16:
            return [None]
        data += bytes(-len(data) % 8)
        return [int.from_bytes(data[i:i + 8], 'little') for i in range(0, len(data), 8)]
    if t.sig in ('f32', 'f64', 'p', 'bool'):
        return [int.from_bytes(data, 'little')]
    return [integer(t, data, t.size * 8) & (1 << 64) - 1]
