#!/usr/bin/env python3
"""guide.py BUILD SOURCE PAGE - the files that a page shows, and the session it shows with them.  TAP.

A block "```c NAME" is a file; one without a name a session: commands behind "$ ", then the lines
that come, "..." for any number.  Order is not compared: the command's own lines come when it flushes
them; nor are addresses, offsets and durations.  "build" is the build directory.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

build, source, page = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
text = page.read_text()
points = []


def plain(line):
    """Without what differs from run to run."""
    line = re.sub(r'\b0x[0-9a-f]{6,}\b|(?<=\+)0x[0-9a-f]+\b', '0x', line.rstrip())
    return re.sub(r'<[\d.]+ ms>$', '<ms>', line)


def run(line, where):
    env = {**os.environ, 'PATH': f'{build}:{os.environ["PATH"]}', 'LC_ALL': 'C',
           'C_INCLUDE_PATH': str(source / 'include')}
    return subprocess.run(line, shell=True, cwd=where, env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def check(line, want, where):
    r = run(line, where)
    if r.returncode:
        return f'exit code {r.returncode}: {r.stderr}'
    got = [plain(x) for x in r.stdout.splitlines()]
    for x in want:
        if x != '...' and x not in got:
            return f'{x!r} is not in {got}; {r.stderr}'
        if x != '...':
            got.remove(x)
    return f'more came: {got}' if got and '...' not in want else ''


with tempfile.TemporaryDirectory() as where:
    (pathlib.Path(where) / 'build').symlink_to(build)
    files = re.findall(r'^```c (\S+)\n(.*?)^```', text, re.M | re.S)
    for name, content in files:
        (pathlib.Path(where) / name).write_text(content)
    for block in re.findall(r'^```\n(\$ .*?)^```', text, re.M | re.S):
        for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
            line, *want = part.splitlines()
            points.append((line, check(line, [plain(x) for x in want], where)))
points.append(('files and commands are shown', '' if files and len(points) > 2 else 'none'))
print(f'1..{len(points)}')
for n, (name, why) in enumerate(points, 1):
    print('not ok' if why else 'ok', n, '-', name)
    if why:
        print('#', why.replace('\n', '\n# '))
sys.exit(any(why for _, why in points))
