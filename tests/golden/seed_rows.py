#!/usr/bin/env python3
"""seed_rows.py SEED_SHOW IMAGES - our code in the kernel's layout, row by row with its images.

IMAGES holds what a 6.12.117 kernel generated (tests/oracle/README.md).  Addresses differ, and
the names that two disassemblers have for one instruction; jumps are compared by the row that
they lead to.  What differs on purpose is listed in ON_PURPOSE, row by row; nothing else may.
"""
import difflib
import re
import subprocess
import sys

SIGNATURES = {
    'f6': 'i32(u64,p,i16,i32,p,u64)',
    'f7': 'i32(u64,p,i16,i32,p,u8,i32)',
    'mod': 'i32(i32,p,i16,i32,p,u8,i32,i64)',
    'dis': 'i32(u8,u8,u8,u8,u8,{i64,i32},u8)',
    'ret64': 'u64(u64)',
    's16x6': 'i32({i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32})',
}
# (function, programs) -> [(ours or the kernel's, row)]
ALIGN = ('ours', 'and rsp,-0x10')  # user space: rsp is aligned at every call
ON_PURPOSE = {
    ('f7', 'ent'): [ALIGN],
    # we clean what is shown, not what is passed
    ('f7', 'ext'): [("kernel's", 'mov [rbp-0x74],0x0')],
    ('dis', 'ent'): [],
    ('ret64', 'ent'): [ALIGN],
    ('ret64', 'ext'): [],
}


def kernel_images(path):
    """[(function, programs, [(address, text)])]"""
    images, rows = [], None
    for line in open(path, encoding='utf-8'):
        if line.startswith('## '):
            _, func, programs = line[3:].split()
            rows = []
            images.append((func, programs, rows))
        elif not line.startswith(' '):
            inside = line.startswith('bpf_trampoline_')
        elif inside and len(line.split()) > 1:
            address, text = line.strip().split(None, 1)
            if text != 'int3':
                rows.append((int(address, 16), text))
    return images


def our_images(show, wanted):
    ask = ''.join(f'{k} 1 call {SIGNATURES[f]}\n' for f, k, _ in wanted)
    out = subprocess.run([show, '--code'], input=ask, capture_output=True, text=True, check=True)
    for block in out.stdout.strip().split('\n\n'):
        rows = [line.split(' ', 1) for line in block.splitlines()[1:]]
        yield [(int(a, 16) & 0xffff, text) for a, text in rows]


def number(m):
    n = int(m.group(0), 16)
    if n >= 1 << 63:
        n -= 1 << 64
    return f'-0x{-n:x}' if n < 0 else f'0x{n:x}'


def fills(rows, i):
    """Is row i a nop behind another one, so that what follows begins at a multiple of 16?"""
    nop = ('nop', 'xchg ax')
    return rows[i][1].startswith(nop) and i > 0 and rows[i - 1][1].startswith(nop)


def plain(rows):
    """Rows as text that both disassemblers would give, nops that only align left out."""
    index = {a: i for i, (a, _) in enumerate(rows)}
    out = []
    for address, text in rows:
        text = text.lower().replace(' ptr', '').replace('movabs', 'mov')
        text = re.sub(r'\b(qword|dword) ', '', text)
        text = re.sub(r',\s+', ',', re.sub(r'\s+', ' ', text)).replace('+0x0]', ']')
        text = re.sub(r'^jz', 'je', re.sub(r'^jnz', 'jne', text))
        m = re.match(r'(call|j\w+) 0x([0-9a-f]+)', text)
        if m and m.group(1) != 'call':
            to = index[int(m.group(2), 16) & 0xffff]
            here = index[address]
            skipped = sum(not fills(rows, i) for i in range(here + 1, to))
            text = f'{m.group(1)} over {skipped} rows'
        elif m:
            text = 'call'
        elif re.match(r'mov (rdi|rax),0x[0-9a-f]{8,}', text):
            text = text.split(',')[0] + ',address'
        elif text.startswith('nop'):
            text = 'nop'
        else:
            text = re.sub(r'0x[0-9a-f]+', number, text)
        out.append(text)
    return [t for i, t in enumerate(out) if not fills(rows, i)]


def main():
    wanted = kernel_images(sys.argv[2])
    print(f'TAP version 13\n1..{len(wanted)}')
    failed = 0
    for i, ((func, programs, theirs), ours) in enumerate(
            zip(wanted, our_images(sys.argv[1], wanted))):
        k, o = plain(theirs), plain(ours)
        diff = [d for d in difflib.ndiff(k, o) if d[0] in '+-']
        diff = [('ours' if d[0] == '+' else "kernel's", d[2:]) for d in diff]
        ok = diff == ON_PURPOSE.get((func, programs), []) and len(k) > 20
        failed += not ok
        print(f'{"" if ok else "not "}ok {i + 1} - {func} {programs}: {len(k)} rows')
        if not ok:
            print(f'# {diff}')
    return failed != 0


sys.exit(main())
