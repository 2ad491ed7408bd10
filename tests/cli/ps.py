#!/usr/bin/env python3
"""ps.py UTRAMP PARTS - `utramp ps` and `utramp detach`: sessions of tools that live, that hang, that were
killed, that have ended.  Those that are kept are keep.py's."""
from sessions import *


class Tool:
    """`utramp count` on a target, attached."""

    def __init__(self, *pids, verb=('count', 'work')):
        self.p = subprocess.Popen([str(exe), *by_engine(verb), *(x for p in pids for x in ('-p', str(p)))],
                                  env=env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        while 'attached ' not in (line := self.p.stderr.readline()):
            assert line, 'it has ended'

    def result(self):
        out, err = self.p.communicate(timeout=TIMEOUT)
        return self.p.returncode, out, err

    def kill_both(self):
        worker = worker_of(self.p)
        kill(self.p.pid)
        kill(worker)
        self.result()
        assert wait_for(lambda: ('Z' in dict(children()).get(worker, 'Z')))


@whole
def nothing_attached():
    assert sessions() == []
    out, _ = tool('ps')
    assert out.split()[:8] == ['ID', 'PID', 'COMMAND', 'TOOL', 'STATE', 'FUNCTIONS', 'SINCE', 'VERB'], out
    _, err = tool('ps', 'x', code=2)
    assert err == ["ps takes no arguments: 'x'"], err


@whole
def live():
    t = Target()
    u = Tool(t.pid)
    s = session(t.pid, 'live')
    assert s['id'] == f'{t.pid}.1' and s['comm'] == 'kept' and s['functions'] == 1, s
    assert s['tool'] == worker_of(u.p) and abs(s['since'] - time.time()) < TIMEOUT, s
    assert s['verb'].startswith('count ') and s['verb'].endswith(f'work -p {t.pid}'), s
    out, _ = tool('ps')
    assert re.search(rf'^{t.pid}\.1 +{t.pid} kept +{s["tool"]} live +1  [\d-]+ [\d:]+  count .*work', out, re.M), out
    assert is_patched(t.pid)
    t.calls(30)
    out, err = tool('detach', t.pid)
    assert out == '' and err == [f'detached from process {t.pid}: 1 function is restored'], (out, err)
    assert not is_patched(t.pid)
    code, out, err = u.result()
    assert code == 0 and re.search(r'^ +30  kept:work$', out, re.M), (code, out, err)
    assert f'detached from process {t.pid}' in err, err


@whole
def by_id():
    t = Target()
    u, v = Tool(t.pid), Tool(t.pid, verb=('count', 'libc:getenv'))
    assert {s['id'] for s in sessions(t.pid)} == {f'{t.pid}.1', f'{t.pid}.2'}
    tool('detach', f'{t.pid}.1')
    assert u.result()[0] == 0 and not is_patched(t.pid)
    assert [s['id'] for s in sessions(t.pid)] == [f'{t.pid}.2']
    tool('detach', f'{t.pid}.2')
    assert v.result()[0] == 0


@whole
def several_of_one_tool():
    t, s = Target(), Target()
    u = Tool(t.pid, s.pid)
    assert {x['tool'] for x in sessions(t.pid, s.pid)} == {worker_of(u.p)}
    tool('detach', t.pid)           # it is one tool, and it ends
    code, out, err = u.result()
    assert code == 0 and 'detached from 2 processes' in err, err
    assert not is_patched(s.pid)


@whole
def not_attached():
    t = Target()
    _, err = tool('detach', t.pid, code=3)
    assert err == [f"process {t.pid} has nothing attached by utramp; see 'utramp ps'"], err
    _, err = tool('detach', f'{t.pid}.1', code=3)
    assert err == [f"there is no session '{t.pid}.1'; see 'utramp ps'"], err
    gone = subprocess.Popen(['true'])
    gone.wait()
    _, err = tool('detach', gone.pid, code=5)
    assert err == [f'there is no process {gone.pid}'], err
    for args in [], ['--all', t.pid], ['kept'], ['']:
        _, err = tool('detach', *args, code=2)
        assert len(err) == 1 and err[0].startswith('detach: '), err


@whole
def hangs():
    """A tool that is stopped does not detach, and that is said; it does when it goes on."""
    t = Target()
    u = Tool(t.pid)
    worker = worker_of(u.p)
    kill(worker, signal.SIGSTOP)
    begun = time.monotonic()
    _, err = tool('detach', t.pid, code=1)
    assert time.monotonic() - begun < SOON
    assert len(err) == 1 and 'did not detach: 1 function is patched still' in err[0], err
    session(t.pid, 'live')
    kill(worker, signal.SIGCONT)
    assert u.result()[0] == 0


@whole
def orphaned():
    t = Target()
    u = Tool(t.pid)
    u.kill_both()
    s = session(t.pid, 'orphaned')
    assert s['functions'] == 1 and is_patched(t.pid), s
    t.calls(100)
    _, err = tool('detach', s['id'])
    assert err == [f'detached from process {t.pid}: 1 function is restored'], err
    assert not is_patched(t.pid)
    t.calls(100)
    tool('detach', t.pid, code=3)


@whole
def orphan_that_ended():
    t = Target()
    u = Tool(t.pid)
    u.kill_both()
    t.end()
    assert list(slabs.glob('utramp/*'))
    assert sessions(t.pid) == []        # and its files are gone
    assert not list(slabs.glob('utramp/*'))
    tool('detach', t.pid, code=5)


@whole
def two_at_an_orphan():
    t = Target()
    Tool(t.pid).kill_both()
    p = [subprocess.Popen([str(exe), 'detach', str(t.pid)], env=env(), stderr=subprocess.PIPE, text=True)
         for _ in range(2)]
    said = [x.communicate(timeout=TIMEOUT)[1] for x in p]
    # one restores; the other finds nothing to do, or nothing at all
    assert {x.returncode for x in p} <= {0, 3} and any('1 function is restored' in s for s in said), said
    assert not is_patched(t.pid)


@whole
def damaged():
    """A file that is no journal is told of, and keeps nobody from the others."""
    t = Target()
    u = Tool(t.pid)
    (slabs / 'utramp' / '1.1').write_bytes(b'x' * 4096)
    out, err = tool('ps', '-j')
    assert any(x.startswith('session 1.1 cannot be read: ') for x in err), err     # root sees others' too
    assert str(t.pid) in out, out
    tool('detach', t.pid)
    assert u.result()[0] == 0
    (slabs / 'utramp' / '1.1').unlink()
    (slabs / 'utramp').rmdir()


main()
