#!/usr/bin/env python3
"""helpers.py SOURCE - docs/helpers.md lists every helper and kfunc of the tables, no others.  TAP.

Names and kinds are compared; the reader is tried on pages and tables with one thing changed.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
page = root.joinpath('docs/helpers.md').read_text()
helpers = root.joinpath('src/bpf/helper.c').read_text()
kfuncs = root.joinpath('src/bpf/kfunc.c').read_text()
KINDS = {'HELPER_ALL': 'all', 'HELPER_TRACING': 'tracing', 'HELPER_FMOD_RET': 'fmod_ret'}


def helper_rows(text):
    """{name: kinds} of helper.c: ENTRY(name, function, n, flags) and rows in full."""
    table = text[text.index('static const struct helper table[]'):].split('\n};')[0]
    table = re.sub(r'/\*.*?\*/', '', table, flags=re.S)
    rows = re.findall(r'ENTRY\((\w+),\s*\w+,\s*\d+,\s*(\w+)', table)
    rows += re.findall(r'\.name = "(\w+)".*?\.flags = (\w+)', table, re.S)
    return {'bpf_' + name: KINDS.get(flag, flag) for name, flag in rows}, table.count('BPF_FUNC_') \
        + table.count('ENTRY(')


def kfunc_rows(text):
    table = text[text.index('static const struct kfunc table[]'):].split('\n};')[0]
    rows = re.findall(r'\.name = "(\w+)".*?\.kind = "(\w+)"', table, re.S)
    return dict(rows), table.count('.id = ')


def page_rows(text, head):
    """[(name, kinds)] of the table below a heading; a prototype's name is what ( follows."""
    rows = []
    for line in text[text.index(head):].split('\n## ')[0].splitlines():
        m = re.match(r'\| `(?:[\w* ]*?)(\w+)(?:\([^`]*\))?` \| (\w+) \|', line)
        if m:
            rows.append((m[1], m[2]))
    return rows


def differences(page_text, helper_text, kfunc_text):
    for head, (have, n) in (('## Helpers', helper_rows(helper_text)),
                            ('## Kfuncs', kfunc_rows(kfunc_text))):
        shown = page_rows(page_text, head)
        if len(have) != n or n < 3:
            yield f'{head}: {n} rows in the table, {len(have)} of them understood'
        for name in sorted(have.keys() - dict(shown).keys()):
            yield f'{head}: {name} is not on the page'
        for name, kinds in shown:
            if name not in have:
                yield f'{head}: there is no {name}'
            elif have[name] != kinds:
                yield f'{head}: {name} is for {have[name]} programs, not {kinds}'
        if len(shown) != len(dict(shown)):
            yield f'{head}: a name is there twice'


FAULTS = [
    ('a helper that the page lacks', page.replace('| `bpf_strncmp` | all | |\n', '', 1), None,
     None, 'bpf_strncmp is not on the page'),
    ('a helper that is not', page.replace('`bpf_strncmp`', '`bpf_strncmp2`', 1), None, None,
     'there is no bpf_strncmp2'),
    ('other kinds', page.replace('`bpf_get_stack` | tracing', '`bpf_get_stack` | all', 1), None,
     None, 'bpf_get_stack is for tracing programs'),
    ('a kfunc that the page lacks', page.replace('| `int utramp_set_errno(', '| `int other(', 1),
     None, None, 'utramp_set_errno is not on the page'),
    ('a new helper', None, helpers.replace('ENTRY(strncmp,', 'ENTRY(bind, rt_bind, 4, HELPER_ALL),\n'
                                           'ENTRY(strncmp,', 1), None, 'bpf_bind is not'),
    ('a row of another form', None, helpers.replace('{ .id = BPF_FUNC_get_attach_cookie, .name',
                                                    '{ .id = BPF_FUNC_x, .called', 1), None,
     'of them understood'),
    ('a new kfunc', None, None, kfuncs.replace('"utramp_set_errno"', '"utramp_new"', 1),
     'utramp_new is not on the page'),
]
points = [('the page is that of the tables', list(differences(page, helpers, kfuncs)), None)]
for what, p, h, k, why in FAULTS:
    found = list(differences(p or page, h or helpers, k or kfuncs))
    points.append((what, found, why))
print(f'1..{len(points)}')
bad = 0
for i, (what, found, why) in enumerate(points, 1):
    ok = any(why in f for f in found) if why else not found
    bad += not ok
    print('ok' if ok else 'not ok', i, '-', what)
    for f in found if not ok else []:
        print('#', f)
sys.exit(1 if bad else 0)
