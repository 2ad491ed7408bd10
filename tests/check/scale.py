#!/usr/bin/env python3
"""scale.py SCALE BUILD - bench/scale.py runs on a small library; its times are not judged."""
import json
import subprocess
import sys

LIB = '/usr/lib/x86_64-linux-gnu/libelf.so.1'

r = subprocess.run([sys.executable, sys.argv[1], '--build', sys.argv[2], '--lib', LIB, '--rounds', '1', '--single', '1',
                    '--json'], capture_output=True, text=True, timeout=200, check=False)
if r.returncode:
    sys.exit(f'exit status {r.returncode}\n{r.stderr}')
rows = json.loads(r.stdout)['rows']
for name in ('utramp', 'utramp, analysed anew'):
    row = rows[name][0]
    assert row['functions'] > 50 and row['attach_cpu_ms'] > 0 and row['detach_ms'] > 0, row
for name, got in rows.items():  # what the kernel permits
    assert got[0]['functions'] >= 1, (name, got)
