"""call_check.py - is what `utramp trace -j` shows, or a context slot holds, the value passed?

From C types and bytes alone; nothing here asks utramp what it thinks of a function.  Bytes that
do not travel (padding, what a union's smaller members leave) are masked out and free.
"""
import struct
from fractions import Fraction

from call_types import (ANY, Aggregate, Array, BitInt, Complex, Enum, Flexible, Float, Number,
                        VALUE_SHOWN, Vector)

FORMATS = {'f16': '<e', 'f32': '<f', 'f64': '<d'}


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


def check_quad(t, got, data):
    """Of 113 bits of mantissa those are shown that a long double has: 64."""
    bits = int.from_bytes(data, 'little')
    exponent = bits >> t.mantissa_bits & (1 << t.exponent_bits) - 1
    if exponent == (1 << t.exponent_bits) - 1:
        return None  # no number: only a union makes such
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    mantissa = bits & (1 << 112) - 1 | (1 << 112 if exponent else 0)
    scale = Fraction(2) ** (max(exponent, 1) - 16383)
    want = Fraction(mantissa, 1 << 112) * scale * (-1 if bits >> 127 else 1)
    near = scale / (1 << 63)  # rounded twice: half a unit of the last of 64 bits each
    return None if abs(Fraction(got) - want) <= near else f'{got} for {data.hex()}'


def check_float(t, got, data):
    bits = int.from_bytes(data, 'little')
    if bits >> t.mantissa_bits & (1 << t.exponent_bits) - 1 == (1 << t.exponent_bits) - 1:
        return None  # no number: only a union makes such
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    try:
        back = struct.pack(FORMATS[t.sig], float(got))
    except OverflowError:
        return f'{got} is out of range'
    # float(): nearest double, and that rounded again; shortest decimals are never so close to
    # the middle of two floats that this matters
    return None if back == data else f'{got} is {back.hex()}, passed {data.hex()}'


def integer(t, data, bits):
    v = int.from_bytes(data, 'little')
    return v - (1 << bits) if t.sig[0] == 'i' and v >> bits - 1 else v


def check_flags(t, got, v):
    """A|B: names that are in v, once each, and one hexadecimal number of the bits left."""
    if isinstance(got, Number):  # none has a name
        named = any(n and n & v == n for n in t.names.values())
        return None if got == str(v) and not named else f'{got} for {v}'
    if not isinstance(got, str):
        return f'{got} is no flags'
    words, total = got.split('|'), 0
    for i, w in enumerate(words):
        if w.startswith('0x') and i == len(words) - 1 and i:
            left = int(w, 16)
            if not left or any(n & left for n in t.names.values()):
                return f'{got}: bits of {w} have names'
            total |= left
        elif w in t.names and words.count(w) == 1 and t.names[w]:
            total |= t.names[w]
        else:
            return f'{got}: what is {w}?'
    return None if total == v else f'{got} for {v:#x}'


def check_enum(t, got, v):
    for name, value in t.names.items():
        if value == v:
            return None if got == name and not isinstance(got, Number) else f'{got} for {name}'
    if t.flags:
        return check_flags(t, got, v)
    return None if isinstance(got, Number) and got == str(v) else f'{got!r} for {v}'


def check_scalar(t, got, data, bits):
    if t.sig == 'p':
        want = f'"{int.from_bytes(data, "little"):#x}"'
        return None if f'"{got}"' == want else f'{got} for {want}'
    if t.sig == 'bool':
        if int.from_bytes(data, 'little') > 1:
            return None  # only a union makes such
        return None if got is bool(data[0]) else f'{got} for {data[0]}'
    if t.sig in ('i128', 'u128'):
        return None if got == str(integer(t, data, 128)) and not isinstance(got, Number) else \
            f'{got} for {integer(t, data, 128)}'
    if t.sig == 'x80':
        return check_x80(got, data)
    if t.sig == 'f128':
        return check_quad(t, got, data)
    if isinstance(t, Float):
        return check_float(t, got, data)
    want = integer(t, data, bits)
    if isinstance(t, Enum):
        return check_enum(t, got, want)
    if not isinstance(got, Number):
        return f'{got!r} is no number'
    return None if got == str(want) else f'{got} for {want}'


def part(data, at, bits):
    v = int.from_bytes(data, 'little') >> at & (1 << bits) - 1
    return v.to_bytes((bits + 7) // 8, 'little')


def pieces(t):
    """(key in JSON, type, bit offset, bits of a bit-field or 0) of an aggregate's members."""
    if isinstance(t, Flexible):
        return []
    if is_list(t):
        elem = t.part if isinstance(t, Complex) else t.elem
        return [(f'[{i}]', elem, i * elem.size * 8, 0)
                for i in range(2 if isinstance(t, Complex) else t.n)]
    return [(k, m, at, b) for k, (m, b, _), at in zip(keys(t), t.members, t.places)]


def keys(t):
    return getattr(t, 'keys', None) or [f'm{i}' for i in range(len(t.members))]


def is_list(t):
    return isinstance(t, (Array, Flexible, Vector, Complex))


def mask_of(t, bits):
    return (1 << (80 if t.sig == 'x80' else bits or t.size * 8)) - 1


def check(t, got, data, mask, bits=0, shown=1 << 30):
    """None, or why got (parsed JSON) is not the value.

    shown: how many of its bytes utramp may show; what lies beyond is null, or not in its list.
    """
    if shown <= 0 and not isinstance(t, Aggregate) and not (is_list(t) and not t.size):
        return None if got is None or got == [] else f'{got}, but its bytes are not shown'
    if hasattr(t, 'check'):
        return t.check(got, data)
    parts = pieces(t) if is_list(t) or isinstance(t, Aggregate) else None
    if parts is None:
        if shown < ((bits or t.size * 8) + 7) // 8 and t.sig != 'x80':
            return None if got is None else f'{got}, but its bytes are not all shown'
        if int.from_bytes(mask, 'little') != mask_of(t, bits):
            return None
        return check_scalar(t, got, data, bits or t.size * 8)
    if is_list(t):
        elem = parts[0][1].size if parts else 1
        parts = parts[:max(0, shown // elem)] if elem else parts
        if not isinstance(got, list) or len(got) != len(parts):
            return f'{got} is no list of {len(parts)}'
        values = got
    else:
        names = [p[0] for p in parts]
        if not isinstance(got, dict) or not same_keys(list(got), names):
            return f'{got} has not the members {names}'
        values = list(got.values())
    for (name, m, at, b), v in zip(parts, values):
        width = b or m.size * 8
        # a bit-field is shown if its last byte is
        left = shown - at // 8 if not b else shown - (at + b + 7) // 8 + (b + 7) // 8
        why = check(m, v, part(data, at, width), part(mask, at, width), b, left)
        if why:
            return f'{"" if is_list(t) else "."}{name}{"" if why[0] in ".[" else ": "}{why}'
    return None


def same_keys(got, want):
    """A class's table of virtual functions is _vptr.NAME to gcc, _vptr$NAME to clang."""
    return len(got) == len(want) and all(
        g == w or w == '_vptr' and g.startswith(('_vptr.', '_vptr$')) for g, w in zip(got, want))


def check_value(t, got, data, mask):
    """An argument's or a result's."""
    return check(t, got, data, mask, shown=VALUE_SHOWN if t.size > VALUE_SHOWN else 1 << 30)


def slots(t, data):
    """The context's u64 of a value as model/func_model.h says; None: an address, not known."""
    if hasattr(t, 'slots'):
        return t.slots(data)
    if isinstance(t, BitInt):
        small = [integer(t, data, t.size * 8) & (1 << 64) - 1]
        return small if t.size <= 8 else words(data)
    if hasattr(t, 'check'):
        return [None] * (1 if t.size > 16 else (t.size + 7) // 8)
    if is_wide(t):
        return Either(words(data))
    if isinstance(t, Vector) or isinstance(t, Complex):
        return words(data) if isinstance(t, Vector) or t.size <= 16 else [None]
    if isinstance(t, (Aggregate, Array)) or t.size > 8:
        if getattr(t, 'by_ref', False) or t.size > 16:
            return [None]
        return words(data)
    if t.sig in ('f16', 'f32', 'f64', 'p', 'bool'):
        return [int.from_bytes(data, 'little')]
    return [integer(t, data, t.size * 8) & (1 << 64) - 1]


class Either(list):
    """The value's words, in a register, or one with its address."""


def is_wide(t):
    """A vector of 32 or 64 bytes, or what holds nothing but one."""
    if isinstance(t, Aggregate):
        held = [m for m, _, _ in t.members if m.size]
        return t.size in (32, 64) and not getattr(t, 'by_ref', False) and bool(held) and \
            all(is_wide(m) for m in held)
    if isinstance(t, Array):
        return t.n == 1 and is_wide(t.elem)
    return isinstance(t, Vector) and t.size > 16


def words(data):
    data += bytes(-len(data) % 8)
    return [int.from_bytes(data[i:i + 8], 'little') for i in range(0, len(data), 8)]


def check_slots(got, args, free):
    """Compare u64 slots with the values of [(name, type, bytes, mask)]; None or why not.

    free: names whose slots may hold anything.
    """
    at = 0
    for number, (name, t, data, mask) in enumerate(args):
        low = slots(t, bytes(d & m for d, m in zip(data, mask)))
        high = slots(t, bytes(d | (m ^ 0xff) for d, m in zip(data, mask)))
        if isinstance(low, Either):
            left = len(got) - at - sum(1 if is_wide(x[1]) else len(slots(*x[1:3]))
                                       for x in args[number + 1:])
            if left < len(low):
                low = high = [None]
        for i, (want, filled) in enumerate(zip(low, high)):
            if at >= len(got):
                return f'{len(got)} slots, more are due'
            g, at = got[at], at + 1
            if want is ANY or name in free:
                continue
            if want is None:
                if not g:
                    return f'{name}: no address'
            elif differs(g, want, filled):
                return f'{name} ({t.sig}): slot {at - 1}, its {i}: {g:#x}, not {want:#x}'
    return None if at == len(got) else f'{len(got)} slots, not {at}'


def differs(got, want, filled):
    """In the bits that are the same in both."""
    known = ~(want ^ filled) & (1 << 64) - 1
    return got & known != want & known


__all__ = ['check', 'check_slots', 'check_value', 'slots']
