#!/usr/bin/env python3
"""listing.py UTRAMP PARTS - list, check and args, as text and as DESIGN section 8's JSON."""
import json
import os
import struct

from harness import *

VICTIM = part('victim')
PLAIN = part('libplain.so')
FIXTURE = pathlib.Path(__file__).resolve().parent.parent / 'fixtures/args.btf'
KEYS = ['module', 'func', 'addr', 'size', 'ret', 'args', 'types', 'types_file', 'site', 'attach',
        'reason', 'refusal']


def objects(*args, code=0):
    r = utramp(*args)
    assert r.code == code and r.err == '', r
    return [json.loads(x) for x in r.out.splitlines()]


def well_formed(o):
    assert list(o) == KEYS, o
    assert isinstance(o['module'], str) and isinstance(o['func'], str), o
    assert int(o['addr'], 16) > 0 and o['addr'].startswith('0x'), o
    assert isinstance(o['size'], int) and o['site'] in ('nop', 'moved', 'hop', None), o
    assert o['attach'] in ([], ['entry'], ['entry', 'exit']), o
    assert (o['site'] is None) == (o['attach'] == []), o
    assert o['reason'] is None or (isinstance(o['reason'], str) and '\n' not in o['reason']), o
    assert (o['reason'] is None) == (o['attach'] == ['entry', 'exit']), o
    assert (o['ret'] is None) == (o['args'] is None) == (o['types'] == 'none'), o
    assert o['types_file'] is None or o['types'] in ('pack', 'DWARF'), o
    for a in o['args'] or []:
        assert list(a) == ['name', 'type'] and all(isinstance(x, str) for x in a.values()), o


@test
def list_json():
    got = objects('list', '-j', VICTIM + ':*')
    for o in got:
        well_formed(o)
    by = {o['func']: o for o in got}
    assert by['work']['ret'] == 'int' and by['work']['attach'] == ['entry', 'exit'], by
    assert by['work']['args'] == [{'name': 'a', 'type': 'int'}, {'name': 'b', 'type': 'int'}]
    assert by['half']['ret'] == 'double' and by['half']['args'] == [
        {'name': 'x', 'type': 'double'}, {'name': 'why', 'type': 'const char *'}], by['half']
    assert by['work']['module'] == 'victim' and by['main']['attach'], by
    assert not set(by) & {'_start', '_init', '_fini', 'frame_dummy', 'register_tm_clones'}, by


@test
def list_json_of_refused():
    for name, why in [('tiny', ''), ('either', 'IFUNC'), ('_start', 'no call')]:
        o, = objects('list', '-j', f'{VICTIM}:{name}')
        well_formed(o)
        assert o['func'] == name and o['attach'] == [] and why in o['reason'], o
    for o in objects('list', '-j', PLAIN + ':plain_*'):
        well_formed(o)
        assert o['attach'] == ['entry'] and o['ret'] is None and o['args'] is None, o
        assert 'no types' in o['reason'] and o['module'] == 'libplain.so', o


@test
def list_live_as_in_the_file():
    live = objects('list', '-j', 'victim:*', '--', VICTIM)
    assert live == objects('list', '-j', VICTIM + ':*')
    assert [o['func'] for o in objects('list', '-j', 'plain_*', '--', VICTIM)] \
        == ['plain_add', 'plain_sub']


@test
def list_of_padding_for_one():
    """Two functions that would both hop to the same padding: together, only the first can."""
    victim = part('names-gcc-O2')
    both = objects('list', '-j', victim + ':short_*')
    assert [o['func'] for o in both] == ['short_one', 'short_two'], both
    assert [o['site'] for o in both] == ['hop', None], both
    assert 'shorter than a jump' in both[1]['reason'], both
    assert "serves another function" in both[1]['reason'], both
    assert objects('list', '-j', 'short_*', '--', victim) == both
    assert objects('list', '-j', 'names-gcc-O2:*', '--', victim) \
        == objects('list', '-j', victim + ':*')
    each = objects('list', '-j', victim + ':short_two', victim + ':short_one')
    assert [o['site'] for o in each] == ['hop', 'hop'], each
    # looking takes nothing away from those that are looked at later
    assert objects('list', '-j', 'short_two', 'short_one', '--', victim) == each
    refused(1, 'serves another function', 'trace', 'short_one', 'short_two', '--', victim)


@test
def list_does_not_run_the_command():
    r = utramp('list', 'work', '--', VICTIM, 'call', 3)
    assert r.code == 0 and 'sum' not in r.out and r.err == '', r


@test
def list_text():
    r = utramp('list', VICTIM + ':work', PLAIN + ':plain_*')
    lines = r.out.splitlines()
    assert r.code == 0 and r.err == '' and len(lines) == 3, r
    assert lines[0].startswith('victim:work  ') and 'int work(int a, int b)' in lines[0], r
    assert lines[1].startswith('libplain.so:plain_add  '), r


@test
def list_of_libc():
    got = objects('list', '-j', 'libc:*', '--', VICTIM)
    assert len(got) > 1500, len(got)
    for o in got:
        well_formed(o)
    none = [o['func'] for o in got if not o['attach'] and 'IFUNC' not in o['reason']]
    assert len(none) < len(got) // 50, none


@test
def list_by_address():
    o, = objects('list', '-j', VICTIM + ':work')
    again, = objects('list', '-j', f'{VICTIM}:{o["addr"]}')
    assert o == again


@test
def list_with_the_users_types():
    o, = objects('list', '-j', '--proto', 'double plain_add(int first, char *second)',
                 'plain_add', '--', VICTIM)
    assert o['ret'] == 'double' and [a['name'] for a in o['args']] == ['first', 'second'], o
    assert o['attach'] == ['entry', 'exit'], o


@test
def check_json_is_lists():
    for spec, code in [(VICTIM + ':work', 0), (VICTIM + ':tiny', 1), (PLAIN + ':plain_add', 0)]:
        assert objects('check', '-j', spec, code=code) == objects('list', '-j', spec), spec


@test
def check_text():
    r = utramp('check', VICTIM + ':work')
    assert (r.code, r.err) == (0, ''), r
    lines = dict(x.split(None, 1) for x in r.out.splitlines()[1:])
    assert r.out.startswith('victim:work\n') and lines['types'] == 'DWARF', r
    assert lines['attach'] == 'entry, exit' and lines['prototype'] == 'int work(int a, int b)', r
    assert set(lines) == {'address', 'prototype', 'types', 'site', 'attach'}, r
    r = utramp('check', VICTIM + ':either', VICTIM + ':work')
    assert r.code == 1 and 'IFUNC' in r.out and 'victim:work' in r.out, r
    r = utramp('check', '--proto', 'int work(char)', 'work', '--', VICTIM)
    assert r.code == 0 and '--proto' in r.out, r


@test
def output_goes_to_the_file():
    out = tmp / 'list'
    for v in ['list', 'check']:
        r = utramp(v, '-o', out, VICTIM + ':work')
        assert (r.code, r.out, r.err) == (0, '', ''), r
        assert out.read_text().startswith('victim:work'), out.read_text()


# -- args -------------------------------------------------------------------------------------

ARGS_KEYS = ['file', 'functions', 'by_args', 'over6', 'over12', 'variadic', 'struct_by_value',
             'float']


def args_of(path):
    o, = objects('args', '-j', path)
    assert list(o) == ARGS_KEYS and o['file'] == str(path), o
    by = {int(k): v for k, v in o['by_args'].items()}
    assert list(by) == sorted(by) and sum(by.values()) == o['functions'], o
    assert o['over6'] == sum(v for k, v in by.items() if k > 6), o
    assert o['over12'] == sum(v for k, v in by.items() if k > 12), o
    return o


@test
def args_of_the_fixture():
    o = args_of(FIXTURE)
    assert o == {'file': str(FIXTURE), 'functions': 12,
                 'by_args': {'0': 1, '1': 2, '2': 4, '3': 1, '6': 1, '7': 2, '12': 1},
                 'over6': 3, 'over12': 0, 'variadic': 1, 'struct_by_value': 2, 'float': 1}, o


@test
def args_text():
    r = utramp('args', FIXTURE)
    o = args_of(FIXTURE)
    assert r.code == 0 and r.err == '', r
    rows = [x.split(' | ') for x in r.out.splitlines() if ' | ' in x]
    assert [x.strip() for x in rows[0]] == ['argument count', 'function count'], rows
    assert {a.strip(): int(n) for a, n in rows[1:]} == o['by_args'], rows
    assert f"more than 6: {o['over6']}," in r.out, r


@test
def args_of_dwarf():
    o = args_of(VICTIM)
    assert o['by_args'].get('2', 0) >= 3 and o['float'] == 1, o


@test
def args_of_several():
    assert [o['file'] for o in objects('args', '-j', FIXTURE, VICTIM)] == [str(FIXTURE), VICTIM]


@test
def args_refusals():
    text = tmp / 'text'
    text.write_text('hello\n' * 100)
    for path in [text, tmp, '/nonexistent', PLAIN, '/dev/null']:
        refused(1, str(path), 'args', path)


# Bytes behind each struct btf_type by kind: fixed, per member (kernel's uapi/linux/btf.h).
BTF_TAIL = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
            15: (0, 12), 17: (4, 0), 19: (0, 12)}


def count_by_vlen(path):
    """{number of parameters: functions}, read from the raw BTF without any library."""
    with open(path, 'rb') as f:
        raw = f.read()
    magic, head, start, size = struct.unpack_from('<H2xIII', raw)
    assert magic == 0xeb9f
    at, end = head + start, head + start + size
    types, count = [(0, 0, 0)], {}
    while at < end:
        _, info, ref = struct.unpack_from('<III', raw, at)
        kind, vlen = info >> 24 & 31, info & 0xffff
        fixed, each = BTF_TAIL.get(kind, (0, 0))
        types.append((kind, vlen, ref))
        at += 12 + fixed + each * vlen
    for kind, _, ref in types:
        if kind == 12:
            count[types[ref][1]] = count.get(types[ref][1], 0) + 1
    return count


@test
def args_of_this_kernel():
    """Kernels differ from build to build: an independent reader says what is right."""
    path = '/sys/kernel/btf/vmlinux'
    if not os.access(path, os.R_OK):
        raise Skip('the kernel shows no BTF')
    o, want = args_of(path), count_by_vlen(path)
    assert o['functions'] == sum(want.values()) > 10000, o
    assert {int(n): c for n, c in o['by_args'].items() if c} == want, (o, want)
    assert o['over6'] == sum(c for n, c in want.items() if n > 6) > 0, o


main()
