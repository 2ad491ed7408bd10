#!/usr/bin/env python3
"""maps_test.py UTRAMP PARTS - perf event arrays, stack traces, helpers, sections, externs."""
import gzip
import json
import os
import time

from harness import *

VICTIM = part('victim')


def run(obj, *args, options=(), n=3):
    r = utramp('run', '-q', '-j', *options, part(obj), '--', VICTIM, n)
    assert r.code == 0, r
    lines = [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]
    return r, lines


def variables(lines):
    return {x['var']: x['value'] for x in lines if 'var' in x}


@test
def perf_records_in_order():
    r, lines = run('maps.bpf.o')
    events = [x['event'] for x in lines if x.get('map') == 'events']
    want = []
    for i in range(3):
        want += [{'a': i, 'text': 'red'}, {'a': i, 'text': 'blue'}, {'a': i, 'text': 'red'}]
        if i == 0:
            want.append({'a': -1, 'text': 'index'})
    assert events == want, events
    assert 'lost' not in r.err, r
    r = utramp('run', '-q', part('maps.bpf.o'), '--', VICTIM, 1)
    assert 'events: {a=0, text="red"}' in r.out.splitlines(), r


@test
def lost_perf_records_are_counted():
    """Nobody reads the tool's output until all is over, so it reads no ring: 21,845 have room."""
    n, over = 20000, tmp / 'over'
    p = start('run', '-q', '-j', part('maps.bpf.o'), '--', VICTIM, n, over)
    while not over.exists() and p.poll() is None:
        time.sleep(0.01)
    r = end(p)
    assert r.code == 0, r
    text = re.sub(r'sum -?\d+\n', '', r.out)     # the victim's, anywhere between two writes
    got = sum('"event"' in x for x in text.splitlines())
    lost = re.fullmatch(r'utramp: events lost: (\d+)\n', r.err)
    assert lost and got + int(lost[1]) == 3 * n + 1, (got, r.err)


@test
def stacks_are_named_and_counted():
    r, lines = run('maps.bpf.o')
    stacks = {x['key']: [f['func'] for f in x['stack']] for x in lines if x.get('map') == 'stacks'}
    counts = {x['key']: x['value'] for x in lines if x.get('map') == 'counts'}
    percpu = {x['key']: x['value'] for x in lines if x.get('map') == 'percpu'}
    assert counts == percpu, lines
    got = {tuple(stacks[k][:stacks[k].index('main') + 1]): v for k, v in counts.items()}
    assert got == {('red', 'main'): 3, ('blue', 'main'): 3, ('red', 'blue', 'main'): 3}, stacks
    r = utramp('run', '-q', part('maps.bpf.o'), '--', VICTIM, 1)
    assert re.search(r'^stacks\[\d+\]:\n    red\+0x[0-9a-f]+ \(victim\)\n', r.out, re.M), r


@test
def results_of_helpers():
    _, lines = run('maps.bpf.o', n=1)
    g = variables(lines)['got']
    assert (g['out'], g['out_index'], g['out_far'], g['out_flags']) == \
        (0, 0, -7, -22), g                               # E2BIG, EINVAL
    assert 0 <= g['id'] < 1024, g
    assert (g['id_flags'], g['id_deep']) == (-22, -14), g                       # EFAULT
    assert (g['text'], g['text_n'], g['text_bad']) == ('42 text  | abc -0005', 21, -22), g
    assert (g['text_cut'], g['text_cut_n']) == ('one and', 12), g
    assert (g['user'], g['copied'], g['user_bad'], g['not_copied']) == (0, -5, -14, 0), g
    assert g['clocks'] == 1 and g['node'] == 0, g


def config_hz():
    """As libbpf reads it: of the first file that there is; without one the weak extern is 0."""
    for name, opener in ((f'/boot/config-{os.uname().release}', open),
                         ('/proc/config.gz', gzip.open)):
        try:
            with opener(name, 'rt') as f:
                m = re.search(r'^CONFIG_HZ=(\d+)$', f.read(), re.M)
            return int(m[1]) if m else 0
        except OSError:
            continue
    return 0


@test
def sections_and_externs():
    _, lines = run('sections.bpf.o')
    v = variables(lines)
    major, minor = map(int, os.uname().release.split('.')[:2])
    assert v['version'] >> 8 == major << 8 | minor, v
    assert (v['entries'], v['exits'], v['modified'], v['optional']) == (9, 9, 3, 0), v
    assert (v['option'], v['number'], v['cookies']) == (False, 0, True), v
    assert v['hz'] == config_hz(), v
    assert not (v['has_symbol'] or v['has_function'] or v['has_variable']), v


@test
def what_is_not_weak_is_refused():
    refused(1, 'utramp_no_such_symbol', 'run', part('strong.bpf.o'), '--', VICTIM)
    refused(1, 'CONFIG_UTRAMP_IS_NO_OPTION', 'run', part('strong-kconfig.bpf.o'), '--', VICTIM)


@test
def what_is_absent_says_why():
    for name, words in (('task', ['bpf_get_current_task#35', 'no task_struct',
                                  'bpf_get_current_pid_tgid()']),
                        ('jiffies', ['bpf_jiffies64#118', 'bpf_ktime_get_coarse_ns()']),
                        ('write', ['bpf_probe_write_user#36', 'unless --allow-write is given']),
                        ('signal', ['bpf_send_signal#109', 'fmod_ret']),
                        ('strtol', ['bpf_strtol#105', 'there are: map_lookup_elem, ',
                                    ', get_stackid'])):
        refused(1, words, 'run', part(name + '.bpf.o'), '--', VICTIM, lines=2)


main()
