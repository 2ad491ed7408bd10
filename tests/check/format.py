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
bad = 0
print(f'1..{len(files)}')
for n, f in enumerate(files, 1):
    r = subprocess.run([tool, '--style=file', '--dry-run', '--Werror', f], capture_output=True,
                       text=True)
    print('not ok' if r.returncode else 'ok', n, '-', f.relative_to(root))
    for line in r.stderr.splitlines()[:6] if r.returncode else []:
        print('#', line)
    bad += r.returncode != 0
sys.exit(1 if bad else 0)
