#!/usr/bin/env python3
"""source-id.py OUT NAME FILE... - a header that defines NAME as a hash of the files' text."""
import hashlib
import sys

out, name, files = sys.argv[1], sys.argv[2], sys.argv[3:]
digest = hashlib.sha256()
for path in files:
    with open(path, "rb") as f:
        digest.update(f.read())
with open(out, "w") as f:
    f.write("#define %s 0x%sull\n" % (name, digest.hexdigest()[:16]))
