#!/usr/bin/env python3
"""readme.py BUILD README PAGE OBJECT PROGRAM - what README and manual page show is what happens.  TAP.

README's session is run as a reader would run it: each line shown must come, and no other, but
that "..." stands for any number of lines.  Their order is not compared, as the command's own lines
come when it flushes them.  What differs from run to run (times, addresses) is made equal first;
standard error is not shown.  Of the page the example
with --attach is run, with PROGRAM of OBJECT as its program.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

build, readme, page, obj = (pathlib.Path(p).resolve() for p in sys.argv[1:5])
program = sys.argv[5]
ENV = {**os.environ, 'PATH': f'{build}:{os.environ["PATH"]}', 'LC_ALL': 'C'}
points = []


def plain(line):
    line = re.sub(r' *<[\d.]+ ms>', ' <T ms>', line)
    return re.sub(r'0x[0-9a-f]{6,}', '0xADDRESS', line).rstrip()


def run(command, where):
    return subprocess.run(command, shell=True, cwd=where, env=ENV, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def shown(text):
    """(command, lines) of the session."""
    block = re.search(r'## A session\n.*?```\n(.*?)```', text, re.S)[1]
    for part in block.split('$ ')[1:]:
        command, *lines = part.splitlines()
        yield command, lines


def differs(want, got):
    """Which line shown did not come, or came unshown; None."""
    want, got = [plain(x) for x in want], list(got)
    for line in want:
        if line != '...' and line not in got:
            return f'{line!r} is not in {got[:12]}'
        if line != '...':
            got.remove(line)
    return f'more came: {got[:12]}' if got and '...' not in want else None


def command(line, want):
    if '/sys/kernel/btf/vmlinux' in line and not os.path.exists('/sys/kernel/btf/vmlinux'):
        return 'SKIP', 'this kernel has no BTF'
    if 'sqlite3' in line and not shutil.which('sqlite3'):
        return 'SKIP', 'sqlite3 is not installed'
    r = run(re.sub(r'(?<!\S)build/', f'{build}/', line), build.parent)
    if r.returncode or re.search('^utramp: (?!attached |injected |\d+ of )', r.stderr, re.M):
        return False, f'exit code {r.returncode}: {r.stderr}'
    why = differs(want, [plain(x) for x in r.stdout.splitlines()])
    return not why, why


def example():
    """The page's example with --attach."""
    line, = re.findall(r'^\.Dl (utramp run .*--attach on_call=.*)$', page.read_text(), re.M)
    if not shutil.which('sqlite3'):
        return 'SKIP', 'sqlite3 is not installed'
    with tempfile.TemporaryDirectory() as where:
        (pathlib.Path(where) / 'file').write_text('text\n' * 1000)
        r = run(line.replace('on_call=', f'{program}=').replace('prog.bpf.o', str(obj)), where)
        calls = pathlib.Path(where) / 'calls'
        return r.returncode == 0 and calls.stat().st_size > 0, r


points.append(('build/utramp is the tool', os.access(build / 'utramp', os.X_OK), build))
session = list(shown(readme.read_text()))
points.append(('README has a session', len(session) >= 4, session))
for line, want in session:
    points.append((line, *command(line.split('  #')[0], want)))
points.append(('the page: --attach', *example()))
print(f'1..{len(points)}')
for n, (name, ok, why) in enumerate(points, 1):
    skip = f' # SKIP {why}' if ok == 'SKIP' else ''
    print('ok' if ok else 'not ok', n, '-', name.replace('#', ''), skip)
    if not ok:
        print('#', str(why).replace('\n', '\n# '))
sys.exit(0 if all(ok for _, ok, _ in points) else 1)
