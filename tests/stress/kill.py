#!/usr/bin/env python3
"""kill.py UTRAMP OBJECT VICTIM - ends that nobody planned.

The target killed at random points: utramp says 137 and ends.  utramp killed at random points
after the start: the target goes on, with right results (guard.py has more of that).  SIGINT and SIGTERM to
utramp: the target's text is as before, and it goes on untraced, or stays suspended.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import lib

UTRAMP, OBJECT, VICTIM = sys.argv[1:4]
NAME = VICTIM.rsplit('/', 1)[-1]
SPECS = [f'{NAME}:{shape}_*' for shape in ('seven', 'nine', 'twelve', 'wide', 'memory')]
ATTACH = [f'--attach={p}={NAME}:*e*_?' for p in ('entry', 'leave', 'pass', 'light')]
WAYS = {
    'run': [UTRAMP, 'run', OBJECT, '--missing=ignore', '-q', '-o', '/dev/null', *ATTACH],
    'trace': [UTRAMP, 'trace', '-q', '-o', '/dev/null', *SPECS],
    'lossless': [UTRAMP, 'trace', '-q', '--lossless', '-o', '/dev/null', *SPECS],
}


class Session:
    """utramp on `VICTIM work 4`, attached and running, or as far as it came."""

    def __init__(self, way):
        self.dir = lib.scratch()
        self.out = self.dir / 'out'
        self.p = subprocess.Popen([*WAYS[way], '--', VICTIM, 'work', '4'], stdin=subprocess.PIPE,
                                  stdout=open(self.out, 'w'), stderr=subprocess.PIPE, text=True,
                                  start_new_session=True,
                                  env={**os.environ, 'XDG_RUNTIME_DIR': str(self.dir)})
        self.pid = self.p.pid
        self.target = lib.wait_for(lambda: lib.target_of(self.pid))

    def running(self):
        """The target's threads have started: it was let go."""
        def many():
            try:
                return len(os.listdir(f'/proc/{self.target}/task')) >= 5
            except OSError:
                return False
        return lib.wait_for(many)

    def finish_target(self):
        """Tell it to end: what it says of its results."""
        self.p.stdin.close()
        lib.wait_for(lambda: not lib.alive(self.target), 15)
        return self.out.read_text()

    def close(self):
        if lib.alive(self.target):
            os.kill(self.target, signal.SIGKILL)
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.said = self.p.stderr.read().strip()
        self.p.stderr.close()
        self.left = [p.name for p in self.dir.glob('utramp-*')]
        shutil.rmtree(self.dir)


def wait(s, seconds=10):
    """utramp's exit code, 128 + N for a signal, None: it does not end."""
    try:
        code = s.p.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    return 128 - code if code < 0 else code


def target_killed(tap, rnd, rounds):
    codes, said, left = [], [], []
    for i in range(rounds):
        s = Session(('run', 'trace')[i % 2])
        if i % 4 < 2:
            s.running()
        time.sleep(rnd.random() * 0.3)
        os.kill(s.target, signal.SIGKILL)
        codes.append(wait(s))
        s.close()
        said.append(s.said)
        left += s.left
    # killed before it was started, utramp could not attach: an error of its own, with a reason
    good = all(c == 137 or (c in (1, 3, 5) and i % 4 >= 2 and said[i])
               for i, c in enumerate(codes))
    tap.ok(good and codes.count(137) >= rounds // 2, f'target killed {rounds} times: {codes}', *said)
    tap.ok(not left, 'no slab files left', left)


def control_killed(tap, rnd, way, rounds):
    good, said = 0, []
    for _ in range(rounds):
        s = Session(way)
        s.running()
        time.sleep(rnd.random() * 0.3)
        os.kill(s.pid, signal.SIGKILL)
        wait(s)
        time.sleep(1)
        still = lib.alive(s.target)
        text = s.finish_target()
        good += still and text == '# bad 0\n' and not lib.alive(s.target)
        said.append((still, text))
        s.close()
    tap.ok(good == rounds, f'utramp {way} killed {rounds} times: the target goes on', said)


def asked_to_stop(tap, rnd, sig, way):
    s = Session(way)
    s.running()
    time.sleep(0.1 + rnd.random() * 0.2)
    before = lib.text_differences(s.target)
    tap.ok(before, f'{way}: the text is patched while it runs', before)
    os.kill(s.pid, sig)
    clean = lib.wait_for(lambda: lib.text_differences(s.target) == [], 20)  # beside busy tests
    tap.ok(clean, f'{way}: {sig.name}: the text is as in the files',
           lib.text_differences(s.target))
    tap.ok(lib.alive(s.target), f'{way}: {sig.name}: the target goes on')
    text = s.finish_target()
    tap.ok(text == '# bad 0\n', f'{way}: {sig.name}: its results are right', text)
    code = wait(s)
    s.close()
    tap.ok(code == 7 and not s.left, f'{way}: {sig.name}: utramp ends with {code}', s.left)


def ticks(pid):
    """Processor time that its threads used in user mode."""
    stats = [open(f'/proc/{pid}/task/{t}/stat').read().rsplit(')', 1)[1].split()
             for t in os.listdir(f'/proc/{pid}/task')]
    return sum(int(f[11]) for f in stats)


def suspended(tap):
    """What somebody else has stopped stays so when utramp lets go of it."""
    s = Session('trace')
    s.running()
    os.kill(s.target, signal.SIGSTOP)
    time.sleep(0.1)
    os.kill(s.pid, signal.SIGINT)
    clean = lib.wait_for(lambda: lib.text_differences(s.target) == [], 5)
    time.sleep(0.05)
    before = ticks(s.target)
    time.sleep(0.3)
    used = ticks(s.target) - before
    tap.ok(clean and used == 0, f'detached from a stopped target, which stays so: {used} ticks')
    os.kill(s.target, signal.SIGCONT)
    text = s.finish_target()
    code = wait(s)
    s.close()
    tap.ok(text == '# bad 0\n' and code == 7, f'and goes on by SIGCONT, status {code}', text)


def main():
    tap = lib.Tap()
    rnd = random.Random(7)
    target_killed(tap, rnd, 12)
    for way in WAYS:
        control_killed(tap, rnd, way, 4)
    for sig in (signal.SIGINT, signal.SIGTERM):
        for way in ('run', 'trace'):
            asked_to_stop(tap, rnd, sig, way)
    suspended(tap)
    tap.end()


main()
