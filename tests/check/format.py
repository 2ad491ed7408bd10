#!/usr/bin/env python3
"""format.py SOURCE - what clang-format would change, if it is installed.  TAP."""
import pathlib
import shutil
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
tool = shutil.which('clang-format') or shutil.which('clang-format-14')
if not tool:
    print('1..0 # SKIP clang-format is not installed')
    sys.exit(0)
files = [f for top in ('src', 'include', 'tests', 'examples', 'bench')
         for f in sorted((root / top).rglob('*.[ch]'))]
r = subprocess.run([tool, '--style=file', '--dry-run', '--Werror', *files], capture_output=True,
                   text=True)
# FILE:LINE:COLUMN: error: ...
found = [x for x in r.stderr.splitlines() if ': error: ' in x]
bad = 0
print(f'1..{len(files)}')
for n, f in enumerate(files, 1):
    lines = [x for x in found if x.startswith(f'{f}:')]
    print('not ok' if lines else 'ok', n, '-', f.relative_to(root))
    for x in lines[:6]:
        print('#', x)
    bad += bool(lines)
sys.exit(1 if bad or r.returncode else 0)
