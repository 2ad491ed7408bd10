#!/usr/bin/env python3
"""real.py UTRAMP - programs of the system under `utramp trace`: stdout, stderr and status are as
untraced.

Each with entry programs on libc's str* and f* functions, then with entry and exit programs on functions
whose prototypes are given.
"""
import os
import shutil
import subprocess
import sys

import lib

UTRAMP = sys.argv[1]
PROTOS = {
    'malloc': 'void *malloc(size_t)', 'free': 'void free(void *)',
    'realloc': 'void *realloc(void *, size_t)', 'calloc': 'void *calloc(size_t, size_t)',
    'qsort': 'void qsort(void *, size_t, size_t, int (*)(const void *, const void *))',
    'fwrite': 'size_t fwrite(const void *, size_t, size_t, void *)',
    'getenv': 'char *getenv(const char *)',
}
SQL = '''
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
  insert into t select i, 'row ' || (i * 7919 % 10007), i / 7.0 from n;
create index tb on t(b);
select count(*), sum(a), round(sum(c), 6) from t where b like 'row 1%';
select b from t order by b desc limit 5;
'''
PYTHON = '''
import json, re, hashlib
d = {str(i): [i, i / 3, "x" * (i % 50)] for i in range(3000)}
s = json.dumps(d, sort_keys=True)
print(len(s), hashlib.sha256(s.encode()).hexdigest(), len(re.findall("x{7}", s)))
try:
    raise ValueError("as it should")
except ValueError as e:
    print(e)
raise SystemExit(5)
'''


def commands(tmp):
    """name: argv; a program whose file is missing is left out."""
    words = tmp / 'words'
    words.write_text(''.join(f'{i * 7919 % 10007} w{i % 97}\n' for i in range(10000)))
    source = tmp / 'small.c'
    source.write_text('extern int printf(const char *, ...);\nstruct s { int a; double b; };\n'
                      'static int f(struct s x) { return x.a > 2 ? (int)x.b : x.a; }\n'
                      'int main(void) { printf("%d\\n", f((struct s){ 3, 4.5 })); return 0; }\n')
    gcc = shutil.which('gcc')
    cc1 = subprocess.run([gcc, '-print-prog-name=cc1'], capture_output=True,
                         text=True).stdout.strip() if gcc else ''
    return {
        'sqlite3': ['sqlite3', ':memory:', SQL],
        'python3': ['/usr/bin/python3', '-c', PYTHON],
        'cc1': [cc1, '-quiet', '-O2', source, '-o', '-'],
        'sort': ['sort', '-k2', '-n', words],
        'awk': ['awk', '{ n[$2] += $1 } END { for (k in n) print k, n[k] | "sort" }', words],
    }


def installed(argv):
    path = shutil.which(str(argv[0]))
    return path and os.access(path, os.X_OK)


def compare(tap, name, how, options, argv, plain, out):
    r = lib.run([UTRAMP, 'trace', '-q', '-o', out, '--missing=ignore', *options, '--', *argv],
                timeout=100)
    # what utramp says of itself begins with its name
    said = ''.join(x for x in r.stderr.splitlines(True) if not x.startswith('utramp: '))
    good = (r.returncode, r.stdout, said) == (plain.returncode, plain.stdout, plain.stderr)
    lines = sum(1 for _ in open(out))
    tap.ok(good and lines > 0, f'{name}: {how}, {lines} lines, status {r.returncode}',
           f'untraced: {plain.returncode}, {len(plain.stdout)} bytes; {len(r.stdout)} bytes now',
           r.stdout[-200:], r.stderr[-1500:])


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    protos = [x for p in PROTOS.values() for x in ('--proto', p)]
    specs = [f'libc:{f}' for f in PROTOS]
    for name, argv in commands(tmp).items():
        if not installed(argv):
            tap.skip(name, 'not installed')
            continue
        plain = lib.run(argv)
        compare(tap, name, 'entry of str* and f*', ['-e', 'libc:str*', 'libc:f*'], argv, plain, tmp / 'out')
        compare(tap, name, 'entry and exit', [*protos, *specs], argv, plain, tmp / 'out')
    shutil.rmtree(tmp)
    tap.end()


main()
