#!/usr/bin/env python3
"""printf_test.py UTRAMP [--seed N] [--count N] - random formats and their arguments, traced.

A program of COUNT calls of variadic functions, its own and libc's, with random formats (flags,
widths, precisions, every length and conversion, positions) and values that this script knows; by gcc
and clang, -O0 and -O2, callers and callees apart; its own pass their va_list on.  Each call must be shown with exactly those values,
and the program must print what it prints untraced: a hash of each formatted text.
"""
import argparse
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'trace'))
from harness import Run, Tap, same_program, under  # noqa: E402

FLAGS = ['-g', '-w', '-std=gnu11', '-U_FORTIFY_SOURCE', '-fno-builtin']
PACK = HERE.parents[1] / 'share/utramp/btf/libc.so.6.btf'
STRINGS = 64
ROUNDS = 2  # each call is made so often
LONG = ['l', 'll', 'j', 'z', 't', 'q', 'L']

# name: result, named parameters before the format, what is passed for them
FUNCTIONS = {
    'v_plain': ('void', '', ''),
    'v_level': ('int', 'int level, ', '3, '),
    'v_real': ('double', 'double d, float f, ', '1.5, 2.5f, '),
    'v_big': ('struct big', 'char *to, ', 'buffer, '),
    'v_full': ('long', ''.join(f'long {c}, ' for c in 'abcdefg'), '1, 2, 3, 4, 5, 6, 7, '),
    'v_x87': ('void', 'long double x, ', '0.5L, '),
    'v_reals': ('float', ''.join(f'double {c}, ' for c in 'abcdefghi'), '1., 2., 3., 4., 5., 6., '
                '7., 8., 9., '),
    'v_mixed': ('_Bool', 'struct pair p, struct big b, char c, ', '(struct pair){1, 2}, '
                "(struct big){{1}}, 'c', "),
}
COMMON = '''
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <wchar.h>
struct big { long v[5]; };
struct pair { long a; double b; };
extern char buffer[4096];
extern long sink;
'''


def c_string(text):
    return '"' + ''.join(c if c.isalnum() and c.isascii() else ''.join(f'\\{b:03o}' for b in c.encode())
                         for c in text) + '"'


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


class Call:
    """One call: format, C expressions, and the values as JSON has them."""

    def __init__(self, rng):
        self.rng = rng
        self.name = rng.choice([*FUNCTIONS, *FUNCTIONS, 'snprintf', 'sprintf'])
        self.expr, self.want = [], []
        self.by_position = rng.random() < .12
        self.place = []
        specs = []
        for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 9, 12, 16])):
            if len(self.expr) < 22 and sum(map(len, specs)) < 90:
                specs.append(self.spec())
        if self.by_position:
            order = list(range(len(self.expr)))
            rng.shuffle(order)
            self.expr = [self.expr[i] for i in order]
            self.want = [self.want[i] for i in order]
            at = {old: new + 1 for new, old in enumerate(order)}
            specs = [s.format(*[f'{at[i]}$' for i in range(len(order))]) for s in specs]
        self.format = ''.join(s + rng.choice(['', '', ' ', ', ', 'é', '%%', '\n', 'x%m'])
                              for s in specs)
        if not specs:
            self.format = rng.choice(['', 'no conversion', '100%%'])

    def value(self, expr, want):
        """Of the next argument; by position, a field for its number."""
        self.expr.append(expr)
        self.want.append(want)
        return f'{{{len(self.expr) - 1}}}' if self.by_position else ''

    def integer(self, bits, is_signed):
        v = self.rng.getrandbits(self.rng.choice([3, 8, 16, 31, 32, 33, 63, 64]))
        if bits == 64:
            expr, v = f'0x{v:x}ul', v
        else:
            expr = f'(int)0x{v & 0xffffffff:x}u'
        return expr, signed(v, bits) if is_signed else v & ((1 << bits) - 1)

    def star(self, low, high):
        v = self.rng.randint(low, high)
        return '*' + self.value(str(v), v), v

    def width(self):
        kind = self.rng.random()
        if kind < .12:
            return self.star(-12, 12)[0]
        return str(self.rng.randint(1, 20)) if kind < .3 else ''

    def precision(self, high):
        """The text, and how many characters it allows or None."""
        kind = self.rng.random()
        if kind < .12:
            text, v = self.star(-3, high)
            return '.' + text, v if v >= 0 else None
        if kind < .3:
            v = self.rng.randint(0, high)
            return f'.{v}', v
        return '', None

    def spec(self):
        kind = self.rng.choice('iiiiuuuccsssppfffLLnw')
        flags = ''.join(f for f in "-+ #0" if self.rng.random() < .08)
        before = len(self.expr)
        width = self.width() if kind not in 'n' else ''
        middle, size = getattr(self, 'spec_' + kind)()
        # what spec_x() has put last is the value itself; by position its field comes first
        field = f'{{{len(self.expr) - 1}}}' if self.by_position else ''
        assert len(self.expr) > before
        return '%' + field + (flags if size else '') + width + middle

    def spec_i(self):
        prec = self.precision(10)[0]
        length, bits = self.rng.choice([('', 32), ('hh', 8), ('h', 16), *((n, 64) for n in LONG)])
        self.value(*self.integer(bits, True))
        return prec + length + self.rng.choice('di'), 1

    def spec_u(self):
        prec = self.precision(10)[0]
        length, bits = self.rng.choice([('', 32), ('hh', 8), ('h', 16), *((n, 64) for n in LONG)])
        self.value(*self.integer(bits, False))
        return prec + length + self.rng.choice('uxXo'), 1

    def spec_c(self):
        v = self.rng.getrandbits(8)
        self.value(str(v), signed(v, 8))
        return 'c', 0

    def spec_s(self):
        text = ''.join(self.rng.choice('abc XYZ"\\\n\t') for _ in range(self.rng.choice(
            [0, 1, 5, 20, 63, 64, 65, 100])))
        prec, limit = self.precision(30)
        if self.rng.random() < .06:
            self.value('(char *)0', '0x0')
        else:
            self.value(c_string(text), {'str': text[:limit][:STRINGS]})
        return prec + 's', 0

    def spec_p(self):
        v = self.rng.getrandbits(self.rng.choice([1, 12, 47, 64]))
        self.value(f'(void *)0x{v:x}ul', f'{v:#x}')
        return 'p', 0

    def real(self):
        r = self.rng.random()
        if r < .05:
            return '__builtin_inf()', 'inf'
        v = self.rng.choice([0.1, -2.5, 1e23, 3.0, -0.0, 1e-5]) if r < .5 else \
            struct.unpack('d', struct.pack('Q', self.rng.getrandbits(64) & ~(1 << 62)))[0]
        return v.hex(), v

    def spec_f(self):
        prec = self.precision(12)[0]
        self.value(*self.real())
        return prec + self.rng.choice(['', '', 'l']) + self.rng.choice('fFeEgGaA'), 1

    def spec_L(self):
        prec = self.precision(12)[0]
        expr, v = self.real()
        self.value(f'(long double){expr}', v)
        return prec + 'L' + self.rng.choice('fFeEgGaA'), 1

    def spec_n(self):
        self.value('&sink', 'sink')
        return self.rng.choice(['', 'l', 'h', 'hh']) + 'n', 0

    def spec_w(self):
        if self.rng.random() < .5:
            v = self.rng.randint(32, 126)
            self.value(f'(wint_t){v}', v)
            return self.rng.choice(['lc', 'C']), 0
        self.value('L"wide"', 'pointer')
        return self.rng.choice(['ls', 'S']), 0

    def c_code(self):
        before = {'snprintf': 'buffer, sizeof(buffer), ', 'sprintf': 'buffer, '}
        named = FUNCTIONS[self.name][2] if self.name in FUNCTIONS else before[self.name]
        args = ''.join(', ' + e for e in self.expr)
        return f'\t{self.name}({named}{c_string(self.format)}{args});\n'

    def param(self):
        return 'format' if self.name in ('snprintf', 'sprintf') else 'fmt'


def agree(got, want, sink):
    if want == 'pointer':
        return isinstance(got, str) and got.startswith('0x') and got != '0x0'
    if want == 'sink':
        return got == sink
    if isinstance(want, dict):
        return isinstance(got, dict) and got['str'] == want['str'] and got['ptr'].startswith('0x')
    if isinstance(want, float):  # of which JSON may have a whole number, and -0
        return type(got) in (int, float) and struct.pack('d', got) == struct.pack('d', want)
    return type(got) is type(want) and got == want


class Program:
    def __init__(self, seed, count):
        rng = random.Random(seed)
        self.calls = [Call(rng) for _ in range(count)]

    def write(self, where):
        protos = ''.join(f'{ret} {name}({named}const char *fmt, ...);\n'
                         for name, (ret, named, _) in FUNCTIONS.items())
        bodies = ''.join(f'''
{ret} {name}({named}const char *fmt, ...)
{{
	static {ret if ret != "void" else "int"} result;
	va_list ap;

	va_start(ap, fmt);
	v_show(fmt, ap);
	va_end(ap);
	return {"result" if ret != "void" else ""};
}}
''' for name, (ret, named, _) in FUNCTIONS.items())
        (where / 'callee.c').write_text(COMMON + protos + '''
char buffer[4096];
long sink;
__attribute__((noinline, noclone)) void v_show(const char *fmt, va_list ap)
{
	unsigned hash = 5381;
	int n;

	sink = 0;
	n = vsnprintf(buffer, sizeof(buffer), fmt, ap);
	for (const char *s = buffer; *s; s++)
		hash = hash * 33 + (unsigned char)*s;
	printf("%d %u %ld\\n", n, hash, sink);
}
''' + bodies)
        parts = [self.calls[i:i + 50] for i in range(0, len(self.calls), 50)]
        (where / 'caller.c').write_text(COMMON + protos + ''.join(
            f'static void part_{i}(void)\n{{\n{"".join(c.c_code() for c in p)}}}\n'
            for i, p in enumerate(parts)) + f'''
int main(void)
{{
	for (int i = 0; i < {ROUNDS}; i++) {{
		{" ".join(f"part_{i}();" for i in range(len(parts)))}
	}}
	fprintf(stderr, "sink %p\\n", (void *)&sink);
	return 0;
}}
''')


def compile_program(cc, level, where):
    exe = where / f'prog-{cc}{level}'
    sides = [subprocess.Popen([cc, *FLAGS, level, '-c', '-o', where / f'{s}-{cc}{level}.o',
                               where / f'{s}.c']) for s in ('caller', 'callee')]
    assert not any([p.wait() for p in sides]), f'{cc} {level} does not compile the program'
    subprocess.run([cc, '-o', exe, where / f'caller-{cc}{level}.o', where / f'callee-{cc}{level}.o'],
                   check=True)
    return exe


def lines_of(call):
    """Functions that are called for it: our own pass their va_list on."""
    return [call.name, 'v_show'] if call.name in FUNCTIONS else [call.name]


def check_call(name, call, got, sink):
    """Why a line is not this call; None."""
    if got['func'] != name:
        return f'{got["func"]} where {name} is due'
    args = got['args']
    if args[call.param()]['str'] != shown(call.format):
        return f'format {args[call.param()]}, not {call.format!r}'
    values = args.get('...', [])
    if ('...' in args) != bool(call.want) or len(values) != len(call.want):
        return f'{call.format!r}: {len(values)} values, not {len(call.want)}: {values}'
    for i, (g, w) in enumerate(zip(values, call.want)):
        if not agree(g, w, sink):
            return f'{name} {call.format!r}: value {i} is {g!r}, not {w!r}'
    if name == 'v_show':
        return None if got['ret'] is None and 'dur_ns' in got else got
    return None if got.get('entry') is True and 'ret' not in got else got


def shown(text):
    return text.encode()[:STRINGS].decode(errors='ignore')


def trace(utramp, exe, program, libc=('snprintf', 'sprintf'), options=()):
    """All calls of the program's own functions, and of those of libc."""
    out = exe.with_suffix('.jsonl')
    plain = Run([exe])
    specs = [f'{exe.name}:{n}' for n in [*FUNCTIONS, 'v_show']] + [f'libc:{n}' for n in libc]
    traced = under(utramp, 'trace', out, [exe], *options, *specs)
    same_program(traced, plain)
    assert not traced.lost(), traced.stderr
    sink = traced.stderr.split('sink ')[1].split()[0]
    calls = [(name, c) for c in program.calls * ROUNDS for name in lines_of(c)
             if c.name in FUNCTIONS or c.name in libc]
    wrong, n = [], 0
    for n, line in enumerate(out.read_text().splitlines(), 1):
        got = json.loads(line, parse_int=lambda s: -0.0 if s == '-0' else int(s))
        assert n <= len(calls), f'more than {len(calls)} lines'
        why = check_call(*calls[n - 1], got, sink)
        if why:
            wrong.append(f'line {n}: {why}')
    assert n == len(calls), f'{n} lines for {len(calls)} calls'
    assert not wrong, f'{len(wrong)} of {n} calls wrong\n' + '\n'.join(wrong)
    values = sum(len(c.want) for _, c in calls)
    return f'{n} calls, {values} values'


def real_program(utramp, where):
    """What people see: a script of bash, which calls fortified functions, by the types that come with
    utramp."""
    script = 'printf "%s-%d|%5.2f\\n" abc 42 3.25; printf "%q %x\\n" "a b" 255'
    out = where / 'bash.txt'
    r = Run([utramp, 'trace', '-o', out, '--btf', f'libc={PACK}', 'libc:__printf_chk', '--', 'bash',
             '-c', script])
    assert r.code == 0 and r.stdout == b'abc-42| 3.25\na\\ b ff\n', r.stderr
    lines = out.read_text().splitlines()
    for want in ('"%s", "abc")', '"%ld", 42)', '"%5.2Lf", 3.25)', '"%lx", 255)'):
        assert f'libc.so.6:__printf_chk(flag=1, format={want}' in lines, lines


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('utramp', type=pathlib.Path)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--count', type=int, default=300)
    ap.add_argument('--keep', type=pathlib.Path)
    o = ap.parse_args()
    o.utramp = o.utramp.resolve()  # a path, though it may be in the current directory
    where = o.keep or pathlib.Path(tempfile.mkdtemp(prefix='printf-'))
    where.mkdir(exist_ok=True)
    program = Program(o.seed, o.count)
    program.write(where)
    tap = Tap()
    for cc in ('gcc', 'clang'):
        for level in ('-O0', '-O2'):
            tap.run(f'{cc} {level}', lambda: trace(o.utramp, compile_program(cc, level, where), program))
    tap.run('filtered', lambda: trace(o.utramp, where / 'prog-gcc-O2', program, (),
                                      ['--filter', 'fmt != 0']))
    tap.run('bash', real_program, o.utramp, where)
    if not o.keep:
        shutil.rmtree(where)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
