#!/usr/bin/env python3
"""plugin_test.py PLUGIN CLANG - the protocol of bpf_conformance's plugins, from outside."""
import functools
import pathlib
import struct
import subprocess
import sys
import tempfile

PLUGIN, CLANG = sys.argv[1:3]
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


@functools.cache
def compiled(text):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'prog.o'
        subprocess.run([CLANG, '-target', 'bpf', '-O2', '-ffreestanding', '-x', 'c', '-c', '-', '-o', out],
                       input=text, text=True, check=True)
        return out.read_bytes()


XDP = '__attribute__((section("xdp"))) '
APART = 'static __attribute__((noinline)) long twice(long v) { asm volatile(""); return v * 2; }\n'
OBJECTS = (
    ('in .text', 'long main(unsigned char *m) { return m[1] + 40; }', 42),
    ('in xdp', XDP + 'long main(unsigned char *m, long n) { return m[2] + n; }', 9),
    ('it calls a function behind it', 'static long twice(long v);' +
     'long main(char *m, long n) { return twice(n) + 1; }\n' + APART, 13),
    ('it calls a function before it', APART + 'long main(char *m, long n) { return twice(n) + 1; }',
     13),
    ('it calls a function of another section', APART + XDP +
     'long main(char *m, long n) { return twice(twice(n)) + 1; }', 25),
    ('a global function', '__attribute__((noinline)) long f(long v) { asm volatile(""); return v - 1; }\n'
     'long main(char *m, long n) { return f(n) + f(3); }', 7),
    ('no main: .text', 'long other(void) { return 5; }', 5),
)
for name, text, want in OBJECTS:
    for engine in ('--jit', '--interpret'):
        check(f'an object, {name}, {engine}', [MEMORY, engine, '--elf'], compiled(text), want)
check('--elf true, as the runner has it', ['--interpret', '--elf', 'true'],
      compiled('long main(void) { return 5; }'), 5)
check('--elf false', ['--elf', 'false'], MOV5, 5)
check('an object with data', ['--elf'], compiled('long seen; long main(void) { return seen; }'), None, 1,
      "'seen': only functions")
check('an object that calls elsewhere', ['--elf'],
      compiled('long there(void); long main(void) { return there(); }'), None, 1, "'there'")
check('no object', ['--elf'], MOV5, None, 1, 'not an eBPF object')
check('half an object', ['--elf'], compiled(OBJECTS[0][1])[:100], None, 1, 'no function main')
check('no code', ['--elf'], compiled('int nothing;'), None, 1, 'no function main')
check('not hex', [], 'hello\n', None, 1, 'hex')
check('half an instruction', [], '95 00 00 00\n', None, 1, 'multiple of 8')
check('unknown option', ['--fast'], MOV5, None, 1, '--fast')
check('no input', [], '', None, 1, 'at least one')
check('empty program', [], '\n', None, 1, 'at least one')
print(f'1..{number}')
sys.exit(1 if failed else 0)
