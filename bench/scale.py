#!/usr/bin/env python3
"""What attaching to every function of a large library costs, and leaving it.

The same functions, in turn, each round with processes of its own that have the library mapped and
sleep: utramp without and with a kept analysis of the library, the kernel's uprobe_multi, and uprobes one
by one, of which only some are made since the kernel waits some 70 ms for the end of each.  Shown are
medians of all rounds; cpu is what the attaching process ran, the kernel's part included, and says
more than the clock on a machine that does other things, too.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from run import machine

NOT_PERMITTED = 3  # bench/scale.c
LIB = '/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1'
COLUMNS = ('functions', 'attach_ms', 'attach_cpu_ms', 'stopped_ms', 'detach_ms', 'detach_cpu_ms', 'private_kib')


def measure(scale, lib, how, env):
    """One row by a process of its own, or None: not permitted."""
    target = subprocess.Popen([scale, 'target', lib], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if target.stdout.readline() != 'ready\n':
            sys.exit(f'{lib} cannot be mapped')
        r = subprocess.run([scale, how[0], str(target.pid), lib, *how[1:]], capture_output=True, text=True,
                           env={**os.environ, **env}, timeout=900, check=False)
    finally:
        target.stdin.close()
        target.wait()
    if r.returncode == NOT_PERMITTED:
        print(f'{how[0]}: {r.stderr.strip()}', file=sys.stderr)
        return None
    if r.returncode:
        sys.exit(f'{how[0]}: exit status {r.returncode}\n{r.stderr}')
    return json.loads(r.stdout)


def ways(args, cache):
    scale, obj = str(args.build / 'bench' / 'scale'), str(args.build / 'bench' / 'scale.bpf.o')
    return scale, (('utramp, analysed anew', ('utramp', obj), {'UTRAMP_CACHE': 'off'}),
                   ('utramp', ('utramp', obj), {'XDG_CACHE_HOME': cache}),
                   ('uprobe_multi', ('multi', '1000000'), {}),
                   (f'uprobes, {args.single}', ('single', str(args.single)), {}))


def cell(values):
    return f'{statistics.median(values):.1f}' if values else '-'


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--build', type=pathlib.Path, default=pathlib.Path('build'))
    p.add_argument('--lib', default=LIB)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--single', type=int, default=20, help='uprobes that are made one by one')
    p.add_argument('--json', action='store_true')
    args = p.parse_args()
    if not os.path.exists(args.lib):
        sys.exit(f'{args.lib} is not there: name a library by --lib')
    rows = {}
    with tempfile.TemporaryDirectory() as cache:
        scale, which = ways(args, cache)
        measure(scale, args.lib, which[1][1], which[1][2])  # the analysis that is kept, and pages of the file
        for _ in range(args.rounds):
            for name, how, env in which:
                row = measure(scale, args.lib, how, env)
                if row:
                    rows.setdefault(name, []).append(row)
    if args.json:
        print(json.dumps({'machine': machine(), 'lib': args.lib, 'rows': rows}))
        return
    print(machine())
    print('| |', ' | '.join(COLUMNS), '|')
    print('|---|' + '---|' * len(COLUMNS))
    for name, got in rows.items():
        print('|', name, '|', ' | '.join(cell([r[c] for r in got if c in r]) for c in COLUMNS), '|')


main()
