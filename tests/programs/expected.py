"""expected.py - what each program of src/ must have seen of the victim's calls.

victim.c's calls are computed here once more; results() of a program gives what `utramp run -j`
must print: variables by name, elements and records of maps, without what differs from run to run.
"""
import struct

SUM = 708277  # victim.c's own


def open_calls():
    paths = ['/etc/passwd', '/etc/hosts', 'relative/x', '',
             '/tmp/a-name-that-is-long-enough-to-be-cut-somewhere', '/proc/self/maps']
    for i in range(60):
        path, flags = paths[i % 6], i & 3
        yield path, flags, i, -2 if i % 5 == 0 else 3 + i + path.startswith('/') + flags


def run_calls():
    commands = ['ls -l /tmp', 'cc -O2 -c x.c -o x.o', 'true', 'seq' + ' one-more' * 39]
    for i in range(12):
        argv = commands[i % 4].split()
        yield argv, len(argv) + argv[0].startswith('c')


def transfer_calls():
    for i in range(200):
        conn, n = i % 4, i * i * 7 % 5000
        yield conn, n, -5 if conn == 3 and n % 7 == 0 else n


def byte_at(i):
    return i * 7 + 1 & 255


def list_calls():
    """The values of each list, from its head."""
    for i in range(40):
        yield [k * k for k in range(i, -1, -1)]


def many_calls():
    for i in range(20):
        yield [i, 2 * i, -i, 200 + i & 255, i, i, i, i, 1000]


def wrap(v, bits=64):
    v &= (1 << bits) - 1
    return v


def log2(v):
    return max(v.bit_length() - 1, 0)


def opens():
    events = [{'tgid': ..., 'user': ..., 'took': ..., 'ret': ret, 'flags': flags, 'from': ...,
               'comm': 'programs-victim', 'path': path} for path, flags, _, ret in open_calls()]
    return {'sent': 60, 'failed': 12}, {'events': events}


def opens_path():
    names = ['', 'home', 'user', 'a-directory', 'b', 'c', 'deep']
    return {'too_deep': 0, 'unread': 0}, {'paths': [
        {'depth': i + 1, 'size': 1, 'first': names[i], 'last': ''} for i in range(7)]}


def execs():
    events = []
    for argv, _ in run_calls():
        shown = argv[:12]
        events.append({'words': len(shown) + (len(argv) > 12),
                       'bytes': sum(len(a) + 1 for a in shown), 'comm': 'programs-victim',
                       'text': argv[0]})
    return {}, {'execs': events}


def syscount():
    counts, by_ret = {}, {}
    for path, flags, mode, ret in open_calls():
        key = (mode % 8, flags, path.startswith('/'))
        n, failed, total = counts.get(key, (0, 0, 0))
        counts[key] = n + 1, failed + (ret < 0), total + ret
        by_ret[min(ret, 0)] = by_ret.get(min(ret, 0), 0) + 1
    return {}, {'counts': [({'mode': m, 'flags': f, 'absolute': a}, {'calls': n, 'failed': x, 'sum': s})
                           for (m, f, a), (n, x, s) in counts.items()],
                'by_ret': list(by_ret.items())}


def latency():
    return {'seen': 10, 'in_hist': 10, 'backwards': 0}, {}


def sizes():
    hists, steps = {}, [0] * 16
    for conn, n, ret in transfer_calls():
        total, slots = hists.setdefault((conn, ret < 0), ([0], [0] * 14))
        total[0] += n
        slots[min(log2(n), 13)] += 1
        steps[min(n // 500, 15)] += 1
    last = max(i for i in range(16) if steps[i])
    return {}, {
        'by_conn': [({'conn': c, 'failed': f}, {'total': t[0], 'slots': s})
                    for (c, f), (t, s) in hists.items()],
        'steps_hist': ('hist', steps[:last + 1])}


def strings():
    v = dict.fromkeys(('by_unrolled', 'by_loop', 'by_helper', 'slashes', 'longest', 'hashes', 'endings'), 0)
    for path, *_ in open_calls():
        s = path[:31]
        v['by_unrolled'] += s in ('/etc/host', 'relative/')
        v['by_loop'] += s.startswith('/etc/')
        v['by_helper'] += s == '/etc/passwd'
        v['slashes'] += s.count('/')
        v['longest'] = max(v['longest'], len(s) + 1)
        h = 0xcbf29ce484222325
        for c in s.encode():
            h = wrap((h ^ c) * 0x100000001b3)
        v['hashes'] = wrap(v['hashes'] + h)
        v['endings'] += s.endswith('ts')
    return v, {}


def loops():
    v = {'found': 0, 'steps': 0, 'sums': 0, 'filled': 20, 'table_sum': sum(i * i for i in range(19))}
    for values in list_calls():
        upto = values[:values.index(100) + 1] if 100 in values else values
        v['found'] += 100 in values
        v['steps'] += len(upto)
        v['sums'] += sum(upto)
    return v, {}


def each():
    sums, sized = {}, [0] * 8
    for conn, n, _ in transfer_calls():
        sums[conn] = sums.get(conn, 0) + n
        sized[n >> 10 & 7] += 1
    key = max(sums, key=sums.get)
    return {'best': {'key': key, 'value': sums[key], 'n': 4, 'sum': sum(sums.values())},
            'visited': 4, 'deleted': 3, 'arrays': sum(s * (i + 1) for i, s in enumerate(sized[:7]))}, \
        {'bytes': [(key, sums[key])]}


def ring_sizes():
    events, cut = [], 0
    for conn, n, _ in transfer_calls():
        if n == 0 or conn == 2:
            continue
        cut += n > 4096
        kept = min(n, 100)
        events.append({'conn': conn, 'len': n, 'kept': kept, 'data': [byte_at(i) for i in range(kept)]})
    return {'sent': len(events), 'cut': cut, 'lost': 0}, {'data': events}


def ring_paths():
    events, thrown = [], 0
    for argv, ret in run_calls():
        if ret > 20:
            thrown += 1
            continue
        events.append({'kind': 1, 'value': {1: -1, 3: 33}.get(ret, ret), 'text': argv[0]})
    for n in (8, 4, 0):  # of 9 to 0
        events += [{'kind': 2, 'value': -n, 'text': ''}] if n != 4 else []
        events.append({'kind': 3, 'value': n, 'text': ''})
    return {'thrown': thrown, 'none': 0}, {'calls': events}


def top():
    best = []
    for call, (conn, n, _) in enumerate(transfer_calls()):
        at = next((i for i, b in enumerate(best) if b['size'] < n), len(best))
        if at < 8 and n > 0:
            best.insert(at, {'size': n, 'conn': conn, 'call': call})
    return {'top': best[:8], 'used': 8, 'calls': 200}, {}


def leaks():
    kept = [10 + i for i in range(30) if i % 3 == 0]
    return {'open_allocs': len(kept), 'open_bytes': sum(kept), 'biggest': 39, 'stacks_differ': 0,
            'last_stack': ...}, {}


def stacks():
    return {'samples': 10, 'frames': ..., 'returns_here': 9, 'same_caller': 9}, {}


def request_calls():
    for i in range(30):
        yield i, (1, 2, 7)[i % 3], i % 5 != 0


def chains():
    events = []
    for i, method, peer in request_calls():
        events.append({
            'method': method, 'urgent': i & 1, 'retries': i & 15, 'weight': -i, 'bytes': 1 << i,
            'size': 100 * i, 'peer': 1000 + i if peer else 0, 'fd': i,
            'name': '' if not peer else 'odd.example' if i & 1 else 'even.example',
            'path': '/index', 'text': 'fine' if peer else 'nobody',
            'addr': [10, 0, 0, i] + [0] * 12 if peer else [0] * 16})
    return {'has_colour': -1, 'has_answer': 1, 'has_patch': 0, 'put_is': 2, 'conn_size': 2414,
            'urgent_seen': 15, 'nobody': 6}, {'req': events}


def follow():
    seen = list(request_calls())
    return {'by_method': [sum(m == k for _, m, _ in seen) for k in range(8)],
            'bytes': sum(1 << i for i, *_ in seen), 'retries': sum(i & 15 for i, *_ in seen),
            'weights': -sum(i for i, *_ in seen), 'nobody': sum(not p for *_, p in seen),
            'ids': sum(1000 + i for i, _, p in seen if p), 'names': sum(i & 1 for i, _, p in seen if p),
            'answers': sum(200 if p else 404 + 1 for *_, p in seen)}, {}


def lists():
    return {'read_sum': sum(sum(v[:32]) for v in list_calls()),
            'follow_sum': sum(sum(v[:32]) for v in list_calls()),
            'short_sum': sum(sum(v[:4]) for v in list_calls()),
            'cut': sum(len(v) > 32 for v in list_calls())}, {}


def functions():
    accs = [{'sum': 0, 'n': 0, 'min': 0, 'max': 0} for _ in range(2)]
    mixed = odd = words = seen = 0
    for conn, _, ret in transfer_calls():
        a, v = accs[conn & 1], min(max(ret, 0), 3000)
        a['sum'] += v
        a['min'] = v if not a['n'] else min(a['min'], v)
        a['max'] = max(a['max'], v)
        a['n'] += 1
        mixed = wrap(mixed * 31 + a['sum'])
        odd += (a['n'] & 1) + conn
        words += conn + a['max'] - a['min']
        seen += byte_at(conn)
    return {'mixed': mixed, 'odd_calls': odd, 'ctx_words': words, 'bytes': seen}, {'accs': list(enumerate(accs))}


def tails():
    trails = missing = ends = 0
    for a, *_ in many_calls():
        left, which, trail = a % 5, 0, 0
        while True:
            trail = trail * 10 + which + 1
            if not left:
                ends += 1
                trails += trail
                break
            left -= 1
            which = (which * 2 + left) % 4
            if which == 3:
                missing += 1
                break
    return {'trails': trails, 'missing': missing, 'ends': ends}, {}


def arguments():
    by_name = sum((k + 1) * v for args in many_calls() for k, v in enumerate(args))
    results = [sum(args) for args in many_calls()]
    return {'counts': 180, 'cookies': 0, 'function': ..., 'results': sum(results), 'nones': 20,
            'by_name': by_name, 'by_number': by_name, 'last': results[-1]}, {}


def session():
    return {'entries': 10, 'exits': 10, 'turned': sum(300 * i + 1 for i in range(10)), 'deepest': 9,
            'wrong': 0}, {}


def replace():
    return {'asked': 10, 'replaced': 2, 'skipped_list': 0}, {}


def replace_sum(version):
    """What the victim prints: two calls of spend() failed, enter() of the root gives 5000.

    spend()'s result is a long, the program's an int: what is in r0.  From cpu v3 on compilers negate in a
    32-bit register, whose upper half is 0 then, here as in the kernel."""
    half = 0 if version.endswith('v1') else 1 << 32
    return SUM - (300 + 11 - half) - (700 + 11 - half) + 5000


def wide():
    v, seen = {'high': 0, 'low': 0, 'shifted': 0, 'large': 0}, {}
    for i in range(20):
        x = (1 << 70) + i
        r = x * i
        v['high'] += x >> 64
        v['low'] += wrap(x)
        v['shifted'] += wrap(r >> 66)
        v['large'] += r > 1 << 72
        seen[wrap(r), r >> 64] = i
    return v, {'seen': [({'lo': lo, 'hi': hi}, by) for (lo, hi), by in seen.items()]}


def floats():
    v = {'negative': 0, 'above': 0, 'halves': 0, 'floats': 0, 'xs': 0, 'results': 0, 'bits': 0}
    exponents = [0] * 16
    for i in range(20):
        x, y = i * 0.5, i * 2.0
        v['above'] += x > 4.25
        v['halves'] += i
        v['floats'] += 2 * i
        v['xs'] += i
        v['results'] += int((x + y + i * 0.25) * 100)
        v['bits'] ^= struct.unpack('I', struct.pack('f', 0.25))[0]
        exponent = (struct.unpack('Q', struct.pack('d', x))[0] >> 52 & 0x7ff) - 1023 + 2
        if 0 <= exponent < 16:
            exponents[exponent] += 1
    return v, {'exponents_hist': ('var', exponents)}


def bounded():
    turns = [100 * i for i in range(10)]
    return {'cells': [sum(t > i for t in turns) for i in range(32)],
            'triangle': sum(t * (t - 1) // 2 for t in turns),
            'nested': 10 * sum(min(i, 5) for i in range(1, 12)),
            'walked': sum(map(sum, list_calls())), 'last': 40,
            'words': sum(min(len(a), 30) for a, _ in run_calls()),
            'cut': sum(len(a) > 30 for a, _ in run_calls())}, {}


def may_goto():
    return {'nodes': sum(map(len, list_calls())), 'sum': sum(map(sum, list_calls())),
            'letters': sum(len(p) for p, *_ in open_calls())}, {}


def sleepable():
    kept = [min(n, 24) for _, n, _ in transfer_calls()]
    return {'copied': sum(kept), 'failed': 0,
            'sums': sum(byte_at(i) for n in kept for i in range(n)), 'last': '/proc/se'}, {}


def nested():
    board = {'conn': [{'cell': [{'n': 0, 'bytes': 0, 'sizes': [0] * 5} for _ in range(5)],
                       'calls': 0} for _ in range(4)], 'last': 0}
    used = wrapped = tail = 0
    scratch = [0] * 512
    for conn, n, _ in transfer_calls():
        c = board['conn'][conn]
        c['calls'] += 1
        cell = c['cell'][n // 1000]
        cell['n'] += 1
        cell['bytes'] += n
        cell['sizes'][n & 3] += 1
        board['last'] = conn << 4 | n // 1000
        size = (n & 31) + 1
        if used > 480:
            used, wrapped = 0, wrapped + 1
        scratch[used:used + size] = [byte_at(i) for i in range(size)]
        tail += scratch[used + size - 1]
        used += size
    return {'refused': 0, 'wrapped': wrapped, 'tail_sum': tail}, {'boards': [(0, board)]}


def fields():
    sums = [0] * 4
    for conn, n, _ in transfer_calls():
        sums[0] += conn
        sums[1] += sum(byte_at(i) for i in range(5, 8))
        sums[2] += sum(n.to_bytes(8, 'little'))
    return {'misses': 0, 'taken': 200 * (4 + 3 + 8), 'sums': sums}, {}


def atomics():
    sizes_ = [n for _, n, _ in transfer_calls()]
    half = earlier = total = 0
    for n in sizes_:
        half ^= n
        earlier += total
        total += n
    return {'tokens': wrap(150 - 200), 'passed': 150, 'limited': 50, 'flags': 15, 'half': half,
            'highest': max(sizes_), 'owner': 1, 'ours': 1, 'total': total, 'earlier': earlier}, {}


def printing():
    names = ['idle', 'reading', 'writing', 'closed']
    state, moves, chars, printed = 0, [0] * 4, 0, []
    for conn, n, _ in transfer_calls():
        state = (1 if conn else 0, 2 if conn == 1 else 1, 3 if conn & 1 else 1, 0)[state]
        moves[state] += 1
        line = f'{names[state]}:{conn}:{n}:{state:x}'
        chars += len(line) + 1
        if n == 7:
            printed.append(f'{conn} {n} {names[state]} {state} 1')
    return {'line': line, 'last_name': names[state], 'chars': chars, 'moves': moves}, \
        {'printk': printed}


def percpu():
    sums = [[0, 0] for _ in range(4)]
    for conn, n, _ in transfer_calls():
        sums[conn][0] += 1
        sums[conn][1] += n
    total = sum(s[1] for s in sums)
    return {'all_calls': 200, 'all_bytes': total, 'hash_bytes': total}, {
        'stats': [(k, {'calls': s[0], 'bytes': s[1]}) for k, s in enumerate(sums)],
        'names': [(100 + k, {'calls': 1, 'bytes': s[1]}) for k, s in enumerate(sums)]}


def sniff():
    events = []
    for conn, n, _ in transfer_calls():
        for at in range(0, n, 512):
            size = min(n - at, 512)
            events.append({'conn': conn, 'total': n, 'at': at, 'size': size, 'comm': 'programs-victim',
                           'data': [byte_at(at + i) for i in range(size)]})
    return {'pieces': len(events), 'bytes': sum(e['size'] for e in events), 'too_large': 0}, \
        {'piece': events}


def multi():
    # serve, sum_list, spend
    return {'functions': 3, 'entries': 30 + 40 + 10, 'exits': 80, 'most_args': 1}, {}


def turns():
    """Of gcc/: the array's elements are all shown."""
    return {}, {'turns': [(k, 100 * k + 1 if k < 10 else 0) for k in range(16)]}


PROGRAMS = [f for f in list(globals().values())
            if callable(f) and f.__module__ == __name__ and not f.__name__.endswith('_calls')
            and f.__name__ not in ('byte_at', 'wrap', 'log2', 'replace_sum', 'turns')]
