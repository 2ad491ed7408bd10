"""harness.py - what the tests of this folder share: TAP, and running a command under utramp."""
import json
import os
import re
import subprocess
import traceback

from call_types import Number

TIMEOUT = int(os.environ.get('UTRAMP_TIMEOUT', 120))


class Tap:
    """Points of a TAP stream; a point is a function that asserts."""

    def __init__(self):
        self.n = self.failed = 0

    def run(self, name, fn, *args):
        self.n += 1
        try:
            note = fn(*args)
        except Exception as e:  # noqa: BLE001 - any failure is this point's
            self.failed += 1
            print(f'not ok {self.n} - {name}', flush=True)
            text = str(e) if isinstance(e, AssertionError) else traceback.format_exc()
            for line in text.splitlines()[:30]:
                print(f'# {line[:600]}')
        else:
            print(f'ok {self.n} - {name}', flush=True)
            if note:
                print(f'# {note}', flush=True)

    def end(self):
        print(f'1..{self.n}')
        return 1 if self.failed else 0


class Run:
    """One finished command."""

    def __init__(self, argv, **kw):
        r = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT, stdin=subprocess.DEVNULL, **kw)
        self.code, self.stdout, self.stderr = r.returncode, r.stdout, r.stderr.decode()

    def lost(self):
        """What utramp reported as lost on its standard error, 0 if nothing."""
        m = re.search(r'^utramp: events lost: (\d+)$', self.stderr, re.M)
        return int(m[1]) if m else 0

    def attached(self):
        m = re.search(r'^utramp: attached (\d+) function', self.stderr, re.M)
        return int(m[1]) if m else 0


def under(utramp, verb, out, command, *args):
    """utramp VERB -o OUT ARGS -- COMMAND"""
    if os.path.exists(out):
        os.unlink(out)
    return Run([utramp, verb, '-j', '-o', out, *args, '--', *command])


def same_program(traced, plain):
    """What the program does and how it ends is as without us."""
    code = plain.code if plain.code >= 0 else 128 - plain.code  # 128 + N when signal N killed it
    assert traced.code == code, f'exit status {traced.code}, untraced {code}\n{traced.stderr}'
    assert traced.stdout == plain.stdout, first_difference(traced.stdout, plain.stdout)


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a.split(b'\n'), b.split(b'\n'))):
        if x != y:
            return f'standard output, line {i + 1}: {x} traced, {y} untraced'
    return f'standard output: {len(a)} bytes traced, {len(b)} untraced'


def records(path, exact=False):
    """The objects of a file of JSON lines; exact: numbers as they are written."""
    how = {'parse_int': Number, 'parse_float': Number} if exact else {}
    with open(path, encoding='utf-8') as f:
        for line in f:
            assert line.endswith('\n'), f'an unfinished line: {line}'
            yield json.loads(line, **how)
