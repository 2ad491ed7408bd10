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
    for value in ('=1', ''):
        refused(1, '__int128 cannot be replaced', 'inject', 'inject_victim:wide' + value,
                '--errno', 'EIO', '--', VICTIM, 'wide')
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
