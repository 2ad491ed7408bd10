#!/usr/bin/env python3
"""isa_test.py UTRAMP VICTIM OBJECT... - objects of several compilers for several CPU levels.  TAP.

Each is run on the victim's hundred calls of work(a, b = 5 a + 3, node); what its programs leave
in their variables is what this file computes for the same calls.
"""
import json
import os
import subprocess
import sys

utramp, victim, objects = sys.argv[1], sys.argv[2], sys.argv[3:]
engine = [f'--engine={os.environ["UTRAMP_TEST_ENGINE"]}'] if 'UTRAMP_TEST_ENGINE' in os.environ else []
calls = range(100)


def b_of(a):
    return 5 * a + 3


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> bits - 1 else v


def swap(v, n):
    return int.from_bytes((v & (1 << 8 * n) - 1).to_bytes(n, 'little'), 'big')


def result(a):
    return 777 if a == 50 else a * b_of(a) + 1000


def arithmetic():
    out = [0] * 8
    for a in calls:
        b = b_of(a)
        out[0] += b // 7
        out[1] += (a * 0x9e3779b1 & 0xffffffff) >> 7
        out[2] += signed(b, 8) + signed(b << 3, 16) + signed(b << 30, 32)
        out[3] += swap(a, 4) ^ swap(b, 8) ^ swap(a, 2)
        out[4] += -a if a < 50 else a >> 1
        out[5] += -(b // 3) + a % 5
    return [signed(v, 64) for v in out]


def atomics():
    bits = before = 0
    for a in calls:
        before = bits
        bits |= 1 << (a & 63)
    last, one = b_of(calls[-1]), b_of(calls[-2])
    return [len(calls), signed(before, 64), signed(bits, 64), one, last, one, last, 0]


def expected():
    def at(*rest):
        return sum(a % 6 in rest for a in calls)
    firsts = [a for a in calls if a % 6 in (1, 3)]
    n = len(calls)
    return {
        'loop_results': [100, 8, -7, -22, 10],  # -E2BIG, -EINVAL
        'loop_sums': {'plain': sum(range(100)) + sum(range(8)),
                      'nested': sum(sum(range(i)) for i in range(10)), 'stop': 7},
        'each_results': [n, n, 10, 10],
        'each_keys': [sum(calls), sum(calls), sum(range(10)), sum(range(10))],
        'each_values': [3 * v for v in (sum(calls), sum(calls), sum(range(10)), sum(range(10)))],
        'each_emptied': n * 1000,
        'tails_first': len(firsts), 'tails_arg': sum(map(b_of, firsts)), 'tails_cookies': 0,
        'tails_callers': len(firsts), 'tails_second': at(3), 'tails_itself': 33 * at(4),
        'tails_none': at(0, 2, 5), 'tails_late': n,  # in no map: attached
        'exit_results': sum(map(result, calls)), 'exit_helper': sum(map(result, calls)),
        'iter_sum': n * sum(range(3, 10)), 'iter_errors': -7 - 100 * 22,
        'cast_sum': sum(calls) + 1000 * n,
        'atomic_word': sum(map(b_of, calls)), 'atomic_half': 3 * n,
        'atomics': atomics(), 'arithmetic': arithmetic(),
        'may_goto_count': 8 << 20, 'ordered_result': b_of(0) + 42,
    }


def run(obj, *options):
    """What the victim printed, and the object's variables."""
    done = subprocess.run([utramp, 'run', *engine, '-q', '-j', *options, obj, '--', victim],
                          capture_output=True, text=True, timeout=60)
    if done.returncode or done.stderr:
        raise AssertionError(f'status {done.returncode}, stderr: {done.stderr}')
    lines = done.stdout.splitlines()
    values = [json.loads(line) for line in lines if line.startswith('{')]
    return [line for line in lines if not line.startswith('{')], \
        {v['var']: v['value'] for v in values if 'var' in v}


def differences(obj, *options):
    printed, got = run(obj, *options)
    want = expected()
    if printed != [str(sum(map(result, calls)))]:
        yield f'the program printed {printed}'
    for name in sorted(want.keys() | got.keys()):
        if got.get(name) != want.get(name):
            yield f'{name}: {got.get(name)}, not {want.get(name)}'


print(f'1..{len(objects)}')
bad = 0
for i, obj in enumerate(objects, 1):
    try:
        found = list(differences(obj))
    except AssertionError as e:
        found = [str(e)]
    print('not ok' if found else 'ok', i, '-', obj.rsplit('/', 1)[-1])
    for f in found:
        print('#', f)
    bad += bool(found)
sys.exit(1 if bad else 0)
