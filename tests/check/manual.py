#!/usr/bin/env python3
"""manual.py UTRAMP PAGE - the page is clean and has every option of every verb's help.  TAP."""
import re
import shutil
import subprocess
import sys

exe, page = sys.argv[1], sys.argv[2]
points = []


def run(*cmd):
    return subprocess.run(cmd, capture_output=True, text=True)


groff = shutil.which('groff')
if groff:
    r = run(groff, '-mandoc', '-ww', '-z', '-Tutf8', page)
    points.append(('groff has nothing to say', r.returncode == 0 and r.stderr == '', r.stderr))
else:
    points.append(('groff # SKIP not installed', True, ''))
text = open(page).read()
have = set(re.findall(r'Fl -([a-z]+)', text))
for verb in re.findall(r'\n  (\w+) +', run(exe, '--help').stdout):
    out = run(exe, verb, '--help').stdout
    options = set(re.findall(r'--([a-z]+)', out)) - {'help'}
    points.append((f'{verb}: its options are in the page', options and options <= have,
                   sorted(options - have)))
    points.append((f'{verb} is in the page', f'.It Cm {verb}\n' in text, verb))
print(f'1..{len(points)}')
for n, (name, ok, why) in enumerate(points, 1):
    print('ok' if ok else 'not ok', n, '-' if '#' not in name else '', name)
    if not ok:
        print('#', why)
sys.exit(0 if all(ok for _, ok, _ in points) else 1)
