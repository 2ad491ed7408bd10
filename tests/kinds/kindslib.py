"""kindslib.py - programs in namespaces and jails, and the tool on them. On top of attach/attachlib.py."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'attach'))
import attachlib as lib                                       # noqa: E402

UTRAMP, VICTIM = map(os.path.realpath, sys.argv[1:3])
RUN = lib.tmp / 'run'
RUN.mkdir()
os.environ['XDG_RUNTIME_DIR'] = str(RUN)


def utramp(*args, code=0, before=()):
    r = lib.end(lib.start(*before, UTRAMP, *args))
    assert r.code == code, r
    return r


def sessions():
    r = lib.end(lib.start(UTRAMP, 'ps', '-j'))
    assert r.code == 0, r
    # root sees those of all users, and of all versions
    return [s for s in map(json.loads, r.out.splitlines()) if (RUN / 'utramp' / s['id']).exists()]


def wait_for(what, limit=30):
    end = time.monotonic() + limit
    while not (got := what()):
        assert time.monotonic() < end, 'it does not happen'
        time.sleep(0.02)
    return got


def children(pid):
    out = []
    for t in os.listdir(f'/proc/{pid}/task'):
        out += map(int, pathlib.Path(f'/proc/{pid}/task/{t}/children').read_text().split())
    return out


def status(pid, key):
    return re.search(rf'^{key}:\s*(.*)$', pathlib.Path(f'/proc/{pid}/status').read_text(), re.M)[1]


class Attached:
    """The tool at work: its line 'attached ...' has come."""

    def __init__(self, *args, before=()):
        self.p = lib.start(*before, UTRAMP, *args)
        self.said = b''
        while b'attached' not in self.said:
            line = self.p.stderr.readline()
            assert line, f'it has ended: {lib.end(self.p)} {self.said!r}'
            self.said += line

    def end(self):
        r = lib.end(self.p)
        r.err = self.said.decode() + r.err
        return r


class Jail:
    """A victim in namespaces of its own, and its pids: of ours, and there.  `command` ends in it."""

    def __init__(self, *command, mode=('mix', 2)):
        # the shell is init there, so that signals do to the victim what they do elsewhere
        self.v = lib.Victim(*command, 'sh', '-c', '"$@"; exit $?', 'sh', VICTIM, *map(str, mode))

    def __enter__(self):
        self.v.__enter__()
        name = pathlib.Path(VICTIM).name
        at = [self.v.pid]
        while pathlib.Path(f'/proc/{at[0]}/comm').read_text().strip() != name[:15]:
            at = children(at[0])
        self.pid = at[0]
        self.inner = int(status(self.pid, 'NSpid').split()[-1])
        return self

    def __exit__(self, *e):
        self.v.__exit__(*e)


def needs_root():
    if os.geteuid():
        raise lib.Skip('namespaces are made by root')
