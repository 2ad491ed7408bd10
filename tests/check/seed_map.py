#!/usr/bin/env python3
"""seed_map.py SOURCE - docs/from-the-kernel.md is true, and its checker sees what is not.  TAP.

The checker runs on the tree, on a copy that is wrong, and on the page with one fault planted at a
time.
"""
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1])
path = root / 'tools/check-seed-map.py'
spec = importlib.util.spec_from_file_location('checker', path)
checker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(checker)
# name, what is replaced, by what, and a word of the finding
FAULTS = [
    ('a file that is not there', '`src/tramp/seed.c` `lone_slot`', '`src/tramp/sed.c` `lone_slot`',
     'there is no file src/tramp/sed.c'),
    ('a function that is not there', '`lone_slot`', '`lone_slots`', 'does not define lone_slots'),
    ('a function that is only called', '`src/tramp/seed.c` `lone_slot`',
     '`src/tramp/seed.c` `x86_nop_to`', 'does not define x86_nop_to'),
    ('a struct that is not there', '`struct tramp_shim`', '`struct tramp_shims`',
     'does not define struct'),
    ('a file without a function', '`src/tramp/seed.c` `lone_slot` `save_args`',
     '`src/tramp/seed.c`', 'no function is named'),
    ('one reference of two is enough', '; `src/abi/sysv.c` `abi_arg_gcc`', '', ''),
    ('a name before its file', '`src/tramp/seed.c` `lone_slot`', '`lone_slot` `src/tramp/seed.c`',
     'has no file before it'),
    ('a cmocka test that is not there', '`test_shadow_stack`', '`test_shadow_stacks`',
     'has no test test_shadow_stacks'),
    ('a function that is no test', '`test_shadow_stack`', '`step_through`',
     'has no test step_through'),
    ('a TAP name that is not there', '`detached while they sleep`', '`attached while they sleep`',
     'has no test attached'),
    ('a golden that is not there', 'models/args7.t', 'models/args77.t', 'there is no file'),
    ('a recorded function that is not there', '`fx_f7c`', '`fx_f7d`', 'has no test fx_f7d'),
    ('a python test that is not there', '`traced, then detached`', '`traced, then lost`',
     'has no test traced, then lost'),
    ('a test that is not built', '`tests/stress/inventory.py` `traced, then detached`',
     '`tests/conformance/progs.py` `program`', 'is in no meson.build'),
    ('a row without a test', '| no counterpart |', '| |', 'an empty one'),
    ('a test cell of words', '`tests/unit/tramp/state_test.c` `test_shadow_stack` |', 'tested |',
     'has no test, and neither'),
    ('no test, no reason', re.compile('no test: that the states [^|]*'), 'no test: later ',
     'has no test, and neither'),
    ('no counterpart, no reason', 'no counterpart: there is one pass |', 'no counterpart |',
     'names no function'),
    ('no counterpart of something that is here',
     '`tests/unit/attach/attach_test.c` `test_two_names` |', 'no counterpart |',
     'has no test, and neither'),
    ('a trap that is not there', re.compile(r'^\| \*\*T33\*\*.*\n', re.M), '',
     'there is no row T33'),
    ('a trap twice', '**T33**', '**T32**', 'T32 is there twice'),
    ('a flag that is not there', '**SKIP_FRAME**', '**SKIPPED**', 'there is no row SKIP_FRAME'),
    ('a hunk that is not there', re.compile(r'^\| \*\*H9\*\*.*\n', re.M), '', 'there is no row H9'),
    ('a hunk that is another', '`rbx_off`', '`rax_off`', 'H9 is not about rbx_off'),
    ('a fix that is not there', re.compile(r'^\| \*\*X5\*\*.*\n', re.M), '', 'there is no row X5'),
    ('a row without a name', '| **W6** ', '| ', 'does not begin with a name'),
    ('a table with other columns', '| why ours differs |', '| why |', 'the columns are'),
    ('a row of five cells', '| **W6** ', '| | **W6** ', '5 cells'),
]
points = []


def check(tree):
    r = subprocess.run([sys.executable, path, tree], capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr


def planted(text, what, by):
    if isinstance(what, re.Pattern):
        return what.sub(by, text, count=1)
    return text.replace(what, by, 1)


code, out = check(root)
points.append(('every row is true, and all are there', code == 0 and not out, out))
sources = checker.Sources(root)
page = sources.text(checker.DOC)
for name, what, by, word in FAULTS if code == 0 else ():  # else they would all be wrong
    sources.texts[checker.DOC] = planted(page, what, by)
    found = list(checker.findings(sources))
    good = 1 <= len(found) <= 3 and any(word in f for f in found) if word else not found
    points.append((name, good and sources.text(checker.DOC) != page, '\n'.join(found) or 'nothing'))
with tempfile.TemporaryDirectory() as tmp:
    tree = pathlib.Path(tmp)
    for top in ('src', 'tests', 'tools'):
        tree.joinpath(top).symlink_to((root / top).resolve())
    code, out = check(tree)
    points.append(('no page', code == 1 and 'there is no such file' in out, out))
    tree.joinpath('docs').mkdir()
    tree.joinpath(checker.DOC).write_text(page.replace('`test_shadow_stack`', '`test_shadow`', 1))
    code, out = check(tree)
    points.append(('a wrong page', code == 1 and 'has no test test_shadow\n' in out, out))
print(f'1..{len(points)}')
for n, (name, ok, why) in enumerate(points, 1):
    print('ok' if ok else 'not ok', n, '-', name)
    if not ok:
        print('#', *why.splitlines()[:5], sep='\n# ')
sys.exit(0 if all(ok for _, ok, _ in points) else 1)
