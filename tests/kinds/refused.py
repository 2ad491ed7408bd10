#!/usr/bin/env python3
"""refused.py UTRAMP VICTIM KIND=PROGRAM... - processes that run and cannot be attached to: each is refused by
name, with what to do instead, and goes on untouched; traced ones, and how many threads one may have.
"""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

from kindslib import UTRAMP, VICTIM, Attached, lib, status, utramp, wait_for
from attachlib import test

KINDS = dict(x.split('=', 1) for x in sys.argv[3:])
PTRACE_SEIZE, PTRACE_DETACH, PTRACE_INTERRUPT = 0x4206, 17, 0x4207
STATIC = 'runs a statically linked program', 'link it dynamically'
WORDS = {'static': STATIC, 'static-pie': STATIC,
         '32': ('runs a 32-bit program', 'build it for x86-64'),
         'go': ('runs a Go program', 'use what Go brings')}


def state(pid):
    lines = pathlib.Path(f'/proc/{pid}/maps').read_text().splitlines()
    text = [x for x in lines if '/' in x]   # anonymous memory is its own to change
    return text, [status(pid, k) for k in ('TracerPid', 'SigCgt', 'Threads')]


def is_refused(pid, code, *words):
    before = state(pid)
    r = utramp('count', '-p', pid, 'work', code=code)
    assert all(w in r.err for w in words) and r.err.count('\n') == 1 and r.out == '', r
    doctor = utramp('doctor', '-p', pid, code=code)
    assert all(w in doctor.out for w in words), doctor
    assert state(pid) == before, (before, state(pid))


def kind(name):
    p = subprocess.Popen([KINDS[name]], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.readlink(f'/proc/{p.pid}/exe') == os.path.realpath(KINDS[name]))
        wait_for(lambda: status(p.pid, 'State')[0] == 'S')
        is_refused(p.pid, 1, f'process {p.pid} ', *WORDS[name])
        assert p.poll() is None
    finally:
        p.kill()
        p.communicate()


@test
def statically_linked():
    kind('static')
    kind('static-pie')


@test
def of_32_bits():
    try:
        subprocess.Popen([KINDS['32']]).kill()
    except OSError as e:
        raise lib.Skip(f'the kernel runs none: {e}')
    kind('32')


@test
def of_go():
    kind('go')


@test
def traced_already():
    """By us, as gdb would be; afterwards it can be attached to."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    with lib.Victim(VICTIM, 1) as v:
        assert ptrace(PTRACE_SEIZE, v.pid, None, None) == 0, ctypes.get_errno()
        me = pathlib.Path('/proc/self/comm').read_text().strip()
        is_refused(v.pid, 4, f'process {v.pid} is traced by {me}, process {os.getpid()}',
                   'let that one detach or end')
        assert ptrace(PTRACE_INTERRUPT, v.pid, None, None) == 0
        os.waitpid(v.pid, 0)
        assert ptrace(PTRACE_DETACH, v.pid, None, None) == 0
        utramp('count', '-d', 0.1, '-p', v.pid, 'work')


@test
def first_thread_has_ended():
    v = lib.Victim(VICTIM, 2)
    v.__enter__()
    try:
        v.p.stdin.write(b'l')
        v.p.stdin.flush()
        wait_for(lambda: status(v.pid, 'State')[0] == 'Z')
        r = utramp('count', '-p', v.pid, 'work', code=1)
        assert f'the first thread of process {v.pid} has ended' in r.err and '-- CMD' in r.err, r
        assert v.p.poll() is None
    finally:
        v.p.kill()
        v.p.communicate()


@test
def two_thousand_threads():
    with lib.Victim(VICTIM, 2000) as v:
        wait_for(lambda: len(os.listdir(f'/proc/{v.pid}/task')) == 2001)
        text = lib.Shown(v.pid).text
        a = Attached('count', '-p', v.pid, 'work')
        time.sleep(0.2)
        a.p.send_signal(signal.SIGINT)
        r = a.end()
        assert r.code == 0 and 'detached' in r.err and 'work' in r.out, r
        assert lib.Shown(v.pid).text == text


lib.main()
