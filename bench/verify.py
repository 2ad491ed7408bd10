#!/usr/bin/env python3
"""What verifying costs: programs that the tool generates, the examples, objects of the tests.

usage: bench/verify.py BUILD, after `ninja -C BUILD bench-files`.  Each program as often as --turns says, the least time
counts; then the families of bench/verify_progs.c.  Nothing is tested by it: times are the machine's.
"""
import argparse
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent


def commands(build):
    """(what, arguments of the tool); the targets are those of the examples."""
    many, shapes = str(build / 'examples/many'), str(build / 'examples/shapes')
    sql = ['--', 'sqlite3', ':memory:', 'select 1']
    yield 'trace, numbers and text', ['trace', 'many:*', '--', many]
    yield 'trace, classes and strings', ['trace', 'shapes:*', '--', shapes]
    yield 'trace, structs', ['trace', 'libsqlite3:sqlite3_prepare_v2', *sql]
    yield 'trace, variadic', ['trace', 'libsqlite3:sqlite3_mprintf', 'libsqlite3:sqlite3_snprintf', *sql]
    for verb in ('count', 'latency', 'stack'):
        yield verb, [verb, 'many:s*', '--', many]
    yield 'inject', ['inject', 'many:seven=0', '--', many]
    for path in sorted((build / 'examples').glob('*.bpf.o')):
        target = ['--', 'sqlite3', ':memory:', 'select 1'] if 'sqlite' in path.name else ['--', many]
        yield f'run {path.name}', ['run', str(path), *target]
    for part in ('tests/integration', 'tests/cli', 'tests/cli/objects', 'tests/isa', 'tests/maps'):
        for path in sorted((build / part).glob('*.bpf.o')):
            yield f'{part}/{path.name}', ['run', str(path), '--', many]


def programs(tool, args):
    """Lines of verify_tool.c: {(number, name): fields}."""
    try:
        done = subprocess.run([tool, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=20, check=False)
        text = done.stderr
    except subprocess.TimeoutExpired as late:
        text = late.stderr or b''
    lines = [l.split('\t')[1:] for l in text.decode(errors='replace').split('\n')
             if l.startswith('verified\t')]
    return {(n, l[0]): [int(x) for x in l[1:]] for n, l in enumerate(lines)}


def measure(tool, what, args, turns):
    least = {}
    for _ in range(turns):
        for key, fields in programs(tool, args).items():
            if key not in least or fields[5] < least[key][5]:
                least[key] = fields
    for (_, name), (insns, processed, states, tries, size, ns, err) in least.items():
        verdict = 'accepted' if not err else 'refused'
        print(f'{what:32.32} {name or "(generated)":20.20} {insns:6} {processed:9} {states:6} {tries:5} '
              f'{size:9} {ns / 1e3:9.1f} {ns / max(processed, 1):8.1f}  {verdict}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('build', nargs='?', default='build', type=pathlib.Path)
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--only', default='', help='only what has this in its name')
    args = parser.parse_args()
    bench = args.build.resolve() / 'bench'
    print(f'{"":32} {"program":20} {"insns":>6} {"processed":>9} {"states":>6} {"tries":>5} {"bytes":>9} '
          f'{"us":>9} {"ns/insn":>8}')
    for what, arguments in commands(args.build.resolve()):
        if args.only in what:
            measure(bench / 'verify-tool', what, arguments, args.turns)
    if not args.only:
        print(flush=True)
        subprocess.run([bench / 'verify', str(args.turns)], check=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
