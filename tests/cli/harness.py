"""harness.py - run the tool as users do and look at everything it leaves.

A test is a function with @test; an AssertionError is its failure.  utramp() runs one
command and holds it to what is true of every run: stderr lines are the tool's own, no file
stays in the slab directory, no process survives.  Output is TAP.

How far attaching is stands on stderr once a second (cli/progress.c), so whether it does depends
on the machine: those lines are no part of what tests see, unless -q forbids them.
"""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

PR_SET_CHILD_SUBREAPER = 36
TIMEOUT = 60
ATTACHING = ('run', 'trace', 'count', 'latency', 'stack', 'inject')

tests = []
exe = pathlib.Path(sys.argv[1]).resolve()
parts = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
tmp = pathlib.Path(tempfile.mkdtemp(prefix='clitest-'))
slabs = tmp / 'run'


class Skip(Exception):
    pass


def test(f):
    tests.append(f)
    return f


def part(name):
    """A program, library or object that the build made for these tests."""
    return str(parts / name)


def env(**more):
    e = {k: v for k, v in os.environ.items() if not k.startswith(('LD_', 'UTRAMP_'))}
    e['XDG_RUNTIME_DIR'] = str(slabs)
    e['LC_ALL'] = 'C'
    e.update(more)
    return e


def children():
    """Processes whose parent we are: as subreaper, every orphan's too."""
    out = []
    for p in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            stat = (p / 'stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if stat[1] == str(os.getpid()):
            out.append((int(p.name), stat[0]))
    return out


def children_of(pid):
    out = []
    try:
        for t in pathlib.Path(f'/proc/{pid}/task').iterdir():
            out += [int(c) for c in (t / 'children').read_text().split()]
    except OSError:
        pass            # it has ended
    return out


def worker_of(p):
    """The tool's second process (cli/guard.c), which does the work."""
    pid, = children_of(p.pid)
    return pid


def targets_of(p):
    """The command: the worker's child, or none."""
    return [t for w in children_of(p.pid) for t in children_of(w)]


def nothing_left():
    left = sorted(str(p.relative_to(slabs)) for p in slabs.rglob('*'))
    assert not left, f'left in the slab directory: {left}'
    assert not children(), f'processes left: {children()}'


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f'exit code {self.code}\nstdout: {self.out!r}\nstderr: {self.err!r}'


def by_engine(args):
    """UTRAMP_TEST_ENGINE: everything that attaches runs in this engine, unless a test has its own."""
    engine = os.environ.get('UTRAMP_TEST_ENGINE')
    if not engine or not args or args[0] not in ATTACHING or '--engine' in args:
        return args
    return [args[0], '--engine', engine, *args[1:]]


def start(*args, **kw):
    kw.setdefault('env', env())
    kw.setdefault('stdin', subprocess.DEVNULL)
    kw.setdefault('stdout', subprocess.PIPE)
    kw.setdefault('stderr', subprocess.PIPE)
    return subprocess.Popen([str(exe), *map(str, by_engine(args))], **kw)


def without_progress(p, err):
    own = p.args[1:p.args.index('--')] if '--' in p.args else p.args[1:]
    if '--quiet' in own or any(re.match('-[a-z]*q', a) for a in own):
        return err
    return re.sub(r'^utramp: attaching: \d+ of \d+ functions?\n', '', err, flags=re.M)


def end(p, foreign=()):
    """Wait for it; foreign: beginnings of stderr lines that the target may write."""
    try:
        out, err = p.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        raise AssertionError(f'hangs; stdout {out!r}, stderr {err!r}')
    r = Result(p.returncode, (out or b'').decode(errors='replace'),
               without_progress(p, (err or b'').decode(errors='replace')))
    for line in r.err.splitlines():
        assert line.startswith(('utramp: ', *foreign)), r
    nothing_left()
    return r


def utramp(*args, foreign=(), **kw):
    return end(start(*args, **kw), foreign)


def refused(code, words, *args, lines=1, **kw):
    """It ends with code and says these words, in one line, and nothing on stdout."""
    r = utramp(*args, **kw)
    assert r.code == code, f'want {code}: {r}'
    assert r.out == '', r
    assert len(r.err.splitlines()) == lines, r
    for w in [words] if isinstance(words, str) else words:
        assert w in r.err, f'want {w!r}: {r}'
    return r


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    slabs.mkdir()
    bad = 0
    print(f'1..{len(tests)}', flush=True)
    for n, f in enumerate(tests, 1):
        try:
            f()
            print(f'ok {n} {f.__name__}', flush=True)
        except Skip as why:
            print(f'ok {n} {f.__name__} # SKIP {why}', flush=True)
        except Exception as e:          # an error in a test is a failure of it
            bad += 1
            text = traceback.format_exc() if not isinstance(e, AssertionError) or not str(e) \
                else str(e)
            print(f'not ok {n} {f.__name__}', *('# ' + x for x in text.splitlines()),
                  sep='\n', flush=True)
            for pid, _ in children():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            shutil.rmtree(slabs)
            slabs.mkdir()
    shutil.rmtree(tmp)
    sys.exit(1 if bad else 0)
