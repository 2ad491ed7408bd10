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


def deaf_victim():
    """A victim with a loader of its own, which has no room for a jump in _dl_debug_state()."""
    loader, copy = tmp / 'l', tmp / 'deaf'
    given = pathlib.Path('/lib64/ld-linux-x86-64.so.2')
    names = subprocess.run(['nm', '-D', given], capture_output=True, text=True, check=True).stdout
    at = int(re.search(r'^([0-9a-f]+) T _dl_debug_state', names, re.M)[1], 16)
    code = bytearray(given.read_bytes())
    assert code[at] == 0xc3, code[at:at + 16]
    code[at + 1:at + 16] = b'\xc3' * 15     # up to the next function
    loader.write_bytes(code)
    program = pathlib.Path(VICTIM).read_bytes()
    old, new = str(given).encode() + b'\0', str(loader).encode() + b'\0'
    if len(new) > len(old) or program.count(old) != 1:
        raise Skip('no room for the path of another loader')
    copy.write_bytes(program.replace(old, new.ljust(len(old), b'\0')))
    for p in [loader, copy]:
        p.chmod(0o755)
    return copy


@test
def a_loader_that_tells_nothing():
    victim = deaf_victim()
    refused(1, ['libnever:f: its module is not loaded, and cannot be waited for', '_dl_debug_state'],
            'count', 'libnever:f', '--', victim, 'absent', 0)
    r = utramp('count', '-j', '*deaf*:main', '--', victim, 'absent', 0)
    assert r.code == 0 and rows(r)[0]['calls'] == 1, r
    assert '*deaf*:main: ' in r.err and '_dl_debug_state' in r.err, r


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


# -- a process that runs -----------------------------------------------------------------------

def running(spec, *victim, options=('--wait',)):
    """The victim waits for us to attach to it; the tool ends with it."""
    v = subprocess.Popen([VICTIM, *map(str, victim)], stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.3)
        r = utramp_beside('count', '-j', *options, '-p', v.pid, spec)
        if r.code:
            v.kill()
        out, _ = v.communicate(timeout=TIMEOUT)
    finally:
        if v.poll() is None:
            v.kill()
            v.wait()
    return v.returncode, out, r


def utramp_beside(*args):
    p = start(*args)
    out, err = p.communicate(timeout=TIMEOUT)
    return Result(p.returncode, out.decode(), without_progress(p, err.decode()))


@test
def of_a_process_that_runs():
    """What was loaded before we came may go, and come back."""
    code, out, r = running('liblate:late_one', 'reload', LIB, 100, 5)
    assert code == 0 and r.code == 0, (code, out, r)
    assert counted(r) == int(out) == 500, (out, r)
    code, out, r = running('libla*:late_one', 'reload', LIB, 100, 5)
    assert code == 0 and counted(r) == int(out) == 500, (code, out, r)


@test
def with_p_only_if_told():
    code, out, r = running('libnever:f', 'late', LIB, 1, options=())
    assert r.code == 3 and "no module 'libnever'" in r.err, r


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
