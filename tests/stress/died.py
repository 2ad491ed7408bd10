"""died.py - what is to be known of a process that died: its status, the kernel's line, its registers.

Without ptrace, which the tool under test needs: the kernel's log, and a core file where core_pattern
is a name in the current directory (core(5)).
"""
import os
import pathlib
import resource
import signal
import struct
import subprocess

REGS = ('r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base '
        'gs_base').split()     # struct user_regs_struct, sys/user.h
NT_PRSTATUS, NT_SIGINFO, NT_FILE = 1, 0x53494749, 0x46494c45
AT_REGS, AT_PID = 112, 32       # in struct elf_prstatus, linux/elfcore.h


def prepare():
    """Children leave core files, of what is private and anonymous: no arena."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    pathlib.Path('/proc/self/coredump_filter').write_text('0x11')


def status(st):
    if os.WIFSIGNALED(st):
        return f'killed by {signal.Signals(os.WTERMSIG(st)).name}{", core" if os.WCOREDUMP(st) else ""}'
    return f'exit {os.WEXITSTATUS(st)}'


def kernel_lines(pid):
    got = subprocess.run(['dmesg'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    lines, want = got.stdout.splitlines(), f'[{pid}]'
    return [x for i, x in enumerate(lines) if want in x or (i and 'Code:' in x and want in lines[i - 1])][-6:]


def notes(f):
    """(type, bytes) of a core file."""
    head = f.read(64)
    phoff, phsize, phnum = struct.unpack_from('<Q', head, 32)[0], *struct.unpack_from('<HH', head, 54)
    for i in range(phnum):
        f.seek(phoff + i * phsize)
        kind, _, offset, _, _, size = struct.unpack('<IIQQQQ', f.read(40))
        if kind != 4:
            continue
        f.seek(offset)
        text, at = f.read(size), 0
        while at + 12 <= len(text):
            name, n, what = struct.unpack_from('<III', text, at)
            at += 12 + (name + 3 & ~3)
            yield what, text[at:at + n]
            at += n + 3 & ~3


def files(note):
    """(lo, hi, offset, path) of mapped files."""
    n, page = struct.unpack_from('<QQ', note)
    names = [x.decode(errors='replace') for x in note[16 + 24 * n:].split(b'\0')]
    place = [struct.unpack_from('<QQQ', note, 16 + 24 * i) for i in range(n)]
    return [(lo, hi, off * page, name) for (lo, hi, off), name in zip(place, names)]


def core(path):
    out, maps = [], []
    with open(path, 'rb') as f:
        found = list(notes(f))
    for what, note in found:
        if what == NT_FILE:
            maps = files(note)
    for what, note in found:
        if what == NT_SIGINFO:
            signo, _, code, _, addr = struct.unpack_from('<iiiiQ', note)
            out.append(f'si_signo {signo} si_code {code} si_addr {addr:#x}')
        if what == NT_PRSTATUS:
            regs = dict(zip(REGS, struct.unpack_from(f'<{len(REGS)}Q', note, AT_REGS)))
            where = [f'{name}+{regs["rip"] - lo + off:#x}' for lo, hi, off, name in maps if lo <= regs['rip'] < hi]
            out.append(f'thread {struct.unpack_from("<i", note, AT_PID)[0]} in {where}: '
                       + ' '.join(f'{k} {v:#x}' for k, v in regs.items()))
    return out


def told(pid, directory, st=None):
    """All there is, as lines."""
    out = [f'process {pid}: {status(st) if st is not None else "somebody else waited for it"}', *kernel_lines(pid)]
    cores = sorted(pathlib.Path(directory).glob('core*'))
    for path in cores:
        try:
            out += [f'{path.name}:', *core(path)]
        except (OSError, struct.error) as e:
            out.append(f'{path.name}: {e}')
    return out if cores else [*out, f'no core file: {open("/proc/sys/kernel/core_pattern").read().strip()}']
