#!/usr/bin/env python3
"""stack.py UTRAMP PARTS - who calls: known callers, whole, with their counts."""
import json
import re
import shutil
import signal

from harness import *

VICTIMS = [part('tally-O0'), part('tally-O2')]


def rows(r, code=0):
    assert r.code == code, r
    return [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]


def funcs(row):
    """The callers' names, up to main."""
    names = [f['func'] for f in row['stack']]
    return names[:names.index('main') + 1] if 'main' in names else names


@test
def known_callers():
    for v in VICTIMS:
        r = utramp('stack', '-j', 'leaf', '--', v, 'callers', 5)
        got = rows(r)
        assert [x['calls'] for x in got] == [15, 10, 5], r
        assert {x['func'] for x in got} == {'leaf'}, r
        assert funcs(got[0])[:2] == ['red', 'blue'] and funcs(got[0])[-1] == 'main', r
        assert funcs(got[1])[0] == 'green' and 'blue' not in funcs(got[1]), r
        assert funcs(got[2])[0] == 'red' and 'blue' not in funcs(got[2]), r
        assert 'lost' not in r.err, r
        for row in got:
            for f in row['stack']:
                assert f['module'] in (os.path.basename(v), 'libc.so.6') and f['offset'] > 0, row
                assert int(f['addr'], 16) > 0x1000, row


@test
def a_caller_is_where_the_symbol_table_says():
    """The return address lies behind a call of leaf in red."""
    v = VICTIMS[1]
    r = utramp('stack', '-j', 'leaf', '--', v, 'callers', 1)
    offset = {funcs(x)[0]: x['stack'][0]['offset'] for x in rows(r)}
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', v], capture_output=True, text=True,
                          check=True).stdout
    for name in ['red', 'green']:
        body = re.search(rf'^0*([0-9a-f]+) <{name}>:\n(.*?)\n\n', text, re.M | re.S)
        at = re.search(r'call +[0-9a-f]+ <leaf>\n +([0-9a-f]+):', body[2])
        assert offset[name] == int(at[1], 16) - int(body[1], 16), (name, offset, body[0])


@test
def depth():
    v = VICTIMS[0]
    r = utramp('stack', '-j', '-D', 1, 'leaf', '--', v, 'callers', 5)
    got = [(funcs(x), x['calls']) for x in rows(r)]
    assert got == [(['red'], 20), (['green'], 10)], r
    for n in [60, 61, 127]:         # on the program's stack, in a map
        r = utramp('stack', '-j', '-D', n, 'leaf', '--', v, 'many', 140)
        got = rows(r)
        assert max(len(x['stack']) for x in got) == n, (n, r)
        assert sum(x['calls'] for x in got) == 140, r
        # deeper ones cannot be told apart any more
        deepest = [x for x in got if x['calls'] > 1]
        assert len(deepest) == 1 and len(got) + deepest[0]['calls'] - 1 == 140, r
        assert set(funcs(deepest[0])) == {'dig'}, r


@test
def recursion():
    r = utramp('stack', '-j', 'dig', '--', VICTIMS[0], 'many', 4)
    got = rows(r)
    assert sum(x['calls'] for x in got) == 1 + 2 + 3 + 4, r
    assert sorted(funcs(x).count('dig') for x in got) == [0, 1, 2, 3], r


@test
def several_functions():
    r = utramp('stack', '-j', 'leaf', 'red', '*:red', '--', VICTIMS[0], 'callers', 2)
    got = rows(r)
    assert sum(x['calls'] for x in got if x['func'] == 'leaf') == 12, r
    assert sum(x['calls'] for x in got if x['func'] == 'red') == 8, r


@test
def threads():
    r = utramp('stack', '-j', 'leaf', '--', VICTIMS[0], 'threads', 20, 3)
    got = rows(r)
    assert {tuple(funcs(x)[:2]) for x in got} == {('repeat', 'thread')}, r
    assert sum(x['calls'] for x in got) == 20 * 3 + 24 * 3, r


@test
def signal_handlers():
    for depth in [16, 100]:
        r = utramp('stack', '-j', '-D', depth, 'leaf', '--', VICTIMS[1], 'signals', 300000)
        got = rows(r)
        said = int(re.findall(r'^\d+$', r.out, re.M)[-1])
        lost = re.search(r'stacks lost: (\d+) call', r.err)
        n = sum(x['calls'] for x in got) + (int(lost[1]) if lost else 0)
        assert n == said > 300000, r
        assert lost is None or depth > 60, r
        assert any(funcs(x)[0] == 'handler' for x in got), r


@test
def a_forked_child():
    r = utramp('stack', '-j', 'leaf', '--', VICTIMS[0], 'fork', 10)
    got = rows(r)
    assert sum(x['calls'] for x in got) == 30, r


@test
def killed():
    r = utramp('stack', 'leaf', '--', VICTIMS[0], 'kill', 7)
    assert r.code == 128 + signal.SIGKILL and ']: 7 (100.0%)\n' in r.out, r


@test
def text():
    v = os.path.basename(VICTIMS[0])
    r = utramp('stack', 'leaf', '--', VICTIMS[0], 'callers', 1)
    blocks = re.findall(r'@\[\n([^@]*)\n\]: ([^\n]*)\n', r.out)
    assert [b[1] for b in blocks] == ['3 (50.0%)', '2 (33.3%)', '1 (16.7%)'], r
    first = blocks[0][0].split('\n')
    assert first[0] == f'    leaf ({v})', r
    assert re.fullmatch(rf'    red\+0x[0-9a-f]+ \({v}\)', first[1]), r
    assert re.fullmatch(rf'    blue\+0x[0-9a-f]+ \({v}\)', first[2]), r


@test
def more_stacks_than_there_is_room_for():
    """What does not fit is counted as lost, in all no call too many or too few."""
    r = utramp('stack', '-j', '-D', 20, 'leaf', '--', VICTIMS[1], 'paths', 20000)
    got = rows(r)
    assert len(got) == 16384 and sum(x['calls'] for x in got) == 16384, len(got)
    assert f'utramp: stacks lost: {20000 - 16384} calls\n' in r.err, r.err
    r = utramp('stack', '-j', '-D', 20, 'leaf', '--', VICTIMS[1], 'paths', 16384)
    assert len(rows(r)) == 16384 and 'lost' not in r.err, r.err


@test
def each_interval():
    r = utramp('stack', '-i', '0.02', '-j', 'leaf', '--', VICTIMS[1], 'threads', 700, 300)
    said = int(re.findall(r'^\d+$', r.out, re.M)[-1])
    assert sum(x['calls'] for x in rows(r)) == said, r


@test
def stripped():
    """Without symbols: the module, and the address in its file."""
    plain = tmp / 'plain'
    shutil.copy(VICTIMS[0], plain)
    subprocess.run(['strip', plain], check=True)
    leaf = subprocess.run(['nm', VICTIMS[0]], capture_output=True, text=True, check=True).stdout
    leaf = re.search(r'^([0-9a-f]+) T leaf$', leaf, re.M)[1]
    r = utramp('stack', 'plain:0x' + leaf.lstrip('0'), '--', plain, 'callers', 1)
    assert re.search(r'^    0x[0-9a-f]+ \(plain\)$', r.out, re.M) and ']: 3 (50.0%)' in r.out, r


main()
