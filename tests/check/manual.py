#!/usr/bin/env python3
"""manual.py UTRAMP PAGE BUILD - the pages are clean, and have what every verb's help has.  TAP.

PAGE is utramp(1), which tells of all verbs; each has a page of its own, made of its help, in BUILD.
"""
import pathlib
import re
import shutil
import subprocess
import sys

exe, page, build = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
groff = shutil.which('groff')
points = []


def run(*cmd):
    return subprocess.run(cmd, capture_output=True, text=True)


def clean(file):
    if not groff:
        points.append((f'{file.name}: groff # SKIP not installed', True, ''))
        return
    r = run(groff, '-mandoc', '-ww', '-z', '-Tutf8', str(file))
    points.append((f'{file.name}: groff has nothing to say', r.returncode == 0 and not r.stderr,
                   r.stderr))


def words(text):
    return re.sub(r'\\e', r'\\', text.replace(r'\-', '-').replace(r'\(aq', "'").replace(r'\&', ''))


clean(page)
text = page.read_text()
have = set(re.findall(r'Fl -([a-z]+)', text))
items = re.findall(r'^\.It Fl (?:\w , Fl )?-([a-z-]+)', text, re.M)
points.append(('no option is told of twice', len(items) == len(set(items)),
               sorted(x for x in items if items.count(x) > 1)))
for verb in re.findall(r'\n  (\w+) +', run(exe, '--help').stdout):
    out = run(exe, verb, '--help').stdout
    options = set(re.findall(r'^  (?:-\w, )?--([a-z]+)', out, re.M)) - {'help'}
    points.append((f'{verb}: its options are in the page', options and options <= have,
                   sorted(options - have)))
    points.append((f'{verb} is in the page', f'.It Cm {verb}\n' in text, verb))
    own = build / f'utramp-{verb}.1'
    clean(own)
    shown = words(own.read_text())
    lines = [x.strip() for x in out.splitlines()[2:] if x.strip()]
    pieces = [p.strip(' .#') for x in lines for p in re.split(r'  +|\. +', x)]
    missing = [p for p in pieces if p not in shown and p not in shown.replace('\n', ' ')]
    points.append((f'{verb}: its page has all of its help', len(lines) > 5 and not missing, missing))
print(f'1..{len(points)}')
for n, (name, ok, why) in enumerate(points, 1):
    print('ok' if ok else 'not ok', n, '-' if '#' not in name else '', name)
    if not ok:
        print('#', why)
sys.exit(0 if all(ok for _, ok, _ in points) else 1)
