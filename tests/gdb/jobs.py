"""jobs.py - the programs whose functions are compared, each with one deterministic thing to do."""
import pathlib
import shutil
import subprocess

import get
import inputs
import programs
from runs import Job, Missing

UNAVAILABLE = (Missing, get.Missing)

NINJA = ('ls src/*.cc | grep -v -e [.]in[.]cc -e test -e win32 -e msvc -e bench -e browse |'
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
    job.files['script'] = '\n'.join(x for x in inputs.AWK.split('\n') if 'sort' not in x and 'getline' not in x)
    job.specs = ['libc.so.6:*', 'libm.so.6:*']     # and no child: gdb follows the parent
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
    'perl': perl,
    'thrower': lambda kit: thrower(kit, 'thrower'),
    'thrower_calls': lambda kit: thrower(kit, 'thrower_calls'),
    'libc': libc,
}
SHORT = ['utramp', 'values g++', 'values clang++']
