#!/usr/bin/env python3
"""dying.py UTRAMP VICTIM ROUNDS [SEED] - a process that is killed, ends or executes another program at any
moment of attaching and leaving.

The tool ends soon, says what was, in one sentence, and leaves no file: exit code 5 before it has
attached, 0 behind that.
"""
import collections
import os
import random
import re
import signal
import sys
import time

from kindslib import RUN, UTRAMP, VICTIM, lib
from attachlib import test

ROUNDS, SEED = int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 3
VERBS = (['count', 'work'], ['trace', '-o', '/dev/null', '--missing', 'ignore', 'libc:malloc', 'work'],
         ['latency', '--missing', 'ignore', 'libc:*alloc*', 'work'])
GONE = r'(utramp: no types for .*\n)?utramp: process \d+ (is gone, or runs another program|\(fickle\) has ended, its parent \d+ has not ' \
       r'collected it; there is nothing left to attach to|: No such process; it may be ending|ends, or ' \
       r'begins another program: it has no memory; if it lives still, try again)\n'
THERE = r'(?s)utramp: attached \d+ functions? in process .*(has ended|executed another program|detached from ' \
        r'process \d+)\b.*'


def end(v, how):
    if how == 'kill':
        os.kill(v.pid, signal.SIGKILL)
    else:
        v.p.stdin.write(how[0].encode())
        v.p.stdin.flush()


def one(rnd, how, seen):
    v = lib.Victim(VICTIM, 3)
    v.__enter__()
    try:
        p = lib.start(UTRAMP, *rnd.choice(VERBS), '-d', '0.1', '-p', v.pid)
        time.sleep(rnd.random() * 0.7)
        end(v, how)
        if rnd.random() < 0.3:
            p.send_signal(signal.SIGINT)
        r = lib.end(p)
        good = re.fullmatch(THERE, r.err) if r.code == 0 else \
            re.fullmatch(GONE, r.err) if r.code == 5 else \
            'interrupted' in r.err if r.code == 130 else False
        assert good, (how, r)
        seen[how, r.code] += 1
    finally:
        v.p.kill()
        v.p.communicate()


def rounds(how):
    rnd, seen = random.Random(f'{SEED}{how}'), collections.Counter()
    for _ in range(ROUNDS):
        one(rnd, how, seen)
    left = [str(x) for x in RUN.rglob('*') if x.is_file()]
    assert not left, left
    print(f'# {dict(seen)}')


@test
def killed():
    rounds('kill')


@test
def exits():
    rounds('x')


@test
def executes():
    rounds('e')


lib.main()
