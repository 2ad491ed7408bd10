#!/usr/bin/env python3
"""hints.py SOURCE - each refusal of the verifier says what to change.  TAP.

Every call of vdeny() and vfail() in src/bpf/verify*.c is read: its hint is a text, a named one, or
chosen among those; never nothing.  verify_case.c holds what the tests refuse to the same.
"""
import pathlib
import re
import sys

src = pathlib.Path(sys.argv[1]) / 'src/bpf'
LEAST = 60  # places there are, so that this cannot pass by finding none


def strip(text):
    """Without comments."""
    return re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)


def arguments(text, at):
    """Those of the call whose '(' is at `at`; strings are whole."""
    out, depth, begin, i = [], 0, at + 1, at
    while i < len(text):
        c = text[i]
        if c == '"':
            i = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, i).end()
            continue
        depth += (c in '([{') - (c in ')]}')
        if (c == ',' and depth == 1) or not depth:
            out.append(text[begin:i].strip())
            begin = i + 1
        if not depth:
            return out
        i += 1
    raise SystemExit('no end of a call')


def literal(expr):
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', expr)
    return ''.join(parts) if parts and not re.sub(r'"(?:[^"\\]|\\.)*"|\s', '', expr) else None


def wrong_text(text):
    if len(text) < 12:
        return f'"{text}" says nothing'
    return f'"{text}" ends with a full stop' if text.endswith('.') else None


def wrong(hint, whole):
    """Why the expression is no hint; None: it is one."""
    if literal(hint) is not None:
        return wrong_text(literal(hint))
    if re.search(r'\bNULL\b', re.sub(r'"(?:[^"\\]|\\.)*"', '', hint)):
        return 'NULL'
    for text in re.findall(r'[?:]\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', hint):
        if wrong_text(literal(text)):
            return wrong_text(literal(text))
    for name in re.findall(r'\b[a-z_]\w*\b', re.sub(r'"(?:[^"\\]|\\.)*"', '', hint)):
        found = re.search(rf'char \*?{name}\[\]\s*=\s*((?:"(?:[^"\\]|\\.)*"\s*)+);', whole)
        if found and wrong_text(literal(found[1])):
            return wrong_text(literal(found[1]))
        # a function that gives one: each of its returns
        body = re.search(rf'^static const char \*{name}\([^)]*\)\n\{{(.*?)^\}}', whole, re.S | re.M)
        for value in re.findall(r'return\s+((?:"(?:[^"\\]|\\.)*"|[^;"])*);', body[1]) if body else []:
            if wrong(value, whole):
                return f'{name}(): {wrong(value, whole)}'
    return None


calls, faults = 0, []
for path in sorted(src.glob('verify*.c')):
    whole = strip(path.read_text())
    for m in re.finditer(r'\b(vdeny|vfail)\(', whole):
        args = arguments(whole, m.end() - 1)
        line = whole[:m.start()].count('\n') + 1
        hint = args[{'vdeny': 1, 'vfail': 2}[m[1]]]
        if m[1] == 'vfail' and 'struct verify *v' in args[0]:
            continue  # itself
        calls += 1
        # a parameter: whoever calls gives it
        fault = wrong(hint, whole)
        if fault:
            faults.append(f'{path.name}, call {line}: {fault}')

# the checker sees what is missing
planted = [('NULL', True), ('""', True), ('"do."', True), ('x ? "check the index" : NULL', True),
           ('"check it against NULL"', False), ('x ? "a" : "check the index before"', True)]
missed = [e for e, bad in planted if bool(wrong(e, '')) != bad]
print('1..3')
print(f'{"ok" if calls >= LEAST else "not ok"} 1 - {calls} places')
print(f'{"not ok" if faults else "ok"} 2 - all say what to change')
print(*(f'# {f}' for f in faults), sep='\n', end='\n' if faults else '')
print(f'{"not ok" if missed else "ok"} 3 - planted faults are seen{missed or ""}')
sys.exit(bool(faults or missed or calls < LEAST))
