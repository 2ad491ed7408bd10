#!/usr/bin/env python3
"""names.py UTRAMP PARTS - functions by the names that people give them, of C++ above all."""
import json
import os

from harness import *

COMPILERS = [x for x in ['names-g++', 'names-clang++', 'names-g++-O0'] if (parts / x).exists()]


def objects(*args):
    r = utramp(*args)
    assert r.code == 0 and r.err == '', r
    return [json.loads(x) for x in r.out.splitlines()]


def cxx(f):
    """A test for each of the compilers that are there."""
    def run():
        if not COMPILERS:
            raise Skip('no C++ compiler')
        for victim in COMPILERS:
            f(victim)
    run.__name__ = f.__name__
    return test(run)


def mangled(victim, spec):
    return sorted(o['func'] for o in objects('list', '-j', f'{part(victim)}:{spec}'))


# What is written, and the functions it means.
NAMES = [
    ('ns::operator<', ['_ZN2nsltERKNS_1XES2_']),
    ('ns::operator<(ns::X const&, ns::X const&)', ['_ZN2nsltERKNS_1XES2_']),
    ('ns::operator<<', ['_ZN2nslsENS_1XEi']),
    ('ns::operator<<(ns::X, int)', ['_ZN2nslsENS_1XEi']),
    ('ns::operator><int>', ['_ZN2nsgtIiEEbRKNS_1XET_']),
    ('bool ns::operator><int>(ns::X const&, int)', ['_ZN2nsgtIiEEbRKNS_1XET_']),
    ('ns::C::operator()', ['_ZN2ns1CclEi', '_ZNK2ns1CclEil']),
    ('ns::C::operator()(int)', ['_ZN2ns1CclEi']),
    ('ns::C::operator()(int, long) const', ['_ZNK2ns1CclEil']),
    ('ns::C::operator->', ['_ZN2ns1CptEv']),
    ('ns::C::operator new[]', ['_ZN2ns1CnaEm']),
    ('ns::C::operator new[](unsigned long)', ['_ZN2ns1CnaEm']),
    ('ns::C::operator int', ['_ZNK2ns1CcviEv']),
    ('ns::C::operator int() const', ['_ZNK2ns1CcviEv']),
    ('ns::C::operator char const*', ['_ZNK2ns1CcvPKcEv']),
    ('ns::C::operator*', ['_ZNK2ns1CmlEi']),
    ('*::operator*', ['_ZNK2ns1CmlEi']),
    ('ns::(anonymous namespace)::hidden', ['_ZN2ns12_GLOBAL__N_16hiddenEi']),
    ('ns::(anonymous namespace)::hidden(int)', ['_ZN2ns12_GLOBAL__N_16hiddenEi']),
    ('ns::twice<int>', ['_ZN2ns5twiceIiEET_S1_']),
    ('ns::twice<int>(int)', ['_ZN2ns5twiceIiEET_S1_']),
    ('int ns::twice<int>(int)', ['_ZN2ns5twiceIiEET_S1_']),
    ('ns::twice<*', ['_ZN2ns5twiceIdEET_S1_', '_ZN2ns5twiceIiEET_S1_']),
    ('ns::over', ['_ZN2ns4overEi', '_ZN2ns4overEiPKc']),
    ('ns::over(int, char const*)', ['_ZN2ns4overEiPKc']),
    ('ns::over(int,char const*)', ['_ZN2ns4overEiPKc']),
    ('_ZN2ns4overEi', ['_ZN2ns4overEi']),
    ('tagged', ['_Z6taggedB3tagi']),
    ('tagged[abi:tag](int)', ['_Z6taggedB3tagi']),
    ('outer', ['_Z5outeri']),
    ('outer(int)', ['_Z5outeri']),
    ('outer(int)::L::in', ['_ZZ5outeriENK1L2inEil']),
    ('outer(int)::L::in(int, long) const', ['_ZZ5outeriENK1L2inEil']),
]


@cxx
def cxx_names(victim):
    got = [o['func'] for o in objects('list', '-j', *(f'{part(victim)}:{spec}' for spec, _ in NAMES))]
    at = 0
    for spec, want in NAMES: # one command for all is quicker than one for each
        if sorted(got[at:at + len(want)]) != want:
            one = mangled(victim, spec)
            assert one == want, f'{victim}: {spec}: {one}, not {want}'
        at += len(want)
    assert at == len(got), (victim, got)


@cxx
def cxx_names_live(victim):
    """Whatever the name means is attached to, and nothing else."""
    specs = ['ns::C::operator()', 'ns::twice<int>', 'outer', 'ns::(anonymous namespace)::*']
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, *specs, '--', part(victim))
    assert r.code == 0, r
    names = [json.loads(x)['func'] for x in out.read_text().splitlines()]
    assert sorted(names) == ['_Z5outeri', '_ZN2ns12_GLOBAL__N_16hiddenEi', '_ZN2ns1CclEi',
                             '_ZN2ns5twiceIiEET_S1_', '_ZNK2ns1CclEil'], (victim, names)


@cxx
def cxx_types_of_locals(victim):
    """g++ has the code of local classes and lambdas within their types."""
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, '_ZZ5outer*', '--', part(victim))
    assert r.code == 0 and 'no types' not in r.err, r
    calls = {tuple((k, v) for k, v in o['args'].items() if k not in ('this', '__closure')): o
             for o in map(json.loads, out.read_text().splitlines())}
    want = {(('k', 13), ('m', 2)): 28, (('q', 13),): 14, (('r', 13),): 33}
    assert list(calls) == list(want), calls
    for args, o in calls.items():
        # optimised, one loses a parameter: how many go on the stack is not known, entry only
        assert o.get('ret') == want[args] or o['entry'] and o['uncertain'], o


@cxx
def no_such_cxx_name(victim):
    for spec, near in [('ns::ovr', 'ns::over'), ('ns::C::operator-', 'ns::C::operator->'),
                       ('oute', 'outer')]:
        refused(3, ['no function', near], 'list', f'{part(victim)}:{spec}')
    refused(3, 'no function', 'list', f'{part(victim)}:ns::over(char)')
    refused(3, 'no function', 'list', f'{part(victim)}:operator()')


# -- C ----------------------------------------------------------------------------------------

C_VICTIMS = ['names-gcc-O0', 'names-gcc-O2', 'names-clang-O0', 'names-clang-O2']


@test
def empty_list_of_a_definition():
    """C11 6.7.6.3p14: an empty list in a definition means that there are no parameters."""
    for victim in C_VICTIMS:
        for name in ['empty_list', 'empty_static', 'main']:
            o, = objects('list', '-j', f'{part(victim)}:{name}')
            assert o['args'] == [] and o['attach'] == ['entry', 'exit'], (victim, o)
        o, = objects('list', '-j', f'{part(victim)}:old_style')
        assert [a['name'] for a in o['args']] == ['n', 'm'], (victim, o)
        out = tmp / 'calls'
        r = utramp('trace', '-j', '-o', out, 'empty_*', '--', part(victim))
        assert r.code == 0 and 'no types' not in r.err, r
        assert {o['func']: o['ret'] for o in map(json.loads, out.read_text().splitlines())} \
            == {'empty_list': 1, 'empty_static': 2}, out.read_text()
        o, = objects('list', '-j', f'{part(victim)}:assembly')
        assert o['attach'] == ['entry'] and not o['args'], o
    o, = objects('list', '-j', '--proto', 'int empty_list()', 'empty_list', '--', part(victim))
    assert o['attach'] == ['entry'], o # a declaration tells nothing



def rows(*args):
    """module:names of each function, as text has them."""
    r = utramp('list', *args)
    assert r.code == 0 and r.err == '', r
    return [line.split('  ')[0] for line in r.out.splitlines()]


@test
def all_names_of_an_address():
    """One function, whatever the name and the number of names asked for."""
    victim = part('names-c')
    assert rows(victim + ':named') == ['names-c:named (other_name, weak_name)']
    assert rows(victim + ':weak_name') == ['names-c:weak_name (named, other_name)']
    assert rows(victim + ':*name*') == ['names-c:named (other_name, weak_name)']
    assert rows(part('libnames.so.1') + ':three_of_three') \
        == ['libnames.so.1:three_of_three (one_of_three, two_of_three)']
    for specs in [['named'], ['other_name', 'named', 'weak_name'], ['*name*']]:
        out = tmp / 'calls'
        r = utramp('trace', '-j', '-o', out, *specs, '--', victim)
        assert r.code == 0 and 'attached 1 function ' in r.err, r
        assert [json.loads(x)['ret'] for x in out.read_text().splitlines()] == [11, 12, 13], specs


@test
def one_name_in_several_files():
    victim = part('names-c')
    twins = objects('list', '-j', victim + ':twin')
    assert [len(o['args']) for o in twins] == [1, 2], twins
    assert len({o['addr'] for o in twins}) == 2, twins
    out = tmp / 'calls'
    r = utramp('trace', '-j', '-o', out, 'twin', '--', victim)
    assert r.code == 0 and 'attached 2 functions ' in r.err, r
    assert sorted(json.loads(x)['ret'] for x in out.read_text().splitlines()) == [7, 8]


@test
def versions():
    lib, victim = part('libnames.so.1'), part('names-c')
    for spec, want in [('versioned', 'versioned_new'), ('versioned@NAMES_1', 'versioned_old'),
                       ('versioned@NAMES_2', 'versioned_new'),
                       ('versioned@@NAMES_2', 'versioned_new')]:
        assert rows(f'{lib}:{spec}') == [f'libnames.so.1:versioned ({want})'], spec
        assert rows('libnames:' + spec, '--', victim) == [f'libnames.so.1:versioned ({want})']
    refused(3, ["'versioned@NAMES_3'", 'versioned@NAMES_1'], 'list', lib + ':versioned@NAMES_3')


@cxx
def versions_of_cxx(victim):
    want = ['_ZSt9terminatev']
    for spec in ['libstdc++:std::terminate', 'libstdc++:std::terminate@GLIBCXX_3.4',
                 'libstdc++.so.6:std::terminate()@GLIBCXX_3.4', '_ZSt9terminatev@GLIBCXX_3.4']:
        got = [o['func'] for o in objects('list', '-j', spec, '--', part(victim))]
        assert got == want, (spec, got)


@test
def modules():
    lib, victim = part('libnames.so.1'), part('names-c')
    want = ['libnames.so.1:versioned (versioned_new)']
    for module in ['libnames', 'libnames.so', 'libnames.so.1', lib, os.path.relpath(lib), '*names*',
                   'lib?ames*', '/*/libnames*', '']:
        for spec in [f'{module}:versioned'] + (['versioned'] if not module else []):
            assert rows(spec, '--', victim) == want, spec
    assert rows('main', '--', victim) == ['names-c:main'] # the executable comes first
    for module in ['libname', 'names', '/libnames.so.1', 'libnames.so.2']:
        refused(3, [f"no module '{module}'", 'there are: names-c, libnames.so.1'], 'list',
                f'{module}:versioned', '--', victim)


@test
def modules_of_odd_names():
    for name in ['a b', 'a:b', 'a b:c d', 'a::b', 'a(1)', 'a<b', "'"]:
        d = tmp / ('dir ' + name)
        d.mkdir()
        file = d / name
        shutil.copy(part('names-gcc-O2'), file)
        want = [f'{name}:twin'] * 2
        assert rows(f'{file}:twin') == want, name
        assert rows(f'{file}:twin', '--', file) == want, name
        assert rows('twin', '--', file) == want, name
        if name not in ['a(1)', 'a<b']: # brackets: by path, or as a pattern
            assert rows(f'{name}:twin', '--', file) == want, name
        assert rows(name.replace('(', '?').replace('<', '?') + ':twin', '--', file) == want, name
        r = utramp('run', '-q', '--attach', f'entry={file}:twin', part('entry.bpf.o'), '--', file)
        assert r.code == 0 and r.err == '', r


main()
