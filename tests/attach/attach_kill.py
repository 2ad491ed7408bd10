#!/usr/bin/env python3
"""attach_kill.py UTRAMP VICTIM LIBRARY [KILLS] - kill -9 of the tool at a random moment of attaching.

The program lives, is traced by nobody, and what it computes is right: its threads allocate, load
and unload libraries, fork and wait, and check themselves.  Only epoll_wait() may give EINTR (STOPPER_DIES): the kernel makes that of
a stop, and whom it lets go for want of a tracer has it.
"""
import os
import random
import shutil
import sys
import time

import attachlib as lib
from attachlib import test

UTRAMP, VICTIM, LIBRARY = sys.argv[1:4]
KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 50
EACH = 5                    # of one victim: each may leave two slabs in it
MODES = ('malloc', 'mix', 'fork', 'dlopen', 'compute')
os.environ['XDG_RUNTIME_DIR'] = str(lib.tmp)     # what a killed tool leaves lies there
seed = random.randrange(1 << 32)


def attach(pid):
    return lib.start(UTRAMP, 'count', '-p', pid, 'work')


def usual_time():
    """Until it says that it is attached, here and now."""
    with lib.Victim(VICTIM, 'malloc', 4) as v:
        begin = time.monotonic()
        p = attach(v.pid)
        while b'attached 1 function' not in p.stderr.readline():
            assert p.poll() is None, 'it has ended'
        took = time.monotonic() - begin
        p.kill()
        p.communicate()
        return took


@test
def killed():
    random.seed(seed)
    print(f'# seed {seed}')
    took = min(usual_time(), 1.0)
    for n in range((KILLS + EACH - 1) // EACH):
        with lib.Victim(VICTIM, MODES[n % len(MODES)], 4, LIBRARY=LIBRARY,
                        STOPPER_DIES='1') as v:
            for _ in range(EACH):
                p = attach(v.pid)
                time.sleep(random.uniform(0, 1.3 * took))
                p.kill()
                p.communicate()
                time.sleep(0.02)
                assert v.p.poll() is None, \
                    f'{MODES[n % len(MODES)]}: ended with {v.p.returncode}: {v.p.stdout.read()}'
                status = open(f'/proc/{v.pid}/status').read()
                assert 'TracerPid:\t0\n' in status, status


try:
    lib.main()
finally:
    shutil.rmtree(lib.tmp, ignore_errors=True)
