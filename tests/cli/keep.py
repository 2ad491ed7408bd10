#!/usr/bin/env python3
"""keep.py UTRAMP PARTS - --keep: what was started ends, the session goes on, and `detach` has its output.

Where output is counted, the target calls as often as it is told to, so numbers are exact.
"""
import pty
import socket

from sessions import *

WORK = r'kept:work\(n=(\d+)\) += (\d+) '


def keep(*args, pids=(), **kw):
    """Start it; what it says, but that it is attached and kept."""
    out, err = tool(*args[:1], '--keep', *args[1:], *(x for p in pids for x in ('-p', p)), **kw)
    assert re.fullmatch(r'attached \d+ functions? in .*', err[-2]), err
    assert re.fullmatch(r'sessions? \d.* (is|are) kept; utramp detach \d+\.\d ends (it|them)', err[-1]), err
    assert out == '', out
    return err[:-2]


def both(pid):
    """Worker and front of a kept session."""
    worker = session(pid, 'kept')['tool']
    return worker, parent(worker)


def lines(out):
    """The calls in this output, all right and in their order: the first and how many; nothing else is there."""
    found = [re.fullmatch(WORK + '.*', x) for x in out.splitlines()]
    assert all(found), out[:2000]
    n = [int(m[1]) for m in found]
    assert all(int(m[2]) == 2 * i + 1 for m, i in zip(found, n)), out[:2000]
    assert n == list(range(n[0], n[0] + len(n))), n[:100]
    return n[0], len(n)


@whole
def count():
    """The first of all: pipes end (tool() reads them), and detach prints the table."""
    t = Target()
    keep('count', 'work', pids=[t.pid])
    s = session(t.pid, 'kept')
    assert s['functions'] == 1 and s['comm'] == 'kept' and '--keep' in s['verb'], s
    assert is_patched(t.pid)
    t.calls(1000)
    out, err = tool('detach', t.pid)
    assert out == '       CALLS  FUNCTION\n        1000  kept:work\n        1000  total\n', out
    assert err == [f'detached from process {t.pid}', '1 of 1 function was called'], err
    assert not is_patched(t.pid)
    tool('detach', t.pid, code=3)


@whole
def lets_go():
    """No terminal, no session of ours, no descriptor of the user's."""
    t = Target()
    r, w = os.pipe()
    os.set_inheritable(w, True)
    keep('count', 'work', pids=[t.pid], pass_fds=[w])
    os.close(w)
    assert os.read(r, 1) == b''     # its end
    os.close(r)
    for pid in both(t.pid):
        stat = open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()
        assert int(stat[3]) not in (os.getsid(0), 0) and stat[4] == '0', stat
        for fd in range(3):
            assert os.readlink(f'/proc/{pid}/fd/{fd}') == '/dev/null', (pid, fd)
    tool('detach', t.pid)


@whole
def in_json():
    """The same bytes as without: keys and their order, of each kind of line."""
    t = Target()
    for verb, obj in ('trace', ['work']), ('count', ['work']), ('run', [part('several.bpf.o')]), \
            ('latency', ['work']), ('stack', ['work']), ('inject', ['work=9', '--from', '*', '--if', 'n < 0']):
        p = subprocess.Popen([str(exe), *by_engine([verb, '-j', *obj, '-p', str(t.pid)])], env=env(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while 'attached ' not in (line := p.stderr.readline()):
            assert line, verb
        t.calls(50)
        tool('detach', t.pid)
        plain, _ = p.communicate(timeout=TIMEOUT)
        keep(verb, '-j', *obj, pids=[t.pid])
        t.calls(50)
        kept, _ = tool('detach', t.pid)

        def shape(text):
            return [list(json.loads(x)) for x in text.splitlines()]
        assert shape(plain) == shape(kept) and kept, (verb, plain, kept)
        assert all(x == json.dumps(json.loads(x), separators=(',', ':'), ensure_ascii=False)
                   for x in kept.splitlines() if verb in ('trace', 'count')), kept


@whole
def into_a_file():
    """-o: written as calls come, as without --keep; detach has no more than messages."""
    t = Target()
    f = tmp / 'kept-out'
    keep('trace', '-o', f, 'work', pids=[t.pid])
    t.calls(10)
    assert wait_for(lambda: f.read_text().count('\n') == 10), f.read_text()
    t.calls(5)
    out, err = tool('detach', t.pid)
    assert out == '' and err == [f'detached from process {t.pid}'], (out, err)
    found = re.findall(WORK, f.read_text())
    assert [int(n) for n, _ in found] == [*range(10), *range(5)], found
    # the target ends: nothing waits for anybody
    keep('count', '-o', f, 'work', pids=[t.pid])
    t.calls(3)
    t.end()
    alone()
    assert re.search(r'^ +3  kept:work$', f.read_text(), re.M), f.read_text()


@whole
def quiet():
    t = Target()
    _, err = tool('trace', '--keep', '-q', 'work', '-p', t.pid)
    assert err == [], err
    t.calls(4)
    out, err = tool('detach', '-q', t.pid)
    assert lines(out) == (0, 4) and err == [], (out, err)


@whole
def limits():
    """-d, -E and -i mean what they mean; the output waits under the session's name."""
    t = Target()
    keep('count', '-d', '0.2', 'work', pids=[t.pid])
    t.calls(9)
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert not is_patched(t.pid)
    s = session(t.pid, 'ended')
    assert s['id'] == f'{t.pid}.1' and s['tool'] is None and not s['functions'] and 'count' in s['verb'], s
    out, _ = tool('ps')
    assert re.search(rf'^{t.pid}\.1 +{t.pid} \? +0 ended +0  ', out, re.M), out
    out, err = tool('detach', s['id'])
    assert re.search(r'^ +\d  kept:work$', out, re.M) and f'detached from process {t.pid}' in err, (out, err)
    alone()

    keep('trace', '-E', '3', 'work', pids=[t.pid])
    t.calls(9)
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert lines(tool('detach', t.pid)[0]) == (0, 3)
    alone()

    keep('count', '-i', '0.1', 'work', pids=[t.pid])
    t.calls(9)
    time.sleep(0.5)
    out, _ = tool('detach', t.pid)
    assert out.count('  total\n') >= 3 and sum(map(int, re.findall(r'(\d+)  kept:work', out))) == 9, out


@whole
def target_ends():
    t = Target()
    keep('count', 'work', pids=[t.pid])
    t.calls(12)
    t.end()
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    out, err = tool('detach', t.pid)
    assert re.search(r'^ +12  kept:work$', out, re.M), out
    assert err == [f'process {t.pid} has ended', '1 of 1 function was called'], err
    alone()
    tool('detach', f'{t.pid}.1', code=3)


@whole
def target_execs():
    t = Target()
    keep('trace', 'work', pids=[t.pid])
    t.calls(2)
    t.execs()
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    out, err = tool('detach', t.pid)
    assert lines(out) == (0, 2), out
    assert len(err) == 1 and 'executed another program' in err[0], err
    # with -o, too: what is wrong is told, not what is usual
    t = Target()
    keep('trace', '-o', tmp / 'kept-out', 'work', pids=[t.pid])
    t.execs()
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert 'executed another program' in tool('detach', t.pid)[1][0]


@whole
def nothing_patched():
    """Its module has not come yet: it is asked all the same."""
    t = Target()
    out, err = tool('count', '--keep', '--wait', 'libkept_is_not_there.so:f', '-p', t.pid)
    assert 'is kept' in err[-1], err
    session(t.pid, 'kept')
    begun = time.monotonic()
    out, err = tool('detach', t.pid)
    assert time.monotonic() - begun < SOON
    assert re.search(r'^ +0  total$', out, re.M) and f'detached from process {t.pid}' in err, (out, err)
    assert any('was never loaded' in x for x in err), err
    alone()
    keep('count', '--missing', 'ignore', 'no_such_function', pids=[t.pid])
    assert session(t.pid, 'kept')['functions'] == 0
    begun = time.monotonic()
    out, _ = tool('detach', t.pid)
    assert time.monotonic() - begun < SOON and re.search(r'^ +0  total$', out, re.M), out


@whole
def logged_out():
    """Where sessions are is taken away, as at the end of a login: nobody could end this one."""
    t = Target()
    keep('count', 'work', pids=[t.pid])
    pids = both(t.pid)
    t.calls(8)
    shutil.rmtree(slabs / 'utramp')
    assert wait_for(lambda: not is_patched(t.pid))
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert not [p for p in pids if (p, 'S') in children()]
    out, err = tool('detach', t.pid)
    assert re.search(r'^ +8  kept:work$', out, re.M), out
    assert f"process {t.pid}: its file was removed, so that 'utramp detach' would not find it" in err, err


@whole
def asked_by_a_signal():
    """SIGTERM to either process: the end, and the output waits."""
    for which in 0, 1:
        t = Target()
        keep('count', 'work', pids=[t.pid])
        t.calls(5)
        kill(both(t.pid)[which], signal.SIGTERM)
        assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
        assert not is_patched(t.pid)
        assert re.search(r'^ +5  kept:work$', tool('detach', t.pid)[0], re.M)
        alone()


@whole
def worker_killed():
    t = Target()
    keep('count', 'work', pids=[t.pid])
    kill(both(t.pid)[0])
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert not is_patched(t.pid)
    t.calls(10)
    out, err = tool('detach', t.pid)
    assert out == '' and err == [f'the worker was killed by SIGKILL; process {t.pid} was restored',
                                 'the output of this session was lost'], (out, err)


@whole
def front_killed():
    t = Target()
    keep('count', 'work', pids=[t.pid])
    t.calls(10)
    kill(both(t.pid)[1])
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    assert not is_patched(t.pid)
    out, err = tool('detach', t.pid)
    assert re.search(r'^ +10  kept:work$', out, re.M), out
    assert f'the front process was killed: process {t.pid} goes on alone' in err, err


@whole
def both_killed():
    t = Target()
    keep('count', 'work', pids=[t.pid])
    worker, front = both(t.pid)
    kill(front, signal.SIGSTOP)         # it does not get to undo
    kill(worker)
    kill(front)
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['orphaned']), sessions()
    assert is_patched(t.pid)
    _, err = tool('detach', t.pid)
    assert err == [f'detached from process {t.pid}: 1 function is restored'], err
    t.calls(10)
    assert not is_patched(t.pid)


def connect(pid):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(slabs / 'utramp' / f'{pid}.1.sock'))
    return s


@whole
def two_detaches():
    """Whoever came before the end gets all of it; nobody gets half."""
    for _ in range(5):
        t = Target()
        keep('count', 'work', pids=[t.pid])
        t.calls(20)
        p = [subprocess.Popen([str(exe), 'detach', str(t.pid)], env=env(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) for _ in range(2)]
        got = [x.communicate(timeout=TIMEOUT) for x in p]
        table = [bool(re.search(r'^ +20  kept:work$', out, re.M)) for out, _ in got]
        assert any(table), got
        for x, (out, err), has in zip(p, got, table):
            late = 'has nothing attached' in err and x.returncode == 3
            missed = 'without giving us its output' in err and x.returncode == 1
            assert (has and x.returncode == 0) or (out == '' and (late or missed or not x.returncode)), (got, x)
        alone()
        t.end()


@whole
def one_reader_too_many():
    """Sixteen are served; who comes behind them has what was saved."""
    t = Target()
    keep('count', 'work', pids=[t.pid])
    t.calls(20)
    for _ in range(16):
        connect(t.pid).close()
    out, err = tool('detach', t.pid)
    assert re.search(r'^ +20  kept:work$', out, re.M) and f'detached from process {t.pid}' in err, (out, err)


@whole
def ends_as_detach_comes():
    """Its output is had once: by who comes in time, or else by the next."""
    t = Target()
    for i in range(12):
        keep('count', 'work', pids=[t.pid])
        worker, _ = both(t.pid)
        t.calls(20)
        kill(worker, signal.SIGTERM)
        time.sleep(0.01 * (i % 6))
        had = []
        for _ in range(2):
            r = subprocess.run([str(exe), 'detach', str(t.pid)], env=env(), capture_output=True, text=True,
                               timeout=TIMEOUT)
            has = bool(re.search(r'^ +20  kept:work$', r.stdout, re.M))
            assert r.returncode == 0 if has else 'has nothing attached' in r.stderr, r
            had.append(has)
            assert wait_for(lambda: not is_patched(t.pid) and 'kept' not in [s['state'] for s in sessions(t.pid)])
            assert wait_for(lambda: not [c for c in children() if c[0] != t.pid and c[1] != 'Z'])
        assert had.count(True) == 1, had
        alone()


@whole
def reader_goes_away():
    """A pipe that ends, and one that nobody reads: the session ends all the same."""
    t = Target()
    for reads in False, True:
        keep('trace', 'work', pids=[t.pid])
        t.calls(3000)       # more than a pipe and a socket hold
        r, w = os.pipe()
        if not reads:
            os.close(r)
        p = subprocess.Popen([str(exe), 'detach', str(t.pid)], env=env(), stdout=w, stderr=subprocess.PIPE)
        os.close(w)
        assert wait_for(lambda: not sessions(t.pid)), sessions()
        assert not is_patched(t.pid)
        assert wait_for(lambda: not [c for c in children() if c[0] not in (t.pid, p.pid) and c[1] != 'Z'])
        if reads:
            assert p.poll() is None         # it waits for us, and the session did not
            with open(r) as f:
                assert lines(f.read()) == (0, 3000)
        p.communicate(timeout=TIMEOUT)
        assert p.returncode == (0 if reads else 1), p.returncode
        alone()


@whole
def saved_and_the_reader_goes_away():
    """It has seen enough: what was saved is gone."""
    t = Target()
    keep('trace', '-E', '3000', 'work', pids=[t.pid])
    t.calls(3000)
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    r, w = os.pipe()
    os.close(r)
    p = subprocess.run([str(exe), 'detach', str(t.pid)], env=env(), stdout=w, stderr=subprocess.PIPE,
                       timeout=TIMEOUT)
    os.close(w)
    assert p.returncode == 1 and b'detached from' in p.stderr, p
    alone()


@whole
def at_a_terminal():
    """Others may have written what is printed: it does not steer the terminal."""
    t = Target()
    keep('trace', 'work', pids=[t.pid])
    saved = slabs / 'utramp' / f'{t.pid}.1'
    t.calls(1)
    kill(both(t.pid)[0], signal.SIGTERM)
    assert wait_for(lambda: [s['state'] for s in sessions(t.pid)] == ['ended']), sessions()
    data = saved.read_bytes()
    assert data.count(b'kept:work') >= 1
    saved.write_bytes(data.replace(b'kept:work', b'\x1b]2;\xc3\xa9ab\a'))
    said = through_terminal('detach', t.pid)
    assert '?]2;\u00e9ab?(n=0)' in said and '\x1b' not in said, said


@whole
def reader_takes_nothing():
    """A detach that was killed, one that hangs: the output waits for the next."""
    t = Target()
    for hangs in False, True:
        keep('trace', 'work', pids=[t.pid])
        t.calls(6000)
        s = connect(t.pid)
        if not hangs:
            s.close()
        kill(both(t.pid)[0], signal.SIGTERM)
        assert wait_for(lambda: [x['state'] for x in sessions(t.pid)] == ['ended']), sessions()
        s.close()
        assert lines(tool('detach', t.pid)[0]) == (0, 6000)
        alone()


@whole
def who_connects_costs_nothing():
    """A connection that asks for nothing, and one more than are served: the target goes on, and the session."""
    t = Target()
    keep('count', 'work', pids=[t.pid])
    s = connect(t.pid)
    s.sendall(b'hello')
    t.calls(10)
    session(t.pid, 'kept')
    s.close()
    out, _ = tool('detach', t.pid)
    assert re.search(r'^ +10  kept:work$', out, re.M), out


@whole
def only_so_much():
    """Without a file the last lines are held, and how many are not is told."""
    if ENGINE == 'interp':
        raise Skip('a matter of amount')
    t, n = Target(), 600000             # more than the ring takes, too
    keep('trace', '--lossless', 'work', pids=[t.pid])
    t.calls(n)
    out, err = tool('detach', t.pid)
    first, have = lines(out)
    assert first + have == n and 4 << 20 < len(out) <= 8 << 20, (first, have, len(out))
    assert f'{first} lines of the output left out, the oldest: without -o the last 8 MiB are held' in err, err


@whole
def several():
    t, s = Target(), Target()
    keep('count', 'work', pids=[t.pid, s.pid])
    rows = sessions(t.pid, s.pid)
    assert [r['state'] for r in rows] == ['kept', 'kept'] and len({r['tool'] for r in rows}) == 1, rows
    t.calls(5)
    s.calls(7)
    out, err = tool('detach', f'{s.pid}.1')     # either name does
    assert re.search(r'^ +12  kept:work$', out, re.M) and 'detached from 2 processes' in err, (out, err)
    assert not is_patched(t.pid) and not is_patched(s.pid)
    alone()
    keep('count', 'work', pids=[t.pid, s.pid])
    keep('count', 'libc:getenv', pids=[t.pid])
    s.calls(3)
    names = [r['id'] for r in sessions(t.pid, s.pid)]
    out, err = tool('detach', *names, code=3)       # one of them has ended when its turn comes
    assert sum('there is no session' in x for x in err) == 1, err
    assert len(names) == 3 and out.count('  total\n') == 2 and re.search(r'^ +3  kept:work$', out, re.M), out
    assert not any('0 functions' in x for x in err), err


def detach_all(code):
    """Where other sessions of this machine are not to be seen, for root's --all would end them."""
    hide = 'mount -t tmpfs none /run && for d in /tmp/utramp-*; do [ ! -d "$d" ] || mount -t tmpfs none "$d"; done'
    if subprocess.run(['unshare', '-m', 'sh', '-c', hide], capture_output=True).returncode:
        raise Skip('no mounts of our own')
    r = subprocess.run(['unshare', '-m', 'sh', '-c', f'{hide}; exec "$@"', 'sh', str(exe), 'detach', '--all'],
                       env=env(), capture_output=True, text=True, timeout=TIMEOUT)
    assert r.returncode == code, r
    return r.stdout, r.stderr


@whole
def all_of_them():
    _, err = detach_all(3)
    assert err == 'utramp: there is no session\n', err
    t, s, e = Target(), Target(), Target()
    keep('count', 'work', pids=[t.pid, s.pid])
    keep('count', 'libc:getenv', pids=[t.pid])
    keep('trace', '-E', '1', 'work', pids=[e.pid])
    s.calls(3)
    e.calls(3)
    assert wait_for(lambda: [x['state'] for x in sessions(e.pid)] == ['ended']), sessions()
    out, err = detach_all(0)
    assert out.count('  total\n') == 2 and re.search(r'^ +3  kept:work$', out, re.M), out
    assert len(re.findall('^' + WORK, out, re.M)) == 1, out


@whole
def run_prints_maps():
    t = Target()
    keep('run', part('several.bpf.o'), pids=[t.pid])
    t.calls(6)
    out, _ = tool('detach', t.pid)
    assert [int(x) for x in re.findall(r'^work (\d+)$', out, re.M)] == list(range(6)), out
    assert re.search(r'^total = 6$', out, re.M), out


@whole
def inject():
    t = Target()
    keep('inject', 'work=9', '--if', 'n == 100', '--from', '*', pids=[t.pid])
    t.calls(100)
    t.p.stdin.write('101\n')
    t.p.stdin.flush()
    assert t.p.stdout.readline() == 'bad 101\n'
    _, err = tool('detach', t.pid)
    assert 'injected 1 of 1 call' in err, err
    t.calls(101)


@whole
def color_is_nobodys():
    """The start's terminal is not where it will be read."""
    t = Target()
    said = through_terminal('trace', '--keep', 'work', '-p', t.pid)
    assert 'is kept' in said, said
    t.calls(2)
    assert lines(tool('detach', t.pid)[0]) == (0, 2)


def through_terminal(*args):
    """Run it at a terminal of its own: what stands there when all have let go of it."""
    pid, fd = pty.fork()
    if not pid:
        os.execve(str(exe), [str(exe), *map(str, by_engine(args))], env(TERM='xterm'))
    said = b''
    try:
        while data := os.read(fd, 4096):
            said += data
    except OSError:         # nobody has it open any more
        pass
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said
    return said.decode()


@whole
def a_command():
    """It goes on behind what was started, and its exit code is told."""
    go = tmp / 'go'
    os.mkfifo(go)
    p = subprocess.Popen([str(exe), *by_engine(['count', '--keep', 'work', '--', part('kept')])], env=env(),
                         stdin=open(os.open(go, os.O_RDWR)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert p.wait(TIMEOUT) == 0
    assert p.stdout.readline() == 'ready\n'     # the command's: it has what was given
    rows = sessions()
    assert len(rows) == 1 and rows[0]['state'] == 'kept' and rows[0]['comm'] == 'kept', rows
    pid = rows[0]['pid']
    assert parent(pid) == rows[0]['tool'] and os.getsid(pid) == parent(rows[0]['tool'])
    feed = open(go, 'w')
    feed.write('30\n')
    feed.flush()
    assert p.stdout.readline() == 'ok 30\n'
    kill(pid, signal.SIGUSR1)
    assert wait_for(lambda: [s['state'] for s in sessions(pid)] == ['ended']), sessions()
    out, err = tool('detach', pid)
    assert re.search(r'^ +30  kept:work$', out, re.M), out
    assert err[0] == f'process {pid} has ended, exit code {128 + signal.SIGUSR1}', err
    feed.close()
    p.stdout.close()
    p.stderr.close()
    go.unlink()


@whole
def a_command_that_goes_on():
    """After detaching it is nobody's child, and ends as it likes."""
    p = subprocess.Popen([str(exe), *by_engine(['trace', '--keep', 'work', '--', part('kept')])], env=env(),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert p.wait(TIMEOUT) == 0 and p.stdout.readline() == 'ready\n'
    pid = sessions()[0]['pid']
    p.stdin.write('3\n')
    p.stdin.flush()
    assert p.stdout.readline() == 'ok 3\n'
    out, _ = tool('detach', pid)
    assert lines(out) == (0, 3) and not is_patched(pid)
    assert wait_for(lambda: parent(pid) == os.getpid())
    p.stdin.write('3\n')
    p.stdin.close()
    assert p.stdout.readline() == 'ok 3\n' and p.stdout.read() == ''
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    p.stderr.close()


@whole
def a_command_at_a_terminal():
    """It does not read what is typed there."""
    said = through_terminal('count', '--keep', 'work', '--', part('kept'))
    assert 'is kept' in said, said
    pid = wait_for(sessions)[0]['pid']
    assert wait_for(lambda: [s['state'] for s in sessions(pid)] == ['ended']), sessions()
    out, err = tool('detach', pid)
    assert err[0] == f'process {pid} has ended, exit code 7', err


@whole
def what_cannot_start():
    for args, code, what in (['count', 'work', '--', '/nonexistent'], 127, '/nonexistent'), \
            (['count', 'nothing', '--', part('kept')], 3, 'nothing'), \
            (['count', 'work', '-p', 2 ** 22], 5, 'no process'):
        out, err = tool(args[0], '--keep', *args[1:], code=code)
        assert out == '' and what in err[0], err
        alone()
    _, err = tool('run', '--keep', '--dry-run', part('several.bpf.o'), code=2)
    assert err == ['run: --keep with --dry-run: nothing is attached that could be kept'], err
    _, err = tool('count', '--keep', '-f', 'work', '--', '/bin/true', code=2)
    assert 'count: --keep with -f: followed processes stay under ptrace' in err[0], err
    for verb in 'list', 'check', 'ps', 'detach':
        _, err = tool(verb, '--keep', 'work', code=2)
        assert err[0].startswith(f'{verb}: --keep is no option'), err


def while_attaching(sig):
    """Many functions: it takes a while, and the signal comes in between, at one of some tries."""
    for _ in range(10):
        t = Target()
        p = subprocess.Popen([str(exe), *by_engine(['count', '--keep', 'libc:*', '--missing', 'ignore', '-p',
                              str(t.pid)])], env=env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert wait_for(lambda: [w for f in children_of(p.pid) for w in children_of(f)] or p.poll() is not None)
        p.send_signal(sig)
        out, err = p.communicate(timeout=TIMEOUT)
        if p.returncode:
            return t, p, err
        tool('detach', t.pid, code=None)    # we came too late
        alone()
    raise Skip('attaching is faster than we are')


@whole
def interrupted_before():
    for sig in signal.SIGINT, signal.SIGTERM:
        t, p, err = while_attaching(sig)
        assert p.returncode == 128 + sig and 'nothing was attached' in err, (p.returncode, err)
        alone()
        assert not is_patched(t.pid)


@whole
def starter_killed_before():
    """Nobody knows of the session, so it does not go on."""
    t, p, _ = while_attaching(signal.SIGKILL)
    assert p.returncode == -signal.SIGKILL
    assert wait_for(lambda: not [c for c in children() if c[0] != t.pid and c[1] != 'Z'], 2 * SOON), children()
    for s in sessions(t.pid):       # what it counted meanwhile
        tool('detach', s['id'])
    assert not is_patched(t.pid)


main()
