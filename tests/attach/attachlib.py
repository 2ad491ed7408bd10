"""attachlib.py - programs that run, the tool on them, and what /proc shows of both. Output is TAP."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

TIMEOUT = 120
tests = []
tmp = pathlib.Path(tempfile.mkdtemp(prefix='attachtest-'))


class Skip(Exception):
    """What the test needs is not to be had here."""


def test(f):
    tests.append(f)
    return f


class Victim:
    """A victim, ready; at the end of the `with` it must have found everything right."""

    def __init__(self, *cmd, **env):
        self.p = subprocess.Popen([str(c) for c in cmd], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env={**os.environ, **env})
        self.pid = self.p.pid

    def __enter__(self):
        line = self.p.stdout.readline()
        assert line == b'ready\n', f'the victim says {line!r}'
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.p.kill()
            self.p.communicate()
            return
        try:
            out, _ = self.p.communicate(b'.', timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()
            raise AssertionError('the victim hangs')
        assert self.p.returncode == 0 and out.startswith(b'ok '), \
            f'the victim ends with {self.p.returncode}: {out!r}'


class Result:
    def __init__(self, p, out, err):
        self.code, self.out = p.returncode, out.decode(errors='replace')
        self.err = re.sub(r'^utramp: attaching: .*\n', '', err.decode(errors='replace'), flags=re.M)

    def __repr__(self):
        return f'exit code {self.code}\nstdout: {self.out!r}\nstderr: {self.err!r}'


def start(exe, *args):
    return subprocess.Popen([str(exe), *map(str, args)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(p):
    try:
        out, err = p.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        raise AssertionError(f'the tool hangs: {out!r} {err!r}')
    return Result(p, out, err)


STATUS = ('TracerPid', 'Threads', 'SigQ', 'SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'Seccomp',
          'NoNewPrivs', 'Groups', 'Uid', 'Gid')
MAP = re.compile(r'(\w+)-(\w+) (\S+) (\w+) \S+ \d+ *(.*)')
SLAB = re.compile(r'/utramp-\w{6}/slab-(exe|lib)\.so')


def maps(pid):
    for line in pathlib.Path(f'/proc/{pid}/maps').read_text().splitlines():
        lo, hi, perms, _, path = MAP.match(line).groups()
        yield int(lo, 16), int(hi, 16), perms, path


class Shown:
    """What must be as before.  Anonymous memory is the program's own to change; named is not."""

    def __init__(self, pid):
        p = pathlib.Path(f'/proc/{pid}')
        lines = (x.split(':', 1) for x in (p / 'status').read_text().splitlines())
        self.status = {k: v.split() for k, v in lines if k in STATUS and k != 'SigQ'}
        self.threads = {t.name: (t / 'status').read_text().split('SigBlk:')[1].split()[0]
                        for t in (p / 'task').iterdir()}
        self.fd = {f: os.readlink(p / 'fd' / f) for f in os.listdir(p / 'fd')}
        self.environ = (p / 'environ').read_bytes()
        self.maps = [m for m in maps(pid) if m[3] and not SLAB.search(m[3]) and m[3] != '[heap]']
        self.text = {}
        with open(p / 'mem', 'rb', 0) as mem:
            for lo, hi, perms, path in self.maps:
                if 'x' in perms and path.startswith('/'):
                    mem.seek(lo)
                    self.text[lo] = mem.read(hi - lo)


def same(a, b):
    for k, v in vars(a).items():
        if k == 'text':
            assert v == b.text, 'text has changed'
        else:
            assert v == vars(b)[k], f'{k}: {v} is now {vars(b)[k]}'


def main(names=None):
    bad = 0
    print(f'1..{len(tests)}', flush=True)
    for n, f in enumerate(tests, 1):
        try:
            f()
            print(f'ok {n} {f.__name__}', flush=True)
        except Skip as e:
            print(f'ok {n} {f.__name__} # SKIP {e}', flush=True)
        except Exception as e:          # an error in a test is a failure of it
            bad += 1
            text = str(e) if isinstance(e, AssertionError) and str(e) else traceback.format_exc()
            print(f'not ok {n} {f.__name__}', *('# ' + x for x in text.splitlines()), sep='\n',
                  flush=True)
    shutil.rmtree(tmp, ignore_errors=True)
    sys.exit(1 if bad else 0)
