#!/usr/bin/env python3
"""What can be attached to, counted: known functions, real files, and the page that tells.

    coverage.py CENSUS KNOWN PAGE UTRAMP ENTRIES

KNOWN (known.S) has one function for each site and refusal that code or names can give, so a rule
that is lost or one that refuses too much is seen at once.  Of real files, those of the machine, no
number is known; but shares are, and each refusal is of the closed list.  PAGE is docs/coverage.md,
whose list is the program's.  ENTRIES (entries.S) has functions that are entered in rarer ways: they run
traced, give what they give alone, and each call is counted.
"""
import json
import os
import re
import subprocess
import sys

CENSUS, KNOWN, PAGE, UTRAMP, ENTRIES = sys.argv[1:6]

KNOWN_REFUSED = {"short": 1, "unmovable": 1, "early-call": 1, "loop": 1, "branch-into": 1, "jumps-anywhere": 1,
                 "undecodable": 1, "sigreturn": 1, "split-stack": 1, "ifunc": 1, "signal-frame": 1,
                 "padding-taken": 1, "returns-twice": 1, "switches-stacks": 1}
KNOWN_COUNTS = {"functions": 21, "entry": 9, "exit": 7, "nop": 1, "moved": 7, "hop": 1}

LIB = "/usr/lib/x86_64-linux-gnu/"
# a dozen that Debian 12 has where the packages of tools/install-deps.sh are; those not there are passed over
FILES = ["/usr/bin/bash", "/usr/bin/git", "/usr/bin/gdb", "/usr/bin/perl", "/usr/bin/ld.bfd", "/usr/bin/objdump",
         LIB + "libc.so.6", LIB + "libm.so.6", LIB + "ld-linux-x86-64.so.2", LIB + "libstdc++.so.6",
         LIB + "libcrypto.so.3", LIB + "libz.so.1", LIB + "libelf.so.1", LIB + "libsqlite3.so.0"]
ENTRY, EXIT = 0.995, 0.99  # of each file with a thousand functions; libc has its own rules

failed = 0
number = 0


def check(ok, what, detail=""):
    global failed, number
    number += 1
    failed += not ok
    print("%sok %d - %s" % ("" if ok else "not ", number, what))
    if not ok:
        for line in str(detail).splitlines():
            print("# " + line)
    sys.stdout.flush()


def run(*args):
    r = subprocess.run([CENSUS, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                       timeout=120, check=False)
    if r.returncode:
        check(False, "census " + " ".join(args), r.stderr)
    return r.stdout.splitlines()


CALLS = 1000
ENTERED = {"bare_add": (CALLS, 32), "bare_stub": (CALLS, 32), "bare_short": (CALLS, 32), "bare_last": (2 * CALLS, None)}


def tool(*args):
    r = subprocess.run([UTRAMP, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                       timeout=120, check=False)
    if r.returncode:
        check(False, "utramp " + " ".join(args), r.stderr)
    return r.stdout


def entries():
    truth = subprocess.run([ENTRIES, str(CALLS)], stdout=subprocess.PIPE, universal_newlines=True, timeout=60,
                           check=True).stdout
    rows = {r["func"]: r for r in map(json.loads, tool("list", "-j", ENTRIES + ":bare_*").splitlines())}
    check(set(rows) == set(ENTERED) and all(r["attach"] == ["entry"] and r["refusal"] == "no-types" for r in rows.values()),
          "assembly without sizes can be entered", rows)
    check(all(size is None or rows[f]["size"] == size for f, (_, size) in ENTERED.items()),
          "such a function reaches to the next", rows)
    out = tool("count", ":bare_*", "--", ENTRIES, str(CALLS))
    counts = {f: int(n) for n, f in re.findall(r"^ *(\d+)  entries:(\w+)$", out, re.M)}
    check(counts == {f: n for f, (n, _) in ENTERED.items()}, "each call of them is counted", out)
    check(out.startswith(truth), "and gives what it gives alone", (out, truth))


def main():
    entries()
    known = run("-v", KNOWN)
    row = json.loads(known[-1])
    told = "\n".join(known)
    check({k: row[k] for k in KNOWN_COUNTS} == KNOWN_COUNTS, "of known functions all are counted", told)
    check(row["refused"] == KNOWN_REFUSED, "each known refusal has its reason", told)

    reasons = [line.split("\t") for line in run("-r")]
    codes = [r[0] for r in reasons]
    check(len(codes) == len(set(codes)) and all(re.fullmatch("[a-z-]+", c) for c in codes),
          "codes are words, each once", codes)
    with open(PAGE) as f:
        page = dict(re.findall(r"^\| `([a-z-]+)` \| (?:entry|exit) \|.*\| ([^|]*) \|$", f.read(), re.M))
    check(page == {r[0]: r[2] for r in reasons}, "the page has the program's list (tools/census.py --doc)",
          {c for c in set(page) ^ set(codes)} or "texts differ")

    files = [f for f in FILES if os.path.exists(f)]
    check(len(files) >= 8, "files to look at", files)
    entry = functions = 0
    for row in map(json.loads, run(*files)):
        n = row["functions"]
        functions += n
        entry += row["entry"]
        check(set(row["refused"]) <= set(codes), "%s: refused by the list" % row["file"], row)
        check(row["entry"] + sum(v for k, v in row["refused"].items() if reasons[codes.index(k)][1] == "entry") == n
              and row["nop"] + row["moved"] + row["hop"] == row["entry"], "%s: nothing is lost" % row["file"], row)
        rules = row["refused"].get("ifunc", 0)  # libc: a fiftieth of its functions are resolvers
        check(n < 1000 or (row["entry"] + rules >= ENTRY * n and row["exit"] + rules >= (EXIT - 0.02 * (rules > 0)) * n),
              "%s: most can be attached to" % row["file"], row)
    check(functions > 10000 and entry >= ENTRY * functions, "most of all", (functions, entry))
    print("1..%d" % number)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
