#!/usr/bin/env python3
"""make-helpers-page.py [--check] [ROOT] - docs/helpers.md, of the tables in src/bpf/ and helpers-page.in.

Tables: src/bpf/helper.c (ENTRY and INLINE rows), kfunc.c, and the comments of the enums in
proto.h.  helpers-page.in is the page's prose: @HELPERS@, @ARGUMENTS@, @RESULTS@ and @KFUNCS@ are
replaced, and "@KFUNC@ name arguments... | text" tells how a kfunc's arguments are called and what
it does.  --check changes nothing; status 1: the page is not what is made.
"""
import ast
import difflib
import pathlib
import re
import sys

KINDS = {'HELPER_ALL': 'all', 'HELPER_TRACING': 'tracing', 'HELPER_FMOD_RET': 'fmod_ret'}
TYPES = {'BOOL': 'bool ', 'U64_PTR': '__u64 *', 'VOID_PTR': 'void *', 'INT': 'int ', 'U32': '__u32 ',
         'VOID': 'void ', 'INT_PTR': 'int *', 'ITER_NUM_PTR': 'struct bpf_iter_num *', 'U64': '__u64 '}


class Unclear(Exception):
    pass


def words(names, prefix):
    out = []
    for name in names:
        if not name.startswith(prefix):
            raise Unclear(f'{name} does not begin with {prefix}')
        out.append(name[len(prefix):].lower())
    return out


def enum_comments(text, name, prefix):
    """[(word, comment)] of an enum's members; those without a comment are said by their name."""
    body = re.search(r'enum %s \{\n(.*?)\n\};' % name, text, re.S)
    if not body:
        raise Unclear(f'no enum {name}')
    rows = []
    for line in body[1].splitlines():
        m = re.fullmatch(r'\t(\w+),\s*(?:/\* (.*) \*/)?', line)
        if not m:
            raise Unclear(f'enum {name}: {line!r}')
        if m[1] not in ('ARG_NONE', 'RET_NUMBER'):
            rows.append([f'*{words([m[1]], prefix)[0]}*', m[2] or ''])
    return rows


def helper_rows(text):
    """[name, arguments, result, kinds, what differs] of helper.c's table."""
    body = re.search(r'static const struct helper table\[\] = \{\n(.*?)\n\};', text, re.S)
    if not body:
        raise Unclear('no table of helpers')
    rest = re.sub(r'/\*.*?\*/', '', body[1], flags=re.S)
    rows = []
    for kind, inside in re.findall(r'\t(ENTRY|INLINE)\(((?:[^()"]|"(?:[^"\\]|\\.)*")*)\),', rest):
        m = re.fullmatch(r'([^"]*),\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*([^"]*)', inside, re.S)
        if not m:
            raise Unclear(f'a row of helpers: {inside!r}')
        head = [x.strip() for x in m[1].split(',')]
        if len(head) != (4 if kind == 'ENTRY' else 3):
            raise Unclear(f'a row of helpers: {head}')
        name, flags, result = head[0], head[-2].split(' | '), head[-1].lower()
        if flags[0] not in KINDS:
            raise Unclear(f'{name}: {flags[0]}')
        args = words([a.strip() for a in m[3].split(',') if a.strip()], 'ARG_')
        if 'HELPER_MORE' in flags:
            args.append('...')
        rows.append([f'`bpf_{name}`', ', '.join(args), '' if result == 'number' else result,
                     KINDS[flags[0]], ast.literal_eval(f'({m[2]})')])
    if len(rows) != len(re.findall(r'\b(?:ENTRY|INLINE)\(|BPF_FUNC_', rest)):
        raise Unclear('helpers: rows of another form')
    return rows


def kfunc_rows(text, told):
    """[prototype, kinds, text]; told: {name: (names of arguments, text)} of the template."""
    body = re.search(r'static const struct kfunc table\[\] = \{\n(.*?)\n\};', text, re.S)
    rows = []
    for row in re.split(r'\n\t\{ ', '\n' + body[1])[1:]:
        at = dict(re.findall(r'\.(\w+) = (\{[^}]*\}|"[^"]*"|[\w]+)', row))
        name = at['name'].strip('"')
        types = re.findall(r'KFUNC_T_(\w+)', at.get('arg', ''))
        if name not in told or len(told[name][0]) != len(types) or str(len(types)) != at['nargs']:
            raise Unclear(f'{name}: not in helpers-page.in, or with other arguments')
        args = ', '.join(TYPES[t] + a for t, a in zip(types, told[name][0]))
        rows.append([f'`{TYPES[at["result"][8:]]}{name}({args})`', at['kind'].strip('"'), told[name][1]])
    if len(rows) != len(told) or len(rows) != len(re.findall(r'\.id = ', body[1])):
        raise Unclear('kfuncs: rows of another form, or told of and not there')
    return rows


def page(template, helper, proto, kfunc):
    told = {}
    for line in re.findall(r'^@KFUNC@ (.*)\n', template, re.M):
        head, _, text = line.partition(' |')
        name, *args = head.split()
        told[name] = args, text.strip()
    template = re.sub(r'^@KFUNC@ .*\n', '', template, flags=re.M)
    for mark, head, rows in (
            ('@HELPERS@', ['helper', 'arguments', 'result', 'kinds', 'what differs'], helper_rows(helper)),
            ('@ARGUMENTS@', ['argument', 'is'], enum_comments(proto, 'proto_arg', 'ARG_')),
            ('@RESULTS@', ['result', 'is'], enum_comments(proto, 'proto_ret', 'RET_')),
            ('@KFUNCS@', ['kfunc', 'kinds', 'what it does'], kfunc_rows(kfunc, told))):
        if template.count(mark) != 1:
            raise Unclear(f'{mark} is not there once')
        lines = ['| ' + ' | '.join(r) + ' |' for r in [head, *rows]]
        lines.insert(1, '|' + '---|' * len(head))
        template = template.replace(mark, '\n'.join(line.replace('|  |', '| |').replace('|  |', '| |')
                                                    for line in lines))
    return template


def sources(root):
    return [root.joinpath(p).read_text() for p in ('tools/helpers-page.in', 'src/bpf/helper.c',
                                                   'src/bpf/proto.h', 'src/bpf/kfunc.c')]


def main():
    check = '--check' in sys.argv
    args = [a for a in sys.argv[1:] if a != '--check']
    root = pathlib.Path(args[0] if args else pathlib.Path(__file__).resolve().parent.parent)
    made, file = page(*sources(root)), root / 'docs/helpers.md'
    if not check:
        file.write_text(made)
        return 0
    diff = list(difflib.unified_diff(file.read_text().splitlines(), made.splitlines(), 'docs/helpers.md',
                                     'as it is made', lineterm=''))
    print(*diff, sep='\n', end='\n' if diff else '')
    return bool(diff)


if __name__ == '__main__':
    sys.exit(main())
