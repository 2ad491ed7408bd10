#!/usr/bin/env python3
"""make-cases.py FOLDER - write the .data files: eBPF programs and what they return.

A third opinion beside interpreter and JIT: results come from Python's integers, or, where
a case is written out, from thinking; model.py is not asked.  What the files look like: datafile.py.
"""
import pathlib
import sys

import cases_alu
import cases_atomic
import cases_call
import cases_jump
import cases_memory
import cases_refused

FOLDER = pathlib.Path(sys.argv[1])
total = sum(make().write(FOLDER) for make in (
    cases_alu.arithmetic, cases_alu.edges, cases_alu.registers, cases_jump.jumps, cases_jump.edges,
    cases_jump.distances, cases_jump.may_goto, cases_memory.memory, cases_memory.widths, cases_atomic.atomics,
    cases_atomic.pairs, cases_atomic.ordered, cases_call.calls, cases_refused.reserved, cases_refused.refused))
print(total, 'cases')
