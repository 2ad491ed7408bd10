#!/usr/bin/env python3
"""header.py LIBUTRAMP.A API_USER SOURCE - the public headers are what they say they are."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

lib, user, source = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
# for programs of the library; *.bpf.h are for BPF objects
headers = sorted(h for h in source.glob('include/utramp/*.h') if not h.name.endswith('.bpf.h'))
text = ''.join(h.read_text() for h in headers)
n = 0
bad = 0


def point(ok, name, why=''):
    global n, bad
    n += 1
    bad += not ok
    print('ok' if ok else 'not ok', n, '-', name)
    for line in [] if ok else str(why).splitlines():
        print('#', line)


def compiles(cc, *flags):
    name = ' '.join([cc, *flags])
    if not shutil.which(cc):
        point(True, name + ' # SKIP not installed')
        return
    with tempfile.TemporaryDirectory() as d:
        src = pathlib.Path(d) / ('t.cc' if '++' in cc else 't.c')
        src.write_text(''.join(f'#include <utramp/{h.name}>\n' * 2 for h in headers) +
                       'int main(void) { return utramp_version() == 0; }\n')
        r = subprocess.run([cc, *flags, '-Wall', '-Wextra', '-Werror', '-c', str(src), '-o', d + '/t.o',
                            '-I', str(source / 'include')], capture_output=True, text=True)
    point(r.returncode == 0, name, r.stderr)


for cc in ['gcc', 'clang']:
    for std in ['c99', 'c11', 'gnu11']:
        compiles(cc, '-std=' + std, '-pedantic')
for cc in ['g++', 'clang++']:
    compiles(cc, '-std=c++11', '-pedantic')

for h in headers:
    lines = h.read_text().count('\n')
    point(lines <= 250, f'{h.name} has at most 250 lines', lines)
plain = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
declared = set(re.findall(r'UTRAMP_API[^;(]*?\b(utramp_\w+)\(', plain))
point(len(declared) > 40 and len(declared) == plain.count('UTRAMP_API ') - 1,
      f'{len(declared)} functions are declared', plain.count('UTRAMP_API '))
symbols = subprocess.run(['nm', '-g', '--defined-only', lib], check=True, capture_output=True,
                         text=True).stdout
defined = set(re.findall(r' T (utramp_\w+)$', symbols, re.M))
point(not declared - defined, 'each is in the library', sorted(declared - defined))
point(not defined - declared, 'the library has no other utramp_ function',
      sorted(defined - declared))
for command, out in [([], '0'), (['/bin/false'], '1'), (['/bin/sh', '-c', 'exit 42'], '42')]:
    r = subprocess.run([user, *command], capture_output=True, text=True, timeout=60)
    point((r.returncode, r.stdout, r.stderr) == (0, out + '\n', ''),
          f'a program of its own runs {command or "/bin/true"}', r)
r = subprocess.run([user, '/nonexistent'], capture_output=True, text=True, timeout=60)
point(r.returncode == 1 and 'No such file' in r.stderr, 'and gets the reason of a failure', r)
print(f'1..{n}')
sys.exit(1 if bad else 0)
