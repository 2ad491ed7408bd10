#!/usr/bin/env python3
"""examples.py UTRAMP DIR - the prebuilt examples, on the programs that their heads name.

What a program computes is as without it; what the example shows is right.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip, env, main, part, test, tmp, utramp

BUILD = pathlib.Path(part('.')).parents[1] / 'examples'
PREBUILT = pathlib.Path(__file__).resolve().parents[2] / 'examples/prebuilt'


def run(name, *command, code=0, **kw):
    """What `run -j` tells, and what the command printed."""
    out = tmp / f'{name}.out'
    r = utramp('run', '-j', '-o', out, PREBUILT / f'{name}.bpf.o', '--', *command,
               foreign=('Error:',), **kw)
    assert r.code == code, r
    if code == 0:
        plain = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, env=env())
        assert r.out == plain.stdout, r
    return [json.loads(x) for x in out.read_text().splitlines()], r


def sqlite(name, *args, **kw):
    if not shutil.which('sqlite3'):
        raise Skip('sqlite3 is not installed')
    return run(name, 'sqlite3', ':memory:', *args, **kw)


def var(told, name):
    value, = [x['value'] for x in told if x.get('var') == name]
    return value


def elements(told, name):
    return {json.dumps(x['key']): x['value'] for x in told if x.get('map') == name and 'key' in x}


@test
def count():
    told, _ = run('count', 'sort', '/etc/passwd')
    calls, = elements(told, 'calls').values()
    hist, = [x['hist'] for x in told if x.get('map') == 'sizes_hist']
    assert calls > 10 and sum(b['count'] for b in hist) == calls, told


@test
def latency_by_thread():
    told, _ = run('latency', BUILD / 'workers')
    threads = elements(told, 'threads')
    assert len(threads) == 4 and {t['calls'] for t in threads.values()} == {100}, told
    assert all(0 < t['longest_ns'] <= t['total_ns'] <= 100 * t['longest_ns']
               for t in threads.values()), told


@test
def nine_arguments_in_a_ring():
    told, _ = sqlite('sqlite_column', 'create table city(name text);', '.dump --preserve-rowids')
    e, = [x['event'] for x in told if x.get('map') == 'columns']
    assert (e['table'], e['column'], e['auto_inc'], e['ret']) == ('city', 'rowid', '0x0', 0), e
    assert len(e) == 10 and int(e['db'], 16) > 4096, e


@test
def fourteen_arguments_of_dgemm():
    if not (BUILD / 'dgemm').exists():
        raise Skip('libblas3 is not installed')
    told, _ = run('dgemm', BUILD / 'dgemm')
    lines = [x['printk'] for x in told if 'printk' in x]
    assert [re.search(r'(\d+ x \d+ x \d+), alpha=(-?\d+)/1000.*beta=(\d+)/1000', x).groups()
            for x in lines] == [('2 x 3 x 4', '1500', '0'), ('2 x 3 x 4', '-250', '1000'),
                                ('8 x 8 x 8', '1', '2750')], lines
    assert list(elements(told, 'sizes').values()) == [2, 1] and var(told, 'adding') == 2, told


@test
def malloc_fails():
    """sqlite3 says so and ends, with its own code."""
    told, r = sqlite('fail_malloc', 'select 1', code=1)
    assert 'out of memory' in r.err and var(told, 'failed') >= 1, (told, r)
    assert var(told, 'failed') == var(told, 'calls') // var(told, 'every'), told


@test
def callers():
    told, _ = run('callers', 'sort', '/etc/passwd')
    stacks = elements(told, 'callers')
    assert stacks and var(told, 'no_room') == 0, told
    first = [json.loads(k)['caller'][0] for k in stacks]
    assert all(int(x, 16) > 4096 for x in first), first
    assert list(stacks.values()) == sorted(stacks.values(), reverse=True), stacks


@test
def string_filter():
    told, _ = sqlite('filter', 'create table t(x); insert into t values(1); select 1;')
    text, = [x['printk'] for x in told if 'printk' in x]
    assert text.startswith('insert into t values(1);'), told
    assert var(told, 'matched') == 1 and var(told, 'seen') > 2, told


@test
def quota_by_user():
    told, r = sqlite('quota', 'select 1; select 2; select 3; select 4; select 5', code=5)
    assert r.out == '1\n2\n3\n', r
    assert elements(told, 'users') == {json.dumps(os.getuid()): {'allowed': 3, 'refused': 1}}, told


@test
def sixteen_arguments():
    told, _ = run('many', BUILD / 'many')
    assert sum('sixteen(' in x.get('printk', '') for x in told) == 3, told


@test
def a_program_that_traces_itself():
    r = subprocess.run([BUILD / 'self'], capture_output=True, text=True, env=env(), timeout=60)
    first, *same, slow, fast = sorted(r.stdout.splitlines(), key=lambda x: x[0].isdigit(),
                                      reverse=True)
    assert (r.returncode, r.stderr, first, len(same), same[0]) == (0, '', '140', 2, same[1]), r
    rows = {x.split()[0]: x for x in (slow, fast)}
    assert ' 1000 calls' in rows['square'], r       # not the eight before, nor the rest after
    assert '   56 calls' in rows['slow_square'], r  # eight were known


@test
def a_program_that_attaches_to_its_children():
    r = subprocess.run([BUILD / 'children'], capture_output=True, text=True, env=env(), timeout=100)
    assert (r.returncode, r.stderr) == (0, ''), r
    assert r.stdout == 'child 0: at work\nchild 1: at work\n0 lost\n', r


if __name__ == '__main__':
    main()
