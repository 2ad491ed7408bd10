#!/usr/bin/env python3
"""debuggers.py UTRAMP PARTS - gdb and perf on a traced program: real callers, by name and in order.

The program is chain.c: main, caller_one, caller_two, t_mid, t_leaf; the t_* are traced.
"""
import re
import shutil
import signal

from harness import *

CHAIN = part('chain')
SOURCE = (pathlib.Path(__file__).parent / 'chain.c').read_text()
LINE = {n: i for i, n in enumerate(SOURCE.split('\n'), 1)}
RETURNS = LINE['\treturn sum * 0 + a + b + c + d + e + f + g + h;']
CALLS = LINE['\t\tsum += t_leaf(a, b, c, d, e, f, g, h);']


def child_of(p):
    return targets_of(p)[0]


# What gdb is told, in one session, since its start takes longest; a test looks at one part.
PARTS = {
    'entry': ['tbreak *t_leaf', 'continue', 'bt', 'up', 'finish'],
    'function': [f'tbreak {RETURNS}', 'continue', 'bt', 'print a + 35', 'finish', 'bt', 'finish', 'bt',
                 'print $rax'],
    'program': [f'tbreak {CALLS} if i == 3', 'continue', 'print a + 35', 'tbreak rt_ringbuf_reserve',
                'continue', 'bt', 'finish', 'bt',
                'python while gdb.selected_frame().name() != "t_mid": gdb.execute("finish")',
                'print $rax', 'bt'],
    'next': [f'tbreak {CALLS} if i == 3', 'continue', 'print $was = sum', 'next', 'print sum - $was', 'bt'],
    'variables': [f'tbreak {RETURNS}', 'continue', 'frame function caller_two', 'print n',
                  'print i & 7', 'frame 0', 'print a'],
}
said = {}


def ask_gdb():
    """All of PARTS on a program that is traced by `trace`."""
    p = start('trace', '-o', tmp / 'out', 'chain:t_*', '--', CHAIN, 0)
    first = p.stderr.readline()
    assert b'attached 2 functions' in first, first
    pid = child_of(p)
    words = ['set pagination off', 'set confirm off', 'set debuginfod enabled off']
    words += [w for cmds in PARTS.values() for c in cmds for w in ('echo \\n@@\\n', c)]
    try:
        r = subprocess.run(['gdb', '-nx', '-q', '-batch', '-p', str(pid)] +
                           [x for w in words + ['echo \\n@@\\n', 'detach'] for x in ('-ex', w)],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=50,
                           check=False)
        alive = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    finally:
        os.kill(pid, signal.SIGTERM)
        end(p)
    if 'ptrace: ' in r.stdout + r.stderr:
        raise Skip('gdb may not trace: ' + r.stderr.strip().split('\n')[-1])
    assert alive not in 'Zt', f'the program is {alive}\n{r.stdout}\n{r.stderr}'
    answers = [text.strip() for text in r.stdout.split('\n@@\n')[1:-1]]
    for name, cmds in PARTS.items():
        said[name], answers = answers[:len(cmds)], answers[len(cmds):]


def gdb(name):
    """What gdb said to each command of a part."""
    if not shutil.which('gdb'):
        raise Skip('no gdb')
    if not said:
        ask_gdb()
    return said[name]


def frames(text):
    """Functions of a backtrace, innermost first."""
    return re.findall(r'^#\d+ +(?:0x[0-9a-f]+ in )?(\S.*?) \(', text, re.M)


OUTER = ['caller_two', 'caller_one', 'main']
IN_MID = ['t_mid', 'utramp:t_mid', *OUTER]


@test
def gdb_at_an_entry():
    at = gdb('entry')
    assert frames(at[2]) == ['t_leaf', *IN_MID], at
    assert re.match(r'#1 .* t_mid \(', at[3]), at
    # from frame 1: to where t_mid was called from, its image
    assert 'Value returned is' in at[4] and 'utramp:t_mid' in at[4], at


@test
def gdb_finish_of_a_traced_function():
    at = gdb('function')
    assert frames(at[2]) == ['t_leaf', 'utramp:t_leaf', *IN_MID], at
    value = re.search(r'= (\d+)', at[3])[1]
    assert re.search(rf'Value returned is \$\d+ = {value}$', at[4], re.M), at
    assert frames(at[5]) == ['utramp:t_leaf', *IN_MID], at
    assert frames(at[7]) == IN_MID, at
    assert at[8].endswith(f'= {value}'), at


@test
def gdb_finish_of_a_program():
    """From a helper into the program that calls it and out of that and the image: t_leaf's value."""
    at = gdb('program')
    value = re.search(r'= (\d+)', at[2])[1]
    names = frames(at[5])
    assert names[0] == 'rt_ringbuf_reserve' and set(names[1:-len(IN_MID)]) == {'utramp:t_leaf'}, at
    assert names[-len(IN_MID):] == IN_MID and frames(at[7]) == names[1:], at
    assert at[9].endswith(f'= {value}') and frames(at[10]) == IN_MID, at


@test
def gdb_next_over_a_traced_call():
    at = gdb('next')
    assert re.search(rf'^{CALLS + 1}\t', at[3], re.M), at
    assert 35 <= int(at[4].rpartition('= ')[2]) <= 42, at       # 35 + a, a below 8
    assert frames(at[5]) == IN_MID, at


@test
def gdb_variables_of_frames_above():
    """Registers that callers keep over the call are there: n in caller_two, which has it in one."""
    at = gdb('variables')
    assert at[3].endswith('= 0'), at
    assert at[4].rpartition('= ')[2] == at[6].rpartition('= ')[2], at


def samples(manner):
    """Stacks of perf, innermost first, of the time when the functions ran."""
    perf = shutil.which('perf')
    data = tmp / 'perf.data'
    if not perf or subprocess.run([perf, 'record', '-q', '-e', 'cpu-clock:u', '-o', data, 'true'],
                                  capture_output=True, check=False).returncode:
        raise Skip('no perf, or it may not record')
    r = subprocess.run([perf, 'record', '-q', '-e', 'cpu-clock:u', '-F', '2000', '--call-graph', manner,
                        '-o', data, exe, 'trace', '-q', '-o', tmp / 'out', 'chain:t_*', '--', CHAIN, '40000'],
                       capture_output=True, text=True, env=env(UTRAMP_KEEP_SLABS='1'), timeout=TIMEOUT,
                       check=False)
    assert r.returncode == 0 and r.stdout == f'{40000 * 350 + 1 + 1}\n', r
    kept = sorted(p.name for p in slabs.rglob('*.so'))
    assert kept == ['slab-exe.so', 'slab-lib.so'], kept
    text = subprocess.run([perf, 'script', '-i', data, '--no-inline', '-F', 'comm,ip,sym,dso'],
                          capture_output=True, text=True, timeout=TIMEOUT, check=False).stdout
    for p in slabs.glob('*'):
        shutil.rmtree(p)
    stacks = [re.findall(r'^\s+[0-9a-f]+ (.*?) \((.*)\)$', s, re.M) for s in text.split('\n\n')
              if s.lstrip().startswith('chain')]
    first = next((i for i, s in enumerate(stacks) if 'caller_one' in [f[0] for f in s]), 0)
    stacks = [s for s in stacks[first:] if s and (s[0][1].endswith('slab-exe.so') or s[0][0][:2] == 't_')]
    assert len(stacks) > 20, (len(stacks), r.stderr, text[:3000])
    return stacks


@test
def perf_by_frame_pointers():
    """After the program's end; a function without a frame, or not yet, hides its caller."""
    for s in samples('fp'):
        names = [f[0] for f in s]
        assert 'caller_one' in names and names[names.index('caller_one') + 1] == 'main', s


@test
def perf_by_unwind_tables():
    """After the program's end: all of them, and what is ours has a name."""
    seen = set()
    for s in samples('dwarf'):
        names = [f[0] for f in s]
        assert names[-5:-2] == OUTER or names[names.index('main') - 2:][:3] == OUTER, s
        assert '[unknown]' not in names, s
        theirs = [n for n in names if n in ('t_leaf', 't_mid')]
        assert theirs in ([], ['t_mid'], ['t_leaf', 't_mid']), s
        seen |= set(names)
    assert {'utramp:t_leaf', 'utramp:t_mid'} <= seen, seen


@test
def slab_files_go_unless_they_are_asked_for():
    assert utramp('trace', '-q', '-o', tmp / 'out', 'chain:t_mid', '--', CHAIN, 1).code == 0
    for value, stay in (('0', 0), ('', 0), ('1', 2)):
        p = start('trace', '-q', '-o', tmp / 'out', 'chain:t_mid', '--', CHAIN, 1,
                  env=env(UTRAMP_KEEP_SLABS=value))
        p.communicate(timeout=TIMEOUT)
        assert p.returncode == 0 and len(list(slabs.rglob('*.so'))) == stay, value
        for d in slabs.glob('*'):
            shutil.rmtree(d)


main()
