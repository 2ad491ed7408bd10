#!/usr/bin/env python3
"""symbols.py SOURCE ARCHIVE SHARED MAP - the libraries show what the headers declare, no more.  TAP.

The headers are include/utramp/*.h; the shared library's names are those of its version script, too.
"""
import pathlib
import re
import subprocess
import sys

root, archive, shared, script = (pathlib.Path(p) for p in sys.argv[1:5])


def run(*cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout


def code(path):
    return re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)


def global_names(*cmd):
    """{name: version or None} of the functions and data that nm shows."""
    found = re.findall(r'^[0-9a-f]+ [A-Z] ([\w.]+?)(?:@@?([\w.]+))?$', run(*cmd), re.M)
    return {name: version or None for name, version in found if not re.fullmatch(r'UTRAMP_[\d.]+', name)}


headers = sorted((root / 'include/utramp').glob('*.h'))
declared, marks = set(), 0
for h in headers:
    text = code(h)
    declared |= set(re.findall(r'UTRAMP_API[^;(]*?\b(utramp_\w+)\(', text))
    marks += len(re.findall(r'^UTRAMP_API ', text, re.M))
nodes = re.findall(r'^(UTRAMP_[\d.]+) \{\s*global:(.*?)(?:local:\s*\*;\s*)?\}', script.read_text(), re.M | re.S)
listed = {name: node for node, names in nodes for name in re.findall(r'^\s*(\w+);$', names, re.M)}
inside = global_names('nm', '-g', '--defined-only', archive)
visible = global_names('nm', '-D', '--defined-only', '--with-symbol-versions', shared)
dynamic = run('readelf', '-dW', shared)
main = root / 'include/utramp/utramp.h'
how = f'of {script.name}: a new function gets a line there'
checks = [
    ('the headers declare functions', len(declared) > 40 and len(declared) == marks,
     (len(declared), marks)),
    ('every one is in the archive', not declared - inside.keys(), declared - inside.keys()),
    ('nothing else can be seen there', not inside.keys() - declared, inside.keys() - declared),
    (f'every one is in a node {how}', not declared - listed.keys(), declared - listed.keys()),
    ('nothing else is listed', not listed.keys() - declared, listed.keys() - declared),
    ('the shared library shows what is listed, in its versions', visible == listed,
     sorted(visible.items() ^ listed.items())),
    ('it has its name', re.search(r'SONAME.*\[libutramp\.so\.0\]', dynamic), dynamic),
    ('its code can be shared', 'TEXTREL' not in dynamic, dynamic),
    ('dlopen() may load it', 'STATIC_TLS' not in dynamic, dynamic),
    ('it has no libbpf but its own', 'libbpf' not in dynamic, dynamic),
    ('utramp.h has at most 250 lines', main.read_text().count('\n') <= 250, ''),
]
print(f'1..{len(checks)}')
for n, (name, ok, why) in enumerate(checks, 1):
    print('ok' if ok else 'not ok', n, '-', name)
    if not ok:
        print('#', str(why).replace('\n', '\n# '))
sys.exit(0 if all(ok for _, ok, _ in checks) else 1)
