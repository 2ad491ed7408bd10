#!/usr/bin/env python3
"""namespaces.py UTRAMP VICTIM - sessions of another PID namespace are somebody else's numbers.

The directory of journals is shared by both namespaces, as a container's /run may be.
"""
import os
import pathlib
import signal

from kindslib import Attached, Jail, RUN, UTRAMP, VICTIM, children, lib, needs_root, sessions, utramp, wait_for
from attachlib import test

PID_NS = ('unshare', '--pid', '--fork', '--mount-proc', '--kill-child')


def there(j):
    return ('nsenter', '-t', j.pid, '-p', '-m')


def refused(j, *what):
    r = utramp('detach', *what, code=1)
    ns = os.readlink(f'/proc/{j.pid}/ns/pid')
    assert ns in r.err and f"is of another PID namespace" in r.err and 'nsenter -t ' in r.err, r
    return r


@test
def live_session_of_a_container():
    needs_root()
    with Jail(*PID_NS) as j:
        before = lib.Shown(j.pid)
        a = Attached('count', '-p', j.inner, 'work', before=there(j))
        (s,) = sessions()
        assert (s['state'], s['pid'], s['comm'], s['functions']) == ('elsewhere', j.inner, None, 1), s
        refused(j, s['id'])
        assert a.p.poll() is None and sessions() == [s]
        # its tool's number is somebody's here: nobody was sent a signal, and there it is as ever
        r = utramp('detach', s['id'], before=there(j))
        assert f'detached from process {j.inner}: 1 function is restored' in r.err, r
        assert a.end().code == 0
        lib.same(before, lib.Shown(j.pid))
        assert not sessions()


def kill_tool(a):
    """Front and worker; both are children of nsenter here."""
    chain = [a.p.pid]
    while children(chain[-1]):
        chain.append(children(chain[-1])[0])
    tools = [p for p in chain if pathlib.Path(f'/proc/{p}/exe').resolve() == pathlib.Path(UTRAMP).resolve()]
    assert len(tools) == 2, tools
    front, worker = tools
    os.kill(worker, signal.SIGSTOP)     # not the front: nsenter would stop with it
    os.kill(front, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    return lib.end(a.p)


@test
def orphan_of_a_container():
    needs_root()
    with Jail(*PID_NS) as j:
        before = lib.Shown(j.pid)
        kill_tool(Attached('count', '-p', j.inner, 'work', before=there(j)))
        (s,) = sessions()
        assert s['state'] == 'elsewhere', s
        r = refused(j, s['id'])
        hint = r.err.split('for example by: ')[1].split()
        assert hint[-2:] == ['detach', s['id']], r
        utramp('detach', '--all', code=1)
        assert sessions() == [s]
        r = lib.end(lib.start(*hint[:hint.index('utramp')], UTRAMP, 'detach', s['id']))
        assert r.code == 0 and '1 function is restored' in r.err, r
        after = lib.Shown(j.pid)
        assert before.text == after.text
        assert not sessions()


@test
def a_number_that_is_somebody_else_here():
    """`detach PID` is about the process of this namespace alone."""
    needs_root()
    with Jail(*PID_NS) as j:
        kill_tool(Attached('count', '-p', j.inner, 'work', before=there(j)))
        (s,) = sessions()
        # a process of ours with that number, and a session: to be detached from, and the other not
        r = lib.end(lib.start(UTRAMP, 'detach', j.inner))
        if os.path.exists(f'/proc/{j.inner}'):
            assert r.code == 3 and f'process {j.inner} has nothing attached' in r.err, r
        else:
            assert r.code == 1 and 'another PID namespace' in r.err, r
        assert sessions() == [s]
        utramp('detach', j.inner, before=there(j))


@test
def container_that_ended():
    """Nobody can detach there any more, and from the first namespace that is seen."""
    needs_root()
    if os.stat('/proc/self/ns/pid').st_ino != 0xeffffffc:
        raise lib.Skip('not the first PID namespace')
    with Jail(*PID_NS) as j:
        kill_tool(Attached('count', '-p', j.inner, 'work', before=there(j)))
        assert len(sessions()) == 1
    wait_for(lambda: not os.path.exists(f'/proc/{j.pid}'))
    assert not sessions()
    assert not (RUN / 'utramp').exists() or not os.listdir(RUN / 'utramp')


@test
def numbers_of_another_proc():
    """Our pids are others' there: nothing is read or written by way of it."""
    needs_root()
    inner = ('unshare', '--pid', '--fork', '--kill-child')
    with lib.Victim(VICTIM, 'mix', 1) as v:
        before = lib.Shown(v.pid)
        for way in (('--', VICTIM, 'mix', 1), ('-p', v.pid), ('-p', 2)):
            r = utramp('count', '-d', 0.1, 'work', *way, before=inner, code=1)
            assert r.err.startswith('utramp: /proc is not mounted, or of another PID') and \
                'mount -t proc' in r.err and r.err.count('\n') == 1, r
        r = utramp('doctor', before=inner, code=1)
        assert '/proc' in r.out and 'unshare --mount-proc' in r.out, r
        lib.same(before, lib.Shown(v.pid))


lib.main()
