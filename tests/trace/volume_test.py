#!/usr/bin/env python3
"""volume_test.py UTRAMP SMALL_BUFFER HAMMER [TIMES] - very many calls: none is lost uncounted.

hammer.c's functions under `utramp trace -j` and, for buffers that must overflow, under
small_buffer.c.  Printed lines and the lost count are the calls made, exactly; no call is
printed twice, and what is printed is true.
"""
import pathlib
import re
import sys
import tempfile
import time

from harness import Run, Tap, same_program, under

LINE = re.compile(r'\{"time_ns":\d+,"pid":(\d+),"tid":(\d+),"module":"hammer","func":"(\w+)",'
                  r'"args":(\{[^}]*\}),"ret":([^,]+),"(dur_ns|open|unwound)":(\w+)\}\n')
ARGS = re.compile(r'\{"thread":(\d+),"i":(\d+)\}')


class Lines:
    """The lines of a hammer's run, each checked as it is read."""

    def __init__(self, path, calls, threads):
        self.calls, self.threads = calls, threads
        self.n = self.unwound = 0
        self.seen = [bytearray(calls) for _ in range(max(threads, 1))]
        self.last = [-1] * max(threads, 1)
        self.tids = {}
        self.other = []
        with open(path, encoding='ascii') as f:
            for line in f:
                self.line(line)

    def line(self, text):
        m = LINE.fullmatch(text)
        assert m, text
        self.n += 1
        _, tid, func, args, ret, how, _ = m.groups()
        if not func.startswith('f_'):
            self.other.append((func, how, ret))
            return
        m = ARGS.fullmatch(args)
        assert m, text
        thread, i = int(m[1]), int(m[2])
        assert func == f'f_{i % 100}' and not self.seen[thread][i], text
        assert i > self.last[thread], f'after call {self.last[thread]}: {text}'
        assert self.tids.setdefault(thread, tid) == tid, text
        self.seen[thread][i], self.last[thread] = 1, i
        if how == 'dur_ns':
            assert int(ret) == 3 * i + thread, text
        else:
            assert how == 'unwound' and ret == 'null', text
            self.unwound += 1

    def complete(self, lost, extra=()):
        made = self.calls * max(self.threads, 1) + self.threads + len(extra)
        assert self.n + lost == made, f'{self.n} lines and {lost} lost of {made} calls'
        assert not self.unwound or lost, f'{self.unwound} unwound'
        if not lost:
            want = [('worker', 'dur_ns', '"0x0"')] * self.threads + list(extra)
            assert self.other == want, f'{self.other}, not {want}'


def measured(lines, lost, seconds):
    calls = lines.n + lost
    return f'{calls} calls, {lost} lost ({100 * lost / calls:.1f} %), ' \
           f'{calls / seconds / 1e6:.2f} million a second'


def tool(utramp, hammer, tmp, calls, threads, *options, signal=None):
    """hammer under the tool."""
    command = [hammer, calls, threads] + ([signal] if signal else [])
    command, out = [str(c) for c in command], tmp / 'volume.jsonl'
    plain = Run(command)
    start = time.monotonic()
    traced = under(utramp, 'trace', out, command, *options, f'{hammer.name}:*')
    seconds = time.monotonic() - start
    same_program(traced, plain)
    assert traced.attached() >= 100, traced.stderr
    lines = Lines(out, calls, threads)
    # calls that are open at the end, oldest first
    last = [('main', 'dur_ns', '7')] if not signal else \
        [('main', 'open', 'null'), ('the_end', 'open', 'null')]
    lines.complete(traced.lost(), last)
    if '--lossless' in options:
        assert not traced.lost(), traced.stderr
    out.unlink()
    return measured(lines, traced.lost(), seconds)


def small(driver, hammer, tmp, size, lossless, calls, threads):
    """hammer under small_buffer.c."""
    command, out = [str(c) for c in (hammer, calls, threads)], tmp / 'volume.jsonl'
    plain = Run(command)
    start = time.monotonic()
    traced = Run([driver, size, lossless, out, f'{hammer.name}:*', *command])
    seconds = time.monotonic() - start
    same_program(traced, plain)
    lines, lost = Lines(out, calls, threads), traced.lost()
    lines.complete(lost, [('main', 'dur_ns', '7')])
    assert bool(lost) != bool(lossless), f'{lost} lost of a buffer of {size} bytes'
    out.unlink()
    return measured(lines, lost, seconds) + f', {lines.unwound} unwound'


def points(tap, utramp, driver, hammer, tmp, times):
    for n, threads, name in ((1000000 * times, 0, '{:,} calls'),
                             (50000 * times, 4, '4 threads of {:,}')):
        name = name.format(n)
        tap.run(name, tool, utramp, hammer, tmp, n, threads)
        tap.run(name + ', lossless', tool, utramp, hammer, tmp, n, threads, '--lossless')
    for signal, name in ((9, 'SIGKILL'), (15, 'SIGTERM')):
        tap.run(f'ended by {name}', lambda: tool(utramp, hammer, tmp, 20000, 2, '--lossless',
                                                 signal=signal))
    for threads in (0, 4):
        for lossless in (0, 1):
            for size in (4096, 65536):
                tap.run(f'a buffer of {size} bytes, {threads} threads'
                        + (', lossless' if lossless else ''),
                        small, driver, hammer, tmp, size, lossless, 20000 * times, threads)


def main(utramp, driver, hammer, times='1'):
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='utramp-volume-') as tmp:
        points(tap, utramp, driver, pathlib.Path(hammer), pathlib.Path(tmp), int(times))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
