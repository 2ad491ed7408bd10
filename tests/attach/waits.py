#!/usr/bin/env python3
"""waits.py UTRAMP WAITS N - attach N times to a process that waits in every way (waits.c).

What waits while slabs are loaded, functions patched and restored, and what makes the loading
itself: no wait ends by EINTR, too early or otherwise wrong.  Behind all that /proc shows what
it did before.
"""
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / 'inventory'))

from attached import Tool, check_tool, lib, same
import inventory

UTRAMP, WAITS, N = sys.argv[1], sys.argv[2], int(sys.argv[3])
SPECS = ['libc:epoll_wait', 'libc:nanosleep', 'libc:poll', 'libc:read', 'waits:now_us']


def reports(out):
    """Whole ones, each {way: {what: number}}."""
    found = [{}]
    for line in out.read_text().splitlines():
        if line == 'reported':
            found.append({})
        elif line != 'ready':
            name, _, *rest = line.split()
            found[-1][name] = {k: int(v) for k, v in zip(rest[::2], rest[1::2])}
    return found[:-1]


def report(p, out):
    n = len(reports(out))
    p.stdin.write(b'r')
    p.stdin.flush()
    return lib.wait_for(lambda: reports(out)[n:], 20)[0]


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    out = tmp / 'out'
    p = subprocess.Popen([WAITS], stdin=subprocess.PIPE, stdout=open(out, 'w'))
    lib.wait_for(lambda: 'ready' in out.read_text(), 20)
    time.sleep(0.5)
    before = inventory.Inventory(p.pid)
    report(p, out)
    for i in range(N):
        check_tool(tap, f'attach {i + 1}', Tool(UTRAMP, 'count', p.pid, SPECS, 0.2, tmp / 'calls'))
    time.sleep(0.2)  # waits that were begun anew end
    ways = report(p, out)
    bad = {w: r for w, r in ways.items()
           if not r['calls'] or r['eintr'] or r['wrong'] or r['short']}
    tap.ok(not bad and len(ways) > 14, f'{len(ways)} ways to wait, {min(r["calls"] for r in ways.values())} '
           'times or more: as without us', *bad.items())
    same(tap, 'behind', before, inventory.Inventory(p.pid))
    p.stdin.close()
    tap.ok(p.wait(20) == 7, f'it ends with {p.returncode}', out.read_text())
    shutil.rmtree(tmp)
    tap.end()


main()
