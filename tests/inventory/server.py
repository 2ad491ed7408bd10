"""server.py - a server of the system, started for a test and ended by its pid.

Sockets and files lie in a directory of the test's own.  A server whose package is missing fails
the test where there is apt-get, since tools/install-deps.sh gets it; elsewhere it is skipped.
"""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

from attached import Tool, check_tool, lib, same
import inventory


def program(name, *places):
    """Where it is; ends the test when it is nowhere."""
    for pattern in places:
        found = sorted(glob.glob(pattern))
        if found:
            return found[-1]
    path = shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    if path:
        return path
    if shutil.which('apt-get'):
        print(f'not ok 1 - {name} is missing\n# tools/install-deps.sh installs it\n1..1')
        sys.exit(1)
    print(f'1..0 # SKIP {name} is not installed')
    sys.exit(0)


class Server:
    def __init__(self, cmd, tmp, ready, stop=signal.SIGTERM):
        """ready(): true when it answers."""
        self.log = tmp / 'log'
        self.stop = stop
        with open(self.log, 'w') as log:
            self.p = subprocess.Popen([str(c) for c in cmd], stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, env={'PATH': os.environ['PATH'], 'LANG': 'C'})
        self.up = lib.wait_for(lambda: self.p.poll() is not None or ready(), 60)
        self.up = self.up and self.p.poll() is None

    def said(self):
        return self.log.read_text(errors='replace')[-3000:]

    def end(self):
        """Its exit code; None when it had to be killed."""
        if self.p.poll() is None:
            self.p.send_signal(self.stop)
        try:
            return self.p.wait(30)
        except subprocess.TimeoutExpired:
            for child in children(self.p.pid):
                os.kill(child, signal.SIGKILL)
            self.p.kill()
            self.p.wait()
            return None


def children(pid):
    try:
        text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text()
    except OSError:
        return []
    return [int(x) for x in text.split()]


class Load:
    """Threads that ask and check until told to stop; each makes one client and keeps it."""

    def __init__(self, clients):
        self.clients = clients  # each: once(), which raises when an answer is wrong
        self.done, self.wrong = 0, []
        self.lock = threading.Lock()

    def loop(self, client):
        while not self.over:
            try:
                client.once()
            except Exception as e:  # whatever it is, it is the answer that was wrong
                with self.lock:
                    self.wrong.append(f'{type(e).__name__}: {e}')
                return
            with self.lock:
                self.done += 1

    def start(self):
        self.over = False
        self.threads = [threading.Thread(target=self.loop, args=(c,)) for c in self.clients]
        for t in self.threads:
            t.start()

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()

    def run(self, seconds):
        self.start()
        time.sleep(seconds)
        self.stop()


def check_load(tap, name, load, before):
    tap.ok(load.done > before and not load.wrong, f'{name}: {load.done - before} right answers',
           *load.wrong)


def visit_under_load(tap, name, utramp, verb, pids, specs, seconds, load, tmp):
    """Attach to each of these processes at once; they are looked at while nothing is asked."""
    before = {pid: inventory.Inventory(pid) for pid in pids}
    done = load.done
    load.start()
    tools = {pid: Tool(utramp, verb, pid, specs, seconds, tmp / f'calls.{pid}') for pid in pids}
    for pid, tool in tools.items():
        check_tool(tap, f'{name} {pid}, {verb}', tool)
    load.stop()
    for pid in pids:
        # what was answered last may be closed a moment later
        lib.wait_for(lambda: inventory.descriptors(pid) == before[pid].fds, 5)
        same(tap, f'{name} {pid}, {verb}', before[pid], inventory.Inventory(pid), grows=True)
    check_load(tap, f'{name}, {verb}', load, done)
