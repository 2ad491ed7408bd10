#!/usr/bin/env python3
"""check-probe.py SLAB.so - hold the slab's template to the rules of [probe] code.

No instruction names a vector, mask, x87 or MMX register; nothing undefined, nothing needed,
nothing exported; the dynamic relocations are one R_X86_64_TPOFF64 and nothing else; no
executable stack, no writable code; the two holes lie behind everything else, the shadow
SLAB_SHADOW_DISTANCE behind the room.  Prints one line per finding; exit status 1 if any.
"""
import re
import shutil
import subprocess
import sys
import tempfile

FORBIDDEN = re.compile(r'%(?:[xyz]?mm\d+|st\b|k[0-7]\b|mxcsr)|'
                       r'\b(?:f(?:ld|st|xsave|xrstor|ninit)\w*|emms|v?ldmxcsr|xsave\w*)\b|'
                       r'\bxrstor\w*\b')
DISTANCE = 32 << 20


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def findings(path):
    code = run('objdump', '-d', '-j', '.rt', '--no-show-raw-insn', path)
    if code.count('\n') < 500:
        yield 'the disassembly of .rt is too short to be true'
    for line in code.splitlines():
        if FORBIDDEN.search(line.split('#')[0]):
            yield 'forbidden register: ' + line.strip()
    for line in run('readelf', '-sW', path).splitlines():
        f = line.split()
        if len(f) >= 8 and f[0] != '0:' and f[6] == 'UND':
            yield 'undefined symbol: ' + f[7]
    for line in run('readelf', '--dyn-syms', '-W', path).splitlines():
        f = line.split()
        if len(f) >= 8 and f[0].rstrip(':').isdigit() and f[0] != '0:':
            yield 'exported symbol: ' + f[7]
    relocs = re.findall(r'R_X86_64_\w+', run('readelf', '-rW', path))
    if relocs != ['R_X86_64_TPOFF64']:
        yield f'relocations: {relocs}'
    dynamic = run('readelf', '-dW', path)
    for tag in ('NEEDED', 'TEXTREL', 'INIT', 'FINI', 'JMPREL', 'PLTGOT'):
        if f'({tag}' in dynamic:
            yield f'dynamic tag {tag}'
    if not re.search(r'utramp-slab-X{16}\.so', dynamic):
        yield 'the SONAME is not the placeholder'
    yield from segments(run('readelf', '-lW', path), run('readelf', '-SW', path))


def segments(phdrs, shdrs):
    loads = re.findall(r'LOAD +(\w+) (\w+) \w+ (\w+) (\w+) ([RWE ]{3})', phdrs)
    if len(loads) != 5:
        yield f'{len(loads)} PT_LOAD'
    for off, addr, filesz, memsz, flags in loads:
        if 'W' in flags and 'E' in flags:
            yield f'writable code at {addr}'
        if int(filesz, 16) != int(memsz, 16) or int(off, 16) != int(addr, 16):
            yield f'segment at {addr}: file and memory differ'
    if not re.search(r'GNU_STACK.* RW ', phdrs):
        yield 'executable stack'
    if 'GNU_EH_FRAME' not in phdrs:
        yield 'no .eh_frame_hdr'
    at = {m[0]: int(m[1], 16) for m in re.findall(r'\] (\.\w+) +PROGBITS +(\w+)', shdrs)}
    if at.get('.shadow', 0) - at.get('.text', 0) != DISTANCE:
        yield 'the shadow is not where x86/frame.h has it'


def main(path):
    # objdump wants the whole file; the holes cost nothing
    with tempfile.NamedTemporaryFile(suffix='.so') as whole:
        with open(path, 'rb') as f:
            shutil.copyfileobj(f, whole)
        whole.truncate(64 << 20)
        whole.flush()
        bad = list(findings(whole.name))
    for line in bad:
        print(f'{path}: {line}')
    return 1 if bad else 0


sys.exit(main(sys.argv[1]))
