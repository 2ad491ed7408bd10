#!/usr/bin/env python3
"""Count what can be attached to in all programs and libraries of a machine.

    census.py CENSUS                      a table of this machine
    census.py CENSUS --json FILE          and each file's line, for --doc and for comparing
    census.py CENSUS --doc DOC --json F   make docs/coverage.md's generated parts of such lines

CENSUS is build/tests/coverage/census.  Files are those of DIRS and below, each inode once.
"""
import argparse
import collections
import json
import os
import subprocess
import sys

DIRS = ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec"]
BATCH = 20


def is_elf(path):
    try:
        with open(path, "rb") as f:
            return f.read(4) == b"\x7fELF"
    except OSError:
        return False


def elf_files(dirs):
    seen = set()
    for top in dirs:
        for where, below, names in os.walk(top):
            below.sort()
            for name in sorted(names):
                path = os.path.join(where, name)
                try:
                    st = os.stat(path)
                except OSError:
                    continue
                if not os.path.isfile(path) or os.path.islink(path) or (st.st_dev, st.st_ino) in seen:
                    continue
                if not name.endswith((".o", ".ko", ".debug")) and is_elf(path):
                    seen.add((st.st_dev, st.st_ino))
                    yield path


def count(census, files, progress):
    rows = []
    for i in range(0, len(files), BATCH):
        r = subprocess.run([census] + files[i:i + BATCH], stdout=subprocess.PIPE, check=True)
        rows += [json.loads(line) for line in r.stdout.splitlines()]
        if progress:
            print("\r%d of %d files" % (len(rows), len(files)), end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    return rows


class Total:
    def __init__(self, rows):
        rows = [r for r in rows if r.get("functions")]
        self.files = len(rows)
        self.n = collections.Counter()
        self.refused = collections.Counter()
        self.files_of = collections.Counter()
        for r in rows:
            for key in "functions", "entry", "exit", "nop", "moved", "hop":
                self.n[key] += r[key]
            for code, n in r["refused"].items():
                self.refused[code] += n
                self.files_of[code] += 1

    def share(self, n):
        return "%.3f %%" % (100.0 * n / max(1, self.n["functions"]))


def reasons(census):
    r = subprocess.run([census, "-r"], stdout=subprocess.PIPE, check=True, universal_newlines=True)
    return [line.split("\t") for line in r.stdout.splitlines()]


def summary(t):
    yield "| | functions | share |"
    yield "|---|---|---|"
    for key, text in (("functions", "functions in %d files" % t.files), ("entry", "entry programs can be attached"),
                      ("moved", "... instructions are moved"), ("nop", "... the compiler left nops"),
                      ("hop", "... two bytes hop into padding"), ("exit", "exit programs can be attached, by site and rules")):
        yield "| %s | %d | %s |" % (text, t.n[key], t.share(t.n[key]))
    others = t.n["functions"] - t.refused["go"]
    for key in "entry", "exit":
        yield "| of functions that are not Go's: %s | %d | %.3f %% |" % (key, t.n[key], 100.0 * t.n[key] / max(1, others))


def table(t, list_of):
    yield "| code | refuses | functions | share | files | what it is, and what to do |"
    yield "|---|---|---|---|---|---|"
    for code, what, text in sorted(list_of, key=lambda r: (r[1] != "entry", -t.refused[r[0]])):
        n = t.refused[code]
        yield "| `%s` | %s | %d | %s | %d | %s |" % (code, what, n, t.share(n) if n else "0", t.files_of[code], text)


def put(text, name, lines):
    """Replace what stands between the markers of this name."""
    begin, end = "<!-- census %s -->" % name, "<!-- end -->"
    head, rest = text.split(begin + "\n", 1)
    return head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("census")
    p.add_argument("--json", help="each file's line: written, or read for --doc")
    p.add_argument("--doc", help="the page whose tables are made anew")
    p.add_argument("dirs", nargs="*", default=DIRS)
    a = p.parse_args()
    if a.doc and a.json:
        with open(a.json) as f:
            rows = [json.loads(line) for line in f]
    else:
        rows = count(a.census, list(elf_files(a.dirs)), sys.stderr.isatty())
        if a.json:
            with open(a.json, "w") as f:
                f.writelines(json.dumps(r) + "\n" for r in rows)
    t, list_of = Total(rows), reasons(a.census)
    if a.doc:
        with open(a.doc) as f:
            text = f.read()
        text = put(put(text, "summary", summary(t)), "reasons", table(t, list_of))
        with open(a.doc, "w") as f:
            f.write(text)
    else:
        print("\n".join(list(summary(t)) + [""] + list(table(t, list_of))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
