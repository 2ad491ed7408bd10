#!/usr/bin/env python3
"""engine.py UTRAMP PARTS - --engine interp: the same objects on the same targets give the same.

Each command runs once in either engine.  What differs from run to run is taken out before the
comparison, as VARIES has it; everything else must be the same, messages included.
"""
import json
import os
import re

from harness import *

VICTIM = part('victim')
TALLY = part('tally-O2')
CHAIN = part('chain')
ENGINES = ('jit', 'interp')

# process numbers, times, addresses
VARIES = [(r'process \d+', 'process N'), (r'stopped [\d.]+ ms', 'stopped T'),
          (r'^\s*\[? *[\d.]+\]? ', 'TIME '), (r'0x[0-9a-f]{8,}', 'ADDR'),
          (r' *<[\d.]+ ?ms>', ' T'), (r'\b(spent|pid|tid) = \d+', r'\1 = N'),
          (r'\bcpu \d+', 'cpu N')]


def plain(text):
    for what, to in VARIES:
        text = re.sub(what, to, text, flags=re.M)
    return sorted(text.splitlines()) # the order of a hash differs


def both(verb, *args, code=0, foreign=()):
    """The two results."""
    out = []
    for engine in ENGINES:
        r = utramp(verb, '--engine', engine, *args, foreign=foreign)
        assert r.code == code, r
        out.append(r)
    return out


def same(verb, *args, words=(), **kw):
    """One output, but for the order of lines, with these words in it."""
    jit, interp = both(verb, *args, **kw)
    for a, b in [(plain(jit.out), plain(interp.out)), (plain(jit.err), plain(interp.err))]:
        assert a == b, [x for x in a + b if x not in a or x not in b]
    for w in words:
        assert w in re.sub(' +', ' ', interp.out), (w, interp)


@test
def objects():
    """Maps, global data, ring records, histograms, text, each by the program's own types."""
    same('run', part('print.bpf.o'), '--', VICTIM, 'call', 5, words=['events: {a=0,', 'calls = 5'])
    same('run', part('work.bpf.o'), '--', VICTIM, 'call', 3, words=['> work(2, 1)', '< 3'])
    same('run', part('read.bpf.o'), '--', VICTIM, 'call', 3, words=['why "x"'])


@test
def several_programs_and_cookies():
    same('run', '--attach', 'entry=work', '--attach', 'leave=work', '--cookie', 'entry=18446744073709551615',
         part('entry.bpf.o'), part('exit.bpf.o'), '--', VICTIM, 'call', 2,
         words=['entry 1 cookie 18446744073709551615', 'exit'])
    same('run', part('session.bpf.o'), '--', VICTIM, 'call', 9, words=['spent = '])


@test
def traces():
    """Arguments in registers and on the stack, strings, floating point, results."""
    same('trace', 'work', 'half', 'nine', '--', VICTIM, 'call', 4,
         words=['work(a=3, b=1) = 4', 'why="x"'])


@test
def counts():
    same('count', '-j', 'deep', '--', TALLY, 'recursion', 300, words=['"calls":301'])


@test
def stacks():
    """Who called is told by the hit's frame, of which the interpreter is told, too."""
    jit, interp = both('stack', '-j', 'leaf', '--', TALLY, 'calls', 20)
    frames = [[x for x in map(json.loads, r.out.splitlines()[1:])] for r in (jit, interp)]
    assert len(frames[0]) == len(frames[1]) >= 1, (jit, interp)
    assert plain(jit.out) == plain(interp.out), (jit, interp)


@test
def latencies():
    """Times differ, their number does not."""
    for r in both('latency', '-j', 'leaf', '--', TALLY, 'calls', 100):
        rows = [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]
        assert [x['calls'] for x in rows if x['func'] == 'leaf'] == [100], r


@test
def results_in_the_functions_place():
    same('inject', 'libc:opendir=NULL', '--errno', 'ENOMEM', '--', VICTIM, 'fds')
    same('inject', 'work=7', '--prob', '50%', '--seed', '5', '--', VICTIM, 'call', 40)


@test
def handlers_that_interrupt_a_program():
    """Whatever is missed or not: no call's result changes."""
    for r in both('count', '-j', 'work', '--', VICTIM, 'alarm', 300000):
        assert 'sum 300000' in r.out, r


@test
def numbers_of_processors():
    """As libc is told by the kernel, and without it; in line, called, and interpreted."""
    cpu = max(os.sched_getaffinity(0))
    for tunable in ['', 'glibc.pthread.rseq=0']:
        for engine in ENGINES:
            r = utramp('run', '--engine', engine, part('cpu.bpf.o'), '--', VICTIM, 'call', 3,
                       env={**env(), 'GLIBC_TUNABLES': tunable},
                       preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
            assert {'calls = 3', f'sum = {3 * cpu}'} <= set(r.out.splitlines()), r


@test
def what_knows_no_engine():
    for verb in ['list', 'code']:
        refused(2, '--engine is no option of this verb', verb, '--engine', 'interp', 'x')
    refused(2, ['fast', 'is not a value it takes'], 'run', '--engine', 'fast', 'x.bpf.o', '--', 'true')


main()
