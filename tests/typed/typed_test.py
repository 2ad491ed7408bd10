"""typed_test.py UTRAMP PARTS - what the verifier knows of arguments is true, and no more than that.

Programs count without a check of their index, follow pointers of all sorts, and mistake types; the victim
prints what its functions saw.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import *  # noqa: E402

VICTIM = part('typed_victim')


def obj(name):
    return part(f'typed-{name}.bpf.o')


def seen(*args, victim=VICTIM):
    """What the target prints, and what programs do: words of the lines that begin with #."""
    r = utramp('run', *args, '--', victim)
    assert r.code == 0, r
    lines = r.out.splitlines()
    own = [x for x in lines if re.match('[a-z]+ -?[0-9]', x) and '=' not in x]
    return own, ' '.join(x[1:] for x in lines if x.startswith('#')).split(), r


def check_numbers(*args):
    own, words, r = seen(*args)
    want = ' '.join(x for x in own if x.startswith('numbers')).split()
    assert len(want) == 22 and words == want, f'{words}\nwant {want}\n{r}'


@test
def numbers_at_entry():
    check_numbers(obj('numbers'))


@test
def numbers_at_exit():
    check_numbers(obj('numbers-exit'))


@test
def numbers_in_a_session():
    own, words, r = seen(obj('numbers-session'))
    want = ' '.join(x for x in own if x.startswith('numbers')).split()
    assert words == want[:11] * 2 + want[11:] * 2, f'{words}\nwant {want}\n{r}'


@test
def numbers_by_the_interpreter():
    check_numbers('--engine', 'interp', obj('numbers'))


@test
def words_are_no_numbers():
    """The same program, for a function whose arguments are words."""
    refused(1, ['math between map_value pointer and register with unbounded min value'], 'run', '--attach',
            'numbers=typed_victim:wide', obj('numbers'), '--', VICTIM, lines=3)


@test
def numbers_of_another_function():
    """The library may attach it elsewhere: verified anew."""
    r = subprocess.run([part('retarget'), VICTIM, obj('numbers'), 'typed_victim:numbers', 'typed_victim:same',
                        'typed_victim:wide', 'typed_victim:agree_a'],
                       capture_output=True, text=True, env=env(), timeout=TIMEOUT)
    out = r.stdout
    assert 'numbers: attached\n' in out and 'same: attached\n' in out, r
    assert 'wide: program numbers is refused for typed_victim:wide, whose arguments are others: insn' in out, r
    assert 'unbounded min value' in out and 'agree_a: program numbers reads ctx[' in out, r


@test
def numbers_behind_a_tail_call():
    refused(1, ['program numbers is refused behind a tail call, where nothing is known of its arguments: insn',
                'unbounded min value'], 'run', obj('tail'), '--', VICTIM, lines=2)


@test
def bounded_behind_a_tail_call():
    own, words, r = seen(obj('bounded'))
    assert [words[n] for n in (0, 2, 11, 13)] == ['numbers', str(2**64 - 1), 'numbers', str(0xa << 60)], r


@test
def walks():
    own, words, r = seen(obj('walk'))
    want = ' '.join(x for x in own if x.startswith(('walk', 'more'))).split()
    assert len(want) == 16 and words == want, f'{words}\nwant {want}\n{r}'


@test
def walks_where_nothing_is_known():
    """Without types the words are followed as they are."""
    bare = tmp / 'typed_victim'
    subprocess.run(['objcopy', '--strip-debug', VICTIM, bare], check=True)
    for name in ['beyond', 'cut', 'hole', 'agreed']:
        r = utramp('run', obj(name), '--', bare)
        assert r.code == 0 and re.search('no types for [12] of the functions', r.err), r


@test
def opaque_by_the_user():
    """A prototype that is given comes first, with all that it does not tell."""
    r = utramp('run', '--proto', 'long walk(void *, void *, void *, long, void *, long)', obj('cut'), '--', VICTIM)
    assert r.code == 0, r


@test
def classes():
    own, words, r = seen(obj('classes'), victim=part('typed_classes'))
    assert own == ['take ' + words[0], 'method ' + words[1]], f'{words}\n{r}'


@test
def what_a_pattern_agrees_on():
    r = utramp('run', obj('pattern'), '--', VICTIM)
    assert r.code == 0 and re.search('seen = 6', r.out), r
    refused(1, 'access beyond struct conn at off 16 size 8', 'run', obj('agreed'), '--', VICTIM, lines=3)


@test
def what_is_no_member():
    refused(1, 'access beyond struct conn at off 16 size 8', 'run', obj('beyond'), '--', VICTIM, lines=3)
    refused(1, 'access beyond the end of member port (mend:12) in struct conn with off 8 size 8', 'run',
            obj('cut'), '--', VICTIM, lines=3)
    refused(1, "struct req doesn't have field at offset 92 of size 4", 'run', obj('hole'), '--', VICTIM, lines=3)


main()
