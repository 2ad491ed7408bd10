#!/usr/bin/env python3
"""values.py UTRAMP DOC PROGRAM... - values of every kind are shown as docs/values.md says.

Each PROGRAM is values.cc, compiled in a way of its own.  A row of a table in DOC is a function f_NAME
of it, NAME being the parameter's; what the page leaves out is below.  Addresses are not
compared, nor how compilers call the pointer to a class's virtual functions.
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'trace'))
from harness import Run, Tap  # noqa: E402

UTRAMP, DOC, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
LONG = list(range(32))

MORE = {  # name: (text, JSON)
    'narrow': ('2.5', '2.5'),
    'unit': ('117', '117'),
    'absent': ('NULL', '"0x0"'),
    'address': ('NULL', '"0x0"'),
    'blank': ('""', '{"ptr":"0xP","len":0,"str":""}'),
    'nil': ('[]', '{"ptr":"0x0","len":0,"val":[]}'),
    'bulk': (f'{{v=[{", ".join(map(str, LONG))}, ...]}}', json.dumps({'v': LONG})),
    'part': (f'@0xP: {{v=[1{", 0" * 31}, ...]}}',
             json.dumps({'ptr': '0xP', 'val': {'v': [1] + [0] * 31}})),
    'lengthy': ('"' + 'x' * 64 + '"...', json.dumps({'ptr': '0xP', 'len': 100, 'str': 'x' * 64})),
    'many': (f'[{"7, " * 32}...] (1000)', json.dumps({'ptr': '0xP', 'len': 1000, 'val': [7] * 32})),
    'heavy': (f'[{{v=[0{", 0" * 31}, ...]}}, ...] (2)',
              json.dumps({'ptr': '0xP', 'len': 2, 'val': [{'v': [0] * 32}]})),
    'has': ('{name="a name beyond fifteen bytes", list=[4, 5], n=6}',
            '{"name":{"ptr":"0xP","len":27,"str":"a name beyond fifteen bytes"},'
            '"list":{"ptr":"0xP","len":2,"val":[4,5]},"n":6}'),
    'reverse': ('@0xP: {std::_Vector_base<int, std::allocator<int> >={_M_impl={std::_Vector_base<int, '
                'std::allocator<int> >::_Vector_impl_data={_M_start=0x40, _M_finish=0x20, '
                '_M_end_of_storage=0x40}}}}',
                '{"ptr":"0xP","val":{"std::_Vector_base<int, std::allocator<int> >":{"_M_impl":'
                '{"std::_Vector_base<int, std::allocator<int> >::_Vector_impl_data":{"_M_start":"0x40",'
                '"_M_finish":"0x20","_M_end_of_storage":"0x40"}}}}}'),
    'split': ('@0xP: {_vptr=0xP, l=7}', '{"ptr":"0xP","val":{"_vptr":"0xP","l":7}}'),
}
RESULTS = {
    'title': ('"title"', '{"ptr":"0xP","len":5,"str":"title"}'),
    'items': ('[1, 2]', '{"ptr":"0xP","len":2,"val":[1,2]}'),
    'piece': ('"piece"', '{"ptr":"0xP","len":5,"str":"piece"}'),
    'allowed': ('READ|EXEC', '"READ|EXEC"'),
    'chosen': ('0xP <callback>', '{"ptr":"0xP","sym":"prog:callback"}'),
    'truth': ('true', 'true'),
    'spot': ('{x=1, y=2}', '{"x":1,"y":2}'),
    'lent': ('@0xP: 5', '{"ptr":"0xP","val":5}'),
    'named': ('"title"', '{"ptr":"0xP","len":5,"str":"title"}'),
}
CLASSES = [
    'ns::counter::twice(x=4) = 8',
    'ns::overloaded(x=1) = 1',
    'ns::overloaded(x=1) = 2',
    'ns::same<int>(x=5) = 5',
    'ns::same<std::string>(x="five") = "five"',
]
INLINE = [  # without optimisation
    'ns::counter::counter(this=0xP, n=1)',
    'ns::counter::counter(this=0xP, n=2)',
    'ns::counter::counter(this=0xP, n=3)',
    'ns::counter::operator+(this=0xP, o=@0xP: {n=2}) = {n=3}',
    'ns::counter::operator()(this=0xP, x=4) = true',
    'ns::counter::twice(x=4) = 8',
    'ns::counter::~counter(this=0xP)',
    'ns::counter::~counter(this=0xP)',
    'ns::counter::~counter(this=0xP)',
    'ns::overloaded(x=1) = 1',
    'ns::overloaded(x=1) = 2',
    'ns::same<int>(x=5) = 5',
    'ns::same<std::string>(x="five") = "five"',
]
OFF = {  # --strings=off
    'text': '0xP',
    'brief': '{_M_dataplus={_M_p=0xP}, _M_string_length=5, _M_local_buf="brief", '
             '_M_allocated_capacity=N}',
    'numbers': '[1, 2, 3]',
}


def plain(s, program):
    """Without what differs from run to run and from program to program."""
    s = re.sub(r'_vptr[.$]\w+', '_vptr', s)
    s = re.sub(r'0x[0-9a-f]{6,}', '0xP', s)
    return s.replace(pathlib.Path(program).name + ':', 'prog:')


def page():
    rows = {}
    for line in DOC.read_text(encoding='utf-8').splitlines():
        m = re.match(r'\| `.*?(\w+)` \| `(.*)` \| `(.*)` \|$', line)
        if m:
            text, value = (c.replace('\\|', '|') for c in m.groups()[1:])
            assert m[1] not in rows, f'{DOC}: two rows of {m[1]}'
            rows[m[1]] = (plain(text, 'prog'), plain(value, 'prog'))
    return rows


def traced(program, *args):
    r = Run([UTRAMP, 'trace', *args, '--', program])
    assert r.code == 0 and not r.lost(), r.stderr
    return [plain(line, program) for line in r.stdout.decode().splitlines()]


def texts(program, *args):
    """name: value, of functions f_NAME(NAME=value)."""
    out = {}
    for line in traced(program, 'f_*', *args):
        m = re.match(r'prog:f_(\w+)\((\w+)=(.*)\) +<', line)
        assert m and m[1] == m[2], line
        out[m[1]] = m[3]
    return out


def compare(got, want):
    assert got.keys() == want.keys(), f'functions: {got.keys() ^ want.keys()}'
    wrong = [f'{n}: {got[n]}\n   not {want[n]}' for n in want if got[n] != want[n]]
    assert not wrong, '\n'.join(wrong)


def as_text(program, rows):
    compare(texts(program), {n: row[0] for n, row in rows.items()})


def spaced(value):
    return json.dumps(json.loads(value), ensure_ascii=False)


def as_json(program, rows):
    got = {}
    for line in traced(program, '-j', 'f_*'):
        (name, value), = json.loads(line)['args'].items()
        got[name] = json.dumps(value, ensure_ascii=False)
    compare(got, {n: spaced(row[1]) for n, row in rows.items()})


def plain_name(mangled):
    m = re.match(r'_Z(\d+)', mangled)
    return mangled[m.end():m.end() + int(m[1])]


def results(program, rows):
    got = {}
    for line in traced(program, 'r_*'):
        m = re.match(r'prog:r_(\w+)\(.*?\) += (.*?) +<[0-9.]+ ms>$', line)
        assert m, line
        got[m[1]] = [m[2]]
    for line in traced(program, '-j', 'r_*'):
        r = json.loads(line)
        got[plain_name(r['func'])[2:]].append(json.dumps(r['ret'], ensure_ascii=False))
    compare(got, {n: [row[0], spaced(row[1])] for n, row in RESULTS.items()})


def classes(program, rows):
    inline = '-O0' in program
    names = ['ns::counter::*'] if inline else ['ns::counter::twice']
    lines = traced(program, *names, 'ns::overloaded', 'ns::same<*>')
    got = [re.sub(r' +', ' ', re.sub(r' *<[0-9.]+ ms>$', '', line[5:])) for line in lines]
    want = INLINE if inline else CLASSES
    assert got == want, '\n'.join(got)


def strings_off(program, rows):
    got = {n: re.sub(r'city=\d+', 'city=N', v) for n, v in texts(program, '--strings=off').items()}
    assert {n: got[n] for n in OFF} == OFF, {n: got[n] for n in OFF}


def shown_first(program, rows):
    """list and check name functions of C++ as their sources do."""
    for verb in 'list', 'check':
        r = Run([UTRAMP, verb, f'{program}:ns::same<int>'])
        first = r.stdout.decode().split('\n', 1)[0]
        name = pathlib.Path(program).name
        assert first.startswith(f'{name}:int ns::same<int>(int) (_ZN2ns4sameIiEET_S1_)'), first
    r = Run([UTRAMP, 'list', '-j', f'{program}:ns::same<int>'])
    assert json.loads(r.stdout)['func'] == '_ZN2ns4sameIiEET_S1_', r.stdout


def main():
    tap = Tap()
    rows = page()
    assert len(rows) > 50, f'{DOC}: {len(rows)} rows'
    assert not rows.keys() & MORE.keys(), rows.keys() & MORE.keys()
    rows.update({n: (plain(t, 'prog'), plain(j, 'prog')) for n, (t, j) in MORE.items()})
    for program in PROGRAMS:
        way = pathlib.Path(program).name
        for fn in as_text, as_json, results, classes:
            tap.run(f'{way}: {fn.__name__}', fn, program, rows)
    tap.run('strings off', strings_off, PROGRAMS[0], rows)
    tap.run('names of functions', shown_first, PROGRAMS[0], rows)
    return tap.end()


sys.exit(main())
