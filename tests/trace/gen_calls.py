"""gen_calls.py - random functions of C or C++, a program that calls them, and what is passed.

Types and their values come from call_types.py and call_cxx.py.  Functions are fn_0_, fn_1_, ... in
one way or another (methods, operators, templates, ... of such a name); each call's arguments and
result are read from values.bin, so that the code holds none but literals; each callee folds the
bytes that carry data (masks.bin) into a checksum of its own, which the program prints.  Addresses
that a call passes are noted by the caller, and written to the file that the program is given.

Local functions (kind local) are in the callers' file, so that the compiler may do with them what it
likes: drop and split parameters, drop results, put in constants.  Exported ones are there as well:
their parameters stay, but what is passed for those that they do not read may be anything.
"""
import random

from call_cxx import CXX_MAIN, CXX_PRELUDE, Class, CxxTypes, Special, tables
from call_types import (ARRAYS, Aggregate, Array, PRELUDE, Scalar, Text, Types, Vector, fold,
                        load, param)
from call_check import check_value

MAX_ARGS_BYTES = 1500  # a record holds 4000
C_KINDS = {'global': 60, 'local': 26, 'exported': 8, 'variadic': 6}
CXX_KINDS = {'global': 18, 'local': 18, 'exported': 4, 'method': 14, 'static_method': 5,
             'virtual': 9, 'ctor': 8, 'dtor': 2, 'functor': 4, 'operator': 4, 'template': 6,
             'class_template': 4, 'variadic': 4}
HERE = ('local', 'exported')
MEMBERS = ('method', 'virtual', 'ctor', 'dtor', 'functor', 'operator', 'class_template')
OPERATORS = ['+', '-', '*', '/', '%', '^', '&', '|', '<<', '>>', '==', '<', '+=', '[]', ',', '&&']
SPACES = ['', '', 'alpha', 'alpha::beta', 'extern "C"']
BY_REF = ('string', 'vector', 'std')  # or may be
ADDRESSES = {'pointer': '*', 'ref': '&', 'cref': '&', 'rref': '&&'}


def is_plain(t):
    """A C type with no more to it than bytes."""
    return not hasattr(t, 'check') and not hasattr(t, 'param')


def may_be_by_ref(t):
    return getattr(t, 'by_ref', t.sig in BY_REF)


class Arg:
    """One parameter.  how: value; unused; const, a literal; member, of which the callee reads
    one member; pointer, ref, cref, rref: its address."""

    def __init__(self, t, how='value', const=None, pick=None):
        self.t, self.how, self.const, self.pick = t, how, const, pick

    def c(self):
        return self.t.decl('').strip()

    def by_address(self):
        return self.how in ADDRESSES

    def param(self, name):
        if not self.by_address():
            return param(self.t, name)
        word = 'const ' if self.how in ('pointer', 'cref') else ''
        return f'{self.c()} {word}{ADDRESSES[self.how]}{name}'

    def value(self, r):
        return self.const or self.t.value(r)

    def passed(self, name):
        if self.how == 'const':
            v = int.from_bytes(self.const, 'little')
            return f'({self.c()}){v}u' if self.t.size < 8 else f'({self.c()}){v}ull'
        if self.how == 'pointer':
            return f'&{name}'
        if self.how == 'rref':
            return f'static_cast<{self.c()} &&>({name})'
        by_value = hasattr(self.t, 'passed') and not self.by_address()
        return self.t.passed(name) if by_value else name

    def fold(self, name, total, mask, copy):
        """copy: through a variable of its own, so that its address goes nowhere."""
        if self.how == 'unused':
            return ''
        if self.how == 'pointer':
            name = f'(*{name})'
        t = self.t
        if self.pick is not None:
            m, at = t.members[self.pick][0], t.places[self.pick] // 8
            name, t, mask = f'{name}.m{self.pick}', m, mask + at
        if copy and is_plain(t) and not isinstance(t, (Array, Class)):
            return f'\t{{\n\t\t{t.decl("w")} = {name};\n\t{fold(t, "w", total, mask)}\t}}\n'
        return fold(t, name, total, mask)

    def is_unread(self):
        """In part at least: a compiler that knows may not have written it (gcc: -fipa-modref)."""
        return self.how == 'unused' or self.pick is not None or \
            getattr(self.t, 'partial', False)

    def check(self, got, data, mask, address, local=False):
        """None, or why JSON is not what was passed; address: as noted."""
        if local and self.is_unread() and may_be_by_ref(self.t):
            return None if isinstance(got, (dict, str)) else f'{got} for a class'
        if self.how == 'pointer':
            return None if got == f'{address:#x}' else f'{got} for {address:#x}'
        if self.by_address() and not getattr(self.t, 'through', False):
            if not isinstance(got, dict) or list(got) != ['ptr', 'val']:
                return f'{got} is no reference'
            if got['ptr'] != f'{address:#x}':
                return f'ptr {got["ptr"]} for {address:#x}'
            got = got['val']
        if local and self.by_address() and self.is_unread():
            return None
        return check_value(self.t, got, data, mask)


class Function:
    """One function, where its values lie in values.bin (per round) and masks in masks.bin."""

    def __init__(self, number, kind, ret, args):
        self.number, self.kind, self.ret, self.args = number, kind, ret, args
        self.name, self.space, self.op = f'fn_{number}_', '', ''
        self.const = self.drops = False
        self.extra = []  # of a variadic one
        self.places, self.mask_places = [], []

    def lay_out(self, at, mask_at):
        for t in self.types():
            self.places.append(at)
            self.mask_places.append(mask_at)
            at, mask_at = at + t.size, mask_at + t.size
        return at, mask_at

    def __str__(self):
        args = ', '.join(f'{a.t.sig}{"" if a.how == "value" else " " + a.how}' for a in self.args)
        return f'{self.name}: {self.kind} {self.ret.sig if self.ret else "void"}({args})'

    def types(self):
        return [a.t for a in self.args] + ([self.ret] if self.ret else [])

    def is_member(self):
        return self.kind in MEMBERS

    def names(self):
        """Of the arguments, as JSON has them."""
        return ['this'] * self.is_member() + [f'a{i}' for i in range(len(self.args))]

    # -- text ---------------------------------------------------------------------------------

    def params(self):
        text = ', '.join(a.param(f'a{k}') for k, a in enumerate(self.args))
        return text + ', ...' * bool(self.extra) or 'void'

    def c_ret(self):
        return self.ret.decl('').strip() if self.ret else 'void'

    def declare(self):
        """For types.h."""
        r, n, p = self.c_ret(), self.name, self.params()
        i, const = self.number, ' const' * self.const
        if self.kind == 'local':
            return ''
        if self.kind == 'template':
            return f'template <int N> {r} {n}({p});\n'
        if self.kind == 'class_template':
            return f'template <class T> struct in_{i} {{ T id; NOINLINE {r} {n}({p}){const}; }};\n'
        if self.kind == 'ctor':
            return f'struct {n} {{ uint64_t id; NOINLINE {n}({p}); }};\n'
        if self.kind == 'dtor':
            return f'struct {n} {{ uint64_t id; NOINLINE ~{n}(); }};\n'
        if self.kind in ('functor', 'operator'):
            return f'struct {n} {{ uint64_t id; NOINLINE {r} operator{self.op}({p}){const}; }};\n'
        if self.kind == 'virtual':
            return (f'struct on_{self.number} {{ virtual {r} {n}({p}){const} = 0; }};\n'
                    f'struct in_{i} : on_{i} {{ uint64_t id; {r} {n}({p}){const} override; }};\n')
        if self.kind in ('method', 'static_method'):
            word = 'static ' if self.kind == 'static_method' else ''
            return f'struct in_{i} {{ uint64_t id; {word}NOINLINE {r} {n}({p}){const}; }};\n'
        if self.space == 'extern "C"':
            return f'extern "C" {r} {n}({p});\n'
        text = f'{r} {n}({p});\n'
        return f'namespace {self.space} {{ {text} }}\n' if self.space else text

    def head(self):
        r, n, p = self.c_ret(), self.name, self.params()
        const = ' const' * self.const
        if self.kind == 'local':
            return f'static NOINLINE {r} {n}({p})'
        if self.kind == 'template':
            return f'template <int N> NOINLINE {r} {n}({p})'
        if self.kind == 'class_template':
            return f'template <class T> {r} in_{self.number}<T>::{n}({p}){const}'
        if self.kind == 'ctor':
            return f'{n}::{n}({p})'
        if self.kind == 'dtor':
            return f'{n}::~{n}()'
        if self.kind in ('functor', 'operator'):
            return f'{r} {n}::operator{self.op}({p}){const}'
        if self.kind in ('method', 'static_method', 'virtual'):
            return f'{r} in_{self.number}::{n}({p}){const}'
        space = '' if self.space == 'extern "C"' or not self.space else f'{self.space}::'
        return f'{"NOINLINE " * (self.kind == "exported")}{r} {space}{n}({p})'

    def callee(self):
        total, n = f'sums[{self.number}]', len(self.args)
        body = f'\t{total} += {self.number + 1};\n'  # no two functions are alike
        if self.is_member() and self.kind != 'ctor':
            body += f'\t{total} += (uint64_t)this->id * 31;\n'
        body += ''.join(a.fold(f'a{k}', total, self.mask_places[k], self.kind in HERE)
                        for k, a in enumerate(self.args))
        if self.kind == 'ctor':
            body += f'\tid = {total};\n'
        if self.ret:
            body += load(self.ret, 'r', f'values + round_at + {self.places[n]}') + '\treturn r;\n'
        text = f'{self.head()}\n{{\n{body}}}\n'
        if self.kind == 'template':
            text += f'template {self.c_ret()} {self.name}<3>({self.params()});\n'
        if self.kind == 'class_template':
            text += f'template struct in_{self.number}<long>;\n'
        return text

    def call(self):
        """Statements before, and the call."""
        n, args = self.name, ', '.join([a.passed(f'a{k}') for k, a in enumerate(self.args)]
                                       + self.extra)
        made = f'o;\n\to.id = {self.number * 7};\n\tnote(&o);\n'
        if self.kind in ('method', 'class_template'):
            of = f'in_{self.number}<long>' if self.kind == 'class_template' else f'in_{self.number}'
            return f'\t{of} {made}', f'o.{n}({args})'
        if self.kind == 'virtual':
            return (f'\tin_{self.number} {made}\ton_{self.number} *p = &o;\n'
                    '\t__asm__ volatile("" : "+r"(p) : : "memory");\n'), f'p->{n}({args})'
        if self.kind == 'functor':
            return f'\t{n} {made}', f'o({args})'
        if self.kind == 'operator':
            return f'\t{n} {made}', f'o.operator{self.op}({args})'
        if self.kind == 'ctor':
            room = f'\talignas({n}) char room[sizeof({n})];\n\tnote(room);\n'
            return room, f'new (room) {n}({args})'
        if self.kind == 'dtor':
            return '', f'{{ {n} {made} }}'
        if self.kind == 'static_method':
            return '', f'in_{self.number}::{n}({args})'
        if self.kind == 'template':
            return '', f'{n}<3>({args})'
        space = '' if self.space == 'extern "C"' or not self.space else f'{self.space}::'
        return '', f'{space}{n}({args})'

    def caller(self):
        n = len(self.args)
        body = ''.join(load(a.t, f'a{k}', f'values + round_at + {self.places[k]}')
                       for k, a in enumerate(self.args) if a.how != 'const')
        before, call = self.call()
        body += before
        body += ''.join(f'\tnote(&a{k});\n' for k, a in enumerate(self.args) if a.by_address())
        if self.ret and not self.drops:
            body += f'\t{self.ret.decl("r")} = {call};\n'
            body += fold(self.ret, 'r', f'sums[{self.number}]', self.mask_places[n])
        else:
            body += f'\t{call};\n'
        return f'static void call_{self.number}(void)\n{{\n{body}}}\n'

    def values(self, r):
        return b''.join([a.value(r) for a in self.args] + ([self.ret.value(r)] if self.ret else []))

    def notes(self):
        """How many addresses a call notes."""
        return self.is_member() + sum(a.by_address() for a in self.args)


MAIN = '''static uint64_t notes[NOTES + 1];
static unsigned long noted;

static uint64_t mix(uint64_t sum, unsigned char byte)
{
	return (sum ^ byte) * 0x100000001b3u;
}

uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask)
{
	for (unsigned long i = 0; i < n; i++)
		sum = mix(sum, ((const unsigned char *)data)[i] & mask[i]);
	return sum;
}

uint64_t fold_bytes(uint64_t sum, const void *data, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sum = mix(sum, ((const unsigned char *)data)[i]);
	return mix(sum, 0);
}

uint64_t fold_text(uint64_t sum, const char *text)
{
	return fold_bytes(sum, text, strlen(text));
}

void note(const volatile void *address)
{
	if (noted < NOTES)
		notes[noted++] = (uintptr_t)address;
}

void cb_0(int n) { noted += n; }
void cb_1(int n) { noted -= n; }
void cb_2(int n) { noted += 2 * n; }
void cb_3(int n) { noted -= 2 * n; }

const callback callbacks[] = { cb_0, cb_1, cb_2, cb_3, 0 };
uint64_t sums[COUNT];
unsigned long round_at;
'''
MAIN_END = '''
int main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "wb") : NULL;

	for (int i = 0; i < ROUNDS; i++, round_at += STRIDE) {
		for (int k = 0; k < COUNT; k++)
			calls[k]();
	}
	for (int k = 0; k < COUNT; k++)
		printf("fn_%d %016llx\\n", k, (unsigned long long)sums[k]);
	if (out) {
		fwrite(notes, sizeof(notes[0]), noted, out);
		fclose(out);
	}
	return 42;
}
'''


def c_string(b):
    return '"' + ''.join(f'\\{x:03o}' for x in b) + '"'


class Maker:
    """Random functions."""
    EXTRA = ['5', '2.5', '"more"', '7ull', '1.25l', "'x'"]

    def __init__(self, types):
        self.types, self.r, self.cxx = types, types.r, types.cxx

    def arg(self, t, kind):
        r, x = self.r, self.r.random()
        whole = isinstance(t, Scalar) and t.sig[0] in 'iu' and t.size <= 8 and is_plain(t)
        if kind == 'local' and whole and x < .25:
            return Arg(t, 'const', t.value(r))
        # LLVM's callers in the same unit pass anything for what is not read, also in memory, where
        # nothing tells: what is shown is what was passed
        lost = self.types.is_clang and kind == 'exported'
        if x < (.2 if kind in HERE else .06) and not lost:
            return Arg(t, 'unused')
        pick = self.member(t) if kind in HERE and r.random() < .6 else None
        plain = is_plain(t) and t.size > 1 and not isinstance(t, (Array, Special))
        if x < .4 and plain and (kind == 'local' or x < .14):
            if self.cxx and r.random() < .6:
                return Arg(t, r.choice(['ref', 'cref', 'rref']), None, pick)
            return Arg(t, 'pointer', None, pick)
        if self.cxx and x < .3 and isinstance(t, (Class, Special)) and t.sig != 'nullptr':
            return Arg(t, r.choice(['ref', 'cref', 'rref']))
        return Arg(t, 'value' if pick is None else 'member', None, pick)

    def member(self, t):
        """The number of a scalar member of a struct; None."""
        if not isinstance(t, Aggregate) or isinstance(t, Class) or t.union:
            return None
        good = [i for i, (m, bits, _) in enumerate(t.members) if not bits and
                isinstance(m, Scalar) and all(m.mask())]
        return self.r.choice(good) if good else None

    def count(self, kind):
        r = self.r
        if kind == 'operator':
            return 1
        return 0 if kind == 'dtor' else r.randrange(41) if r.random() < .1 else r.randrange(17)

    def value_type(self, kind):
        while True:
            t = self.types.value_type()
            if kind != 'operator' or t.size and is_plain(t):
                return t

    def function(self, number):
        r, table = self.r, CXX_KINDS if self.cxx else C_KINDS
        kind = r.choices(list(table), list(table.values()))[0]
        args = []
        for _ in range(self.count(kind)):
            t = r.choice(ARRAYS) if r.random() < .02 and kind != 'operator' else \
                self.value_type(kind)
            args.append(self.arg(t, kind))
        while sum(a.t.size for a in args) > MAX_ARGS_BYTES:
            args.pop()
        void = r.random() < .1 or kind in ('ctor', 'dtor')
        f = Function(number, kind, None if void else self.value_type('result'), args)
        if kind == 'variadic':
            self.make_variadic(f)
        f.op = r.choice(OPERATORS) if kind == 'operator' else '()' if kind == 'functor' else ''
        f.const = f.is_member() and kind not in ('ctor', 'dtor') and r.random() < .3
        f.drops = kind in HERE and r.random() < .3
        f.space = r.choice(SPACES) if self.cxx and kind == 'global' else ''
        # clang -O0 does not describe some classes by value: without a C++ name nobody can tell
        if f.space == 'extern "C"' and any(may_be_by_ref(a.t) for a in f.args):
            f.space = ''
        return f

    def make_variadic(self, f):
        """The last that is named is what va_start() may have, and no vector is wider than 16: psABI
        3.5.7 has those in registers, clang in memory."""
        r = self.r
        f.args = [a for a in f.args if not (isinstance(a.t, Vector) and a.t.size > 16)
                  and not (isinstance(a.t, Aggregate) and 'v' in a.t.sig)]
        f.args.append(Arg(r.choice([Scalar('i32', 'int', 4), Scalar('u64', 'unsigned long', 8)])))
        f.extra = [r.choice(self.EXTRA) for _ in range(r.randint(1, 9))]


class Program:
    """count functions, each called once in each round."""

    def __init__(self, seed, count, rounds, language='c', compiler='gcc', version=12, wide=0):
        self.cxx, self.rounds, self.functions = language == 'c++', rounds, []
        types = (CxxTypes if self.cxx else Types)(seed, language, compiler, version, wide)
        maker, at, mask_at = Maker(types), 0, 0
        for i in range(count):
            f = maker.function(i)
            at, mask_at = f.lay_out(at, mask_at)
            self.functions.append(f)
        self.stride, self.types = at, types.text
        r = random.Random(seed + 1)
        self.values = [b''.join(f.values(r) for f in self.functions) for _ in range(rounds)]
        self.masks = b''.join(t.mask() for f in self.functions for t in f.types())

    def write(self, where):
        ext = 'cc' if self.cxx else 'c'
        head, count = '#include "types.h"\n', len(self.functions)
        (where / 'types.h').write_text(
            PRELUDE + CXX_PRELUDE * self.cxx + ''.join(self.types)
            + ''.join(f.declare() for f in self.functions))
        (where / 'values.bin').write_bytes(b''.join(self.values))
        (where / 'masks.bin').write_bytes(self.masks)
        (where / f'callee.{ext}').write_text(
            head + ''.join(f.callee() for f in self.functions if f.kind not in HERE))
        (where / f'caller.{ext}').write_text(
            head + ''.join(f.callee() for f in self.functions if f.kind in HERE)
            + ''.join(f.caller() for f in self.functions)
            + ('extern "C" ' if self.cxx else '') + 'void (*const calls[])(void) = {'
            + ','.join(f'call_{i}' for i in range(count)) + '};\n')
        words = {'COUNT': count, 'ROUNDS': self.rounds, 'STRIDE': self.stride,
                 'NOTES': self.rounds * sum(f.notes() for f in self.functions)}
        blobs = ''.join(f'__asm__(".section .rodata\\n.globl {n}\\n{n}:\\n"\n'
                        f'".incbin \\"{where}/{n}.bin\\"\\n.byte 0\\n.previous");\n'
                        for n in ('values', 'masks'))
        (where / 'main.c').write_text(
            ''.join(f'#define {k} {v}\n' for k, v in words.items()) + PRELUDE + blobs + MAIN
            + 'const char *const strings[] = {' + ','.join(map(c_string, Text.STRINGS)) + '};\n'
            + 'extern void (*const calls[])(void);\n' + MAIN_END)
        if self.cxx:
            (where / 'tables.cc').write_text(head + CXX_MAIN + tables())

    def calls(self):
        """(function, [(type, bytes, mask) of arguments and result]) in the order of the calls."""
        for values in self.values:
            for f in self.functions:
                yield f, [(t, values[p:p + t.size], self.masks[m:m + t.size]) for t, p, m in
                          zip(f.types(), f.places, f.mask_places)]


__all__ = ['HERE', 'Program', 'check_value']
