#!/usr/bin/env python3
"""What a hit costs: utramp beside hand-written trampolines and the kernel's uprobes.

All of it in one process, pinned, block by block in turn; the least block counts.  `make bench`
runs it.  The columns f0 to f12 are functions of that many arguments; ratios are of raw times,
the call itself included.  Differences below 0.3 ns are noise (bench/rows.h names the rows).
"""
import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

NOT_PERMITTED = 3  # bench/uprobe.c
COUNTS = (0, 2, 6, 8, 12)
RATIOS = (('empty program at entry', 'ut_empty', 'hand_empty'),
          ('count at entry', 'ut_entry', 'hand_entry'), ('count at exit', 'ut_exit', 'hand_exit'),
          ('count at entry and at exit', 'ut_both', 'hand_both'),
          ('store 12 arguments', 'ut_store', 'hand_store'))


# What issue 7 asks for: (what, row, number of arguments, limit), the limit made of rows of the
# same run: f(row) gives ns of that row with as many arguments.
FLOORS = (
    ('count at entry', 'ut_entry', (2, 12), 'the hand trampoline', lambda f: f('hand_entry')),
    ('count at exit', 'ut_exit', (2, 12), 'the hand trampoline', lambda f: f('hand_exit')),
    ('count at both', 'ut_both', (2, 12), 'the hand trampoline', lambda f: f('hand_both')),
    ('ring record of 12 and result', 'ut_ring', (12,), '30 ns', lambda f: 30),
    ('latency, session', 'ut_lat_own', (2, 12), '2 x clock + 12 ns', lambda f: 2 * f('c_clock') + 12),
    ('latency, per CPU', 'ut_lat_cpu', (2, 12), '2 x clock + 12 ns', lambda f: 2 * f('c_clock') + 12),
    ('latency, C', 'c_latency', (2, 12), '2 x clock + 12 ns', lambda f: 2 * f('c_clock') + 12),
    ('latency, hash', 'ut_lat_hash', (2, 12), '2 x clock + 12 ns', lambda f: 2 * f('c_clock') + 12),
    ('100 helper calls', 'ut_helpers', (2, 12), '1.5 x C', lambda f: 1.5 * f('c_helpers')),
    ('FNV of 64 bytes', 'ut_fnv', (2, 12), '1.2 x C', lambda f: 1.2 * f('c_fnv')),
    ('10,000 turns', 'ut_loop', (2, 12), '1.08 x C', lambda f: 1.08 * f('c_loop')))
NOISE_NS = 0.3  # of the yardstick: less is no difference


def floors(at, nothing, which):
    out = [{'what': f'{what}, f{n}', 'limit': text,
            'ns': at[row, n][which], 'limit_ns': limit(lambda r, n=n: at[r, n][which])}
           for what, row, counts, text, limit in FLOORS for n in counts]
    return out + [{'what': 'a program that does nothing, as a function', 'limit': '1.5 x C',
                   'ns': nothing['utramp'][which], 'limit_ns': 1.5 * nothing['C'][which]}]


def verdict(v):
    over = v['ns'] - v['limit_ns']
    return '' if over <= 0 else '  noise' if over < NOISE_NS else '  OVER'


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        info = dict((p.strip() for p in line.split(':', 1)) for line in f if ':' in line)
    return {'cpu': f'{info["model name"]}, family {info["cpu family"]}, model {info["model"]}',
            'cpus': os.cpu_count(), 'hypervisor': 'hypervisor' in info['flags'].split(),
            'kernel': platform.release(), 'load': os.getloadavg()[0]}


def command(args, build, uprobes, globals_to):
    bench = build / 'bench'
    cmd = [bench / 'drive', bench / 'hit.bpf.o', globals_to,
           bench / 'hit', args.cpu, args.blocks, args.us, 'hand', 'native', 'utramp']
    if uprobes:
        cmd = [bench / 'uprobe', bench / 'uprobe.bpf.o', bench / 'hit', *cmd, 'kernel']
    return [str(c) for c in cmd]


def run(cmd, may_refuse=False):
    r = subprocess.run(cmd, capture_output=True, text=True, check=False)
    if r.returncode == NOT_PERMITTED and may_refuse:
        return None, r.stderr.strip()
    if r.returncode:
        sys.exit(f'{" ".join(cmd)}: exit status {r.returncode}\n{r.stderr}')
    return [line.split('\t') for line in r.stdout.splitlines()], None


def measure(args, build):
    """The lines of hit, and why the kernel's rows are missing, if they are."""
    reason = 'not asked for'
    with tempfile.NamedTemporaryFile('r', encoding='utf-8') as f:
        lines = None
        if not args.no_uprobes:
            lines, reason = run(command(args, build, True, f.name), may_refuse=True)
        if not lines:
            lines = run(command(args, build, False, f.name))[0]
        check_globals(f.read())
    return lines, reason


def check_globals(text):
    """What is printed of the programs' global data at the end: each has been written."""
    at = dict(re.findall(r'^(\w+) = \[?(\d+)', text, re.M))
    for name in ('latency_own', 'latency_cpu', 'latency_hash'):
        if not re.search(rf'^{name} = .*[1-9]', text, re.M):
            sys.exit(f'a program never ran: {name} is empty')
    for name in ('entry_hits', 'exit_hits', 'two_hits', 'records', 'ninth', 'ring_records',
                 'randoms', 'sums', 'turns', 'founds', 'founds4', 'pids', 'cpus'):
        if not int(at.get(name, 0)):
            sys.exit(f'a program never ran: {name} is 0')


def result(args, build):
    lines, reason = measure(args, build)
    rows = [{'row': r, 'how': how, 'args': int(n), 'least': float(least), 'median': float(median),
             'title': title} for r, how, n, least, median, title in lines]
    at = {(r['row'], r['args']): r for r in rows}
    ratios = [{'what': what, 'args': n, 'least': at[ut, n]['least'] / at[hand, n]['least'],
               'median': at[ut, n]['median'] / at[hand, n]['median']}
              for what, ut, hand in RATIOS for n in COUNTS if (hand, n) in at]
    layouts = [{'what': what, 'manner': manner, 'least': float(least), 'median': float(median)}
               for what, manner, least, median in
               run([str(build / 'bench/layouts'), str(args.cpu), str(args.blocks),
                    str(args.us)])[0]]
    compiling = [{'what': what, 'insns': int(n), 'least': float(least), 'median': float(median)}
                 for what, n, least, median in
                 run([str(build / 'bench/compile'), str(args.cpu), str(args.blocks),
                      str(args.us)])[0]]
    nothing = {c['what'].split(':')[0]: c for c in compiling if not c['insns']}
    compiling = [c for c in compiling if c['insns']]
    return {'machine': machine(), 'utramp': run([str(build / 'utramp'), '--version'])[0][0][0],
            'nothing': nothing, 'blocks': args.blocks, 'block_us': args.us, 'unit': 'ns a call', 'rows': rows,
            'ratios': ratios, 'compiling': compiling, 'floors': floors(at, nothing, 'least'),
            'floors_median': floors(at, nothing, 'median'), 'layouts': layouts, 'no_uprobes': reason}


def table(title, rows):
    """rows: (name, {arguments: value})."""
    print(f'{title:44}' + ''.join(f'{f"f{n}":>9}' for n in COUNTS))
    for name, at in rows:
        print(f'{name:44}' + ''.join(f'{at[n]:9.2f}' if n in at else f'{"-":>9}' for n in COUNTS))
    print()


def grouped(rows, key, value):
    out = {}
    for r in rows:
        out.setdefault(r[key], {})[r['args']] = r[value]
    return list(out.items())


def show(r):
    m = r['machine']
    print(f'{m["cpu"]}, {m["cpus"]} CPUs{", a virtual machine" if m["hypervisor"] else ""}, '
          f'Linux {m["kernel"]}, load {m["load"]:.1f}')
    print(f'{r["utramp"]}, {r["blocks"]} blocks of {r["block_us"]:g} us\n')
    table('ns a call, least of the blocks', grouped(r['rows'], 'title', 'least'))
    table('ns a call, median of the blocks', grouped(r['rows'], 'title', 'median'))
    table('utramp / hand-written, least', grouped(r['ratios'], 'what', 'least'))
    table('utramp / hand-written, median', grouped(r['ratios'], 'what', 'median'))
    print(f'{"a program that does nothing, as a function":44}{"least":>9}{"median":>9}')
    for name, v in r['nothing'].items():
        print(f'{name:44}{v["least"]:9.2f}{v["median"]:9.2f}')
    print()
    for which, title in (('floors', 'least'), ('floors_median', 'median')):
        print(f'{"what it should cost, " + title:44}{"is":>9}{"at most":>9}')
        for v in r[which]:
            print(f'{v["what"]:44}{v["ns"]:9.2f}{v["limit_ns"]:9.2f}  {v["limit"]}{verdict(v)}')
        print()
    if r['no_uprobes']:
        print(f'kernel uprobes are not measured: {r["no_uprobes"]}\n')
    print(f'{"ns an instruction":44}{"least":>9}{"median":>9}')
    for v in r['compiling']:
        print(f'{v["what"] + ", " + format(v["insns"], ",") + " instructions":44}'
              f'{v["least"]:9.1f}{v["median"]:9.1f}')
    print()
    print(f'{"layouts and entries, no slot, no guard":44}{"least":>9}{"median":>9}')
    for v in r['layouts']:
        print(f'{v["what"] + ": " + v["manner"]:44}{v["least"]:9.2f}{v["median"]:9.2f}')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('build', nargs='?', default='build', type=pathlib.Path)
    ap.add_argument('-j', '--json', action='store_true', help='print JSON')
    ap.add_argument('--blocks', type=int, default=100, help='blocks of each function (100)')
    ap.add_argument('--us', type=float, default=300, help='microseconds a block (300)')
    ap.add_argument('--cpu', type=int, default=max(os.sched_getaffinity(0)), help='the last one')
    ap.add_argument('--no-uprobes', action='store_true', help='leave the kernel out')
    ap.add_argument('--no-build', action='store_true', help='everything is built')
    args = ap.parse_args()
    if not args.no_build:
        subprocess.run(['ninja', '-C', args.build, 'bench-files', 'utramp'], check=True,
                       stdout=subprocess.DEVNULL)
    r = result(args, args.build.resolve())
    if args.json:
        print(json.dumps(r, indent=1))
    else:
        show(r)


if __name__ == '__main__':
    main()
