#!/usr/bin/env python3
"""late.py UTRAMP LATE LIBRARY... - names of functions in libraries that come late, and go.

Each call's line is read before the program goes on, so its library is there when the
line is made: it has its name.  The next library may take the place of one that is gone; which of them is
meant cannot be known there, so the address stands alone.  Never another's name.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'trace'))
from harness import Tap  # noqa: E402

UTRAMP, LATE, *LIBRARIES = sys.argv[1:]


def name(library):
    return pathlib.Path(library).stem.removeprefix('lib')


def calls():
    args = [a for lib in LIBRARIES for a in (lib, name(lib))]
    with subprocess.Popen([UTRAMP, 'trace', 'take', '--', LATE, *args], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        for lib in LIBRARIES:
            line = p.stdout.readline().decode()
            p.stdin.write(b'\n')
            p.stdin.flush()
            m = re.match(r'late:take\(call=(0x[0-9a-f]+)(?: <(\w+)>)?\) +<', line)
            assert m, line
            yield lib, m[1], m[2]
        p.stdin.close()
    assert p.returncode == 0, p.returncode


def named():
    seen = set()
    for lib, address, is_called in calls():
        want = None if address in seen else name(lib)
        assert is_called == want, f'{lib} at {address}: {is_called}, not {want}'
        seen.add(address)
    return f'{len(seen)} addresses'


def main():
    tap = Tap()
    tap.run('libraries that come and go', named)
    return tap.end()


sys.exit(main())
