"""lib.py - what the stress tests share: TAP, running commands, reading /proc."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time


class Tap:
    def __init__(self):
        self.n = self.failed = 0
        self.start = time.monotonic()

    def ok(self, good, name, *notes):
        self.n += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.n} - {name}', flush=True)
        for note in notes if not good else ():
            for line in str(note).splitlines()[:40]:
                print(f'# {line}', flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print(f'ok {self.n} - {name} # SKIP {why}', flush=True)

    def end(self):
        print(f'# {time.monotonic() - self.start:.1f} s')
        print(f'1..{self.n}')
        sys.exit(1 if self.failed else 0)


def by_engine(cmd):
    """UTRAMP_TEST_ENGINE: programs run in this engine."""
    engine = os.environ.get('UTRAMP_TEST_ENGINE')
    attaches = cmd[0].endswith('/utramp') and cmd[1] in ('run', 'trace', 'count', 'latency', 'stack')
    return [*cmd[:2], '--engine', engine, *cmd[2:]] if engine and attaches else cmd


def run(cmd, timeout=60, **kw):
    """A finished command: returncode (128 + N: signal N), stdout, stderr as text."""
    kw.setdefault('stdin', subprocess.DEVNULL)
    try:
        r = subprocess.run(by_engine([str(c) for c in cmd]), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, errors='replace', timeout=timeout, **kw)
    except subprocess.TimeoutExpired as e:
        return subprocess.CompletedProcess(cmd, -1000, '', f'no end after {timeout} s: {e}')
    if r.returncode < 0:
        r.returncode = 128 - r.returncode
    return r


def scratch():
    return pathlib.Path(tempfile.mkdtemp(prefix='stress-'))


def wait_for(what, seconds=10.0):
    """The first true value of what(), or None when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.005)
    return None


def alive(pid):
    """Neither gone nor a zombie."""
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def target_of(pid):
    """The command of the tool's process pid: its worker's child (cli/guard.c), or None."""
    worker = child_of(pid)
    return worker and child_of(worker)


def child_of(pid):
    """The one child of a process, or None."""
    try:
        text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    except OSError:
        return None
    return int(text[0]) if text else None


class Region:
    def __init__(self, line):
        f = line.split(None, 5)
        self.lo, self.hi = (int(x, 16) for x in f[0].split('-'))
        self.perms, self.offset, self.path = f[1], int(f[2], 16), f[5] if len(f) > 5 else ''
        self.path = self.path.strip()


def maps(pid):
    return [Region(line) for line in open(f'/proc/{pid}/maps')]


def is_ours(path):
    return re.search(r'/utramp-\w{6}/slab-|memfd:utramp', path) is not None


def text_differences(pid):
    """Bytes of executable mappings that are not the file's; None: nothing to compare."""
    found, modules = [], 0
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as mem:
        for m in maps(pid):
            if 'x' not in m.perms or not m.path.startswith('/') or is_ours(m.path):
                continue
            modules += 1
            with open(m.path, 'rb') as f:
                f.seek(m.offset)
                want = f.read(m.hi - m.lo)
            mem.seek(m.lo)
            have = mem.read(len(want))
            if have != want:
                at = next(i for i in range(len(want)) if have[i:i + 1] != want[i:i + 1])
                found.append(f'{m.path}+{m.offset + at:#x}')
    return found if modules >= 2 else None
