#!/bin/sh
# demo.sh BUILD - utramp on two real programs; `make demo` runs it.
# utramp-demo   - the same, as installed: with the tool beside it.
#
# Each program's own output is compared with that of an untraced run.
set -eu
if [ $# -eq 0 ] && [ "${0##*/}" = utramp-demo ]; then
	prefix=$(dirname "$(dirname "$(readlink -f "$0")")")
	utramp=$prefix/bin/utramp objects=$prefix/share/utramp/examples many=$prefix/libexec/utramp/many
elif [ $# -le 1 ] && [ -x "${1:-build}/utramp" ]; then
	build=${1:-build}
	utramp=$build/utramp objects=$build/examples many=$objects/many
else
	echo "usage: utramp-demo, or tools/demo.sh BUILD with a build's folder" >&2
	exit 2
fi
command -v sqlite3 >/dev/null || {
	echo "${0##*/}: sqlite3, which is to be traced, is missing: apt-get install sqlite3" >&2
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

# traced OUTPUT-OF-UTRAMP ARGS... -- CMD...: run, show what utramp prints, keep the command's own
sql='create table city(name text, people integer); insert into city values ("Oslo", 709037);'
sqlite() { "$@" sqlite3 :memory: "$sql" '.dump --preserve-rowids'; }

sqlite env >"$tmp/plain"
say "utramp run sqlite_column.bpf.o -- sqlite3 :memory: ... '.dump --preserve-rowids'"
sqlite "$utramp" run "$objects/sqlite_column.bpf.o" -o "$tmp/calls" -- >"$tmp/traced"
cat "$tmp/calls"
test -s "$tmp/calls"

say "utramp trace libsqlite3.so.0:sqlite3_prepare_v2 -- sqlite3 ..."
sqlite "$utramp" trace libsqlite3.so.0:sqlite3_prepare_v2 -o "$tmp/prepare" -- >"$tmp/traced2"
head -n 8 "$tmp/prepare"
test -s "$tmp/prepare"
cmp "$tmp/plain" "$tmp/traced"
cmp "$tmp/plain" "$tmp/traced2"
echo "(sqlite3's own output: unchanged)"

say "utramp run many.bpf.o -- many        # 7 to 16 arguments, structs by value, doubles"
"$many" >"$tmp/plain"
"$utramp" run "$objects/many.bpf.o" -o "$tmp/calls" -- "$many" >"$tmp/traced"
cat "$tmp/calls"
test -s "$tmp/calls"
cmp "$tmp/plain" "$tmp/traced"

say "utramp trace 'many:*n*' -- many      # typed by its DWARF"
"$utramp" trace 'many:*n*' -o "$tmp/trace" -- "$many" >"$tmp/traced"
cat "$tmp/trace"
test -s "$tmp/trace"
cmp "$tmp/plain" "$tmp/traced"
echo "(its own output: unchanged)"
