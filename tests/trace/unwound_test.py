#!/usr/bin/env python3
"""unwound_test.py UTRAMP VICTIM [STATIC] - calls that exceptions and cancellations end: each has
one line, at its place among the others, with the time at which its frame was left.

VICTIM is unwound.cc, STATIC the same with the unwinder linked in.
"""
import pathlib
import re
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

FUNCTIONS = ('work', 'level', 'catches', 'rethrows', 'replaces', 'destroys', 'nests', 'five',
             'window', 'ping', 'pong', 'leaves', 'body')
LEFT = 'unwound'


def levels(depth, b):
    """level(depth, b, ...), left from the innermost outwards."""
    return [('level', d, b, LEFT) for d in range(depth + 1)]


def rethrows(n):
    return [*levels(1, n), ('work', n, 1000 + n), ('rethrows', n, LEFT)]


def replaces(n):
    return [*levels(0, n), ('replaces', n, LEFT)]


def catches(n):
    return [*levels(n, 2), ('catches', n, 10 + n)]


def window():
    return [*rethrows(5), ('five', LEFT), ('window', LEFT)]


def leaves(how):
    return [*(('leaves', d, how, LEFT) for d in range(3)), ('work', 7, 1007),
            ('body', hex(how), LEFT)]


CASES = {
    'through': [line for n in range(5) for line in levels(n, n)],
    'inside': [*catches(0), *catches(2)],
    'again': [*rethrows(4), *replaces(3)],
    'destructors': [('work', 6, 1006), *rethrows(6), ('destroys', 6, LEFT),
                    *replaces(1), *catches(1), ('nests', 1, LEFT)],
    'window': [*window(), *window()],
    'tails': [('ping', 1, 0, 'tail'), ('pong', 0, 0, 'tail'), ('pong', 2, 0, 6), ('ping', 3, 0, 6),
              ('ping', 0, 4, 'tail'), *levels(0, 4), ('pong', 1, 4, LEFT), ('ping', 2, 4, LEFT)],
    'coroutine': [*rethrows(1), *rethrows(9), *levels(1, 2)],
    'exit': leaves(12),
    'cancel': leaves(0),
}
FORCED = ('exit', 'cancel')
# With an unwinder inside; FORCED need libgcc_s, which cannot pass that one's frames: untraced they abort.
STATIC = ('again', 'destructors', 'window')


def short(r):
    args = [*r['args'].values()][:2]
    if 'tail' in r:
        assert r['tail'] is r['entry'] is True and not {'ret', 'dur_ns'} & set(r), r
        return (r['func'], *args, 'tail')
    assert ('ret' in r) and 'dur_ns' in r and 'open' not in r, r
    assert r.get('unwound') in (None, True) and (r['ret'] is None) == ('unwound' in r), r
    return (r['func'], *args, LEFT if 'unwound' in r else r['ret'])


def specs(victim):
    return [f'{victim.name}:{f}' for f in FUNCTIONS]


def lines(utramp, victim, case, tmp):
    out = tmp / 'out.jsonl'
    run = under(utramp, 'trace', out, [victim, case], *specs(victim))
    same_program(run, Run([victim, case]))
    assert not run.lost(), run.stderr
    got = list(records(out))
    for g, w in zip([short(r) for r in got] + ['nothing'], CASES[case] + ['nothing']):
        assert g == w, f'{g}, not {w}'
    ends = [r['time_ns'] + r.get('dur_ns', 0) for r in got]
    assert ends == sorted(ends), ends
    assert len({r['tid'] for r in got}) == 1
    assert (got[0]['tid'] != got[0]['pid']) == (case in FORCED), got[0]


def text(utramp, victim, tmp):
    out = tmp / 'out.txt'
    run = Run([utramp, 'trace', '-o', out, f'{victim.name}:replaces', '--', victim, 'again'])
    assert run.code == 7, run.stderr
    name = re.escape(victim.name)
    assert re.fullmatch(name + r':replaces\(n=3\) += \? <unwound> +<[0-9.]+ ms>\n',
                        out.read_text()), out.read_text()


def told(utramp, victim, tmp):
    """Without a line each: how many there were, at the end."""
    out = tmp / 'out.jsonl'
    run = under(utramp, 'latency', out, [victim, 'inside'], *specs(victim))
    rows = {r['func']: (r['calls'], r['unfinished']) for r in records(out)}
    assert rows == {'level': (0, 4), 'catches': (2, 0)}, rows
    assert 'utramp: 4 calls ended by an exception or cancellation, unseen by exit programs\n' \
        in run.stderr, run.stderr
    run = Run([utramp, 'trace', '-x', '-o', out, f'{victim.name}:level', '--', victim, 'inside'])
    assert out.read_text() == '' and 'utramp: 4 calls ended by an exc' in run.stderr, run.stderr
    run = under(utramp, 'latency', out, [victim, 'inside'], f'{victim.name}:catches')
    assert 'cancellation' not in run.stderr, run.stderr


def main(utramp, *victims):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-unwound-') as tmp:
        tmp = pathlib.Path(tmp)
        for victim in map(pathlib.Path, victims):
            for case in CASES:
                if victim.name == 'unwound' or case in STATIC:
                    tap.run(f'{victim.name}: {case}', lines, utramp, victim, case, tmp)
        victim = pathlib.Path(victims[0])
        tap.run('text', text, utramp, victim, tmp)
        tap.run('told at the end', told, utramp, victim, tmp)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
