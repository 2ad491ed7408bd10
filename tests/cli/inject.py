#!/usr/bin/env python3
"""inject.py UTRAMP DIR - values in the place of calls: which, how many, and nothing else.

The command is inject_victim: N calls of each function, one line for each that failed.
"""
import json
import os
import re
import sys

from harness import main, part, refused, test, utramp

VICTIM = part('inject_victim')


def run(*args, calls=100, mode='plain'):
    """The calls that failed, and how many were injected of how many."""
    r = utramp('inject', *args, '--', VICTIM, mode, calls)
    assert r.code == 0, r
    told = re.search(r'injected (\d+) of (\d+) calls?( from the executable)?$',
                     r.err.strip().splitlines()[-1])
    assert told, r
    failed = [int(x) for x in re.findall(r'^\w+ (\d+)', r.out, re.M)]
    return failed, int(told[1]), int(told[2]), r


@test
def every_call():
    failed, injected, calls, r = run('inject_victim:answer=-7')
    assert failed == list(range(100)) and (injected, calls) == (100, 100), r
    assert 'answer 0 -7' in r.out, r


@test
def nothing_without_the_tool():
    failed, injected, calls, r = run('inject_victim:other=1')
    assert failed == [] and (injected, calls) == (0, 0), r


@test
def after_and_count():
    failed, injected, calls, r = run('inject_victim:answer=0', '--after', 10, '--count', 5)
    assert failed == [10, 11, 12, 13, 14] and (injected, calls) == (5, 100), r


@test
def the_same_seed_makes_the_same_choices():
    a, n, calls, r = run('inject_victim:answer=0', '--prob', '10%', '--seed', 7, calls=2000)
    b = run('inject_victim:answer=0', '--prob', '0.1', '--seed', 7, calls=2000)[0]
    c = run('inject_victim:answer=0', '--prob', '10%', '--seed', 8, calls=2000)[0]
    assert a == b and a != c and len(a) == n and calls == 2000, r
    assert 120 < n < 280, n             # 200 +- 6 standard deviations of 13.4


@test
def the_choices_are_the_same_on_every_cpu():
    own = os.sched_getaffinity(0)
    runs = []
    try:
        for cpu in own:
            os.sched_setaffinity(0, {cpu})
            runs.append(run('inject_victim:answer=0', '--prob', '30%', '--seed', 7)[0])
    finally:
        os.sched_setaffinity(0, own)
    assert all(r == runs[0] for r in runs), runs


@test
def the_choices_are_the_same_whatever_the_tids():
    """Threads that come and go in one order; a child, too, which does not repeat its parent's."""
    for mode, n in (('serial', 40), ('child', 200)):
        runs = [run('inject_victim:answer=0', '--prob', '20%', '--seed', 5, mode=mode, calls=n)[0]
                for _ in range(4)]
        assert runs[0] and all(r == runs[0] for r in runs), (mode, runs)
    parent = [i for i in runs[0] if i < n]
    assert parent != [i - n for i in runs[0] if i >= n], runs[0]


@test
def a_seed_is_chosen_and_told():
    a, _, _, r = run('inject_victim:answer=0', '--prob', '20%', calls=500)
    seed = re.search(r'seed (\d+)', r.err)[1]
    b, _, _, r = run('inject_victim:answer=0', '--prob', '20%', '--seed', seed, calls=500)
    assert a == b and 'seed' not in r.err, r


@test
def errno_and_the_value_that_says_failure():
    _, _, _, r = run('inject_victim:answer', '--errno', 'ENOSPC', '--count', 1)
    assert 'answer 0 -1 No space left on device' in r.out, r
    _, _, _, r = run('inject_victim:grab', '--errno', 12, '--count', 1, mode='grab')
    assert 'grab 0 (nil) Cannot allocate memory' in r.out, r


@test
def by_condition():
    failed, injected, calls, r = run('inject_victim:answer=0', '--if', 'n % 10 == 3 && n > 20')
    assert failed == [23, 33, 43, 53, 63, 73, 83, 93] and calls == injected == 8, r


@test
def by_caller():
    """compare() is called by libc alone."""
    failed, injected, calls, r = run('inject_victim:compare=0', mode='sort')
    assert failed == [] and (injected, calls) == (0, 0), r
    for who in ('libc', 'libc.so.6', 'libc*', '*'):
        failed, injected, calls, r = run('inject_victim:compare=0', '--from', who, mode='sort')
        assert failed == list(range(100)) and injected == calls == 100, (who, r)
    failed, injected, calls, r = run('inject_victim:compare=0', '--from', 'inject_victim', mode='sort')
    assert failed == [] and calls == 0, r


@test
def after_main():
    """A constructor calls it, too."""
    failed, injected, calls, r = run('inject_victim:answer=0', '--after', 'main', mode='early')
    assert 'answer -1' not in r.out and failed == list(range(100)), r
    assert calls == 100, r
    _, _, calls, r = run('inject_victim:answer=0', mode='early')
    assert calls == 101, r


@test
def after_main_of_a_stripped_program():
    r = utramp('inject', 'libc:strtol=3', '--after', 'main', '--proto',
               'long strtol(const char *, char **, int)', '--', part('inject_stripped'), 'plain', 9)
    assert r.code == 0 and 'injected 1 of 1 call' in r.err, r
    assert r.out == '', r               # strtol gives 3 for 9: nothing fails
    assert 'no types' not in r.err, r   # of main(), which is only watched


@test
def a_character():
    _, _, _, r = run("inject_victim:answer='='", '--count', 1)
    assert 'answer 0 61' in r.out, r


@test
def floating_point_results():
    _, _, _, r = run('inject_victim:half=-2.25', '--count', 1, mode='half')
    assert 'half 0 -2.25' in r.out, r


CLASSES = {
    'x87=-0.75': 'x87 -1.5',
    'x87_pair=1.5-2.5i': 'x87_pair 1.5 -2.5',
    'two_floats=3i': 'two_floats 0 3',
    'mixed={-1, .5}': 'mixed -1 0.5',
    'large={7, .d = 0.25, "ab=c", .at[1] = {8, -9}, .high = 30}': 'large 7 0.25 ab=c 0 0 8 -9 0 30',
    "packed={'a', 1000000000000}": 'packed 97 1000000000000',
    'side=LEFT|RIGHT': 'side 3',
    'vector={0.5, 4}': 'vector 0.5 4',
    'wide=-18446744073709551616': 'wide ffffffffffffffff 0',
    'vector4={[1] = 7, 8}': 'vector4 0 7 8 0',
    'vector16={1, 2, [15] = 3}': 'vector16 1 2 3',
}


@test
def results_of_every_class():
    """In one run, so that each finds the registers as the others left them; then one by one."""
    specs = ['inject_victim:' + s for s in CLASSES]
    plain = utramp('trace', '-o', '/dev/null', 'inject_victim:x87', '--', VICTIM, 'classes', 2)
    _, n, calls, r = run(*specs, mode='classes', calls=2)
    lines = plain.out.splitlines()
    here = [w for w in CLASSES.values() if any(x.split()[0] == w.split()[0] for x in lines)]
    assert len(here) >= 9 and n == calls, r
    assert sorted(r.out.splitlines()) == sorted(2 * here), r
    for spec, want in list(CLASSES.items())[:5]:
        _, _, _, r = run('inject_victim:' + spec, mode='classes', calls=1)
        changed = [x for x in r.out.splitlines() if x not in lines]
        assert changed == [want], r


@test
def failure_of_128_bits():
    _, _, _, r = run('inject_victim:wide', '--errno', 'EIO', mode='classes', calls=1)
    assert 'wide ffffffffffffffff ffffffffffffffff' in r.out, r


@test
def the_same_value_twice():
    spec = 'inject_victim:large={.n = %d}'
    _, n, calls, r = run(spec % 3, spec % 3, mode='classes', calls=3)
    assert n == calls == 3 and r.out.count('large 3 0 ') == 3, r
    refused(2, ['large', 'two values'], 'inject', spec % 3, spec % 4, '--', VICTIM)


@test
def functions_without_result():
    _, n, _, r = run('inject_victim:note=void', mode='note')
    assert n == 100 and 'noted 0' in r.out, r


@test
def threads():
    r = utramp('inject', 'inject_victim:answer=0', '--count', 1000, '--', VICTIM, 'threads', 4000)
    assert r.code == 0 and 'injected 1000 of 16000 calls' in r.err, r
    assert 'failed 1000' in r.out, r


@test
def main_itself():
    """Watching it for --after main must not keep it from being replaced."""
    for after in ([], ['--after', 'main']):
        r = utramp('inject', 'inject_victim:main=3', '--from', '*', *after, '--', VICTIM)
        assert r.code == 3 and 'injected 1 of 1 call' in r.err, r


@test
def two_values_for_a_function():
    refused(2, ['inject_victim:answer', 'two values'], 'inject', 'inject_victim:answer=1',
            'inject_victim:answer=2', '--', VICTIM)
    failed, injected, _, r = run('inject_victim:answer=1', 'inject_victim:answer=0x1')
    assert injected == 100, r
    failed, _, _, r = run('inject_victim:answer=1', 'inject_victim:*er=2')
    assert 'answer 0 1 ' in r.out and 'not attached' in r.err, r


@test
def no_call_from_the_executable():
    """Who forgets that --from is the executable is told."""
    _, _, calls, r = run('inject_victim:compare=0', mode='sort')
    assert calls == 0 and "no call from the executable; --from '*'" in r.err, r
    _, n, calls, r = run('inject_victim:answer=0', '--after', 1000)
    assert (n, calls) == (0, 100), r
    assert "no call from the executable was chosen; --from '*'" in r.err, r
    assert r.err.endswith('injected 0 of 100 calls from the executable\n'), r
    r = run('inject_victim:answer=0', '--from', '*')[3]
    assert r.err.endswith('injected 100 of 100 calls\n'), r
    for more in ([], ['--from', '*']):
        assert '--from' not in run('inject_victim:answer=0', *more)[3].err
    assert '--from' not in run('inject_victim:other=0', '--from', '*')[3].err


@test
def as_json():
    r = utramp('inject', '-j', '-o', '/dev/fd/2', 'inject_victim:answer=0', '--seed', 3, '-q', '--',
               VICTIM, 'plain', 5, foreign=('{',))
    assert json.loads(r.err) == {'calls': 5, 'injected': 5, 'seed': 3}, r


@test
def what_makes_no_sense_is_refused():
    refused(2, 'which value', 'inject', 'inject_victim:answer', '--', VICTIM)
    refused(2, "'x' is no value of type int", 'inject', 'inject_victim:answer=x', '--', VICTIM)
    for value, why in (('large=1', ["'1' is no value of type struct large", 'values in braces']),
                       ('large={.zzz = 1}', 'the names of its members'),
                       ('mixed={1, 2, 3}', 'so many it does not have'),
                       ('x87=1.5L', "'1.5L' is no value of type long double: give a number"),
                       ('x87_pair=1+', 'a number, 1.5 or 1+2i'),
                       ('side=MIDDLE', 'one of its enumerators, or an integer')):
        refused(2, why, 'inject', 'inject_victim:' + value, '--', VICTIM)
    refused(2, 'which value of type struct large says failure is not known', 'inject',
            'inject_victim:large', '--errno', 'EIO', '--', VICTIM)
    refused(2, 'which value? inject_victim:answer=VALUE', 'inject', 'inject_victim:answer=', '--',
            VICTIM)
    for name in ('X::operator=(X const&)', 'X::operator<=>(X)', 'operator==(X, X)', 'operator>=(X)'):
        refused(3, f"no function '{name}'", 'inject', 'inject_victim:' + name, '--errno', 'EIO',
                '--', VICTIM)
        refused(3, f"no function '{name}'", 'inject', f'inject_victim:{name}=1', '--', VICTIM)
    refused(2, ['ret', 'given here'], 'inject', 'inject_victim:answer=0', '--if', 'ret == 1', '--',
            VICTIM)
    refused(3, 'no argument zzz', 'inject', 'inject_victim:answer=0', '--if', 'zzz == 1', '--',
            VICTIM)
    refused(3, "no module 'libzzz' is loaded", 'inject', 'inject_victim:answer=0', '--from', 'libzzz',
            '--', VICTIM)
    for option, value in [('--prob', '2'), ('--prob', '0'), ('--prob', 'x'), ('--prob', '101%'),
                          ('--errno', 'EWHAT'), ('--errno', '0'), ('--errno', '5000'),
                          ('--after', 'x'), ('--count', '0'), ('--seed', '-1')]:
        refused(2, f"{option}: '{value}' is not a value it takes", 'inject', option, value,
                'inject_victim:answer=0', '--', VICTIM)
    refused(1, 'setjmp', 'inject', 'libc:setjmp=1', '--', VICTIM)


if __name__ == '__main__':
    main()
