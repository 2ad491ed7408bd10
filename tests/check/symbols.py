#!/usr/bin/env python3
"""symbols.py LIBUTRAMP.A UTRAMP.H - the library shows what the header declares, no more.  TAP."""
import pathlib
import re
import subprocess
import sys

text = subprocess.run(['nm', '-g', '--defined-only', sys.argv[1]], check=True,
                      capture_output=True, text=True).stdout
shown = set(re.findall(r'^[0-9a-f]+ [A-Z] (\w+)$', text, re.M))
header = pathlib.Path(sys.argv[2]).read_text()
headers = ''.join(p.read_text() for p in pathlib.Path(sys.argv[2]).parent.glob('*.h'))
declared = set(re.findall(r'UTRAMP_API[^;]*?\b(utramp_\w+)\(', headers))
checks = [
    ('the header declares functions', len(declared) > 40, len(declared)),
    ('every one is in the library', not declared - shown, declared - shown),
    ('nothing else can be seen', not shown - declared, shown - declared),
    ('the header has at most 250 lines', header.count('\n') <= 250, header.count('\n')),
]
print(f'1..{len(checks)}')
for n, (name, ok, why) in enumerate(checks, 1):
    print('ok' if ok else 'not ok', n, '-', name)
    if not ok:
        print('#', why)
sys.exit(0 if all(ok for _, ok, _ in checks) else 1)
