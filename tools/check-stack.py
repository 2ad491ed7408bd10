#!/usr/bin/env python3
"""check-stack.py SLAB.so CHECK.h - the stack that helpers take, read from the slab's code.

Of each function: what it pushes and subtracts from rsp, 8 bytes for a call, and the deepest of its
callees; of a call through a register or memory (the vDSO's clock) VDSO bytes.  A helper may take
what bpf/check.h says by FACTS_*_STACK.  Its thread is registered already: slots do that before a
program runs.
Prints one line per finding; exit status 1 if any.
"""
import re
import subprocess
import sys

VDSO = 256          # clock_gettime() of Linux 6.18's vDSO uses less than 100
DEEP = {'rt_get_stackid': 'FACTS_STACKID_STACK', 'rt_get_stack': 'FACTS_WALK_STACK',
        'rt_trace_printk': 'FACTS_PRINT_STACK', 'rt_trace_vprintk': 'FACTS_PRINT_STACK'}
# not called by programs: the control side's, those with room of their own, the unwinder's
NOT_HELPERS = re.compile(r'rt_(hash_|cfi_|stack_|first|tail|personality|unwound|find_|'
                         r'thread_|owner|walk_|output2|read_some|write_all|map_lock|map_unlock|'
                         r'guard|state|tls|exception)')


def functions(path):
    """{name: (bytes of its own, callees, calls through a pointer?)} of .rt."""
    text = subprocess.run(['objdump', '-d', '-j', '.rt', '--no-show-raw-insn', path], check=True,
                          capture_output=True, text=True).stdout
    out = {}
    for m in re.finditer(r'^[0-9a-f]+ <([\w.]+)>:\n(.*?)(?=\n\n|\Z)', text, re.M | re.S):
        body = m[2]
        own = 8 * len(re.findall(r'\tpush\b', body))
        own += sum(int(n, 16) for n in re.findall(r'\tsub +\$0x([0-9a-f]+),%rsp', body))
        own += sum(128 for _ in re.findall(r'\tadd +\$0xffffffffffffff80,%rsp', body))
        callees = set(re.findall(r'\t(?:call|jmp) +[0-9a-f]+ <([\w.]+)>', body)) - {m[1]}
        out[m[1]] = own, callees, bool(re.search(r'\t(?:call|jmp) +\*', body))
    return out


def depth(funcs, name, on=()):
    if name in on:
        raise ValueError('recursion: ' + ' '.join((*on, name)))
    if name == 'rt_thread_register':
        return 0
    own, callees, pointer = funcs[name]
    deepest = max((depth(funcs, c, (*on, name)) for c in callees if c in funcs), default=0)
    return 8 + own + max(deepest, VDSO + 8 if pointer else 0)


def main(path, header):
    limit = {k: int(v) for k, v in re.findall(r'#define (FACTS_\w+_STACK) +(\d+)',
                                              open(header, encoding='utf-8').read())}
    funcs = functions(path)
    helpers = [f for f in funcs if f.startswith('rt_') and not NOT_HELPERS.match(f)]
    bad = [] if len(helpers) > 25 and len(limit) == 4 else [f'{len(helpers)} helpers, {limit}']
    for name in sorted(helpers):
        n, may = depth(funcs, name), limit[DEEP.get(name, 'FACTS_HELPER_STACK')]
        if '-v' in sys.argv:
            print(f'{name}: {n} of {may}')
        if n > may:
            bad.append(f'{name} takes {n} bytes of stack, {may} are counted on')
    for line in bad:
        print(f'{path}: {line}')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2]))
