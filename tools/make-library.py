#!/usr/bin/env python3
"""make-library.py OUTPUT LD OBJCOPY AR LIBBPF LAYER.a... - one object, one name space.

Joins the layers and the parts of libbpf they use into a single relocatable object, in
which only utramp_* stays global: a program that links libutramp.a may have functions of
our internal names, and a libbpf of its own whose system calls nobody wraps.
"""
import pathlib
import subprocess
import sys
import tempfile

WRAPPED = ['syscall', 'close', 'btf__load_vmlinux_btf', 'stderr']


def main(out, ld, objcopy, ar, libbpf, *layers):
    with tempfile.TemporaryDirectory() as tmp:
        obj = pathlib.Path(tmp, 'utramp.o')
        subprocess.run([ld, '-r', '-o', obj, *[f'--wrap={s}' for s in WRAPPED],
                        '--whole-archive', *layers, '--no-whole-archive', libbpf], check=True)
        subprocess.run([objcopy, '-w', '--keep-global-symbol=utramp_*', obj], check=True)
        pathlib.Path(out).unlink(missing_ok=True)
        subprocess.run([ar, 'rcsD', out, obj], check=True)


main(*sys.argv[1:])
