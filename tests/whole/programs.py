"""programs.py - the table: which programs, on what, with which functions traced.

A program's set-up gives what depends on where things lie; the rest is data.  A filter makes two
untraced runs equal: it has a name, and replaces nothing but what it says.
"""
import re
import shutil
import subprocess
from dataclasses import dataclass, field

import get
import inputs

# name: (what it takes out, [(pattern, replacement)])
FILTERS = {
    'unittest-seconds': ('how long the tests took', [
        (r'(?m)^(Ran \d+ tests in )[0-9.]+s$', r'\1N s')]),
    'speed-figures': ('what openssl speed measures', [
        (r'(?m)^(Doing sha256 for 1s on \d+ size blocks: )\d+ sha256\'s in [0-9.]+s$', r'\1N'),
        (r'(?m)^sha256( +[0-9.]+k){6}$', 'sha256 N')]),
    'certificate-dates': ('when a certificate was made, and its signature, which signs that', [
        (r'(?m)^( +Not (Before|After ?): ).*$', r'\1DATE'),
        (r'(?m)^( +Signature Value:\n)(?: +[0-9a-f:]+\n)+', r'\1 SIGNATURE\n'),
        (r'(?s)-----BEGIN CERTIFICATE-----.*?-----END', '-----BEGIN ... END')]),
}


def filtered(name, data):
    if not name:
        return data
    text = data.decode('latin-1')
    for pattern, by in FILTERS[name][1]:
        text = re.sub(pattern, by, text)
    return text.encode('latin-1')


@dataclass
class Step:
    argv: list
    stdin: str = None            # a file in the work directory
    status: int = 0


@dataclass
class Program:
    name: str
    what: str
    setup: object                # (kit) -> Ready
    short: bool = False          # in `make test`
    typed: float = None          # K known for at least this part of its functions
    filter: str = None
    traced: bool = False         # a run under `utramp trace` too


@dataclass
class Ready:
    steps: list
    specs: list                  # whose functions
    files: dict = field(default_factory=dict)      # name: bytes or text, put into the work directory
    options: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    check: object = None         # (work directory) -> None, or what is wrong, after a traced run


def need(program):
    path = shutil.which(program)
    if not path:
        raise get.Missing(f'{program} is not installed')
    return path


# -- what they do ------------------------------------------------------------------------------

def sql(exe, specs):
    return Ready([Step([exe, '-batch', 'x.db'], 'sql', 1), Step([exe, 'x.db', '.dump'])], specs,
                 {'sql': inputs.statements()})


def compress(exe, specs, *ways):
    steps = []
    for i, way in enumerate(ways):
        steps += [Step([exe, '-k', '-c', *way, 'mixed'], None), Step([exe, '-d', '-c'], f'out{2 * i}')]
    return Ready(steps, specs, {'mixed': inputs.mixed()})


def perl(kit):
    return Ready([Step([need('perl'), 'script'], status=3)], ['perl:*'],
                 {'script': inputs.PERL, 'mixed': inputs.mixed(60_000)},
                 env={'PERL_HASH_SEED': '0', 'PERL_PERTURB_KEYS': '0'})


def perl_debug(kit):
    r = perl(kit)
    tree = kit.cache.unpacked('perl', ['perl-debug'])
    r.options = ['--debuginfo', get.debug_file(need('perl'), tree)]
    return r


def awk(exe, specs):
    return Ready([Step([exe, '-f', 'script', 'words'], status=4)], specs,
                 {'script': inputs.AWK, 'words': inputs.words()})


TESTS = '''
import sys, unittest
from test import support
support.verbose = 0
unittest.main(module=None, verbosity=2,
    argv=['tests', *('test.test_' + x for x in 'json re struct math threading'.split())])
'''


def python(kit):
    root = kit.cache.unpacked('python', get.PYTHON)
    exe = root / 'usr/bin/python3.11'
    return Ready([Step([exe, 'tests.py'])], ['python3.11:*'], {'tests.py': TESTS},
                 ['--debuginfo', get.debug_file(exe, root)],
                 {'PYTHONHOME': str(root / 'usr'), 'PYTHONHASHSEED': '0',
                  'PYTHONDONTWRITEBYTECODE': '1'})


SSL = ['libcrypto:*', 'libssl:*']


def speed(kit):
    return Ready([Step([need('openssl'), 'speed', '-seconds', '1', 'sha256'])], SSL)


def key(kit):
    path = kit.scratch / 'key.pem'
    if not path.exists():
        subprocess.run([need('openssl'), 'genrsa', '-out', path, '2048'], check=True,
                       capture_output=True)
    return path.read_bytes()


def sign(kit):
    """A signature that is the same each time; and one that no filter may look into, verified."""
    def verify(work):
        r = subprocess.run(['openssl', 'verify', '-CAfile', work / 'cert.pem', work / 'cert.pem'],
                           capture_output=True, text=True)
        return r.stderr if r.returncode else None
    exe = need('openssl')
    who = ['-key', 'key.pem', '-subj', '/CN=utramp', '-batch']
    return Ready([Step([exe, 'req', '-x509', '-text', '-set_serial', '7', *who, '-out', 'cert.pem']),
                  Step([exe, 'req', '-new', '-text', *who]),
                  Step([exe, 'dgst', '-sha256', '-sign', 'key.pem', 'mixed'])], SSL,
                 {'key.pem': key(kit), 'mixed': inputs.mixed(100_000)}, check=verify)


def cc1(kit):
    exe = subprocess.run([need('gcc'), '-print-prog-name=cc1'], capture_output=True,
                         text=True).stdout.strip()
    return Ready([Step([exe, '-quiet', '-O2', 'big.c', '-o', 'big.s'])], ['cc1:*'],
                 {'big.c': inputs.c_source()})


def installed(library):
    text = subprocess.run(['/sbin/ldconfig', '-p'], capture_output=True, text=True).stdout
    if library not in text:
        raise get.Missing(f'{library} is not installed')


def thrower(kit, name, rounds):
    return Ready([Step([kit.part(name), rounds], status=3)], [f'{name}:*'])


def dgemm(kit):
    installed('libblas.so.3')
    return Ready([Step([kit.part('dgemm'), '44'])], ['dgemm:*', 'libblas:*'])


PROGRAMS = [
    Program('sqlite3', 'Debian\'s, 1,000 statements and .dump',
            lambda kit: sql(need('sqlite3'), ['libsqlite3:*']), short=True),
    Program('perl', 'Debian\'s: sorts, regular expressions, die, fork, a signal', perl, short=True),
    Program('xz', 'Debian\'s, round trip', lambda kit: compress(
        need('xz'), ['liblzma:*'], ['-2'], ['-1', '--format=lzma']), short=True),
    Program('thrower', 'C++, half of the calls are left by an exception',
            lambda kit: thrower(kit, 'thrower', '400'), short=True, traced=True),
    Program('thrower_calls', 'the same, std:: out of line',
            lambda kit: thrower(kit, 'thrower_calls', '60'), short=True, typed=0.95, traced=True),
    Program('dgemm', 'own products and the reference BLAS\'s', dgemm, short=True, traced=True),
    Program('sqlite3 -g', '1,000 statements and .dump',
            lambda kit: sql(kit.cache.built('sqlite3'), ['sqlite3-g:*']), typed=0.94),
    Program('xz -g', 'round trips, one and two threads', lambda kit: compress(
        kit.cache.built('xz'), ['xz:*'], ['-6', '-T1'], ['-3', '-T2', '--block-size=100KiB'],
        ['--format=lzma', '-1'], ['--x86', '--delta=dist=4', '--lzma2=preset=2']), typed=0.95),
    Program('zstd -g', 'round trips, one and two threads', lambda kit: compress(
        kit.cache.built('zstd'), ['zstd:*'], ['-1', '-q'], ['-3', '-T2', '-q'], ['-17', '-q'],
        ['--ultra', '-22', '-q'], ['--long', '-9', '-q']), typed=0.95),
    Program('gawk -g', 'functions, patterns, pipes', lambda kit: awk(
        kit.cache.built('gawk'), ['gawk:*']), typed=0.95),
    Program('python3', 'its test_json test_re test_struct test_math test_threading, with its debug '
            'file', python, typed=0.93, filter='unittest-seconds'),
    Program('perl, debug file', 'as above', perl_debug, typed=0.95),
    Program('openssl speed', '-seconds 1 sha256', speed, filter='speed-figures'),
    Program('openssl req', '-x509, -new, and dgst -sign', sign, filter='certificate-dates'),
    Program('cc1', 'Debian\'s, -O2, 5,000 lines', cc1),
]
