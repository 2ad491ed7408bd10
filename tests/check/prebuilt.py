#!/usr/bin/env python3
"""prebuilt.py SOURCE BUILT CLANG - the committed examples are what their sources give.  TAP.

They are made by clang 14; with another one the sources still compile and the programs' names and
sections are compared.  To make them anew: cp build/examples/*.bpf.o examples/prebuilt/
"""
import pathlib
import re
import subprocess
import sys

source, built = pathlib.Path(sys.argv[1]) / 'examples', pathlib.Path(sys.argv[2])
version = subprocess.run([sys.argv[3], '--version'], capture_output=True, text=True).stdout
same_clang = re.search(r'version 14\.', version)
names = sorted(p.name.removesuffix('.c') + '.o' for p in source.glob('*.bpf.c'))


def sections(path):
    text = subprocess.run(['readelf', '-SW', path], capture_output=True, text=True,
                          check=True).stdout
    return re.findall(r'\] (\S+) +PROGBITS', text)


def check(name):
    shipped, made = source / 'prebuilt' / name, built / name
    if not shipped.exists():
        return f'{shipped} is missing'
    if same_clang:
        return '' if shipped.read_bytes() == made.read_bytes() else 'its source gives other bytes'
    return '' if sections(shipped) == sections(made) else 'its source gives other sections'


print(f'1..{len(names) + 1}')
bad = 0
for n, name in enumerate(names, 1):
    why = check(name)
    bad += bool(why)
    print('not ok' if why else 'ok', n, '-', name)
    if why:
        print('#', why)
stray = {p.name for p in (source / 'prebuilt').iterdir()} - set(names)
bad += bool(stray)
print('not ok' if stray else 'ok', len(names) + 1, '- nothing else is shipped', *sorted(stray))
sys.exit(1 if bad else 0)
