#!/bin/sh
# run.sh [BUILD [BLOCKS [CALLS]]] - what a hit costs; `make bench` runs it.
#
# On one processor, the last one.  The second table is the same program without utramp: its
# ratios are the error of the first.
set -eu
build=${1:-build}
blocks=${2:-40}
calls=${3:-200000}
here=$(dirname "$0")
out=$build/bench
pin=

mkdir -p "$out"
${CC:-cc} -O2 -g -Wall -Wextra -o "$out/hit" "$here/hit.c"
clang -target bpf -O2 -g -Wall -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu \
	-c "$here/hit.bpf.c" -o "$out/hit.bpf.o"
if command -v taskset >/dev/null; then
	pin="taskset -c $(awk '/Cpus_allowed_list/ { n = split($2, a, /[,-]/); print a[n] }' \
		/proc/self/status)"
fi

echo "$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), Linux $(uname -r), load" \
	"$(cut -d' ' -f1 /proc/loadavg), $blocks blocks of $calls calls"
echo
echo "traced by $("$build/src/cli/utramp" --version):"
# taskset outside: what it starts is the command, and its affinity is inherited
# shellcheck disable=SC2086
$pin "$build/src/cli/utramp" run -q "$out/hit.bpf.o" -- "$out/hit" "$blocks" "$calls"
echo
echo "not traced:"
# shellcheck disable=SC2086
$pin "$out/hit" "$blocks" "$calls"
echo
echo "layouts and entries, in process:"
ninja -C "$build" bench/layouts >/dev/null
# shellcheck disable=SC2086
$pin "$build/bench/layouts" "$blocks" "$calls"
