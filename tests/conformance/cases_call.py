"""cases_call.py - helpers and functions of the program: RFC 9669 4.3.1, 4.3.2."""
from casefile import File


def calls():
    f = File('calls')
    f.case('helper 5 returns its argument', 'mov r1, 1234\ncall 5\nexit', 1234)
    f.case('r6-r9 survive a helper', '''
        mov r6, 1
        mov r7, 20
        mov r8, 300
        mov r9, 4000
        mov r1, 50000
        call 5
        add r0, r6
        add r0, r7
        add r0, r8
        add r0, r9
        exit''', 54321)
    f.case('the stack survives a helper', '''
        stdw [r10-64], 99
        mov r1, 1
        call 5
        ldxdw r1, [r10-64]
        add r0, r1
        exit''', 100)
    f.case('a local call', '''
        mov r1, 6
        call local square
        exit
        square: mov r0, r1
        mul r0, r1
        exit''', 36)
    f.case('five arguments', '''
        mov r1, 1
        mov r2, 2
        mov r3, 3
        mov r4, 4
        mov r5, 5
        call local digits
        exit
        digits: mov r0, r1
        mul r0, 10
        add r0, r2
        mul r0, 10
        add r0, r3
        mul r0, 10
        add r0, r4
        mul r0, 10
        add r0, r5
        exit''', 12345)
    f.case('r6-r9 belong to the caller', '''
        mov r6, 1
        mov r7, 2
        mov r8, 4
        mov r9, 8
        call local spoil
        or r0, r6
        or r0, r7
        or r0, r8
        or r0, r9
        exit
        spoil: mov r6, 0
        mov r7, 0
        mov r8, 0
        mov r9, 0
        mov r0, 16
        exit''', 31)
    f.case('each frame has a stack of its own', '''
        stdw [r10-8], 7
        call local other
        ldxdw r0, [r10-8]
        exit
        other: stdw [r10-8], 9
        mov r0, 0
        exit''', 7)
    f.case('a callee writes through a pointer to our stack', '''
        mov r1, r10
        add r1, -16
        call local fill
        ldxdw r0, [r10-16]
        exit
        fill: stdw [r1+0], 4711
        stdw [r10-16], 1
        mov r0, 0
        exit''', 4711)
    deep = ['mov r6, 1', 'call local f1', 'add r0, r6', 'exit']
    for k in range(1, 8):
        deep += [f'f{k}: mov r6, {1 << 4 * k}', f'stxdw [r10-32], r6']
        if k < 7:
            deep += [f'call local f{k + 1}']
        else:
            deep += ['mov r0, 0']
        deep += ['ldxdw r1, [r10-32]', 'jne r1, r6, bad%d' % k, 'add r0, r6', f'bad{k}: exit']
    f.case('eight frames', '\n'.join(deep), 0x11111111)
    deep = []
    for k in range(8):
        deep += [f'g{k}: mov r6, {k + 1}', f'mov r7, {k + 11}', f'mov r8, {k + 21}',
                 f'mov r9, {k + 31}', f'call local g{k + 1}' if k < 7 else 'mov r0, 0']
        for reg, add in ((6, 1), (7, 11), (8, 21), (9, 31)):
            deep += [f'jne r{reg}, {k + add}, bad{k}']
        deep += ['add r0, r6', 'add r0, r9', 'exit', f'bad{k}: mov r0, -1', 'exit']
    f.case('eight frames, each with r6-r9 of its own', '\n'.join(deep),
           sum(k + 1 + k + 31 for k in range(8)))
    f.case('a call in a loop', '''
        mov r6, 0
        mov r7, 10
        again: mov r1, r6
        mov r2, r7
        call local sum
        mov r6, r0
        sub r7, 1
        jne r7, 0, again
        mov r0, r6
        exit
        sum: mov r0, r1
        add r0, r2
        exit''', 55)
    f.case('two callers of one function, one calls the other', '''
        mov r1, 3
        call local twice
        exit
        once: mov r0, r1
        add r0, 5
        exit
        twice: mov r6, r1
        call local once
        mov r1, r0
        call local once
        mul r0, r6
        exit''', 39)
    f.case('a call whose target lies before the caller', '''
        ja main
        main: mov r1, 2
        call local b
        exit
        a: mov r0, r1
        lsh r0, 3
        exit
        b: call local a
        add r0, 1
        exit''', 17)
    return f
