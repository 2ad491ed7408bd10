"""program.py - random functions of C or C++, as a program that calls each of them.

Files: types.h; caller.* (call_N for each function, and the local ones); callee.* and lib.* (the
others); data.S (values and masks).  harness.c and poison.S run it.  Arguments and results are
read from the values, so that a function's code holds none of them; what each side must see is
computed here as well, which tells where two compilers disagree: such types stay out.
"""
import random

from program_types import (CLASSES, MASK64, MS_ABI, PRIME, VARIADIC, Aggregate, Class, String, Types, Unique,
                           fold, fold_value, load, step)

LIVE, LIVE_FLOATS = 9, 7  # of the harness's 16
CLANG_CONVENTIONS = ['preserve_most', 'vectorcall', 'regcall', 'preserve_all']
# They restore the registers of their result as well: llvm issue 48789, open in clang 14.
LOSE_RESULTS = ['preserve_most', 'preserve_all']

PRELUDE = '''#include <stdint.h>
#ifdef __cplusplus
#include <memory>
#include <string>
#define _Bool bool
#define _Static_assert static_assert
#define _Alignof alignof
extern "C" {
#endif
#define NOINLINE __attribute__((noinline))
/* its parameters stay as they are; gcc's callers still know what it leaves alone (-fipa-ra) */
#ifdef __clang__
#define STABLE __attribute__((used))
#else
#define STABLE __attribute__((noclone))
#endif
#define HIDDEN __attribute__((visibility("hidden")))
#define PRIME 0x9e3779b97f4a7c15ull
extern const unsigned char *at, masks[];
extern unsigned round_now, depth, fronts, copies, deaths;
extern uint64_t seen, got, kept;
extern volatile uint64_t live[];
extern volatile double keep_floats[];
uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask);
extern void (*const calls[])(void);
#ifdef __cplusplus
}
#endif
enum minus { MINUS = -1, ZERO };
enum plus { PLUS = 1 };
typedef float v64 __attribute__((vector_size(8)));
typedef float v128 __attribute__((vector_size(16)));
typedef float v256 __attribute__((vector_size(32)));
typedef float v512 __attribute__((vector_size(64)));
'''
# gcc 12 lists the copies of inline functions outside their groups, and what the linker discards
# then keeps it from linking: those that have an address are not listed.
CXX_PRELUDE = '''#define UNLISTED __attribute__((patchable_function_entry(0)))
struct thrown { uint64_t value; };
struct pad_base { uint64_t pad; UNLISTED virtual uint64_t nothing() { return pad; } };
struct pick {
	unsigned f0, f1, f2, f3;
	NOINLINE UNLISTED unsigned p0() { return f0; }
	NOINLINE UNLISTED unsigned p1() { return f1; }
	NOINLINE UNLISTED unsigned p2() { return f2; }
	NOINLINE UNLISTED unsigned p3() { return f3; }
};
typedef unsigned (pick::*picks)();
typedef unsigned pick::*fields;
static pick picker = { 1, 4, 7, 10 };
static picks const picked[] = { &pick::p0, &pick::p1, &pick::p2, &pick::p3 };
static fields const fielded[] = { &pick::f0, &pick::f1, &pick::f2, &pick::f3 };
'''
C_KINDS = {'global': 26, 'hidden': 8, 'local': 36, 'lib': 16, 'variadic': 7, 'nested': 4,
           'convention': 5}
CXX_KINDS = {'global': 14, 'local': 22, 'lib': 10, 'method': 14, 'static_method': 4, 'virtual': 10,
             'ctor': 8, 'member_pointer': 5, 'functor': 5, 'template': 8, 'variadic': 3}


class Arg:
    """One parameter: its type, and whether it is passed as it is, by address, unread, or as a
    literal that is the same in each call."""

    def __init__(self, t, how, const=None):
        self.t, self.how, self.const = t, how, const
        self.mask = bytes(t.size) if how == 'unused' else t.mask()

    def c(self):
        return self.t.decl('').strip()

    def decl(self, name):
        if self.how in ('pointer', 'reference', 'rvalue'):
            mark = {'pointer': '*', 'reference': '&', 'rvalue': '&&'}[self.how]
            return f'{self.c()} {"const " if self.how != "rvalue" else ""}{mark}{name}'
        return self.t.decl(name)

    def value(self, r):
        return self.const or self.t.value(r)

    def passed(self, name, again=False):
        """Argument expression; again: of a parameter that is passed on."""
        if self.how == 'const' and not again:
            v = int.from_bytes(self.const, 'little')
            return f'({self.c()}){v}u' if self.t.size < 8 else f'({self.c()}){v}ull'
        if self.how == 'pointer':
            return name if again else f'&{name}'
        if self.how == 'rvalue' or isinstance(self.t, Class) and self.how in ('value', 'unused'):
            return f'static_cast<{self.c()} &&>({name})'
        return name

    def seen(self, name):
        return f'(*{name})' if self.how == 'pointer' else name


class Function:
    """One function; kind as in the tables above."""

    def __init__(self, number, kind, ret, args):
        self.number, self.kind, self.ret, self.args = number, kind, ret, args
        self.name = f'fn_{number}'
        self.front = self.recursive = self.alloca = self.throws = self.indirect = False
        self.attr, self.named, self.lib = '', len(args), kind == 'lib'
        self.places, self.masks = [], []

    def passed_types(self):
        return [a.t for a in self.args] + ([self.ret] if self.ret else [])

    def lay_out(self, at, mask_at):
        for t in self.passed_types():
            self.places.append(at)
            self.masks.append(mask_at)
            at, mask_at = at + t.size, mask_at + t.size
        return at, mask_at

    def __str__(self):
        flags = [f for f in ('front', 'recursive', 'alloca', 'throws', 'indirect')
                 if getattr(self, f)]
        args = ', '.join(f'{a.t.sig}{"" if a.how == "value" else " " + a.how}' for a in self.args)
        return (f'{self.name}: {self.kind} {self.attr} {" ".join(flags)} '
                f'{self.ret.sig if self.ret else "void"}({args})')

    def is_loose(self):
        """malloc or the unwinder runs in it, and leaves in registers what nobody can foretell."""
        return self.throws or any(isinstance(t, (String, Unique)) for t in self.passed_types())

    # -- text ---------------------------------------------------------------------------------

    def c_ret(self):
        return self.ret.decl('').strip() if self.ret else 'void'

    def params(self, names=True):
        out = [a.decl(f'a{k}' if names else '') for k, a in enumerate(self.args[:self.named])]
        return ', '.join(out + ['...'] * (self.kind == 'variadic')) or 'void'

    def is_member(self):
        return self.kind in ('method', 'virtual', 'ctor', 'member_pointer', 'functor')

    def declare(self):
        """For types.h."""
        n, r, p = self.name, self.c_ret(), self.params()
        if self.kind in ('local', 'nested', 'template') or self.kind == 'convention':
            return ''
        if self.kind == 'static_method':
            return f'struct in_{n} {{ static {r} {n}({p}); }};\n'
        if self.kind == 'ctor':
            return f'struct {n} {{ uint64_t id; NOINLINE {n}({p}); NOINLINE ~{n}(); }};\n'
        if self.kind == 'functor':
            return f'struct {n} {{ uint64_t id; NOINLINE {r} operator()({p}); }};\n'
        if self.kind == 'virtual':
            return (f'struct itf_{n} {{ uint64_t pad; virtual {r} {n}({p}) = 0; }};\n'
                    f'struct in_{n} : pad_base, itf_{n} {{ uint64_t id; {r} {n}({p}) override; }};\n')
        if self.is_member():
            return f'struct in_{n} {{ uint64_t id; NOINLINE {r} {n}({p}); }};\n'
        front = f'{r} front_{n}({p});\n' if self.front else ''
        return f'{"HIDDEN " * (self.kind == "hidden")}{self.attr}{r} {n}({p});\n{front}'

    def head(self):
        n, r, p = self.name, self.c_ret(), self.params()
        if self.kind in ('method', 'virtual', 'member_pointer', 'static_method'):
            return f'NOINLINE {self.attr}{r} in_{n}::{n}({p})'
        if self.kind == 'ctor':
            return f'{self.attr}{n}::{n}({p})'
        if self.kind == 'functor':
            return f'{self.attr}{r} {n}::operator()({p})'
        word = {'local': 'static ', 'convention': 'static ', 'nested': '',
                'template': 'template <int N> '}.get(self.kind, '')
        return f'{word}NOINLINE {self.attr}{r} {n}({p})'

    def again(self):
        return ', '.join(a.passed(f'a{k}', True) for k, a in enumerate(self.args))

    def self_call(self):
        if self.kind == 'functor':
            return f'(*this)({self.again()})'
        return f'{self.name}{"<N>" * (self.kind == "template")}({self.again()})'

    def body(self):
        n = len(self.args)
        out = ''
        if self.recursive:
            out += '\tif (depth) {\n\t\tdepth--;\n\t\t' + (
                f'return {self.self_call()};\n' if self.ret else f'{self.self_call()};\n\t\treturn;\n'
            ) + '\t}\n'
        out += f'\tuint64_t s = {self.number + 1};\n'
        if self.kind == 'variadic':
            out += f'\t__builtin_va_list ap;\n\t__builtin_va_start(ap, a{self.named - 1});\n'
            for k, a in enumerate(self.args[self.named:], self.named):
                out += f'\t{a.t.decl(f"a{k}")} = __builtin_va_arg(ap, {a.t.decl("").strip()});\n'
            out += '\t__builtin_va_end(ap);\n'
        if self.is_member() and self.kind != 'ctor':
            out += '\ts = (s ^ id) * PRIME;\n'
        for k, a in enumerate(self.args):
            if a.how != 'unused':
                out += fold(a.t, a.seen(f'a{k}'), a.mask, self.masks[k])
        if self.alloca:
            out += ('\tvolatile char *room = (volatile char *)__builtin_alloca(16 + (s & 255));\n'
                    '\troom[s & 15] = (char)s;\n\ts += (unsigned char)room[s & 15] == (s & 255);\n')
        if self.kind == 'nested':
            out += '\touter += s;\n'
        out += '\tseen = s;\n'
        if self.kind == 'ctor':
            out += '\tid = s;\n'
        if self.throws:
            out += '\tif (round_now & 1)\n\t\tthrow thrown{ s };\n'
        if self.ret:
            out += load(self.ret, 'r', f'at + {self.places[n]}') + '\treturn r;\n'
        return out

    def define(self):
        out = f'{self.head()}\n{{\n{self.body()}}}\n'
        if self.kind == 'ctor':
            out += f'{self.name}::~{self.name}()\n{{\n\tseen = (seen ^ id) * PRIME;\n}}\n'
        if self.front:
            word = 'static ' if self.kind == 'local' else ''
            out += (f'{word}NOINLINE {self.attr}{self.c_ret()} front_{self.name}({self.params()})\n{{\n'
                    f'\tfronts++;\n\t{"return " * bool(self.ret)}{self.name}({self.again()});\n}}\n')
        return out

    def call(self):
        n = self.name
        args = ', '.join(a.passed(f'a{k}') for k, a in enumerate(self.args))
        made = f'\tin_{n} o;\n\to.id = {self.number * 7};\n'
        if self.kind == 'method':
            return made, f'o.{n}({args})'
        if self.kind == 'member_pointer':
            return made + f'\tauto p = &in_{n}::{n};\n\t__asm__ volatile("" : "+m"(p));\n', \
                f'(o.*p)({args})'
        if self.kind == 'virtual':
            return made + (f'\titf_{n} *p = &o;\n'
                           '\t__asm__ volatile("" : "+r"(p) : : "memory");\n'), f'p->{n}({args})'
        if self.kind == 'static_method':
            return '', f'in_{n}::{n}({args})'
        if self.kind == 'ctor':
            return '', f'{n} o{"{" + args + "}" if args else ""}'
        if self.kind == 'functor':
            return f'\t{n} o;\n\to.id = {self.number * 7};\n', f'o({args})'
        if self.indirect:
            return (f'\t{self.c_ret()} (*p)({self.params(False)}) = {n};\n'
                    '\t__asm__ volatile("" : "+r"(p));\n'), f'p({args})'
        name = f'front_{n}' if self.front else n + '<3>' * (self.kind == 'template')
        return '', f'{name}({args})'

    def caller(self):
        n = len(self.args)
        lives = range(LIVE if self.kind in ('local', 'hidden', 'template', 'convention') else 2)
        floats = range(LIVE_FLOATS if len(lives) > 2 else 1)
        out = ''.join(load(a.t, f'a{k}', f'at + {self.places[k]}')
                      for k, a in enumerate(self.args) if a.how != 'const')
        if self.kind == 'nested':
            out += ('\tuint64_t outer = live[15];\n\tauto ' + self.head() + ';\n\t' + self.head() +
                    '\n{\n' + self.body() + '}\n')
        setup, call = self.call()
        out += setup
        out += ''.join(f'\tuint64_t k{i} = live[{i}];\n' for i in lives)
        out += ''.join(f'\tdouble d{i} = keep_floats[{i}];\n' for i in floats)
        do = ''
        if self.ret:
            do += f'\t{self.ret.decl("r")} = {call};\n\tuint64_t s = 0;\n'
            do += fold(self.ret, 'r', self.ret.mask(), self.masks[n]) + '\tgot = s;\n'
        else:
            do += f'\t{call};\n'
        if self.throws:
            do = f'\ttry {{\n{do}\t}} catch (const thrown &t) {{\n\tgot = t.value + 1;\n\t}}\n'
        if self.kind == 'ctor':
            do = f'\t{{\n{do}\t}}\n'
        out += do
        out += ''.join(f'\tkept = (kept ^ k{i}) * PRIME;\n' for i in lives)
        out += ''.join(f'\tkeep_floats[{i}] = d{i};\n' for i in floats)
        if self.kind == 'nested':
            out += '\tkept ^= outer;\n'
        return f'static NOINLINE void call_{self.number}(void)\n{{\n{out}}}\n'

    def values(self, r):
        return b''.join([a.value(r) for a in self.args] + ([self.ret.value(r)] if self.ret else []))

    # -- what it must see ----------------------------------------------------------------------

    def expect(self, values, number):
        """(seen, got) of a call in round number."""
        s = self.number + 1
        parts = [values[p:p + a.t.size] for a, p in zip(self.args, self.places)]
        if self.is_member() and self.kind != 'ctor':
            s = step(s, self.number * 7)
        for a, data in zip(self.args, parts):
            if a.how != 'unused':
                s = fold_value(s, a.t, data, a.mask)
        if self.alloca:
            s = s + 1 & MASK64
        thrown = self.throws and number & 1
        got = s + 1 & MASK64 if thrown else 0
        if self.kind == 'ctor' and not thrown:
            s = step(s, s)
        if self.ret and not thrown:
            p = self.places[-1]
            got = fold_value(0, self.ret, values[p:p + self.ret.size], self.ret.mask())
        return s, got


class Program:
    """count random functions in a language, as compilers (a set of gcc, clang) can have them."""

    def __init__(self, seed, count, rounds, language, compilers, wide):
        self.cxx, self.compilers, self.rounds = language == 'c++', compilers, rounds
        self.types = Types(seed, wide, self.cxx, compilers)
        self.r = self.types.r
        self.functions = []
        at = mask_at = 0
        for i in range(count):
            f = self.function(i)
            at, mask_at = f.lay_out(at, mask_at)
            self.functions.append(f)
        self.stride = at
        r = random.Random(seed + 1)
        self.values = [b''.join(f.values(r) for f in self.functions) for _ in range(rounds)]

    def kind(self):
        table = CXX_KINDS if self.cxx else C_KINDS
        k = self.r.choices(list(table), list(table.values()))[0]
        return 'local' if k == 'nested' and self.compilers != {'gcc'} else k

    def arg(self, t, kind):
        r, scalar = self.r, not isinstance(t, (Aggregate, Class))
        x = r.random()
        if kind in ('local', 'template') and scalar and t.sig[0] in 'iu' and t.size <= 8 and x < .2:
            return Arg(t, 'const', t.value(r))
        if x < .08 and kind != 'convention':
            return Arg(t, 'unused')
        if x < .16 and t.size and kind != 'convention':
            if not self.cxx:
                return Arg(t, 'pointer')
            return Arg(t, r.choice(['pointer', 'reference', 'rvalue']))
        return Arg(t, 'value')

    def value_type(self, without=()):
        """Compilers disagree about __int128 where registers run out: reference 3.3, 5."""
        while True:
            t = self.types.value_type()
            if len(self.compilers) == 1 or t.sig not in ('i128', 'u128') and \
                    not any(w in t.sig for w in without):
                return t

    def function(self, i):
        r, kind = self.r, self.kind()
        n = r.choice([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6, 7, 8, 9, 10, 12, 16, 20])
        # Named vectors of 32 and 64 bytes of a variadic function travel in registers (psABI 3.5.7);
        # clang 14 has them in memory (X86CallingConv.td, CCIfNotVarArg), and the registers of
        # those behind them shift.
        without = ('v256', 'v512') if kind == 'variadic' else ()
        args = [self.arg(self.value_type(without), kind) for _ in range(n)]
        ret = None if r.random() < .12 or kind == 'ctor' else self.value_type()
        if kind == 'convention':
            pick = lambda: r.choice(MS_ABI)  # noqa: E731
            args, ret = [Arg(pick(), 'value') for _ in range(min(n, 9))], pick()
        f = Function(i, kind, ret, args)
        if kind == 'convention':
            names = ['ms_abi'] + (CLANG_CONVENTIONS if self.compilers == {'clang'} else [])
            name = r.choice(names)
            f.attr, f.ret = f'__attribute__(({name})) ', None if name in LOSE_RESULTS else ret
        if kind not in ('convention', 'nested') and r.random() < .75:
            f.attr = 'STABLE '
        if kind == 'variadic':
            f.named = max(1, min(len(args), r.randrange(4)))
            args = [Arg(r.choice(VARIADIC[:4]), 'value')] if not args else args
            f.args = args[:f.named] + [Arg(r.choice(VARIADIC), 'value') for _ in range(n)]
            if self.cxx and isinstance(f.args[f.named - 1].t, Class) or \
                    f.args[f.named - 1].how == 'reference':
                f.args[f.named - 1] = Arg(r.choice(VARIADIC[:4]), 'value')
        if kind in ('global', 'local', 'hidden', 'lib'):
            f.front, f.indirect = r.random() < .15, r.random() < .1
        f.indirect &= not f.front
        f.recursive = r.random() < .1 and kind not in ('ctor', 'variadic', 'nested', 'convention')
        f.alloca = r.random() < .06 and kind != 'convention'
        f.throws = self.cxx and r.random() < .12 and kind != 'variadic'
        f.lib |= self.cxx and kind in ('method', 'virtual', 'ctor', 'functor') and r.random() < .3
        return f

    def expected(self):
        """For each function, [(seen, got)] of the rounds."""
        return [[f.expect(v, i) for i, v in enumerate(self.values)] for f in self.functions]

    def write(self, where):
        ext = 'cc' if self.cxx else 'c'
        here = [f for f in self.functions
                if f.kind in ('local', 'convention', 'template')]
        there = [f for f in self.functions if f not in here and f.kind != 'nested']
        head = '#include "types.h"\n'
        text = PRELUDE + '\n'.join(self.types.text)
        if self.cxx:
            text += CXX_PRELUDE + '\n'.join(c.text for c in CLASSES) + '\n'
        (where / 'types.h').write_text(text + ''.join(f.declare() for f in self.functions))
        (where / f'caller.{ext}').write_text(
            head + ''.join(f.define() for f in here)
            + ''.join(f.caller() for f in self.functions) + 'void (*const calls[])(void) = {'
            + ','.join(f'call_{f.number}' for f in self.functions) + '};\n')
        (where / f'callee.{ext}').write_text(head + ''.join(f.define() for f in there if not f.lib))
        (where / f'lib.{ext}').write_text(head + ''.join(f.define() for f in there if f.lib))
        (where / 'values.bin').write_bytes(b''.join(self.values))
        (where / 'masks.bin').write_bytes(b''.join(
            m for f in self.functions
            for m in [t.mask() for t in f.passed_types()]))
        words = {'count': len(self.functions), 'rounds': self.rounds, 'stride': self.stride}
        (where / 'data.S').write_text(
            '\t.section .rodata\n' + ''.join(
                f'\t.globl {n}\n\t.type {n}, @object\n{n}:\n\t.incbin "{where}/{n}.bin"\n'
                f'\t.byte 0\n\t.size {n}, . - {n}\n' for n in ('values', 'masks'))
            + '\t.balign 4\n' + ''.join(f'\t.globl {n}\n{n}:\n\t.long {v}\n'
                                       for n, v in words.items())
            + '\t.section .note.GNU-stack, "", @progbits\n')


def digest(pairs):
    """What harness.c prints of the digests of a function's calls."""
    out = []
    for k in (0, 1):
        total = 0
        for p in pairs:
            for b in p[k].to_bytes(8, 'little'):
                total = (total ^ b) * PRIME & MASK64
        out.append(total)
    return out
