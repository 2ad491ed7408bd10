#!/usr/bin/env python3
"""rust_test.py UTRAMP - what `trace -j` shows of a Rust program is true, or said to be uncertain.

Skipped by name where there is no rustc: nothing else of the project needs it.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / 'trace'))
from harness import Run, Tap, records, same_program, under  # noqa: E402

POINT, LARGE = {'x': 7, 'y': -8}, {'a': [1, 2, 3, 4, 5]}
# arguments and result of the first call and the second; a struct of which some members are told
CALLS = {'add': [({'a': -5 - i, 'b': 1 << 40, 'c': 250}, (1 << 40) + 245 - i) for i in (0, 1)],
         'scale': [({'x': 1.5, 'by': 2}, 3)] * 2,
         'text': [({'s': {'length': 5}, 'n': 3}, 8)] * 2,
         'at': [({'p': POINT, 'c': c, 'yes': True}, v) for c, v in (('Red', 1), ('Green', 5))],
         'large': [({'l': LARGE, 'k': 9}, 15)] * 2,
         'both': [({'a': 20, 'b': 22}, None)] * 2,
         'as_in_c': [({'a': 1, 'p': {'x': 2, 'y': 3}, 'd': 4.5}, 10)] * 2}
# of these no value may be uncertain, whatever the optimisation
SURE = {'add': {'a', 'b', 'c'}, 'scale': {'x', 'by'}, 'as_in_c': {'a'}}


def same(got, want):
    if isinstance(want, dict):
        return isinstance(got, dict) and all(same(got.get(k), v) for k, v in want.items())
    return got == want


def plain_name(symbol):
    m = re.search(r'5shown(\d+)', symbol)
    return symbol[m.end():m.end() + int(m[1])] if m else symbol


def shown(utramp, level, where):
    exe = where / f'shown{level}'
    subprocess.run(['rustc', '-g', '-A', 'warnings', '-C', f'opt-level={level}', '-o', exe,
                    HERE / 'shown.rs'], check=True)
    plain, out = Run([exe]), exe.with_suffix('.jsonl')
    traced = under(utramp, 'trace', out, [exe], f'{exe.name}:as_in_c',
                   *(f'{exe.name}:shown::{n}::*' for n in CALLS if n != 'as_in_c'))
    same_program(traced, plain)
    seen, sure = {}, 0
    for r in records(out):
        name = plain_name(r['func'])
        args, ret = CALLS[name][seen.setdefault(name, 0)]
        unsure = set(r.get('uncertain', ()))
        seen[name] += 1
        assert list(r['args']) == list(args), r
        assert not unsure & SURE.get(name, set()), r
        for k, v in args.items():
            assert k in unsure or same(r['args'][k], v), f'{name}: {k}: {r}'
            sure += k not in unsure
        if 'entry' not in r and 'ret' not in unsure and ret is not None:
            assert same(r['ret'], ret), r
    assert seen == {n: 2 for n in CALLS}, seen
    return f'{sure} of {sum(len(a) for c in CALLS.values() for a, _ in c)} arguments are sure'


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-rust-') as where:
        for level in (0, 2, 3):
            name = f'rustc -C opt-level={level}'
            if shutil.which('rustc'):
                tap.run(name, shown, sys.argv[1], level, pathlib.Path(where))
            else:
                tap.n += 1
                print(f'ok {tap.n} - {name} # SKIP no rustc')
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
