"""places.py - addresses of two runs of one program, made comparable.

An address in a module or on the heap is that and an offset.  The stack and anonymous mappings lie
elsewhere in each run, by distances that mostly are the same throughout; a pair at the most frequent
distance is the same place, at another one the same kind of place.
"""
import bisect
import collections
import functools
import os
import struct


@functools.lru_cache(None)
def memory_size(path):
    """From the first to the last byte of a module, what has no bytes in the file with it."""
    low, high = [], []
    with open(path, 'rb') as f:
        offset, = struct.unpack_from('<Q', f.read(64), 32)
        f.seek(54)
        size, n = struct.unpack('<HH', f.read(4))
        for i in range(n):
            f.seek(offset + i * size)
            kind, _, _, vaddr, _, _, memsz = struct.unpack('<IIQQQQQ', f.read(48))
            if kind == 1:
                low.append(vaddr & ~4095)
                high.append(vaddr + memsz)
    return max(high) - min(low) if low else 0


MAPPED = 0x7ff000000000          # mmap() gives addresses above, without randomisation


class Maps:
    """What /proc/PID/maps said, once or several times; later lines count where they overlap."""

    def __init__(self, text):
        self.rows, base = {}, {}
        for line in text.splitlines():
            words = line.split(None, 5)
            low, high = (int(x, 16) for x in words[0].split('-'))
            name = words[5] if len(words) > 5 else ''
            if name.startswith('/'):
                base.setdefault(name, low - int(words[2], 16))
            self.rows[low] = (high, name)
        self.base = base
        self.heap = min((low for low, (_, name) in self.rows.items() if name == '[heap]'), default=None)
        self.lows = sorted(self.rows)

    def row(self, addr):
        i = bisect.bisect_right(self.lows, addr) - 1
        while i >= 0 and i > bisect.bisect_right(self.lows, addr) - 4:
            high, name = self.rows[self.lows[i]]
            if addr <= high:
                return self.lows[i], name
            i -= 1
        return None

    def place(self, addr):
        """(kind, name, offset): kind is module, heap, stack, anon or none."""
        found = self.row(addr)
        if not found:               # what was mapped in between is known by where it lay
            return 'anon' if MAPPED <= addr < 1 << 47 else 'none', '', addr
        low, name = found
        if name == '[heap]':
            return 'heap', '', addr - self.heap
        if name == '[stack]':
            return 'stack', '', addr
        if name.startswith('/'):
            return 'module', os.path.realpath(name), addr - self.base[name]
        module = None if name else self.around(addr)
        if module:                              # data that the file has no bytes for
            return 'module', os.path.realpath(module), addr - self.base[module]
        return 'anon', '', addr

    def around(self, addr):
        for path, base in self.base.items():
            if base <= addr <= base + 0x10000000 and os.path.exists(path) and \
                    addr < base + memory_size(path):
                return path
        return None


class Places:
    """Pairs of addresses: of gdb's run and of ours."""

    def __init__(self, theirs, ours):
        self.theirs, self.ours = theirs, ours
        self.seen = {'stack': collections.Counter(), 'anon': collections.Counter()}
        self.usual = None

    def settle(self):
        """Everything was compared once: which distances are usual is known."""
        self.usual = {k: c.most_common(1)[0][0] if c else 0 for k, c in self.seen.items()}

    def compare(self, a, b):
        """'exact', 'place', 'kind' or None: not the same."""
        p, q = self.theirs.place(a), self.ours.place(b)
        if p[0] != q[0] or p[1] != q[1]:
            return None
        if p[0] in ('module', 'heap'):
            return 'place' if p[2] == q[2] else None
        if p[0] == 'none':
            return 'exact' if a == b else None
        if p[0] == 'anon' and (b - a) % 16:
            return None
        self.seen[p[0]][b - a] += 1
        return 'place' if self.usual and b - a == self.usual[p[0]] else 'kind'
