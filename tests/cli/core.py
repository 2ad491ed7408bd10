#!/usr/bin/env python3
"""core.py UTRAMP PARTS - CO-RE against the BTF of the module that an object's programs attach to."""
from harness import *

objcopy = shutil.which('llvm-objcopy') or shutil.which('llvm-objcopy-14')


def btf_of(obj, name):
    """The .BTF section of an object, as a file of its own."""
    out = tmp / name
    subprocess.run([objcopy, '--dump-section', f'.BTF={out}', part(obj), '/dev/null'], check=True)
    return out


def with_btf(which):
    """A directory with program and library, some of them with a .BTF section."""
    d = tmp / ''.join(['with', *sorted(which)])
    if not d.exists():
        d.mkdir()
        for file, obj in [('core', 'core-btf.o'), ('libcore.so', 'libcore-btf.o')]:
            add = ['--add-section', f'.BTF={btf_of(obj, obj + ".raw")}'] if file in which else []
            subprocess.run(['objcopy', *add, part(file), d / file], check=True)
    return d


def run(objects, d, *more, **kw):
    return utramp('run', '-q', *more, *(part(o + '.bpf.o') for o in objects), '--', d / 'core',
                  env=env(LD_LIBRARY_PATH=str(d)), **kw)


def prints(lines, *args):
    r = run(*args)
    assert (r.code, r.err, sorted(r.out.splitlines())) == (0, '', lines), r


def refuses(code, words, objects, d, *more):
    r = run(objects, d, *more)
    assert r.code == code and r.out == '' and len(r.err.splitlines()) == 1, r
    for w in words:
        assert w in r.err, f'want {w!r}: {r}'


@test
def own_btf():
    prints(['program: 23'], ['core-1'], with_btf(['core']))
    prints(['library: 31'], ['core-2'], with_btf(['libcore.so']))


@test
def an_object_for_each_module():
    prints(['library: 31', 'program: 23'], ['core-1', 'core-2'], with_btf(['core', 'libcore.so']))


@test
def given_btf():
    d = with_btf([])
    one, two = f'core={part("core-btf.o")}', f'libcore={part("libcore-btf.o")}'
    prints(['program: 23'], ['core-1'], d, '--btf', one)
    prints(['library: 31'], ['core-2'], d, '--btf', two)
    for order in [(one, two), (two, one)]: # whichever is the first
        prints(['library: 31', 'program: 23'], ['core-1', 'core-2'], d, '--btf', order[0],
               '--btf', order[1])


@test
def given_before_own():
    d = with_btf(['core'])
    prints(['program: 22'], ['core-1'], d, '--btf', f'core={part("other-btf.o")}')


@test
def bound_by_attach():
    d = with_btf(['core', 'libcore.so'])
    prints(['library: 31'], ['core-bare'], d, '--attach', 'second=libcore:in_library')
    prints(['program: 23'], ['core-1'], d, '--attach', 'first=core:in_program')
    refuses(1, ['core-bare', 'no program names a function'], ['core-bare'], d)


@test
def only_dwarf():
    d = with_btf([])
    refuses(1, ['core has only DWARF', 'pahole -J', '--btf core='], ['core-1'], d)
    refuses(1, ['libcore.so has only DWARF', '--btf libcore.so='], ['core-2'], d,
            '--btf', f'core={part("core-btf.o")}')


@test
def neither():
    d = tmp / 'stripped'
    d.mkdir()
    for file in ['core', 'libcore.so']:
        subprocess.run(['objcopy', '--strip-debug', part(file), d / file], check=True)
    refuses(1, ['core has none', '--btf core='], ['core-1'], d)


@test
def several_modules():
    """One object is relocated against one BTF: the only one that has all its types, or none."""
    d = with_btf(['core', 'libcore.so'])
    prints(['library: 33', 'program'], ['core-only'], d)
    refuses(1, ['core and libcore.so', 'object of its own'], ['core-3'], d)
    prints(['library: 31'], ['core-3'], with_btf(['libcore.so']), '--missing', 'ignore',
           '--attach', 'first=libcore.so:absent')


@test
def no_match():
    refuses(1, ['does not have', 'the BTF of core'], ['core-2'], with_btf(['core', 'libcore.so']),
            '--attach', 'second=core:in_program', '--btf', f'core={part("names-btf.o")}')


@test
def missing_function():
    refuses(3, ["no function 'absent'"], ['core-1'], with_btf(['core']), '--attach', 'first=absent')


@test
def nothing_to_relocate():
    """Other objects need no BTF at all."""
    r = utramp('run', '-q', part('work.bpf.o'), '--', part('victim'), 'call', 1)
    assert r.code == 0 and r.err == '', r


main()
