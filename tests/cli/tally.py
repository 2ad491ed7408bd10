#!/usr/bin/env python3
"""tally.py UTRAMP PARTS - count and latency: every call once, whatever the program does."""
import json
import re
import shutil
import signal
import time

from harness import *

VICTIM = part('tally-O2')
SLOW = part('tally-O0')
THROW = part('tally-throw')


def lines(r, code=0):
    assert r.code == code, r
    return [json.loads(x) for x in r.out.splitlines() if x.startswith('{')]


def counts(*args, verb='count', victim=VICTIM, code=0, kw=()):
    """Rows by function; the victim's last word is not one of them."""
    r = utramp(verb, '-j', *kw, *args[:1], '--', victim, *args[1:])
    return {x['func']: x for x in lines(r, code)}, r


def said(r):
    """What the victim counted itself."""
    return int(re.findall(r'^\d+$', r.out, re.M)[-1])


# -- what is counted --------------------------------------------------------------------------

@test
def calls():
    for v in [VICTIM, SLOW]:
        rows, r = counts('leaf', 'calls', 1234, victim=v)
        assert rows == {'leaf': {'module': os.path.basename(v), 'func': 'leaf', 'calls': 1234}}, r
        assert 'attached 1 function in process' in r.err, r
        assert '1 of 1 function was called' in r.err, r


@test
def threads_that_end():
    """More threads than there are slots for: slots of the dead are used again, and keep counts."""
    for verb in ['count', 'latency']:
        rows, r = counts('leaf', 'threads', 1100, 7, verb=verb)
        assert rows['leaf']['calls'] == said(r) > 7 * 2200 - 1, r
        assert 'lost' not in r.err, r


@test
def recursion():
    for verb in ['count', 'latency']:
        rows, r = counts('deep', 'recursion', 1000, verb=verb)
        assert rows['deep']['calls'] == 1001 == said(r), r


@test
def signal_handlers():
    """They call the function while its program runs; none is missed."""
    for verb in ['count', 'latency']:
        rows, r = counts('leaf', 'signals', 3000000, verb=verb)
        assert rows['leaf']['calls'] == said(r) > 3000000, r


@test
def longjmp_leaves_calls():
    rows, r = counts('jumps', 'longjmp', 100)
    assert rows['jumps']['calls'] == 100, r
    rows, r = counts('jumps', 'longjmp', 100, verb='latency')
    row = rows['jumps']
    assert (row['calls'], row['unfinished']) == (50, 50), r
    assert sum(b['count'] for b in row['hist']) == 50, r


@test
def exceptions_leave_calls():
    if not os.path.exists(THROW):
        raise Skip('no C++ compiler')
    for verb in ['count', 'latency']:
        rows, r = counts('shape::area', 30, verb=verb, victim=THROW)
        assert list(rows) == ['shape::area(int)'], r
        row = rows['shape::area(int)']
        assert said(r) == 10, r
        assert row['calls'] == (30 if verb == 'count' else 20), r
        assert verb == 'count' or row['unfinished'] == 10, r
    r = utramp('latency', 'shape::area', '--', THROW, 30)
    assert 'not measured: 10 calls left by exception or longjmp, running still' in r.out, r


@test
def a_string_is_called_so():
    """What is printed is what people write, and can be given again."""
    if not os.path.exists(THROW):
        raise Skip('no C++ compiler')
    name = 'shape::label(std::string const&)'
    for spec in 'shape::label', name:
        for verb in ['count', 'latency']:
            assert list(counts(spec, 3, verb=verb, victim=THROW)[0]) == [name], (spec, verb)
    r = utramp('stack', 'shape::label', '--', THROW, 3)
    assert name in r.out, r
    r = utramp('count', 'shape::label(std::string)', '--', THROW, 3)
    assert r.code == 3 and f'nearest: {name}' in r.err, r


@test
def a_forked_child_counts():
    for verb in ['count', 'latency']:
        rows, r = counts('leaf', 'fork', 100, verb=verb)
        assert rows['leaf']['calls'] == 300 == said(r), r


@test
def killed_by_a_signal():
    for verb in ['count', 'latency']:
        rows, r = counts('leaf', 'kill', 7, verb=verb, code=128 + signal.SIGKILL)
        assert rows['leaf']['calls'] == 7, r


@test
def several_specs_and_the_same_function_twice():
    r = utramp('count', '-j', 'leaf', '*:leaf', 'green', 'red', '--', VICTIM, 'callers', 5)
    got = [(x['func'], x['calls']) for x in lines(r)]
    assert got == [('leaf', 30), ('red', 20), ('green', 10)], r
    assert 'attached 3 functions' in r.err, r


@test
def a_whole_library():
    """What is called of libc changes nothing, and each function has one row."""
    r = utramp('count', '-j', 'libc:*', '--', VICTIM, 'calls', 1)
    rows = lines(r)
    names = [x['func'] for x in rows]
    assert len(set(names)) == len(names) and r.out.startswith('1\n') or '\n1\n' in r.out, r
    assert all(x['calls'] for x in rows) and {x['module'] for x in rows} == {'libc.so.6'}, r
    m = re.search(r'(\d+) of (\d+) functions were called', r.err)
    assert m and int(m[1]) == len(rows) and int(m[2]) > 1500, r
    with_zeros = lines(utramp('count', '-jv', 'libc:*', '--', VICTIM, 'calls', 1))
    assert len(with_zeros) == int(m[2]), (len(with_zeros), r)


@test
def a_library_of_thousands():
    openssl = shutil.which('openssl')
    if not openssl:
        raise Skip('no openssl')
    r = utramp('count', '-j', 'libcrypto:*', '--', openssl, 'version')
    rows = {x['func']: x['calls'] for x in lines(r)}
    assert rows['OpenSSL_version'] >= 1 and len(rows) > 100, r
    assert r.out.startswith('OpenSSL 3'), r


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skip('no ' + p)


@test
def zlib_of_git():
    """A repository of 30 objects: each one begins and ends one stream."""
    need('git')
    repo = tmp / 'repo'
    git = ['git', '-C', repo, '-c', 'user.name=a', '-c', 'user.email=b']
    subprocess.run(['git', 'init', '-q', repo], check=True)
    for i in range(28):
        (repo / str(i)).write_text(f'{i}\n' * (i + 1))
    subprocess.run([*git, 'add', '.'], check=True)
    subprocess.run([*git, 'commit', '-qm', 'x'], check=True)
    out = tmp / 'counts'
    r = utramp('count', '-j', '-o', out, 'libz:*', '--', 'git', '-C', repo, 'cat-file',
               '--batch-all-objects', '--batch')
    assert r.code == 0 and r.out.count(' blob ') == 28, r
    got = {x['func']: x['calls'] for x in map(json.loads, out.read_text().splitlines())}
    assert got['inflateInit_'] == got['inflateEnd'] >= 30 and got['inflate'] >= 30, got


@test
def ssl_write_on_loopback():
    """One line is written; the handshake ends with an empty write."""
    need('openssl')
    key, cert = tmp / 'k.pem', tmp / 'c.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out',
                    cert, '-days', '2', '-subj', '/CN=x'], check=True, capture_output=True)
    server = subprocess.Popen(['openssl', 's_server', '-accept', '127.0.0.1:0', '-key', key, '-cert',
                               cert, '-naccept', '1'], stdin=subprocess.PIPE,  # at its end it hangs up
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in server.stdout:
            at = re.search(rb'ACCEPT \S*?:(\d+)', line)
            if at:
                break
        assert at, 'the server does not say where it listens'
        p = start('latency', '-j', '--filter', 'num > 0', 'libssl:SSL_write', '--', 'openssl', 's_client', '-quiet', '-connect',
                  f'127.0.0.1:{int(at[1])}', stdin=subprocess.PIPE)
        p.stdin.write(b'hello\n')
        p.stdin.flush()
        for line in server.stdout:
            if b'hello' in line:
                break
        assert b'hello' in line, 'the server has not got it'
        for pid in targets_of(p):
            os.kill(pid, signal.SIGTERM)
        out, err = p.communicate(timeout=TIMEOUT)
    finally:
        server.kill()
        server.communicate()
    rows = [json.loads(x) for x in out.splitlines() if x.startswith(b'{')]
    assert p.returncode == 128 + signal.SIGTERM and len(rows) == 1, (out, err)
    assert rows[0]['func'] == 'SSL_write' and rows[0]['calls'] == 1, (out, err)


# -- what is shown ----------------------------------------------------------------------------

@test
def a_table():
    r = utramp('count', 'leaf', 'green', 'red', 'deep', '--', VICTIM, 'callers', 5)
    v = os.path.basename(VICTIM)
    assert r.out.splitlines() == ['30', '       CALLS  FUNCTION',
                                  f'          30  {v}:leaf', f'          20  {v}:red',
                                  f'          10  {v}:green', '          60  total'], r
    assert '3 of 4 functions were called' in r.err, r
    r = utramp('count', '-qv', 'leaf', 'deep', '--', VICTIM, 'calls', 2)
    assert f'           0  {v}:deep\n' in r.out and r.err == '', r


@test
def a_file():
    out = tmp / 'out'
    r = utramp('count', '-o', out, 'leaf', '--', VICTIM, 'calls', 3)
    assert r.out == '3\n' and '           3  total\n' in out.read_text(), r


@test
def a_histogram():
    v = os.path.basename(VICTIM)
    r = utramp('latency', 'leaf', '--', VICTIM, 'calls', 100)
    rows = r.out.splitlines()
    assert rows[:4] == ['100', 'durations in ns (~ estimated from the histogram)', '', f'{v}:leaf'], r
    head = re.fullmatch(r'calls 100, total (\d+), average (\d+), min (\d+), max (\d+), '
                        r'p50 ~(\d+), p99 ~(\d+)', rows[4])
    assert head, r
    total, average, low, high, half, most = map(int, head.groups())
    assert total // 100 == average and low <= half <= most <= high <= total, r
    bars = [re.fullmatch(r'\[\d+[KMG]?, \d+[KMG]?\) +(\d+) \|@* *\|', x) for x in rows[5:]]
    assert all(bars) and sum(int(b[1]) for b in bars) == 100, r


@test
def a_histogram_in_json():
    rows, r = counts('leaf', 'calls', 1000, verb='latency')
    row = rows['leaf']
    assert list(row) == ['module', 'func', 'calls', 'avg_ns', 'total_ns', 'min_ns', 'max_ns',
                         'unfinished', 'hist'], r
    assert row['calls'] == sum(b['count'] for b in row['hist']) == 1000, r
    assert row['avg_ns'] == row['total_ns'] // 1000 and row['unfinished'] == 0, r
    for a, b in zip(row['hist'], row['hist'][1:]):
        assert a['max'] + 1 == b['min'] and b['max'] == 2 * b['min'] - 1, r
    # the sum lies between what the buckets' limits allow
    assert sum(b['count'] * b['min'] for b in row['hist']) <= row['total_ns'] \
        <= sum(b['count'] * b['max'] for b in row['hist']), r
    assert row['hist'][0]['min'] <= row['min_ns'] <= row['hist'][0]['max'], r
    assert row['hist'][-1]['min'] <= row['max_ns'] <= row['hist'][-1]['max'], r


@test
def tables_each_interval():
    """What they have sums up to all there is."""
    r = utramp('count', '-i', '0.02', '-j', 'leaf', '--', VICTIM, 'threads', 700, 500)
    rows = lines(r)
    assert sum(x['calls'] for x in rows) == said(r), r
    times = [x['time_ns'] for x in rows]
    assert times == sorted(times) and len(set(times)) == len(times), r
    assert all(x['calls'] for x in rows), r
    r = utramp('latency', '-i', '0.02', '-j', 'leaf', '--', VICTIM, 'threads', 700, 500)
    rows = lines(r)
    assert sum(x['calls'] for x in rows) == said(r), r
    for x in rows:
        assert sum(b['count'] for b in x['hist']) == x['calls'] and 'max_ns' not in x, x


@test
def text_each_interval():
    p = start('count', '-i', '0.05', 'leaf', '--', VICTIM, 'forever')
    assert p.stdout.readline() == b'ready\n'
    text = ''
    while text.count('total') < 3:
        text += p.stdout.readline().decode()
    p.send_signal(signal.SIGINT)
    while b'detached' not in p.stderr.readline():
        pass
    for pid in targets_of(p):
        os.kill(pid, signal.SIGTERM)
    r = end(p)
    tables = re.findall(r'^\d\d:\d\d:\d\d\n +CALLS  FUNCTION\n +(\d+)  \S+:leaf\n +(\d+)  total$',
                        text, re.M)
    assert len(tables) >= 2 and all(a == b for a, b in tables), r


@test
def interrupted():
    """The first Ctrl-C detaches and prints; the command runs on, its exit code is ours."""
    for verb in ['count', 'latency']:
        p = start(verb, '-j', 'leaf', '--', VICTIM, 'forever')
        assert p.stdout.readline() == b'ready\n'
        p.send_signal(signal.SIGINT)
        row = json.loads(p.stdout.readline())
        assert row['calls'] > 0, row
        for pid in targets_of(p):
            os.kill(pid, signal.SIGTERM)
        r = end(p)
        assert r.code == 128 + signal.SIGTERM and 'detached from process' in r.err, r
        assert r.out == '', r       # nothing comes twice


@test
def for_a_while():
    """It may not have begun to call by then: -v has the row all the same."""
    p = start('count', '-jv', '-d', '0.1', 'leaf', '--', VICTIM, 'forever')
    got = {p.stdout.readline()[:1], p.stdout.readline()[:1]}
    assert got == {b'r', b'{'}, got
    for pid in targets_of(p):
        os.kill(pid, signal.SIGKILL)
    assert end(p).code == 128 + signal.SIGKILL


# -- which functions ---------------------------------------------------------------------------

@test
def denied():
    r = utramp('count', '-j', '-N', 'l*f', '--deny', 'blue', '*', '--', VICTIM, 'callers', 1)
    names = {x['func'] for x in lines(r)}
    assert 'leaf' not in names and 'blue' not in names and {'red', 'green', 'main'} <= names, r
    refused(3, ["every function of 'leaf' is denied (1)"], 'count', '-N', 'leaf', 'leaf', '--',
            VICTIM, 'calls', 1)
    refused(2, ['0xzz'], 'count', '-N', '0xzz', 'leaf', '--', VICTIM, 'calls', 1)


@test
def a_denied_module():
    r = utramp('count', '-j', '-N', 'libc:*', '*:*', '--', VICTIM, 'calls', 1)
    assert {x['module'] for x in lines(r)} & {'libc.so.6'} == set(), r


@test
def without_types():
    """Counting needs none, and says nothing of them; measuring does, and says how."""
    plain = tmp / 'plain'
    shutil.copy(VICTIM, plain)
    subprocess.run(['strip', '-g', plain], check=True)
    r = utramp('count', '-j', 'leaf', '--', plain, 'calls', 3)
    assert lines(r)[0]['calls'] == 3 and 'types' not in r.err, r
    refused(1, ['cannot measure plain:leaf', 'no types', '--proto'], 'latency', 'leaf', '--', plain,
            'calls', 3)
    r = utramp('latency', '-j', '--proto', 'long leaf(long)', 'leaf', '--', plain, 'calls', 3)
    assert lines(r)[0]['calls'] == 3, r
    # of a pattern those that have
    r = utramp('latency', '-j', '--proto', 'long leaf(long)', '*', '--', plain, 'calls', 3)
    assert [x['func'] for x in lines(r)] == ['leaf'], r
    assert 'not attached: ' in r.err and '--missing warn tells' in r.err, r
    r = utramp('latency', '-j', '--missing', 'warn', '--proto', 'long leaf(long)', '*', '--', plain,
               'calls', 3)
    assert 'not attached: cannot measure plain:main: exit: no types' in r.err, r


@test
def filtered():
    """By arguments at entry; by the result at exit, which latency does not count as left."""
    for verb in ['count', 'latency']:
        for expr, n in [('n < 25', 25), ('ret == 3', 10), ('n >= 50 && ret < 2', 10), ('n > 100', 0)]:
            rows, r = counts('sized', 'values', 100, verb=verb, kw=['-v', '--filter', expr])
            row = rows['sized']
            assert row['calls'] == n and not row.get('unfinished'), (expr, r)
    r = utramp('stack', '-j', '--filter', 'ret == 3', 'sized', '--', VICTIM, 'values', 100)
    assert [x['calls'] for x in lines(r)] == [10] and lines(r)[0]['stack'][0]['func'] == 'main', r
    r = utramp('count', '-j', '--filter', 'n < 3', '*', '--', VICTIM, 'values', 9)
    assert [(x['func'], x['calls']) for x in lines(r)] == [('sized', 3)], r
    refused(3, ['nosuch'], 'count', '--filter', 'nosuch == 1', 'sized', '--', VICTIM, 'values', 9)
    refused(2, [''], 'count', '--filter', 'n ==', 'sized', '--', VICTIM, 'values', 9)


@test
def no_exit_programs():
    refused(1, ['cannot measure libc.so.6:setjmp', 'it can return twice'], 'latency', 'libc:setjmp',
            '--', VICTIM, 'calls', 1)


@test
def nothing_matches():
    for verb in ['count', 'latency', 'stack']:
        refused(3, ["no function 'leef'", 'nearest: leaf'], verb, 'leef', '--', VICTIM, 'calls', 1)
        refused(2, 'the function is missing', verb, '--', VICTIM)
        refused(2, 'the command is missing', verb, 'leaf')


main()
