"""in_gdb.py - run by gdb: every parameter of functions, as gdb has them at their first instruction.

The job is a JSON file named by $GDB_JOB: {"out": FILE, "hits": K, "functions": [{"id", "module",
"addr"}], "modules": {NAME: FILE}}; out gets one JSON object for each hit: {"id", "hit", "sp", "args":
[[name, node]]}, and where modules lie.  A node is what match.py compares: {"k": kind, ...}.

Or {"out": FILE, "accounts": [ADDRESS]}: where the parameters of a file's functions are.
"""
import json
import os
import re
import struct

import gdb

STRING = 4096            # bytes looked at behind a char *
REFERRED = 4096          # bytes of an object behind a reference
DEPTH, NODES = 12, 4000

with open(os.environ['GDB_JOB'], encoding='utf-8') as f:
    JOB = json.load(f)


class Gone(Exception):
    """Optimised out, or somewhere that gdb cannot tell."""


# -- values ----------------------------------------------------------------------------------

def raw_hex(v):
    """The bits of a scalar, as gdb keeps them."""
    text = v.format_string(format='x', raw=True)
    if text == 'NULL':                   # of pointers to members
        return '0x0'
    if not text.startswith('0x'):
        raise Gone(f'no bits: {text}')
    return text


def memory(addr, n):
    """As much as can be read of n bytes."""
    out = b''
    while n:
        part = min(n, 4096 - (addr + len(out)) % 4096)
        try:
            out += bytes(gdb.selected_inferior().read_memory(addr + len(out), part))
        except gdb.error:
            break
        n -= part
    return out


def is_byte(t):
    return t.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and t.sizeof == 1


def pointer(v, t):
    addr = int(v) & (1 << 64) - 1
    node = {'k': 'ptr', 'v': addr}
    to = t.target().strip_typedefs()
    if is_byte(to):
        node['char'] = to.unqualified().name or ''
        text = memory(addr, STRING) if addr else b''
        node['bytes'] = text.partition(b'\0')[0].hex()
        node['ends'] = b'\0' in text
        node['read'] = bool(text)
    elif to.code == gdb.TYPE_CODE_FUNC:
        node['k'] = 'func'
    return node


def reference(v, budget, depth):
    to = v.referenced_value()
    node = {'k': 'ref', 'v': int(to.address) & (1 << 64) - 1}
    if to.type.strip_typedefs().code == gdb.TYPE_CODE_FUNC:
        return node
    if to.type.sizeof <= REFERRED:
        try:
            node['val'] = value(to, budget, depth + 1)
        except (gdb.error, Gone) as e:
            node['why'] = str(e)
    return node


def characters(v, names):
    """(address, length) of a std::string or string_view of libstdc++, from its own members."""
    try:
        return [int(follow(v, path)) & (1 << 64) - 1 for path in names]
    except (gdb.error, RuntimeError, KeyError):
        return None


def follow(v, path):
    for name in path.split('.'):
        v = v[name]
    return v


def library(v, t):
    """What is shown otherwise than member by member."""
    name = (t.unqualified().tag or '').replace(' ', '')
    if name.startswith(('std::__cxx11::basic_string<char,', 'std::basic_string<char,')):
        at = characters(v, ['_M_dataplus._M_p', '_M_string_length'])
        if not at:          # the old ABI: the length stands before the characters
            at = characters(v, ['_M_dataplus._M_p'])
            at = at and [at[0], struct.unpack('<Q', memory(at[0] - 24, 8) or b'\0' * 8)[0]]
    elif name.startswith('std::basic_string_view<char,'):
        at = characters(v, ['_M_str', '_M_len'])
    else:
        return None
    return at and {'v': at[0], 'len': at[1], 'bytes': memory(at[0], min(at[1], STRING)).hex()}


def vector(v, t, budget, depth):
    name = (t.unqualified().tag or '').replace(' ', '')
    if not name.startswith('std::vector<') or name.startswith('std::vector<bool,'):
        return None
    at = characters(v, ['_M_impl._M_start', '_M_impl._M_finish'])
    of = t.template_argument(0)
    n = (at[1] - at[0]) // of.sizeof if at and of.sizeof else -1
    if not 0 <= n < 1 << 32:
        return None
    first = follow(v, '_M_impl._M_start')
    return {'v': at[0], 'len': n,
            'val': [guarded(lambda: (first + i).dereference(), budget, depth) for i in range(min(n, 64))]}


def members(v, t, budget, depth):
    out = []
    for f in t.fields():
        if getattr(f, 'bitpos', None) is None:   # static, or a virtual base: trace shows neither
            continue
        name = '' if f.is_base_class or not f.name else f.name
        base = (f.type.strip_typedefs().unqualified().name or '') if f.is_base_class else None
        out.append([name, base, guarded(lambda: v[f], budget, depth)])
    return out


def guarded(get, budget, depth):
    try:
        return value(get(), budget, depth + 1)
    except (gdb.error, Gone, RuntimeError) as e:
        return {'k': 'gone', 'why': str(e)}


def elements(v, t, budget, depth):
    try:
        low, high = t.range()
    except RuntimeError:
        return {'k': 'array', 'v': [], 'open': True}
    node = {'k': 'array', 'n': high - low + 1, 'v': []}
    for i in range(low, high + 1):
        if budget[0] <= 0:
            node['cut'] = True
            break
        node['v'].append(guarded(lambda: v[i], budget, depth))
    return node


def complex_number(v):
    gdb.set_convenience_variable('utramp_value', v)
    return {'k': 'complex', 'v': [value(gdb.parse_and_eval(f'$_{part}($utramp_value)'), [9], 0)
                                  for part in ('creal', 'cimag')]}


def wide(v, t):
    bits = int(raw_hex(v), 16)
    if t.is_signed and bits >> t.sizeof * 8 - 1:
        bits -= 1 << t.sizeof * 8
    return {'k': 'int', 'v': bits, 'wide': True}


def value(v, budget, depth):
    budget[0] -= 1
    if depth > DEPTH or budget[0] < 0:
        return {'k': 'cut'}
    t = v.type.strip_typedefs()
    code = t.code
    if code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        node = {'k': 'union' if code == gdb.TYPE_CODE_UNION else 'struct', 'size': t.sizeof,
                'v': members(v, t, budget, depth)}
        if v.address is not None:
            node['at'] = int(v.address) & (1 << 64) - 1
        for key, what in (('string', library(v, t)), ('vector', vector(v, t, budget, depth))):
            if what:
                node[key] = what
        return node
    if code == gdb.TYPE_CODE_ARRAY:
        return elements(v, t, budget, depth)
    if v.is_optimized_out:
        return {'k': 'gone', 'why': 'optimized out'}
    if code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        return reference(v, budget, depth)
    v.fetch_lazy()
    return scalar(v, t, code)


def scalar(v, t, code):
    if code == gdb.TYPE_CODE_PTR:
        return pointer(v, t)
    if code == gdb.TYPE_CODE_BOOL:
        return {'k': 'bool', 'v': int(raw_hex(v), 16)}
    if code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR):
        return wide(v, t) if t.sizeof > 8 else {'k': 'int', 'v': int(v)}
    if code == gdb.TYPE_CODE_ENUM:
        return {'k': 'enum', 'v': int(v), 'size': t.sizeof,
                'names': [[f.name, f.enumval] for f in t.fields()]}
    if code == gdb.TYPE_CODE_FLT:
        return {'k': 'float', 'size': t.sizeof, 'bits': raw_hex(v), 'text': v.format_string(raw=True),
                'name': t.unqualified().name or ''}
    if code == gdb.TYPE_CODE_COMPLEX:
        return complex_number(v)
    return {'k': 'raw', 'v': raw_hex(v), 'code': code}


# -- a hit --------------------------------------------------------------------------------------

def function_block(frame):
    """Blocks of functions inlined at the same address are inside."""
    block = frame.block()
    while block and not block.function:
        block = block.superblock
    return block


def parameters():
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    block = function_block(frame)
    out = []
    for sym in block or ():
        if sym.is_argument:
            try:
                node = value(sym.value(frame), [NODES], 0)
                node['type'] = str(sym.type)
            except (gdb.error, Gone, RuntimeError, gdb.MemoryError) as e:
                node = {'k': 'gone', 'why': str(e), 'type': str(sym.type)}
            out.append([sym.name, node])
    return out


class Entry(gdb.Breakpoint):
    """Lets the program go on until it was here often enough."""

    def __init__(self, function, addr, out):
        super().__init__(f'*{addr:#x}', internal=True)
        self.silent = True
        self.function, self.at, self.out, self.hits = function, addr, out, 0

    def stop(self):
        if self.hits < JOB['hits']:
            try:
                args = parameters()
            except (gdb.error, RuntimeError) as e:
                args = str(e)
            json.dump({'id': self.function['id'], 'hit': self.hits, 'args': args,
                       'sp': int(gdb.parse_and_eval('(long)$rsp'))}, self.out)
            self.out.write('\n')
        self.hits += 1
        return self.hits >= JOB['hits']


# -- the run ------------------------------------------------------------------------------------

def load_bias(path, mapped):
    """What to add to an address of the file."""
    with open(path, 'rb') as f:
        head = f.read(64)
        offset, = struct.unpack_from('<Q', head, 32)
        size, n = struct.unpack_from('<HH', head, 54)
        for i in range(n):
            f.seek(offset + i * size)
            kind, _, at, vaddr = struct.unpack('<IIQQ', f.read(24))
            if kind == 1 and not at & ~4095:
                return mapped - (vaddr & ~4095)
    raise gdb.GdbError(f'{path}: nothing of it is loaded from its beginning')


def maps():
    with open(f'/proc/{gdb.selected_inferior().pid}/maps', encoding='utf-8') as f:
        return f.read()


def biases():
    """Of every module of the job, None until all of them are mapped."""
    first = {}
    for line in maps().splitlines():
        words = line.split(None, 5)
        if len(words) == 6 and words[2] == '00000000':
            first.setdefault(os.path.realpath(words[5]), int(words[0].partition('-')[0], 16))
    out = {}
    for name, path in JOB['modules'].items():
        path = os.path.realpath(path)
        if path not in first:
            return None
        out[name] = load_bias(path, first[path])
    return out


def alive():
    return bool(gdb.selected_inferior().pid)


def go(command):
    gdb.execute(command, to_string=True)


def start():
    """Where all modules are mapped and relocated, and none of their code has run."""
    go('set stop-on-solib-events 1')
    go('run')
    where = None
    while alive():
        where = biases()
        if where:
            break
        go('continue')
    if not where:
        raise gdb.GdbError('not all modules were mapped when the program ended')
    go('set stop-on-solib-events 0')
    return where


def main():
    with open(JOB['out'], 'w', encoding='utf-8') as out:
        where = start()
        entries = {}
        for f in JOB['functions']:
            addr = f['addr'] + where[f['module']]
            entries[addr] = Entry(f, addr, out)
        go('continue')
        while alive():
            pc = gdb.newest_frame().pc()
            entry = entries.pop(pc, None)
            if entry and entry.hits >= JOB['hits']:
                entry.delete()
            elif entry:
                entries[pc] = entry
            go('continue')
        json.dump({'end': True, 'bias': where}, out)
        out.write('\n')


def accounts():
    """Without a run: where gdb reads the parameters of functions, in its words, by name."""
    out = {}
    for addr in JOB['accounts']:
        try:
            text = gdb.execute(f'info scope *{addr:#x}', to_string=True)
        except gdb.error as e:
            text = str(e)
        parts = re.split(r'^Symbol (\S+) is ', text, flags=re.M)
        out[addr] = dict(zip(parts[1::2], (x.rstrip()[:2000] for x in parts[2::2])))
    with open(JOB['out'], 'w', encoding='utf-8') as f:
        json.dump(out, f)


if 'accounts' in JOB:
    accounts()
else:
    main()
