#!/usr/bin/env python3
"""debuginfo.py UTRAMP PARTS - debug information split from its module: found, given, refused."""
import json
import os
import re

from harness import *

HIDDEN = 'int empty_static(void)' # a local function: only .symtab knows its name


def tool(*cmd):
    if not shutil.which(cmd[0]):
        raise Skip(f'no {cmd[0]}')
    r = subprocess.run(list(map(str, cmd)), capture_output=True, text=True)
    assert r.returncode == 0, (cmd, r.stderr)
    return r.stdout


def build_id(path):
    return re.search(r'Build ID: (\w+)', tool('readelf', '-n', path))[1]


class Split:
    """A program, stripped, and its debug file beside it unless another place is named."""

    def __init__(self, name, of='names-gcc-O2', link=True, debug=None):
        self.dir = tmp / name
        self.dir.mkdir()
        self.exe = self.dir / 'prog'
        self.debug = self.dir / (debug or 'prog.debug')
        self.debug.parent.mkdir(parents=True, exist_ok=True)
        tool('objcopy', '--only-keep-debug', part(of), self.debug)
        tool('strip', '-o', self.exe, part(of))
        if link:
            tool('objcopy', '--add-gnu-debuglink=' + str(self.debug), self.exe)

    def tree(self):
        """Move the debug file to where a tree has it."""
        file = tree_place(self.dir / 'tree', self.exe)
        shutil.move(self.debug, file)
        return self.dir / 'tree', file


def tree_place(tree, exe):
    i = build_id(exe)
    file = tree / '.build-id' / i[:2] / (i[2:] + '.debug')
    file.parent.mkdir(parents=True)
    return file


def checked(*args, code=0):
    """prototype and source of one function."""
    r = utramp('check', *args)
    assert r.code == code and r.err == '', r
    lines = dict(x.split(None, 1) for x in r.out.splitlines()[1:])
    return lines['prototype'], lines['types']


def traced(split, *args):
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, *args, 'empty_*', '--', split.exe)
    assert r.code == 0 and 'no types' not in r.err, r
    return {o['func']: o['ret'] for o in map(json.loads, out.read_text().splitlines())}


BOTH = {'empty_list': 1, 'empty_static': 2}


@test
def beside_the_module():
    """By .gnu_debuglink and its checksum, and in .debug; names and types of local functions."""
    for name, place in [('beside', 'prog.debug'), ('below', '.debug/prog.debug')]:
        s = Split(name, debug=place)
        assert checked(f'{s.exe}:empty_static') == (HIDDEN, f'DWARF, {s.debug}')
        assert traced(s) == BOTH
        assert traced(s) == BOTH
    with open(s.debug, 'ab') as f:
        f.write(b'x')
    why = f'{s.debug} is not of {s.exe}: its checksum is '
    refused(3, ["no function 'empty_static'", why], 'check', f'{s.exe}:empty_static')
    o = by_address(s)
    assert o[0] == 'unknown' and o[1].startswith('none: ' + why), o


def by_address(s):
    addr = re.search(r'^0*(\w+) t empty_static$', tool('nm', part('names-gcc-O2')), re.M)[1]
    return checked(f'{s.exe}:0x{addr}')


@test
def nothing_is_found():
    s = Split('nothing', link=False)
    assert by_address(s) == ('unknown', 'none')
    refused(3, ["no function 'empty_static' in prog", 'prog is stripped', '--debuginfo'], 'check',
            f'{s.exe}:empty_static')


@test
def given_file():
    s = Split('given', link=False)
    file = s.dir / 'elsewhere'
    shutil.move(s.debug, file)
    assert checked('--debuginfo', file, f'{s.exe}:empty_static') == (HIDDEN, f'DWARF, {file}')
    assert checked('--debuginfo', file, 'empty_static', '--', s.exe) == (HIDDEN, f'DWARF, {file}')
    assert traced(s, '--debuginfo', file) == BOTH
    r = utramp('list', '--debuginfo', file, f'{s.exe}:empty_*')
    assert [x.split()[0] for x in r.out.splitlines()] == ['prog:empty_list', 'prog:empty_static'], r
    r = utramp('code', '--debuginfo', file, f'{s.exe}:empty_static')
    assert r.code == 0 and 'empty_static' in r.out, r
    o, = map(json.loads, utramp('list', '-j', '--debuginfo', file, '--proto', 'long empty_static(int x)',
                                f'{s.exe}:empty_static').out.splitlines())
    assert o['ret'] == 'long' and o['args'] == [{'name': 'x', 'type': 'int'}], o


@test
def given_file_comes_first():
    """Also where the module has DWARF of its own, or another file is found."""
    s = Split('first')
    copy = s.dir / 'copy'
    shutil.copy(s.debug, copy)
    assert checked('--debuginfo', copy, f'{s.exe}:empty_static')[1] == f'DWARF, {copy}'
    whole = part('names-gcc-O2')
    assert checked(f'{whole}:empty_static')[1] == 'DWARF'
    assert checked('--debuginfo', copy, f'{whole}:empty_static') == (HIDDEN, f'DWARF, {copy}')
    assert checked('--debuginfo', whole, f'{s.exe}:empty_static') == (HIDDEN, f'DWARF, {whole}')


@test
def given_tree():
    s = Split('tree', link=False)
    tree, file = s.tree()
    assert checked('--debuginfo', tree, f'{s.exe}:empty_static') == (HIDDEN, f'DWARF, {file}')
    assert traced(s, '--debuginfo', tree) == BOTH
    # by link: TREE, the module's directory, the link's name
    s = Split('linked')
    file = tmp / 'linktree' / str(s.dir)[1:] / 'prog.debug'
    file.parent.mkdir(parents=True)
    shutil.move(s.debug, file)
    assert checked('--debuginfo', tmp / 'linktree', f'{s.exe}:empty_static')[1] == f'DWARF, {file}'
    assert traced(s, '--debuginfo', tmp / 'linktree') == BOTH


@test
def libraries_too():
    """Several files, each for the module that has its build-id."""
    d = tmp / 'several'
    d.mkdir()
    prog, lib = d / 'prog', d / 'libnames.so.1'
    for src, to in [('names-c', prog), ('libnames.so.1', lib)]:
        tool('objcopy', '--only-keep-debug', part(src), str(to) + '.dbg')
        tool('strip', '-o', to, part(src))
    given = ['--debuginfo', f'{lib}.dbg', '--debuginfo', f'{prog}.dbg']
    r = utramp('check', *given, 'empty_static', 'libnames:versioned', '--', prog,
               env=env(LD_LIBRARY_PATH=str(d)))
    assert r.code == 0 and f'types      DWARF, {prog}.dbg' in r.out, r
    # without a command: each file is of use to one of the modules
    r = utramp('check', *given, f'{prog}:empty_static', f'{lib}:versioned')
    assert r.code == 0, r
    assert f'types      DWARF, {prog}.dbg' in r.out and f'types      DWARF, {lib}.dbg' in r.out, r
    r = utramp('check', '--debuginfo', f'{prog}.dbg', '--proto', 'int versioned(char)',
               f'{prog}:empty_static', f'{lib}:versioned')
    assert r.code == 0 and 'types      --proto' in r.out, r
    refused(3, 'nobody', 'check', '--proto', 'int nobody(char)', f'{prog}:main', f'{lib}:versioned',
            *given)


@test
def cxx():
    if not (parts / 'names-g++').exists():
        raise Skip('no C++ compiler')
    s = Split('cxx', of='names-g++', link=False)
    for where in [(f'{s.exe}:ns::(anonymous namespace)::hidden',),
                  ('ns::(anonymous namespace)::hidden', '--', s.exe)]:
        assert checked('--debuginfo', s.debug, *where)[1] == f'DWARF, {s.debug}'
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, '--debuginfo', s.debug, 'ns::over', 'ns::C::operator*',
               '--', s.exe)
    calls = [json.loads(x) for x in out.read_text().splitlines()]
    assert r.code == 0 and [(o['func'], o['ret']) for o in calls] == [
        ('_ZNK2ns1CmlEi', 6), ('_ZN2ns4overEi', 10), ('_ZN2ns4overEiPKc', 131)], calls
    assert calls[2]['args']['s']['str'] == 'x', calls


@test
def of_another_build():
    s = Split('other', link=False)
    wrong = tmp / 'wrong.debug'
    tool('objcopy', '--only-keep-debug', part('names-gcc-O0'), wrong)
    for place in [(f'{s.exe}:main',), ('main', '--', s.exe)]:
        refused(3, [str(wrong), build_id(wrong), 'prog ' + build_id(s.exe)], 'check', '--debuginfo',
                wrong, *place)
    bare = tmp / 'bare.debug'
    tool('objcopy', '--remove-section=.note.gnu.build-id', wrong, bare)
    refused(3, [str(bare), 'its build-id is missing', 'prog ' + build_id(s.exe)], 'check',
            '--debuginfo', bare, f'{s.exe}:main')
    # one that lies in the tree under another's name
    tree, file = s.tree()
    shutil.copy(wrong, file)
    refused(1, [str(file), build_id(wrong), build_id(s.exe)], 'check', '--debuginfo', tree,
            f'{s.exe}:main')
    # the same module twice
    whole = part('names-gcc-O2')
    refused(1, ['has a debug file already'], 'check', '--debuginfo', whole, '--debuginfo', whole,
            f'{whole}:main')


@test
def damaged():
    s = Split('damaged', link=False)
    bytes = s.debug.read_bytes()
    cut, text, empty = tmp / 'cut', tmp / 'text', tmp / 'none'
    cut.write_bytes(bytes[:len(bytes) // 2])
    text.write_text('hello\n' * 1000)
    empty.mkdir()
    for file, why in [(cut, 'truncated'), (text, 'not an ELF file'), (tmp / 'away', 'No such file'),
                      ('/dev/null', 'not a regular file')]:
        refused(1, [str(file), why], 'check', '--debuginfo', file, f'{s.exe}:main')
    refused(3, [str(empty), 'no debug file'], 'check', '--debuginfo', empty, f'{s.exe}:main')
    refused(2, '--debuginfo', 'check', '--debuginfo=', f'{s.exe}:main')
    symbols = s.dir / 'symbols' # no DWARF: names, and no more
    tool('objcopy', '--strip-debug', s.debug, symbols)
    assert checked('--debuginfo', symbols, f'{s.exe}:empty_static') == ('unknown', 'none')
    neither = s.dir / 'neither'
    tool('strip', '-o', neither, part('names-gcc-O2'))
    refused(1, 'neither DWARF nor symbols', 'check', '--debuginfo', neither, f'{s.exe}:main')


@test
def any_byte_of_it_wrong():
    """A damaged file gives types, other types or none, and an answer in any case."""
    s = Split('fuzz', link=False)
    good = s.debug.read_bytes()
    for i in range(24):
        bad = bytearray(good)
        for k in range(40):
            at = (i * 40 + k) * 7919 % (len(bad) - 64) + 64
            bad[at] ^= 1 << (k % 8)
        s.debug.write_bytes(bad)
        r = utramp('list', '--debuginfo', s.debug, f'{s.exe}:*')
        assert r.code in [0, 1, 3], r


@test
def split_dwarf():
    """-gsplit-dwarf: .dwo files are read where they are, packages refused by name."""
    d = tmp / 'split'
    d.mkdir()
    (d / 'a.c').write_text('__attribute__((noipa)) int first(int a, int b) '
                           '{ __asm__("nop;nop;nop;nop;nop"); return a + b; }\n'
                           'int main(void) { return first(1, -1); }\n')
    r = subprocess.run(['gcc', '-O1', '-g', '-gsplit-dwarf', '-o', 'prog', 'a.c'], cwd=d,
                       capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    prog, (dwo,) = d / 'prog', d.glob('*.dwo')
    assert checked(f'{prog}:first') == ('int first(int a, int b)', 'DWARF')
    away = d / 'away'
    shutil.move(dwo, away)
    what = checked(f'{prog}:first')
    assert what[0] == 'unknown' and '-gsplit-dwarf' in what[1] and dwo.name in what[1], what
    (d / 'prog.dwp').write_text('what dwp(1) makes') # Debian 12's crashes on DWARF 5
    what = checked(f'{prog}:first')
    assert 'packages are not read' in what[1] and f'{prog}.dwp' in what[1], what


@test
def dwz_has_been_here():
    """.gnu_debugaltlink: what several files share lies in one of its own."""
    d = tmp / 'dwz'
    d.mkdir()
    files = [d / n for n in ['one', 'two']]
    for f, of in zip(files, ['names-gcc-O2', 'names-gcc-O0']):
        shutil.copy(part(of), f)
    tool('dwz', '-m', d / 'common', *files)
    if 'gnu_debugaltlink' not in tool('readelf', '-SW', files[0]):
        raise Skip('dwz found nothing to share')
    s = d / 'prog'
    tool('strip', '-o', s, files[0])
    tool('objcopy', '--only-keep-debug', files[0], d / 'prog.debug')
    assert checked('--debuginfo', d / 'prog.debug', f'{s}:empty_static') \
        == (HIDDEN, f'DWARF, {d}/prog.debug')


@test
def dwz_moves_declarations():
    """To units that tell no language: what is said of a function stays the same."""
    d = tmp / 'dwz-language'
    d.mkdir()
    # inlined at a call, with code for its address: the code's entry refers to another's types
    one = 'static inline long shared_{0}(long first_number, size_t second_number)\n' \
          '{{ return first_number * {0} + (long)second_number; }}\n'
    (d / 'h.h').write_text('#include <stddef.h>\ntypedef long fn(long, size_t);\n' +
                           ''.join(one.format(i) for i in range(3, 9)))
    use = '#include "h.h"\nextern volatile long x;\nfn *volatile {0}[] = {{ ' + \
          ', '.join(f'shared_{i}' for i in range(3, 9)) + ' }};\n' \
          'long call_{0}(void) {{ return ' + \
          ' + '.join(f'shared_{i}(x, {i})' for i in range(3, 9)) + '; }}\n'
    (d / 'a.c').write_text(use.format('a'))
    (d / 'b.c').write_text(use.format('b') + 'volatile long x;\nlong call_a(void);\n'
                           'int main(void) { return (int)(call_a() + call_b()); }\n')
    r = subprocess.run(['gcc', '-O2', '-g', '-o', 'prog', 'a.c', 'b.c'], cwd=d, capture_output=True,
                       text=True)
    assert r.returncode == 0, r.stderr
    prog = d / 'prog'
    before = utramp('list', '-j', f'{prog}:*').out
    shared = [json.loads(x) for x in before.splitlines() if '"shared_' in x]
    assert [x['attach'] for x in shared] == [['entry', 'exit']] * 12, before
    for i in range(2):
        shutil.copy(prog, d / f'copy{i}')
    tool('dwz', '-m', d / 'common', d / 'copy0', d / 'copy1')
    if 'DW_TAG_imported_unit' not in tool('readelf', '--debug-dump=info', d / 'copy0'):
        raise Skip('dwz found nothing to share')
    shutil.copy(d / 'copy0', prog)
    after = utramp('list', '-j', f'{prog}:*').out
    assert after == before, after


@test
def merged_functions():
    """gcc -fipa-icf: DWARF has no address for one that is the same as another, but its types."""
    d = tmp / 'icf'
    d.mkdir()
    same = 'static int {0}(void *file, long {1}, char c, int d, int e, int f, long on_stack) ' \
           '{{ return (int){1} + c + d + e + f + (int)on_stack; }}\n'
    (d / 'a.c').write_text('#include <stdio.h>\ntypedef int fn(void *, long, char, int, int, int, long);\n' +
                           same.format('first', 'one') + same.format('second', 'two') +
                           'fn *volatile table[] = { first, second };\n'
                           'int main(void) { printf("%d\\n", table[0] == table[1]);'
                           ' return table[1](0, 1, 2, 3, 4, 5, 6) + table[0](0, 1, 1, 1, 1, 1, 1); }\n')
    r = subprocess.run(['gcc', '-O2', '-g', '-o', 'prog', 'a.c'], cwd=d, capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    prog = d / 'prog'
    for name, arg in (('first', 'one'), ('second', 'two')):
        got = json.loads(utramp('check', '-j', f'{prog}:{name}').out)
        assert got['attach'] == ['entry', 'exit'] and len(got['args']) == 7, got
        assert got['args'][1] == {'name': arg, 'type': 'long int'}, got
    r = utramp('trace', '-j', '--strings=off', 'prog:first', 'prog:second', '--', prog)
    calls = [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]
    assert r.code == 27 and '0\n' in r.out, r   # both have addresses of their own
    assert any(c['func'] == 'second' and c['args']['two'] == 1 and c['args']['on_stack'] == 6
               and c['ret'] == 21 for c in calls), r


@test
def dwz_in_a_tree_elsewhere():
    """The shared file is where the tree lies, not where the link says; another build's is not it."""
    d = tmp / 'dwz-tree'
    tree = d / 'tree/usr/lib/debug'
    (tree / '.dwz/here').mkdir(parents=True)
    files = [d / n for n in ['one', 'two']]
    for f, of in zip(files, ['names-gcc-O2', 'names-gcc-O0']):
        shutil.copy(part(of), f)
    link = '/nonexistent/debug/.dwz/here/common.debug'
    tool('dwz', '-m', d / 'common', '-M', link, *files)
    if 'gnu_debugaltlink' not in tool('readelf', '-SW', files[0]):
        raise Skip('dwz found nothing to share')
    prog, debug, common = d / 'prog', tree / 'prog.debug', tree / '.dwz/here/common.debug'
    tool('strip', '-o', prog, files[0])
    tool('objcopy', '--only-keep-debug', files[0], debug)
    ask = ['check', '--debuginfo', debug, f'{prog}:empty_static']
    refused(1, [f'{debug}: part of its DWARF is in {link}, which is not there', 'unpack'], *ask)
    shutil.copy(d / 'common', common)
    assert checked(*ask[1:]) == (HIDDEN, f'DWARF, {debug}')
    shutil.copy(debug, common)          # another build-id
    refused(1, f'part of its DWARF is in {link}', *ask)


main()
