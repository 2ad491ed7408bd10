"""attached.py - `utramp VERB -p PID` beside a load, and what is compared before and after.

A visit is one attach and detach: the tool runs for some seconds, exits with 0, has seen calls of
every function it was given, and the process is as it was (inventory.py).
"""
import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / 'stress'))

import inventory
import lib

LIMIT = 60  # seconds that the tool may take to end beyond what it was asked for


class Tool:
    """`utramp VERB -p PID SPEC...` for some seconds, in the background."""

    def __init__(self, utramp, verb, pid, specs, seconds, out):
        self.verb, self.seconds, self.out, self.specs = verb, seconds, out, specs
        cmd = [utramp, verb, '-j', '-d', str(seconds), '-o', str(out), '-p', str(pid), *specs]
        self.p = subprocess.Popen(lib.by_engine([str(c) for c in cmd]), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        """(exit code, what it said); it is killed, by pid, if it does not come to an end."""
        try:
            said = self.p.communicate(timeout=self.seconds + LIMIT)[0]
        except subprocess.TimeoutExpired:
            self.p.kill()
            return -1000, 'no end: ' + self.p.communicate()[0]
        return self.p.returncode, said

    def seen(self):
        """Calls by function."""
        found = {}
        for line in self.out.read_text().splitlines():
            r = json.loads(line)
            found[r['func']] = found.get(r['func'], 0) + r.get('calls', 1)
        return found

    def unseen(self):
        seen = self.seen()
        return [s for s in self.specs if not seen.get(s.rpartition(':')[2])]


def check_tool(tap, name, tool):
    code, said = tool.end()
    if not tap.ok(code == 0, f'{name}: {tool.verb} -p ends with {code}', said):
        return False
    seen = tool.seen()
    return tap.ok(not tool.unseen(), f'{name}: calls of each function: {seen}', said)


def same(tap, name, before, after, **how):
    diff = inventory.differences(before, after, **how)
    tap.ok(not diff, f'{name}: as before: {len(after.maps)} mappings, {len(after.fds)} descriptors, '
           f'{len(after.tasks)} threads, {len(after.text)} texts, {after.slabs()} slabs', *diff)


def visit(tap, name, utramp, verb, pid, specs, seconds, tmp, **how):
    """Attach to a process whose load goes on by itself."""
    before = inventory.Inventory(pid)
    good = check_tool(tap, f'{name}, {verb}', Tool(utramp, verb, pid, specs, seconds, tmp / 'calls'))
    same(tap, f'{name}, {verb}', before, inventory.Inventory(pid), **how)
    return good
