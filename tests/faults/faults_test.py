"""faults_test.py UTRAMP PARTS - programs follow bad pointers, and the target notices nothing.

Each mode of the victim is run alone and under a program that follows pointers: what it prints and
how it ends must be the same.  What the program saw are the lines that begin with #.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import *  # noqa: E402

VICTIM = part('faults_victim')
FOLLOW = part('follow.bpf.o')
CORE = part('follow-core.bpf.o')
HANDLER = 'a signal handler of ours'
SYSCALL = 'each read asks the kernel: '


def alone(mode):
    p = subprocess.run([VICTIM, mode], capture_output=True, env=env(), timeout=TIMEOUT,
                       preexec_fn=no_core)
    return p.returncode, p.stdout.decode()


def no_core():
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def traced(mode, *options, obj=FOLLOW, **kw):
    r = utramp('run', *options, obj, '--', VICTIM, mode, preexec_fn=kw.pop('preexec_fn', no_core), **kw)
    lines = r.out.splitlines(keepends=True)
    own = ''.join(x for x in lines if not re.match(r'#|(calls|ports|bad_strings)\b', x))
    return r, own, [x[1:].rstrip('\n') for x in lines if x.startswith('#')]


def same(mode, *options, calls=1, **kw):
    """The victim's results are those that it has alone; the program saw so many calls at least."""
    code, out = alone(mode)
    r, own, seen = traced(mode, '-v', *options, **kw)
    assert own == out, f'alone:\n{out}traced:\n{own}{r}'
    assert r.code == (128 - code if code < 0 else code), f'alone {code}: {r}'
    assert sum('id' in x for x in seen) >= calls, r
    return r


NOTHING = ['family 0 level 0 flags 0', 'ttl 0 name ']
VALUES = ['1 id 77 port 8080', 'family -2 level -7 flags 200', 'ttl 3000000000 name a name',
          '0 id 0 port 0', *NOTHING,
          '2 id 78 port 0', NOTHING[0], 'ttl 0 name no peer',
          '3 id 78 port 0', NOTHING[0], 'ttl 0 name near NULL',
          *(x for n in range(4, 9) for x in [f'{n} id 78 port 0', *NOTHING]),
          '9 id 78 port 4242', 'family 31097 level 121 flags 121', 'ttl 0 name ',
          '10 id 0 port 0', NOTHING[0], 'ttl 0 name a name that is longer t',
          '8753160913407277433 id 0 port 0', *NOTHING]


def check_values(*options, **kw):
    r, own, seen = traced('values', '-v', *options, **kw)
    assert r.code == 0 and own == '', r
    # the last call's request itself is not there
    want = VALUES[:-3] + ['0 id 0 port 0', *NOTHING]
    assert seen == want, f'{seen}\nwant {want}\n{r}'
    return r


@test
def values_by_the_handler():
    assert HANDLER in check_values().err


@test
def values_by_system_calls():
    assert SYSCALL + 'as asked for' in check_values('--faults=syscall').err


@test
def values_by_the_interpreter():
    check_values('--engine', 'interp')
    check_values('--engine', 'interp', '--faults=syscall')


@test
def layouts_are_relocated():
    for options in [[], ['--faults', 'syscall']]:
        check_values('--btf', 'faults_victim=' + part('faults-types.o'), *options, obj=CORE)


@test
def handlers_of_its_own():
    for mode in ['jumps', 'returns', 'plain', 'once', 'nested']:
        assert HANDLER in same(mode).err


@test
def on_another_stack():
    for mode in ['alt_used', 'alt_unused', 'tiny']:
        same(mode)


@test
def blocked():
    for mode in ['blocked', 'masked', 'masked_jump', 'waits']:
        same(mode)


@test
def ignored():
    same('ignored', calls=10)


@test
def sent_by_kill():
    same('sent', calls=1)


@test
def faults_that_end_it():
    for mode in ['die', 'die_blocked', 'die_ignored', 'die_bus']:
        r = same(mode)
        assert r.code == 128 + (7 if mode == 'die_bus' else 11), r


@test
def children_and_exec():
    same('processes', calls=4)


@test
def children_of_vfork():
    same('vforks', calls=60)
    same('vfork_first', calls=4)


@test
def under_seccomp():
    for mode in ['seccomp_reads', 'seccomp_signals', 'seccomp_dies']:
        same(mode, calls=2)


def raced(options):
    """What one run saw: (readable, both times), (not)."""
    r, own, _ = traced('race', *options)
    assert r.code == 0 and own == 'raced\n', r
    n = {k: int(v) for k, v in re.findall(r'(calls|ports|bad_strings)\W+(\d+)', r.out)}
    assert n['calls'] and n['ports'] % 8080 == 0 and n['ports'] <= n['calls'] * 8080, r
    assert n['bad_strings'] <= n['calls'], r
    return (n['ports'] > 0 and n['bad_strings'] < n['calls'],
            n['ports'] < n['calls'] * 8080 and n['bad_strings'] > 0)


@test
def memory_that_goes_meanwhile():
    for options in [[], ['--faults=syscall']]:
        seen = raced(options)
        for _ in range(9):  # a busy machine may run only one of the two threads
            if all(seen):
                break
            seen = [a or b for a, b in zip(seen, raced(options))]
        assert all(seen), seen


@test
def detaching_gives_all_back():
    code, out = 0, ('SigBlk segv 1 bus 0\nSigCgt segv 1 bus 0\nhandler 1\nhandler 1\n'
                    '11: step_over flags 4 mask 0 0 0 0\ndetached: seen 1 at 0x61 held 1 now 0 0\n')
    r, own, seen = traced('detached', '-E', 6)
    assert (r.code, own) == (code, out), f'{own}{r}'
    assert seen, r


@test
def the_other_way_changes_nothing_either():
    for mode in ['jumps', 'blocked', 'ignored', 'die', 'processes', 'vforks']:
        assert SYSCALL in same(mode, '--faults=syscall').err


@test
def words():
    refused(2, ["--faults: 'x'", '(auto, syscall)'], 'run', '--faults=x', FOLLOW, '--', VICTIM, 'show')


main()
