#!/usr/bin/env python3
"""stuck.py UTRAMP VICTIM - a thread that cannot be stopped: the parent of a child of vfork().

Nothing hangs, no other thread is held for long, and what could not be restored can be later.  Several
processes are treated as one is.
"""
import os
import pathlib
import re
import signal
import subprocess

from kindslib import UTRAMP, VICTIM, Attached, children, lib, needs_root, sessions, utramp, wait_for
from attachlib import test

USER = 54321
AS_USER = ('setpriv', '--reuid', USER, '--regid', USER, '--clear-groups')
WAITS = 'waits in the kernel and cannot be stopped meanwhile'
CHILD = 'as a child of vfork() does until it executes or ends'


class Fickle(lib.Victim):
    def __init__(self, *before):
        super().__init__(*before, VICTIM, 2)

    def vfork(self, how=b'v'):
        self.p.stdin.write(how)
        self.p.stdin.flush()
        (self.child,) = wait_for(lambda: children(self.pid))
        self.for_ever = how == b'V'

    def back(self):
        if self.for_ever:
            os.kill(self.child, signal.SIGTERM)
        assert self.p.stdout.readline() == b'back\n'

    def text(self):
        return lib.Shown(self.pid).text


@test
def attach_when_it_is_over():
    with Fickle() as v:
        text = v.text()
        v.vfork()
        r = utramp('count', '-d', 0.1, '-p', v.pid, 'work')
        assert 'attached 1 function' in r.err, r
        v.back()
        assert v.text() == text


@test
def attach_is_refused():
    with Fickle() as v:
        text = v.text()
        v.vfork(b'V')
        r = utramp('count', '-d', 0.1, '-p', v.pid, 'work', code=1)
        assert WAITS in r.err and CHILD in r.err and f'process {v.child} may run' in r.err, r
        assert v.text() == text
        v.back()
        utramp('count', '-d', 0.1, '-p', v.pid, 'work')
        assert v.text() == text


@test
def detach_when_it_is_over():
    with Fickle() as v:
        text = v.text()
        a = Attached('count', '-p', v.pid, 'work')
        v.vfork()
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 0 and WAITS in r.err and r.err.count('trying on') == 1 and \
            f'detached from process {v.pid}\n' in r.err, r
        assert v.text() == text
        v.back()


@test
def detach_is_given_up():
    """At the second time that the user asks; nobody's programs run then, and it can be made good."""
    with Fickle() as v:
        text = v.text()
        a = Attached('count', '-p', v.pid, 'work')
        v.vfork(b'V')
        a.p.send_signal(signal.SIGINT)
        while b'trying on' not in a.said:
            a.said += a.p.stderr.readline()
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 1 and 'is left as it is, its functions patched' in r.err and \
            f"'utramp detach {v.pid}' restores them" in r.err, r
        assert v.text() != text
        assert [s['state'] for s in sessions()] == ['orphaned']
        r = utramp('detach', v.pid, code=1)
        assert WAITS in r.err, r
        v.back()
        utramp('detach', v.pid)
        assert v.text() == text and not sessions()


@test
def several_are_detached_from():
    """One of them later: it is tried again."""
    with Fickle() as v, Fickle() as w:
        texts = v.text(), w.text()
        a = Attached('count', '-p', v.pid, '-p', w.pid, 'work')
        v.vfork()
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 0 and f'cannot detach from process {v.pid}: ' in r.err and WAITS in r.err and \
            'detached from 2 processes' in r.err, r
        assert (v.text(), w.text()) == texts
        v.back()


@test
def several_and_one_is_given_up():
    with Fickle() as v, Fickle() as w:
        texts = v.text(), w.text()
        a = Attached('count', '-p', v.pid, '-p', w.pid, 'work')
        v.vfork(b'V')
        a.p.send_signal(signal.SIGINT)
        while b'trying on' not in a.said:
            a.said += a.p.stderr.readline()
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 1 and f'process {v.pid} cannot be detached from' in r.err and \
            'detached from 1 process\n' in r.err and 'CALLS' in r.out, r
        assert w.text() == texts[1]
        v.back()
        utramp('detach', v.pid)
        assert v.text() == texts[0] and not sessions()


@test
def several_when_the_front_is_killed():
    with Fickle() as v, Fickle() as w:
        texts = v.text(), w.text()
        a = Attached('count', '-p', v.pid, '-p', w.pid, 'work')
        (worker,) = children(a.p.pid)
        assert (v.text(), w.text()) != texts
        os.kill(a.p.pid, signal.SIGKILL)
        a.p.wait()
        wait_for(lambda: not os.path.exists(f'/proc/{worker}') or
                 open(f'/proc/{worker}/stat').read().rpartition(')')[2].split()[0] == 'Z')
        assert (v.text(), w.text()) == texts and not sessions()
        assert b'the front process was killed' in a.p.stderr.read()


@test
def several_without_a_journal():
    """It is said of each that it stays as it is if the tool is killed."""
    needs_root()
    place = pathlib.Path(f'/tmp/utramp-{USER}')
    if subprocess.run([*map(str, AS_USER), UTRAMP, 'help'], capture_output=True).returncode or place.exists():
        raise lib.Skip(f'user {USER} cannot run the tool here')
    place.mkdir()
    place.chmod(0o777)      # others may write there: it is not taken
    try:
        with Fickle(*AS_USER) as v, Fickle(*AS_USER) as w:
            r = utramp('count', '-d', 0.1, '-p', v.pid, '-p', w.pid, 'work', before=AS_USER)
            for x in v, w:
                assert re.search(rf'process {x.pid} stays as it is if utramp is killed: .*others may write there',
                                 r.err, re.S), r
    finally:
        place.rmdir()


lib.main()
