"""jobs.py - the programs whose functions are compared, each with one deterministic thing to do."""
import pathlib
import shutil
import subprocess

import get
import inputs
import programs
from runs import Job, Missing

UNAVAILABLE = (Missing, get.Missing)

NINJA = ('ls src/*.cc | grep -v -e test -e win32 -e msvc -e bench -e browse |'
         ' xargs {0} -std=c++11 -O2 -g -w -o ninja-g')
get.BUILDS.update({
    'sqlite3-clang': ('sqlite3', ['./configure --disable-tcl --disable-readline --disable-shared',
                                  'make sqlite3.c shell.c',
                                  'clang -O2 -g -o sqlite3-g shell.c sqlite3.c -lm -ldl -lpthread'],
                      'sqlite3-g'),
    'xz-clang': ('xz-utils', ['CC=clang ./configure --disable-shared --disable-nls --disable-doc '
                              '--disable-scripts --disable-lzmadec --disable-lzmainfo',
                              'make -j2'], 'src/xz/xz'),
    'zstd-clang': ('libzstd', ['make -C programs -j2 zstd-release CC=clang HAVE_ZLIB=0 HAVE_LZMA=0 '
                               'HAVE_LZ4=0 MOREFLAGS="-O2 -g"'], 'programs/zstd'),
    'gawk-clang': ('gawk', ['CC=clang ./configure --disable-nls --disable-extensions '
                            '--without-readline --without-mpfr', 'make -j2 -C support',
                            'make -j2 gawk'], 'gawk'),
    'ninja': ('ninja-build', [NINJA.format('g++')], 'ninja-g'),
    'ninja-clang': ('ninja-build', [NINJA.format('clang++')], 'ninja-g'),
})


class Kit:
    def __init__(self, utramp, parts, cache, scratch):
        self.utramp = pathlib.Path(utramp).resolve()
        self.parts = pathlib.Path(parts).resolve()
        self.scratch = scratch
        self._cache, self._opened = cache, None

    @property
    def cache(self):
        self._opened = self._opened or get.Cache(self._cache)
        return self._opened

    def part(self, name):
        path = self.parts / name
        if not path.exists():
            raise Missing(f'{name} was not built')
        return path

    def of_whole(self, program):
        """A program of tests/whole, with what it works on."""
        return next(p for p in programs.PROGRAMS if p.name == program).setup(self)


def sqlite(exe):
    return Job('', [exe, '-batch', '-init', 'sql', 'x.db', '.dump'], [f'{exe.name}:*'],
               {'sql': inputs.statements(150)})


def xz(exe):
    return Job('', [exe, '-k', '-c', '-6', '-T1', '--x86', '--delta=dist=4', '--lzma2=preset=2', 'mixed'],
               [f'{exe.name}:*'], {'mixed': inputs.mixed(150_000)})


def unxz(exe):
    packed = subprocess.run([exe, '-c', '-6', '-T1'], input=inputs.mixed(150_000), capture_output=True,
                            check=True).stdout
    return Job('', [exe, '-d', '-c', '-T1', 'mixed.xz'], [f'{exe.name}:*'], {'mixed.xz': packed})


def zstd(exe, *how):
    return Job('', [exe, '-c', '-q', '--single-thread', '--no-asyncio', *how, 'mixed'], [f'{exe.name}:*'],
               {'mixed': inputs.mixed(150_000)})


def unzstd(exe):
    packed = subprocess.run([exe, '-c', '-19', '-q'], input=inputs.mixed(150_000), capture_output=True,
                            check=True).stdout
    return Job('', [exe, '-d', '-c', '-q', '--no-asyncio', 'mixed.zst'], [f'{exe.name}:*'], {'mixed.zst': packed})


def gawk(exe):
    return Job('', [exe, '-f', 'script', 'words'], [f'{exe.name}:*'],
               {'script': inputs.AWK, 'words': inputs.words(120)})


NINJA_FILE = '''
rule cc
  command = cc $flags -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = CC $out
pool heavy
  depth = 2
flags = -O2
''' + ''.join(f'build o/{i}.o: cc s/{i}.c | h{i % 7} || gen\n  flags = $flags -D{i}\n' for i in range(60)) + \
    ''.join(f'build h{i}: phony\n' for i in range(7)) + 'build gen: phony\nbuild all: phony ' + \
    ' '.join(f'o/{i}.o' for i in range(60)) + '\ndefault all\n'


def ninja(exe):
    return Job('', [exe, '-n', '-v', '-d', 'explain', '-d', 'stats', '-j', '1', 'all'], [f'{exe.name}:*'],
               {'build.ninja': NINJA_FILE, **{f's{i}': '' for i in range(3)}})


SCRIPT = '''
import json, re, struct, math, collections, decimal, functools, io, itertools, string, hashlib
class A:
    __slots__ = ('x', 'y')
    def __init__(self, x): self.x = x; self.y = [x] * 3
    def __eq__(self, o): return self.x == o.x
    def __hash__(self): return hash(self.x)
    @property
    def twice(self): return self.x * 2
def gen(n):
    for i in range(n):
        got = yield i
        if got: return got
d = {f'k{i}': (i, i / 3, str(i), [i] * (i % 4), {'a': None, 'b': True}) for i in range(200)}
print(len(json.dumps(d, indent=1)), json.loads(json.dumps(d))['k7'])
print(re.sub(r'(\\w+) (\\w+)', r'\\2 \\1', 'the quick brown fox ' * 9)[:60], re.findall('[a-c]+|x{2,}', 'abcxxab'))
print(struct.unpack('<iQdh5s', struct.pack('<iQdh5s', -5, 1 << 60, 2.5, 7, b'abc')))
print(math.factorial(30) % 97, 2 ** 300 // 7 ** 20, math.sqrt(2), round(2.675, 2), hex(12345678901234567890))
print(sorted(d, key=lambda k: (-len(k), k))[:5], sum(gen(50)), {A(i % 5) for i in range(9)} and 5)
print(f'{math.pi:>12.4f}|{-3:+05d}|{"x":^5}', '%s %r %x' % (1, 'q', 255), 'aXbX'.split('X'), 'abc'.encode('utf-16'))
try:
    {}['no']
except KeyError as e:
    print(repr(e))
print(decimal.Decimal(1) / 7, functools.reduce(lambda a, b: a ^ b, range(100)), list(itertools.permutations('abc'))[3])
print(io.StringIO('a\\nb\\n').readlines(), bytes(range(5)).hex(), bytearray(b'abc')[::-1], memoryview(b'abcd')[1:3].tobytes())
print({1, 2, 3} & {2, 3, 4}, frozenset('ab') | {'c'}, [*range(9)][::2], (1, 2) + (3,), slice(1, 2, 3), complex(1, 2) ** 2)
print(collections.Counter('abracadabra').most_common(2), collections.OrderedDict(a=1), collections.deque([1, 2], 1))
match d['k3']:
    case (int(a), float(b), *rest): print(a, b, len(rest))
print(string.Template('$a').substitute(a=1), 'ÄÖü ß 漢字'.upper().casefold(), compile('x+1', 'f', 'eval').co_code[:2])
exec('x: int = 5\\nwith open("f", "w") as f: f.write(str(x))\\nimport f_none' if False else 'x = 5; del x')
'''


def python(kit):
    root = kit.cache.unpacked('python', get.PYTHON)
    exe = root / 'usr/bin/python3.11'
    return Job('', [exe, '-S', '-E', '-s', 'script.py'], ['python3.11:*'], {'script.py': SCRIPT},
               {'PYTHONHOME': str(root / 'usr'), 'PYTHONHASHSEED': '0', 'PYTHONDONTWRITEBYTECODE': '1'},
               [get.debug_file(exe, root)], [root / 'usr/lib/debug'])


def perl(kit):
    tree = kit.cache.unpacked('perl', ['perl-debug'])
    exe = programs.need('perl')
    return Job('', [exe, 'script'], ['perl:*'],
               {'script': inputs.PERL.replace('my $pid = fork() // die;', 'my $pid = 0;')
                .replace('if (!$pid) { exit fib(10) % 50 }', 'print fib(10), "\\n";')
                .replace('1 .. 5000', '1 .. 200').replace('1 .. 300', '1 .. 20').replace('fib(17)', 'fib(6)')
                .replace('select undef, undef, undef, 9', '1').replace('kill USR1 => $$', 'die "signal\\n"')
                .replace('waitpid $pid, 0;', '$? = 0;'), 'mixed': inputs.mixed(2_000)},
               {'PERL_HASH_SEED': '0', 'PERL_PERTURB_KEYS': '0'},
               [get.debug_file(exe, tree)], [tree / 'usr/lib/debug'])


def thrower(kit, name):
    return Job('', [kit.part('../whole/' + name), '40'], [f'{name}:*'])


def libc(kit):
    """Under programs that use much of it; types from libc6-dbg."""
    if not pathlib.Path('/usr/lib/debug/.build-id').is_dir():
        raise Missing('libc6-dbg is not installed')
    job = gawk(kit.cache.built('gawk'))
    job.specs = ['libc.so.6:*', 'libm.so.6:*']
    return job


def own(kit):
    """The tool itself, at its work on a file."""
    exe = kit.part('../abi/values-g++-O2')
    copy = kit.scratch / 'copy' / 'utramp'       # told from the one that traces by its path
    copy.parent.mkdir()
    shutil.copy(kit.utramp, copy)
    return Job('', [copy, 'code', f'{exe}:f_whole'], ['utramp:*'])


def values(kit, compiler):
    """A function for each form of value; see docs/values.md."""
    exe = kit.part(f'../abi/values-{compiler}-O2')
    return Job('', [exe], [f'{exe.name}:*'])


JOBS = {
    'utramp': own,
    'values g++': lambda kit: values(kit, 'g++'),
    'values clang++': lambda kit: values(kit, 'clang++'),
    'sqlite3': lambda kit: sqlite(kit.cache.built('sqlite3')),
    'sqlite3 clang': lambda kit: sqlite(kit.cache.built('sqlite3-clang')),
    'gawk': lambda kit: gawk(kit.cache.built('gawk')),
    'gawk clang': lambda kit: gawk(kit.cache.built('gawk-clang')),
    'xz': lambda kit: xz(kit.cache.built('xz')),
    'xz clang': lambda kit: xz(kit.cache.built('xz-clang')),
    'unxz': lambda kit: unxz(kit.cache.built('xz')),
    'unxz clang': lambda kit: unxz(kit.cache.built('xz-clang')),
    'zstd': lambda kit: zstd(kit.cache.built('zstd'), '-3'),
    'zstd clang': lambda kit: zstd(kit.cache.built('zstd-clang'), '-3'),
    'zstd -19': lambda kit: zstd(kit.cache.built('zstd'), '-19', '--long'),
    'zstd -19 clang': lambda kit: zstd(kit.cache.built('zstd-clang'), '-19', '--long'),
    'unzstd': lambda kit: unzstd(kit.cache.built('zstd')),
    'unzstd clang': lambda kit: unzstd(kit.cache.built('zstd-clang')),
    'ninja': lambda kit: ninja(kit.cache.built('ninja')),
    'ninja clang': lambda kit: ninja(kit.cache.built('ninja-clang')),
    'python3': python,
    'perl': perl,
    'thrower': lambda kit: thrower(kit, 'thrower'),
    'thrower_calls': lambda kit: thrower(kit, 'thrower_calls'),
    'libc': libc,
}
SHORT = ['utramp', 'values g++', 'values clang++']
