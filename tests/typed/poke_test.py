"""poke_test.py UTRAMP PARTS - writing the target's memory: where it is allowed, and what is out of reach.

The victim prints the result that its program must get, and what is in memory then.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import *  # noqa: E402

VICTIM = part('poke_victim')
POKE = part('poke.bpf.o')
WARNING = "utramp: program poke calls bpf_probe_write_user(), which may corrupt the target's memory\n"


def poked(*options, obj=POKE, args=(), theirs=5):
    r = utramp('run', '--allow-write', *options, obj, '--', VICTIM, *args)
    assert r.code == 0 and r.err.count(WARNING) == 1, r
    lines = r.out.splitlines()
    told = [x[1:].split() for x in lines if x.startswith('#')]
    want = [x.split(maxsplit=2) for x in lines if x.split()[:1] in (['poke'], ['stack'], ['ctx'], ['map'], ['loop'],
                                                                  ['function'])]
    assert len(told) == len(want) > 25, f'{told}\n{want}\n{r}'
    for got, (how, result, *what) in zip(told, want):
        assert got == [how, result], f'{how} of {what}: want {result}, got {got}\n{r}'
    found = [x[2] for x in want if len(x) > 2]
    assert found.count('written') == 3 and found.count('its mapping') >= theirs, f'{found}\n{r}'
    for text in ['constant', 'code', 'a page that is read-only', 'over the edge', 'number', 'from a function']:
        assert found.count(text) == 1, f'{text}: {found}\n{r}'


@test
def refused_unless_allowed():
    r = refused(1, ["helper bpf_probe_write_user#36 may corrupt the target's memory: it is refused unless "
                    '--allow-write is given'], 'run', POKE, '--', VICTIM, lines=2)
    refused(1, '--allow-write is given', 'code', 'poke', POKE, '--', VICTIM, lines=2)
    assert utramp('code', '--allow-write', 'poke', POKE, '--', VICTIM).code == 0


@test
def at_entry():
    poked()


@test
def at_exit():
    poked(obj=part('poke-exit.bpf.o'))


@test
def by_the_interpreter():
    poked('--engine', 'interp')


@test
def by_system_calls():
    poked('--faults=syscall')


@test
def under_seccomp():
    """A filter that kills whoever asks the kernel for it: nobody does."""
    poked(args=['seccomp'])


@test
def quiet():
    r = utramp('run', '-q', '--allow-write', POKE, '--', VICTIM)
    assert r.code == 0 and r.err == '', r


main()
