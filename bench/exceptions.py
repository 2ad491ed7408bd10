#!/usr/bin/env python3
"""What exceptions cost in a traced program.

A C++ program with 10,000 functions is made, and run in turn untraced, with one function traced at
entry and exit, and with all of them: a throw through the traced function, one
that meets no traced function, and the first of all, which loads what the runtime needs.  Each
run tells the median of its blocks; medians of these over all rounds are shown, and how far the
middle half of them lies apart.  Ratios are to the untraced run of the same round.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from run import machine

HERE = pathlib.Path(__file__).resolve().parent
WAYS = ('untraced', 'one traced', 'all traced')
KINDS = ('first throw', 'unrelated throw', 'throw through')


def build(into, n, cxx):
    """The program, in several files since one takes too long."""
    names = [f'f_{i:05}' for i in range(n)]
    parts = [names[i:i + 2000] for i in range(0, n, 2000)]
    sources = [HERE / 'exceptions.cc']
    for i, part in enumerate(parts):
        sources.append(into / f'part{i}.cc')
        sources[-1].write_text('volatile extern long cell;\n' + ''.join(
            f'extern "C" long {f}(long a) {{ cell = a + {k}; return cell * 3; }}\n'
            for k, f in enumerate(part)))
    table = into / 'table.cc'
    table.write_text('volatile long cell;\nextern "C" {' + ''.join(f'long {f}(long);' for f in names) +
                     '}\nextern long (*const functions[])(long) = {' + ','.join(names) +
                     f'}};\nextern const long nfunctions = {n};\n')
    exe = into / 'exceptions'
    subprocess.run([cxx, '-O1', '-g', '-o', exe, *sources, table], check=True)
    return exe


def once(way, args, exe, tmp):
    """{kind: ns}; what the program computes must be the same."""
    utramp = [args.build.resolve() / 'utramp', 'run', '-q', '-o', tmp / 'out',
              args.build / 'bench' / 'exceptions.bpf.o']
    spec = 'exceptions:traced' if way == 'one traced' else 'exceptions:f_*'
    programs = [f'--attach={p}={s}' for p in ('at_entry', 'at_exit')
                for s in {spec, 'exceptions:traced'}]
    cmd = [] if way == 'untraced' else [*utramp, *programs, '--']
    r = subprocess.run([str(c) for c in ['taskset', '-c', args.cpu, *cmd, exe, args.blocks, args.throws]],
                       capture_output=True, text=True, check=False)
    if r.returncode:
        sys.exit(f'{way}: exit status {r.returncode}\n{r.stderr}')
    if way != 'untraced':
        ran = dict(re.findall(r'^(entries|exits) = (\d+)', (tmp / 'out').read_text(), re.M))
        calls = args.blocks * args.throws
        own = args.functions if way == 'all traced' else 0
        if (int(ran['entries']), int(ran['exits'])) != (calls + own, own):
            sys.exit(f'{way}: {ran} runs of programs, {calls} calls left by exceptions')
    *ns, caught, total = r.stdout.split()
    return dict(zip(KINDS, map(float, ns))), (caught, total)


def measure(args, exe, tmp):
    runs, results = {w: [] for w in WAYS}, set()
    for _ in range(args.rounds):
        for way in WAYS:
            ns, result = once(way, args, exe, tmp)
            runs[way].append(ns)
            results.add(result)
    if len(results) != 1:
        sys.exit(f'results differ: {results}')
    rows = []
    for kind in KINDS:
        for way in WAYS:
            ns = [r[kind] for r in runs[way]]
            ratio = [r[kind] / u[kind] for r, u in zip(runs[way], runs['untraced'])]
            q = statistics.quantiles(ns, n=4) if len(ns) > 1 else ns * 3
            rows.append({'what': kind, 'way': way, 'median': statistics.median(ns), 'low': q[0],
                         'high': q[2], 'ratio': statistics.median(ratio)})
    return rows


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('build', nargs='?', default='build', type=pathlib.Path)
    ap.add_argument('-j', '--json', action='store_true', help='print JSON')
    ap.add_argument('--rounds', type=int, default=15, help='runs of each kind (15)')
    ap.add_argument('--blocks', type=int, default=50, help='blocks a run (50)')
    ap.add_argument('--throws', type=int, default=200, help='throws a block (200)')
    ap.add_argument('--functions', type=int, default=10000, help='functions of the program (10000)')
    ap.add_argument('--cpu', type=int, default=max(os.sched_getaffinity(0)), help='the last one')
    ap.add_argument('--cxx', default='g++')
    ap.add_argument('--no-build', action='store_true', help='everything is built')
    args = ap.parse_args()
    if not args.no_build:
        subprocess.run(['ninja', '-C', args.build, 'bench-files', 'utramp'], check=True,
                       stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as d:
        tmp = pathlib.Path(d)
        rows = measure(args, build(tmp, args.functions, args.cxx), tmp)
    r = {'machine': machine(), 'functions': args.functions, 'rounds': args.rounds, 'rows': rows}
    if args.json:
        print(json.dumps(r, indent=1))
        return
    m = r['machine']
    print(f'{m["cpu"]}, {m["cpus"]} CPUs{", a virtual machine" if m["hypervisor"] else ""}, '
          f'Linux {m["kernel"]}, load {m["load"]:.1f}')
    print(f'{"ns a throw, of " + str(args.rounds) + " runs":34}{"median":>10}{"middle half":>18}{"ratio":>8}')
    for v in rows:
        half = f'{v["low"]:.0f}-{v["high"]:.0f}'
        print(f'{v["what"] + ", " + v["way"]:34}{v["median"]:10.0f}{half:>18}{v["ratio"]:8.2f}')


if __name__ == '__main__':
    main()
