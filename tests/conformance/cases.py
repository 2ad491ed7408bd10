#!/usr/bin/env python3
"""cases.py ENGINES PLUGIN FOLDER [EVERY] - the .data files, assembled here, from outside.

Each case: the model computes the result, all engines do (engines.c), and what is to be refused is.
Each EVERYth (100th), and each that is refused for a reason of its own, goes through
bpf-plugin as well, as bpf_conformance would run it.
"""
import collections
import pathlib
import subprocess
import sys

import datafile
import engines
import isa
import model

FUEL = 300000


def spaced(data):
    """As bpf_conformance writes bytes: two blanks between, some at the end."""
    return ''.join(f'{b:02x}  ' for b in data)


def by_engines(program, cases):
    jobs = [engines.Job(c.code, [c.mem], engines.UNVERIFIED if c.unverified else 0, c.name)
            for c in cases]
    bad = []
    for first in range(0, len(cases), 1000):
        some = slice(first, first + 1000)
        for c, job, runs in zip(cases[some], jobs[some], engines.run(program, jobs[some])):
            bad += [f'{c.where} {c.name}: {why}' for why in by_case(c, job, runs)]
    return bad


def by_case(c, job, runs):
    if isa.cpu_of(job.code) != c.cpu:
        return [f'is of v{isa.cpu_of(job.code)}']
    if c.error is not None:
        if not isinstance(runs, str):
            return ['runs']
        return [f"'{runs}' does not say '{w}'" for w in c.error.splitlines() if w not in runs]
    machine = model.Machine(job.code)
    try:
        r0 = machine.run(c.mem, fuel=FUEL)
    except model.Fault:
        if c.result < FUEL:
            raise
        r0 = c.result           # of a loop that is too long for Python
    if r0 != c.result:
        return [f'model: {r0:#x} instead of {c.result:#x}']
    return engines.compare(job, runs, [(r0, bytes(machine.mem))])


def by_plugin(plugin, cases):
    bad = []
    for c in cases:
        for engine in ('--interpret', '--jit'):
            args = ([spaced(c.mem)] if c.mem else []) + [engine]
            if c.error is None:
                args.append('--no-verify')
            r = subprocess.run([plugin] + args, input=spaced(c.code) + '\n', capture_output=True,
                               text=True)
            if c.error is not None:
                ok = r.returncode == 1 and not r.stdout and \
                    all(w in r.stderr for w in c.error.splitlines())
            else:
                ok = r.returncode == 0 and int(r.stdout, 16) == c.result
            if not ok:
                bad.append(f'{c.where} {c.name} {engine}: {r.returncode} {r.stdout}{r.stderr}')
    return bad


def report(n, name, bad):
    print('not ok' if bad else 'ok', n, '-', name, flush=True)
    for line in bad[:5]:
        print('#', line)
    return bool(bad)


def main():
    program, plugin, folder = sys.argv[1:4]
    every = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    cases = [c for p in sorted(pathlib.Path(folder).glob('*.data')) for c in datafile.read(p)]
    levels = collections.Counter(c.cpu for c in cases)
    print('TAP version 13\n1..2')
    print('# ' + ', '.join(f'v{level}: {n} cases' for level, n in sorted(levels.items())))
    failed = report(1, f'{len(cases)} cases: model and engines', by_engines(program, cases))
    reasons, some = set(), []
    for n, c in enumerate(cases):
        last = c.error.splitlines()[-1] if c.error else None
        if n % every == 0 or last and last not in reasons:
            some.append(c)
        reasons.add(last)
    failed |= report(2, f'{len(some)} cases by bpf-plugin', by_plugin(plugin, some))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
