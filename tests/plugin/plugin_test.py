#!/usr/bin/env python3
"""plugin_test.py PLUGIN - the protocol of bpf_conformance's plugins, from outside."""
import struct
import subprocess
import sys

PLUGIN = sys.argv[1]
failed = 0
number = 0


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack('<BBhi', code, dst | src << 4, off, imm)


def spaced(data):           # as the runner writes it: two blanks between, some at the end
    return ''.join(f'{b:02x}  ' for b in data)


def check(name, args, program, want_out, want_code=0, want_err=''):
    global failed, number
    number += 1
    text = program if isinstance(program, str) else spaced(program) + '\n'
    r = subprocess.run([PLUGIN] + args, input=text, capture_output=True, text=True)
    ok = (r.returncode == 0) == (want_code == 0) and want_err in r.stderr
    if want_out is not None:
        ok = ok and r.stdout.strip() and int(r.stdout, 16) == want_out
    else:
        ok = ok and not r.stdout.strip()
    print('ok' if ok else 'not ok', number, '-', name)
    if not ok:
        failed += 1
        print('#', r.returncode, r.stdout, r.stderr)


EXIT = insn(0x95)
MOV5 = insn(0xb7, imm=5) + EXIT
LOAD = insn(0x61, dst=0, src=1, off=1) + EXIT              # r0 = *(u32 *)(r1 + 1)
LENGTH = insn(0xbf, dst=0, src=2) + EXIT
HELPER = insn(0xb7, dst=1, imm=-1) + insn(0x85, imm=5) + EXIT
SHIFT = insn(0xb7, imm=1) + insn(0x67, imm=65) + EXIT
MEMORY = spaced(bytes([1, 2, 3, 4, 5, 6]))

for engine in ([], ['--jit'], ['--interpret']):
    tag = ' '.join(engine) or 'default'
    check(f'{tag}: no memory', engine, MOV5, 5)
    check(f'{tag}: memory', [MEMORY] + engine, LOAD, 0x05040302)
    check(f'{tag}: length', [MEMORY] + engine, LENGTH, 6)
    check(f'{tag}: helper 5', engine + ['--no-verify'], HELPER, (1 << 64) - 1)
    check(f'{tag}: helper 5, verified', engine, HELPER, (1 << 64) - 1)
    check(f'{tag}: wide shift unverified', engine + ['--no-verify'], SHIFT, 2)
    check(f'{tag}: wide shift refused', engine, SHIFT, None, 1, 'shift')
    check(f'{tag}: unknown opcode', engine, insn(0xff) + EXIT, None, 1, 'no such instruction')
check('checked load outside memory', ['--interpret'], LOAD, None, 1, 'load of 4 bytes')
check('--elf is refused by name', ['--elf', 'true'], MOV5, None, 1, '--elf')
check('not hex', [], 'hello\n', None, 1, 'hex')
check('half an instruction', [], '95 00 00 00\n', None, 1, 'multiple of 8')
check('unknown option', ['--fast'], MOV5, None, 1, '--fast')
check('empty program', [], '\n', None, 1, 'at least one')
print(f'1..{number}')
sys.exit(1 if failed else 0)
