#!/usr/bin/env python3
"""packs_test.py UTRAMP - stripped libraries of Debian, traced with the types that come with utramp.

No --proto and no --btf: names, types and results are those of share/utramp/btf.  Every program
prints and ends as without us.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

RESOLVE = r'''
#include <netdb.h>
#include <stdio.h>
int main(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list = NULL;
	int err = getaddrinfo("localhost", "80", &hints, &list);

	printf("%d %d\n", err, err ? 0 : (int)list->ai_addrlen);
	return err != 0;
}
'''
# declared as cblas.h has it, whose package may not be installed
MULTIPLY = r'''
#include <stdio.h>
void cblas_dgemm(int, int, int, int, int, int, double, const double *, int, const double *, int,
		 double, double *, int);
int main(void)
{
	double a[4] = { 1, 2, 3, 4 }, b[4] = { 5, 6, 7, 8 }, c[4] = { 1, 1, 1, 1 };

	for (int i = 0; i < 3; i++) {
		cblas_dgemm(101, 111, 112, 2, 2, 2, 1.5 + i, a, 2, b, 2, -0.25, c, 2);
		printf("%.17g %.17g %.17g %.17g\n", c[0], c[1], c[2], c[3]);
	}
	return 0;
}
'''
SQL = ["create table city(name text, people integer);",
       "insert into city values ('Oslo', 709037), ('Bergen', 291940);",
       'select name from city order by people;']
BLAS = '/usr/lib/x86_64-linux-gnu/blas/libblas.so.3'


def build(tmp, name, text, *more):
    exe = tmp / name
    subprocess.run(['gcc', '-O1', '-g0', '-x', 'c', '-', '-x', 'none', *more, '-o', exe], check=True,
                   input=text, text=True)
    return exe


def traced(utramp, tmp, command, *specs):
    out = tmp / 'calls'
    plain = Run(command)
    run = under(utramp, 'trace', out, command, *specs)
    same_program(run, plain)
    return run, list(records(out))


def text_of(value):
    return value['str'] if isinstance(value, dict) else value


def resolve(utramp, tmp):
    run, calls = traced(utramp, tmp, [build(tmp, 'resolve', RESOLVE)], 'libc:getaddrinfo')
    call, = calls
    assert 'no types' not in run.stderr, run.stderr
    names = list(call['args'])          # libc6-dbg has glibc's own name for the third
    assert names[:2] + names[3:] == ['name', 'service', 'pai'] and names[2] in ('req', 'hints'), call
    assert text_of(call['args']['name']) == 'localhost', call
    assert text_of(call['args']['service']) == '80', call
    assert run.stdout.split()[0] == str(call['ret']).encode(), call


def multiply(utramp, tmp):
    exe = build(tmp, 'multiply', MULTIPLY, BLAS)
    run, calls = traced(utramp, tmp, [exe], 'libblas:cblas_dgemm')
    assert 'no types' not in run.stderr and len(calls) == 3, run.stderr
    for i, call in enumerate(calls):
        a = call['args']
        pointers = {x: a.pop(x) for x in 'ABC'}
        assert a == {'layout': 'CblasRowMajor', 'TransA': 'CblasNoTrans', 'TransB': 'CblasTrans',
                     'M': 2, 'N': 2, 'K': 2, 'alpha': 1.5 + i, 'lda': 2, 'ldb': 2, 'beta': -0.25,
                     'ldc': 2}, a
        assert len(set(pointers.values())) == 3 and all(p.startswith('0x7f') for p in
                                                        pointers.values()), pointers
        assert call['dur_ns'] > 0 and 'entry' not in call, call


def fortran(utramp, tmp):
    """What cblas_dgemm calls: 15 arguments, of which nine are on the stack."""
    exe = build(tmp, 'multiply', MULTIPLY, BLAS)
    _, calls = traced(utramp, tmp, [exe], 'libblas:dgemm_', 'libblas:cblas_dgemm')
    inner = [c for c in calls if c['func'] == 'dgemm_']
    assert len(inner) == 3 and len(calls) == 6, calls
    for call in inner:
        assert len(call['args']) == 15 and call['args']['transb_len'] == 1, call


def statements(utramp, tmp):
    command = ['sqlite3', ':memory:', *SQL]
    run, calls = traced(utramp, tmp, command, 'libsqlite3:sqlite3_*')
    prepared = [c for c in calls if c['func'] == 'sqlite3_prepare_v2']
    assert [text_of(c['args']['zSql']) for c in prepared if c['args']['nByte'] == -1 and
            text_of(c['args']['zSql']) in SQL] == SQL, prepared
    assert all(list(c['args']) == ['db', 'zSql', 'nByte', 'ppStmt', 'pzTail'] and c['ret'] == 0
               for c in prepared), prepared
    steps = [c['ret'] for c in calls if c['func'] == 'sqlite3_step']
    assert steps.count(100) >= 2 and steps.count(101) >= 3, steps   # SQLITE_ROW, SQLITE_DONE
    cities = [text_of(c['ret']) for c in calls if c['func'] == 'sqlite3_column_text']
    assert [x for x in cities if x in ('Oslo', 'Bergen')] == ['Bergen', 'Oslo'], cities
    return f'{run.attached()} functions, {len(calls)} calls'


def whole_libraries(utramp, tmp, spec, command, least):
    """Every function of a library, most with exit programs."""
    run, calls = traced(utramp, tmp, command, spec)
    assert len(calls) >= least and run.lost() == 0, (len(calls), run.stderr)
    exits = sum('ret' in c or 'dur_ns' in c for c in calls)
    assert exits * 2 > len(calls), (exits, len(calls))
    return f'{run.attached()} functions, {len(calls)} calls, {exits} with an end'


def main(utramp):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-packs-') as name:
        tmp = pathlib.Path(name)
        tap.run('libc: getaddrinfo', resolve, utramp, tmp)
        if os.path.exists(BLAS):
            tap.run('libblas: cblas_dgemm', multiply, utramp, tmp)
            tap.run('libblas: dgemm_ within it', fortran, utramp, tmp)
        else:
            print('# libblas3 is not installed')
        if shutil.which('sqlite3'):
            tap.run('libsqlite3: sqlite3_*', statements, utramp, tmp)
            tap.run('libc: all of it, under sqlite3', whole_libraries, utramp, tmp, 'libc:*',
                    ['sqlite3', ':memory:', *SQL], 1000)
        tap.run('libc: all of it, under bash', whole_libraries, utramp, tmp, 'libc:*',
                ['bash', '-c', 'for i in 1 2; do echo $i | sed s/1/2/; done; (exit 3)'], 1000)
        if shutil.which('git'):
            subprocess.run(['git', 'init', '-q', tmp / 'repo'], check=True)
            subprocess.run(['git', '-C', tmp / 'repo', 'hash-object', '-w', '--stdin'], check=True,
                           input=b'text\n' * 1000, stdout=subprocess.DEVNULL)
            tap.run('libz: all of it, under git', whole_libraries, utramp, tmp, 'libz:*',
                    ['git', '-C', tmp / 'repo', 'cat-file', '--batch-all-objects', '--batch'], 2)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
