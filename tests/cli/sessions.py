"""sessions.py - what ps.py and keep.py share: a target that does as it is told, and who is left.

A tool that is kept, or was killed, leaves processes and files on purpose.  So tests here say at
their end that nothing is left but their targets, within SOON seconds.
"""
import json
import time

from harness import *

SOON = 30.0     # where the machine is busy
ENGINE = os.environ.get('UTRAMP_TEST_ENGINE')


def wait_for(what, seconds=SOON):
    """The first true value of what(), or its last one when the time is over."""
    stop = time.monotonic() + seconds
    while not (got := what()) and time.monotonic() < stop:
        time.sleep(0.01)
    return got


class Target:
    """kept.c; it gave what it should, and its text is as it was, or the test fails."""
    made = []

    def __init__(self):
        self.p = subprocess.Popen([part('kept')], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.p.pid
        Target.made.append(self)
        assert self.p.stdout.readline() == 'ready\n'

    def calls(self, n):
        self.p.stdin.write(f'{n}\n')
        self.p.stdin.flush()
        assert self.p.stdout.readline() == f'ok {n}\n'

    def execs(self):
        self.p.stdin.write('x\n')
        self.p.stdin.flush()
        assert wait_for(self.execed)

    def execed(self):
        return os.readlink(f'/proc/{self.pid}/exe') != os.path.realpath(part('kept'))

    def end(self):
        self.p.stdin.close()
        assert self.p.wait(TIMEOUT) == 7
        return self


def work_at():
    out = subprocess.run(['nm', part('kept')], capture_output=True, text=True, check=True).stdout
    return int(re.search(r'^(\w+) [Tt] work$', out, re.M)[1], 16)


def is_patched(pid):
    """work() does not begin as its file says."""
    at = work_at()
    with open(part('kept'), 'rb') as f:
        f.seek(at)
        want = f.read(5)
    base = next(int(x.split('-')[0], 16) for x in open(f'/proc/{pid}/maps') if x.rstrip().endswith('/kept'))
    with open(f'/proc/{pid}/mem', 'rb') as f:
        f.seek(base + at)
        return f.read(5) != want


def tool(*args, code=0, **kw):
    """A run of the tool: its output, and its messages without their prefix."""
    kw.setdefault('stdin', subprocess.DEVNULL)
    args = [str(exe), *map(str, by_engine(args))]
    r = subprocess.run(args, env=env(), capture_output=True, text=True, timeout=TIMEOUT, **kw)
    err = [x for x in r.stderr.splitlines() if 'attaching: ' not in x]
    assert all(x.startswith('utramp: ') for x in err), err
    assert code is None or r.returncode == code, (r.returncode, r.stdout, err)
    return r.stdout, [x.removeprefix('utramp: ') for x in err]


def sessions(*pids):
    """What `utramp ps` says of these processes, of all of ours without."""
    out, _ = tool('ps', '-j')
    rows = [json.loads(x) for x in out.splitlines()]
    files = {p.name for p in slabs.glob('utramp/*')}
    return [r for r in rows if (r['pid'] in pids if pids else r['id'] in files)]


def session(pid, state):
    """The one session of this process, which is in that state."""
    rows = sessions(pid)
    assert len(rows) == 1 and rows[0]['state'] == state, (state, rows)
    return rows[0]


def kill(pid, sig=signal.SIGKILL):
    os.kill(pid, sig)


def parent(pid):
    return int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])


def alone():
    """Nothing is left but targets that live: no file, no process, no jump."""
    mine = {t.pid for t in Target.made}

    def left():
        for pid, state in children():
            if pid not in mine and state == 'Z':
                os.waitpid(pid, 0)
        files = [str(p.relative_to(slabs)) for p in slabs.rglob('*')]
        return files + [c for c in children() if c[0] not in mine]
    assert wait_for(lambda: not left()), f'left: {left()}'


def ended():
    """The test is over: its targets too."""
    alone()
    for t in Target.made:
        if t.p.poll() is None:
            assert t.execed() or not is_patched(t.pid)
            t.p.stdin.close()
            t.p.wait(TIMEOUT)
        t.p.stdout.close()
    Target.made.clear()


def whole(f):
    """@test, and at its end nothing is left."""
    def run():
        try:
            f()
        except BaseException:
            for t in Target.made:   # main() kills what is left
                t.p.kill()
                t.p.wait()
            Target.made.clear()
            raise
        ended()
    run.__name__ = f.__name__
    return test(run)
