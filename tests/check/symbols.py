#!/usr/bin/env python3
"""symbols.py LIBUTRAMP.A UTRAMP.H - the library shows what its headers declare, no more.  TAP.

Headers are UTRAMP.H and those beside it, but for *.bpf.h, which are for programs.
"""
import pathlib
import re
import subprocess
import sys

text = subprocess.run(['nm', '-g', '--defined-only', sys.argv[1]], check=True,
                      capture_output=True, text=True).stdout
shown = set(re.findall(r'^[0-9a-f]+ [A-Z] (\w+)$', text, re.M))
headers = [h.read_text() for h in sorted(pathlib.Path(sys.argv[2]).parent.glob('*.h'))
           if not h.name.endswith('.bpf.h')]
declared = set(re.findall(r'UTRAMP_API[^;]*?\b(utramp_\w+)\(', ''.join(headers)))
longest = max(h.count('\n') for h in headers)
checks = [
    ('the headers declare functions', len(declared) > 40, len(declared)),
    ('every one is in the library', not declared - shown, declared - shown),
    ('nothing else can be seen', not shown - declared, shown - declared),
    ('each has at most 250 lines', longest <= 250, longest),
]
print(f'1..{len(checks)}')
for n, (name, ok, why) in enumerate(checks, 1):
    print('ok' if ok else 'not ok', n, '-', name)
    if not ok:
        print('#', why)
sys.exit(0 if all(ok for _, ok, _ in checks) else 1)
