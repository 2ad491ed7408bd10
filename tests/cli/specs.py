#!/usr/bin/env python3
"""specs.py UTRAMP PARTS - what a function's name may look like, and what it means: one table.

Each row is a spec and the functions that it names in a running program, by their symbols, or
the exit code and words of its refusal.  A row's own test asks `list`; those that name something
are all attached in one trace at the end.
"""
import json
import os
import re

from harness import *

LIB = os.path.relpath(part('libnames.so.1'))
NAMED, VERSIONED = ['named'], ['versioned_new']

# in names-c, which uses libnames.so.1; functions by the first of their names, in the alphabet
C = [
    # names
    ('named', ['named']),
    ('weak_name', NAMED),                       # another name of it
    ('empty_static', ['empty_static']),         # a local one
    ('twin', ['twin']),                         # two of one name
    ('=named', NAMED),
    # modules
    (':named', NAMED),                          # empty: the executable first ...
    (':versioned', VERSIONED),                  # ... then the libraries
    ('names-c:named', NAMED),                   # the file's name
    (part('names-c') + ':named', NAMED),        # its path
    (os.path.relpath(part('names-c')) + ':named', NAMED),
    ('libnames.so.1:versioned', VERSIONED),     # SONAME
    ('libnames.so:versioned', VERSIONED),       # shorter
    ('libnames:versioned', VERSIONED),          # short name
    (LIB + ':versioned', VERSIONED),
    ('main', ['main']),                         # of the executable, not of ld.so or libc
    ('libc:malloc', ['malloc']),
    ('libc.so.6:malloc', ['malloc']),
    # patterns
    ('n?med', NAMED),
    ('*name*', NAMED),                          # one function, however many names match
    ('empty_*', ['empty_list', 'empty_static']),
    ('lib?ames*:vers*', ['versioned_new', 'versioned_old']),
    ('*names*:named', NAMED),
    ('*:named', NAMED),
    ('/*/libnames*:versioned', VERSIONED),
    ('libnames:*', ['one_of_three', 'versioned_new', 'versioned_old']), # no _init, _fini, frame_dummy
    ('libnames:=*', 3, "no function '*'"),      # literally
    ('=nam?d', 3, "no function 'nam?d'"),
    # versions
    ('versioned@NAMES_1', ['versioned_old']),
    ('versioned@NAMES_2', VERSIONED),
    ('versioned@@NAMES_2', VERSIONED),
    ('libnames:versioned@NAMES_1', ['versioned_old']),
    ('versioned@NAMES_3', 3, "nearest: versioned@NAMES_1, versioned@NAMES_2"),
    ('libnames:vers*@NAMES_1', ['versioned_old']),
    # addresses in the file
    ('0x{named}', NAMED),
    ('names-c:0x{named}', NAMED),
    ('libnames:0x{lib versioned_new}', VERSIONED),
    ('0x1', 3, 'no function begins at 0x1 in '),
    ('0x{named+1}', 3, 'no function begins at '),
    ('0xfg', 2, 'is not an address'),
    ('0x', 2, 'is not an address'),
    ('=0x10', 3, "no function '0x10'"),
    # what is no function's name
    ('', 2, 'the function is missing'),
    (':', 2, 'the function is missing'),
    ('libnames:', 2, 'the function is missing'),
    ('=', 2, 'the function is missing'),
    ('named+4', 1, 'an offset into a function'),
    ('libc:malloc+0x10', 1, 'an offset into a function'),
    # no such module
    ('libabsent:f', 3, ["no module 'libabsent'", 'there are: names-c, libnames.so.1, libc.so.6']),
    ('libnams:f', 3, ["no module 'libnams'", 'nearest: libnames']),
    ('libnames.so.2:f', 3, ["no module 'libnames.so.2'", 'nearest: libnames.so.1']),
    ('LIBC:f', 3, 'nearest: libc;'),
    ('/no/such/file:f', 3, "no module '/no/such/file'"),
    # no such function: nearest names, and where it is
    ('nobodys_name_at_all', 3, ["no function 'nobodys_name_at_all' in names-c, libnames.so.1"]),
    ('Named', 3, 'nearest: named'),
    ('emptylist', 3, 'nearest: empty_list'),
    ('empty_lst', 3, 'nearest: empty_list'),
    ('epmty_list', 3, 'nearest: empty_list'),
    ('empty', 3, 'nearest: empty_list, empty_static'),
    ('_empty_list', 3, 'nearest: empty_list'),
    ('names-c:versioned', 3, ["no function 'versioned' in names-c", 'it is in libnames.so.1']),
    ('libnames:malloc', 3, ['in libnames.so.1; it is in libc.so.6']),
    ('libnames:malloc_*', 3, ['in libnames.so.1; it is in libc.so.6']),
    ('libc:MALLOC', 3, 'nearest: malloc'),
]

# in names-g++, and by other compilers; the same
CXX = [
    # qualified names: all overloads, or with parameters one
    ('ns::over', ['_ZN2ns4overEi', '_ZN2ns4overEiPKc']),
    ('ns::over(int)', ['_ZN2ns4overEi']),
    ('ns::over(int, char const*)', ['_ZN2ns4overEiPKc']),
    ('ns::over( int,char const * )', ['_ZN2ns4overEiPKc']),
    ('{exe}:ns::over', ['_ZN2ns4overEi', '_ZN2ns4overEiPKc']),
    (':ns::over(int)', ['_ZN2ns4overEi']),
    ('_ZN2ns4overEi', ['_ZN2ns4overEi']),
    ('outer', ['_Z5outeri']),
    ('outer(int)', ['_Z5outeri']),
    ('ns::*::*(int)', ['_ZN2ns12_GLOBAL__N_16hiddenEi', '_ZN2ns1CclEi', '_ZN2ns1CmLEi',
                       '_ZN2ns1D4statEi', '_ZN2ns1DC1Ei']),
    ('_ZN2ns4over*', ['_ZN2ns4overEi', '_ZN2ns4overEiPKc']),
    ('ns::o?er', ['_ZN2ns4overEi', '_ZN2ns4overEiPKc']),
    # operators
    ('ns::operator<', ['_ZN2nsltERKNS_1XES2_']),
    ('ns::operator<<', ['_ZN2nslsENS_1XEi']),
    ('ns::operator<<(ns::X, int)', ['_ZN2nslsENS_1XEi']),
    ('ns::operator><int>', ['_ZN2nsgtIiEEbRKNS_1XET_']),
    ('ns::C::operator()', ['_ZN2ns1CclEi', '_ZNK2ns1CclEil']),
    ('ns::C::operator()(int, long) const', ['_ZNK2ns1CclEil']),
    ('ns::C::operator->', ['_ZN2ns1CptEv']),
    ('ns::C::operator*', ['_ZNK2ns1CmlEi']),
    ('=ns::C::operator*', ['_ZNK2ns1CmlEi']),
    ('ns::C::operator*=', ['_ZN2ns1CmLEi']),
    ('*::operator*', ['_ZNK2ns1CmlEi']),
    ('ns::C::operator new[]', ['_ZN2ns1CnaEm']),
    # conversions
    ('ns::C::operator int', ['_ZNK2ns1CcviEv']),
    ('ns::C::operator char const*', ['_ZNK2ns1CcvPKcEv']),
    ('ns::C::operator char const*() const', ['_ZNK2ns1CcvPKcEv']),
    # constructors and destructors: the complete object's and the base's are one here
    ('ns::D::D', ['_ZN2ns1DC1Ei']),
    ('ns::D::D(int)', ['_ZN2ns1DC1Ei']),
    ('ns::D::~D', ['_ZN2ns1DD1Ev']),
    ('ns::D::~D()', ['_ZN2ns1DD1Ev']),
    ('ns::D::*D', ['_ZN2ns1DC1Ei', '_ZN2ns1DD1Ev']),
    ('_ZN2ns1DC2Ei', ['_ZN2ns1DC1Ei']),
    ('ns::D::stat', ['_ZN2ns1D4statEi']),
    # templates, the result's type given or not
    ('ns::twice<int>', ['_ZN2ns5twiceIiEET_S1_']),
    ('int ns::twice<int>(int)', ['_ZN2ns5twiceIiEET_S1_']),
    ('ns::twice<*', ['_ZN2ns5twiceIdEET_S1_', '_ZN2ns5twiceIiEET_S1_']),
    ('ns::both<unsigned int, char const*>', ['_ZN2ns4bothIjPKcEEiT_T0_']),
    ('ns::both<unsigned int,char const*>', ['_ZN2ns4bothIjPKcEEiT_T0_']),
    ('int ns::both<unsigned int, char const*>(unsigned int, char const*)',
     ['_ZN2ns4bothIjPKcEEiT_T0_']),
    ('ns::D::member<unsigned int>', ['_ZN2ns1D6memberIjEEiT_']),
    # anonymous namespaces, ABI tags, local classes, lambdas
    ('ns::(anonymous namespace)::hidden', ['_ZN2ns12_GLOBAL__N_16hiddenEi']),
    ('{exe}:ns::(anonymous namespace)::hidden(int)', ['_ZN2ns12_GLOBAL__N_16hiddenEi']),
    ('tagged', ['_Z6taggedB3tagi']),
    ('tagged[abi:tag]', ['_Z6taggedB3tagi']),
    ('tagged[abi:other]', 3, 'nearest: tagged[abi:tag]'),
    ('outer(int)::L::in', ['_ZZ5outeriENK1L2inEil']),
    ('outer(int)::{lambda(long)#2}::operator()', ['_ZZ5outeriENKUllE0_clEl']),
    # nothing of that name
    ('ns::over(char)', 3, 'nearest: ns::over(int), ns::over(int, char const*)'),
    ('over', 3, 'nearest: ns::over'),
    ('hidden', 3, 'nearest: ns::(anonymous namespace)::hidden'),
    ('ns::Over', 3, 'nearest: ns::over'),
    ('n::over', 3, 'nearest: ns::over'),
    ('twice<int>', 3, 'nearest: ns::twice<int>'),
    ('ns::twice<long>', 3, 'ns::twice<int>'),
    ('ns::C::operator-', 3, 'nearest: ns::C::operator->'),
    ('ns::D::statt', 3, 'nearest: ns::D::stat'),
    ('_ZN2ns4overEj', 3, 'nearest: _ZN2ns4overEi'),
    ('ns::', 3, "no function 'ns::'"),
    ('ns::over+1', 1, 'an offset into a function'),
]


def symbols(file):
    """Name: addresses, of which a local name may have several."""
    out = {}
    r = subprocess.run(['nm', file], capture_output=True, text=True, check=True)
    for line in r.stdout.splitlines():
        at, kind, name = line.rsplit(maxsplit=2) if line[0] != ' ' else (None, '', '')
        if kind in 'tTwW' and at:
            out.setdefault(name.split('@')[0] if '@@' not in name else '', []).append(int(at, 16))
    return out


class Program:
    def __init__(self, exe):
        self.exe = part(exe)
        self.name = exe
        self.own, self.lib = symbols(self.exe), symbols(part('libnames.so.1'))

    def filled(self, spec):
        """{exe}: its name; {name}, {name+1}, {lib name}: an address in the file."""
        spec = spec.replace('{exe}', self.name)
        if '0x{' not in spec:
            return spec
        before, rest = spec.split('{')
        name, behind = rest.split('}')
        table = self.lib if name.startswith('lib ') else self.own
        at, = table[name.removeprefix('lib ').removesuffix('+1')]
        return f'{before}{at + name.endswith("+1"):x}{behind}'

    def meant(self, names):
        """Functions by where they are; those of other libraries by name."""
        out = []
        for n in names:
            where = 'exe' if n in self.own else 'lib'
            out += [(where, at) for at in (self.own if n in self.own else self.lib).get(n, [])] or [n]
        return sorted(out, key=str)

    def found(self, specs):
        r = utramp('list', '-j', *specs, '--', self.exe)
        assert r.code == 0 and r.err == '', r
        where = {self.name: 'exe', 'libnames.so.1': 'lib'}
        return [(where[o['module']], int(o['addr'], 16)) if o['module'] in where else o['func']
                for o in map(json.loads, r.out.splitlines())]


def check(exe, table):
    if not os.path.exists(part(exe)):
        raise Skip(f'no {exe}')
    p, wrong = Program(exe), []
    good = [(p.filled(s), p.meant(w)) for s, w, *_ in table if not isinstance(w, int)]
    got, at = p.found([s for s, _ in good]), 0 # one command for all is quicker than one for each
    for spec, want in good:
        here, at = sorted(got[at:at + len(want)], key=str), at + len(want)
        if here != want:
            wrong.append(f'{spec!r}: {here}, not {want}')
            break # what follows is out of step
    if not wrong and at != len(got):
        wrong.append(f'more than was asked for: {got[at:]}')
    for spec, code, *words in table:
        if not isinstance(code, int):
            continue
        try:
            refused(code, words[0], 'list', p.filled(spec), '--', p.exe)
        except AssertionError as e:
            wrong.append(f'{spec!r}: {e}')
    assert not wrong, '\n'.join(wrong)


@test
def c():
    check('names-c', C)


@test
def cxx():
    check('names-g++', CXX)


@test
def the_table_is_long():
    assert len({s for s, *_ in C + CXX}) == len(C + CXX) >= 60, len(C + CXX)


@test
def all_at_once():
    """A trace of all that is in the table, each function once."""
    for exe, table in [('names-c', C), ('names-g++', CXX)]:
        if not os.path.exists(part(exe)):
            continue
        p = Program(exe)
        rows = [(p.filled(s), w) for s, w, *_ in table if not isinstance(w, int)]
        n = len({str(f) for _, w in rows for f in p.meant(w)})
        out = tmp / 'calls'
        r = utramp('trace', '-j', '-o', out, *(s for s, _ in rows), '--', p.exe)
        assert r.code == 0 and re.search(rf'^utramp: attached {n} functions in process ', r.err, re.M), (n, r)


main()
