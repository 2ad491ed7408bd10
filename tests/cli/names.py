#!/usr/bin/env python3
"""names.py UTRAMP PARTS - functions by the names that people give them, of C++ above all."""
import json

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
    calls = {tuple((k, v) for k, v in o['args'].items() if k not in ('this', '__closure')):
             o['ret'] for o in map(json.loads, out.read_text().splitlines())}
    assert calls == {(('k', 13), ('m', 2)): 28, (('q', 13),): 14, (('r', 13),): 33}, calls


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


main()
