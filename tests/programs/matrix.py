#!/usr/bin/env python3
"""matrix.py LOAD UTRAMP VICTIM BTF [--all] OBJECT... - programs as users write them, by all compilers.  TAP.

Of objects.tar.xz: all of src/ and the objects of other tests are accepted, with how much work
that was, all of refused/ are refused in these words; so is each OBJECT that the build made, and
what the tool generates.  Each program of src/ is run, compiled by one of the compilers in turn,
and what it saw is what expected.py computes; with --all by each of them, and where the compilers are
installed, the archive is compared with what they make now.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import archive
import expected

load, utramp, victim, btf = (pathlib.Path(a).resolve() for a in sys.argv[1:5])
everything = sys.argv[5:6] == ['--all']
here = pathlib.Path(__file__).resolve().parent
engine = [f'--engine={os.environ["UTRAMP_TEST_ENGINE"]}'] if 'UTRAMP_TEST_ENGINE' in os.environ else []

REFUSED = {
    'cgroup': 'map groups: type cgroup_array is not supported: filter by process id',
    'dynptr': 'unknown helper bpf_ringbuf_reserve_dynptr#198: bpf_ringbuf_reserve() and bpf_ringbuf_output()',
    'leaky': 'Unreleased reference id=2 alloc_insn=',
    'map_in_map': 'map outer: type array_of_maps is not supported: use one map with a wider key',
    'outside': 'invalid write to stack R1 off=-32 size=33',
    'queue': 'map waiting: type queue is not supported: use a ringbuf',
    'spin_lock': 'unknown helper bpf_spin_lock#93: use atomic operations',
    'task_storage': 'map starts: type task_storage is not supported: use a hash keyed by the thread id',
    'timer': 'unknown helper bpf_timer_init#169: nothing of ours runs in the target but in its calls',
    'unchecked': "R0 invalid mem access 'map_value_or_null'",
}
GENERATED = 170       # programs, of 19 sorts
MOST = 10_000         # instructions looked at for one of src/
MOST_OTHERS = 800_000 # tests/cli has a loop of 100,000 turns

# Of the objects of other tests: those that are there to be refused, and tested to be.
NOT_THESE = {'bad_helper', 'refused', 'longloop', 'no_helper', 'kprobe', 'multibad', 'multikind', 'strong',
             'strong-kconfig', 'task', 'jiffies', 'write', 'signal', 'strtol'}

built = [p for p in (pathlib.Path(a).resolve() for a in sys.argv[5 + everything:])
         if p.name[:-6] not in NOT_THESE]
points = []


def point(what):
    def add(f):
        points.append((what, f))
        return f
    return add


def check(ok, *why):
    if not ok:
        raise AssertionError(' '.join(map(str, why)))


def loaded(*args):
    """{object: (result, reason, [(program, verdict, processed)])}."""
    done = subprocess.run([load, victim, *args], capture_output=True, text=True, timeout=300)
    check(not done.returncode and not done.stderr, done)
    out, programs = {}, collections.defaultdict(list)
    for line in done.stdout.splitlines():
        kind, where, rest = line.split(' ', 2)
        if kind == 'program':
            name, verdict, processed, *_ = rest.split(' ')
            programs[where].append((name, int(verdict), int(processed)))
        else:
            result, _, reason = rest.partition(' ')
            out[where] = int(result), reason, programs[where]
    return out


def accepted(objects, most):
    """All of them; what it cost, as a comment."""
    programs = []
    for where, (result, reason, of) in loaded(btf, *objects).items():
        name = pathlib.Path(where).name
        check(result == 0, f'{name}: {reason}')
        check(of and not any(verdict for _, verdict, _ in of), f'{name}: {of}')
        programs += [(processed, f'{name} {program}') for program, _, processed in of]
        source = here / 'src' / (name[:-2] + '.c')
        if 'src' in pathlib.Path(where).parts:
            check(len(of) >= len(re.findall(r'^SEC\("f', source.read_text(), re.M)), name, of)
    for processed, what in programs:
        check(processed <= most, f'{what}: {processed} instructions were looked at')
    largest = max(programs)
    print(f'# {len(objects)} objects, {len(programs)} programs, {sum(p for p, _ in programs)} '
          f'instructions looked at, {largest[0]} of them for {largest[1]}')


def refused(objects):
    check({p.name[:-6] for p in objects} == set(REFUSED), objects)
    for where, (result, reason, _) in loaded(btf, *objects).items():
        words = REFUSED[pathlib.Path(where).name[:-6]]
        check(result < 0 and words in reason, f'{where}: {result} {reason!r}, not {words!r}')


# -- runs ---------------------------------------------------------------------------------------


def same(got, want):
    if want is ...:
        return True
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and \
            all(same(got[k], want[k]) for k in want)
    if isinstance(want, (list, tuple)):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    return got == want


def counts(hist):
    return {b['min'].bit_length() - 1 if b['min'] > 1 else 0: b['count'] for b in hist if b['count']}


def value_of(line):
    if 'value' in line:
        return line['value']
    check(len(line['cpus']) == 1, 'the victim has one thread', line)
    return line['cpus'][0]['value']


def run(obj):
    """What the victim printed; variables, elements, records and histograms by name."""
    out = tmp / 'out'
    done = subprocess.run([utramp, 'run', *engine, '-q', '-j', '-o', out, '--btf',
                           f'{victim.name}={btf}', obj, '--', victim],
                          capture_output=True, text=True, timeout=60)
    check(not done.returncode and not done.stderr, f'status {done.returncode}: {done.stderr}')
    variables, maps = {}, collections.defaultdict(list)
    for line in map(json.loads, out.read_text().splitlines()):
        if 'printk' in line:
            maps['printk'].append(line['printk'])
        elif 'hist' in line:
            maps[line.get('var', line['map'])] = ('hist', counts(line['hist']))
        elif 'var' in line:
            variables[line['var']] = line['value']
        elif 'event' in line:
            maps[line['map']].append(line['event'])
        else:
            maps[line['map']].append((line['key'], value_of(line)))
    return done.stdout, variables, maps


def by_key(elements):
    return {json.dumps(k, sort_keys=True): v for k, v in elements}


def compare(f, obj):
    printed, variables, maps = run(obj)
    want_vars, want_maps = f()
    version = obj.relative_to(tmp).parts[0]
    total = expected.replace_sum(version) if f.__name__ == 'replace' else expected.SUM
    check(printed == f'{total}\n', f'the victim printed {printed}, not {total}')
    check(variables.keys() == want_vars.keys(), f'variables {sorted(variables)}')
    for name, want in want_vars.items():
        check(same(variables[name], want), f'{name} is {variables[name]}, not {want}')
    check(maps.keys() == want_maps.keys(), f'maps {sorted(maps)}')
    for name, want in want_maps.items():
        got = maps[name]
        if isinstance(want, tuple):
            check(got == ('hist', {i: n for i, n in enumerate(want[1]) if n}), name, got, want)
        elif want and isinstance(want[0], tuple):
            check(same(by_key(got), by_key(want)), f'{name} has {got}, not {want}')
        else:
            check(len(got) == len(want), f'{name}: {len(got)} records, not {len(want)}')
            for n, (g, w) in enumerate(zip(got, want)):
                check(same(g, w), f'{name}, record {n}: {g}, not {w}')


# -- all of it -----------------------------------------------------------------------------------

tmp = pathlib.Path(tempfile.mkdtemp(prefix='programs-'))
objects, made_of = archive.unpack(here / 'objects.tar.xz', tmp)
versions = sorted({p.relative_to(tmp).parts[0] for p in objects} - {'gcc-12'})


def of(version, kind):
    return [p for p in objects if p.relative_to(tmp).parts[:2] == (version, kind)]


@point('the archive is of these sources: tests/programs/compile.sh all makes it anew')
def archive_is_new():
    check(made_of == archive.sources(), 'sources have changed since')
    check(versions == ['14-v1', '14-v3', '16-v1', '16-v3', '19-v1', '19-v3', '19-v4'], versions)
    names = {f.__name__ for f in expected.PROGRAMS}
    check(names == {p.name[:-6] for p in (here / 'src').glob('*.bpf.c')}, names)


for v in versions:
    point(f'{v}: accepted')(lambda v=v: accepted(of(v, 'src'), MOST))
    point(f'{v}: refused')(lambda v=v: refused(of(v, 'refused')))
    if of(v, 'others'):
        point(f'{v}: examples and objects of other tests')(
            lambda v=v: accepted(of(v, 'others'), MOST_OTHERS))
point('examples and objects of other tests, as they were built')(
    lambda: accepted(built, MOST_OTHERS))


@point('gcc-12: accepted, and sees what is so')
def by_gcc():
    accepted(of('gcc-12', 'gcc'), MOST)
    compare(expected.turns, *of('gcc-12', 'gcc'))


@point('what the tool generates')
def generated():
    n = 0
    for where, (result, reason, programs) in loaded('--generated').items():
        check(result == 0, f'{where}: {reason}')
        check(programs and all(v == 0 for _, v, _ in programs), f'{where}: {programs}')
        n += len(programs)
    check(n >= GENERATED, f'{n} programs')


for i, f in enumerate(expected.PROGRAMS):
    for v in versions if everything else [versions[i % len(versions)]]:
        point(f'{v}: {f.__name__} sees what is so')(
            lambda f=f, v=v: compare(f, tmp / v / 'src' / f'{f.__name__}.bpf.o'))

if everything:
    @point('the compilers that are here make the same')
    def compiled_anew():
        again = tmp / 'again'
        done = subprocess.run(['sh', here / 'compile.sh', 'all', again], capture_output=True, text=True)
        check(not done.returncode, done.stderr)
        print('#', done.stderr.count('nothing by it'), 'compilers are missing')
        found = sorted(again.rglob('*.bpf.o'))
        for p in found:
            if 'others' in p.parts:
                continue # of sources that change without the archive
            check(p.read_bytes() == (tmp / p.relative_to(again)).read_bytes(), p)
        print(f'# {len(found)} objects')

print(f'1..{len(points)}', flush=True)
bad = 0
for i, (what, f) in enumerate(points, 1):
    try:
        f()
        print(f'ok {i} - {what}', flush=True)
    except AssertionError as e:
        bad += 1
        print(f'not ok {i} - {what}', *('# ' + x for x in str(e).splitlines()), sep='\n', flush=True)
shutil.rmtree(tmp)
sys.exit(1 if bad else 0)
