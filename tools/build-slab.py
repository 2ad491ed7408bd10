#!/usr/bin/env python3
"""build-slab.py OUT.so OUT.S SRCDIR LD_SCRIPT CC... -- SOURCE... - make the slab's template.

Links the sources into a shared object whose two large sections, .text (the room) and .shadow,
are NOBITS; then lays the file out anew: these two become PROGBITS with the file offsets of
their addresses, so that the file may be a sparse one whose end is all holes, and .symtab,
.strtab, .shstrtab and the section headers stand before them.

OUT.so is the template: its first bytes, up to the first hole.  OUT.S embeds it with the
symbols of rt/slab.h, which begin with the name of OUT.so.
"""
import os
import struct
import subprocess
import sys

SONAME = 'utramp-slab-XXXXXXXXXXXXXXXX.so'
LINK = ['-shared', '-nostdlib', '-nostartfiles', '-Wl,-soname,' + SONAME, '-Wl,--build-id=none',
        '-Wl,-z,norelro', '-Wl,-z,noexecstack', '-Wl,-z,max-page-size=4096',
        '-Wl,-z,noseparate-code', '-Wl,--no-undefined', '-Wl,--hash-style=gnu',
        '-Wl,--eh-frame-hdr', '-Wl,--orphan-handling=error', '-Wl,--no-warn-rwx-segments',
        '-Wl,--no-ld-generated-unwind-info', '-Wl,--discard-locals', '-fuse-ld=bfd']
SHT_PROGBITS, SHT_NOBITS, PT_LOAD = 1, 8, 1
EHDR = struct.Struct('<16sHHIQQQIHHHHHH')
PHDR = struct.Struct('<IIQQQQQQ')
SHDR = struct.Struct('<IIQQQQIIQQ')

ASM = """\t.section .rodata
\t.globl {name}_template, {name}_template_size, {name}_file_size
\t.hidden {name}_template, {name}_template_size, {name}_file_size
\t.type {name}_template, @object
\t.balign 16
{name}_template:
\t.incbin "{path}"
\t.size {name}_template, . - {name}_template
\t.balign 8
\t.type {name}_template_size, @object
{name}_template_size:
\t.quad {size}
\t.size {name}_template_size, 8
\t.type {name}_file_size, @object
{name}_file_size:
\t.quad {whole}
\t.size {name}_file_size, 8
\t.section .note.GNU-stack, "", @progbits
"""


def relayout(data):
    """The template's bytes and the size of the whole file."""
    ehdr = list(EHDR.unpack_from(data))
    phoff, shoff, phnum, shnum = ehdr[5], ehdr[6], ehdr[10], ehdr[12]
    phdrs = [list(PHDR.unpack_from(data, phoff + i * PHDR.size)) for i in range(phnum)]
    shdrs = [list(SHDR.unpack_from(data, shoff + i * SHDR.size)) for i in range(shnum)]
    holes = [s for s in shdrs if s[1] == SHT_NOBITS and s[2] & 2 and not s[2] & 0x400]
    assert len(holes) == 2, 'expected .text and .shadow without bits'
    first = min(s[3] for s in holes)

    out = bytearray(data[:max(p[2] + p[5] for p in phdrs if p[0] == PT_LOAD and p[5])])
    for p in phdrs:
        if p[0] == PT_LOAD and not p[5]:
            p[2], p[5] = p[3], p[6]         # offset = address, the whole of it in the file
    for s in shdrs:
        if s in holes:
            s[1], s[4] = SHT_PROGBITS, s[3]
        elif not s[2] & 2 and s[5]:         # not allocated: .symtab, .strtab, .shstrtab
            out += bytes(-len(out) % 8)
            body = data[s[4]:s[4] + s[5]]
            s[4] = len(out)
            out += body
    out += bytes(-len(out) % 8)
    ehdr[6] = len(out)
    for s in shdrs:
        out += SHDR.pack(*s)
    EHDR.pack_into(out, 0, *ehdr)
    for i, p in enumerate(phdrs):
        PHDR.pack_into(out, phoff + i * PHDR.size, *p)
    assert len(out) <= first, 'the template reaches into the room'
    return bytes(out), max(s[3] + s[5] for s in holes)


def main(argv):
    out_so, out_asm, srcdir, script = argv[:4]
    split = argv.index('--')
    cc, sources = argv[4:split], argv[split + 1:]
    linked = out_so + '.linked'
    include = ['-I' + srcdir, '-I' + os.path.join(srcdir, 'rt')]
    subprocess.run([*cc, *include, *LINK, '-Wl,-T,' + script, '-o', linked, *sources], check=True)
    with open(linked, 'rb') as f:
        template, whole = relayout(f.read())
    os.unlink(linked)
    with open(out_so, 'wb') as f:
        f.write(template)
    with open(out_asm, 'w') as f:
        f.write(ASM.format(name=os.path.basename(out_so).removesuffix('.so'),
                           path=os.path.abspath(out_so), size=len(template), whole=whole))


main(sys.argv[1:])
