"""match.py - one parameter: the node that in_gdb.py made of gdb's value, and the JSON of ours.

match() gives a list of (path, class, gdb's, ours), one for each scalar:

  exact   equal: integers, enumerators, floats by bits, NULL, characters
  place   pointers to the same place in a module, the heap, the stack or a mapping
  kind    pointers into the stack or anonymous memory both, further apart than others are
  gone    neither has it
  ours    gdb says optimised out, we show a value
  absent  gdb has it, we say null
  cut     one of the two shows no more of a large value
  differs
"""
import fractions
import struct

STRINGS = 64             # bytes that `trace` shows of a char *
SHOWN = 256              # bytes that it reads of an argument in memory
ADDRESSES = 1 << 16      # integers above may be addresses

_FORMAT = {2: '<e', 4: '<f', 8: '<d'}


def number(ours):
    """An int of an integer or '0x..' or decimal string; None: neither."""
    if isinstance(ours, bool):
        return int(ours)
    if isinstance(ours, int):
        return ours
    try:
        return int(str(ours), 0)
    except ValueError:
        return None


# -- floats by bits ---------------------------------------------------------------------------

def exactly(bits, fraction_bits, exponent_bits, explicit):
    """IEEE bits as a Fraction, or 'nan', 'inf', '-inf'."""
    sign = bits >> (fraction_bits + exponent_bits + explicit)
    exponent = bits >> (fraction_bits + explicit) & (1 << exponent_bits) - 1
    mantissa = bits & (1 << fraction_bits) - 1
    bias = (1 << exponent_bits - 1) - 1
    if exponent == (1 << exponent_bits) - 1:
        return 'nan' if mantissa else '-inf' if sign else 'inf'
    whole = bits >> fraction_bits & 1 if explicit else exponent > 0
    v = fractions.Fraction(mantissa + (whole << fraction_bits), 1 << fraction_bits)
    v *= fractions.Fraction(2) ** (max(exponent, 1) - bias)
    return -v if sign else v


def rounded(v, bits=64):
    """A Fraction to the nearest of so many bits, even on ties; exponents are unbounded here."""
    if not v:
        return v
    e = v.numerator.bit_length() - v.denominator.bit_length()
    unit = fractions.Fraction(2) ** (e - bits + 1)
    while abs(v) / unit >= 1 << bits:
        unit *= 2
    while abs(v) / unit < 1 << bits - 1:
        unit /= 2
    return round(v / unit) * unit


def same_float(node, ours):
    text, size, bits = str(ours), node['size'], int(node['bits'], 16)
    if size in _FORMAT:
        want = struct.unpack(_FORMAT[size], bits.to_bytes(size, 'little'))[0]
        try:
            if want != want:
                return text == 'nan'
            return struct.pack(_FORMAT[size], float(text)) == struct.pack(_FORMAT[size], want)
        except (ValueError, OverflowError):
            return False
    want = exactly(bits & (1 << 80) - 1, 63, 15, 1) if 'long double' in node['name'] else \
        exactly(bits, 112, 15, 0)
    if isinstance(want, str):
        return text == want
    try:
        got = rounded(fractions.Fraction(text))
    except ValueError:
        return False
    return got == rounded(want) and text.startswith('-') == bool(bits >> (79 if size != 16 or
           'long double' in node['name'] else 127) & 1)


# -- characters -------------------------------------------------------------------------------

def shown(data):
    """Bytes as our JSON has them: UTF-8 where they are that, each byte by itself elsewhere."""
    out, i = '', 0
    while i < len(data):
        for n in (1, 2, 3, 4):
            try:
                out += data[i:i + n].decode()
                i += n
                break
            except UnicodeDecodeError:
                pass
        else:
            out += chr(data[i])
            i += 1
    return out


def whole(data):
    """Without a character that was cut at the end."""
    for back in (1, 2, 3):
        if back <= len(data) and data[-back] >= 0xc0:
            need = 4 if data[-back] >= 0xf0 else 3 if data[-back] >= 0xe0 else 2
            return data[:-back] if need > back else data
        if back <= len(data) and data[-back] < 0x80:
            break
    return data


def same_text(data, ours, limit=STRINGS):
    return ours == (shown(data) if len(data) <= limit else shown(whole(data[:limit])))


def is_empty(node):
    return node['k'] in ('struct', 'union') and all(is_empty(m) for _, _, m in node['v'])


# -- a value ----------------------------------------------------------------------------------

class Matcher:
    def __init__(self, places):
        self.places = places
        self.out = []

    def say(self, path, what, node, ours):
        brief = {k: v for k, v in node.items() if k not in ('names', 'type')}
        self.out.append((path, what, str(brief)[:200], str(ours)[:200]))

    def address(self, path, node, ours):
        at = number(ours)
        if at is None:
            return self.say(path, 'differs', node, ours)
        if node['v'] == at and (at < ADDRESSES or self.places.theirs.place(at)[0] == 'none'):
            return self.say(path, 'exact', node, ours)
        self.say(path, self.places.compare(node['v'], at) or 'differs', node, ours)

    def pointer(self, path, node, ours):
        if not isinstance(ours, dict):
            self.address(path, node, ours)
            if path.isidentifier() and node.get('char') == 'char' and node['v'] and node['read']:
                self.say(path + '*', 'differs', node, 'no characters')
            return
        self.address(path, node, ours.get('ptr'))
        if 'str' in ours and 'bytes' in node:
            text = ours['str']
            good = same_text(bytes.fromhex(node['bytes']), text) if text is not None and node['read'] \
                else text is None and not node['read']
            self.say(path + '*', 'exact' if good else 'differs', node, text)

    def reference(self, path, node, ours):
        if isinstance(ours, dict) and 'len' in ours:    # of what it refers to, its characters or elements
            return self.match(path + '&', node['val'], ours)
        if not isinstance(ours, dict) or 'ptr' not in ours:
            return self.address(path, node, ours)
        self.address(path, node, ours['ptr'])
        if 'val' in ours and 'val' in node:
            self.match(path + '&', node['val'], ours['val'])

    def integer(self, path, node, ours):
        got = number(ours)
        if got == node['v']:
            return self.say(path, 'exact', node, ours)
        both = isinstance(got, int) and got > ADDRESSES and node['v'] > ADDRESSES
        mask = (1 << 64) - 1
        self.say(path, both and self.places.compare(node['v'] & mask, got & mask) or 'differs', node, ours)

    def enum(self, path, node, ours):
        v, names = node['v'], node['names']
        if isinstance(ours, str):
            got = 0
            for word in ours.split('|'):
                value = next((x for n, x in names if n.split('::')[-1] == word), number(word))
                got = None if got is None or value is None else got | value
            good = got == v
        else:       # a number is right where no enumerator is the value
            good = ours == v and all(x != v for _, x in names)
        self.say(path, 'exact' if good else 'differs', node, ours)

    def array(self, path, node, ours):
        if not isinstance(ours, list):
            return self.say(path, 'cut' if ours is None else 'differs', node, ours)
        for i, (a, b) in enumerate(zip(node['v'], ours)):
            self.match(f'{path}[{i}]', a, b)
        if node.get('open'):
            return None
        if len(ours) != node['n']:
            self.say(f'{path}[]', 'cut' if len(ours) < node['n'] else 'differs', {'n': node['n']}, ours)
        return None

    def struct(self, path, node, ours):
        if isinstance(ours, dict) and {'ptr', 'len'} <= ours.keys():
            return self.container(path, node, ours)
        if isinstance(ours, str) and 'at' in node:
            return self.address(path, {'v': node['at']}, ours)
        if not isinstance(ours, dict):
            return self.say(path, 'cut' if ours is None and node['size'] > SHOWN else 'absent'
                            if ours is None else 'differs', node, ours)
        for name, base, member in node['v']:
            self.member(path, name, base, member, ours, node['size'])
        return None

    def member(self, path, name, base, member, ours, size):
        key = name or (base or '').split('::')[-1].split('<')[0]
        if not name and not base:
            return self.match(path, member, ours)
        found = [k for k in ours if k == key or (not name and k.split('::')[-1].split('<')[0] == key)]
        found = found or [k for k in ours if k.replace('$', '.') == key.replace('$', '.')]
        if not found:
            if is_empty(member):
                return None
            return self.say(f'{path}.{key}', 'cut' if size > SHOWN else 'differs', member, 'no such member')
        if ours[found[0]] is None and size > SHOWN:
            return self.say(f'{path}.{key}', 'cut', member, None)
        return self.match(f'{path}.{key}', member, ours[found[0]])

    def container(self, path, node, ours):
        what = node.get('string') or node.get('vector')
        if not what:
            return self.say(path, 'differs', node, ours)
        self.address(path, what, ours['ptr'])
        self.say(path + '#', 'exact' if what['len'] == ours['len'] else 'differs', what, ours)
        if 'str' in ours:
            data = bytes.fromhex(what['bytes'])
            good = same_text(data, ours['str']) if ours['str'] is not None else what['len'] and not data
            inside = ours['str'] is None and '[' in path     # what an element keeps elsewhere is not read
            self.say(path + '*', 'exact' if good else 'cut' if inside else 'differs', what, ours['str'])
        for i, (a, b) in enumerate(zip(what.get('val', ()), ours.get('val') or ())):
            self.match(f'{path}[{i}]', a, b)
        return None

    @staticmethod
    def raw(node, ours):
        got = number(ours['ptr'] if isinstance(ours, dict) and 'ptr' in ours else ours)
        return got is not None and (got - int(node['v'], 16)) % (1 << 64) == 0

    def match(self, path, node, ours):
        k = node['k']
        if k == 'gone':
            return self.say(path, 'gone' if ours is None else 'ours', node, ours)
        if k == 'cut':
            return self.say(path, 'cut', node, ours)
        if k in ('struct', 'union'):
            return self.struct(path, node, ours)
        if k == 'array':
            return self.array(path, node, ours)
        if ours is None:
            return self.say(path, 'absent', node, ours)
        if k in ('ptr', 'func'):
            return self.pointer(path, node, ours)
        if k == 'ref':
            return self.reference(path, node, ours)
        if k == 'int':
            return self.integer(path, node, ours)
        if k == 'enum':
            return self.enum(path, node, ours)
        if k == 'complex':
            return self.array(path, {'n': 2, **node}, ours)
        good = {'bool': lambda: isinstance(ours, bool) and int(ours) == node['v'],
                'float': lambda: same_float(node, ours),
                'raw': lambda: self.raw(node, ours)}[k]()
        return self.say(path, 'exact' if good else 'differs', node, ours)


def match(places, name, node, ours):
    m = Matcher(places)
    m.match(name, node, ours)
    return m.out
