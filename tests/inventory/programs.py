#!/usr/bin/env python3
"""programs.py UTRAMP TARGET - attach to small programs that run: one thread, 200 threads, python3.

Their results stay right, and behind a detach /proc shows what it showed before.
"""
import os
import shutil
import subprocess
import sys
import time

from attached import lib, visit
import inventory

UTRAMP, TARGET = sys.argv[1:3]

# Reads stdin without blocking; what it computes is compared with what it was at first.
PYTHON = '''
import hashlib, json, select, sys, time
def value():
    s = json.dumps({str(i): [i, i / 3, "x" * (i % 50)] for i in range(200)}, sort_keys=True)
    return hashlib.sha256(s.encode()).hexdigest(), json.loads(s)["7"]
first, wrong = value(), 0
print("ready", flush=True)
while not select.select([0], [], [], 0)[0]:
    wrong += value() != first
    t = time.monotonic()
    time.sleep(0.002)
    wrong += time.monotonic() - t < 0.002
print("wrong", wrong)
sys.exit(1 if wrong else 7)
'''


class Program:
    """One that prints "ready", works until its stdin ends, and says what was wrong."""

    def __init__(self, cmd, tmp):
        self.out = tmp / 'out'
        self.p = subprocess.Popen([str(c) for c in cmd], stdin=subprocess.PIPE,
                                  stdout=open(self.out, 'w'), stderr=subprocess.STDOUT,
                                  env={'PATH': os.environ['PATH'], 'LANG': 'C'})
        lib.wait_for(lambda: 'ready' in self.out.read_text(), 30)
        time.sleep(0.3)

    def end(self):
        """(exit code, output); killed if it does not end."""
        self.p.stdin.close()
        try:
            code = self.p.wait(30)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            code = None
        return code, self.out.read_text()


def check(tap, name, cmd, visits, tmp, **how):
    p = Program(cmd, tmp)
    for verb, specs, seconds in visits:
        visit(tap, name, UTRAMP, verb, p.p.pid, specs, seconds, tmp, **how)
    code, said = p.end()
    tap.ok(code == 7 and said == 'ready\nwrong 0\n', f'{name}: its results are right', code, said)


def unchanged_by_itself(tap, cmd, tmp):
    """What is compared does not change by itself, and what changes is seen."""
    p = Program(cmd, tmp)
    a = inventory.Inventory(p.p.pid)
    time.sleep(0.5)
    b = inventory.Inventory(p.p.pid)
    diff = inventory.differences(a, b)
    tap.ok(not diff and a.text and a.fds and a.tasks, 'nothing differs while nothing is done', *diff)
    # Each of these must be seen, or the comparison is worth nothing.
    b.text[next(iter(b.text))] = 'changed'
    b.fds[99] = '/dev/null'
    b.files['environ'] += b'X=1\0'
    b.tasks[p.p.pid] = {**b.tasks[p.p.pid], 'SigCgt': 'other'}
    b.maps.append(inventory.Region('7000000-7001000 rwxp 00000000 00:00 0 '))
    seen = [x.split()[0] for x in inventory.differences(a, b, grows=True)]
    tap.ok(sorted(seen) == ['fd', 'file', 'mapping', 'text', 'thread'], 'what is changed is seen', seen)
    p.end()


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    own = ['target:mixed', 'target:text_of', 'libc:strtoul']
    unchanged_by_itself(tap, [TARGET, 3], tmp)
    check(tap, 'one thread', [TARGET, 1],
          [('count', own, 0.5), ('trace', own[:2], 0.3), ('count', ['libc:poll'], 0.3)], tmp)
    check(tap, '200 threads', [TARGET, 200],
          [('count', own, 0.5), ('trace', own[:2], 0.3), ('count', ['libc:nanosleep'], 0.3)], tmp)
    check(tap, 'python3', ['/usr/bin/python3', '-c', PYTHON],
          [('count', ['libc:clock_nanosleep', 'PyDict_SetItem', 'PyLong_FromLong'], 0.5),
           ('trace', ['libc:select', 'PyObject_RichCompare'], 0.3)], tmp, grows=True)
    shutil.rmtree(tmp)
    tap.end()


main()
