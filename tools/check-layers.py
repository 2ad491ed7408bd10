#!/usr/bin/env python3
"""check-layers.py [ROOT] - hold the sources to the table of layers and the size limits.

Every #include "layer/file.h" must be allowed by ALLOW; no file over 800 lines; no
function over 60 lines, but the one switch per engine named in BIG_FUNCTIONS; our own
functions never start with a prefix that libbpf, libelf or libdw own.
Prints one line per finding; exit status 1 if there is any.
"""
import pathlib
import re
import sys

ALLOW = {                       # layer: layers it may include (itself is always allowed)
    'base': [],
    'x86': ['base'],
    'abi': ['base'],
    'info': ['base'],
    'shm': ['base'],
    'rt': ['shm'],
    'model': ['base', 'abi', 'info'],
    'bpf': ['base', 'x86', 'info', 'shm', 'rt'],
    'sys': ['base', 'bpf', 'shm'],
    'tramp': ['base', 'x86', 'abi', 'model'],
    'text': ['base', 'x86', 'info', 'shm'],
    'ctl': ['base', 'shm', 'info'],
    'gen': ['base', 'model', 'info', 'shm', 'bpf'],
    'attach': ['base', 'x86', 'abi', 'info', 'shm', 'rt', 'model', 'bpf', 'sys', 'tramp',
               'text', 'ctl', 'gen', 'utramp'],
    'cli': ['utramp', 'base'],
}
MAX_FILE = 800
MAX_FUNCTION = 60
BIG_FUNCTIONS = {               # (file, function): the one switch of an engine
    ('src/bpf/interp.c', 'step'),
    ('src/bpf/jit_insn.c', 'jit_insn'),
}
# the kernel's and libraries' name spaces; __wrap_ functions stand in for theirs on purpose
FOREIGN = re.compile(r'^(bpf_|btf_|elf_|dwarf_|libbpf_)')
INCLUDE = re.compile(r'\s*#\s*include\s+"([a-z0-9]+)/[^"]*"')
FUNCTION = re.compile(r'^[A-Za-z_][\w\s\*,()\[\]:"]*?([A-Za-z_]\w*)\s*\([^;]*$')


def functions(lines):
    """Yield (name, first line, length) of each function: an opening brace in column 0."""
    head, start = '', 0
    for n, line in enumerate(lines, 1):
        if line == '{' and head:
            start, name = n, head
        elif line.startswith('}') and start:
            yield name, start, n - start + 1
            start, head = 0, ''
        elif not start and line and not line[0].isspace() and line[0] not in '#/*}{':
            m = FUNCTION.match(line)
            if m:
                head = m[1]


def check_file(path, rel, layer):
    lines = path.read_text().splitlines()
    if len(lines) > MAX_FILE:
        yield f'{rel}: {len(lines)} lines, the limit is {MAX_FILE}'
    for n, line in enumerate(lines, 1):
        m = INCLUDE.match(line)
        if layer and m and m[1] in list(ALLOW) + ['utramp'] and m[1] != layer \
                and m[1] not in ALLOW[layer]:
            yield f'{rel}:{n}: {layer}/ must not include {m[1]}/'
    for name, start, length in functions(lines):
        if length > MAX_FUNCTION and (str(rel), name) not in BIG_FUNCTIONS:
            yield f'{rel}:{start}: {name}() has {length} lines, the limit is {MAX_FUNCTION}'
        if layer and FOREIGN.match(name):
            yield f'{rel}:{start}: {name}() has a prefix that a library owns'


def main(root):
    bad = 0
    root = pathlib.Path(root)
    for top in ('src', 'include', 'tests', 'bench', 'examples'):
        for path in sorted(root.joinpath(top).rglob('*.[ch]')):
            rel = path.relative_to(root)
            layer = rel.parts[1] if top == 'src' else ''
            if top == 'src' and layer not in ALLOW:
                print(f'{rel}: {layer}/ is not a layer')
                bad += 1
                continue
            for finding in check_file(path, rel, layer):
                print(finding)
                bad += 1
    return 1 if bad else 0


sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else '.'))
