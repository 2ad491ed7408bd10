#!/usr/bin/env python3
"""fresh_test.py SOURCE BUILD - a minimal Debian 12 takes the package, and `make demo` works there.  TAP.

tools/fresh.sh does it.  What is cloned there is the repository's HEAD.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source, build = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
tool = source / 'tools/fresh.sh'


def reason():
    if os.getuid() != 0:
        return 'only root can make a chroot'
    if not shutil.which('debootstrap'):
        return 'debootstrap is not installed'
    if not (source / '.git').exists():
        return 'no git repository to clone'
    if subprocess.run(['unshare', '-m', 'true'], capture_output=True).returncode:
        return 'no mount namespaces'
    return None


why = reason()
if why:
    print(f'1..0 # SKIP {why}')
    sys.exit(0)
where = pathlib.Path(tempfile.mkdtemp(prefix='fresh-')) / 'debian'
bad = 0
steps = [('make', 'a minimal Debian 12', ''), ('deb', 'the package installs, traces and goes', 'unchanged'),
         ('demo', 'git clone, make demo', r'unchanged.*\n== make demo: \d+ s')]
for n, (step, name, shows) in enumerate(steps, 1):
    r = subprocess.run([tool, where, step], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors='replace',
                       env={**os.environ, 'BUILD': str(build)})
    ok = r.returncode == 0 and re.search(shows, r.stdout, re.S)
    bad += not ok
    print('ok' if ok else 'not ok', n, '-', name)
    for line in r.stdout.splitlines()[-25:] if not ok else re.findall('^== .* s$', r.stdout, re.M):
        print('#', line)
    if not ok:
        break
subprocess.run([tool, where, 'remove'], stdin=subprocess.DEVNULL, check=bool(not bad))
where.parent.rmdir()
print(f'1..{len(steps)}')
sys.exit(1 if bad else 0)
