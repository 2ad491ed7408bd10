#!/usr/bin/env python3
"""seccomp.py UTRAMP JAIL OBJECTS - programs under filters that kill them for any system call but their own.

Attached to, counted, traced and left, by who may put filters off (root) and by who may not: that one
works through a thread without a filter, or is refused; the program lives, and its text is as it was.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

from kindslib import UTRAMP, VICTIM, Attached, children, lib, needs_root, sessions, status, utramp, wait_for
from attachlib import test

OBJECTS = sys.argv[3]
# who may trace everything, and put off nobody's filter
PLAIN = ('setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin')
REFUSED = 'runs under seccomp, all of its threads, which may kill it for the system calls that ' \
          'attaching makes there'


class Jail(lib.Victim):
    def __init__(self, who, n):
        needs_root()
        super().__init__(VICTIM, who, n)

    def jail(self):
        self.p.stdin.write(b's')
        self.p.stdin.flush()
        assert self.p.stdout.readline() == b'jailed\n'

    def text(self):
        return lib.Shown(self.pid).text


def works(j, *before):
    text = j.text()
    r = utramp('count', '-j', '-d', 0.2, '-p', j.pid, 'work', before=before)
    assert json.loads(r.out)['calls'] > 0, r
    r = utramp('trace', '-E', 5, '-p', j.pid, 'name', before=before)
    assert len(re.findall(r'jail:name\(text="jailed"\) += 106 ', r.out)) == 5, r
    r = utramp('latency', '-d', 0.2, '-p', j.pid, 'work', 'name', before=before)
    assert 'jail:work' in r.out, r
    assert j.text() == text


@test
def all_threads():
    with Jail('all', 3) as j:
        works(j)
        text = j.text()
        r = utramp('count', '-p', j.pid, 'work', before=PLAIN, code=4)
        assert REFUSED in r.err and 'CAP_SYS_ADMIN' in r.err and r.err.count('\n') == 1, r
        r = utramp('doctor', '-p', j.pid, before=PLAIN, code=4)
        assert REFUSED in r.out, r
        assert j.text() == text and not any('utramp' in m[3] and 'slab' in m[3] for m in lib.maps(j.pid)
                                            if '(deleted)' not in m[3])


@test
def some_threads():
    for who in 'others', 'first':
        for before in (), PLAIN:
            with Jail(who, 3) as j:
                works(j, *before)
                r = utramp('doctor', '-p', j.pid, before=before)
                n = 3 if who == 'others' else 1
                assert f'{n} of 4 threads run under seccomp' in r.out, r


@test
def one_thread_alone():
    """The thread that the filter is of is the first one, and there is no other."""
    with Jail('all', 0) as j:
        works(j)


@test
def strict_mode():
    """Where the kernel makes reading the processor's clock a fault."""
    with Jail('mode1', 0) as j:
        text = j.text()
        r = utramp('count', '-p', j.pid, 'work', code=1)
        assert "seccomp's strict mode" in r.err and 'mode 2' in r.err, r
        assert j.text() == text


def jails_itself(n, *before, verb=('count', 'work')):
    with Jail('nobody', n) as j:
        shown = lib.Shown(j.pid)
        a = Attached(*verb, '-p', j.pid, '-o', '/dev/null', before=before)
        wait_for(lambda: j.text() != shown.text)
        j.jail()
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 0 and 'detached' in r.err, r
        after = lib.Shown(j.pid)
        assert after.text == shown.text
        if before:      # nobody can unmap it, and that is told
            assert 'every thread of it runs under seccomp by now' in r.err and 'stays mapped' in r.err, r
        else:
            assert 'seccomp' not in r.err and after.maps == shown.maps, r
        assert bool(sessions()) == bool(before and verb[0] == 'trace'), sessions()
        # it can still be attached to, and left, by who may
        r = utramp('count', '-j', '-d', 0.2, '-p', j.pid, 'work')
        assert json.loads(r.out)['calls'] > 0, r
        if before and verb[0] == 'trace':   # our handler is left in front of its own: root takes it out
            assert int(status(j.pid, 'SigCgt'), 16) >> (signal.SIGSEGV - 1) & 1
            utramp('detach', j.pid)
        assert status(j.pid, 'SigCgt') == shown.status['SigCgt'][0], (status(j.pid, 'SigCgt'), shown.status)
        assert j.text() == shown.text


@test
def jails_itself_while_attached():
    for n in 0, 3:
        jails_itself(n)
        jails_itself(n, verb=('trace', 'name'))


@test
def jails_itself_and_nobody_can_put_that_off():
    for n in 0, 3:
        jails_itself(n, *PLAIN)
        jails_itself(n, *PLAIN, verb=('trace', 'name'))


@test
def tool_killed_then_jailed():
    with Jail('nobody', 2) as j:
        shown = lib.Shown(j.pid)
        a = Attached('trace', '-o', '/dev/null', '-p', j.pid, 'name', before=PLAIN)
        (worker,) = children(a.p.pid)
        for sig in signal.SIGSTOP, signal.SIGKILL:
            for pid in a.p.pid, worker:
                os.kill(pid, sig)
        lib.end(a.p)
        j.jail()
        # functions are restored all the same; the handler is root's to take out
        r = utramp('detach', j.pid, before=PLAIN, code=4)
        assert 'every thread of it runs under seccomp by now' in r.err, r
        assert j.text() == shown.text
        utramp('detach', j.pid)
        assert not sessions() and status(j.pid, 'SigCgt') == shown.status['SigCgt'][0]


@test
def started():
    """By the tool, and into the jail then."""
    needs_root()
    for before in (), PLAIN:
        for who, n in ('all', 0), ('all', 3), ('others', 3), ('nobody', 0), ('nobody', 3):
            p = subprocess.Popen([*before, UTRAMP, 'trace', '-o', '/dev/null', 'work', 'name', '--', VICTIM,
                                  who, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            assert p.stdout.readline() == b'ready\n', lib.end(p)
            p.stdin.write(b's' if who == 'nobody' else b'')
            p.stdin.flush()
            time.sleep(0.1)     # it works there
            out, err = p.communicate(timeout=lib.TIMEOUT)
            assert p.returncode == 0 and re.fullmatch(rb'(jailed\n)?ok \d+\n', out), (who, n, p.returncode, out, err)


@test
def programs_that_ask_the_kernel():
    with Jail('all', 1) as j:
        text = j.text()
        r = utramp('run', '-p', j.pid, f'{OBJECTS}/asks.bpf.o', code=1)
        assert 'calls bpf_get_current_comm(), for which the kernel is asked' in r.err and \
            'leave that out' in r.err, r
        assert j.text() == text


lib.main()
