#!/usr/bin/env python3
"""late.py UTRAMP PARTS - modules that come and go: dlopen(), dlclose(), files that are replaced.

The victim waits until it sees its function patched, so how often it calls it then is exactly what
must be counted.  PYTHONPATH: tests/cli, whose harness this is.
"""
import json
import re
import signal
import time

from harness import *

VICTIM = part('late_victim')
LIB = part('liblate.so')
MOVED = part('liblate-moved.so')
EARLY = part('liblate-early.so')
OTHER = part('libother.so')


def rows(r):
    return [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]


def said(r):
    """How many calls the victim made while it was watched."""
    return int(re.findall(r'^\d+$', r.out, re.M)[-1])


def counted(r, func='late_one'):
    return sum(x['calls'] for x in rows(r) if x['func'] == func)


def whole(r, want=None):
    """It ended well, and each call was counted."""
    assert r.code == 0, r
    assert counted(r) == said(r), r
    assert want is None or said(r) == want, r


def count(spec, *victim, verb='count', options=()):
    return utramp(verb, '-j', *options, spec, '--', VICTIM, *victim)


# -- a module that comes ----------------------------------------------------------------------

@test
def waited_for():
    for spec in ['liblate:late_one', 'liblate.so:late_one', 'libla*:late_on?', '*:late_one', LIB + ':late_one']:
        r = count(spec, 'late', LIB, 1000)
        whole(r, 1000)
        assert f'utramp: waiting for {spec.rpartition(":")[0]}' in r.err, r
        assert 'attached 0 functions' in r.err, r
        assert 'liblate.so came at run time: attached 1 function\n' in r.err, r


@test
def patterns_mean_both():
    """What is there at the start is attached then, and what comes later, later."""
    r = count('*late*:*', 'late', LIB, 10)
    assert r.code == 0 and counted(r) == 10, r
    funcs = {x['func'] for x in rows(r)}
    assert 'main' in funcs and 'late_one' in funcs, r
    assert 'waiting' not in r.err, r


@test
def not_one_call_is_missed():
    """The thread is held in dlopen(): the library's constructor calls it first."""
    r = count('liblate-early:late_one', 'early', EARLY, 50)
    assert r.code == 0 and said(r) == 50, r
    if 'are missed' in r.err:    # we had no time for two seconds
        raise Skip('the machine is too busy')
    assert counted(r) == 51, r


@test
def bare_names_do_not_wait():
    refused(3, "no function 'late_one'", 'count', 'late_one', '--', VICTIM, 'late', LIB, 1)
    refused(3, "no function 'nosuch' in libc.so.6", 'count', 'libc:nosuch', '--', VICTIM, 'absent', 0)


@test
def never_loaded():
    r = utramp('count', 'libnever:f', '--', VICTIM, 'absent', 0)
    assert r.code == 3, r
    assert 'waiting for libnever' in r.err and 'libnever:f: its module was never loaded' in r.err, r
    r = utramp('count', 'libnever:f', '--', VICTIM, 'absent', 7)
    assert r.code == 7, r
    r = utramp('count', 'libnever:f', 'main', '--', VICTIM, 'absent', 0)
    assert r.code == 0 and 'libnever:f: its module was never loaded' in r.err, r


@test
def missing_is_honoured():
    for how in ['warn', 'ignore']:
        r = utramp('count', '--missing', how, 'libnever:f', '--', VICTIM, 'absent', 0)
        assert r.code == 0, r
        assert 'never loaded' not in r.err, r
        r = utramp('count', '--missing', how, 'liblate:nosuch', '--', VICTIM, 'early', LIB, 1)
        assert r.code == 0, r
    r = utramp('count', 'liblate:nosuch', '--', VICTIM, 'early', LIB, 20000000)
    assert r.code == 3 and "no function 'nosuch' in liblate.so" in r.err, r


@test
def other_verbs():
    r = utramp('trace', '-j', 'liblate:late_one', '--', VICTIM, 'late', LIB, 100)
    assert r.code == 0, r
    assert [x['args']['a'] for x in rows(r)] == list(range(100)), r
    r = count('liblate:late_one', 'late', LIB, 100, verb='latency')
    whole(r, 100)
    r = count('liblate:late_one', 'late', LIB, 100, verb='stack')
    whole(r, 100)
    assert any('calls' in str(x) for x in rows(r)), r
    r = utramp('inject', '--from', '*', 'liblate:late_one=21', '--', VICTIM, 'late', LIB, 5)
    assert r.code == 9, r       # the first result is another's
    assert 'injected 1 of 1 call' in r.err and 'a wrong result: 21' in r.out, r


# -- twice --------------------------------------------------------------------------------------

@test
def the_same_library_twice():
    """A copy of it, and the library once more in a namespace of its own."""
    copy = tmp / 'copy'
    copy.mkdir(exist_ok=True)
    shutil.copy(LIB, copy)
    r = count('liblate:late_one', 'twice', LIB, copy / 'liblate.so', 100)
    whole(r, 300)


@test
def references_are_counted():
    """A dlclose() that unloads nothing changes nothing."""
    r = count('liblate:late_one', 'counted', LIB, 100)
    whole(r, 200)


# -- gone ----------------------------------------------------------------------------------------

@test
def unloaded_and_loaded_again():
    r = count('liblate:late_one', 'reload', LIB, 100, 10)
    whole(r, 1000)
    assert r.err.count('came at run time') == 1 and len(rows(r)) == 1, r


@test
def replaced_on_disk():
    """The second has its functions elsewhere; its file may have the first one's inode."""
    for first, then in [(LIB, MOVED), (MOVED, LIB)]:
        here = tmp / 'replaced.so'
        shutil.copy(first, here)
        r = count('replaced.so:late_one', 'replace', here, then, 100)
        whole(r, 200)


def detached_while(mode):
    """Interrupted while another's bytes are where our jump was; the victim compares them then."""
    p = start('count', '-j', 'liblate:late_one', '--', VICTIM, mode, LIB, OTHER, '100',
              stdin=subprocess.PIPE)
    first = p.stdout.readline()
    time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    line = p.stdout.readline()      # the table
    p.stdin.write(b'go\n')
    p.stdin.flush()
    r = end(p)
    assert r.code == 0, (first, line, r)
    assert first == b'100\n', (first, line, r)
    assert json.loads(line)['calls'] == 100, (first, line, r)
    assert 'detached' in r.err and 'cannot' not in r.err, r
    assert r.out.startswith('untouched'), r
    return r


@test
def something_else_is_mapped_there():
    detached_while('over')


@test
def another_library_is_loaded_there():
    r = detached_while('after')
    if 'elsewhere' in r.out:
        raise Skip('it was mapped elsewhere')


@test
def a_storm():
    """A thousand times in four threads."""
    libs = []
    for i in range(4):
        libs.append(tmp / f'liblate{i}.so')
        shutil.copy(LIB if i % 2 else MOVED, libs[-1])
    r = count('*/liblate?.so:late_one', 'storm', 250, *libs)
    assert r.code == 0, r
    assert said(r) == 3000, r
    assert counted(r) == 3000 or (counted(r) < 3000 and 'are missed' in r.err), r
    assert len(rows(r)) == 4 and 'cannot' not in r.err, r


main()
