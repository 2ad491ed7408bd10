#!/usr/bin/env python3
"""room_test.py UTRAMP ROOM FLAGS BOTH.o ENTRY.o HELPER.o - stack room, and flags at entry.

Deep recursion on every kind of stack: the program ends as if untraced, and each call is either
traced at its entry and its end or counted as not traced.  Then functions of assembly that take
status flags, under every kind of program that can be attached to them.
"""
import pathlib
import re
import sys
import tempfile

from harness import Run, Tap, records, same_program, under

# case, calls asked for, calls made; does the stack run out?
STACKS = [('main', 50000, 50000, False), ('main', 100000, 100000, True),
          ('thread256', 1500, 1500, False), ('thread256', 2500, 2500, True),
          ('thread16', 100, 100, True), ('own', 600, 600, False), ('own', 1200, 1200, True),
          ('skewed', 600, 600, False), ('skewed', 1200, 1200, True),
          ('alternate', 2, 2, False), ('coroutine', 50, 50, False),
          # a thread that is known by what it does on a coroutine's stack
          ('fresh', 1500, 1550, False), ('fresh', 2500, 2550, True), ('clone', 100, 100, False),
          ('fork', 100000, 100001, True), ('thread-fork', 2500, 2501, True)]
# entry programs leave nothing on the stack, so it takes more calls to fill it
TAILS = [('main', 230000, 230000, True), ('thread16', 250, 250, True),
         ('skewed', 3400, 3400, True), ('alternate', 2, 2, False), ('fork', 230000, 230001, True)]
TRACED = ['thread16', 'skewed', 'fresh'] # not the longest


def untraced(run):
    m = re.search(r'^utramp: calls not traced for want of stack: (\d+)$', run.stderr, re.M)
    return int(m[1]) if m else 0


def value(run, out, name):
    m = re.search(rf'^{name} = (\d+)$', out.read_text(), re.M)
    assert m, f'{name}: {out.read_text()}\n{run.stderr}'
    return int(m[1])


class Tests:
    def __init__(self, argv):
        self.utramp, self.room, self.flags = argv[:3]
        self.both, self.entry, self.helper = argv[3:6]

    def run(self, tmp, verb, *args, command):
        out = tmp / 'out'
        run = Run([self.utramp, verb, '-o', out, *args, '--', *command])
        same_program(run, Run(command))
        assert not run.lost(), run.stderr
        return run, out

    def recursion(self, tmp, obj, case, asked, calls, short):
        run, out = self.run(tmp, 'run', obj, command=[self.room, case, str(asked)])
        entered, passed = value(run, out, 'entered'), untraced(run)
        assert entered + passed == calls, f'{entered} + {passed} of {calls}\n{run.stderr}'
        assert (passed > 0) == short, run.stderr
        if obj == self.both:
            assert value(run, out, 'left') == entered
        return f'{entered} traced, {passed} not'

    def counted(self, tmp):
        for verb, calls in (('count', 7000), ('latency', 2500)):
            run, out = self.run(tmp, verb, '-j', 'deep',
                                command=[self.room, 'thread256', str(calls)])
            row, = records(out)
            assert row['calls'] + untraced(run) == calls and untraced(run) > 0, (row, run.stderr)

    def traced(self, tmp, case, asked, calls, short):
        command = [self.room, case, str(asked)]
        out = tmp / 'out.jsonl'
        run = under(self.utramp, 'trace', out, command, 'deep')
        same_program(run, Run(command))
        rows = list(records(out))
        assert len(rows) + untraced(run) == calls and not run.lost(), run.stderr
        assert not [r for r in rows if 'dur_ns' not in r], 'calls without their end'
        assert untraced(run) > 0 or not short
        for r in rows:
            n = r['args']['n']
            assert r['ret'] == n * (n + 1) // 2, r

    def flags_kept(self, tmp, verb, args, of):
        run, out = self.run(tmp, verb, *args, command=[self.flags])
        got = of(self, run, out)
        # flags_tail goes on into flags_adc
        assert got == 6 * 128, f'{got} calls seen\n{run.stderr}'

    def flags_rows(self, run, out):
        return len(list(records(out)))

    def flags_counts(self, run, out):
        return sum(r['calls'] for r in records(out))

    def flags_value(self, run, out):
        return value(run, out, 'entered')


def main(argv):
    tap, t = Tap(), Tests(argv)
    with tempfile.TemporaryDirectory() as d:
        tmp = pathlib.Path(d)
        for case in STACKS:
            tap.run(f'{case[0]} {case[1]}, entry and exit', t.recursion, tmp, t.both, *case)
        for case in TAILS:
            tap.run(f'{case[0]} {case[1]}, entry only', t.recursion, tmp, t.entry, *case)
        for case in TAILS[1:3]:
            tap.run(f'{case[0]} {case[1]}, with a helper', t.recursion, tmp, t.helper, *case)
        for case in STACKS:
            if case[0] in TRACED:
                tap.run(f'{case[0]} {case[1]}, trace', t.traced, tmp, *case)
        tap.run('count and latency', t.counted, tmp)
        attach = ['--attach=enter=flags_*']
        for name, verb, args, of in (
                ('count', 'count', ['-j', 'flags_*'], Tests.flags_counts),
                ('trace -e', 'trace', ['-j', '-e', 'flags_*'], Tests.flags_rows),
                ('a program in line', 'run', [t.entry, *attach], Tests.flags_value),
                ('a program with a helper', 'run', [t.helper, *attach], Tests.flags_value)):
            tap.run(f'flags at entry: {name}', t.flags_kept, tmp, verb, args, of)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
