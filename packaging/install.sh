#!/bin/sh
# install.sh BUILD [PREFIX] - `make install`: build what is installed, and install it.
#
# PREFIX: instead of that with which BUILD was set up.  DESTDIR: as packagers know it.
set -eu
build=$1
prefix=${2:-}
had=$(meson introspect --buildoptions "$build" |
	python3 -c 'import json, sys; print(*[o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"])')
case ${prefix:=$had} in
/*) ;;
*) echo "install.sh: PREFIX must be an absolute path: '$prefix'" >&2 && exit 2 ;;
esac
[ "$prefix" = "$had" ] || meson configure "-Dprefix=$prefix" "$build"
ninja -C "$build" installed-files
meson install -C "$build" --no-rebuild --quiet
echo "installed in ${DESTDIR:-}$prefix"
# so that libutramp.so.0 is found where the loader's cache has the folder
if [ -z "${DESTDIR:-}" ] && [ "$(id -u)" = 0 ]; then
	PATH=$PATH:/sbin:/usr/sbin ldconfig
fi
