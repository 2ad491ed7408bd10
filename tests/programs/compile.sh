#!/bin/sh
# compile.sh CLANG LEVEL SOURCE.bpf.c OUT.bpf.o [OPTION...] - a program as compilers make it for its users.
# compile.sh all [DIR] - what is committed, objects.tar.xz: all of src/ and refused/ by each compiler and level,
# examples and objects of other tests by those that the build does not use, gcc/ by gcc.  With DIR: there,
# unpacked.
#
# The same bytes wherever the project lies: paths are cut, DWARF is stripped (BTF stays).
set -eu
here=$(dirname "$(realpath "$0")")
root=$(dirname "$(dirname "$here")")

one() {
	clang=$1
	level=$2
	source=$(realpath "$3")
	mkdir -p "$(dirname "$4")"
	out=$(realpath "$4")
	shift 4
	cd "$(dirname "$source")"
	if [ "$clang" = gcc ]; then
		bpf-gcc "-mcpu=$level" -O2 -gbtf -Wall -D__TARGET_ARCH_x86 -idirafter "/usr/include/$(uname -m)-linux-gnu" \
			-idirafter /usr/include -c "$(basename "$source")" -o "$out"
		return
	fi
	"$clang" -target bpf "-mcpu=$level" -O2 -g -Wall -Wno-unused -D__TARGET_ARCH_x86 "-I$root/include" \
		"-I/usr/include/$(uname -m)-linux-gnu" "-fdebug-prefix-map=$root=." -fdebug-compilation-dir=. \
		"$@" -c "$(basename "$source")" -o "$out"
	strip=$(dirname "$(readlink -f "$(command -v "$clang")")")/llvm-strip
	[ -x "$strip" ] || strip=llvm-strip
	"$strip" -g "$out"
}

if [ "$1" != all ]; then
	one "$@"
	exit
fi
dir=${2:-$(mktemp -d)}
for which in 14-v1 14-v3 16-v1 16-v3 19-v1 19-v3 19-v4; do
	clang=clang-${which%-*}
	command -v "$clang" >/dev/null || { echo "no $clang: nothing by it" >&2; continue; }
	for source in "$here"/src/*.bpf.c "$here"/refused/*.bpf.c; do
		kind=$(basename "$(dirname "$source")")
		(one "$clang" "${which#*-}" "$source" "$dir/$which/$kind/$(basename "$source" .c).o" -Werror)
	done
	[ "$which" != 14-v1 ] || continue # the build's own
	while read -r source options; do
		name=$(echo "${source%.bpf.c}" | tr / -)
		# shellcheck disable=SC2086
		(one "$clang" "${which#*-}" "$root/$source" "$dir/$which/others/$name.bpf.o" $options)
	done <"$here/others.txt"
done
if [ "$(bpf-gcc -dumpversion 2>/dev/null)" = 12.2.0 ]; then
	for source in "$here"/gcc/*.bpf.c; do
		(one gcc v3 "$source" "$dir/gcc-12/gcc/$(basename "$source" .c).o")
	done
else
	echo "no bpf-gcc 12.2.0 (Debian 12: gcc-bpf): nothing by it" >&2
fi
[ $# -eq 1 ] || exit 0
python3 "$here/archive.py" pack "$dir" "$here/objects.tar.xz"
rm -r "$dir"
