#!/usr/bin/env python3
"""functions.py OUT N SEED - C source of N functions of random signatures, and of what checks them.

Function I is cIIII(); call_of[I](r) makes its arguments of the number r and calls it;
value_of[I](r) computes the same without a call.  Both give 64 bits.
"""
import random
import sys

TYPES = {'long': '(long)x', 'int': '(int)x', 'short': '(short)x', 'unsigned char': '(unsigned char)x',
         'unsigned': '(unsigned)x', 'double': '(double)(x & 0xfffff) / 64', 'float': '(float)(x & 0xffff) / 8'}

HEAD = '''/* by functions.py */
#include "victim.h"

#define TRACED __attribute__((noinline))
#define BODY   static inline __attribute__((always_inline))

static inline uint64_t next(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r;
}
'''


def function(rnd, i):
    types = [rnd.choice(list(TYPES)) for _ in range(rnd.randrange(1, 13))]
    ret = rnd.choice(['long', 'long', 'int', 'double'])
    params = ', '.join(f'{t} a{k}' for k, t in enumerate(types))
    names = ', '.join(f'a{k}' for k in range(len(types)))
    # sums of doubles that are multiples of 1/64 below 2^40: exact in any order
    terms = [f'({ret})(a{k} * {rnd.randrange(1, 99)})' if ret == 'double' or t not in ('double', 'float')
             else f'({ret})(long)(a{k} * 64)' for k, t in enumerate(types)]
    if ret != 'double':
        terms = [f'(uint64_t){x}' for x in terms]
    # none is as another: gcc would merge them (-fipa-icf)
    terms.append(str(i))
    body = f' {"+" if ret == "double" else rnd.choice("+^")} '.join(terms)
    args = ''.join(f'\tx = next(&r);\n\ta{k} = {TYPES[t]};\n' for k, t in enumerate(types))
    made = ''.join(f'\t{t} a{k};\n' for k, t in enumerate(types)) + '\tuint64_t x;\n\n' + args
    return (f'\nBODY {ret} body_{i:04}({params})\n{{\n\treturn ({ret})({body});\n}}\n'
            f'TRACED {ret} c{i:04}({params})\n{{\n\t__asm__ volatile("" ::: "memory");\n'
            f'\treturn body_{i:04}({names});\n}}\n'
            f'static uint64_t call_{i:04}(uint64_t r)\n{{\n{made}\treturn bits_{ret}(c{i:04}({names}));\n}}\n'
            f'static uint64_t value_{i:04}(uint64_t r)\n{{\n{made}'
            f'\treturn bits_{ret}(body_{i:04}({names}));\n}}\n')


def main():
    out, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rnd = random.Random(seed)
    text = HEAD + ''.join(function(rnd, i) for i in range(n))
    for what in ('call', 'value'):
        text += f'\nuint64_t (*const {what}_of[{n}])(uint64_t) = {{\n'
        text += ''.join(f'\t{what}_{i:04},\n' for i in range(n)) + '};\n'
    with open(out, 'w') as f:
        f.write(text)


main()
