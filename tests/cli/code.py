#!/usr/bin/env python3
"""code.py UTRAMP PARTS - utramp code: the trampoline that a function and objects would get."""
import json
import os
import re

from harness import *

VICTIM, PLAIN = part('victim'), part('libplain.so')
NINE, ENTRY, EXIT, WORK = (part(x + '.bpf.o') for x in ['nine', 'entry', 'exit', 'work'])
KEYS = ['module', 'func', 'addr', 'size', 'proto', 'types', 'model', 'layout', 'entry',
        'reason', 'example', 'programs', 'site', 'slot', 'plan', 'image']
LINE = re.compile(r'  ( *[0-9a-f]{3,16})  ([0-9a-f]+) +(\S.*)$')
CREATE = 'int sqlite3_create_function_v2(void *db, const char *name, int n, int enc, void *app, ' \
         'void *f, void *step, void *final, void *destroy)'


def text(*args):
    r = utramp('code', *args)
    assert r.code == 0 and r.err == '', r
    return r.out


def one(*args):
    r = utramp('code', '-j', *args)
    assert r.code == 0 and r.err == '', r
    o, = [json.loads(x) for x in r.out.splitlines()]
    assert list(o) == KEYS, list(o)
    return o


def sections(out):
    """{'head': lines, 'site': ..., 'slot': ..., 'plan': ..., 'image': ...}"""
    parts = out.rstrip('\n').split('\n\n')
    names = ['head'] + [x.split(':')[0] for x in parts[1:]]
    assert names == ['head', 'site', 'slot', 'plan', 'image'], names
    return {n: p.splitlines() for n, p in zip(names, parts)}


def offsets(plan):
    """Every offset from rbp that the plan names."""
    out = []
    for line in plan:
        m = re.match(r' *(?:save \w+ at|ctx|scratch|out) (-?\d+)', line)
        if m:
            out.append(int(m[1]))
    return out


def whole(block):
    """The code lies where it says, byte behind byte."""
    at = int(block['addr'], 16)
    for line in block['code']:
        assert int(line['addr'], 16) == at, line
        at += len(line['bytes']) // 2
        assert list(line) == ['addr', 'bytes', 'label', 'text', 'comment'], line
        assert line['text'] and '(bad)' not in line['text'], line
    assert 'size' not in block or at == int(block['addr'], 16) + block['size'], block['addr']


def masked(out):
    """Without addresses, and what is made of them: code bytes."""
    out = re.sub(r'^  [ 0-9a-f]{12}  [0-9a-f]+ +', '  ', out, flags=re.M)
    return re.sub(r'0x[0-9A-Fa-f]{6,}', 'ADDR', out)


@test
def nine_arguments():
    out = sections(text('nine', NINE, '--', VICTIM))
    head, plan, image = out['head'], out['plan'], '\n'.join(out['image'])
    assert head[0] == 'victim:nine', head
    # compilers differ in the names of types
    assert '  prototype  long nine(int a, long b, short c, char d, const char *e, unsigned int f, ' \
        'long g, signed char h, unsigned short i)' in [
            re.sub('short unsigned int', 'unsigned short', re.sub('(long|short) int', r'\1', x))
            for x in head], head
    assert '  types      DWARF' in head and any('[8]=a6 [16]=a7 [24]=a8' in x for x in head), head
    assert '  layout     ours, entered by jmp' in head, head
    # newest first, for each kind; those about other functions are left out
    at = head.index('  programs   in the order in which they run')
    assert head[at + 1:] == [f'    1. fentry nine_second of {NINE}',
                             f'    2. fentry nine_with_a_long_name_indeed of {NINE}',
                             f'    3. fexit nine_exit of {NINE}'], head
    assert 'about_' not in image, image
    assert '  programs: 2 fentry, 0 fmod_ret, 1 fexit' in plan, plan
    assert any('24 bytes of stack arguments' in x for x in plan), plan
    order = [image.index(x) for x in ['\nrun nine_second:', '\nrun nine_with_a_long_name_indeed:',
                                      '; original', '\nexit programs:', '\nrun nine_exit:',
                                      '\nbehind exit programs:', '; leave_ret', '\nnine_exit:']]
    assert order == sorted(order), order
    # the small ones stand where they run
    assert '\nnine_second:' not in image and '\nnine_with_a_long_name_indeed:' not in image, image
    for word in ['saved rdi', 'ctx[8]', 'arg 6 on the stack',
                 'arg 8 on the stack', 'ctx[-1], the count', 'scratch', 'frame of ', 'tag',
                 'call 0x', ' ctx\n', '; bpf_map_update_elem', '; map results', '; values of map hits',
                 '; values of map nine.bss', '; rt_first', '; rt_guard_slow',
                 '; statistics of nine_exit', "this thread's block", 'r10 - 8']:
        assert word in image, f'{word}: {image}'
    slot = '\n'.join(out['slot'])
    for word in ["this thread's block", 'too little of its stack left?', 'on its own stack?',
                 'calls not traced for want of stack', 'calls inside']:
        assert word in slot, f'{word}: {slot}'
    assert 'lahf' not in slot + image


@test
def flags_are_kept_where_no_types_are():
    out = sections(text(PLAIN + ':plain_add'))
    assert any(x.startswith('  flags -') for x in out['plan']), out['plan']
    for part, n in (('slot', 2), ('image', 1)):
        code = '\n'.join(out[part])
        assert code.count('lahf') == n and code.count('sahf') >= n, code
    assert ' flags\n' in '\n'.join(out['image']) + '\n'


@test
def every_offset_of_the_plan_is_in_the_code():
    for args in [['nine', NINE, '--', VICTIM], [VICTIM + ':nine'], [VICTIM + ':half'],
                 [VICTIM + ':sum_of'], [PLAIN + ':plain_add']]:
        out = sections(text(*args))
        image = '\n'.join(out['image'])
        # scratch is the guard's, of which programs of one step have none
        guarded = 'rt_guard_slow' in image
        want = offsets([x for x in out['plan'] if guarded or 'scratch' not in x])
        assert len(want) >= 2, out['plan']
        for off in want:
            assert re.search(rf'; (out )?{off}[ :]', image), f'{off}: {image}'
        for m in re.finditer(r'\[rbp([-+])0x([0-9A-F]+)\].*; (out )?(-?\d+|frame)', image):
            if m[3] or m[4] == 'frame':
                continue
            assert int(m[1] + m[2], 16) == int(m[4]), m[0]


@test
def slot_and_site():
    out = sections(text('nine', NINE, '--', VICTIM))
    slot = '\n'.join(out['slot'])
    for label in ['enter', 'leave_ret', 'leave_resume', 'original', 'image pointer']:
        assert f'\n{label}:\n' in slot, slot
    assert '; image pointer' in slot and '; image\n' in slot and '; nine + ' in slot, slot
    assert slot.count('; calls inside') == 3, slot
    site = out['site']
    assert re.match(r'site: moved, \d+ bytes at 0x[0-9a-f]+, replaced by a jump to enter$',
                    site[0]) and site[1] == 'nine:', site
    moved = [LINE.match(x)[3] for x in site[2:]]
    lines = slot[slot.index('\noriginal:'):].splitlines()[2:]
    assert [LINE.match(x)[3] for x in lines[:len(moved)]] == moved, (site, lines)
    # a function shorter than the window: no half of the padding behind it
    for name in ['work', 'nine', 'main']:
        assert '(bad)' not in text(VICTIM + ':' + name)


@test
def cookies():
    out = text('nine', NINE, '--cookie', 'nine_second=0xabcdef', '--', VICTIM)
    assert f'1. fentry nine_second of {NINE}, cookie 11259375\n' in out, out
    code = out[out.index('\nrun nine_second:'):out.index('\nrun nine_with_a_long_name_indeed:')]
    assert '0xABCDEF' in code, code
    assert 'cookie' not in text('nine', NINE, '--', VICTIM)


@test
def bound_by_attach():
    for args in [['nine', ENTRY, '--attach', 'entry=victim:nine', '--', VICTIM],
                 [VICTIM + ':nine', ENTRY, '--attach', f'entry={VICTIM}:nine'],
                 ['nine', '--attach', 'entry=work', ENTRY, '--attach', 'entry=n*', '--', VICTIM]]:
        out = text(*args)
        assert f'    1. fentry entry of {ENTRY}\n' in out and '2.' not in out, out
        assert 'original: jumped to' in out and '; leave_resume' in out, out
    # objects in the order of the command line, so the last one's programs are the newest
    out = text('work', WORK, NINE, '--', VICTIM)
    assert re.findall(r'^    \d\. (\w+ \w+)', out, re.M) == [
        'fentry about_work', 'fentry work_entry', 'fexit work_exit'], out
    out = text('work', NINE, WORK, '--', VICTIM)
    assert re.findall(r'^    \d\. (\w+ \w+)', out, re.M) == [
        'fentry work_entry', 'fentry about_work', 'fexit work_exit'], out


def reads(code):
    """Slots that the example's programs load, from ctx or from where they lie."""
    lines = [x for x in code.splitlines() if not re.search('; -?\\d+ (saved rax|flags)', x)]
    return len([x for x in lines if re.search(r' mov(sxd)? [re]ax, (?!0x)', x)])


@test
def example():
    for args in [[VICTIM + ':nine'], ['nine', '--', VICTIM]]:
        out = text(*args)
        assert "programs   an example's, which read every argument and the result\n" \
            '    1. fentry example_entry\n    2. fexit example_exit\n\n' in out, out
        code, tails = out[out.rindex('\nrun example_exit:'):].split('\ntail calls:\n')
        assert '; rt_tail\n' in tails and '\nrun example_entry, tail call:\n' in tails, tails
        assert reads(tails.split('tail call:\n')[1]) == 9 and 'nop' not in tails, tails
        # the result is in rax's place, and goes back from there
        assert reads(code) == 9 and code.count('saved rax') == 2, code
        assert 'no exit program' not in out, out
    out = text(PLAIN + ':plain_add')
    assert '    1. fentry example_entry\n    no exit program: no types in libplain.so' in out
    assert 'prototype  unknown\n  types      none\n' in out and '2 fexit' not in out, out
    assert reads(out[out.rindex('\nrun example_entry:'):]) == 6, out
    assert 'no exit program: variadic' in text(VICTIM + ':sum_of')
    out = text(PLAIN + ':plain_add', '--proto', 'int plain_add(int, int)')
    assert '2. fexit example_exit' in out and 'types      --proto' in out, out
    assert text(VICTIM + ':half').count('movq') >= 2


@test
def sqlite3():
    name = 'libsqlite3.so.0:sqlite3_create_function_v2'
    if not shutil.which('sqlite3'):
        raise Skip('sqlite3 is not installed')
    out = text(name, '--proto', CREATE, '--', 'sqlite3')
    assert '[8]=a6 [16]=a7 [24]=a8 | rax=r | K=24' in out, out
    assert 'types      --proto' in out and '2. fexit example_exit' in out, out
    for n in range(6):
        assert f'ctx[{n}]\n' in out, n
    assert 'ctx[6]' not in out, out
    calls, tails = out.split('\ntail calls:\n')
    assert calls.count('on the stack') == 9, out   # read at entry, copied, read at exit
    assert tails.count('on the stack') == 3, out   # read
    out = text(name, '--', 'sqlite3')   # the pack's types have the same K
    assert '| K=24' in out and 'types      pack' in out and '2. fexit example_exit' in out, out


@test
def patterns():
    r = utramp('code', VICTIM + ':*')
    assert r.code == 0 and r.err == '', r
    names = re.findall(r'^victim:(\w+)', r.out, re.M)
    assert {'work', 'half', 'nine', 'sum_of', 'main'} <= set(names), names
    assert not {'tiny', 'either', '_start'} & set(names), names
    # with an object: those that it attaches to
    out = text('victim:*', NINE, '--', VICTIM)
    assert sorted(re.findall(r'^victim:(\w+)', out, re.M)) == ['nine', 'work'], out


@test
def as_json():
    o = one('nine', NINE, '--cookie', 'nine_exit=7', '--', VICTIM)
    assert (o['module'], o['func'], o['types'], o['example']) == ('victim', 'nine', 'DWARF', False)
    assert (o['layout'], o['entry']) == ('ours', 'jmp'), o
    assert o['programs'] == [
        {'kind': 'fentry', 'name': 'nine_second', 'object': NINE, 'cookie': 0},
        {'kind': 'fentry', 'name': 'nine_with_a_long_name_indeed', 'object': NINE, 'cookie': 0},
        {'kind': 'fexit', 'name': 'nine_exit', 'object': NINE, 'cookie': 7}], o['programs']
    for block in ['site', 'slot', 'image']:
        whole(o[block])
    assert o['plan'][0] == 'programs: 2 fentry, 0 fmod_ret, 1 fexit', o['plan']
    labels = [x['label'] for x in o['image']['code'] if x['label']]
    assert labels[0] == 'image' and 'nine_exit' in labels and 'L1' in labels, labels
    assert 'nine_exit, subprogram 1' in labels and o['reason'] is None, labels
    assert any(x['comment'] == 'nine_exit, subprogram 1' and x['text'].startswith('call ')
               for x in o['image']['code'])
    assert len(set(labels)) == len(labels), labels
    o = one(PLAIN + ':plain_add')
    assert o['example'] and o['proto'] is None and o['types'] == 'none', o
    assert o['reason'].startswith('exit: no types'), o
    assert o['programs'] == [
        {'kind': 'fentry', 'name': 'example_entry', 'object': None, 'cookie': 0}], o
    # the two forms say the same
    lines = [LINE.match(x) for x in text(VICTIM + ':nine').splitlines()]
    o = one(VICTIM + ':nine')
    assert [x[2] for x in lines if x] == [x['bytes'] for b in ['site', 'slot', 'image']
                                          for x in o[b]['code']]


@test
def deterministic():
    for args in [['nine', NINE, '--', VICTIM], ['nine', '--', VICTIM]]:
        assert masked(text(*args)) == masked(text(*args)), args
    assert text(VICTIM + ':nine', NINE) == text(VICTIM + ':nine', NINE)


@test
def nothing_runs():
    before = pathlib.Path(VICTIM).read_bytes()
    out = text('work', WORK, '--', VICTIM, 'call', 3)
    assert 'sum' not in out.split(), out
    assert pathlib.Path(VICTIM).read_bytes() == before


@test
def seed():
    for args in [[VICTIM + ':nine', NINE], ['nine', NINE, '--', VICTIM], [VICTIM + ':nine']]:
        out = sections(text('--layout', 'seed', *args))
        assert '  layout     seed, entered by call' in out['head'], out['head']
        plan = [x.strip() for x in out['plan']]
        assert {'args 24', 'ret -8', 'ctx -80: 9 slots, 6 registers', 'count -88'} <= set(plan), plan
        image = '\n'.join(out['image'])
        for line in plan:                       # but where arguments and frame begin and end
            m = re.match(r'(?:ret|ctx|count|ip|rbx|run_ctx|out) (-\d+)', line)
            assert not m or f'; {m[1]} ' in image, f'{m[1]}: {image}'
        assert '; 24 arg 6 on the stack' in image and '; -80 ctx[0]' in image, image
        assert '; enter function\n' in image and '; exit function\n' in image, image
        assert 'this thread' not in image and 'rt_' not in image, image
        assert re.search(r'leave\n.*add rsp, 0x08\n.*ret\n', image), image
        assert 'in the kernel a call' in out['site'][0] and out['slot'][1] == 'original:', out
    o = one('--layout', 'seed', VICTIM + ':nine')
    assert (o['layout'], o['entry']) == ('seed', 'call'), o
    for block in ['site', 'slot', 'image']:
        whole(o[block])
    # what that frame has no room for is refused by name
    refused(1, 'rax only', 'code', '--layout', 'seed', VICTIM + ':half')
    refused(1, 'variadic', 'code', '--layout', 'seed', VICTIM + ':sum_of')
    assert text('--layout', 'ours', VICTIM + ':nine') == text(VICTIM + ':nine')
    refused(2, ["'kernel'", '(ours, seed)'], 'code', '--layout', 'kernel', VICTIM + ':nine')


@test
def session_in_both_layouts():
    """One program, listed and run twice, its code once; the cookie where the layout has it."""
    obj = part('session.bpf.o')
    for layout, index in ('ours', 2), ('seed', 2):
        out = text(VICTIM + ':nine', obj, '--layout', layout)
        assert f'1. fsession (entry) nine_session of {obj}' in out, out
        assert '2. fsession (exit) nine_session' in out and '1 fsession' in out, out
        assert f'session cookie {index} at ' in out and '; -' in out, out
        assert out.count('\nnine_session:\n') == 1 and out.count('\nrun nine_session:\n') == 2, out


@test
def refusals():
    refused(2, 'the function is missing', 'code')
    refused(2, 'name the file', 'code', 'nine')
    refused(3, ["no function 'ninee'", 'nearest: nine'], 'code', VICTIM + ':ninee')
    refused(3, ["no function 'ninee'", 'nearest: nine'], 'code', 'victim:ninee', NINE, '--', VICTIM)
    refused(3, '/nonexistent', 'code', '/nonexistent:f')
    refused(3, "no module 'libnone'", 'code', 'libnone:f', '--', VICTIM)
    refused(1, ['victim:tiny has no trampoline', 'shorter than a jump'], 'code',
            VICTIM + ':tiny')
    refused(1, ['victim:_start has no trampoline'], 'code', '-j', '_start', '--', VICTIM)
    refused(1, ['cannot attach entry to victim:tiny'], 'code', 'tiny', ENTRY, '--attach',
            'entry=tiny', '--', VICTIM)
    refused(1, ['cannot attach leave to victim:sum_of', 'variadic'], 'code', 'sum_of', EXIT,
            '--attach', 'leave=sum_of', '--', VICTIM)
    refused(1, ['cannot attach leave to victim:sum_of', 'variadic'], 'code', VICTIM + ':sum_of',
            EXIT, '--attach', 'leave=sum_of')
    text('nine', EXIT, '--attach', 'leave=sum_of', '--attach', 'leave=nine', '--', VICTIM)
    (tmp / 'text.bpf.o').write_text('int main;\n')
    refused(1, 'text.bpf.o', 'code', VICTIM + ':nine', tmp / 'text.bpf.o')
    refused(1, 'none.o: No such file', 'code', VICTIM + ':nine', tmp / 'none.o')
    refused(3, ["no program of the objects attaches to", '--attach PROG='], 'code',
            VICTIM + ':half', NINE)
    refused(3, "no program of the objects attaches to", 'code', VICTIM + ':nine', ENTRY)
    refused(3, "no program 'x'", 'code', VICTIM + ':nine', NINE, '--attach', 'x=nine')
    refused(3, "no program 'x'", 'code', VICTIM + ':nine', NINE, '--cookie', 'x=1')
    refused(3, "no function 'nin'", 'code', VICTIM + ':nine', ENTRY, '--attach', 'entry=nin')
    refused(2, 'need an object', 'code', VICTIM + ':nine', '--cookie', 'x=1')
    refused(3, 'there is no such function', 'code', VICTIM + ':nine', '--proto', 'int none(int)')
    refused(127, 'nonexistent', 'code', 'f', '--', '/nonexistent')


@test
def closed_pipe():
    for args, code in [(['-j', VICTIM + ':*'], -signal.SIGPIPE),
                       (['-j', 'victim:*', '--', VICTIM], 1)]:
        out, into = os.pipe()
        os.close(out)
        p = start('code', *args, stdout=into)
        os.close(into)
        r = end(p)
        assert (r.code, r.err) == (code, ''), r


@test
def to_a_file():
    path = tmp / 'code'
    r = utramp('code', '-o', path, VICTIM + ':nine')
    assert (r.code, r.out, r.err) == (0, '', ''), r
    assert path.read_text() == text(VICTIM + ':nine')


main()
