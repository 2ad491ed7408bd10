#!/usr/bin/env python3
"""results_test.py UTRAMP DIR VICTIM - results of every class set and seen by programs of an object.

DIR has results0.bpf.o and the others that are refused; VICTIM is tests/cli/inject_victim.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import main, part, test, utramp  # noqa: E402

VICTIM = sys.argv[3]


def plain():
    r = utramp('trace', '-o', '/dev/null', 'inject_victim:x87', '--', VICTIM, 'classes', 1)
    return dict(line.split(' ', 1) for line in r.out.splitlines())


@test
def set_and_seen():
    was = plain()
    r = utramp('run', '-j', '-o', '/dev/fd/2', '-q', part('results0.bpf.o'), '--', VICTIM,
               'classes', 1, foreign=('{',))
    assert r.code == 0, r
    got = dict(line.split(' ', 1) for line in r.out.splitlines())
    want = {'x87': '3.5',               # 1.5, and 2 of the function itself
            'x87_pair': '1.5 -0.5', 'mixed': '-7 0.5', 'vector': '0.5 4',
            'large': '11 0 set 1 2 3 4 5 9'}
    if 'vector16' in was:
        want['vector16'] = '3 4 5'
    assert got == {**was, **want}, (got, was)
    state = next(m for m in map(json.loads, r.err.splitlines()) if 'said' in json.dumps(m))
    text = json.dumps(state)
    s = find(state, 'said')
    assert s[:5] == [0, 0, 0, 0, 0] and s[6:] == [-22, -22], text
    assert find(state, 'pair') == [0xc000000000000000, 0x3fff, 0x8000000000000000, 0xbffe], text
    assert find(state, 'pair_ret') == 0xc000000000000000, text
    assert find(state, 'large_n') == 11 and find(state, 'skipped') == 0xc000000000000000, text
    if 'vector16' in was:
        assert find(state, 'wide16') == [3 | 4 << 32, 0, 0, 0, 0, 0, 0, 5 << 32] and s[5] == 0, text


def find(node, key):
    if isinstance(node, dict):
        if key in node:
            return node[key]
        node = list(node.values())
    for each in node if isinstance(node, list) else []:
        found = find(each, key)
        if found is not None:
            return found
    return None


@test
def what_has_no_way_is_refused_by_name():
    for i, code, why in (
            (1, 1, "inject_victim:large: bpf_override_return: the result is stored in the caller's "
                   'memory, which a 64-bit value cannot replace: use utramp_set_result()'),
            (2, 1, 'inject_victim:x87: fmod_ret: the result is on the x87 stack'),
            (3, 1, 'inject_victim:note: utramp_set_result: the function returns nothing'),
            (4, 1, 'utramp_set_result() is for fmod_ret programs: name the section '
                   'fmod_ret/FUNCTION')):
        r = utramp('run', part(f'results{i}.bpf.o'), '--', VICTIM, 'classes', 1)
        assert r.code and why in r.err and not r.out, (i, r)


@test
def conditions_compare_long_doubles():
    for condition, calls in (('ret > 1', 1), ('ret >= 1.0L', 2), ('n == 2 && ret == 2', 1), ('ret < 0', 0)):
        r = utramp('trace', '-o', '/dev/stderr', '--filter', condition, 'inject_victim:x87', '--',
                   VICTIM, 'classes', 1, foreign=('inject_victim:x87(',))
        assert r.code == 0 and r.err.count('inject_victim:x87(n=') == calls, (condition, r)


if __name__ == '__main__':
    main()
