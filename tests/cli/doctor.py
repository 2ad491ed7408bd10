#!/usr/bin/env python3
"""doctor.py UTRAMP PARTS KIND32 STATIC - what `utramp doctor` says of this machine and of processes.

The processes are real: traced, of 32 bits, dead, the kernel's own, other users'.
"""
import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time

from harness import Skip, TIMEOUT, env, exe, main, refused, test, tmp, utramp

PTRACE_SEIZE, PTRACE_DETACH, PR_SET_DUMPABLE = 0x4206, 17, 4
NOBODY = 65534
kind32, static = (os.path.realpath(p) for p in sys.argv[3:5])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def doctor(*args, before=(), tool=exe):
    """Its exit code and lines, while processes of ours live (which utramp() would not bear)."""
    r = subprocess.run([*before, str(tool), 'doctor', '-j', *map(str, args)], env=env(),
                       capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
    assert r.stderr == '', r
    return r.returncode, [json.loads(line) for line in r.stdout.splitlines()]


def bad(lines):
    return [f'{x["text"]}; {x["remedy"]}' for x in lines if x['state'] == 'bad']


def of_process(lines):
    return [x for x in lines if x['of'] == 'process']


@contextlib.contextmanager
def process(*argv, user=None, **kw):
    """One that waits; ended and collected at the end."""
    p = subprocess.Popen(argv or ['sleep', '1000'], stdin=subprocess.PIPE, user=user, group=user,
                         extra_groups=None if user is None else [], **kw)
    try:
        name = os.path.basename((argv or ['sleep'])[0])[:15]
        end = time.monotonic() + TIMEOUT
        while open(f'/proc/{p.pid}/comm').read().strip() != name:  # it is executed by then
            assert time.monotonic() < end and p.poll() is None, p
            time.sleep(0.01)
        yield p.pid
    finally:
        p.kill()
        p.communicate()


def needs_root():
    if os.getuid():
        raise Skip('needs root')


@contextlib.contextmanager
def as_nobody():
    """A tool that it can execute, and how."""
    needs_root()
    if not shutil.which('setpriv'):
        raise Skip('setpriv is not installed')
    where = tmp / 'nobody'
    where.mkdir(exist_ok=True)
    for d in (tmp, where):
        d.chmod(0o755)
    shutil.copy(exe, where / 'utramp')
    yield {'before': ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups'],
           'tool': where / 'utramp'}


@test
def machine():
    code, lines = doctor()
    assert code == 0 and not bad(lines), lines  # no test that attaches would pass
    assert {x['of'] for x in lines} == {'machine'}, lines
    what = [x['what'] for x in lines]
    for w in ['kernel', 'system calls', 'tracing', 'ptrace scope', 'capabilities', 'seccomp',
              'security modules', 'user namespace', 'glibc', 'slab files', 'code']:
        assert w in what, what
    for x in lines:
        assert list(x) == ['of', 'what', 'state', 'text', 'remedy'], x
        assert x['state'] == 'ok' or x['remedy'], x
    assert os.uname().release in lines[0]['text'], lines[0]


@test
def as_text():
    r = utramp('doctor', '--color', 'never')
    lines = r.out.splitlines()
    assert r.code == 0 and r.err == '', r
    assert lines[0].startswith('ok    kernel            Linux '), r
    assert '\033' in utramp('doctor', '--color', 'always').out
    out = tmp / 'out'
    r = utramp('doctor', '-o', out)
    assert r.out == '' and out.read_text().splitlines()[0] == lines[0], r
    with process() as pid:
        text = subprocess.run([str(exe), 'doctor', '-p', str(pid)], env=env(), capture_output=True,
                              text=True, timeout=TIMEOUT).stdout
    head, tail = text.split('\n\n')
    assert head.splitlines()[0] == lines[0] and tail.startswith('ok    process  '), text


@test
def an_ordinary_process():
    with process() as pid:
        code, lines = doctor('-p', pid)
    said = {x['what']: x for x in of_process(lines)}
    assert code == 0 and not bad(lines), lines
    assert f'process {pid} (sleep), 1 thread' == said['process']['text'], said
    assert 'glibc 2.' in said['libc']['text'] and 'x86-64' in said['program']['text'], said
    assert said['access']['state'] == 'ok', said


@test
def two_processes():
    with process() as one, process() as two:
        code, lines = doctor('-p', one, f'--pid={two}')
    found = [x['text'] for x in lines if x['what'] == 'process']
    assert code == 0 and [t.split()[1] for t in found] == [str(one), str(two)], lines
    assert len([x for x in lines if x['what'] == 'kernel']) == 1, lines


@test
def a_traced_one():
    with process() as pid:
        if libc.ptrace(PTRACE_SEIZE, pid, None, None):
            raise AssertionError(os.strerror(ctypes.get_errno()))
        code, lines = doctor('-p', pid)
        me = open('/proc/self/comm').read().strip()
        assert code == 4 and len(bad(lines)) == 1, lines
        assert f'process {pid} is traced by {me}, process {os.getpid()}; ' in bad(lines)[0], lines


@test
def by_strace_or_gdb():
    """Whoever it is: a script of ours that traces, under another name."""
    script = tmp / 'a tracer'
    script.symlink_to(sys.executable)
    with process() as pid:
        trace = ('import ctypes, time; libc = ctypes.CDLL(None);'
                 f'print(libc.ptrace({PTRACE_SEIZE}, {pid}, None, None), flush=True); time.sleep(1000)')
        t = subprocess.Popen([str(script), '-S', '-c', trace], stdout=subprocess.PIPE, text=True)
        try:
            done = t.stdout.readline()
            code, lines = doctor('-p', pid)
        finally:
            t.kill()
            t.wait()
        if done != '0\n':
            raise Skip('only ancestors may trace here')
        assert code == 4 and f'is traced by a tracer, process {t.pid}; ' in bad(lines)[0], lines
        code, lines = doctor('-p', pid)
        assert code == 0, lines  # it is free again


@test
def of_32_bits():
    try:
        with process(kind32) as pid:
            code, lines = doctor('-p', pid)
    except OSError as e:
        raise Skip(f'this kernel executes no 32-bit programs: {e}')
    assert code == 1 and f'process {pid} runs a 32-bit program ({kind32}); ' in bad(lines)[0], \
        lines


@test
def a_static_one():
    with process(static, 'cat') as pid:
        code, lines = doctor('-p', pid)
    assert code == 1 and 'statically linked' in bad(lines)[0], lines


@test
def a_zombie():
    p = subprocess.Popen(['true'])
    os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
    code, lines = doctor('-p', p.pid)
    p.wait()
    assert code == 1, lines
    assert bad(lines) == [f'process {p.pid} (true) has ended, its parent {os.getpid()} has not '
                          'collected it; there is nothing left to attach to'], lines


@test
def one_that_has_ended():
    p = subprocess.Popen(['true'])
    p.wait()
    code, lines = doctor('-p', p.pid)
    assert code == 1 and f'there is no process {p.pid}; ' in bad(lines)[0], lines
    assert len(of_process(lines)) == 1, lines


@test
def a_thread():
    with process(sys.executable, '-S', '-c', 'import threading, time\n'
                 'threading.Thread(target=time.sleep, args=(1000,)).start()') as pid:
        end = time.monotonic() + TIMEOUT
        while len(tids := sorted(map(int, os.listdir(f'/proc/{pid}/task')))) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        code, lines = doctor('-p', tids[1])
    assert code == 1 and f'{tids[1]} is a thread of process {pid}; ' in bad(lines)[0], lines


@test
def a_kernel_thread():
    try:
        name = open('/proc/2/comm').read().strip()
    except OSError:
        name = ''
    if name != 'kthreadd':
        raise Skip('kernel threads are not seen here')
    code, lines = doctor('-p', 2)
    assert code == 1 and 'process 2 (kthreadd) is a kernel thread' in bad(lines)[0], lines


@test
def itself():
    r = subprocess.run(['sh', '-c', 'exec "$0" doctor -j -p $$', str(exe)], env=env(),
                       capture_output=True, text=True, timeout=TIMEOUT)
    assert r.returncode == 1 and 'is the one that asks' in r.stdout, r


@test
def another_user():
    with as_nobody() as how, process() as pid:
        code, lines = doctor('-p', pid, **how)
    assert code == 4, lines
    assert f"process {pid} is user 0's, and we are user {NOBODY}; " in bad(lines)[0], lines


@test
def not_dumpable():
    script = (f'import ctypes, os, time; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n'
              f'ctypes.CDLL(None).prctl({PR_SET_DUMPABLE}, 0, 0, 0, 0); time.sleep(1000)')
    with as_nobody() as how:
        with process(sys.executable, '-S', '-c', script) as pid:
            end = time.monotonic() + TIMEOUT
            while f'Uid:\t{NOBODY}' not in open(f'/proc/{pid}/status').read() or \
                    os.stat(f'/proc/{pid}/stat').st_uid:
                assert time.monotonic() < end
                time.sleep(0.01)
            code, lines = doctor('-p', pid, **how)
            assert code == 4 and f'process {pid} is not dumpable: ' in bad(lines)[0], lines
            code, lines = doctor('-p', pid)  # root does not mind
            assert code == 0, lines


@test
def without_privileges():
    """Its own processes can be attached to, if Yama does not mind."""
    with as_nobody() as how, process(user=NOBODY) as pid:
        code, lines = doctor('-p', pid, **how)
    said = {x['what']: x for x in of_process(lines)}
    if 'ptrace scope' not in said:
        assert code == 0 and said['access']['state'] == 'ok', lines
    else:
        assert code == 4 and 'ptrace_scope' in bad(lines)[0], lines


def found(*args):
    """The processes that are meant; its exit code."""
    code, lines = doctor(*args)
    return code, sorted(int(x['text'].split()[1]) for x in lines if x['what'] == 'process')


@test
def by_name():
    """By executable (longer than a comm), by comm, by pattern."""
    name = 'utramp-named-thing'
    tool = tmp / name
    shutil.copy(shutil.which('sleep'), tool)
    with process(str(tool), '1000') as one, process(str(tool), '1001') as two, process() as other:
        both = sorted([one, two])
        assert found('-n', name) == (0, both), found('-n', name)
        assert found('-n', name[:15]) == (0, both)
        assert found('-n', 'utramp-n?med-*g') == (0, both)
        assert found(f'--comm={name}', '-p', other, '-p', one) == (0, sorted([*both, other]))
        tool.unlink()
        assert found('-n', name) == (0, both)
        refused_with(name + 'x')
        refused_with('utramp-n?med-*gg')
        refused_with('tramp-named-thing')
        refused_with('[u]tramp-named-thing')
    refused_with(name)


def refused_with(name):
    r = subprocess.run([str(exe), 'doctor', '-n', name], env=env(), capture_output=True, text=True,
                       timeout=TIMEOUT)
    assert r.returncode == 3 and r.stdout == '', r
    assert r.stderr == f'utramp: no process is named {name}\n', r


@test
def not_its_own_processes():
    """It is none of those of its name; another utramp, with which it has nothing to do, is one."""
    tool = tmp / 'utramp-itself'
    shutil.copy(exe, tool)
    r = subprocess.run([str(tool), 'doctor', '-n', 'utramp-itself'], env=env(), capture_output=True,
                       text=True, timeout=TIMEOUT)
    assert r.returncode == 3 and 'no process is named utramp-itself' in r.stderr, r
    fifo = tmp / 'fifo'
    os.mkfifo(fifo)  # nobody reads, so it waits
    with process(str(tool), 'doctor', '-o', str(fifo)) as other:
        r = subprocess.run([str(tool), 'doctor', '-j', '-n', 'utramp-itself'], env=env(),
                           capture_output=True, text=True, timeout=TIMEOUT)
        assert f'"process {other} (utramp-itself)' in r.stdout, r


@test
def usage():
    refused(2, "'x'", 'doctor', 'x')
    refused(2, "'--'", 'doctor', '--', 'true')
    for p in ['0', '-1', 'x', '', '1x', '4294967296']:
        refused(2, 'is not a value it takes', 'doctor', f'--pid={p}')
    refused(2, 'value is missing', 'doctor', '-p')
    refused(2, 'is not a value it takes', 'doctor', '-n', '')
    refused(2, 'no option of this verb', 'doctor', '-d', '1')


if __name__ == '__main__':
    main()
