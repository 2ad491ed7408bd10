#!/usr/bin/env python3
"""redis.py UTRAMP - attach to a redis-server under redis-benchmark and clients that check answers.

What redis-benchmark asked for is counted in the server's own data: a counter and a list are as
large as the requests that were made.
"""
import shutil
import socket
import subprocess
import sys

from attached import lib
from server import Load, Server, check_load, program, visit_under_load

UTRAMP = sys.argv[1]
REQUESTS = 2000  # of each kind, in one run of redis-benchmark


class Client:
    """A connection, in RESP: redis.io/docs/reference/protocol-spec"""

    def __init__(self, path, name):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(str(path))
        self.f = self.s.makefile('rb')
        self.name, self.n = name, 0

    def ask(self, *words):
        words = [str(w).encode() for w in words]
        self.s.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        return self.answer()

    def answer(self):
        line = self.f.readline()
        if not line.endswith(b'\r\n') or line[:1] == b'-':
            raise ValueError(f'answer {line!r}')
        kind, rest = line[:1], line[1:-2]
        if kind == b':':
            return int(rest)
        if kind == b'$' and int(rest) >= 0:
            return self.f.read(int(rest) + 2)[:-2].decode()
        return rest.decode()

    def once(self):
        self.n += 1
        value = f'{self.name} {self.n} ' + 'v' * (self.n % 3000)
        got = (self.ask('SET', self.name, value), self.ask('GET', self.name),
               self.ask('INCR', self.name + '.n'))
        if got != ('OK', value, self.n):
            raise ValueError(f'{got} instead of {value!r}, {self.n}')

    def close(self):
        self.f.close()
        self.s.close()


class Benchmark:
    """redis-benchmark, again and again."""

    def __init__(self, path):
        self.cmd = [program('redis-benchmark'), '-s', str(path), '-n', str(REQUESTS), '-c', '8',
                    '-t', 'set,get,incr,lpush', '-P', '2', '--csv']
        self.runs = 0

    def once(self):
        r = subprocess.run(self.cmd, capture_output=True, text=True, timeout=60)
        lines = r.stdout.splitlines()
        rates = [float(x.split(',')[1].strip('"')) for x in lines[1:]]
        if r.returncode or r.stderr or len(rates) != 4 or min(rates) <= 0:
            raise ValueError(f'redis-benchmark: {r.returncode} {r.stdout} {r.stderr}')
        self.runs += 1


def answers(path):
    try:
        c = Client(path, '')
    except OSError:
        return False
    good = c.ask('PING') == 'PONG'
    c.close()
    return good


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    path = tmp / 'socket'
    server = Server([program('redis-server'), '--port', '0', '--unixsocket', path, '--save', '',
                     '--appendonly', 'no', '--dir', tmp], tmp, lambda: answers(path))
    if tap.ok(server.up, 'redis-server answers', server.said()):
        some = [Client(path, 'a'), Client(path, 'b')]
        bench = Benchmark(path)
        load = Load([*some, bench])
        load.run(0.5)
        check_load(tap, 'before', load, 0)
        pid = [server.p.pid]
        visit_under_load(tap, 'redis', UTRAMP, 'count', pid,
                         ['processCommand', 'addReply', 'libc:read', 'libc:write',
                          'libc:epoll_wait'], 1, load, tmp)
        visit_under_load(tap, 'redis', UTRAMP, 'trace', pid, ['incrCommand', 'setCommand'], 0.5, load, tmp)
        done = load.done
        load.run(0.3)
        check_load(tap, 'behind', load, done)
        sums = int(some[0].ask('GET', 'counter:__rand_int__')), some[0].ask('LLEN', 'mylist')
        tap.ok(sums == (bench.runs * REQUESTS,) * 2,
               f'redis-benchmark, {bench.runs} times: all requests have arrived', sums)
        for c in some:
            c.close()
    code = server.end()
    tap.ok(code == 0, f'redis-server ends with {code}', server.said())
    shutil.rmtree(tmp)
    tap.end()


main()
