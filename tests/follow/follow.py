#!/usr/bin/env python3
"""follow.py UTRAMP PARTS - utramp -f: forked children, programs that are executed, signals, ends.

What a command prints and its exit code are the same as without utramp; calls are counted exactly.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from harness import (Skip, TIMEOUT, children_of, end, env, exe, main, nothing_left, part, parts, slabs, start,
                     targets_of, test, tmp, utramp, worker_of)

VICTIM = part('follow-victim')


def alone(*args, code=0):
    r = subprocess.run([VICTIM, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=TIMEOUT, env=env())
    assert r.returncode == code, r
    return r.stdout


def counts(r):
    """{function: calls} of a JSON table; what else is on stdout is the command's."""
    rows = [json.loads(x) for x in r.out.splitlines() if x.startswith('{"module"')]
    return {x['func']: x['calls'] for x in rows}


def count(*command, code=0, spec='follow-victim:work', options=()):
    r = utramp('count', '-f', '-j', *options, spec, '--', *command)
    assert r.code == code, r
    assert 'lost' not in r.err, r
    return counts(r), r


def text_of(out):
    """What the command printed of it all."""
    return ''.join(x + '\n' for x in out.splitlines() if not x.startswith('{"module"'))


# -- who is followed ------------------------------------------------------------------------------

@test
def forked_children():
    """They run their copies, and their calls count; of their children, too."""
    n, _ = count(VICTIM, 'fork', 3, 7)
    assert n == {'work': 42}, n


@test
def a_child_that_outlives_its_parent():
    n, r = count(VICTIM, 'leave', 9)
    assert n == {'work': 9}, r


@test
def waiting_costs_nothing():
    """The command has ended, one whom it started has not: the worker sleeps meanwhile."""
    def slept():
        return int(re.search(r'^voluntary_ctxt_switches:\t(\d+)', status.read_text(), re.M)[1])

    p = start('count', '-f', '-q', 'malloc', '--', 'sh', '-c', 'sleep 100 & exit 3')
    wait_until(lambda: targets_of(p), 'started')
    worker = worker_of(p)
    status = pathlib.Path(f'/proc/{worker}/status')
    wait_until(lambda: len(children_of(p.pid)) == 2, 'the command has ended')
    before = slept()
    try:
        wait_until(lambda: slept() > before + 20, 'it sleeps')
    finally:
        os.kill((set(children_of(p.pid)) - {worker}).pop(), signal.SIGTERM)
    r = end(p)
    assert r.code == 3, r


@test
def executed_programs():
    n, r = count('sh', '-c', f'{VICTIM} calls 5; {VICTIM} calls 6 | cat; exec {VICTIM} calls 7')
    assert n == {'work': 18}, r


@test
def the_exit_code_is_the_commands():
    n, _ = count('sh', '-c', f'{VICTIM} calls 5 & wait; exit 7', code=7)
    assert n == {'work': 5}, n
    n, _ = count('sh', '-c', f'{VICTIM} calls 5; kill -9 $$', code=137)
    assert n == {'work': 5}, n


@test
def memory_that_is_shared():
    """posix_spawn(), vfork(), clone(CLONE_VM): nothing is done twice, and the program is followed."""
    for how in 'posix', 'vfork', 'clone':
        n, r = count(VICTIM, 'spawn', how, 'calls', 8)
        assert n == {'work': 9}, (how, r)


@test
def exec_by_another_thread():
    n, r = count(VICTIM, 'exec', 'calls', 4)
    assert n == {'work': 6}, r


@test
def a_programs_children_by_python():
    """subprocess: vfork() and exec, pipes, both ends of which are programs."""
    text = f'import subprocess as s; s.run([{VICTIM!r}, "calls", "3"], check=True); ' \
           f'p = s.Popen([{VICTIM!r}, "calls", "4"], stdout=s.PIPE); p.communicate(); print(p.returncode)'
    n, r = count(sys.executable, '-c', text)
    assert n == {'work': 7} and text_of(r.out) == '0\n', r


@test
def a_library_that_comes_later():
    text = "import ctypes; ctypes.CDLL('libz.so.1').zlibCompileFlags()"
    n, r = count('sh', '-c', f'{sys.executable} -c "{text}"; true', spec='libz.so.1:zlibCompileFlags')
    assert n == {'zlibCompileFlags': 1}, r


@test
def make():
    d = tmp / 'make'
    d.mkdir()
    for x in 'ab':
        (d / f'{x}.c').write_text(f'int puts(const char *); int main(void) {{ puts("{x}"); return 0; }}\n')
    (d / 'Makefile').write_text('all: a b\n%: %.c\n\tcc -o $@ $<\n')
    n, r = count('make', '-s', '-j2', '-C', d, spec='libc.so.6:fopen')
    assert n['fopen'] > 10, r
    for x in 'ab':
        assert subprocess.run([d / x], capture_output=True, text=True).stdout == x + '\n'


# -- what is shown --------------------------------------------------------------------------------

@test
def trace_names_who_called():
    r = utramp('trace', '-f', '-j', 'work', '--', VICTIM, 'fork', 2, 3)
    rows = [json.loads(x) for x in r.out.splitlines()]
    assert len(rows) == 12 and len({x['pid'] for x in rows}) == 4, r
    r = utramp('trace', '-f', 'work', '--', 'sh', '-c', f'{VICTIM} fork 1 2; {VICTIM} calls 1')
    lines = re.findall(r'^\[pid (\d+)\] (?:\[tid \d+\] )?follow-victim:work\(n=(\d+)\)', r.out, re.M)
    assert len(lines) == 5 and len({x[0] for x in lines}) == 3, r


@test
def latency_stack_and_inject():
    command = ['sh', '-c', f'{VICTIM} calls 5; {VICTIM} fork 1 5']
    r = utramp('latency', '-f', '-j', 'work', '--', *command)
    row, = [json.loads(x) for x in r.out.splitlines()]
    assert row['calls'] == 15 == sum(b['count'] for b in row['hist']), r
    r = utramp('stack', '-f', '-j', '-D', '1', 'work', '--', *command)
    rows = [json.loads(x) for x in r.out.splitlines()]
    assert sum(x['calls'] for x in rows) == 15 and len(rows) == 1, r
    r = utramp('inject', '-f', '-j', 'work=-1', '--', 'sh', '-c', f'{VICTIM} calls 5; {VICTIM} calls 6')
    assert r.code == 1 and json.loads(r.out)['injected'] == 11, r


@test
def run_prints_of_each():
    """Objects are loaded for each program that has the function; bpf_printk knows who called."""
    obj = str(parts.parent / 'cli' / 'several.bpf.o')
    r = utramp('run', '-f', obj, '--', 'sh', '-c', f'{VICTIM} calls 3; {VICTIM} calls 2')
    text = re.findall(r'^\[pid (\d+)\] work (\d+)$', r.out, re.M)
    assert [x[1] for x in text] == ['0', '1', '2', '0', '1'], r
    assert re.findall(r'^process \d+:\ntotal = (\d+)$', r.out, re.M) == ['3', '2'], r


@test
def nothing_matched():
    r = utramp('count', '-f', 'no_such_function', '--', 'sh', '-c', 'true; true')
    assert r.code == 3 and 'no program that ran has a function that was asked for' in r.err, r
    r = utramp('count', '-f', 'no_such_function', '--', 'sh', '-c', '/bin/true; exit 5')
    assert r.code == 5, r


@test
def types_that_nobody_has():
    r = utramp('count', '-f', '--proto', 'int no_such(int)', 'work', '--', VICTIM, 'calls', 1)
    assert "--proto 'int no_such(int)': no program that ran has this function" in r.err, r


@test
def programs_that_are_passed_over():
    """They run on, and whom they start is followed."""
    static = str(parts.parent / 'cli' / 'victim_static')
    n, r = count('sh', '-c', f'{static}; {VICTIM} calls 2')
    assert n == {'work': 2} and 'is passed over: ' in r.err and 'statically linked' in r.err, r


@test
def programs_with_other_rights():
    """Root's are as without us, and passed over; others' have less, which is told."""
    if os.geteuid():
        raise Skip('root can make such programs')
    own = tmp / 'rights'
    shutil.copy(shutil.which('id'), own)
    os.chown(own, 65534, 65534)
    own.chmod(0o4755)
    if os.statvfs(tmp).f_flag & os.ST_NOSUID:
        raise Skip('mounted nosuid')
    n, r = count('sh', '-c', f'{own} -u; {VICTIM} calls 2')
    assert n == {'work': 2} and text_of(r.out) == '65534\n', r
    assert f'is passed over: {own} runs in secure-execution mode' in r.err, r


@test
def the_environment_is_as_given():
    """Also /proc/PID/environ, and where it was cleared; what a program starts sees nothing of ours."""
    for how in [f'exec {VICTIM} environment', f'env -i A=1 LD_PRELOAD= {VICTIM} environment',
                f'env - {VICTIM} environment']:
        want = subprocess.run(['sh', '-c', how], env=env(), capture_output=True, text=True).stdout
        _, r = count('sh', '-c', how)
        assert text_of(r.out) == want, (want, r)


# -- what they notice -----------------------------------------------------------------------------

@test
def signals_arrive():
    want = alone('signals', 400)
    n, r = count(VICTIM, 'signals', 400)
    assert text_of(r.out) == want == '400 of 400, sum right, alarms came\n', r
    assert n == {'work': 400}, n


@test
def ignored_signals_end_no_system_call():
    want = alone('quiet')
    _, r = count(VICTIM, 'quiet')
    assert text_of(r.out) == want, (want, r)


@test
def job_control():
    want = alone('jobs')
    n, r = count(VICTIM, 'jobs')
    assert text_of(r.out) == want and n == {'work': 3}, (want, r)


@test
def killed_at_any_moment():
    _, r = count(VICTIM, 'storm', 20)
    assert text_of(r.out) == 'all ended\n', r


# -- ends -----------------------------------------------------------------------------------------

class Server:
    """It and its children, each of which has printed where work() is in it."""

    def __init__(self, *tool, children=3):
        command = [VICTIM, 'serve', str(children)]
        self.tool = start(*tool, '--', *command, stdin=subprocess.PIPE) if tool else None
        self.p = self.tool or subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.who = {}
        while len(self.who) <= children:
            line = self.p.stdout.readline().decode()
            m = re.match(r'(\d+) (0x\w+)$', line)
            assert m, line
            self.who[int(m[1])] = int(m[2], 16)
    def text(self):
        """The first bytes of work() in each."""
        out = set()
        for pid, at in self.who.items():
            with open(f'/proc/{pid}/mem', 'rb') as f:
                f.seek(at)
                out.add(f.read(16))
        return out


def original():
    """The first bytes of work() in the file."""
    nm = subprocess.run(['nm', VICTIM], capture_output=True, text=True, check=True).stdout
    at = int(re.search(r'^(\w+) [tT] work$', nm, re.M)[1], 16)
    data = pathlib.Path(VICTIM).read_bytes()
    phoff, = struct.unpack_from('<Q', data, 32)
    size, n = struct.unpack_from('<HH', data, 54)
    for i in range(n):
        kind, _, off, vaddr, _, filesz = struct.unpack_from('<IIQQQQ', data, phoff + i * size)
        if kind == 1 and vaddr <= at < vaddr + filesz:
            return data[off + at - vaddr:][:16]


def wait_until(f, what):
    end_at = time.monotonic() + TIMEOUT / 2
    while not f():
        assert time.monotonic() < end_at, what
        time.sleep(0.02)


def untraced(pids):
    for pid in pids:
        text = pathlib.Path(f'/proc/{pid}/status').read_text()
        assert re.search(r'^TracerPid:\t0$', text, re.M) and not re.search(r'^State:\t[tT]', text, re.M), text


@test
def detached_from():
    """Ctrl-C, -d: text of parent and children is what it was, and they run on, untraced."""
    for options in [], ['-d', '1']:
        s = Server('count', '-f', '-q', '-o', '/dev/null', *options, 'work')
        if not options:
            wait_until(lambda: s.text() != {original()}, 'patched')
            os.kill(s.tool.pid, signal.SIGINT)
        wait_until(lambda: s.text() == {original()}, 'restored')
        wait_until(lambda: not any('TracerPid:\t0\n' not in pathlib.Path(f'/proc/{p}/status').read_text()
                                   for p in s.who), 'let go')
        untraced(s.who)
        r = end(s.tool)
        assert r.out == '0 wrong\n' and r.code == 0, r


def state_of(pid):
    return re.search(r'^State:\t(\w)', pathlib.Path(f'/proc/{pid}/status').read_text(), re.M)[1]


@test
def a_stopped_child_stays_so():
    """SIGSTOP, then Ctrl-C: it is restored, and stops until somebody continues it."""
    s = Server('count', '-f', '-q', '-o', '/dev/null', 'work')
    wait_until(lambda: original() not in s.text(), 'patched')
    one = max(s.who)
    os.kill(one, signal.SIGSTOP)
    wait_until(lambda: state_of(one) in 'tT', 'stopped')
    os.kill(s.tool.pid, signal.SIGINT)
    wait_until(lambda: s.text() == {original()}, 'restored')
    wait_until(lambda: state_of(one) == 'T', 'let go')
    time.sleep(0.1)
    assert state_of(one) == 'T'
    untraced(set(s.who) - {one})
    os.kill(one, signal.SIGCONT)
    r = end(s.tool)
    assert r.out == '0 wrong\n' and r.code == 0, r


@test
def detached_after_so_many_events():
    s = Server('trace', '-f', '-q', '-o', '/dev/null', '-E', '50', 'work')
    wait_until(lambda: s.text() == {original()}, 'restored')
    r = end(s.tool)
    assert r.out == '0 wrong\n' and r.code == 0, r


@test
def a_process_that_runs():
    """-p PID -f: whom it has forked since, and what those execute."""
    p = subprocess.Popen(['sh', '-c', f'read x; {VICTIM} fork 1 5; {VICTIM} calls 3; read x'],
                         stdin=subprocess.PIPE, env=env())
    tool = start('count', '-f', '-j', 'work', '-p', p.pid)
    assert 'followed' in (line := tool.stderr.readline().decode()), line
    p.stdin.write(b'\n')
    p.stdin.flush()
    p.stdin.write(b'\n')
    p.stdin.close()
    assert p.wait(TIMEOUT) == 0
    r = end(tool)
    assert r.code == 0 and counts(r) == {'work': 13}, r


@test
def a_server_that_runs():
    s = Server(children=0)
    tool = start('count', '-f', '-j', 'work', '-p', s.p.pid)
    assert 'attached' in (line := tool.stderr.readline().decode()), line
    os.kill(tool.pid, signal.SIGTERM)
    out, err = tool.communicate(timeout=TIMEOUT)
    assert tool.returncode == 0 and json.loads(out)['calls'] > 0, (out, err)
    assert s.text() == {original()}
    untraced(s.who)
    assert s.p.communicate(timeout=TIMEOUT)[0] == b'0 wrong\n' and not s.p.returncode


# -- the tool is killed -----------------------------------------------------------------------------

@test
def worker_killed():
    """The front restores all of them; none is left stopped."""
    s = Server('count', '-f', '-q', '-o', '/dev/null', 'work')
    wait_until(lambda: original() not in s.text(), 'patched')
    os.kill(worker_of(s.tool), signal.SIGKILL)
    wait_until(lambda: s.text() == {original()}, 'restored')
    untraced(s.who)
    r = end(s.tool)
    assert r.out == '0 wrong\n' and r.code == 0, r
    assert r.err.count('was restored') == 4, r


@test
def front_killed():
    """The worker restores all of them, and ends."""
    s = Server('count', '-f', '-q', '-o', '/dev/null', 'work')
    wait_until(lambda: original() not in s.text(), 'patched')
    os.kill(s.tool.pid, signal.SIGKILL)
    wait_until(lambda: s.text() == {original()}, 'restored')
    s.tool.stdin.close()
    assert s.tool.stdout.read() == b'0 wrong\n'
    s.tool.stderr.read()
    s.tool.wait()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    nothing_left()


def it_runs(p):
    """The command has a child, and is not in the stop that it begins with; or it has ended."""
    try:
        shell, = targets_of(p)
        return 'trap' not in pathlib.Path(f'/proc/{shell}/wchan').read_text() and children_of(shell)
    except (OSError, ValueError):
        return False


@test
def killed_while_programs_are_executed():
    """Whatever is being done to whom: the command does what it would have done."""
    script = f'for i in 1 2 3 4 5 6 7 8; do {VICTIM} calls 3 || exit 1; done; echo good'
    killed = 0
    for i in range(8):
        p = start('count', '-f', '-q', '-o', '/dev/null', 'work', '--', 'sh', '-c', script)
        wait_until(lambda: p.poll() is not None or it_runs(p), 'it runs')
        time.sleep(0.03 * i)
        if workers := children_of(p.pid):       # none: it was over in less time
            os.kill(workers[0], signal.SIGKILL)
            killed += 1
        r = end(p, foreign=['ERROR: ld.so: object'])
        # a command that the worker had buried already has its exit code in nobody's hand
        assert r.out == 'good\n' and (r.code == 0 or r.code == 137 and 'has ended' in r.err), r
    assert killed, 'none was killed'


if __name__ == '__main__':
    main()
