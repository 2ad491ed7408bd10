#!/usr/bin/env python3
"""print.py UTRAMP PARTS - what `run` prints of records, maps and global data, as text and JSON."""
import json
import re
import struct
import time

from harness import *

VICTIM = part('victim')
PRINT = part('print.bpf.o')
BAR = '@' * 52


def of(lines, *names):
    """Lines about these maps or variables: NAME[, NAME: or NAME =."""
    return [x for x in lines if re.match(r'(%s)(\[|:| =)' % '|'.join(names), x)]


def run(n, *options):
    r = utramp('run', '-q', *options, PRINT, '--', VICTIM, 'call', n)
    assert (r.code, r.err) == (0, ''), r
    lines = r.out.splitlines()
    (total,) = [x for x in lines if x.startswith('sum ')]
    lines.remove(total)
    return lines


@test
def records_by_their_type():
    lines = run(2)
    assert of(lines, 'events') == [
        'events: {a=0, twice=1099511627776, color=RED, odd=false, name="call\\"\\n", '
        'at={x=-2, y=0}, where=0x1234}',
        'events: {a=0, twice=?, color=?, odd=?, name=""..., at={x=?, y=?}, where=?}',
        'events: {a=-1, twice=2199023255552, color=BLUE, odd=true, name="call\\"\\n", '
        'at={x=-2, y=0}, where=0x1234}',
        'events: {a=1, twice=?, color=?, odd=?, name=""..., at={x=?, y=?}, where=?}'], lines
    # a last member without an end takes what there is; without a type, hex
    assert of(lines, 'tail') == ['tail: {n=0, more=[]}', 'tail: {n=1, more=[1]}'], lines
    assert of(lines, 'bare') == ['bare: 00 00 00 00 ff ff ff ff',
                                 'bare: 01 00 00 00 ff ff ff ff'], lines
    # records come before maps
    assert lines.index('bare: 01 00 00 00 ff ff ff ff') < lines.index('calls = 2'), lines


@test
def records_as_json():
    got = [json.loads(x) for x in run(2, '-j')]
    assert [x for x in got if x['map'] == 'events'][2:] == [
        {'map': 'events', 'event': {
            'a': -1, 'twice': 1 << 41, 'color': 'BLUE', 'odd': True, 'name': 'call"\n',
            'at': {'x': -2, 'y': 0}, 'where': '0x1234'}},
        {'map': 'events', 'event': {
            'a': 1, 'twice': None, 'color': None, 'odd': None, 'name': '',
            'at': {'x': None, 'y': None}, 'where': None}}], got
    assert [x for x in got if x['map'] == 'tail'] == [
        {'map': 'tail', 'event': {'n': 0, 'more': []}},
        {'map': 'tail', 'event': {'n': 1, 'more': [1]}}], got
    assert {'map': 'bare', 'hex': '01000000ffffffff'} in got, got


@test
def elements():
    lines = run(5)
    # by falling value, then by key
    assert of(lines, 'by_value') == [f'by_value[{k}] = {v}' for k, v in
                                     [(3, 3), (2, 2), (1, 1), (0, 0), (4, 0)]], lines
    # by key, numbers as numbers
    assert of(lines, 'structs') == [
        'structs[{delta=%d, name="n", color=%s}] = '
        '{n=1, low=-1, last={seen=true, tag="tags", bits=0}}'
        % (a - 2, 'RED' if a & 1 else 'GREEN') for a in range(5)], lines
    # of arrays, what is not zero
    assert of(lines, 'squares') == [f'squares[{i}] = {-i * i}' for i in (1, 2, 3, 4)], lines
    assert of(lines, 'rows') == ['rows[2] = [0, 4, 0, 0]'], lines
    assert of(lines, 'percpu') == ['percpu[0] = 50'], lines
    (x,) = [x for x in lines if x.startswith('percpu_sets')]
    assert re.fullmatch(r'percpu_sets\[9223372036854775808\] cpu [1-9]\d* = '
                        r'\{n=1, low=-1, last=\{seen=true, tag="tags", bits=0\}\}', x), x
    assert of(lines, 'pairs') == [f'pairs[{i}] = {1 << 64}' for i in range(4)], lines
    assert of(lines, 'untyped') == [f'untyped[01 02 0{i}] = 05 04 03 02 01'
                                    for i in range(5)], lines
    assert 'hidden' not in ' '.join(lines) and not of(lines, 'nothing'), lines


@test
def elements_as_json():
    got = [json.loads(x) for x in run(3, '-j')]

    def named(m):
        return [x for x in got if x['map'] == m]

    assert named('by_value') == [{'map': 'by_value', 'key': i, 'value': i} for i in (2, 1, 0)]
    assert named('structs')[0] == {
        'map': 'structs', 'key': {'delta': -2, 'name': 'n', 'color': 'GREEN'},
        'value': {'n': 1, 'low': -1, 'last': {'seen': True, 'tag': 'tags', 'bits': 0}}}, got
    assert [(x['key'], x['value']) for x in named('squares')] == [
        (i, -i * i if i < 3 else 0) for i in range(8)], got
    (x, empty) = named('percpu')
    ((cpu, value),) = [(c['cpu'], c['value']) for c in x['cpus']]
    assert (x['key'], x['value'], value) == (0, 30, 30) and cpu > 0, x
    assert empty == {'map': 'percpu', 'key': 1, 'value': 0, 'cpus': []}, empty
    (x,) = named('percpu_sets')
    assert set(x) == {'map', 'key', 'cpus'} and x['cpus'][0]['value']['low'] == -1, x
    assert named('pairs')[0] == {'map': 'pairs', 'key': 0, 'value': str(1 << 64)}, got
    assert named('untyped')[0] == {'map': 'untyped', 'key': {'hex': '010200'},
                                   'value': {'hex': '0504030201'}}, got
    assert not named('_hidden') and not named('nothing'), got


@test
def histograms():
    lines = run(2)
    at = lines.index('sizes_hist:')
    assert lines[at:at + 5] == [
        'sizes_hist:',
        '[0, 2)                  1 |' + BAR[:26] + ' ' * 26 + '|',
        '[2, 4)                  2 |' + BAR + '|',
        'cpu_hist:',
        '[64M, 128M)             2 |' + BAR + '|'], lines
    at = lines.index('global_hist:')
    assert lines[at + 1:at + 3] == ['[0, 2)                  1 |' + BAR + '|',
                                    '[2, 4)                  1 |' + BAR + '|'], lines
    got = [json.loads(x) for x in run(1, '-j')]
    assert [x for x in got if 'hist' in x] == [
        {'map': 'sizes_hist', 'hist': [{'min': 0, 'max': 1, 'count': 1}]},
        {'map': 'cpu_hist', 'hist': [{'min': 1 << 26, 'max': (1 << 27) - 1, 'count': 1}]},
        {'map': 'print.bss', 'var': 'global_hist',
         'hist': [{'min': 0, 'max': 1, 'count': 1}]}], got


@test
def variables():
    want = {
        'calls': ('3', 3), 'lowest': ('-2', -2), 'byte_of': ('200', 200), 'every': ('true', True),
        'color': ('BLUE', 'BLUE'), 'who': ('"me"', 'me'), 'pointer': ('0xabcdef', '0xabcdef'),
        'list': ('[0, -3, 0]', [0, -3, 0]), 'ratio': ('0.25', 0.25), 'inner': ('6', 6),
        'whole': ('{n=3, low=-5, last={seen=true, tag="", bits=5}}',
                  {'n': 3, 'low': -5, 'last': {'seen': True, 'tag': '', 'bits': 5}})}
    got = dict(x.split(' = ', 1) for x in run(3) if re.match(r'\w+ = ', x))
    assert got == {k: v[0] for k, v in want.items()}, got
    js = [json.loads(x) for x in run(3, '-j')]
    assert {x['var']: x['value'] for x in js if 'value' in x and 'var' in x} == {
        k: v[1] for k, v in want.items()}, js
    assert {x['map'] for x in js if 'var' in x} == {'print.bss', 'print.data'}, js


@test
def messages_about_what_is_not_there():
    r = utramp('run', PRINT, '--', VICTIM, 'call', 1)
    said = [x for x in r.err.splitlines() if 'attached' not in x]
    assert len(said) == 1 and 'records of bare' in said[0] and 'hex' in said[0], r
    assert 'struct bare_event *_bare_event;' in said[0], r
    r = utramp('run', '-v', PRINT, '--', VICTIM, 'call', 1)
    said = [x for x in r.err.splitlines() if 'nothing to show' in x]
    assert said == [f'utramp: map {m}: nothing to show' for m in ('squares', 'rows', 'nothing')], r


@test
def limits_and_interrupts():
    """-E counts events, not elements; whatever ends it, maps follow, while the command goes on."""
    lines = run(4, '-E', 1)
    assert len(of(lines, 'events', 'tail', 'bare')) == 1, lines
    assert of(lines, 'calls'), lines
    for how in (['-d', '0.3'], []):
        p = start('run', '-q', *how, '-o', tmp / 'out', PRINT, '--', VICTIM, 'loop', 1,
                  stdin=subprocess.PIPE)
        p.stdout.readline()
        if not how:
            p.send_signal(signal.SIGTERM) # INT is ignored in background jobs
        out = ''
        while 'inner =' not in out:     # the last variable: written before the command's end
            out = (tmp / 'out').read_text() if (tmp / 'out').exists() else ''
            assert p.poll() is None, 'ended early'
            time.sleep(0.02)
        r = end(p)
        assert r.code == 0 and r.out.endswith('end\n'), r
        assert (tmp / 'out').read_text().count('calls = ') == 1, out
        (tmp / 'out').unlink()


@test
def several_objects():
    lines = utramp('run', '-q', PRINT, part('slow.bpf.o'), '--', VICTIM, 'call', 1).out.splitlines()
    assert of(lines, 'calls', 'runs') == ['calls = 1', 'runs = 1'], lines


@test
def an_object_without_types():
    """Maps of the old kind need none; global data without BTF is bytes."""
    r = utramp('run', '-q', part('untyped.bpf.o'), '--', VICTIM, 'call', 2)
    assert r.code == 0, r
    assert of(r.out.splitlines(), r'untyped\.bss') == [
        'untyped.bss[0] = 02 00 00 00 00 00 00 00'], r
    r = utramp('run', '-qj', part('untyped.bpf.o'), '--', VICTIM, 'call', 2)
    assert [json.loads(x) for x in r.out.splitlines() if x.startswith('{')] == [
        {'map': 'untyped.bss', 'key': 0, 'value': {'hex': '0200000000000000'}}], r


def section(elf, name):
    """Offset and size of a section of an ELF file."""
    (table,), (each, n, names) = struct.unpack_from('<Q', elf, 40), struct.unpack_from('<3H', elf, 58)
    heads = [struct.unpack_from('<2I4Q', elf, table + each * i) for i in range(n)]
    for head in heads:
        start = heads[names][4] + head[0]
        if elf[start:elf.index(0, start)] == name.encode():
            return head[4], head[5]
    raise AssertionError(f'no section {name}')


@test
def damaged_types():
    """Bytes of .BTF are changed: refused in one line, or run to the end with what can be shown."""
    sound = pathlib.Path(PRINT).read_bytes()
    at, size = section(sound, '.BTF')
    seed, ends, said = 7, set(), ''
    for n in range(100):         # where paths are others, so are the bytes: until both were seen
        if n >= 12 and 0 in ends and 'damaged BTF' in said:
            break
        b = bytearray(sound)
        for _ in range(3):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            b[at + (seed >> 33) % size] = (seed >> 20) & 15
        bad = tmp / 'damaged.bpf.o'
        bad.write_bytes(b)
        r = utramp('run', '-q', bad, '--', VICTIM, 'call', 1)
        assert r.code in (0, 1), r
        assert (r.code == 0) == ('sum ' in r.out), r
        ends.add(r.code)
        said += r.err
    assert 0 in ends and 'damaged BTF' in said, (ends, said)


main()
