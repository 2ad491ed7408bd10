#!/usr/bin/env python3
"""seed_table.py SEED_SHOW - offsets of the kernel's frame, by its own arithmetic.

The arithmetic of arch_prepare_bpf_trampoline() as the mail has it ("bpf, x86: allow function
arguments up to 12 for TRACING"), with used registers counted where the mail took six.  For 0
to 12 slots, 0 to 6 used registers, each combination of programs, with and without IP_ARG,
entered by call and by jmp, the plan must say the same.
"""
import itertools
import subprocess
import sys

KINDS = ['ent', 'mod', 'ext', 'ent,mod', 'ent,ext', 'mod,ext', 'ent,mod,ext']


def arithmetic(slots, used, kinds, ip, entry):
    """Offsets below rbp; 0: there is none."""
    call_orig = 'mod' in kinds or 'ext' in kinds
    stack_size = 0
    if call_orig:
        stack_size += 8  # return value
    ret = stack_size
    stack_size += slots * 8
    regs_off = stack_size
    stack_size += 8
    nregs_off = stack_size
    if ip:
        stack_size += 8
    ip_off = stack_size if ip else 0
    stack_size += 8
    rbx_off = stack_size
    stack_size += 16  # sizeof(struct bpf_tramp_run_ctx)
    run_ctx_off = stack_size
    arg_stack_off = 0
    if slots > used and call_orig:
        stack_size += (slots - used) * 8
        # [stack_size + 8(rbp) + 8(rip) + 8(origin rip)] is a multiple of 16; by jmp without
        # the last
        above = 24 if entry == 'call' else 16
        if (stack_size + above) % 16:
            stack_size += 8
        arg_stack_off = stack_size
    return {'args': 24 if entry == 'call' else 16, 'ret': -ret, 'regs': -regs_off,
            'count': -nregs_off, 'ip': -ip_off, 'rbx': -rbx_off, 'run_ctx': -run_ctx_off,
            'out': -arg_stack_off, 'size': stack_size, 'slots': slots, 'used': used}


def signature(slots, used):
    """used longs, then packed structs of three bytes, which travel on the stack."""
    return 'i32(' + ','.join(['i64'] * used + ['!{i8,i16}'] * (slots - used)) + ')'


def main():
    cases = [(n, u, k, ip, e) for n, u, k, ip, e in itertools.product(
        range(13), range(7), KINDS, (0, 1), ('call', 'jmp')) if u <= n]
    ask = ''.join(f'{k} {ip} {e} {signature(n, u)}\n' for n, u, k, ip, e in cases)
    out = subprocess.run([sys.argv[1]], input=ask, capture_output=True, text=True, check=True)
    lines = out.stdout.splitlines()
    assert len(lines) == len(cases), (len(lines), len(cases))
    bad = 0
    for case, line in zip(cases, lines):
        words = line.split()
        have = dict(zip(words[::2], map(int, words[1::2]))) if words[0] != 'refused' else line
        if have != arithmetic(*case):
            bad += 1
            print(f'# {case}: {have}, not {arithmetic(*case)}')
    # the kernel's own image of fx_mod: eight arguments, all kinds, ip
    mod = arithmetic(8, 6, 'ent,mod,ext', 1, 'call')
    recorded = {'regs': -0x48, 'count': -0x50, 'ip': -0x58, 'rbx': -0x60, 'run_ctx': -0x70,
                'size': 0x88}
    print('TAP version 13\n1..2')
    print(f'{"not " if bad else ""}ok 1 - {len(cases)} frames by the arithmetic of the mail')
    same = all(mod[k] == v for k, v in recorded.items())
    print(f'{"" if same else "not "}ok 2 - and the arithmetic is that of the recorded image')
    return bad != 0 or not same


sys.exit(main())
