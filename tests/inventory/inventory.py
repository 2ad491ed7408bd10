"""inventory.py - what /proc shows of a process, and what differs between two such pictures.

It is one process, looked at twice, so everything is compared as it stands, addresses too, but
for what a program changes by itself:

  [heap]     its end: brk() is the program's, and the dlopen() by which slabs come allocates
  [stack]    its start: the kernel extends it as it is used
  anonymous memory that is readable and writable, where grows=True: interpreters and servers map
             and unmap as they work; of the others not a byte
  malloc's room for one thread, 64 MiB whose first part is readable and writable: where dlopen() runs
             on a thread that had none, glibc makes it one (malloc/arena.c, new_heap())
  what a process is doing: pending signals, states, times, sizes in pages

What an attach may leave is OURS below: the slabs, which are never unloaded since nobody can prove
that no copied return address leads into them; with kept=True the arena and the thread table, too.
Nothing of ours may be writable and executable.

Spec  proc(5); DESIGN sections 2 and 9
"""
import hashlib
import os
import pathlib
import re

SLAB = r'/(\S+/)?utramp-\w{6}/slab-(exe|lib)\.so( \(deleted\))?'  # ctl/slab.c
ARENA = r'/memfd:utramp[-:]\w+ \(deleted\)'                       # shm/arena.c

# Of every thread.  All that prctl(), sigaction() and the like can change and /proc shows.
STATUS = ('Name', 'Umask', 'TracerPid', 'Uid', 'Gid', 'Groups', 'Threads', 'SigBlk', 'SigIgn',
          'SigCgt', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp',
          'Seccomp_filters', 'Speculation_Store_Bypass', 'CoreDumping', 'THP_enabled', 'VmLck',
          'VmPin')
FILES = ('environ', 'cmdline', 'limits', 'personality', 'coredump_filter', 'oom_score_adj',
         'timerslack_ns', 'cgroup')
LINKS = ('exe', 'cwd', 'root')


class Region:
    def __init__(self, line):
        f = line.rstrip('\n').split(None, 5)
        self.lo, self.hi = (int(x, 16) for x in f[0].split('-'))
        self.perms, self.offset, self.path = f[1], int(f[2], 16), f[5] if len(f) > 5 else ''

    def slab(self):
        return re.fullmatch(SLAB, self.path) is not None

    def arena(self):
        return re.fullmatch(ARENA, self.path) is not None

    def ours(self):
        return self.slab() or self.arena()

    def key(self):
        """What has to be the same."""
        lo = 0 if self.path == '[stack]' else self.lo
        hi = 0 if self.path == '[heap]' else self.hi
        return (lo, hi, self.perms, self.offset, self.path)

    def __str__(self):
        return f'{self.lo:x}-{self.hi:x} {self.perms} {self.offset:x} {self.path or "anonymous"}'


def regions(pid):
    with open(f'/proc/{pid}/maps') as f:
        return [Region(line) for line in f]


def status(path):
    lines = (x.split(':', 1) for x in path.read_text().splitlines())
    return {k: ' '.join(v.split()) for k, v in lines if k in STATUS}


def descriptors(pid):
    """Number to name; one that is closed while we look is none."""
    found = {}
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            found[int(fd)] = os.readlink(f'/proc/{pid}/fd/{fd}')
        except FileNotFoundError:
            pass
    return found


def text(pid, maps):
    """A sum of the bytes of each executable region that is not ours, by its place."""
    sums = {}
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as mem:
        for r in maps:
            if 'x' not in r.perms or r.ours() or r.path == '[vsyscall]':
                continue
            mem.seek(r.lo)
            have, n = hashlib.blake2b(), r.hi - r.lo
            while n:
                some = mem.read(min(n, 1 << 20))
                assert some, f'{r} cannot be read'
                have.update(some)
                n -= len(some)
            sums[f'{r}'] = have.hexdigest()
    return sums


class Inventory:
    """What /proc shows of a process.  Threads that come and go while we look are not for this."""

    def __init__(self, pid):
        p = pathlib.Path(f'/proc/{pid}')
        self.maps = regions(pid)
        self.text = text(pid, self.maps)
        self.fds = descriptors(pid)
        self.tasks = {int(t): status(p / 'task' / t / 'status') for t in os.listdir(p / 'task')}
        self.files = {f: (p / f).read_bytes() for f in FILES}
        self.links = {f: os.readlink(p / f) for f in LINKS}

    def slabs(self):
        """How many are loaded."""
        return len({r.path for r in self.maps if r.slab()})


def dict_differences(what, a, b):
    return [f'{what} {k}: {a.get(k, "absent")} -> {b.get(k, "absent")}'
            for k in sorted({*a, *b}, key=str) if a.get(k) != b.get(k)]


HEAP_MAX = 64 << 20


def malloc_arena(new):
    """The two regions of one arena, if these are all that is new; else none."""
    if len(new) != 2 or any(r.path for r in new):
        return []
    lo, hi = sorted(new, key=lambda r: r.lo)
    whole = lo.hi == hi.lo and lo.lo % HEAP_MAX == 0 and hi.hi - lo.lo == HEAP_MAX
    return [lo, hi] if whole and (lo.perms, hi.perms) == ('rw-p', '---p') else []


def map_differences(a, b, grows, kept):
    def compared(maps):
        for r in maps:
            if r.slab() or kept and r.arena() or grows and not r.path and r.perms == 'rw-p':
                continue
            yield r.key(), r

    x, y = dict(compared(a)), dict(compared(b))
    arena = malloc_arena([y[k] for k in y if k not in x])
    y = {k: r for k, r in y.items() if r not in arena}
    gone = [f'mapping gone: {x[k]}' for k in x if k not in y]
    return gone + [f'mapping new: {y[k]}' for k in y if k not in x]


def differences(a, b, grows=False, kept=False):
    """Lines, none when b is as a: grows, its anonymous memory may; kept, arena and table stay."""
    # The thread table is anonymous, too: where it may stay, sizes say nothing.
    out = map_differences(a.maps, b.maps, grows or kept, kept)
    out += [f'writable and executable: {r}' for r in b.maps
            if r.ours() and 'w' in r.perms and 'x' in r.perms]
    out += dict_differences('text', a.text, b.text)
    out += dict_differences('fd', a.fds, b.fds)
    out += dict_differences('file', a.files, b.files)
    out += dict_differences('link', a.links, b.links)
    if a.tasks.keys() != b.tasks.keys():
        out.append(f'threads: {sorted(a.tasks)} -> {sorted(b.tasks)}')
    for tid in a.tasks.keys() & b.tasks.keys():
        out += dict_differences(f'thread {tid}', a.tasks[tid], b.tasks[tid])
    return out
