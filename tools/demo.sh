#!/bin/sh
# demo.sh BUILD - utramp on two real programs; `make demo` runs it.
#
# Each program's own output is compared with that of an untraced run.
set -eu
build=${1:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
utramp=$build/utramp

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

# traced OUTPUT-OF-UTRAMP ARGS... -- CMD...: run, show what utramp prints, keep the command's own
sql='create table city(name text, people integer); insert into city values ("Oslo", 709037);'
sqlite() { "$@" sqlite3 :memory: "$sql" '.dump --preserve-rowids'; }

sqlite env >"$tmp/plain"
say "utramp run sqlite_column.bpf.o -- sqlite3 :memory: ... '.dump --preserve-rowids'"
sqlite "$utramp" run "$build/examples/sqlite_column.bpf.o" -o "$tmp/calls" \
	--proto 'int sqlite3_table_column_metadata(sqlite3 *db, const char *db_name, const char *table, const char *column, const char **type, const char **collation, int *not_null, int *primary_key, int *auto_inc)' \
	-- >"$tmp/traced"
cat "$tmp/calls"
test -s "$tmp/calls"

say "utramp trace libsqlite3.so.0:sqlite3_prepare_v2 -- sqlite3 ..."
sqlite "$utramp" trace libsqlite3.so.0:sqlite3_prepare_v2 -o "$tmp/prepare" \
	--proto 'int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **stmt, const char **tail)' \
	-- >"$tmp/traced2"
head -n 8 "$tmp/prepare"
test -s "$tmp/prepare"
cmp "$tmp/plain" "$tmp/traced"
cmp "$tmp/plain" "$tmp/traced2"
echo "(sqlite3's own output: unchanged)"

say "utramp run many.bpf.o -- many        # 7 to 16 arguments, structs by value, doubles"
"$build/examples/many" >"$tmp/plain"
"$utramp" run "$build/examples/many.bpf.o" -o "$tmp/calls" -- "$build/examples/many" >"$tmp/traced"
cat "$tmp/calls"
test -s "$tmp/calls"
cmp "$tmp/plain" "$tmp/traced"

say "utramp trace 'many:*n*' -- many      # typed by its DWARF"
"$utramp" trace 'many:*n*' -o "$tmp/trace" -- "$build/examples/many" >"$tmp/traced"
cat "$tmp/trace"
test -s "$tmp/trace"
cmp "$tmp/plain" "$tmp/traced"
echo "(its own output: unchanged)"
