"""datafile.py - read .data files: cases of one or more sections each, '-- NAME' before each.

    -- case NAME        begins a case
    -- cpu vN           the lowest cpu level that has its instructions
    -- asm, -- raw      the program: text (isa.py), or hexadecimal numbers of 64 bits
    -- mem              bytes that r1 points at; r2 is their number
    -- unverified       it passes only without the checks that the kernel adds to RFC 9669
    -- result           r0
    -- error            instead: it is refused, and these words are in the reason
"""
import struct

import isa


class Case:
    def __init__(self, name, where):
        self.name, self.where, self.text = name, where, {}

    @property
    def code(self):
        if 'raw' in self.text:
            return b''.join(struct.pack('<Q', int(w, 16)) for w in self.text['raw'].split())
        return isa.assemble(self.text['asm'])

    @property
    def mem(self):
        return bytes.fromhex(self.text.get('mem', ''))

    @property
    def result(self):
        return int(self.text['result'], 0) & (1 << 64) - 1 if 'result' in self.text else None

    @property
    def error(self):
        return self.text['error'].strip() if 'error' in self.text else None

    @property
    def unverified(self):
        return 'unverified' in self.text

    @property
    def cpu(self):
        return int(self.text['cpu'].strip()[1:])


SECTIONS = ('cpu', 'asm', 'raw', 'mem', 'unverified', 'result', 'error')


def read(path):
    cases, section = [], None
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith('-- case '):
            cases.append(Case(line[8:], f'{path.name}:{n}'))
            section = None
        elif line.startswith('-- '):
            section, _, rest = line[3:].partition(' ')
            if section not in SECTIONS or not cases or section in cases[-1].text:
                raise ValueError(f'{path.name}:{n}: section {section!r}')
            cases[-1].text[section] = rest
        elif section:
            cases[-1].text[section] += '\n' + line
        elif line and not line.startswith('#'):
            raise ValueError(f'{path.name}:{n}: outside a section')
    return cases
