#!/usr/bin/env python3
"""postgres.py UTRAMP - attach to the backends of a postgres, two clients' and those of pgbench.

A backend of a client that checks its answers is looked at while it waits for the next question;
pgbench's are attached to while it runs, and then the sums of its tables must agree.
"""
import os
import pwd
import shutil
import signal
import subprocess
import sys

from attached import Tool, check_tool, lib
from server import Load, Server, check_load, program, visit_under_load
import inventory

UTRAMP = sys.argv[1]
BIN = '/usr/lib/postgresql/*/bin/'
END = 'end of answer'

# What pgbench keeps equal (pgbench(1), the TPC-B-like script): every transaction adds one delta
# to an account, a teller and a branch, and writes it to the history.
SUMS = '''select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
 (select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history),
 (select count(*) from pgbench_history)'''


def as_user():
    """postgres refuses to run as root: what to begin a command with, and who it is then."""
    if os.geteuid() != 0:
        return [], os.geteuid(), os.getegid()
    for name in ('postgres', 'nobody'):
        try:
            u = pwd.getpwnam(name)
        except KeyError:
            continue
        return ['setpriv', f'--reuid={u.pw_uid}', f'--regid={u.pw_gid}', '--clear-groups'], u.pw_uid, u.pw_gid
    raise SystemExit('Bail out! no user that postgres could run as')


class Session:
    """One psql, so one backend."""

    def __init__(self, tmp, table):
        self.p = subprocess.Popen([program('psql', BIN + 'psql'), '-qAtX', '-h', str(tmp), '-U', 'test',
                                   '-v', 'ON_ERROR_STOP=1', 'postgres'], text=True, bufsize=1,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.n = 0
        self.table = table
        if table:
            self.ask(f'create table {table}(n int primary key, t text);')
        self.backend = int(self.ask('select pg_backend_pid();')[0])

    def ask(self, sql):
        self.p.stdin.write(f'{sql}\n\\echo {END}\n')
        self.p.stdin.flush()
        lines = []
        while True:
            line = self.p.stdout.readline()
            if not line:
                raise ValueError(f'psql has ended: {lines}')
            if line == END + '\n':
                return lines
            lines.append(line.rstrip('\n'))

    def once(self):
        self.n += 1
        n = self.n
        got = self.ask(f"insert into {self.table} values ({n}, repeat('x', {n % 500}));\n"
                       f'select count(*), sum(n), sum(n) / 7.0::float8, sum(length(t)) from {self.table};\n'
                       'select sum(i::bigint * i) from generate_series(1, 1000) i;')
        total = n * (n + 1) // 2
        count, s, ratio, length = got[0].split('|')
        if (int(count), int(s), float(ratio), got[1:]) != (n, total, total / 7.0, ['333833500']) or \
                int(length) != sum(i % 500 for i in range(1, n + 1)):
            raise ValueError(f'{got} for {n}')

    def close(self):
        self.p.stdin.close()
        self.p.wait(20)
        self.p.stdout.close()


def start(tmp):
    prefix, uid, gid = as_user()
    os.chown(tmp, uid, gid)
    data = tmp / 'data'
    made = subprocess.run([*prefix, program('initdb', BIN + 'initdb'), '-D', data, '-A', 'trust',
                           '-U', 'test', '--no-sync', '--no-instructions', '--locale=C', '-E', 'UTF8'],
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, cwd='/')
    ready = [program('pg_isready', BIN + 'pg_isready'), '-q', '-h', tmp]
    # SIGINT: "fast shutdown", pg_ctl(1)
    return Server([*prefix, program('postgres', BIN + 'postgres'), '-D', data, '-k', tmp,
                   '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'autovacuum=off', '-c', 'shared_buffers=16MB'], tmp,
                  lambda: subprocess.run(ready, stdin=subprocess.DEVNULL).returncode == 0,
                  signal.SIGINT), made.stdout + made.stderr


def pgbench(tmp, *args):
    return [program('pgbench', BIN + 'pgbench'), '-h', str(tmp), '-U', 'test', *args, 'postgres']


def under_pgbench(tap, tmp, session):
    """All backends of a pgbench, at once, while it runs."""
    made = lib.run(pgbench(tmp, '-i', '-q', '-s', '1'))
    tap.ok(made.returncode == 0, 'pgbench makes its tables', made.stdout, made.stderr)
    p = subprocess.Popen(pgbench(tmp, '-n', '-c', '3', '-T', '6'), text=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ask = "select pid from pg_stat_activity where application_name = 'pgbench' and state is not null;"
    pids = lib.wait_for(lambda: [int(x) for x in session.ask(ask)] if len(session.ask(ask)) == 3 else None)
    tap.ok(pids, 'pgbench has three backends')
    before = {pid: inventory.text(pid, inventory.regions(pid)) for pid in pids or []}
    tools = [Tool(UTRAMP, 'count', pid, ['palloc', 'pq_getmsgstring', 'libc:recv'], 1, tmp / f'calls.{pid}')
             for pid in before]
    for tool in tools:
        check_tool(tap, 'pgbench', tool)
    after = {pid: inventory.text(pid, inventory.regions(pid)) for pid in before}
    tap.ok(before == after, 'their text is as before, while they run')
    said = p.communicate(timeout=60)[0]
    tap.ok(p.returncode == 0 and 'number of failed transactions: 0 ' in said,
           'pgbench: no failed transaction', said)
    a, t, b, h, n = (int(x) for x in session.ask(SUMS + ';')[0].split('|'))
    tap.ok(a == t == b == h and n > 100, f'the sums of {n} transactions agree', a, t, b, h)


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    server, made = start(tmp)
    if tap.ok(server.up, 'postgres answers', made, server.said()):
        some = [Session(tmp, 'one'), Session(tmp, 'two')]
        asking = Session(tmp, None)
        load = Load(some)
        load.run(1)
        check_load(tap, 'before', load, 0)
        pids = [s.backend for s in some]
        visit_under_load(tap, 'backend', UTRAMP, 'count', pids,
                         ['palloc', 'hash_search_with_hash_value', 'pq_getmsgstring', 'libc:recv',
                          'libc:epoll_wait'], 1, load, tmp)
        visit_under_load(tap, 'backend', UTRAMP, 'trace', pids, ['ExecutorRun', 'libc:send'], 0.5, load, tmp)
        under_pgbench(tap, tmp, asking)
        done = load.done
        load.run(0.3)
        check_load(tap, 'behind', load, done)
        tap.ok([int(s.ask('select pg_backend_pid();')[0]) for s in some] == pids,
               'the same backends as before')
        for s in [*some, asking]:
            s.close()
    code = server.end()
    tap.ok(code == 0, f'postgres ends with {code}', server.said())
    shutil.rmtree(tmp)
    tap.end()


main()
