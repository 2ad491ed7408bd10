"""cases_memory.py - loads, stores, the stack: RFC 9669 5.1, 5.2, 5.4."""
from casefile import File, M64


def memory():
    f = File('memory')
    data = bytes([0x11, 0x82, 0x33, 0xf4, 0x55, 0x66, 0x77, 0x98, 0xa9, 0x0a, 0xbb, 0xcc])
    for name, n in (('b', 1), ('h', 2), ('w', 4), ('dw', 8)):
        for at in (0, 1, 3, 4):
            chunk = data[at:at + n]
            f.case(f'ldx{name} at {at}', f'ldx{name} r0, [r1+{at}]\nexit',
                   int.from_bytes(chunk, 'little'), data)
            if n < 8:
                f.case(f'ldxs{name} at {at}', f'ldxs{name} r0, [r1+{at}]\nexit',
                       int.from_bytes(chunk, 'little', signed=True), data)
        v = 0xfedcba9876543210
        low = v & ((1 << 8 * n) - 1)
        around = int.from_bytes(data[:8], 'little')
        after = (around & ~(((1 << 8 * n) - 1) << 0)) | low
        f.case(f'stx{name} leaves the neighbours', f'''
            lddw r7, {v:#x}
            stx{name} [r1+0], r7
            ldxdw r0, [r1+0]
            exit''', after, data)
        f.case(f'st{name} cuts or extends its immediate', f'''
            st{name} [r1+0], -2
            ldxdw r0, [r1+0]
            exit''', (around & ~((1 << 8 * n) - 1)) | (-2 & ((1 << 8 * n) - 1)), data)
        f.case(f'stack: stx{name} and ldx{name}', f'''
            lddw r2, {v:#x}
            stdw [r10-16], -1
            stx{name} [r10-16], r2
            ldx{name} r0, [r10-16]
            exit''', low)
    f.case('r2 is the length of the memory', 'mov r0, r2\nexit', len(data), data)
    f.case('no memory: length 0', 'mov r0, r2\nexit', 0)
    f.case('the lowest byte of the stack', '''
        stb [r10-512], 77
        stb [r10-1], 1
        ldxb r0, [r10-512]
        ldxb r1, [r10-1]
        add r0, r1
        exit''', 78)
    f.case('a pointer into the stack by arithmetic', '''
        mov r2, r10
        add r2, -32
        stdw [r10-24], 5
        ldxdw r0, [r2+8]
        exit''', 5)
    f.case('r10 as the value stored and compared', '''
        stxdw [r10-8], r10
        ldxdw r1, [r10-8]
        mov r0, 0
        jne r1, r10, end
        mov r2, r10
        sub r2, r1
        mov r0, 1
        add r0, r2
        end: exit''', 1)
    f.case('lddw takes all 64 bits', 'lddw r0, 0x8877665544332211\nexit', 0x8877665544332211)
    f.case('lddw of a small negative', 'lddw r0, -2\nexit', -2)
    f.case('memory is reversed in place', '''
        mov r3, r1
        mov r4, r1
        add r4, r2
        again: sub r4, 1
        jge r3, r4, done
        ldxb r5, [r3+0]
        ldxb r6, [r4+0]
        stxb [r3+0], r6
        stxb [r4+0], r5
        add r3, 1
        ja again
        done: ldxdw r0, [r1+0]
        exit''', int.from_bytes(data[::-1][:8], 'little'), data)
    fnv = 0xcbf29ce484222325
    for b in data:
        fnv = (fnv ^ b) * 0x100000001b3 & M64
    f.case('FNV-1a over the memory', '''
        lddw r0, 0xcbf29ce484222325
        lddw r3, 0x100000001b3
        add r2, r1
        next: jge r1, r2, end
        ldxb r4, [r1+0]
        xor r0, r4
        mul r0, r3
        add r1, 1
        ja next
        end: exit''', fnv, data)
    return f


SIZES = (('b', 1), ('h', 2), ('w', 4), ('dw', 8))
OFFSETS = (0, 1, -1, 7, -8, 127, 128, -128, -129, 255, -256, 4095, 32767, -32767, -32768)


def widths():
    """Each width at each kind of offset, through each register, sign-extended or not."""
    f = File('widths')
    data = bytes((k * 167 + 13) & 0xff for k in range(24))
    for name, n in SIZES:
        for off in OFFSETS:
            chunk = data[9:9 + n]
            for sign in (False, True) if n < 8 else (False,):
                f.case(f'ldx{"s" if sign else ""}{name} [r+{off}]', f'''
                    mov r8, r1
                    add r8, {9 - off}
                    ldx{"s" if sign else ""}{name} r0, [r8{off:+}]
                    exit''', int.from_bytes(chunk, 'little', signed=sign), data)
            stored(f, name, n, off, data)
        for r in range(10):
            per_register(f, name, n, r, data)
    for v in (0, 1, -1, 0x7fffffff, -0x80000000, 0x80, 0x8000, -129):
        for name, n in SIZES:
            f.case(f'st{name} of {v}', f'''
                st{name} [r10-16], {v}
                ldx{name} r0, [r10-16]
                exit''', v & ((1 << 8 * n) - 1))
    for value in (0, 1, M64, 1 << 63, 1 << 31, M64 << 31, 0x0123456789abcdef, 0xffffffff):
        for r in range(10):
            f.case(f'lddw r{r}, {value & M64:#x}', f'''
                lddw r{r}, {value & M64:#x}
                mov r0, r{r}
                exit''', value)
    return f


def stored(f, name, n, off, data):
    v = 0xfedcba9876543210
    for how, put, low in (('stx', f'stx{name} [r8{off:+}], r7', v),
                          ('st', f'st{name} [r8{off:+}], -17', -17)):
        after = bytearray(data)
        after[9:9 + n] = (low & ((1 << 8 * n) - 1)).to_bytes(n, 'little')
        want = sum(int.from_bytes(after[at:at + 8], 'little') * 31 ** k
                   for k, at in enumerate((16, 8, 0)))
        f.case(f'{how}{name} [r+{off}] and its neighbours', f'''
            lddw r7, {v:#x}
            mov r8, r1
            add r8, {9 - off}
            {put}
            ldxdw r0, [r1+0]
            mul r0, 31
            ldxdw r2, [r1+8]
            add r0, r2
            mul r0, 31
            ldxdw r2, [r1+16]
            add r0, r2
            exit''', want, data)


def per_register(f, name, n, r, data):
    base = (r + 3) % 10
    chunk = data[5:5 + n]
    f.case(f'ldx{name} r{r} through r{base}', f'''
        mov r{base}, r1
        ldx{name} r{r}, [r{base}+5]
        mov r0, r{r}
        exit''', int.from_bytes(chunk, 'little'), data)
    f.case(f'ldx{name} r{r} through itself', f'''
        mov r{r}, r1
        ldx{name} r{r}, [r{r}+5]
        mov r0, r{r}
        exit''', int.from_bytes(chunk, 'little'), data)
    f.case(f'stx{name} r{r} through r{base}', f'''
        mov r{base}, r1
        lddw r{r}, 0x1122334455667788
        stx{name} [r{base}+5], r{r}
        ldx{name} r0, [r{base}+5]
        exit''', 0x1122334455667788 & ((1 << 8 * n) - 1), data)
    f.case(f'stx{name} of the address in r{r} itself', f'''
        mov r{r}, r1
        stx{name} [r{r}+5], r{r}
        ldx{name} r0, [r{r}+5]
        {'' if r == 0 else f'xor r0, r{r}'}
        {'lsh r0, ' + str(64 - 8 * n) if n < 8 and r else ''}
        {'mov r0, 0' if r == 0 else ''}
        exit''', 0, data)
