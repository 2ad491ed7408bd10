#!/usr/bin/env python3
"""options_test.py UTRAMP PROGRAM - the options of `utramp trace`: what is traced, how it looks.

Each point runs options.c under utramp trace; what it prints is compared whole, but for
addresses and durations.
"""
import json
import os
import pathlib
import re
import sys
import tempfile

from harness import Run, Tap

utramp, program = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
tmp = pathlib.Path(tempfile.mkdtemp(prefix='traceopt-'))


def trace(*args, code=0, **kw):
    r = Run([utramp, 'trace', '-q', *args, '--', program], **kw)
    assert r.code == code, f'exit status {r.code}, not {code}: {r.stderr}'
    if not code:
        assert r.stderr == '', r.stderr
    return r.stdout.decode()


def objects(*args):
    return [json.loads(x) for x in trace('-j', *args).splitlines()]


def calls(text):
    """Lines without columns, durations, addresses."""
    text = re.sub(r'\[tid \d+\]', '[tid]', text)
    text = re.sub(r' +<\d+\.\d+ ms>', '', text)
    return [re.sub(r' +', ' ', re.sub(r'0x[0-9a-f]{6,}', 'ADDR', x)) for x in text.splitlines()]


def same(got, want):
    assert got == want, f'got {got}\nwant {want}'


def args_of(found):
    return [list(o['args'].values()) for o in found]


def text_form():
    same(calls(trace('put', 'look', 'quiet', 'get', '-E', '8')), [
        'options:put(buf="GET / HTTP/1.1\\r\\n", num=16) = 16',
        'options:put(buf="abc", num=3) = -1',
        'options:put(buf=NULL, num=9) = 9',
        f'options:put(buf="{"b" * 64}"..., num=8000) = 8000',
        'options:get(data="", max=16) = 5',
        "options:look(p=ADDR, c='x', col=GREEN, f=1.5) = ADDR",
        'options:look(p=ADDR, c=7, col=RED, f=-0) = NULL',
        'options:quiet()'])


def columns():
    lines = trace('put', 'quiet', '-E', '4').splitlines()
    same(lines[1][:42], 'options:put(buf="abc", num=3)           = ')
    same({x.index('<') for x in lines[:3]}, {56})
    assert lines[3].index('= 8000 ') > 40, lines[3]
    assert all(re.fullmatch(r'.* <\d+\.(\d{3}|\d{6}) ms>', x) for x in lines), lines


def threads():
    lines = trace('put').splitlines()
    same([x.startswith('[tid ') for x in lines], [False] * 4 + [True])


def timestamps():
    lines = trace('-t', 'put', 'look').splitlines()
    assert lines[0].startswith('0.000000 options:put('), lines
    times = [float(x.split()[0]) for x in lines]
    same(times, sorted(times))
    assert all(re.match(r'\d+\.\d{6} ', x) for x in lines), lines


def colors():
    same('\033' in trace('put'), False)
    painted = trace('--color', 'always', 'put', 'look')
    assert '\033[1;36mput\033[0m(\033[2mbuf=\033[0m"GET' in painted, painted
    assert '= \033[31m-1\033[0m' in painted and '= \033[31mNULL\033[0m' in painted, painted
    same(calls(re.sub('\033\\[[0-9;]*m', '', painted)), calls(trace('put', 'look')))
    # on a terminal, unless NO_COLOR says no
    for no, want in (('', True), ('1', False)):
        pid, fd = os.forkpty()
        if not pid:
            os.environ.update(NO_COLOR=no, TERM='xterm')
            os.execv(utramp, [utramp, 'trace', '-q', 'put', '--', program])
        out = b''
        try:
            while chunk := os.read(fd, 4096):
                out += chunk
        except OSError:
            pass
        os.waitpid(pid, 0)
        os.close(fd)
        same(b'\033[' in out, want)


def filters():
    for expr, want in [
            ('a == 4', [4]), ('h > 8', [2, 3, 4]), ('h > 8 && i < 1.75', [2, 3]),
            ('i == 1.5 || a == 0', [0, 3]), ('!(i != 2)', [4]), ('a', [1, 2, 3, 4]),
            ('b + c * d == 14 && arg6 == 7 && a % 2', [1, 3]), ('ret > 20', [3, 4]),
            ('ret == a + h && i >= 2', [4]), ('a > 9', [])]:
        got = objects('--filter', expr, 'nine')
        same([o['args']['a'] for o in got], want)
        assert all(o['ret'] == 9 * o['args']['a'] and o['dur_ns'] > 0 for o in got), got


def filters_of_memory():
    for expr, want in [
            ('p->x == 3', ['x']), ('p->next->y == 2', ['x']), ('p->next == NULL', ['\7']),
            ('p->name == "last"', ['\7']), ('p->name =~ "f*t"', ['x']),
            ('p->high == 8000', ['\7']), ('p->next->low != 5', []), ("c == 'x'", ['x']),
            ('col == GREEN', ['x']), ('f == 0', ['\7']), ('ret != NULL && p->low == 7', ['x']),
            ('ret', ['x'])]:
        got = objects('--filter', expr, 'look')
        same([o['args']['c'] for o in got], [ord(x) for x in want])
    for expr, want in [('buf == "abc"', [3]), ('buf =~ "GET *HTTP/?.?*"', [16]), ('!buf', [9]),
                       ('buf != "abc"', [16, 8000, 6]), ('buf =~ "thr*" && ret > 0', [6])]:
        same([o['args']['num'] for o in objects('--filter', expr, 'put')], want)


def filter_of_patterns():
    """Functions without the argument are passed over, and said so."""
    r = Run([utramp, 'trace', '--filter', 'num == 3', '*', '--', program])
    same(calls(r.stdout.decode()), ['options:put(buf="abc", num=3) = -1'])
    assert re.search(r'not attached: \d+ functions of \* ', r.stderr), r.stderr
    r = Run([utramp, 'trace', '--filter', 'num == 3', '--missing', 'warn', '*', '--', program])
    assert "'num == 3', column 1: no argument num: get has data, max, ret" in r.stderr, r.stderr


def filter_keeps_the_ring_empty():
    """Decided in the target: what is not shown cannot be lost."""
    r = Run([utramp, 'trace', '--filter', 'ret == 12345', 'options:*', '--missing', 'ignore', '--',
             program])
    same((r.stdout, r.lost()), (b'', 0))


def buffers():
    same([x for x in calls(trace('--buf', 'buf=num', 'put'))[:2]], [
        'options:put(buf="GET / HTTP/1.1\\r\\n", num=16) = 16',
        'options:put(buf="abc", num=3) = -1'])
    got = [o['args']['buf'] for o in objects('--buf', 'buf=num', 'put')]
    same([bytes.fromhex(x['hex']) for x in got if isinstance(x, dict)],
         [b'GET / HTTP/1.1\r\n', b'abc', b'b' * 4000, b'thread'[:6]])
    same(got[2], '0x0')
    same([x.get('size') for x in (got[0], got[3])], [None, 8000])
    assert trace('--buf', 'buf=num', 'put').splitlines()[3].endswith(' ms>')
    same('"..., num=8000' in trace('--buf', 'buf=num', 'put'), True)
    same(calls(trace('--buf', 'data=ret', 'get')), ['options:get(data="\\1two\\377", max=16) = 5'])
    same(calls(trace('-x', '--buf', 'data=3', 'get')), ['options:get(data="\\1tw", max=16) = 5'])
    same(calls(trace('--buf', 'data=2', 'get')), ['options:get(data="\\0\\0", max=16) = 5'])
    got = objects('--buf', 'data=ret', '--buf', 'buf=2', 'get', 'put', '-E', '1')
    same(got[0]['args']['buf']['hex'], '4745')


def entry_and_exit():
    same(calls(trace('-e', 'put', '-E', '2')), [
        'options:put(buf="GET / HTTP/1.1\\r\\n", num=16)', 'options:put(buf="abc", num=3)'])
    got = objects('-x', 'get')
    same((got[0]['ret'], got[0]['args']['data']['str'][:4], 'dur_ns' in got[0]),
         (5, '\1two', True))


def depth_and_deny():
    same(args_of(objects('down')), [[0], [1], [2], [3]])
    same(args_of(objects('-D', '2', 'down')), [[2], [3]])
    same(args_of(objects('-D', '1', 'down')), [[3]])
    names = {o['func'] for o in objects('options:*', '-N', 'p*', '-N', 'options:nine', '-N',
                                        'nosuch:*')}
    same(names - {'atexit'}, {'get', 'look', 'down', 'quiet', 'main', 'thread'})


def refusals():
    for args, code, why in [
            (['-e', '-x', 'put'], 2, '-e and -x exclude each other'),
            (['-D', '1', '-e', 'put'], 2, '-D counts between entries and exits'),
            (['-D', '1', '-x', 'put'], 2, '-D counts between entries and exits'),
            (['-j', '-t', 'put'], 2, '-t is for the text form'),
            (['-j', '--color', 'always', 'put'], 2, '--color is for the text form'),
            (['--color', 'red', 'put'], 2, '(auto, always, never)'),
            (['--filter', 'a', '--filter', 'b', 'put'], 2, 'join them by &&'),
            (['--filter', 'num >', 'put'], 2, "'num >', column 6: expected an argument"),
            (['--filter', 'foo', 'put'], 3, 'no argument foo: put has buf, num, ret'),
            (['--filter', 'ret', '-e', 'put'], 2, 'put: entries only, but the result is asked for'),
            (['--filter', 'ret', 'quiet'], 3, 'no ret: quiet returns nothing'),
            (['--filter', 'foo', 'options:*'], 3, 'no argument foo'),
            (['--buf', 'buf', 'put'], 2, "buffer 'buf': expected ARG=LENARG"),
            (['--buf', 'buf=5000', 'put'], 2, 'a length is 1 to 4000 bytes'),
            (['--buf', 'num=3', 'put'], 2, 'argument num is no pointer'),
            (['--buf', 'p=f', 'look'], 2, 'f is no integer'),
            (['--buf', 'x=num', 'put'], 3,
             "--buf x=num: no traced function has such arguments; 'utramp list' tells"),
            (['--buf', 'buf=ret', '-e', 'put'], 2, 'entries only, but the result is asked for'),
            (['-N', 'put', 'put'], 3, "every function of 'put' is denied"),
            (['-k', 'put'], 2, '-k, --stack is not supported in this version')]:
        r = Run([utramp, 'trace', *args, '--', program])
        assert r.code == code and why in r.stderr and not r.stdout, (args, r.code, r.stderr)


tap = Tap()
for f in (text_form, columns, threads, timestamps, colors, filters, filters_of_memory,
          filter_of_patterns, filter_keeps_the_ring_empty, buffers, entry_and_exit,
          depth_and_deny, refusals):
    tap.run(f.__name__.replace('_', ' '), f)
sys.exit(tap.end())
