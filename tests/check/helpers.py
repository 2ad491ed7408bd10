#!/usr/bin/env python3
"""helpers.py SOURCE - docs/helpers.md is what tools/make-helpers-page.py makes of the tables.  TAP.

Changed tables change the page where they must, and rows of a form that the tool does not know are
errors, not gaps.
"""
import importlib.util
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location('page', root / 'tools/make-helpers-page.py')
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
template, helper, proto, kfunc = tool.sources(root)
page = (root / 'docs/helpers.md').read_text()


def changed(which, old, new):
    parts = {'template': template, 'helper': helper, 'proto': proto, 'kfunc': kfunc}
    assert parts[which].count(old), f'there is no {old!r} in it'
    parts[which] = parts[which].replace(old, new, 1)
    return tool.page(**parts)


def makes(which, old, new, row):
    return lambda: row in changed(which, old, new).splitlines() and row not in page.splitlines()


def unclear(which, old, new):
    def f():
        try:
            changed(which, old, new)
        except tool.Unclear:
            return True
        return False
    return f


NEW = 'ENTRY(bind, rt_bind, HELPER_TRACING, NUMBER, "not \\"there\\"", ARG_IN, ARG_SIZE),\n\tENTRY(strncmp,'
STRNCMP = 'ENTRY(strncmp, rt_strncmp, HELPER_ALL, NUMBER, "", ARG_IN, ARG_SIZE, ARG_STRING)'
points = [
    ('the page is that of the tables: make docs', lambda: tool.page(template, helper, proto, kfunc) == page),
    ('a new helper', makes('helper', 'ENTRY(strncmp,', NEW,
                           '| `bpf_bind` | in, size | | tracing | not "there" |')),
    ('another argument', makes('helper', STRNCMP, STRNCMP.replace('ARG_IN,', 'ARG_IN0,'),
                               '| `bpf_strncmp` | in0, size, string | | all | |')),
    ('another meaning of one', makes('proto', 'read up to and with its 0', 'text', '| *string* | text |')),
    ('a kfunc for others', makes('kfunc', '.kind = "fmod_ret"', '.kind = "fexit"',
                                 '| `int utramp_set_errno(int err)` | fexit | see below; the kernel has '
                                 'nothing like it |')),
    ('a row of another form', unclear('helper', 'ENTRY(strncmp,', '{ .id = BPF_FUNC_bind, .name = "bind" },\n\tENTRY(strncmp,')),
    ('a row with something left out', unclear('helper', STRNCMP, STRNCMP.replace('HELPER_ALL, ', ''))),
    ('kinds that have no name', unclear('helper', STRNCMP, STRNCMP.replace('HELPER_ALL', 'HELPER_FEXIT'))),
    ('an argument of another enum', unclear('helper', STRNCMP, STRNCMP.replace('ARG_IN,', 'NUMBER,'))),
    ('a kfunc that nothing is told of', unclear('kfunc', '"utramp_set_errno"', '"utramp_new"')),
    ('a kfunc with another argument', unclear('template', '@KFUNC@ utramp_set_errno err', '@KFUNC@ utramp_set_errno err more')),
    ('a page without the table', unclear('template', '@HELPERS@', '')),
]
print(f'1..{len(points)}')
bad = 0
for i, (what, f) in enumerate(points, 1):
    ok = f()
    bad += not ok
    print('ok' if ok else 'not ok', i, '-', what)
sys.exit(1 if bad else 0)
