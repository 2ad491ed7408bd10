#!/usr/bin/env python3
"""headers.py SOURCE [CC] - every header of src/ compiles alone, and twice.  TAP."""
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
cc = sys.argv[2:] or ['cc']
headers = sorted(root.glob('src/**/*.h')) + sorted(root.glob('include/**/*.h'))
bad = 0
print(f'1..{len(headers)}')
for n, h in enumerate(headers, 1):
    name = h.relative_to(root)
    flags = ['clang', '-target', 'bpf', '-O2', '-I/usr/include/x86_64-linux-gnu'] \
        if name.suffixes == ['.bpf', '.h'] else cc
    r = subprocess.run([*flags, '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter',
                        '-Wno-unused-function', '-D_GNU_SOURCE', '-I', root / 'src', '-I',
                        root / 'include', '-fsyntax-only', '-x', 'c', '-'],
                       input=f'#include "{h}"\n#include "{h}"\n', capture_output=True, text=True)
    print('not ok' if r.returncode else 'ok', n, '-', name)
    for line in r.stderr.splitlines():
        print('#', line)
    bad += r.returncode != 0
sys.exit(1 if bad else 0)
