#!/usr/bin/env python3
"""symbols.py LIBUTRAMP.A - its global names; those of others must be their owners'.  TAP.

No function of ours has a prefix that libbpf or elfutils owns (the check of layers sees
sources, this one what came out).
"""
import collections
import re
import subprocess
import sys

FOREIGN = re.compile(r'^(bpf_|btf_|elf_|dwarf_|libbpf_)')
text = subprocess.run(['nm', '-g', '--defined-only', sys.argv[1]], check=True,
                      capture_output=True, text=True).stdout
names = re.findall(r'^[0-9a-f]+ [A-Z] (\w+)$', text, re.M)
foreign = [n for n in names if FOREIGN.match(n)]
twice = sorted(n for n, k in collections.Counter(names).items() if k > 1)
checks = [
    ('the library has functions', len(names) > 200, len(names)),
    ('none with a prefix that a library owns', not foreign, foreign),
    ('no name twice', not twice, twice),
]
print(f'1..{len(checks)}')
for n, (name, ok, why) in enumerate(checks, 1):
    print('ok' if ok else 'not ok', n, '-', name)
    if not ok:
        print('#', why)
sys.exit(0 if all(ok for _, ok, _ in checks) else 1)
