"""call_cxx.py - the types that only C++ has: classes by how they are passed, the library's.

A class made of a C struct keeps its layout; what is added decides whether a call passes the
object or the address of a copy (Itanium C++ ABI 3.1.2.3).  The library's types (libstdc++) are
made of a number; those that utramp shows as what they hold are checked in full, of the others
that the number is among what is shown.
"""
import re

from call_types import (ANY, ENUMS, STRING_SHOWN, Aggregate, Enum, Number, Scalar, Text, Types,
                        is_address)

CXX_ENUMS = [Enum('color', 2, True, {'RED': -3, 'GREEN': -2, 'BLUE': 1000}),
             Enum('alpha::perm', 2, False, {'R': 1, 'W': 2, 'X': 4}, bits=True, flags=True),
             Enum('alpha::tone', 1, False, {'LOW': 0, 'HIGH': 200})]
VPTR = Scalar('p', 'void *', 8, bits=False)


class Class(Aggregate):
    """A C struct with something of C++; kind as in KINDS."""
    KINDS = ['copied', 'dies', 'moves', 'moved', 'made', 'derived', 'virtual']

    def __init__(self, tag, of, kind, base):
        first = [(base, 0, 0)] if kind == 'derived' else [(VPTR, 0, 0)] * (kind == 'virtual')
        super().__init__(tag, first + of.members, False, of.packed, of.aligned, lossy=of.lossy)
        self.kind, self.base, self.plain = kind, base, of.members
        self.by_ref = kind in ('copied', 'dies', 'moved', 'virtual')
        self.keys = [f'm{i}' for i in range(len(of.members))]
        self.keys[:0] = [base.tag] if kind == 'derived' else ['_vptr'] * (kind == 'virtual')
        self.own = 8 if kind == 'virtual' else 0  # bytes before what the values hold
        self.sig = f'{kind} {self.sig}'

    def define(self):
        t = self.tag
        attrs = (['packed'] if self.packed else []) + (
            [f'aligned({self.aligned})'] if self.aligned else [])
        copy = f'memcpy((char *)this + {self.own}, (const char *)&o + {self.own}, ' \
               f'sizeof o - {self.own});'
        more = {'copied': f'{t}(const {t} &o) {{ {copy} }}', 'dies': f'~{t}() {{ }}',
                'moves': f'{t}(const {t} &) = delete; {t}({t} &&) = default;',
                'moved': f'{t}({t} &&o) {{ {copy} }}', 'made': f'{t}(int, int) {{ }}',
                'virtual': 'virtual long get() const { return 1; }', 'derived': ''}[self.kind]
        text = f'{"class" if self.kind == "made" else "struct"} {t}'
        text += f' : {self.base.tag}' if self.kind == 'derived' else ''
        text += f' {{\npublic:\n\t{t}() {{ }}\n\t{more}\n'
        for i, (m, bits, asked) in enumerate(self.plain):
            text += '\t%s%s%s;\n' % (m.decl(f'm{i}'), f' : {bits}' if bits else '',
                                     f' __attribute__((aligned({asked})))' if asked else '')
        text += '}' + (f' __attribute__(({", ".join(attrs)}))' if attrs else '') + ';\n'
        return text + f'static_assert(sizeof({t}) == {self.size}, "{self.sig}");\n' \
                      f'static_assert(alignof({t}) == {self.align}, "{self.sig}");\n'

    def load(self, name, at):
        return f'\t{self.tag} {name};\n\tmemcpy((char *)&{name} + {self.own}, {at} + {self.own}, ' \
               f'{self.size - self.own});\n'

    def passed(self, name):
        if self.kind in ('moves', 'moved'):
            return f'static_cast<{self.tag} &&>({name})'
        return name

    def mask(self):
        return bytes(self.own) + super().mask()[self.own:]


class Special(Scalar):
    """A type whose value is a number of `size` bytes."""

    def __init__(self, sig, c, size=8):
        super().__init__(sig, c, size, bits=False)

    def fold(self, name, total, mask):
        return ''


class Empty(Special):
    partial = True  # there is nothing to read

    def __init__(self):
        super().__init__('{}', 'empty_class', 0)

    def load(self, name, at):
        return f'\tempty_class {name};\n'

    def check(self, got, data):
        return None if got == {} else f'{got} for an empty class'

    def slots(self, data):
        return []


class Null(Special):
    partial = True  # nobody reads it

    def __init__(self):
        super().__init__('nullptr', 'decltype(nullptr)', 0)

    def load(self, name, at):
        return f'\tdecltype(nullptr) {name} = nullptr;\n'

    def check(self, got, data):
        return None if got == '0x0' else f'{got} for nullptr'

    def slots(self, data):
        return [ANY]


class Char(Scalar):
    """A character as a number, or itself."""

    def __init__(self, c, size):
        super().__init__(f'{"i" if c == "wchar_t" else "u"}{size * 8}', c, size, bits=False)

    def value(self, r):
        v = r.choice([65, 0xe9, 0x4e16, r.randrange(1, 0xd800)])
        return v.to_bytes(self.size, 'little')

    def check(self, got, data):
        v = int.from_bytes(data, 'little')
        if isinstance(got, Number):
            return None if got == str(v) else f'{got} for {v}'
        return None if got == chr(v) else f'{got} for {v}'

    def slots(self, data):
        return [int.from_bytes(data, 'little')]


class Field(Special):
    """A pointer to a data member: the number of one of pick's, or none."""

    def __init__(self):
        super().__init__('field', 'field', 1)

    def value(self, r):
        return bytes([r.randrange(5)])

    def load(self, name, at):
        return f'\tfield {name} = fields[*({at})];\n'

    def fold(self, name, total, mask):
        return f'\t{total} = {total} * 31 + ({name} ? picked.*{name} : 0);\n'

    def check(self, got, data):
        k = data[0]
        if isinstance(got, Number):
            return None if got == str(-1 if k == 4 else 4 * k) else f'{got} for member {k}'
        if not isinstance(got, str):
            return f'{got} for member {k}'
        return None if re.fullmatch(rf'&(\w+::)+f{k}', got) and k < 4 else f'{got} for member {k}'

    def slots(self, data):
        return [((1 << 64) - 1 if data[0] == 4 else 4 * data[0])]


class Member(Special):
    """A pointer to a member function, of two words."""

    def __init__(self):
        super().__init__('method', 'method', 1)

    def value(self, r):
        return bytes([r.randrange(2)])

    def load(self, name, at):
        return f'\tmethod {name} = methods[*({at})];\n'

    def fold(self, name, total, mask):
        return f'\t{total} = {total} * 31 + (picked.*{name})();\n'

    def check(self, got, data):
        if not isinstance(got, dict) or len(got) != 2:
            return f'{got} is no pointer to a member function'
        first, delta = got.values()
        if isinstance(first, dict):
            good = is_address(first.get('ptr')) and f'p{data[0]}' in first.get('sym', '')
        elif list(got) == ['ptr', 'sym']:
            return None if is_address(first) and f'p{data[0]}' in delta else f'{got}'
        else:
            good = is_address(first) or isinstance(first, Number) and int(first) > 4095
        return None if good and delta == '0' else f'{got} for method {data[0]}'

    def slots(self, data):
        return [None, 0]


class Words(Special):
    """What holds text: made of the number of a string."""
    TEXTS = [b'', b'a', b'fifteen letters', b'sixteen letters!', b'z' * 63, b'y' * 64, b'x' * 65,
             'grüße, 世界'.encode(), b'w' * 63 + 'é'.encode() + b'v' * 100, b'long ' * 60]
    through = True  # a reference to it shows what it holds

    def value(self, r):
        return r.randrange(len(self.TEXTS)).to_bytes(8, 'little')

    def load(self, name, at):
        return (f'\tuint64_t {name}_n;\n\tmemcpy(&{name}_n, {at}, 8);\n'
                f'\t{self.c} {name}(texts[{name}_n], text_sizes[{name}_n]);\n')

    def fold(self, name, total, mask):
        return f'\t{total} = fold_bytes({total}, {name}.data(), {name}.size());\n'

    def check(self, got, data):
        want = self.TEXTS[int.from_bytes(data, 'little')]
        shown = want[:STRING_SHOWN].decode(errors='ignore')
        if not isinstance(got, dict) or list(got) != ['ptr', 'len', 'str']:
            return f'{got} is no string'
        good = is_address(got['ptr']) and got['len'] == str(len(want)) and got['str'] == shown
        return None if good else f'{got} for {want}'

    def slots(self, data):
        return [ANY, ANY] if self.sig == 'view' else [None]


class Row(Special):
    """std::vector of T: made of the number of a length; element i of length n is i * 7 - n."""
    LENGTHS = [0, 1, 2, 5, 1000]
    through = True

    def __init__(self, elem):
        super().__init__('vector', f'std::vector<{elem}>')

    def value(self, r):
        return r.choice(self.LENGTHS).to_bytes(8, 'little')

    def load(self, name, at):
        return (f'\tuint64_t {name}_n;\n\tmemcpy(&{name}_n, {at}, 8);\n\t{self.c} {name};\n'
                f'\tfor (int i = 0; i < (int){name}_n; i++)\n'
                f'\t\t{name}.push_back(i * 7 - (int){name}_n);\n')

    def fold(self, name, total, mask):
        return f'\tfor (auto e : {name}) {total} = {total} * 31 + (uint64_t)(int64_t)e;\n'

    def check(self, got, data):
        n = int.from_bytes(data, 'little')
        if not isinstance(got, dict) or list(got) != ['ptr', 'len', 'val']:
            return f'{got} is no vector'
        want = [i * 7 - n for i in range(n)]
        vals = got['val']
        good = is_address(got['ptr']) and got['len'] == str(n) and isinstance(vals, list) and \
            (len(vals) > 0 or not n) and [float(v) for v in vals] == want[:len(vals)] and \
            len(vals) >= min(n, 5)
        return None if good else f'{got} for {n} elements'

    def slots(self, data):
        return [None]


class Library(Special):
    """Another type of the library, made of an int n; `words`: what a context shows of it."""

    def __init__(self, c, made, read, words, shown=True, moved=False):
        super().__init__('std', c, 4)
        self.made, self.read, self.words = made, read, words
        self.shown, self.moved, self.partial = shown, moved, True

    def load(self, name, at):
        return (f'\tint {name}_n;\n\tmemcpy(&{name}_n, {at}, 4);\n'
                f'\t{self.c} {name}{self.made.replace("N", f"{name}_n")};\n')

    def fold(self, name, total, mask):
        return f'\t{total} = {total} * 31 + (uint64_t)({self.read.replace("A", name)});\n'

    def passed(self, name):
        return f'static_cast<{self.c} &&>({name})' if self.moved else name

    def check(self, got, data):
        want = int.from_bytes(data, 'little', signed=True)
        if not self.shown:
            return None if isinstance(got, (dict, str)) else f'{got} for a class'
        return None if any(is_number(v, want) for v in leaves(got)) else f'{got} has no {want}'

    def slots(self, data):
        return [None] if not self.words else [ANY] * self.words


def is_number(v, want):
    return isinstance(v, Number) and float(v) == want


def leaves(got):
    if isinstance(got, dict):
        got = list(got.values())
    if not isinstance(got, list):
        return [got]
    return [x for v in got for x in leaves(v)]


STRINGS = [Words('string', 'std::string'), Words('view', 'std::string_view')]
ROWS = [Row('int'), Row('double'), Row('short')]
LIBRARY = [
    Library('std::unique_ptr<long>', '(new long(N))', '*A', 0, shown=False, moved=True),
    Library('std::shared_ptr<long>', '(new long(N))', '*A', 0, shown=False),
    Library('std::function<int(int)>', '(gives{ N })', 'A(1)', 0, shown=False),
    Library('std::pair<int, double>', '(N, 2.5)', 'A.first', 2),
    Library('std::optional<int>', '(N)', '*A', 1),
    Library('std::complex<double>', '(double(N), 1.5)', '(int64_t)A.real()', 2),
    Library('std::complex<float>', '(1.5f, 2.5f)', '(int64_t)A.real()', 1, shown=False),
    Library('std::array<int, 3>', ' = {{ 1, N, 2 }}', 'A[1]', 2),
    Library('std::tuple<int, long>', '(7, N)', 'std::get<1>(A)', 0),
    Library('std::chrono::nanoseconds', '(N)', 'A.count()', 1),
    Library('std::map<int, int>', '{{ N, N }}', 'A.begin()->first', 0, shown=False),
]
EMPTY, NULL, FIELD, MEMBER = Empty(), Null(), Field(), Member()
CHARS = [Char('char16_t', 2), Char('char32_t', 4), Char('wchar_t', 4)]

CXX_PRELUDE = '''#include <array>
#include <chrono>
#include <complex>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>
enum class color : short { RED = -3, GREEN, BLUE = 1000 };
namespace alpha {
enum class perm : unsigned short { R = 1, W = 2, X = 4 };
enum class tone : unsigned char { LOW, HIGH = 200 };
}
struct empty_class { };
struct gives {
	int number;
	int operator()(int) const { return number; }
};
struct pick {
	int f0, f1, f2, f3;
	int p0() const;
	int p1() const;
};
typedef int pick::*field;
typedef int (pick::*method)() const;
extern const pick picked;
extern const field fields[];
extern const method methods[];
extern const char *const texts[];
extern const unsigned text_sizes[];
extern "C" uint64_t fold_bytes(uint64_t sum, const void *data, unsigned long n);
'''
CXX_MAIN = '''int pick::p0() const { return f0 + 1; }
int pick::p1() const { return f1 + 2; }
const pick picked = { 1, 4, 7, 10 };
const field fields[] = { &pick::f0, &pick::f1, &pick::f2, &pick::f3, nullptr };
const method methods[] = { &pick::p0, &pick::p1 };
'''


def tables():
    texts = ','.join('"' + ''.join(f'\\{x:03o}' for x in t) + '"' for t in Words.TEXTS)
    sizes = ','.join(str(len(t)) for t in Words.TEXTS)
    return (f'extern const char *const texts[] = {{ {texts} }};\n'
            f'extern const unsigned text_sizes[] = {{ {sizes} }};\n')


class CxxTypes(Types):
    """Types of a C++ program."""

    def __init__(self, *args):
        super().__init__(*args)
        self.classes = []

    def some_class(self):
        r = self.r
        while len(self.classes) < 14 or r.random() < .25:
            of, base = self.small_aggregate(), self.small_aggregate()
            # bases that lie as in C: no flexible ends, no unions
            kinds = [k for k in Class.KINDS if k != 'derived' or not base.union
                     and not of.packed and not any(m.size == 0 for m, _, _ in base.members)]
            if of.union or any(m.size == 0 for m, _, _ in of.members):
                continue
            c = Class(f'C{self.ntypes}', of, r.choice(kinds), base)
            self.ntypes += 1
            if c.size <= self.MAX_AGGREGATE:
                self.text.append(c.define())
                self.classes.append(c)
                return c
        return r.choice(self.classes)

    def value_type(self):
        r, x = self.r, self.r.random()
        if x > .40:
            return super().value_type()
        if x < .14:
            return self.some_class()
        if x < .20:
            return r.choice(STRINGS + ROWS)
        if x < .27:
            return r.choice(LIBRARY)
        if x < .29:
            return r.choice(ENUMS + CXX_ENUMS)
        return r.choice(CXX_ENUMS + CHARS + [EMPTY, FIELD, MEMBER] + [NULL])


__all__ = ['CXX_MAIN', 'CXX_PRELUDE', 'Class', 'CxxTypes', 'Special', 'Text', 'tables']
