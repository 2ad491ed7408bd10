#!/bin/sh
# compile.sh CLANG LEVEL OUT.bpf.o - isa.bpf.c as it is committed, in objects/clang-VERSION-LEVEL.bpf.o.
# compile.sh all - all of them, by clang-14, clang-16 and clang-19.
set -eu
here=$(dirname "$(realpath "$0")")

if [ "$1" = all ]; then
	for which in 14:v1 14:v2 14:v3 16:v1 16:v3 19:v1 19:v2 19:v3 19:v4; do
		"$0" "clang-${which%:*}" "${which#*:}" "$here/objects/clang-${which%:*}-${which#*:}.bpf.o"
	done
	exit
fi
out=$(realpath "$3")
cd "$here"
"$1" -target bpf "-mcpu=$2" -O2 -g -Wall -Werror -D__TARGET_ARCH_x86 \
	"-I/usr/include/$(uname -m)-linux-gnu" "-fdebug-prefix-map=$here=." -fdebug-compilation-dir=. \
	-c isa.bpf.c -o "$out"
# BTF stays
strip=$(dirname "$(readlink -f "$(command -v "$1")")")/llvm-strip
[ -x "$strip" ] || strip=llvm-strip
"$strip" -g "$out"
