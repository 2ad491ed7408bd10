#!/usr/bin/env python3
"""options.py UTRAMP PARTS - every option's parsing, help, versions, refusals by name."""
import re

from harness import *

VERBS = ['run', 'trace', 'count', 'latency', 'stack', 'inject', 'list', 'check', 'code', 'args']
LATER_VERBS = ['record', 'report', 'dump', 'prog', 'map', 'link', 'gen']
# options of DESIGN section 8 that no verb has yet, with a value where they take one
LATER = [['-k'], ['-a'],
         ['-s'], ['-B', 'line'], ['--pretty'],
         ['--max-functions', '9']]
# option, good values, bad values, verbs that take it
VALUED = [('-E', ['1', '0x10', '18446744073709551615'], ['0', '-1', 'x', '', '1x', '1e3',
                                                        '18446744073709551616'], 'run trace'),
          ('-d', ['1', '0.25', '.5'], ['0', '-1', 'x', '', '1s', 'inf', 'nan', '1e30'],
           'run trace count latency stack inject'),
          ('-i', ['1', '0.25', '.5'], ['0', '-1', 'x', '', '1s', 'inf'], 'count latency stack'),
          ('-D', ['1', '127'], ['0', '-1', 'x', '', '1000001', '1.5'], 'trace stack'),
          ('-N', ['x*', 'libc:f'], [''], 'trace count latency stack'),
          ('--filter', ['a', 'a < 1'], [''], 'trace count latency stack'),
          ('--buf', ['a=b', 'a=3'], [''], 'trace'),
          ('--color', ['auto', 'always', 'never'], ['', 'red'], 'trace'),
          ('--prob', ['0.01', '1%', '1', '100%'], ['0', '2', '101%', 'x', '', '-1'], 'inject'),
          ('--seed', ['0', '7'], ['-1', 'x', ''], 'inject'),
          ('--after', ['0', '7', 'main'], ['-1', 'x', ''], 'inject'),
          ('--count', ['1', '7'], ['0', '-1', 'x', ''], 'inject'),
          ('--errno', ['ENOMEM', '12'], ['0', 'EWHAT', '5000', ''], 'inject'),
          ('--missing', ['error', 'warn', 'ignore'], ['', 'maybe'],
           'run trace count latency stack inject'),
          ('--faults', ['auto', 'syscall'], ['', 'handler'], 'run trace count latency stack inject'),
          ('--strings', ['off', '0', '64', '4096'], ['', 'on', '-1', '4097'], 'trace'),
          ('--attach', [], ['', 'x', '=x', 'x='], 'run code'),
          ('--cookie', [], ['', 'x', '=1', 'x=', 'x=y', 'x=-1', 'x=1 '], 'run code'),
          ('--engine', ['jit', 'interp'], ['', 'JIT', 'interpreter'],
           'run trace count latency stack inject'),
          ('--log-level', ['1', '2', '4', '7', '0x2'], ['', '0', '8', '-1', 'x'], 'run'),
          ('--layout', ['ours', 'seed'], ['', 'kernel', 'ours,seed', 'OURS'], 'code'),
          ('--debuginfo', [], [''], 'run trace count latency stack inject list check code'),
          ('--btf', [], ['', 'x', '=f', 'm='],
           'run trace count latency stack inject list check code')]
FLAGS = {'-j': 'run trace count latency stack inject list check code args',
         '--json': 'run trace count latency stack inject list check code args',
         '-e': 'trace', '--entry': 'trace', '-x': 'trace', '--exit': 'trace', '-t': 'trace',
         '--timestamps': 'trace',
         '-q': 'run trace count latency stack inject list check code args',
         '--quiet': 'run trace count latency stack inject list check code args',
         '-v': 'run trace count latency stack inject list check code',
         '--verbose': 'run trace count latency stack inject list check code',
         '--keep': 'run trace count latency stack inject',
         '--lossless': 'run trace', '--stats': 'run', '--all': 'detach', '--dry-run': 'run', '--allow-write': 'run code'}
# what comes next when all options are understood: the command is missing, the file is not there
NEXT = {'run': (['/nonexistent.o'], 1, '/nonexistent.o'),
        **{v: (['f'], 2, 'the command is missing') for v in ['trace', 'count', 'latency', 'stack', 'inject']},
        'list': (['/nonexistent:f'], 3, '/nonexistent'),
        'check': (['/nonexistent:f'], 3, '/nonexistent'),
        'code': (['/nonexistent:f'], 3, '/nonexistent'),
        'args': (['/nonexistent'], 1, '/nonexistent'),
        'detach': (['4711'], 2, 'or --all')}


def has(option, text):
    return re.search(rf'(?<![\w-]){option}(?![\w-])', text) is not None


def understood(verb, *options):
    args, code, words = NEXT[verb]
    refused(code, words, verb, *options, *args)
    refused(code, words, verb, *args, *options)


@test
def version():
    for o in ['--version', '-V']:
        r = utramp(o)
        assert (r.code, r.err) == (0, '') and r.out.startswith('utramp ') \
            and r.out.count('\n') == 1, r


@test
def overview():
    for args in [['--help'], ['-h'], ['help']]:
        r = utramp(*args)
        assert (r.code, r.err) == (0, ''), r
        for v in VERBS:
            assert f'\n  {v} ' in r.out, r


@test
def words_too_many():
    for args in [['--version'], ['-V'], ['--help'], ['-h']]:
        refused(2, [args[0], "'extra'"], *args, 'extra')
    refused(2, "'extra'", 'help', 'trace', 'extra')


@test
def no_verb():
    refused(2, ['the verb is missing', 'run, trace, count, latency, stack, inject, list, check, code, args, btf'])


@test
def help_of_verbs():
    for v in VERBS:
        for args in [[v, '--help'], [v, '-h'], ['help', v], [v, 'x', '--help', '-j']]:
            r = utramp(*args)
            assert (r.code, r.err) == (0, ''), r
            assert r.out.startswith(f'usage: utramp {v} [OPTIONS] '), r


@test
def help_names_every_option():
    for v in VERBS:
        text = utramp(v, '--help').out
        for o, verbs in FLAGS.items():
            assert has(o, text) == (v in verbs.split()), f'{v} {o}: {text}'
        for o, _, _, verbs in VALUED:
            assert has(o, text) == (v in verbs.split()), f'{v} {o}: {text}'
        assert max(map(len, text.splitlines())) <= 100, text


@test
def unknown_verbs():
    refused(2, ["'frobnicate'", 'run, trace, count, latency, stack, inject, list, check, code, args, btf'],
            'frobnicate')
    refused(2, 'the verb comes first', '--json', 'list', 'x')
    refused(2, "no verb ''", '')
    refused(2, "no verb", 'help', 'frobnicate')
    for v in LATER_VERBS:
        refused(2, [f"'{v}'", 'not in this version'], v, 'x', '--', 'true')


@test
def unknown_options():
    for v in VERBS:
        refused(2, [f'utramp: {v}: ', "'-Z'"], v, 'x', '-Z', '--', 'true')
        refused(2, "'-Z'", v, '-jZ', 'x', '--', 'true')
        refused(2, "'--nosuch'", v, '--nosuch', 'x', '--', 'true')
        refused(2, '--json takes no value', v, '--json=3', 'x', '--', 'true')
        refused(2, 'ambiguous', v, '--e', 'x', '--', 'true')


@test
def no_dry_run_of_a_process():
    refused(2, ['--dry-run', 'not at a process that runs'], 'run', '--dry-run', '-p', '1', 'x.o')
    refused(2, ['--wait', 'one process'], 'count', '--wait', '-p', '1', '-p', '2', 'x')


@test
def later_options():
    for v in VERBS:
        for o in LATER:
            refused(2, [o[0].split('=')[0], 'not supported in this version'], v, *o, 'x', '--',
                    'true')


@test
def options_of_other_verbs():
    for o, verbs in FLAGS.items():
        for v in VERBS:
            if v not in verbs.split():
                refused(2, 'no option of this verb', v, o, 'x', '--', 'true')
    for o, _, _, verbs in VALUED:
        for v in VERBS:
            if v not in verbs.split():
                refused(2, 'no option of this verb', v, o, '1', 'x', '--', 'true')


@test
def missing_values():
    for o, _, _, verbs in VALUED:
        for v in verbs.split():
            refused(2, ['value is missing', o], v, 'x', o)
            refused(2, ['value is missing', o], v, 'x', o, '--', 'true')
    refused(2, ['value is missing', '-o'], 'list', 'x', '-o')
    refused(2, ['value is missing', '--proto'], 'list', 'x', '--proto')


@test
def bad_values():
    for o, _, bad, verbs in VALUED:
        for v in verbs.split():
            for b in bad:
                refused(2, 'is not a value it takes', v, o, b, 'x', '--', 'true')


@test
def good_values():
    for o, good, _, verbs in VALUED:
        for v in verbs.split():
            for g in good:
                understood(v, o, g)
    understood('run', '--attach', 'p=libc:f', '--attach', 'q=a=b', '--cookie', 'p=0xff',
               '--cookie', 'q=18446744073709551615', '--btf', 'm=/f', '--proto', 'int f(void)')


@test
def flags():
    for o, verbs in FLAGS.items():
        for v in verbs.split():
            understood(v, o)
    understood('run', '-jqv', '-E3', '-d1.5', '--lossless')


@test
def cookie_twice():
    refused(2, '--cookie', 'run', '--cookie', 'p=1', '--cookie', 'p=2', 'x', '--', 'true')


@test
def missing_arguments():
    refused(2, 'the object is missing', 'run')
    refused(2, 'the object is missing', 'run', '--', 'true')
    refused(2, 'the function is missing', 'trace', '--', 'true')
    refused(2, 'the function is missing', 'list')
    refused(2, 'the function is missing', 'check', '--', 'true')
    refused(2, 'the file is missing', 'args')
    refused(2, 'the command is missing', 'run', part('work.bpf.o'))
    refused(2, 'the command is missing', 'run', part('work.bpf.o'), '--')
    refused(2, 'the command is missing', 'trace', 'f')


@test
def types_without_a_command():
    for v in ['list', 'check']:
        spec = part('victim') + ':work'
        r = utramp(v, spec, '--proto', 'int work(char)')
        assert r.code == 0 and r.err == '' and 'int work(char)' in r.out, r
        refused(2, 'prototype', v, spec, '--proto', 'int work(')
        refused(3, 'nobody', v, spec, '--proto', 'int nobody(char)')
        refused(3, 'libabsent', v, spec, '--btf', 'libabsent=/nonexistent')
        refused(1, '/nonexistent', v, spec, '--btf', 'victim=/nonexistent')


@test
def too_many_arguments():
    refused(2, 'more than', 'list', *['x'] * 300)
    refused(2, '--attach', 'run', *['--attach', 'a=b'] * 300, 'x')


@test
def specifications():
    v = part('victim')
    refused(2, 'the function is missing', 'list', v + ':')
    refused(2, 'not an address', 'list', v + ':0xzz')
    refused(2, 'name the file', 'list', 'work')
    refused(1, 'offset', 'list', v + ':work+3')
    refused(3, 'no function begins at', 'list', v + ':0x1')


@test
def options_end_at_dashes():
    r = utramp('run', '-q', part('work.bpf.o'), '--', part('victim'), 'exit', '7', '--help')
    assert (r.code, r.out, r.err) == (7, '', ''), r


@test
def prototypes():
    for p in ['', 'int', 'int f(', 'f(int', 'int (*)(int)', 'int f(struct)']:
        r = utramp('list', '--proto', p, 'work', '--', part('victim'))
        assert r.code == 2 and len(r.err.splitlines()) == 1, (p, r)


main()
