"""runs.py - one program under gdb and under `utramp trace`: the same command line, environment and
directory, no address randomisation, and what each says of the first calls of every function."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass, field

import places

HERE = pathlib.Path(__file__).resolve().parent
GDB = ['set pagination off', 'set confirm off', 'set width 0', 'set debuginfod enabled off',
       'set print entry-values no', 'set python print-stack full', 'set breakpoint always-inserted on',
       'set startup-with-shell off', 'set disable-randomization on', 'unset environment LINES',
       'unset environment COLUMNS', 'unset environment GDB_JOB',
       'unset environment PYTHONDONTWRITEBYTECODE', 'handle all nostop noprint pass', 'handle SIGTRAP stop']


class Missing(Exception):
    """What is needed cannot be had: the caller skips, and says why."""


@dataclass
class Job:
    name: str
    argv: list
    specs: list                                    # whose functions, as trace has them
    files: dict = field(default_factory=dict)      # name: bytes or text, put into the work directory
    env: dict = field(default_factory=dict)
    debug: list = field(default_factory=list)      # debug files, --debuginfo
    trees: list = field(default_factory=list)      # /usr/lib/debug of other roots, for gdb
    what: str = ''


@dataclass
class Calls:
    """Of one run: (module, function) -> [{parameter: value}] of the first calls."""
    args: dict
    maps: places.Maps
    uncertain: dict = field(default_factory=dict)


class Runner:
    def __init__(self, utramp, note, scratch, hits=3, verb=('-e',)):
        self.utramp, self.note, self.scratch, self.hits = utramp, note, pathlib.Path(scratch), hits
        self.mode, self.files = verb, {}

    def _fresh(self, job):
        work = self.scratch / 'work'
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for name, data in job.files.items():
            (work / name).write_bytes(data.encode() if isinstance(data, str) else data)
        (self.scratch / 'maps').unlink(missing_ok=True)
        (self.scratch / 'run').mkdir(exist_ok=True)
        return work

    def _env(self, job):
        return {'PATH': os.environ['PATH'], 'LC_ALL': 'C', 'TZ': 'UTC', 'UTRAMP_CACHE': 'off', 'HOME': str(self.scratch / 'work'),
                'XDG_RUNTIME_DIR': str(self.scratch / 'run'), 'LD_PRELOAD': str(self.note),
                'MAPS_NOTE': str(self.scratch / 'maps'), 'MAPS_NOTE_OF': os.path.realpath(job.argv[0]),
                **job.env}

    def _run(self, job, words, what, extra=None):
        work = self._fresh(job)
        with open(self.scratch / f'{what}.out', 'wb') as out, open(self.scratch / f'{what}.err', 'wb') as err:
            r = subprocess.run([str(x) for x in words], cwd=work, env={**self._env(job), **(extra or {})},
                               stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=900, check=False)
        return r.returncode, (self.scratch / f'{what}.err').read_text(errors='replace')

    def _maps(self, job, what, err):
        path = self.scratch / 'maps'
        if not path.exists():
            raise RuntimeError(f'{job.name}: under {what} the program did not start: {err[-600:]}')
        return places.Maps(path.read_text())

    def list(self, job):
        """Functions that can be traced, and how many there are in all."""
        words = [self.utramp, 'list', '-q', '-j', *self._debug(job), *job.specs, '--', job.argv[0]]
        r = subprocess.run([str(x) for x in words], capture_output=True, text=True, timeout=300,
                           env=self._env(job), check=False)
        if r.returncode:
            raise RuntimeError(f'list: {r.stderr}')
        rows = [json.loads(x) for x in r.stdout.splitlines()]
        often = collections.Counter((r['module'], r['func']) for r in rows)
        return [r for r in rows if r['attach'] and often[r['module'], r['func']] == 1], len(rows)

    @staticmethod
    def _debug(job):
        return [x for d in job.debug for x in ('--debuginfo', d)]

    @staticmethod
    def _early(job):
        return ['-iex', f'set debug-file-directory {":".join([*map(str, job.trees), "/usr/lib/debug"])}']

    def gdb(self, job, rows):
        modules = {}
        for line in (self.scratch / 'maps').read_text().splitlines():
            words = line.split(None, 5)
            if len(words) == 6 and words[5].startswith('/'):
                modules.setdefault(os.path.basename(words[5]), words[5])
        wanted = {r['module'] for r in rows}
        absent = wanted - modules.keys()
        if absent:
            raise RuntimeError(f'{job.name}: no mapping of {absent}')
        self.files = {m: modules[m] for m in wanted}
        out = self.scratch / 'gdb.json'
        (self.scratch / 'job').write_text(json.dumps({
            'out': str(out), 'hits': self.hits, 'modules': self.files,
            'functions': [{'id': i, 'module': r['module'], 'addr': int(r['addr'], 16)}
                          for i, r in enumerate(rows)]}))
        words = ['gdb', '-nx', '-q', '-batch', *self._early(job), *(x for c in GDB for x in ('-ex', c)),
                 '-x', HERE / 'in_gdb.py', '--args', *job.argv]
        code, err = self._run(job, words, 'gdb', {'GDB_JOB': str(self.scratch / 'job'),
                                                  'PYTHONDONTWRITEBYTECODE': '1'})
        lines = [json.loads(x) for x in out.read_text().splitlines()] if out.exists() else []
        if not lines or not lines[-1].get('end'):
            raise RuntimeError(f'{job.name}: gdb did not come to the end ({code}): {err[-1500:]}')
        args = collections.defaultdict(list)
        for x in lines[:-1]:
            r = rows[x['id']]
            args[r['module'], r['func']].append(x['args'])
        return Calls(args, self._maps(job, 'gdb', err))

    def accounts(self, job, path, addrs):
        """{address: {parameter: where gdb reads it}}"""
        out = self.scratch / 'accounts.json'
        (self.scratch / 'job').write_text(json.dumps({'out': str(out), 'accounts': addrs}))
        subprocess.run(['gdb', '-nx', '-q', '-batch', *self._early(job), '-ex', 'set debuginfod enabled off',
                        '-x', str(HERE / 'in_gdb.py'), str(path)], capture_output=True, timeout=300, check=True,
                       env={**os.environ, 'GDB_JOB': str(self.scratch / 'job')})
        return {int(k): v for k, v in json.loads(out.read_text()).items()}

    def trace(self, job, rows):
        out = self.scratch / 'trace.json'
        words = ['setarch', '-R', self.utramp, 'trace', '-j', *self.mode, '--lossless', '--missing=ignore',
                 '-q', '-o', out, *self._debug(job), *job.specs, '--', *job.argv]
        code, err = self._run(job, words, 'trace')
        wanted = {(r['module'], r['func']) for r in rows}
        found, uncertain, pid = collections.defaultdict(list), {}, None
        with open(out, encoding='utf-8') as f:
            for line in f:
                x = json.loads(line, object_pairs_hook=pairs, parse_int=whole)
                key, pid = (x['module'], x['func']), pid or x['pid']
                if x['pid'] == pid and key in wanted and (len(found[key]) < self.hits or '-e' not in self.mode):
                    found[key].append((x['time_ns'], x['args']))
                    uncertain[key] = set(x.get('uncertain', ()))
        args = {k: [a for _, a in sorted(v, key=lambda y: y[0])[:self.hits]] for k, v in found.items()}
        return Calls(args, self._maps(job, f'trace ({code})', err), uncertain)


def whole(text):
    """json makes 0 of the -0 of a float."""
    return -0.0 if text == '-0' else int(text)


class Object(dict):
    """A JSON object; all are kept of what has the same name (of a pack's parameters)."""


def pairs(items):
    out = Object(items)
    out.all = items
    return out
