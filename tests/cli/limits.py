#!/usr/bin/env python3
"""limits.py UTRAMP PARTS - under resource limits, filters, other users; killed while it starts."""
import ctypes
import os
import re
import resource
import struct
import time

from harness import *

VICTIM = part('victim')
WORK = part('work.bpf.o')
NOBODY = 65534
FIXTURE = pathlib.Path(__file__).resolve().parent.parent / 'fixtures/args.btf'


def limit(what, n):
    return lambda: resource.setrlimit(what, (n, n))


def run(*options, **kw):
    return utramp('run', *options, '--', VICTIM, 'call', 1, **kw)


# -- resource limits --------------------------------------------------------------------------

@test
def small_files():
    """RLIMIT_FSIZE: a reason, not death by SIGXFSZ."""
    for verb in [['run', WORK], ['trace', 'work'], ['list', 'work']]:
        refused(1, ['RLIMIT_FSIZE is 1000 KiB', 'ulimit -f'], *verb, '--', VICTIM, 'call', 1,
                preexec_fn=limit(resource.RLIMIT_FSIZE, 1000 << 10))


@test
def few_descriptors():
    r = run('-q', WORK, preexec_fn=limit(resource.RLIMIT_NOFILE, 100))
    assert r.code == 0 and '> work(0, 1)\n< 1\n' in r.out and r.err == '', r


@test
def too_few_descriptors():
    for n in [4, 6, 9]:
        refused(1, [f'RLIMIT_NOFILE is {n}:', 'ulimit -n'], 'run', WORK, '--', VICTIM, 'call', 1,
                preexec_fn=limit(resource.RLIMIT_NOFILE, n))


# -- whose error it is ------------------------------------------------------------------------

def root_only():
    if os.getuid() != 0:
        raise Skip('needs root')


def as_nobody(*args, **kw):
    """The tool as a user without rights, where it can write its slab files."""
    root_only()
    tmp.chmod(0o755)
    slabs.chmod(0o777)

    def drop():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        subprocess.run([str(exe), '--version'], preexec_fn=drop, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Skip('another user cannot execute the tool here')
    return args, {'preexec_fn': drop, **kw}


def secret():
    path = tmp / 'secret'
    path.write_bytes(FIXTURE.read_bytes())
    path.chmod(0o600)
    return path


@test
def files_without_permission():
    path = secret()
    for args in [('args', path), ('list', f'{path}:x'), ('check', f'{path}:x'), ('run', path)]:
        if args[0] == 'run':
            args += ('--', VICTIM)
        args, kw = as_nobody(*args)
        refused(4, 'Permission denied', *args, **kw)
    for verb in [('trace', 'work'), ('list', 'work'), ('run', WORK)]:
        args, kw = as_nobody(*verb, '--btf', f'victim={path}', '--', VICTIM)
        refused(4, ['secret', 'Permission denied'], *args, **kw)


@test
def program_that_cannot_be_read():
    path = tmp / 'unreadable'
    path.write_bytes(open(VICTIM, 'rb').read())
    path.chmod(0o711)
    args, kw = as_nobody('trace', 'work', '--', path)
    refused(4, '', *args, **kw)


@test
def program_in_memory():
    """/proc/self/fd/N: found and executed, so whatever fails is not 126 or 127."""
    fd = os.memfd_create('program')
    os.write(fd, open('/bin/cat', 'rb').read())
    r = utramp('run', '-q', part('count.bpf.o'), '--attach', 'count=libc:exit', '--',
               f'/proc/self/fd/{fd}', pass_fds=[fd])
    os.close(fd)
    assert r.code in (0, 1) and len(r.err.splitlines()) == r.code, r


@test
def without_proc():
    root_only()
    if subprocess.run(['unshare', '-m', 'true'], capture_output=True).returncode:
        raise Skip('no mount namespaces')
    p = subprocess.Popen(['unshare', '-m', 'sh', '-c',
                          'mount -t tmpfs none /proc && exec "$0" trace work -- "$1"', str(exe),
                          VICTIM], env=env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    r = end(p)
    assert r.code == 1 and r.err.startswith('utramp: /proc is not mounted') and 'mount -t proc' in r.err and \
        len(r.err.splitlines()) == 1, r


@test
def types_of_nothing():
    for verb in [('trace', 'work'), ('list', 'work'), ('run', WORK)]:
        refused(3, "module 'zzz'", *verb, '--btf', f'zzz={FIXTURE}', '--', VICTIM)
        refused(1, 'No such file', *verb, '--btf', 'victim=/nonexistent', '--', VICTIM)
        refused(1, 'no BTF', *verb, '--btf', 'victim=/bin/true', '--', VICTIM)
        refused(3, "'nosuch'", *verb, '--proto', 'int nosuch(int,int)', '--', VICTIM)
        refused(2, 'prototype', *verb, '--proto', 'int nosuch(int,', '--', VICTIM)


# -- seccomp ----------------------------------------------------------------------------------

def filtered():
    """A filter that allows everything; what a target's own may forbid, nobody knows."""
    insn = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
    code = ctypes.create_string_buffer(insn)
    prog = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0, 'PR_SET_NO_NEW_PRIVS'
    assert libc.prctl(22, 2, prog, 0, 0) == 0, 'PR_SET_SECCOMP'


@test
def reads_under_seccomp():
    """They make no system call, which a filter may answer with death, unless that is asked for."""
    r = run('-q', part('read.bpf.o'))
    assert r.code == 0 and 'why "x"' in r.out, r
    r = run('-q', part('read.bpf.o'), preexec_fn=filtered)
    assert r.code == 0 and 'why "x"' in r.out, r
    refused(1, ['seccomp', '--faults=syscall'], 'run', '--faults=syscall', part('read.bpf.o'), '--', VICTIM,
            'call', 1, preexec_fn=filtered)
    r = run('-q', WORK, preexec_fn=filtered)
    assert r.code == 0 and '> work(0, 1)\n< 1\n' in r.out and r.err == '', r


# -- patterns ---------------------------------------------------------------------------------

@test
def functions_passed_over():
    """trace and run tell alike, in one line, how many of a pattern cannot be attached."""
    def lines(*args):
        r = utramp(*args, '--', VICTIM, 'exit', 0)
        assert r.code == 0, r
        return [x for x in r.err.splitlines() if 'not attached' in x]
    work = ['run', part('count.bpf.o'), '--attach', 'count=victim:*']
    for verb in [['trace', 'victim:*'], work]:
        one, = lines(*verb)
        n = re.fullmatch(r'utramp: not attached: (\d+) functions? of victim:\* \(--missing warn .*', one)
        assert n, one
        named = lines(*verb, '--missing', 'warn')
        assert len(named) == int(n[1]) > 1, named
        assert any('victim:tiny' in x for x in named) and any('IFUNC' in x for x in named), named
        assert lines(*verb, '--missing', 'ignore') == lines(*verb, '-q') == []


# -- while it starts --------------------------------------------------------------------------

def starting():
    """A tool that is about to attach to very many functions, and the command's id."""
    p = start('trace', '-o', '/dev/null', 'libc:*', '--', VICTIM, 'call', 1)
    end_by = time.monotonic() + 20
    while time.monotonic() < end_by:
        for pid in targets_of(p):
            maps = pathlib.Path(f'/proc/{pid}/maps').read_text()
            if VICTIM in maps and 'utramp-arena' in maps:
                return p, pid
        time.sleep(0.001)
    raise AssertionError('it does not start')


@test
def target_gone():
    """Killed by another while we attach: at once, or later."""
    for ms in [0, 2, 5, 10, 20, 40]:
        p, pid = starting()
        time.sleep(ms / 1000)
        os.kill(pid, signal.SIGKILL)
        r = end(p)
        last = r.err.splitlines()[-1]
        assert r.code == 5 and r.out == '' and f'process {pid}' in last, (ms, r)


@test
def interrupted_before_the_command_runs():
    p, _ = starting()
    p.send_signal(signal.SIGINT)
    r = end(p)
    assert r.code == 130 and r.out == '', r
    assert re.search('interrupted.*has not run$', r.err), r


main()
