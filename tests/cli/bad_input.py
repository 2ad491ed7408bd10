#!/usr/bin/env python3
"""bad_input.py UTRAMP PARTS - one line that says why, the exit code of DESIGN section 8."""
import os
import re
import struct

from harness import *

VICTIM = part('victim')
WORK = part('work.bpf.o')


def run(code, words, obj, *options, **kw):
    return refused(code, words, 'run', part(obj), *options, '--', VICTIM, 'call', '1', **kw)


def script(name, text, mode=0o755):
    path = tmp / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return str(path)


# -- functions --------------------------------------------------------------------------------

@test
def missing_function():
    words = ["'wrok'", 'in victim', 'nearest: work']
    r = run(3, words, 'absent.bpf.o')
    assert r.err.partition('nearest: ')[2].count(',') <= 2, r   # what is not near is not told
    refused(3, words, 'list', 'victim:wrok', '--', VICTIM)
    refused(3, words, 'check', VICTIM + ':wrok')
    r = refused(3, ["'wrok'", 'victim, ', 'libplain.so', 'libc.so.6', 'nearest: work'],
                'list', 'wrok', '--', VICTIM)
    assert r.err.partition('nearest: ')[2].count(',') <= 2, r   # what is not near is not told


@test
def missing_module():
    words = ["no module 'libnope'", 'victim, libplain.so', 'libc.so.6']
    r = utramp('run', part('entry.bpf.o'), '--attach', 'entry=libnope:work', '--', VICTIM)
    assert r.code == 3 and 'sum' in r.out, r     # it was waited for
    assert 'waiting for libnope' in r.err and 'libnope:work: its module was never loaded' in r.err, r
    refused(3, words, 'list', 'libnope:work', '--', VICTIM)
    refused(3, '/nonexistent.so: No such file', 'check', '/nonexistent.so:work')


@test
def patterns_without_a_match():
    refused(3, "'zzz*'", 'list', 'zzz*', '--', VICTIM)
    run(3, "'zzz*'", 'entry.bpf.o', '--attach', 'entry=victim:zzz*')


@test
def missing_is_passed_over():
    for mode, lines in [('warn', 1), ('ignore', 0)]:
        r = utramp('run', '-q', '--missing', mode, part('absent.bpf.o'), '--', VICTIM, 'exit',
                   '6')
        assert r.code == 6 and len(r.err.splitlines()) == lines, r


@test
def exit_without_types():
    run(1, ['libplain.so:plain_add', 'no types', '--proto', '--btf'], 'exit.bpf.o', '--attach',
        'leave=plain_add')


@test
def entry_without_types():
    r = utramp('run', part('entry.bpf.o'), '--attach', 'entry=plain_add', '--', VICTIM, 'call',
               '2')
    assert r.code == 0 and r.out.count('entry ') == 2, r
    warned = [x for x in r.err.splitlines() if 'no types' in x]
    assert len(warned) == 1 and '--proto' in warned[0] and '--btf' in warned[0], r
    assert 'plain_add' in warned[0], r


@test
def types_by_prototype():
    r = utramp('run', part('exit.bpf.o'), '--attach', 'leave=plain_add', '--proto',
               'int plain_add(int a, int b)', '--', VICTIM, 'call', '2')
    assert r.code == 0 and r.out.count('exit') == 2 and 'no types' not in r.err, r


@test
def types_by_address():
    """What is advised for a function of a stripped program is accepted, and works."""
    if not shutil.which('strip') or not shutil.which('nm'):
        raise Skip('no binutils')
    bare, lib = tmp / 'bare', env(LD_LIBRARY_PATH=str(parts))
    subprocess.run(['strip', '-o', bare, VICTIM], check=True)
    names = subprocess.run(['nm', VICTIM], capture_output=True, text=True, check=True).stdout
    at, = [int(x.split()[0], 16) for x in names.splitlines() if x.split()[-1] == 'work']
    r = utramp('run', part('entry.bpf.o'), '--attach', f'entry=bare:{at:#x}', '--', bare, 'call', 1,
               env=lib)
    assert r.code == 0 and f"--proto 'int {at:#x}(...)'" in r.err, r
    for name in [f'{at:#x}', f'0x{at:08X}']:
        r = utramp('run', part('exit.bpf.o'), '--attach', f'leave=bare:{at:#x}', '--proto',
                   f'int {name}(int a, int b)', '--', bare, 'call', 2, env=lib)
        assert r.code == 0 and r.out.count('exit') == 2 and 'no types' not in r.err, r
    r = utramp('trace', '-q', f'bare:{at:#x}', '--proto', f'int {at:#x}(int a, int b)', '--', bare,
               'call', 1, env=lib)
    assert re.search(rf'bare:{at:#x}\(a=0, b=1\) += 1 ', r.out), r
    refused(3, "'0x3'", 'trace', f'bare:{at:#x}', '--proto', 'int 0x3(int)', '--', bare,
            env=lib)


@test
def unpatchable():
    run(1, 'victim:tiny', 'count.bpf.o', '--attach', 'count=tiny')
    r = utramp('check', 'tiny', '--', VICTIM)
    assert r.code == 1 and 'not traceable' in r.out and 'reason ' in r.out, r


@test
def ifunc():
    run(1, ['victim:either', 'IFUNC'], 'count.bpf.o', '--attach', 'count=victim:either')


@test
def exit_of_setjmp():
    run(1, ['_setjmp', 'return twice'], 'exit.bpf.o', '--attach', 'leave=libc:_setjmp')


@test
def entry_of_setjmp():
    r = utramp('run', '-q', part('count.bpf.o'), '--attach', 'count=libc:_setjmp', '--', VICTIM,
               'call', '3')
    assert r.code == 0 and r.out.count('hit') >= 1 and 'sum 28\n' in r.out, r


@test
def never_patched():
    run(1, 'victim:_start', 'count.bpf.o', '--attach', 'count=victim:_start')


# -- objects ----------------------------------------------------------------------------------

@test
def unknown_helpers():
    run(1, ['bad_helper.bpf.o', 'bpf_redirect', 'at bad_helper.bpf.c:'], 'bad_helper.bpf.o', lines=2)
    run(1, ['no_helper.bpf.o', '9999'], 'no_helper.bpf.o', lines=2)


@test
def unsupported_section():
    run(1, ["'kprobe/do_sys_open'", 'fentry'], 'kprobe.bpf.o')


@test
def slots_beyond_the_function():
    run(1, ['ctx[7]', 'work', '2 argument slots'], 'slots.bpf.o')


@test
def program_without_function():
    run(2, ['program entry', '--attach entry='], 'entry.bpf.o')


@test
def names_that_are_no_program():
    run(3, ["'nope'", '--attach'], 'work.bpf.o', '--attach', 'nope=work')
    run(3, ["'nope'", '--cookie'], 'work.bpf.o', '--cookie', 'nope=1')


@test
def not_an_object():
    run(1, 'No such file', 'nope.bpf.o')
    for name, text in [('text.o', 'hello\n' * 100), ('empty.o', b''), ('nul.o', bytes(5000))]:
        refused(1, name, 'run', script(name, text), '--', VICTIM)
    refused(1, str(tmp), 'run', tmp, '--', VICTIM)
    refused(1, 'victim', 'run', VICTIM, '--', VICTIM)
    refused(1, '/dev/null', 'run', '/dev/null', '--', VICTIM)


@test
def object_of_another_machine():
    data = bytearray(open(WORK, 'rb').read())
    struct.pack_into('<H', data, 18, 62)
    refused(1, 'other.o', 'run', script('other.o', bytes(data)), '--', VICTIM)


@test
def truncated_objects():
    data = open(WORK, 'rb').read()
    step = max(1, len(data) // 60)
    for n in [*range(1, 70, 9), *range(70, len(data) - 1, step), len(data) - 1]:
        r = utramp('run', script('cut.o', data[:n]), '--', VICTIM, 'exit', '0')
        assert r.code == 1 and r.out == '' and len(r.err.splitlines()) == 1, (n, r)
        assert 'cut.o' in r.err, (n, r)


@test
def damaged_objects():
    """Any one byte changed: it runs or is refused in our words; it never crashes."""
    data = open(WORK, 'rb').read()
    for n in range(0, len(data), max(1, len(data) // 80)):
        bad = bytearray(data)
        bad[n] ^= 0xff
        r = utramp('run', script('bad.o', bytes(bad)), '--', VICTIM, 'exit', '0')
        assert r.code in (0, 1, 3), (n, r)


@test
def second_object_is_bad():
    refused(1, 'text.o', 'run', WORK, script('text.o', 'hello'), '--', VICTIM)


# -- commands ---------------------------------------------------------------------------------

def command(code, words, *cmd, **kw):
    refused(code, words, 'run', WORK, '--', *cmd, **kw)
    refused(code, words, 'list', 'work', '--', *cmd, **kw)


@test
def command_not_found():
    command(127, 'nosuchcommand', 'nosuchcommand')
    command(127, 'No such file', '/nonexistent/x')
    command(127, 'empty', '')


@test
def command_not_executable():
    command(126, 'denied', script('plain.txt', 'x', 0o644))
    command(126, 'directory', str(tmp))
    command(126, 'exec format', script('noformat', 'hello\n'))
    command(126, 'exec format', script('zero', ''))


@test
def command_in_path():
    d = tmp / 'path'
    d.mkdir()
    os.symlink(VICTIM, d / 'soughtfor')
    r = utramp('run', '-q', part('work.bpf.o'), '--missing', 'ignore', '--', 'soughtfor',
               'exit', '5', env=env(PATH=f'/nonexistent:{d}'))
    assert (r.code, r.err) == (5, ''), r
    (d / 'locked').write_text('x')
    refused(126, 'locked', 'run', WORK, '--', 'locked', env=env(PATH=str(d)))


@test
def scripts():
    s = script('s.sh', '#!/bin/sh\nexit 9\n')
    r = utramp('run', '-q', part('count.bpf.o'), '--attach', 'count=libc:exit', '--', s)
    assert (r.code, r.err) == (9, ''), r
    command(127, '/nonexistent/sh', script('bad.sh', '#!/nonexistent/sh\n'))


@test
def setuid_program():
    if os.getuid() != 0:
        raise Skip('needs root')
    path = script('suid', open(VICTIM, 'rb').read())
    os.chown(path, 65534, 65534)
    os.chmod(path, 0o4755)
    command(4, 'set-user-ID', path)
    os.chmod(path, 0o2755)
    command(4, 'set-group-ID', path)


@test
def static_program():
    command(1, 'statically linked', part('victim_static'))


@test
def program_of_32_bits():
    ident = b'\x7fELF\x01\x01\x01' + bytes(9)
    # one PT_LOAD over the whole file: a kernel with 32-bit support starts it
    head = ident + struct.pack('<HHIIIIIHHHHHH', 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    head += struct.pack('<8I', 1, 0, 0x8048000, 0x8048000, 88, 88, 5, 4096)
    r = utramp('run', WORK, '--', script('elf32', head + b'\xcd\x80\xf4\x90'))
    assert r.code in (1, 126) and r.out == '' and len(r.err.splitlines()) == 1, r


@test
def truncated_program():
    data = open(VICTIM, 'rb').read()
    for n in [4, 64, 200, 1000]:
        r = utramp('run', WORK, '--', script('cutprog', data[:n]), foreign=('error while',))
        assert r.code != 0 and r.out == '', (n, r)


@test
def missing_library():
    data = open(VICTIM, 'rb').read().replace(b'libplain.so', b'libpl_in.so')
    s = script('nolib', data)
    for verb, code in [(['run', WORK], 127), (['list', 'work'], 127)]:
        r = utramp(*verb, '--', s, foreign=(s,))
        assert r.code == code and r.out == '', r
        assert 'libpl_in.so' in r.err and 'ended in its loader' in r.err, r


# -- output -----------------------------------------------------------------------------------

@test
def output_unwritable():
    words = 'cannot write /nonexistent/out: No such file'
    refused(1, words, 'run', WORK, '-o', '/nonexistent/out', '--', VICTIM)
    refused(1, words, 'list', '-o', '/nonexistent/out', VICTIM + ':work')
    refused(1, 'cannot write ' + str(tmp), 'list', '-o', tmp, VICTIM + ':work')


@test
def output_full():
    with open('/dev/full', 'w') as full:
        for args in [['list', VICTIM + ':*'], ['args', VICTIM], ['--help'], ['--version'],
                     ['run', '--help']]:
            refused(1, 'No space left', *args, stdout=full)
    # the command's code is never masked, and it runs on
    r = utramp('run', '-q', '-o', '/dev/full', WORK, '--', VICTIM, 'call', '100')
    assert r.code == 0 and r.out.startswith('sum ') and 'No space left' in r.err, r
    assert len(r.err.splitlines()) == 1, r


@test
def output_closed():
    def close():
        os.close(1)
    r = utramp('run', '-q', WORK, '--', VICTIM, 'call', '3', stdout=None, preexec_fn=close)
    assert r.code == 0 and 'Bad file descriptor' in r.err, r
    r = utramp('--version', stdout=None, preexec_fn=close)
    assert r.code == 1, r


@test
def output_reader_gone():
    out, into = os.pipe()
    os.close(out)
    # nothing runs: as any filter, it dies of it; with a command there is something to tidy up
    r = utramp('list', VICTIM + ':*', stdout=into)
    assert (r.code, r.err) == (-signal.SIGPIPE, ''), r
    r = utramp('list', 'victim:*', '--', VICTIM, stdout=into)
    assert (r.code, r.err) == (1, ''), r
    p = start('run', '-q', WORK, '--', VICTIM, 'loop', '5', stdout=into, stdin=subprocess.PIPE)
    # the victim writes there too and dies of it: that is its own affair, and its own code
    r = end(p)
    os.close(into)
    assert (r.code, r.err) == (128 + signal.SIGPIPE, ''), r


main()
