#!/usr/bin/env python3
"""package_test.py SOURCE BUILD - what `make deb` and `make install` give, used as their users do.  TAP.

The package is built in BUILD/package, unpacked, and its demo run there.  Then the same build is
installed with another PREFIX below a DESTDIR, and programs are built against it by pkg-config.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source, build = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
here = pathlib.Path(__file__).resolve().parent
tmp = pathlib.Path(tempfile.mkdtemp(prefix='package-'))
ENV = {k: v for k, v in os.environ.items() if k not in ('DESTDIR', 'PREFIX', 'LD_LIBRARY_PATH')}
ENV['LC_ALL'] = 'C'
PREFIX = '/opt/a folder'.replace(' ', '-')
points = []


def point(ok, name, why=''):
    points.append(bool(ok))
    print('ok' if ok else 'not ok', len(points), '-', name.replace('#', ''), flush=True)
    for line in [] if ok else str(why).splitlines()[-25:]:
        print('#', line[:400])
    return ok


def run(*argv, env=None, **kw):
    return subprocess.run([str(a) for a in argv], env={**ENV, **(env or {})}, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, cwd=tmp, timeout=900, **kw)


def ends(name, r):
    return point(r.returncode == 0, name, r.stdout + r.stderr)


def files(tree):
    return {str(p.relative_to(tree)) for p in tree.rglob('*') if not p.is_dir()}


def parts(tree, zipped=''):
    """What must lie in an installed tree, by the folders of the source: none is named here."""
    lib = subprocess.run(['gcc', '-print-multiarch'], capture_output=True, text=True).stdout.strip()
    want = {'bin/utramp', 'bin/utramp-demo', 'share/bash-completion/completions/utramp'}
    want |= {f'lib/{lib}/{n}' for n in ('libutramp.a', 'libutramp.so', 'libutramp.so.0',
                                        'pkgconfig/utramp.pc', 'pkgconfig/utramp-static.pc')}
    want |= {f'include/utramp/{p.name}' for p in (source / 'include/utramp').iterdir()}
    want |= {f'share/man/man1/{p.name}{zipped}' for p in (source / 'man').glob('*.1')}
    for top in ('examples', 'examples/prebuilt'):
        want |= {f'share/utramp/examples/{p.name}' for p in (source / top).glob('*.*')
                 if p.suffix in ('.c', '.o')}
    if (source / 'share/utramp').is_dir():
        want |= {f'share/{n}' for n in files(source / 'share')}
    have = files(tree)
    point(want <= have, 'everything is there', sorted(want - have))
    point(any(re.fullmatch('share/zsh/(vendor-completions|site-functions)/_utramp', n) for n in have),
          'zsh completion is there', sorted(have))
    return tree / 'lib' / lib


def shows_calls(r):
    return ends('the demo from there', r) and \
        point('columns: {db=0x' in r.stdout and re.search('seven\\(.* = ', r.stdout)
              and r.stdout.count('unchanged') == 2, 'and it shows calls', r.stdout)


def package():
    r = run(source / 'packaging/make-deb.sh', build)
    if not ends('make deb', r):
        return
    deb = pathlib.Path(r.stdout.splitlines()[-1])
    version = re.search(r"version: '([\d.]+)'", (source / 'meson.build').read_text())[1]
    point(deb.name == f'utramp_{version}_amd64.deb', 'its name', deb)
    first = deb.read_bytes()
    r = run(source / 'packaging/make-deb.sh', build)
    point(r.returncode == 0 and deb.read_bytes() == first, 'made again: the same bytes', r)
    field = dict(re.findall(r'^(\S+): (.*)$', run('dpkg-deb', '-f', deb).stdout, re.M))
    point(field['Package'] == 'utramp' and field['Version'] == version, 'its fields', field)
    point({'libc6', 'libdw1', 'libelf1', 'zlib1g'} <= set(re.findall(r'[\w.+-]+(?= \(>=)', field['Depends']))
          and 'libzydis' in field['Depends'] and '-dev' not in field['Depends'],
          'it depends on the libraries', field['Depends'])
    tree = tmp / 'unpacked'
    ends('dpkg-deb -x', run('dpkg-deb', '-x', deb, tree))
    ends('dpkg-deb -e', run('dpkg-deb', '-e', deb, tmp / 'control'))
    sums = (tmp / 'control/md5sums').read_text()
    point({x.split(maxsplit=1)[1] for x in sums.splitlines()} ==
          {n for n in files(tree) if not (tree / n).is_symlink()}, 'md5sums name every file')
    r = subprocess.run(['md5sum', '-c', '--quiet', tmp / 'control/md5sums'], cwd=tree, env=ENV,
                       capture_output=True, text=True)
    ends('and are right', r)
    point({p.name for p in tree.iterdir()} == {'usr'}, 'all lies in /usr', list(tree.iterdir()))
    parts(tree / 'usr', '.gz')
    for n in ('copyright', 'changelog.gz'):
        point((tree / 'usr/share/doc/utramp' / n).is_file(), n)
    here_named = [n for n in files(tree) if not (tree / n).is_symlink()
                  and str(source).encode() in (tree / n).read_bytes()]
    point(not here_named, 'no file names the folder it was built in', here_named)
    if shutil.which('lintian'):
        r = run('lintian', '--allow-root', '--fail-on', 'error,warning', deb)
        point(r.returncode == 0, 'lintian has nothing to say', r.stdout)
    else:
        point(True, 'lintian # SKIP not installed'.replace('#', ''))
    point(run(tree / 'usr/bin/utramp', '--version').stdout == f'utramp {version}\n', 'utramp --version')
    if shutil.which('sqlite3'):
        shows_calls(run(tree / 'usr/bin/utramp-demo'))
    r = run(tree / 'usr/bin/utramp-demo', 'x')
    point(r.returncode == 2 and 'usage' in r.stderr, 'the demo takes no argument', r)
    path = tmp / 'path'
    path.mkdir()
    for tool in ('sh', 'dirname', 'readlink'):
        path.joinpath(tool).symlink_to(shutil.which(tool))
    r = run(tree / 'usr/bin/utramp-demo', env={'PATH': str(path)})
    point(r.returncode == 1 and 'apt-get install sqlite3' in r.stderr,
          'the demo without sqlite3 says what to install', r)


def needed(exe):
    return re.findall(r'NEEDED.*\[(.*)\]', run('readelf', '-dW', exe).stdout)


def make(name, src, flags, *more):
    exe = tmp / name
    r = run('cc', '-o', exe, src, *more, *flags)
    return exe if ends(f'{name} is built', r) else None


def flags_of(tree, *args):
    where = next((tree).rglob('pkgconfig'))
    r = run('pkg-config', *args, env={'PKG_CONFIG_PATH': str(where),
                                      'PKG_CONFIG_SYSROOT_DIR': str(tmp / 'dest')})
    ends(f'pkg-config {" ".join(args)}', r)
    return r.stdout.split()


def works(exe, env=None):
    r = run(exe, '/bin/sh', '-c', 'exit 42', env=env)
    point((r.returncode, r.stdout, r.stderr) == (0, '42\n', ''), f'{exe.name} runs', r)


def two_libbpfs(tree, exe, env):
    bad = tmp / 'bad.bpf.o'
    bad.write_bytes((tree / 'share/utramp/examples/many.bpf.o').read_bytes()[:700])
    r = run(exe, tree / 'libexec/utramp/many', tree / 'share/utramp/examples/many.bpf.o', bad, env=env)
    if not ends('libutramp beside a libbpf of the program', r):
        return
    fact = dict(x.split(' ', 1) for x in r.stdout.splitlines() if re.match(r'[a-z-]+ ', x))
    for what in ('map', 'call'):
        point(fact[f'{what}-before'] == fact[f'{what}-during'] == fact[f'{what}-after'],
              f'its own bpf(2) is the kernel\'s before, during and after: {what}', fact)
    point('memfd' not in fact['map-during'], 'and no map of ours', fact)
    point(fact['status'] == '0' and int(fact['lines']) > 4, 'while libutramp traces', fact)
    point(fact['bad'] == 'refused' and fact['heard-of-theirs'] == '0',
          'what libutramp\'s libbpf has to say does not reach the program\'s callback', fact)
    point(fact['own'] == 'refused' and fact['heard-of-own'] == 'something',
          'what its own has to say does', fact)
    point(fact['fentry-is'] == 'tracing', 'its sections are libbpf\'s own', fact)


def user_of_meson(tree):
    """dependency(static: true) is how projects ask for pkg-config --static."""
    d = tmp / 'project'
    d.mkdir()
    shutil.copy(source / 'tests/cli/api_user.c', d)
    d.joinpath('meson.build').write_text(
        "project('user', 'c')\nexecutable('user', 'api_user.c',\n"
        "  dependencies: dependency('utramp', static: true))\n")
    where = next(tree.rglob('pkgconfig'))
    env = {'PKG_CONFIG_PATH': str(where), 'PKG_CONFIG_SYSROOT_DIR': str(tmp / 'dest')}
    if ends('meson setup of a project', run('meson', 'setup', d / 'build', d, env=env)) and \
            ends('its build', run('ninja', '-C', d / 'build')):
        point('libutramp.so.0' not in needed(d / 'build/user'), 'static: true links the archive',
              needed(d / 'build/user'))
        works(d / 'build/user')


def install():
    r = run(source / 'packaging/install.sh', build / 'package', PREFIX,
            env={'DESTDIR': str(tmp / 'dest')})
    if not ends('make install PREFIX=... DESTDIR=...', r):
        return
    tree = tmp / 'dest' / PREFIX[1:]
    point({p.name for p in (tmp / 'dest').iterdir()} == {'opt'}, 'all lies below PREFIX')
    lib = parts(tree)
    path = {'LD_LIBRARY_PATH': str(lib)}
    user = source / 'tests/cli/api_user.c'
    shared = flags_of(tree, '--cflags', '--libs', 'utramp')
    if exe := make('shared', user, shared):
        point('libutramp.so.0' in needed(exe) and 'libelf.so.1' not in needed(exe),
              'it needs libutramp.so.0 and no library of that', needed(exe))
        works(exe, path)
    if exe := make('static', user, flags_of(tree, '--cflags', '--libs', 'utramp-static')):
        point('libutramp.so.0' not in needed(exe), 'it has the archive in it', needed(exe))
        works(exe)
    point({'-l:libelf.so', '-l:libdw.so', '-lz', '-lZydis'} <= set(flags_of(tree, '--static', '--libs', 'utramp')),
          'pkg-config --static has what the archive needs')
    user_of_meson(tree)
    if exe := make('two_libbpf', here / 'two_libbpf.c', shared, '-lbpf'):
        two_libbpfs(tree, exe, path)
    if exe := make('loaded', here / 'loaded.c', []):
        r = run(exe, lib / 'libutramp.so.0')
        point(r.returncode == 0 and len(set(r.stdout.split())) == 1, 'dlopen, dlclose, dlopen', r)
    obj = tmp / 'count.bpf.o'
    r = run('clang', '-target', 'bpf', '-O2', '-g', f'-I{tree}/include',
            '-I/usr/include/x86_64-linux-gnu', '-c', tree / 'share/utramp/examples/count.bpf.c', '-o', obj)
    ends('an installed example compiles with the installed headers', r)
    r = run(build / 'package/utramp', 'list', '/nonexistent:x')
    point(r.returncode != 0, 'the build is as it was')
    r = run(source / 'packaging/install.sh', build / 'package', 'relative')
    point(r.returncode == 2 and 'absolute' in r.stderr, 'a relative PREFIX is refused', r)


package()
install()
shutil.rmtree(tmp)
print(f'1..{len(points)}')
sys.exit(0 if all(points) else 1)
