#!/usr/bin/env python3
"""replaced.py UTRAMP PARTS - the file of a library that is mapped, and stays so, is replaced on disk.

What is patched is what is mapped: it is analysed, or refused by name, never the new file.
PYTHONPATH: tests/cli, whose harness this is.
"""
import json
import signal

from harness import *

STANDING = part('late_standing')
LIB = part('liblate.so')
MOVED = part('liblate-moved.so')
LINE = 'liblate:late_one'


class Victim:
    def __init__(self, lib):
        self.p = subprocess.Popen([STANDING, lib], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.p.stdout.readline() == 'ready\n'

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.p.stdin.close()

    def call(self, n):
        self.p.stdin.write(f'{n}\n')
        self.p.stdin.flush()
        assert self.p.stdout.readline() == f'{n}\n', 'a wrong result, or it is gone'

    def ends(self):
        self.p.stdin.close()
        assert self.p.wait(TIMEOUT) == 0


def library(name):
    d = tmp / name
    d.mkdir()
    shutil.copy(LIB, d / 'liblate.so')
    return d / 'liblate.so'


def renamed(lib):
    """As package managers do it: another file under its name, which the loader has not seen."""
    new = lib.with_name('new.so')
    shutil.copy(MOVED, new)
    new.rename(lib)


class Count:
    """`count` on a running victim, until told to end."""
    def __init__(self, victim):
        self.p = start('count', '-j', '-p', victim.p.pid, LINE, bufsize=0)
        self.err = b''
        while b'attached 1 function' not in self.err:
            line = self.p.stderr.readline()
            self.err += line
            if not line:
                break
        self.attached = b'attached 1 function' in self.err

    def end(self):
        if self.attached:
            self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=TIMEOUT)
        r = Result(self.p.returncode, out.decode(), (self.err + err).decode())
        r.calls = sum(json.loads(x)['calls'] for x in r.out.splitlines() if x.startswith('{'))
        return r


def counts_or_refuses(victim):
    """The calls that are made while it is attached, each of them; or nothing is touched."""
    c = Count(victim)
    victim.call(100)
    r = c.end()
    victim.call(10)
    if c.attached:
        assert r.code == 0 and r.calls == 100, r
    else:
        assert r.code in (1, 3) and 'late' in r.err, r
    return r


@test
def by_another_file_before():
    lib = library('before')
    with Victim(lib) as v:
        renamed(lib)
        r = counts_or_refuses(v)
        assert 'late_one' in r.out or 'liblate' in r.err, r
        v.ends()


@test
def by_another_file_while_attached():
    """It is left as it was found."""
    lib = library('while')
    with Victim(lib) as v:
        c = Count(v)
        assert c.attached, c.end()
        v.call(50)
        renamed(lib)
        v.call(50)
        r = c.end()
        assert r.code == 0 and r.calls == 100 and 'cannot' not in r.err, r
        v.call(10)
        v.ends()


@test
def by_nothing():
    lib = library('nothing')
    with Victim(lib) as v:
        lib.unlink()
        counts_or_refuses(v)
        v.ends()


@test
def in_place_by_more():
    """The file grows behind what is mapped: nothing that runs is another."""
    lib = library('more')
    with Victim(lib) as v:
        with open(lib, 'ab') as f:
            f.write(bytes(100000))
        r = counts_or_refuses(v)
        assert r.code == 0, r
        v.ends()


@test
def in_place_by_what_is_no_library():
    """It cannot run meanwhile; once the bytes are back, nothing has happened."""
    lib = library('place')
    was = lib.read_bytes()
    with Victim(lib) as v:
        with open(lib, 'r+b') as f:
            f.write(b'\0' * len(was))
        c = Count(v)
        r = c.end()
        assert not c.attached and r.code in (1, 3) and 'late' in r.err, r
        with open(lib, 'r+b') as f:
            f.write(was)
        v.call(10)
        v.ends()


@test
def in_place_while_attached():
    """The page that we wrote is the process's own: what is in the file since is not its business."""
    lib = library('held')
    with Victim(lib) as v:
        c = Count(v)
        assert c.attached, c.end()
        v.call(50)
        with open(lib, 'r+b') as f:
            f.seek(0, 2)
            f.write(b'\0' * 4096)
        v.call(50)
        r = c.end()
        assert r.code == 0 and r.calls == 100, r
        v.call(10)
        v.ends()


main()
