#!/usr/bin/env python3
"""expr_gen.py N SEED - a C test of N random conditions over integers, for expr_rig.h.

Each is compiled by the C compiler and by gen/expr, and both engines must agree with C.  What C
leaves undefined is not made: shifts are in range, divisors are 3 and more (a compiler may turn
-(a / 1) into a / -1), overflow wraps (-fwrapv).
"""
import random
import sys

PARAMS = [('signed char', 'c', 'v'), ('unsigned char', 'uc', 'x'), ('short', 's', 'x'),
          ('unsigned short', 'us', 'v'), ('int', 'i', 'v'), ('unsigned', 'u', 'x'), ('long', 'l', 'x'),
          ('unsigned long', 'ul', 'v'), ('_Bool', 'b', '(v ^ x) & 1')]
NAMES = [p[1] for p in PARAMS] + ['ret']
CONSTANTS = ['0', '1', '2', '7', '-1', '127', '128', '255', '256', '32767', '32768', '65535', '65536',
             '2147483647', '0x80000000', '0xffffffff', '4294967296', '0x7fffffffffffffff',
             '18446744073709551615u', '1u', '3l', '5ul', "'a'", "'\\xff'", '0777', '-2147483647 - 1']
VALUES = ['0', '1', '-1', '2', '-2', '7', '100', '127', '128', '-128', '255', '256', '32767', '32768',
          '65535', 'INT_MAX', 'INT_MIN', '0x80000000', '0xffffffff', '0x100000000', 'LONG_MAX', 'LONG_MIN',
          '12345678', '0x123456789a']
PER_GROUP = 100                         # expr_rig.h's cache has 192 places


def atom(r):
    return r.choice(NAMES) if r.random() < .75 else f'({r.choice(CONSTANTS)})'


def value(r, depth):
    if depth <= 0 or r.random() < .2:
        return atom(r)
    kind = r.random()
    if kind < .55:
        return f'({value(r, depth - 1)} {r.choice("+-*&|^")} {value(r, depth - 1)})'
    if kind < .65:
        return f'({value(r, depth - 1)} {r.choice(["<<", ">>"])} ({r.choice(NAMES)} & 31))'
    if kind < .75:
        return f'({value(r, depth - 1)} {r.choice("/%")} (({value(r, depth - 2)} & 127) + {r.choice([3, 1000])}))'
    if kind < .87:
        return f'{r.choice(["-", "~", "+", "!", "- -", "~-"])}({value(r, depth - 1)})'
    return f'({condition(r, depth - 1)})'


def condition(r, depth):
    kind = r.random()
    if depth <= 0 or kind < .6:
        return f'{value(r, depth - 1)} {r.choice(["==", "!=", "<", "<=", ">", ">="])} {value(r, depth - 1)}'
    if kind < .8:
        return f'({condition(r, depth - 1)}) {r.choice(["&&", "||"])} ({condition(r, depth - 1)})'
    if kind < .9:
        return f'!({condition(r, depth - 1)})'
    operators = ['+', '-', '*', '&', '|', '^', '==', '<', '>=', '&&', '||', '!=']
    return atom(r) + ''.join(f' {r.choice(operators)} {atom(r)}' for _ in range(r.randint(2, 6)))


def main():
    n, r = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    groups = (n + PER_GROUP - 1) // PER_GROUP
    print('#include "expr_rig.h"\n#include <limits.h>')
    print('static const int64_t values[] = {', ', '.join(VALUES), '};')
    for g in range(groups):
        print(f'static void row{g}(struct group *group, int64_t v, int64_t x)\n{{')
        for k, (ctype, name, of) in enumerate(PARAMS):
            print(f'\t{ctype} {name} = ({ctype})({of});\n\tgroup->ctx[{2 + k}] = (uint64_t){name};')
        print(f'\tunsigned ret = (unsigned)(v ^ x);\n\tgroup->ctx[{2 + len(PARAMS)}] = ret;')
        for _ in range(min(PER_GROUP, n - g * PER_GROUP)):
            print(f'\tC({condition(r, r.randint(1, 4))});')
        signature = ', '.join(f'{ctype} {name}' for ctype, name, _ in PARAMS)
        print(f'}}\nstatic void group{g}(void **state)\n{{\n\tstruct group g;\n'
              f'\tgroup_init(&g, "unsigned f({signature})");\n'
              f'\tfor (size_t k = 0; k < ARRAY_LEN(values); k++)\n'
              f'\t\tfor (size_t n = 0; n < ARRAY_LEN(values); n += 1 + n % 3)\n'
              f'\t\t\trow{g}(&g, values[k], values[n]);\n\tgroup_fini(&g);\n}}')
    print('int main(void)\n{\n\tconst struct CMUnitTest tests[] = {')
    for g in range(groups):
        print(f'\t\tcmocka_unit_test(group{g}),')
    print('\t};\n\treturn cmocka_run_group_tests(tests, expr_start, expr_stop);\n}')


if __name__ == '__main__':
    main()
