#!/usr/bin/env python3
"""build-progs.py OUT.c CLANG OBJCOPY PROGS.c N - compile N programs for eBPF v1, v2 and v3.

Writes a C file: const struct clang_prog clang_progs[] of instructions, as bytes of .text
(no relocations: the programs use no maps and call only functions of their own file).
"""
import pathlib
import subprocess
import sys
import tempfile

out, clang, objcopy, source, count = sys.argv[1:]
lines = ['/* Written by build-progs.py. */', '#include "clang_progs.h"', '']
table = []
with tempfile.TemporaryDirectory() as tmp:
    for number in range(int(count)):
        for cpu in ('v1', 'v2', 'v3'):
            obj, text = f'{tmp}/p.o', f'{tmp}/p.bin'
            subprocess.run([clang, '-target', 'bpf', '-O2', f'-mcpu={cpu}', f'-DPROG={number}',
                            '-c', source, '-o', obj], check=True)
            subprocess.run([objcopy, '--dump-section', f'.text={text}', obj], check=True)
            code = pathlib.Path(text).read_bytes()
            name = f'prog_{number}_{cpu}'
            lines.append(f'static const unsigned char {name}[] __attribute__((aligned(8))) = {{')
            for at in range(0, len(code), 16):
                lines.append('\t' + ' '.join(f'{b},' for b in code[at:at + 16]))
            lines.append('};')
            table.append(f'\t{{ {number}, "{cpu}", {name}, sizeof({name}) / 8 }},')
lines += ['', 'const struct clang_prog clang_progs[] = {'] + table + ['};',
          f'const unsigned clang_nprogs = {len(table)};', '']
pathlib.Path(out).write_text('\n'.join(lines))
