"""engines.py - talk to engines.c: programs in, what each engine made of them out."""
import dataclasses
import struct
import subprocess

INTERP, CHECKED, JIT, BODY = range(4)
NAMES = ('interpreter', 'checked interpreter', 'JIT', 'body in line')
UNVERIFIED, AS_BODY = 1, 2


@dataclasses.dataclass
class Job:
    code: bytes
    mems: list                  # of bytes, all of one length
    flags: int = UNVERIFIED
    what: object = None         # the caller's


@dataclasses.dataclass
class Run:
    r0: tuple                   # by engine
    differ: int                 # bit by engine: memory is not the interpreter's
    mem: bytes                  # the interpreter's


def pack(job):
    n = len(job.mems[0])
    return struct.pack('<4I', len(job.code) // 8, n, len(job.mems), job.flags) + job.code + \
        b''.join(job.mems)


def unpack(data, at, job):
    """(list of Run or the reason of a refusal, position behind)"""
    status, = struct.unpack_from('<I', data, at)
    at += 4
    if status:
        n, = struct.unpack_from('<I', data, at)
        return data[at + 4:at + 4 + n].decode(), at + 4 + n
    runs = []
    for mem in job.mems:
        *r0, differ = struct.unpack_from('<4QI', data, at)
        at += 36
        runs.append(Run(tuple(r0), differ, data[at:at + len(mem)]))
        at += len(mem)
    return runs, at


def run(program, jobs):
    """Results of all jobs, in order.  A job that kills the process has a text, as a refused one."""
    r = subprocess.run([program], input=b''.join(pack(j) for j in jobs), capture_output=True)
    out, at = [], 0
    try:
        while at < len(r.stdout) and len(out) < len(jobs):
            got, at = unpack(r.stdout, at, jobs[len(out)])
            out.append(got)
    except struct.error:        # it died while it wrote
        pass
    if not r.returncode and len(out) == len(jobs):
        return out
    if len(jobs) > 1:           # which one was it?
        return [one for job in jobs for one in run(program, [job])]
    return [f'the engines end with status {r.returncode} {r.stderr.decode()}']


def compare(job, runs, want):
    """Reasons why runs are not what the model says; want: (r0, memory) by memory."""
    if isinstance(runs, str):
        return [f'refused: {runs}']
    bad = []
    for n, (got, (r0, mem)) in enumerate(zip(runs, want)):
        for engine, name in enumerate(NAMES):
            if got.r0[engine] != r0:
                bad.append(f'memory {n}: {name}: r0 {got.r0[engine]:#x}, model {r0:#x}')
            if got.differ >> engine & 1:
                bad.append(f'memory {n}: {name}: memory differs from the interpreter\'s')
        if got.mem != mem:
            bad.append(f'memory {n}: memory is {got.mem.hex()}, model {mem.hex()}')
    return bad
