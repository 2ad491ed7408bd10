"""archive.py pack DIR FILE - the objects of DIR as they are committed; unpack(FILE, DIR) for tests.

What they were made of is told by a hash in SOURCES, so that a test knows stale ones without
having their compilers.
"""
import hashlib
import io
import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent


def sources():
    """The hash of all that objects of src/, refused/ and gcc/ are made of."""
    h = hashlib.sha256()
    for p in sorted([*HERE.glob('src/*.bpf.c'), *HERE.glob('refused/*.bpf.c'),
                     *HERE.glob('gcc/*.bpf.c'), HERE / 'programs.h', HERE / 'victim.h']):
        h.update(f'{p.relative_to(HERE)} {p.stat().st_size}\n'.encode() + p.read_bytes())
    return h.hexdigest() + '\n'


def pack(folder, file):
    with tarfile.open(file, 'w:xz', preset=9 | 1 << 31) as tar:
        for p in [None, *sorted(pathlib.Path(folder).rglob('*.bpf.o'))]:
            data = p.read_bytes() if p else sources().encode()
            info = tarfile.TarInfo(str(p.relative_to(folder)) if p else 'SOURCES')
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def unpack(file, folder):
    """The objects' paths, and what they were made of."""
    with tarfile.open(file) as tar:
        tar.extractall(folder)
    folder = pathlib.Path(folder)
    return sorted(folder.rglob('*.bpf.o')), (folder / 'SOURCES').read_text()


if __name__ == '__main__':
    pack(sys.argv[2], sys.argv[3])
