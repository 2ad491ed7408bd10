#!/usr/bin/env python3
"""complete_test.py UTRAMP COMPLETION - what the shells' completion offers.  TAP.

Each shell is a real one on a terminal of its own: a line is typed, TAB pressed, and a key that prints
the line as it is then.  bash is asked for whole lists, too.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

exe, scripts = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
TIMEOUT = 60
tmp = pathlib.Path(tempfile.mkdtemp(prefix='complete-'))
ENV = {**os.environ, 'LC_ALL': 'C', 'TERM': 'dumb', 'HOME': str(tmp), 'PS1': '> ', 'COLUMNS': '400',
       'PATH': f'{exe.parent}:{os.environ["PATH"]}'}
points = []


def point(ok, name, why=''):
    points.append(bool(ok))
    print('ok' if ok else 'not ok', len(points), '-', name.replace('#', ''), flush=True)
    for line in [] if ok else str(why).splitlines()[:12]:
        print('#', line[:300])


def skip(name, why):
    points.append(True)
    print('ok', len(points), '-', name, '# SKIP', why)


def lines(*args):
    r = subprocess.run([exe, *args], capture_output=True, text=True, timeout=TIMEOUT, cwd=tmp)
    assert r.returncode == 0, r
    return r.stdout.splitlines()


class Shell:
    """One on a terminal."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(tmp)
            os.execvpe(argv[0], argv, ENV)
        self.seen = ''

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """Read until it matches, and forget what came."""
        end = time.monotonic() + TIMEOUT
        while not (m := re.search(pattern, self.seen, re.S)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f'{pattern} did not come in {self.seen!r}')
            self.seen += os.read(self.fd, 65536).decode(errors='replace')
        self.seen = self.seen[m.end():]
        return m[1] if m.groups() else None

    def completed(self, line):
        """The line after one TAB; the line is then emptied."""
        self.type(line + '\t\x18p')
        return self.until('<<(.*?)>>').replace('\r', '').replace('\n', '')

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def bash():
    sh = Shell('bash', '--norc', '--noprofile', '-i')
    sh.type('show() { printf "<%s%s>>" "<" "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }\n'
            f'bind -x \'"\\C-xp": show\'; source {scripts}/utramp.bash; echo rea"dy"\n')
    sh.until('ready')
    return sh


def zsh():
    sh = Shell('zsh', '-f', '-i')
    sh.type(f'PS1="> "; fpath=({scripts} $fpath); autoload -Uz compinit; compinit -D -u; '
            'show() { print -rn -- "<""<$BUFFER>>"; BUFFER=; }; zle -N show; bindkey "^Xp" show; '
            'setopt nobeep no_list_ambiguous; LISTMAX=0; echo rea"dy"\n')
    sh.until('ready')
    return sh


def cut(line):
    """COMP_WORDS as readline makes them: ':' and '=' stand alone in runs."""
    out = re.findall(r'[:=]+|[^\s:=]+', line)
    return out + [''] if not line or line[-1] == ' ' else out


def offered(line):
    """What bash would offer, sorted; readline's part of the last word is not in it."""
    words = cut(line)
    r = subprocess.run(['bash', '-c', f'''source {scripts}/utramp.bash
        COMP_LINE=$1 COMP_POINT=${{#1}}; shift; COMP_CWORD=$(($# - 1)) COMP_WORDS=("$@")
        _utramp; printf '%s\\n' "${{COMPREPLY[@]}}"''', 'bash', line, *words], env=ENV, cwd=tmp,
                       capture_output=True, text=True, timeout=TIMEOUT)
    assert r.returncode == 0 and not r.stderr, r
    return sorted(x for x in r.stdout.splitlines() if x)


def library(name):
    r = subprocess.run(['ldconfig', '-p'], capture_output=True, text=True,
                       env={**ENV, 'PATH': ENV['PATH'] + ':/sbin:/usr/sbin'})
    return re.search(rf'^\t{re.escape(name)} .*x86-64.*=> (\S+)', r.stdout, re.M)[1]


def tables():
    """`complete` against --help, which the same tables make."""
    overview = '\n'.join(lines('--help'))
    verbs = [x.split('\t')[0] for x in lines('complete')]
    shown = re.findall(r'^  ([a-z]+) +', overview, re.M)
    point(verbs == shown and len(verbs) > 4, 'the verbs of complete are those of --help',
          (verbs, shown))
    point('complete' not in shown, 'and itself is none of them')
    point(offered('utramp ') == sorted(verbs + ['--help', '--version', 'help']), 'bash: all verbs',
          offered('utramp '))
    point(offered('utramp help ') == sorted(verbs), 'bash: help VERB', offered('utramp help '))
    for verb in verbs:
        text = '\n'.join(lines(verb, '--help'))
        told = [x.split('\t') for x in lines('complete', verb)]
        has = {x[1]: x[2] for x in told if x[0] == 'option'}
        want = {}
        for m in re.finditer(r'^  (?:(-\w), )?(--[\w-]+)(?: (\S.*?))?(?:  +.*)?$', text, re.M):
            want.update({w: m[3] or '-' for w in m.groups()[:2] if w})
        point(has == want and has, f'{verb}: its options and their values', (has, want))
        usage = text.splitlines()[0]
        point((['command'] in told) == ('-- CMD' in usage), f'{verb}: whether a command follows', told)
        dashes = ['--'] if ['command'] in told else []
        got = offered(f'utramp {verb} -')
        point(got == sorted([*want, *dashes]), f'bash: {verb} -', got)
        for w, value in has.items():
            refused(verb, w, value)


def refused(verb, word, value):
    """The parser agrees whether an option has a value: as the last word it misses it."""
    if word in ('-h', '--help', '-V', '--version'):
        return
    r = subprocess.run([exe, verb, word], capture_output=True, text=True, timeout=TIMEOUT, cwd=tmp,
                       stdin=subprocess.DEVNULL)
    missing = 'its value is missing' in r.stderr
    if missing != (value != '-'):
        point(False, f'{verb} {word}: a value or not', (value, r))


def lists():
    point(offered('utramp trace --missing ') == ['error', 'ignore', 'warn'], 'bash: words of a value')
    point(offered('utramp trace --missing=w') == ['warn'], 'bash: --missing=w')
    point(offered('utramp trace --strings ') == ['off'], 'bash: a value that may be a word')
    point(offered('utramp nonsense ') == [], 'bash: no such verb offers nothing')
    libc = library('libc.so.6')
    names = sorted({n for n in lines('complete', 'functions', f'{libc}:getaddr*')})
    point('getaddrinfo' in names, 'complete functions lists', names)
    for module in ('libc', 'libc.so.6', libc):
        got = offered(f'utramp trace {module}:getaddr')
        point(got == names, f'bash: trace {module}:getaddr', got)
    point(offered('utramp trace -e --missing warn libc:malloc libc:getaddr') == names,
          'bash: behind options and others')
    point(offered('utramp trace "libc:getaddri') == ['libc:getaddrinfo'] or
          'libc:getaddrinfo' in offered('utramp trace "libc:getaddri'), 'bash: in quotes')
    point(offered('utramp trace no-such-library:x') == [], 'bash: no such module')
    point(offered('utramp run --attach on_call=libc:malloc_tri') == ['malloc_trim'],
          'bash: PROG=SPEC', offered('utramp run --attach on_call=libc:malloc_tri'))
    mods = offered('utramp trace lib')
    point('libc:' in mods and 'libc.so.6:' in mods, 'bash: names of modules', mods)
    (tmp / 'mine.bpf.o').write_bytes(b'')
    (tmp / 'mine.txt').write_bytes(b'')
    (tmp / 'dir').mkdir()
    point(offered('utramp run mi') == ['mine.bpf.o'], 'bash: objects', offered('utramp run mi'))
    point(offered('utramp run d') == ['dir/'], 'bash: and folders')
    point(offered('utramp args mi') == ['mine.bpf.o', 'mine.txt'], 'bash: files')
    point(offered('utramp list -o mi') == ['mine.bpf.o', 'mine.txt'], 'bash: -o FILE')
    point(offered('utramp trace --btf libc=mi') == ['mine.bpf.o', 'mine.txt'], 'bash: MODULE=FILE')
    point('libc=' in offered('utramp trace --btf libc'), 'bash: MODULE of MODULE=FILE')
    point(offered('utramp code libc:abort mi') == ['mine.bpf.o'], 'bash: a second kind of argument')
    point('mine.txt' in offered('utramp trace libc:malloc -- cat mi'), 'bash: behind --')


def typed(shell, name):
    for line, want in [
            ('utramp tra', 'utramp trace '),
            ('utramp help tra', 'utramp help trace '),
            ('utramp trace --loss', 'utramp trace --lossless '),
            ('utramp trace --missing wa', 'utramp trace --missing warn '),
            ('utramp trace --missing=wa', 'utramp trace --missing=warn '),
            ('utramp trace libc:malloc_tri', 'utramp trace libc:malloc_trim '),
            ('utramp trace libc.so.6:malloc_tri', 'utramp trace libc.so.6:malloc_trim '),
            (f'utramp trace {library("libc.so.6")}:malloc_tri',
             f'utramp trace {library("libc.so.6")}:malloc_trim '),
            ('utramp run --attach on_call=libc:malloc_tri',
             'utramp run --attach on_call=libc:malloc_trim '),
            ('utramp run mine.b', 'utramp run mine.bpf.o '),
            ('utramp code libc:abort mine.b', 'utramp code libc:abort mine.bpf.o '),
            ('utramp trace -o mine.t', 'utramp trace -o mine.txt '),
            ('utramp trace libc:malloc -- cat mine.t', 'utramp trace libc:malloc -- cat mine.txt '),
            ('utramp trace --btf libc=mine.t', 'utramp trace --btf libc=mine.txt ')]:
        try:
            got = shell.completed(line)
        except AssertionError as e:
            got = str(e)
        point(got == want, f'{name}: {line}', f'{got!r}, not {want!r}')


tables()
lists()
for name, start in (('bash', bash), ('zsh', zsh)):
    if not shutil.which(name):
        skip(f'{name} on a terminal', f'{name} is not installed')
        continue
    sh = start()
    typed(sh, name)
    sh.close()
shutil.rmtree(tmp)
print(f'1..{len(points)}')
sys.exit(0 if all(points) else 1)
