#!/usr/bin/env python3
"""odd_test.py UTRAMP ODD - calls that do not return in the usual way, each reported once.

Runs the cases of odd.c alone and under `utramp trace -j` of all their functions: same output,
same end, and the lines that the case must give.
"""
import pathlib
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

ROUNDS = 50
# what runs a case, and atexit() of libc's static part
FRAME = ('main', 'atexit', 'recursion', 'jumps', 'ending', 'forks', 'vforks', 'signals',
         'signal_jumps', 'threads', 'abandoned', 'coroutines')


class Trace:
    def __init__(self, utramp, odd, case, tmp):
        out = tmp / f'odd-{case}.jsonl'
        self.plain = Run([odd, case])
        self.run = under(utramp, 'trace', out, [odd, case], f'{odd.name}:*')
        same_program(self.run, self.plain)
        assert not self.run.lost(), self.run.stderr
        self.all = list(records(out))
        self.main = [r for r in self.all if r['func'] == 'main']
        self.lines = [short(r) for r in self.all if r['func'] not in FRAME]


def short(r):
    """(function, argument..., how it ended): its result, or the word for why it has none."""
    why = [w for w in ('open', 'unwound', 'entry') if r.get(w)]
    assert len(why) <= 1 and (not why or r.get('ret') is None), r
    assert 'dur_ns' in r if not why else why == ['unwound'] or 'dur_ns' not in r, r
    return (r['func'], *r['args'].values(), why[0] if why else r['ret'])


def same(got, want):
    for i, (g, w) in enumerate(zip(got, want)):
        assert g == w, f'line {i + 1}: {g}, not {w}'
    assert len(got) == len(want), f'{len(got)} lines, not {len(want)}: {(got + want)[-3:]}'


def returned(t, code):
    assert [r.get('ret') for r in t.main] == [code] and 'dur_ns' in t.main[0], t.main


def recursion(t):
    same(t.lines, [('down', n, n * (n + 1) // 2) for n in range(2001)])
    returned(t, 3)


def in_order(got, want):
    """Calls that were jumped out of are told of when others take their place, or at the end."""
    def left(lines):
        return [x for x in lines if x[-1] == 'unwound']
    same([x for x in got if x[-1] != 'unwound'], [x for x in want if x[-1] != 'unwound'])
    same(sorted(left(got)), sorted(left(want)))


def longjmp(t):
    want = []
    for n in range(ROUNDS):
        if n % 2:
            want += [('inner', n, 'unwound'), ('middle', n, 'unwound'), ('catcher', n, -n)]
        else:
            want += [('inner', n, n), ('middle', n, n + 1), ('catcher', n, n + 1)]
    in_order(t.lines, want)
    # not all at the end: a frame that is used again tells
    assert t.lines.index(('middle', 1, 'unwound')) < t.lines.index(('catcher', 3, -3)), t.lines
    returned(t, 4)


def ending(how, before=()):
    def check(t):
        # the calls still open come at the end, oldest first
        same(t.lines, [('work', 1, 1001), *before, ('before_last', how, 'open'),
                       ('last', how, 'open')])
        assert len(t.main) == 1 and t.main[0]['open'] is True, t.main
        tail = [r['func'] for r in t.all[-4:]]
        assert tail == ['main', 'ending', 'before_last', 'last'], tail
    return check


def exec_(t):
    ending(3)(t)
    assert 'executed another program' in t.run.stderr, t.run.stderr


def fork(t):
    parent = t.main[0]['pid']
    split = [r for r in t.all if r['func'] == 'split' and r['pid'] == parent]
    assert len(split) == 1 and split[0]['ret'] > 0, split
    child = split[0]['ret']
    for pid, first in ((parent, 0), (child, 100)):
        work = [r for r in t.all if r['func'] == 'work' and r['pid'] == pid]
        same([short(r) for r in work], [('work', first + n, 1000 + first + n) for n in range(10)])
        assert all(r['tid'] == pid for r in work), work
    assert all(r['pid'] in (parent, child) for r in t.all)
    # what the child began before it was one is not its call
    assert {short(r)[0] for r in t.all if r['pid'] == child} == {'work'}, t.all
    returned(t, 5)


def vfork(t):
    same(sorted(t.lines), [('work', n, 1000 + n) for n in (1, 2, 3)])
    returned(t, 6)


def signals(t):
    # asynchronous, so they tell themselves how often
    work = [line[1:] for line in t.lines if line[0] == 'work']
    handled, turns = work.pop()[0] - 2000000000, work.pop()[0] - 1000000000
    assert handled >= 100, handled
    same(sorted(work), [(n, 1000 + n) for n in range(-handled, turns)])
    same([line for line in t.lines if line[0] != 'work'], [('on_alarm', 14, None)] * handled)
    returned(t, 8)
    return f'{handled} signals, {turns} calls'


def siglongjmp(t):
    want = []
    for n in range(ROUNDS):
        want += [('jump_out', 10, 'unwound'), ('interrupted', n, 'unwound'), ('work', n, 1000 + n)]
    in_order(t.lines, want)
    returned(t, 2)


def threads(t):
    want = []
    for n in range(ROUNDS):
        if n % 2:
            want += [('leave', n, 'unwound'), ('thread', hex(n), 'unwound')]
        else:
            want += [('thread', hex(n), hex(n))]
    # although the unwinder is loaded by the first of them
    same([x for x in t.lines if x[0] != 'work'], want)
    same([x for x in t.lines if x[0] == 'work'], [('work', n, 1000 + n) for n in range(ROUNDS)])
    assert all('dur_ns' in r for r in t.all)
    assert len({r['tid'] for r in t.all}) > 1 and len({r['pid'] for r in t.all}) == 1
    returned(t, 12)


def abandoned(t):
    same(t.lines, [('sleeper', '0x0', 'open')])
    returned(t, 13)


def beside(t):
    """Stacks side by side, as if they were one: what waits in one of them has not been left."""
    want = []
    for who in (0, 1):
        want += [('coroutine', who, None)] + [('resume', who, n, n) for n in range(ROUNDS + 1)]
        for n in range(ROUNDS):
            want += [('turn', who, n, 1000 + 1000 * who + n)]
            want += [('work', 1000 * who + n, 1000 + 1000 * who + n)]
    same(sorted(t.lines, key=str), sorted(want, key=str))
    returned(t, 14)


def coroutine(t):
    want = [('coroutine', 0, None)] + [('resume', 0, n, n) for n in range(ROUNDS + 1)]
    for n in range(ROUNDS):
        want += [('turn', 0, n, 1000 + n), ('work', n, 1000 + n)]
    same(sorted(t.lines, key=str), sorted(want, key=str))
    returned(t, 14)


CASES = {'recursion': recursion, 'longjmp': longjmp,
         'exit': ending(0, [('work', 3, 1003), ('bye', None)]),
         'abort': ending(1), 'segv': ending(2), 'exec': exec_, '_exit': ending(4), 'fork': fork,
         'vfork': vfork, 'signals': signals, 'altstack': signals, 'siglongjmp': siglongjmp,
         'threads': threads, 'abandoned': abandoned, 'coroutine': coroutine,
         'coroutines': beside}


def main(utramp, odd):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-odd-') as tmp:
        for case, check in CASES.items():
            tap.run(case, lambda: check(Trace(utramp, odd, case, pathlib.Path(tmp))))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
