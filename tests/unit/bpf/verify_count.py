#!/usr/bin/env python3
"""verify_count.py PROGRAM... - how many cases the verifier has: at least 800 (issue 8).

Each program counts what it gives to verify_cases(), without looking at it.
"""
import os
import re
import subprocess
import sys

LEAST = 800

total = 0
print('TAP version 13')
for program in sys.argv[1:]:
    out = subprocess.run([program], capture_output=True, text=True, check=False,
                         env={**os.environ, 'UTRAMP_COUNT_CASES': '1'}).stdout
    found = re.search(r'^# cases (\d+)$', out, re.M)
    n = int(found.group(1)) if found else 0
    total += n
    print(f'# {os.path.basename(program)}: {n}')
print(f'# {total} cases, at least {LEAST} are asked for')
print(f'{"" if total >= LEAST else "not "}ok 1 - as many cases of the verifier')
print('1..1')
sys.exit(total < LEAST)
