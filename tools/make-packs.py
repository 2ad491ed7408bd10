#!/usr/bin/env python3
"""make-packs.py UTRAMP [--check] [SONAME...] - make share/utramp/btf/SONAME.btf again from headers.

packs.json tells what each pack is made of; making one writes the versions of its packages there.
--check makes them elsewhere and compares bytes (TAP): a pack is right, or made of other versions
than are installed (skipped with these), or wrong.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
where = root / 'share/utramp/btf'
config = where / 'packs.json'
# what libclang would read, too, and what is said in another language
ENV = {k: v for k, v in os.environ.items()
       if k not in ('CPATH', 'C_INCLUDE_PATH', 'LANGUAGE') and not k.startswith('LC_')}


def version(package):
    r = subprocess.run(['dpkg-query', '-W', '-f', '${db:Status-Abbrev} ${Version}', package],
                       capture_output=True, text=True)
    return r.stdout[4:] if r.returncode == 0 and r.stdout.startswith('ii') else None


def generate(utramp, pack, out):
    """Make one; gives the functions that were left out, or raises."""
    args = []
    for option, key in [('-H', 'headers'), ('-D', 'defines')]:
        for value in pack.get(key, []):
            args += [option, value]
    for value in pack.get('includes', []):
        args += ['-I', root / value]
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run([utramp, 'btf', 'gen', *args, '--lib', pack['library'], '-o', out], cwd=empty,
                       env=ENV, check=True, capture_output=True, text=True)


def missing(pack):
    """What is not installed."""
    out = [p for p in pack['packages'] if version(p) is None]
    return out + [x for x in [pack['library']] if not os.path.exists(x)]


def make(utramp, packs, names):
    bad = 0
    for name in names:
        pack = packs[name]
        if missing(pack):
            print(f'{name}: not installed: {", ".join(missing(pack))}')
            bad = 1
            continue
        out = where / f'{name}.btf'
        generate(utramp, pack, out)
        pack['packages'] = {p: version(p) for p in pack['packages']}
        print(f'{name}: {out.stat().st_size} bytes')
    config.write_text(json.dumps(packs, indent=1) + '\n')
    return bad


def other_versions(pack):
    return [f'{p} {version(p)} is not {v}' for p, v in pack['packages'].items() if version(p) != v]


def check_one(utramp, name, pack, out):
    """True, False or 'SKIP', and why."""
    if missing(pack):
        return 'SKIP', f'not installed: {", ".join(missing(pack))}'
    generate(utramp, pack, out)
    if out.read_bytes() == (where / f'{name}.btf').read_bytes():
        return True, ''
    return ('SKIP', '; '.join(other_versions(pack))) if other_versions(pack) else \
        (False, f'{out} differs: tools/make-packs.py {utramp} {name}')


def check(utramp, packs, names):
    points = []
    kept = tempfile.mkdtemp(prefix='packs-')
    for name in names:
        try:
            points.append((name, *check_one(utramp, name, packs[name],
                                            pathlib.Path(kept) / f'{name}.btf')))
        except subprocess.CalledProcessError as e:
            points.append((name, False, e.stderr))
    files = {p.name for p in where.glob('*.btf')}
    listed = {f'{n}.btf' for n in packs}
    points.append(('each file has its entry, each entry its file', files == listed, files ^ listed))
    made = sum(ok is True for _, ok, _ in points) - 1
    points.append(('some were made again', made >= min(3, len(names)), f'{made}'))
    print(f'1..{len(points)}')
    for n, (name, ok, why) in enumerate(points, 1):
        skip = f' # SKIP {why}' if ok == 'SKIP' else ''
        print('ok' if ok else 'not ok', n, '-', name, skip)
        if not ok:
            print('#', str(why).replace('\n', '\n# '))
    bad = not all(ok for _, ok, _ in points)
    if not bad:
        shutil.rmtree(kept)
    return bad


def main(utramp, *args):
    packs = json.loads(config.read_text())
    names = [a for a in args if a != '--check'] or list(packs)
    unknown = [n for n in names if n not in packs]
    if unknown:
        sys.exit(f'{config} has no {", ".join(unknown)}')
    utramp = str(pathlib.Path(utramp).resolve())
    return (check if '--check' in args else make)(utramp, packs, names)


if len(sys.argv) < 2 or not re.search('utramp', sys.argv[1]):
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
