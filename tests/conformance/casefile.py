"""casefile.py - write .data files (datafile.py says what they look like)."""
import isa

M64, M32 = (1 << 64) - 1, (1 << 32) - 1


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


class File:
    def __init__(self, name):
        self.name, self.out, self.names = name, [], set()

    def head(self, name, code):
        if name in self.names:
            raise ValueError(f'{self.name}: two cases are called {name}')
        self.names.add(name)
        self.out.append(f'-- case {name}\n-- cpu v{isa.cpu_of(code)}')

    def case(self, name, asm, result, mem=None, unverified=False):
        asm = '\n'.join(line.strip() for line in asm.strip().splitlines())
        self.head(name, isa.assemble(asm))
        self.out.append('-- asm\n' + asm)
        if mem:
            self.out.append('-- mem\n' + ' '.join(f'{b:02x}' for b in mem))
        if unverified:
            self.out.append('-- unverified')
        self.out.append(f'-- result\n{result & M64:#x}\n')

    def refused(self, name, program, *words):
        """program: text, or bytes that no text stands for; words: what the reason must say."""
        raw = isinstance(program, bytes)
        self.head(name, program if raw else isa.assemble(program))
        if raw:
            text = ' '.join(program[n:n + 8][::-1].hex() for n in range(0, len(program), 8))
        else:
            text = '\n'.join(line.strip() for line in program.strip().splitlines())
        self.out.append(f'-- {"raw" if raw else "asm"}\n{text}\n-- error\n' + '\n'.join(words) + '\n')

    def write(self, folder):
        (folder / (self.name + '.data')).write_text(
            '# Written by make-cases.py.\n' + '\n'.join(self.out))
        return len(self.names)
