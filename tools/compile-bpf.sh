#!/bin/sh
# compile-bpf.sh CLANG SOURCE.bpf.c OUT.bpf.o - an example as it is shipped.
#
# The same bytes wherever the project lies: paths are cut, DWARF is stripped (BTF stays).
set -eu
clang=$1
source=$(realpath "$2")
mkdir -p "$(dirname "$3")"
out=$(realpath "$3")
root=$(dirname "$(dirname "$source")")

cd "$root"
"$clang" -target bpf -O2 -g -Wall -Werror -D__TARGET_ARCH_x86 -I include \
	"-I/usr/include/$(uname -m)-linux-gnu" "-fdebug-prefix-map=$root=." -fdebug-compilation-dir=. \
	-c "${source#"$root"/}" -o "$out"
strip=$(dirname "$(readlink -f "$(command -v "$clang")")")/llvm-strip
[ -x "$strip" ] || strip=llvm-strip
"$strip" -g "$out"
