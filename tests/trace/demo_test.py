#!/usr/bin/env python3
"""demo_test.py DEMO.SH BUILD - `make demo` runs, and shows what it promises."""
import re
import shutil
import sys

from harness import Run, Tap

COLUMN = r'^columns: \{(.*)\}$'


def ends_well(demo):
    assert demo.code == 0, f'status {demo.code}\n{demo.stderr}{demo.stdout.decode()}'


def nine_arguments(text):
    """A call with nine arguments, and its result."""
    found = re.search(COLUMN, text, re.M)
    assert found, text
    names = re.findall(r'(\w+)=', found[1])
    assert names == ['db', 'db_name', 'table', 'column', 'type', 'collation', 'not_null', 'primary_key',
                     'auto_inc', 'ret'], found[0]
    assert 'table="city"' in found[1] and re.search(r'ret=-?\d+$', found[1]), found[0]


def typed(text):
    call = re.search(r'libsqlite3[^\n]*:sqlite3_prepare_v2\(([^\n]*)', text)
    assert call, text
    for name in ('db=0x', 'zSql="', 'nByte=', 'ppStmt=0x', 'pzTail='):
        assert name in call[1], call[0]


def own_program(text):
    for call in ('seven(', 'blend(', 'sixteen('):
        assert re.search(r'^< ' + re.escape(call) + '.* = ', text, re.M), call
        assert re.search(r'^many:' + re.escape(call) + '.* = ', text, re.M), call
    assert text.count('own output: unchanged') == 2, text


def main(script, build):
    tap = Tap()
    if not shutil.which('sqlite3'):
        print('1..0 # SKIP sqlite3 is not installed')
        return 0
    demo = Run(['sh', script, build])
    text = demo.stdout.decode()
    tap.run('ends well', ends_well, demo)
    tap.run('nine arguments and a result', nine_arguments, text)
    tap.run('typed calls of sqlite3_prepare_v2', typed, text)
    tap.run('a program of 7 to 16 arguments', own_program, text)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]))
