"""get.py - programs that are not installed: sources built with -g, packages unpacked, in a cache.

Debian's archive by apt-get, with lists of our own, so nothing of the system's is changed and no
root is needed.  Missing(why) when it cannot be had: the caller skips, by name.
"""
import os
import pathlib
import shutil
import subprocess

SUITES = '''deb-src http://deb.debian.org/debian bookworm main
deb-src http://deb.debian.org/debian-security bookworm-security main
'''
# What is built: by which source package, by which commands in its directory, to which file.
BUILDS = {
    'sqlite3': ('sqlite3', ['./configure --disable-tcl --disable-readline --disable-shared',
                            'make sqlite3.c shell.c',
                            'gcc -O2 -g -o sqlite3-g shell.c sqlite3.c -lm -ldl -lpthread'], 'sqlite3-g'),
    'xz': ('xz-utils', ['./configure --disable-shared --disable-nls --disable-doc '
                        '--disable-scripts --disable-lzmadec --disable-lzmainfo',
                        'make -j2'], 'src/xz/xz'),
    'zstd': ('libzstd', ['make -C programs -j2 zstd-release HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 '
                         'MOREFLAGS="-O2 -g"'], 'programs/zstd'),
    'gawk': ('gawk', ['./configure --disable-nls --disable-extensions --without-readline '
                      '--without-mpfr', 'make -j2 -C support', 'make -j2 gawk'], 'gawk'),
}
PYTHON = ['python3.11-minimal', 'libpython3.11-minimal', 'libpython3.11-stdlib',
          'python3.11-dbg', 'libpython3.11-testsuite']


class Missing(Exception):
    pass


def sh(command, cwd, log, env=None):
    with open(log, 'a') as f:
        print(f'+ {command}', file=f, flush=True)
        r = subprocess.run(command, shell=isinstance(command, str), cwd=cwd, stdout=f, stderr=f,
                           stdin=subprocess.DEVNULL, env=env)
    if r.returncode:
        said = pathlib.Path(log).read_text(errors='replace').splitlines()[-1]
        raise Missing(f'cannot be had: {said} (all of it: {log})')


class Cache:
    def __init__(self, where):
        self.dir = pathlib.Path(where).resolve()
        self.dir.mkdir(parents=True, exist_ok=True)
        self.log = self.dir / 'log'

    def _once(self, name, make):
        """A directory that make(dir) has filled, once for all."""
        path = self.dir / name
        if not (path / '.done').exists():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            make(path)
            (path / '.done').touch()
        return path

    def _apt(self):
        if not shutil.which('apt-get') or not shutil.which('dpkg-source'):
            raise Missing('needs Debian\'s apt-get and dpkg-dev')
        home = self.dir / 'apt'
        options = ['-o', f'Dir::Etc::sourcelist={home}/sources.list', '-o', 'Dir::Etc::sourceparts=/dev/null',
                   '-o', f'Dir::State::lists={home}/lists', '-o', f'Dir::Cache={home}/cache']

        def update(path):
            (path / 'sources.list').write_text(SUITES + SUITES.replace('deb-src', 'deb'))
            for name in ('lists/partial', 'cache/archives/partial'):
                (path / name).mkdir(parents=True)
            sh(['apt-get', *options, '-q', '--error-on=any', 'update'], path, self.log)
        self._once('apt', update)
        return ['apt-get', '-q', *options]

    def built(self, name):
        source, commands, product = BUILDS[name]

        def build(path):
            sh([*self._apt(), 'source', '--download-only', source], path, self.log)
            sh(f'dpkg-source --no-check -x {source}_*.dsc source || '
               'dpkg-source --no-check -x *.dsc source', path, self.log)
            env = dict(os.environ, CFLAGS='-O2 -g')
            for command in commands:
                sh(command, path / 'source', self.log, env)
        return self._once(f'built-{name}', build) / 'source' / product

    def unpacked(self, name, packages):
        """Packages' files below a directory; of the archive's versions, not the installed."""
        def unpack(path):
            for p in packages:
                sh([*self._apt(), 'download', p], path, self.log)
            for deb in path.glob('*.deb'):
                sh(['dpkg-deb', '-x', deb.name, 'root'], path, self.log)
                deb.unlink()
        return self._once(f'unpacked-{name}', unpack) / 'root'


def debug_file(module, tree):
    """module's debug file in a tree, by build-id."""
    text = subprocess.run(['readelf', '-n', module], capture_output=True, text=True).stdout
    build_id = text.partition('Build ID: ')[2].split()
    path = build_id and tree / f'usr/lib/debug/.build-id/{build_id[0][:2]}/{build_id[0][2:]}.debug'
    if not path or not path.exists():
        raise Missing(f'no debug file of {module}')
    return path
