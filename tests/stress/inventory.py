#!/usr/bin/env python3
"""inventory.py UTRAMP VICTIM - what /proc shows of a program after a detach, against one that was
never traced.

Mappings may be more by OURS below, and by nothing else.  All else is the same: descriptors,
threads, signal masks and actions, seccomp, environment, limits, personality, text.
"""
import collections
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys

import lib

UTRAMP, VICTIM = sys.argv[1:3]

# What stays mapped after a detach: the two slabs; the arena and its regions (rings), shared; the
# thread table, SHM_MAX_THREADS blocks of RT_THREAD_SIZE, private.
OURS = r'/\S+/utramp-\w{6}/slab-(exe|lib)\.so( \(deleted\))?|/memfd:utramp[-:]\w+ \(deleted\)'
# and the table of modules and unwind rows: shm/layout.h
THREAD_TABLE = 1024 * 2048 + (8 + 1024 * 24 + 4096 * 8 + 4095 & ~4095)

# FDSize is not among them: it comes from whoever forked.
STATUS = ('TracerPid', 'Uid', 'Gid', 'Groups', 'Threads', 'SigPnd', 'ShdPnd',
          'SigBlk', 'SigIgn', 'SigCgt', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb',
          'NoNewPrivs', 'Seccomp', 'Seccomp_filters', 'Speculation_Store_Bypass',
          'THP_enabled', 'CoreDumping', 'untag_mask', 'Umask', 'State', 'VmLck', 'VmPin')


class Shown:
    """What /proc says of one process."""

    def __init__(self, pid):
        p = pathlib.Path(f'/proc/{pid}')
        lines = (p / 'status').read_text().splitlines()
        self.status = {k: v.split() for k, v in (x.split(':', 1) for x in lines) if k in STATUS}
        self.tasks = len(os.listdir(p / 'task'))
        self.fds = {f: re.sub(r'\[\d+\]', '[]', os.readlink(p / 'fd' / f))
                    for f in os.listdir(p / 'fd')}
        self.limits = (p / 'limits').read_text()
        # LD_PRELOAD, the last entry, was overwritten with zeros
        self.environ = (p / 'environ').read_bytes().rstrip(b'\0')
        self.cmdline = (p / 'cmdline').read_bytes()
        self.personality = (p / 'personality').read_text()
        self.comms = sorted((p / 'task' / t / 'comm').read_text() for t in os.listdir(p / 'task'))
        self.coredump = (p / 'coredump_filter').read_text()
        self.regions = lib.maps(pid)


def describe(r):
    return f'{r.perms} {r.hi - r.lo:#x} {r.path or "anonymous"}'


def named(shown):
    """Regions with a name, apart from their address; heap and stack may differ in size."""
    return collections.Counter(
        (r.perms, r.path, r.offset, 0 if r.path in ('[heap]', '[stack]') else r.hi - r.lo)
        for r in shown.regions if r.path and not re.fullmatch(OURS, r.path))


def anonymous(shown):
    """Bytes by permissions: neighbours are one region, whose neighbour is a matter of chance."""
    sums = collections.Counter()
    for r in shown.regions:
        if not r.path:
            sums[r.perms] += r.hi - r.lo
    return sums


def start(cmd, out, limit=None):
    env = {'PATH': os.environ['PATH'], 'LANG': 'C', 'LAST': 'one', 'XDG_RUNTIME_DIR': str(out.parent)}
    return subprocess.Popen([str(c) for c in cmd], stdin=subprocess.PIPE, stdout=open(out, 'w'),
                            stderr=subprocess.PIPE, text=True, env=env, preexec_fn=limit)


def ready(out):
    return lib.wait_for(lambda: 'ready' in out.read_text(), 20)


def plain(tmp):
    out = tmp / 'out'
    p = start([VICTIM], out)
    ready(out)
    shown = Shown(p.pid)
    p.stdin.close()
    code = p.wait(60)
    p.stderr.close()
    return shown, code, out.read_text()


def traced(tap, tmp):
    """Traced, detached, looked at, ended."""
    out = tmp / 'out'
    p = start([UTRAMP, 'trace', '-o', tmp / 'calls', 'inventory_victim:counted', '--', VICTIM], out)
    ready(out)
    pid = lib.target_of(p.pid)
    lib.wait_for(lambda: (tmp / 'calls').read_text().count('counted') > 2)
    os.kill(p.pid, signal.SIGINT)
    lib.wait_for(lambda: lib.text_differences(pid) == [])
    shown = Shown(pid)
    p.stdin.close()
    code = p.wait(60)
    said = p.stderr.read()
    p.stderr.close()
    tap.ok('detached' in said and (tmp / 'calls').read_text().count('counted') > 2,
           'traced, then detached', said)
    tap.ok(not list(tmp.glob('utramp-*')), 'no slab file is left')
    return shown, code, out.read_text()


def compare_maps(tap, a, b):
    x, y = named(a), named(b)
    tap.ok(x == y, 'mappings with a name are the same but for ours', x - y, y - x)
    x, y = anonymous(a), anonymous(b)
    x['rw-p'] += THREAD_TABLE
    tap.ok(x == y, 'anonymous memory is the same but for the thread table', x, y)
    ours = [r for r in b.regions if re.fullmatch(OURS, r.path)]
    wx = [describe(r) for r in ours if 'w' in r.perms and 'x' in r.perms]
    tap.ok(ours and not wx, 'nothing of ours is writable and executable', *wx)


def compare(tap, a, b):
    for what in ('status', 'tasks', 'fds', 'limits', 'environ', 'cmdline', 'personality', 'comms',
                 'coredump'):
        x, y = getattr(a, what), getattr(b, what)
        if isinstance(x, dict):
            diff = [f'{k}: {x.get(k)} / {y.get(k)}' for k in {*x, *y} if x.get(k) != y.get(k)]
        else:
            diff = [f'{x!r} / {y!r}'] if x != y else []
        tap.ok(not diff, f'{what} is the same', *diff)
    tap.ok(b'LD_' not in b.environ, 'nothing of the loader in the environment', b.environ)
    compare_maps(tap, a, b)


def small_limit(tap, tmp):
    """Too little address space for our mappings: a reason, not a crash."""
    out = tmp / 'out'

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    cmd = [UTRAMP, 'trace', 'inventory_victim:counted', '--', VICTIM]
    p = start(cmd, out, limit)
    p.stdin.close()
    code = p.wait(30)
    said = p.stderr.read()
    p.stderr.close()
    tap.ok(code == 1 and said.startswith('utramp: ') and 'RLIMIT_AS' in said,
           f'a small RLIMIT_AS is refused by name ({code})', said)


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    a, code, text = plain(tmp)
    b, code2, text2 = traced(tap, tmp)
    compare(tap, a, b)
    tap.ok((code, text) == (7, text2) and code2 == 7,
           f'the heap grows as without us: {text2.splitlines()[-1:]}', code, text, code2, text2)
    small_limit(tap, tmp)
    shutil.rmtree(tmp)
    tap.end()


main()
