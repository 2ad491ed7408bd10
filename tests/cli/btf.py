#!/usr/bin/env python3
"""btf.py UTRAMP PARTS - btf gen and dump, and where types of stripped libraries come from."""
import json
import re

from harness import *

SOURCE = pathlib.Path(__file__).resolve().parent
LIB = part('libshapes.so')
MAIN = part('shapes')
OVER = ['over_wide', 'over_plain', 'over_pair', 'over_packed']
LEFT = {
    'vectors': 'BTF has no vectors', 'vectors_within': 'BTF has no vectors',
    'odd_alignment': 'a typedef changes the alignment', 'too_long': 'no complex long double',
    'windows': 'a calling convention of its own', 'unknown': 'declared without its parameters',
    'twice': 'it can return twice', 'has_gap': 'unnamed bit-fields',
}


def gen(name, *more, headers=('shapes.h',), **kw):
    out = tmp / name
    args = [x for h in headers for x in ('-H', h)]
    r = utramp('btf', 'gen', *args, '-I', SOURCE, *more, '-o', out, **kw)
    assert r.code == 0 and r.out == '', r
    return out, r.err


def dump(path):
    r = utramp('btf', 'dump', path)
    assert r.code == 0 and r.err == '', r
    return r.out


@test
def functions():
    path, err = gen('shapes.btf', '--lib', LIB)
    text = dump(path)
    for line in [
        'long over_wide(int a, int b, int c, int d, int e, int f, int g, struct wide w, int last);',
        'struct plain give(int a, struct nested * restrict n);',
        'long double extended(long double x, int n, long double y, int m, __int128 big, _Bool yes);',
        '_Complex double turn(_Complex double z, _Complex float w);',
        'int walk(struct node *n, callback *fn, callback *fn2, void *arg);',
        'int table(long (*m)[4], const char * const *names, volatile int * restrict v, char c);',
        'enum big colors(enum color c, enum big b, enum tiny t, enum later *l);',
        'int either_of(struct node *e, int n);',
        'int opened(handle h, const struct opaque *o);',
        'int logs(const char *fmt, ...);',
        'int vlogs(const char *fmt, struct __va_list_tag *ap);',
        'void commented(int width, long, char *text);',
        'void (*chooser(int which))(int, double);',
        'int real_name(int x);',
        'void stop(int code);',
    ]:
        assert '\n' + line + '\n' in text, f'{line}\nis not in\n{text}'
    told = dict(re.findall(r'utramp: (\w+) is left out: (.*)', err))
    assert set(told) == set(LEFT), err
    for name, why in LEFT.items():
        assert why in told[name] and not re.search(rf'\b{name}\(', text), (name, told)
    for name in ['renamed', 'hidden_one', 'inlined', 'more', 'printf']:
        assert not re.search(rf'\b{name}\(', text), name


@test
def layouts():
    """A compiler that reads the dump gives every struct the size and places that it has."""
    path, _ = gen('shapes.btf', '--lib', LIB)
    text = dump(path).replace('enum later {\n};', '')
    (tmp / 'dumped.h').write_text(text.rsplit('\n\n', 1)[0] + '\n')
    checks = ''.join(f'  P("{t} %zu\\n", sizeof({t}));\n' for t in
                     ['struct nested', 'struct bits', 'struct node', 'struct packed', 'enum big',
                      'enum color', 'callback *', 'handle'])
    checks += ''.join(f'  P("{f} %zu\\n", offsetof(struct {t}, {f}));\n' for t, f in
                      [('nested', 'whole'), ('nested', 'hi'), ('nested', 'grid'), ('nested', 'bits'),
                       ('packed', 'l'), ('packed', 'tail'), ('node', 'others'), ('bits', 'c')])
    checks += '  P("%d %llx %d\\n", BLUE, (long long)HUGE_ONE, T1);\n'
    checks += '  struct bits b = { .a = 5, .b = 99, .c = -1, .d = -7 }; unsigned char *c = (void *)&b;\n'
    checks += '  for (unsigned i = 0; i < sizeof(b); i++) P("%02x", c[i]);\n'
    out = []
    for header in [str(SOURCE / 'shapes.h'), str(tmp / 'dumped.h')]:
        src = f'extern int printf(const char *, ...);\n#define P printf\n#include "{header}"\n' \
              '#include <stddef.h>\nint main(void)\n{\n' + checks + '}\n'
        (tmp / 'layout.c').write_text(src)
        subprocess.run(['gcc', '-w', '-o', tmp / 'layout', tmp / 'layout.c'], check=True)
        out.append(subprocess.run([tmp / 'layout'], check=True, capture_output=True).stdout)
    assert out[0] == out[1] and len(out[0]) > 100, out


@test
def same_bytes():
    a, _ = gen('a.btf')
    b, _ = gen('b.btf')
    assert a.read_bytes() == b.read_bytes() and a.stat().st_size > 1000
    c, _ = gen('c.btf', '-D', 'MORE')
    assert 'int more(int a);' in dump(c) and 'more' not in dump(a)
    d, _ = gen('d.btf', '-DMORE=1', '--lib', LIB)
    assert 'int more(int a);' in dump(d) and 'printf' not in dump(d)
    e, _ = gen('e.btf', headers=['shapes.h', 'stdio.h'])
    assert 'int puts(const char *s);' in dump(e), dump(e)[-2000:]


@test
def gen_refused():
    out = tmp / 'none.btf'
    (tmp / 'wrong.h').write_text('int f(struct;\n')
    base = ['btf', 'gen']
    refused(2, ['-H is missing'], *base, '-o', out)
    refused(2, ['-o is missing'], *base, '-H', 'stdio.h')
    refused(2, ["'stdio.h': headers are given by -H"], *base, 'stdio.h', '-H', 'a', '-o', out)
    refused(1, ["'no/such.h' file not found"], *base, '-H', 'no/such.h', '-o', out)
    refused(1, ['wrong.h:1:7: error:'], *base, '-H', tmp / 'wrong.h', '-o', out)
    refused(1, ['is not a header'], *base, '-H', 'a"b', '-o', out)
    refused(1, ['No such file'], *base, '-H', 'stdio.h', '--lib', '/no/such.so', '-o', out)
    refused(1, ['ELF'], *base, '-H', 'stdio.h', '--lib', SOURCE / 'shapes.h', '-o', out)
    refused(2, ["'sort' is not in this version", 'gen, dump'], 'btf', 'sort')
    refused(2, ['gen, dump'], 'btf')
    refused(2, ['no command'], *base, '-H', 'stdio.h', '-o', out, '--', 'true')
    refused(2, ['--json is no option of this verb'], *base, '-j', '-H', 'stdio.h', '-o', out)
    refused(2, ['-D, --depth is no option of this verb'], 'list', '-D', '3', 'x:y')
    assert not out.exists(), 'a failure leaves no file'
    refused(1, ['cannot write'], *base, '-H', 'stdio.h', '-o', '/no/such/dir/x', lines=1)


@test
def without_libclang():
    """A library that cannot be loaded stands before libclang in the loader's way."""
    where = tmp / 'fake'
    where.mkdir()
    for name in ['libclang-14.so.1', 'libclang.so.1', 'libclang.so'] + \
            [f'libclang-{n}.so.1' for n in range(15, 20)]:
        (where / name).write_text('no library')
    refused(1, ['not installed', 'apt-get install libclang1-14'], 'btf', 'gen', '-H', 'stdio.h', '-o',
            tmp / 'x.btf', env=env(LD_LIBRARY_PATH=str(where)))
    subprocess.run(['gcc', '-shared', '-o', where / 'libclang-14.so.1', '-x', 'c', '/dev/null'],
                   check=True)
    refused(1, ['libclang-14.so.1 has no clang_createIndex'], 'btf', 'gen', '-H', 'stdio.h', '-o',
            tmp / 'x.btf', env=env(LD_LIBRARY_PATH=str(where)))


@test
def dump_forms():
    path, _ = gen('shapes.btf', '--lib', LIB)
    plain = dump(path)
    for words in [['file', path], [path, 'format', 'c'], ['file', path, 'format', 'c']]:
        r = utramp('btf', 'dump', *words)
        assert r.code == 0 and r.out == plain, r
    r = utramp('btf', 'dump', path, '-o', tmp / 'x.h')
    assert r.code == 0 and r.out == '' and (tmp / 'x.h').read_text() == plain, r
    refused(2, ["format 'raw' is not in this version", 'bpftool'], 'btf', 'dump', path, 'format', 'raw')
    refused(2, ['one file'], 'btf', 'dump')
    refused(2, ['one file'], 'btf', 'dump', path, path)
    refused(2, ['for btf gen'], 'btf', 'dump', path, '-H', 'stdio.h')
    refused(1, ['No such file'], 'btf', 'dump', '/no/such')
    refused(1, ['neither BTF nor an ELF file'], 'btf', 'dump', SOURCE / 'btf.py')
    refused(1, ['no BTF in this file'], 'btf', 'dump', LIB)
    cut = tmp / 'cut.btf'
    cut.write_bytes(path.read_bytes()[:400])
    refused(1, ['neither BTF nor'], 'btf', 'dump', cut)


# -- where types come from ---------------------------------------------------------------------

def packs(name='libshapes.so.1'):
    where = tmp / 'packs'
    where.mkdir(exist_ok=True)
    gen(f'packs/{name}.btf', '--lib', LIB)
    return where


def check(func, *more, code=0, **kw):
    r = utramp('check', '-j', *more, f'libshapes:{func}', '--', MAIN, **kw)
    assert r.code == code and r.err == '', r
    return json.loads(r.out)


@test
def pack_is_found():
    e = env(UTRAMP_BTF_PATH=f'/no/such/dir::{packs()}')
    o = check('over_wide', env=e)
    assert o['types'] == 'pack' and o['types_file'] == f'{tmp}/packs/libshapes.so.1.btf', o
    assert o['attach'] == ['entry', 'exit'] and o['args'][7] == {'name': 'w', 'type': 'struct wide'}
    r = utramp('check', 'libshapes:over_wide', '--', MAIN, env=e)
    assert f'  types      pack, {tmp}/packs/libshapes.so.1.btf\n' in r.out, r
    r = utramp('list', '-j', f'{LIB}:give', env=e)
    assert json.loads(r.out)['types'] == 'pack', r
    o = check('over_wide')
    assert o['types'] == 'none' and o['types_file'] is None and o['attach'] == ['entry'], o


@test
def order_of_sources():
    e = env(UTRAMP_BTF_PATH=str(packs()))
    other, _ = gen('other.btf', '--lib', LIB)
    assert check('give', '--btf', f'libshapes={other}', env=e)['types'] == '--btf'
    o = check('give', '--btf', f'libshapes={other}', '--proto', 'int give(long only)', env=e)
    assert o['types'] == '--proto' and len(o['args']) == 1 and o['types_file'] is None, o
    r = utramp('check', '-j', f'{part("libshapes-g.so")}:give', env=e)
    assert json.loads(r.out)['types'] == 'DWARF', r
    first = tmp / 'first'
    first.mkdir()
    shutil.copy(other, first / 'libshapes.so.1.btf')
    o = check('give', env=env(UTRAMP_BTF_PATH=f'{first}:{packs()}'))
    assert o['types_file'] == f'{first}/libshapes.so.1.btf', o


@test
def beside_the_executable():
    """bin/utramp finds share/utramp/btf, wherever it is installed."""
    home = tmp / 'home'
    (home / 'bin').mkdir(parents=True)
    (home / 'share/utramp').mkdir(parents=True)
    shutil.copy(exe, home / 'bin/utramp')
    shutil.copytree(packs(), home / 'share/utramp/btf')
    r = subprocess.run([home / 'bin/utramp', 'check', '-j', f'{LIB}:give'], env=env(),
                       capture_output=True, text=True)
    assert json.loads(r.stdout)['types_file'] == f'{home}/share/utramp/btf/libshapes.so.1.btf', r


@test
def damaged_pack():
    where = packs()
    whole = (where / 'libshapes.so.1.btf').read_bytes()
    e = env(UTRAMP_BTF_PATH=str(where))
    for bytes_ in [b'', b'no BTF', whole[:len(whole) // 2]]:
        (where / 'libshapes.so.1.btf').write_bytes(bytes_)
        o = check('give', env=e)
        assert o['types'] == 'none' and o['attach'] == ['entry'], o
        r = utramp('trace', 'libshapes:give', 'libshapes:walk', '--', MAIN, env=e)
        told = [x for x in r.err.splitlines() if 'are left out' in x]
        assert r.code == 3 and len(told) == 1 and 'libshapes.so.1.btf: neither BTF' in told[0], r
    # ids and kinds changed at random: whatever it says then, nothing dies of it
    for i in range(40):
        at = 24 + i * 37 % (len(whole) - 24)
        (where / 'libshapes.so.1.btf').write_bytes(whole[:at] + b'\xff\x00\x7f\x13' + whole[at + 4:])
        r = utramp('list', '-j', f'{LIB}:*', env=e)
        assert r.code == 0, r


@test
def only_what_is_exported():
    """A hostile SONAME names no other directory; a local function has no type of a header's."""
    e = env(UTRAMP_BTF_PATH=str(packs()))
    so = tmp / 'hostile.so'
    subprocess.run(['gcc', '-shared', '-fPIC', '-g0', '-w', '-Wno-psabi',
                    '-Wl,-soname,../packs/libshapes.so.1', '-o', so,
                    SOURCE / 'shapes.c'], check=True)
    assert json.loads(utramp('list', '-j', f'{so}:give', env=e).out)['types'] == 'none'
    so = tmp / 'local.so'
    text = 'static __attribute__((noinline)) int walk(double d) { return (int)d + 3; }\n' \
           'int other(double d) { return walk(d) * walk(d + 1); }\n'
    subprocess.run(['gcc', '-shared', '-fPIC', '-O1', '-g0', '-Wl,-soname,libshapes.so.1', '-x', 'c', '-', '-o',
                    so], check=True, input=text, text=True)
    assert json.loads(utramp('list', '-j', f'{so}:walk', env=e).out)['types'] == 'none'


@test
def calls_are_right():
    """Each value shown, at entry and exit, and the program's own output as without us."""
    e = env(UTRAMP_BTF_PATH=str(packs()))
    want = subprocess.run([MAIN], capture_output=True, text=True)
    assert want.returncode == 3 and want.stdout.startswith('11225\n'), want
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, 'libshapes:*', '--', MAIN, env=e)
    assert r.code == 3 and r.out == want.stdout, (r, want.stdout)
    by = {}
    for line in out.read_text().splitlines():
        o = json.loads(line)
        by.setdefault(o['func'], o)
    for name in OVER:
        o = by[name]
        assert [o['args'][x] for x in 'abcdefg'] == [1, 2, 3, 4, 5, 6, 7], o
        assert o['args']['last'] == 11 and 'ret' in o, o
    assert by['over_wide']['args']['w'] == {'v': [8, 9, 10]}, by['over_wide']
    assert by['over_pair']['args']['w'] == {'a': 8, 'b': 9}, by['over_pair']
    assert by['over_packed']['args']['w']['l'] == 1 << 40, by['over_packed']
    assert by['give']['ret'] == {'v': [2, 5, -9]}, by['give']
    a = by['extended']['args']
    assert (a['x'], a['n'], a['y'], a['m'], a['big'], a['yes']) == \
        (1.5, 2, -0.25, 3, str(1 << 70), True), a
    assert by['colors']['args'] == {'c': 'BLUE', 'b': 'HUGE_ONE', 't': 'T1', 'l': '0x0'}, by['colors']
    assert by['colors']['ret'] == 'HUGE_ONE', by['colors']
    assert by['either_of']['ret'] == 8 and by['real_name']['args'] == {'x': 1}, by
    assert by['logs']['entry'] is True and by['logs']['args']['fmt']['str'] == 'a%d', by['logs']
    assert by['odd_alignment']['entry'] is True, 'no types, so no exit'
    assert by['stop']['args'] == {'code': 3} and 'ret' not in by['stop'], by['stop']


@test
def exits_where_proven():
    """Whether an exit program may run: with the alignments that the pack tells, and without."""
    e = env(UTRAMP_BTF_PATH=str(packs()))
    for name in OVER + ['give', 'extended', 'turn', 'walk', 'colors', 'vlogs']:
        assert check(name, env=e)['attach'] == ['entry', 'exit'], name
    for name, why in [('logs', 'variadic'), ('stop', 'never returns'), ('vectors', 'no types')]:
        o = check(name, env=e)
        assert o['attach'] == ['entry'] and why in o['reason'], o
    # the same types without our tags: what pahole or clang would have written
    path = tmp / 'packs/libshapes.so.1.btf'
    path.write_bytes(path.read_bytes().replace(b'utramp:align=', b'foreign:align'))
    for name in ['over_plain', 'give', 'walk']:
        assert check(name, env=e)['attach'] == ['entry', 'exit'], name
    for name in ['over_wide', 'over_pair']:
        o = check(name, env=e)
        assert o['attach'] == ['entry'] and re.search('align|padding', o['reason']), o
    # an alignment that cannot be is not believed
    path, _ = gen('packs/libshapes.so.1.btf', '--lib', LIB)
    path.write_bytes(path.read_bytes().replace(b'utramp:align=16\0', b'utramp:align=31\0'))
    assert check('over_pair', env=e)['attach'] == ['entry']


main()
