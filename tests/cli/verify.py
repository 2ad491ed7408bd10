#!/usr/bin/env python3
"""verify.py UTRAMP PARTS - run --dry-run, --log-level, and that nothing refused is ever loaded."""
import json
import re

from harness import *

VICTIM = part('victim')
WORK = part('work.bpf.o')
REFUSED = part('refused.bpf.o')
OPTIONAL = part('optional.bpf.o')
LINE = r'{}: {}: {}, \d+ insns processed, \d+ states, \d+ us'
HINT = 'utramp: what to change: compare it with NULL first: if (!p) return 0;'


def lines(*wanted):
    return re.compile('\n'.join(LINE.format(re.escape(str(o)), p, v) for o, p, v in wanted) + '\n')


def is_reason(err, obj=REFUSED):
    """Reason with place, line of the source, what to change: the first three lines."""
    first, source, hint = err.splitlines()[:3]
    assert re.fullmatch(rf"utramp: {re.escape(obj)}: program unchecked: insn \d+ \(r1 = .*\): "
                        "R0 invalid mem access 'map_value_or_null'", first), first
    assert re.fullmatch(r'utramp: at refused\.bpf\.c:23: \*n \+= 1; /\* it may be NULL \*/',
                        source), source
    assert hint == HINT, hint


def never_ran(*args, code=1):
    """A command behind these options is not run."""
    mark = tmp / 'mark'
    r = utramp(*args, '--', 'touch', mark)
    assert r.code == code, r
    assert not mark.exists(), r
    return r


@test
def a_line_for_each_program():
    r = utramp('run', '--dry-run', WORK, part('absent.bpf.o'))
    assert r.code == 0, r
    assert lines((WORK, 'work_entry', 'accepted'), (WORK, 'work_exit', 'accepted'),
                 (part('absent.bpf.o'), 'absent', 'accepted')).fullmatch(r.out), r
    assert '3 programs were verified without the types of their functions: ' in r.err, r
    assert len(r.err.splitlines()) == 1, r
    assert utramp('run', '--dry-run', '-q', WORK).err == ''


@test
def numbers_as_json():
    r = utramp('run', '--dry-run', '-j', REFUSED, OPTIONAL)
    got = [json.loads(l) for l in r.out.splitlines()]
    assert r.code == 1, r
    assert [(g['program'], g['verdict']) for g in got] == [
        ('before', 'accepted'), ('unchecked', 'refused'), ('after', 'accepted'),
        ('optional', 'skipped'), ('always', 'accepted')], got
    keys = {'object', 'program', 'section', 'verdict', 'insns', 'states', 'peak_states',
            'max_states_per_insn', 'peak_bytes', 'time_ns'}
    assert set(got[0]) == keys and set(got[1]) == keys | {'reason'}, got
    assert set(got[3]) == {'object', 'program', 'section', 'verdict'}, got
    assert got[2]['section'] == 'fexit/work' and got[2]['object'] == REFUSED, got
    assert all(g['insns'] > 0 and g['time_ns'] > 0 and g['peak_bytes'] > 0 for g in got[:3])
    reason = got[1]['reason'].splitlines()
    assert len(reason) == 3 and reason[1].startswith('at refused.bpf.c:23: *n += 1;'), reason


@test
def refused_ones_are_told_with_the_rest():
    r = utramp('run', '--dry-run', REFUSED, WORK)
    assert r.code == 1, r
    assert lines((REFUSED, 'before', 'accepted'), (REFUSED, 'unchecked', 'refused'),
                 (REFUSED, 'after', 'accepted'), (WORK, 'work_entry', 'accepted'),
                 (WORK, 'work_exit', 'accepted')).fullmatch(r.out), r
    is_reason(r.err)
    assert len(r.err.splitlines()) == 3, r


@test
def what_is_off_is_skipped():
    r = utramp('run', '--dry-run', '-q', OPTIONAL)
    assert r.code == 0, r
    assert re.search(r": optional: skipped, its section begins with '\?': --attach optional=FUNC",
                     r.out), r
    r = utramp('run', '--dry-run', '-q', '--attach', 'optional=work', OPTIONAL)
    assert lines((OPTIONAL, 'optional', 'accepted'), (OPTIONAL, 'always', 'accepted')).fullmatch(
        r.out), r


@test
def a_file_has_types():
    both = ('--attach', f'work_entry={VICTIM}:work', '--attach', f'work_exit={VICTIM}:work')
    r = utramp('run', '--dry-run', *both, WORK)
    assert r.code == 0 and r.err == '', r
    assert lines((WORK, 'work_entry', 'accepted'), (WORK, 'work_exit', 'accepted')).fullmatch(r.out)
    # one of them only; -v says why the other has none
    r = utramp('run', '--dry-run', '-v', *both[:2], '--attach', 'work_exit=/no/such:work', WORK)
    assert r.code == 0 and len(r.out.splitlines()) == 2, r
    assert '/no/such: no file to take types from: ' in r.err, r
    assert '1 program was verified without the types' in r.err, r
    # CO-RE takes its types there, too
    core, exe = part('core-1.bpf.o'), part('core')
    r = utramp('run', '--dry-run', core)
    assert r.code != 0 and r.out == '' and r.err, r


@test
def a_command_is_looked_at_and_not_run():
    r = never_ran('run', '--dry-run', '--attach', 'work_entry=libc:calloc', '--attach',
                  'work_exit=libc:realloc', WORK, code=0)
    assert len(r.out.splitlines()) == 2, r
    assert r.err == 'utramp: 2 functions would be attached; touch has not run\n', r
    r = utramp('run', '--dry-run', '-j', WORK, '--', VICTIM, 'call', '1')
    assert r.code == 0 and [json.loads(l)['verdict'] for l in r.out.splitlines()] == ['accepted'] * 2
    assert '1 function would be attached' in r.err, r
    # what running would complain of
    r = utramp('run', '--dry-run', part('absent.bpf.o'), '--', VICTIM)
    assert r.code == 3 and "no function 'wrok'" in r.err and 'accepted' in r.out, r
    r = never_ran('run', '--dry-run', REFUSED)
    assert r.out.count('accepted') == 2 and 'refused' in r.out, r
    is_reason(r.err)
    assert utramp('run', '--dry-run', WORK, '--', '/no/such/command').code == 127


@test
def mistakes():
    refused(2, 'the object is missing: utramp run OBJ.bpf.o --dry-run', 'run', '--dry-run')
    refused(2, 'the object is missing', 'run', '--dry-run', '--', VICTIM)
    refused(1, 'none.bpf.o', 'run', '--dry-run', tmp / 'none.bpf.o')
    refused(3, "no program 'x'", 'run', '--dry-run', '--attach', 'x=work', WORK)
    refused(3, "types of module 'nowhere'", 'run', '--dry-run', '--btf', f'nowhere={VICTIM}', WORK)
    refused(2, 'no option of this verb', 'trace', '--dry-run', 'f', '--', VICTIM)
    refused(2, 'no option of this verb', 'trace', '--log-level', '1', 'f', '--', VICTIM)
    refused(2, '--dry-run takes no value', 'run', '--dry-run=1', WORK)
    refused(2, 'not at a process that runs', 'run', '--dry-run', '-p', '1', WORK)
    (tmp / 'text.bpf.o').write_text('no object')
    refused(1, 'text.bpf.o', 'run', '--dry-run', tmp / 'text.bpf.o')
    # a bad object does not hide what is said of good ones before it
    r = utramp('run', '--dry-run', part('bad_helper.bpf.o'), WORK)
    assert r.code == 1 and r.out.count('accepted') == 2 and 'bad_helper: refused' in r.out, r
    assert 'bpf_redirect' in r.err and re.search(r'\nutramp: at bad_helper\.bpf\.c:\d+: ', r.err), r


@test
def output_goes_to_a_file():
    out = tmp / 'verdicts'
    r = utramp('run', '--dry-run', '-q', '-o', out, WORK)
    assert r.code == 0 and r.out == '' and r.err == '', r
    assert out.read_text().count('accepted') == 2


@test
def logs():
    def log(level, *args):
        r = utramp('run', '--log-level', level, *args)
        return r, r.err.splitlines()
    # of a program that runs: statistics alone, all paths, both
    r, err = log('1', WORK, '--', VICTIM, 'call', '1')
    assert r.code == 0 and '> work(' in r.out, r
    at = err.index('utramp: log of program work_entry:')
    assert err[at + 1].startswith('utramp: processed '), r
    r, err = log('2', '--dry-run', WORK)
    at = err.index('utramp: log of program work_entry:')
    assert err[at + 1] == 'utramp: 0: R1=ctx() R10=fp0', r
    assert re.match(r'utramp: ; int BPF_PROG\(work_entry, int a, int b\) @ work\.bpf\.c:\d+',
                    err[at + 2]), r
    assert any(re.match(r'utramp: ; bpf_printk\(.* @ work\.bpf\.c:\d+$', l) for l in err), r
    assert not any('verification time' in l for l in err), r
    r, err = log('4', '--dry-run', WORK)
    at = err.index('utramp: log of program work_exit:')
    assert re.fullmatch(r'utramp: verification time \d+ usec', err[at + 1]), r
    assert re.fullmatch(r'utramp: stack depth \d+', err[at + 2]), r
    assert err[at + 3].startswith('utramp: processed '), r
    assert any('verification time' in l for l in log('6', '--dry-run', WORK)[1])
    # of one that is refused: the reason first, then the path with its lines
    r, err = log('1', REFUSED, '--', VICTIM, 'call', '1')
    assert r.code == 1 and r.out == '', r
    is_reason(r.err)
    at = err.index('utramp: log of program unchecked:')
    path = err[at:]
    assert 'utramp: ; *n += 1; /* it may be NULL */ @ refused.bpf.c:23' in path, r
    assert "utramp: R0 invalid mem access 'map_value_or_null'" in path, r
    assert HINT in path and path[-1].startswith('utramp: processed '), r
    # without the option there is no log
    r = utramp('run', REFUSED, '--', VICTIM, 'call', '1')
    assert r.code == 1 and len(r.err.splitlines()) == 3, r
    is_reason(r.err)


@test
def too_complex_says_where():
    r = utramp('run', '--dry-run', part('longloop.bpf.o'))
    assert r.code == 1 and 'longloop: refused, ' in r.out, r
    assert re.search(r'program longloop: insn \d+ \(.*\): ', r.err), r
    assert re.search(r'\nutramp: at longloop\.bpf\.c:\d+: ', r.err), r
    assert '\nutramp: what to change: ' in r.err, r


@test
def no_option_lets_it_through():
    for options in [[], ['--engine', 'interp'], ['--faults', 'syscall'], ['--lossless'],
                    ['--missing', 'ignore'], ['--stats'], ['--attach', 'unchecked=malloc'],
                    ['--cookie', 'unchecked=1'], ['--log-level', '7'], ['-j', '-q', '-v'],
                    ['--dry-run', '--engine', 'interp', '--missing', 'ignore']]:
        r = never_ran('run', *options, REFUSED)
        assert "R0 invalid mem access 'map_value_or_null'" in r.err, r
    # nor does another object beside it
    assert "R0 invalid" in never_ran('run', '--attach', 'work_entry=calloc', '--attach',
                                     'work_exit=calloc', WORK, REFUSED).err
    # nor is its code shown
    r = utramp('code', VICTIM + ':work', REFUSED)
    assert r.code == 1 and r.out == '', r
    is_reason(r.err)


main()
