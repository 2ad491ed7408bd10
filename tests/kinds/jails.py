#!/usr/bin/env python3
"""jails.py UTRAMP VICTIM - processes with other files, numbers, users than ours, all at once too.

Each is counted, traced and left, and is then as it was.  What cannot be is refused, and nothing
has been changed by then.
"""
import json
import os
import pathlib
import shutil
import subprocess

from kindslib import Jail, VICTIM, lib, needs_root, status, utramp
from attachlib import test

ALL = ('unshare', '-U', '-r', '-m', '-p', '-f', '--mount-proc', '-n', '-i', '-u', '-C', '--kill-child')
root = lib.tmp / 'root'
libraries = pathlib.Path('/lib/x86_64-linux-gnu')


def works(*command):
    needs_root()
    probe = subprocess.run([*command, 'true'], capture_output=True, text=True)
    if probe.returncode and 'chroot' not in command:
        raise lib.Skip(probe.stderr.strip())
    with Jail(*command) as j:
        before = lib.Shown(j.pid)
        r = utramp('count', '-j', '-d', 0.1, '-p', j.pid, 'work')
        assert json.loads(r.out)['calls'] > 0, r
        lib.same(before, lib.Shown(j.pid))
        r = utramp('trace', '-E', 20, '-j', '-p', j.pid, 'work')
        lines = [json.loads(x) for x in r.out.splitlines()]
        # numbers as the process itself has them
        assert len(lines) == 20 and {x['pid'] for x in lines} == {j.inner}, r
        tids = {int(status(t, 'NSpid').split()[-1]) for t in os.listdir(f'/proc/{j.pid}/task')}
        assert {x['tid'] for x in lines} <= tids, (tids, r)
        r = utramp('trace', '-d', 0.1, '-p', j.pid, 'libc:getenv')     # reads: a handler of ours comes and goes
        assert r.out == '', r
        lib.same(before, lib.Shown(j.pid))


@test
def mount_namespace():
    works('unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /tmp/.X11-unix 2>/dev/null; exec "$@"', 'sh')


@test
def other_tmp():
    """Our directories mean others there."""
    works('unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/shm; mount -t tmpfs none /var/tmp; exec "$@"', 'sh')


@test
def pid_namespace():
    works('unshare', '-p', '-f', '--mount-proc', '--kill-child')


@test
def user_namespace():
    works('unshare', '-U', '-r')


@test
def all_namespaces():
    works(*ALL)


@test
def another_user():
    works('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups')


def make_root(*dirs):
    shutil.rmtree(root, ignore_errors=True)
    for d in (libraries.as_posix(), '/lib64', '/bin', os.path.dirname(VICTIM), *dirs):
        (root / d[1:]).mkdir(parents=True, exist_ok=True)
    for f in ('libc.so.6', 'libm.so.6'):
        shutil.copy(libraries / f, root / libraries.as_posix()[1:])
    shutil.copy('/lib64/ld-linux-x86-64.so.2', root / 'lib64')
    shutil.copy('/bin/sh', root / 'bin')
    shutil.copy(VICTIM, root / VICTIM[1:])
    for d in (lib.tmp, root):
        d.chmod(0o755)


@test
def other_root():
    needs_root()
    make_root('/tmp')
    (root / 'tmp').chmod(0o1777)
    works('chroot', '--userspec=65534:65534', root)
    assert not list((root / 'tmp').glob('utramp-*'))


@test
def root_without_a_place():
    """No directory there takes the slabs' files: nothing was touched."""
    needs_root()
    make_root()
    ro = ('unshare', '-m', 'sh', '-c', f'mount --bind -o ro {root} {root} && mount -o remount,bind,ro {root} && '
          f'exec chroot {root} "$@"', 'sh')
    if subprocess.run([*ro, '/bin/sh', '-c', ':']).returncode:
        raise lib.Skip('no bind mounts')
    with Jail(*ro) as j:
        before = lib.Shown(j.pid)
        r = utramp('count', '-d', 0.2, '-p', j.pid, 'work', code=1)
        assert 'no directory for the slab files' in r.err and 'attached' not in r.err, r
        after = lib.Shown(j.pid)
        lib.same(before, after)


lib.main()
