#!/usr/bin/env python3
"""help.py UTRAMP DIR - the help of every verb: on one screen, with two examples, which work.

Examples are run as they stand, in a folder that has the files they name.
"""
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip, env, exe, main, part, test, tmp, utramp

ROOT = pathlib.Path(part('.')).parents[1]
SOURCE = pathlib.Path(__file__).resolve().parents[2]
LINES, COLUMNS = 42, 100


def verbs():
    r = utramp('--help')
    found = re.findall(r'^  (\w+) +(\S.*)$', r.out, re.M)
    assert len(found) > 9 and all(what for _, what in found), r
    assert len(r.out.splitlines()) <= 24 and max(map(len, r.out.splitlines())) <= 80, r
    return [verb for verb, _ in found]


@test
def on_one_screen():
    for verb in verbs():
        r = utramp(verb, '--help')
        lines = r.out.splitlines()
        assert r.code == 0 and r.err == '', r
        assert len(lines) <= LINES, (verb, len(lines))
        assert max(map(len, lines)) <= COLUMNS, (verb, max(lines, key=len))
        assert len(re.findall(r'^  # \S.*\n  utramp ' + verb + r'\b', r.out, re.M)) == 2, r
        assert utramp('help', verb).out == r.out, verb


def folder():
    """Where the examples' files are."""
    where = tmp / 'examples'
    if where.exists():
        return where
    where.mkdir()
    for name in ('count.bpf.o',):
        shutil.copy(SOURCE / 'examples/prebuilt' / name, where)
    if not (ROOT / 'examples/shapes').exists():
        raise Skip('g++ is not installed')
    shutil.copy(ROOT / 'examples/shapes', where)
    git = dict(cwd=where, check=True, stdout=subprocess.DEVNULL, env=env(HOME=str(where)))
    subprocess.run(['git', 'init', '-q'], **git)
    subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty',
                    '-m', 'one'], **git)
    return where


# what an example must show on stdout or stderr, by its verb: not just end well
SHOWS = {'run': '', 'trace': r'libsqlite3\S*:sqlite3_prepare_v2\(|libc\S*:read\(', 'count': r'\d',
         'latency': r'@', 'stack': r'malloc', 'inject': r'injected \d+ of \d+ call',
         'list': r'sqlite3_bind_text|Py_\w+', 'check': r'setjmp|sqlite3_open', 'code': r'sqlite3_step',
         'args': r'function', 'btf': r'', 'doctor': r'glibc', 'ps': r'',
         'detach': r'utramp: '}


@test
def examples_work():
    where = folder()
    assert sorted(verbs()) == sorted(SHOWS)
    for verb in verbs():
        for line in re.findall(r'^  (utramp .*)$', utramp(verb, '--help').out, re.M):
            if '/sys/kernel/btf/vmlinux' in line and not os.path.exists('/sys/kernel/btf/vmlinux'):
                continue
            command = line.replace('utramp', str(exe), 1)
            if 'zlib.h' in line and not os.path.exists('/usr/include/zlib.h'):
                continue
            r = subprocess.run(['sh', '-c', command], cwd=where, env=env(HOME=str(where)),
                               capture_output=True, text=True, timeout=60,
                               stdin=subprocess.DEVNULL)
            # a command that utramp makes fail ends as it likes; a machine may forbid things
            assert r.returncode == 0 or verb in ('inject', 'check', 'doctor', 'detach'), (line, r)
            assert re.search(SHOWS[verb], r.stdout + r.stderr), (line, r)
            assert 'usage' not in r.stderr and 'no such' not in r.stderr, (line, r)
    assert (where / 'out').stat().st_size > 0 and (where / 'z.btf').stat().st_size > 1000


if __name__ == '__main__':
    main()
