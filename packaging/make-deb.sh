#!/bin/sh
# make-deb.sh BUILD - `make deb`: BUILD/utramp_VERSION_amd64.deb.
#
# One package: the tool, both libraries, headers, manual, completion, examples.  It is built with
# prefix /usr in a folder of its own, stripped, and packed by dpkg-deb; dpkg-dev finds what it
# depends on.  No debhelper: it asks for more than all else that a build needs.  The same commit gives
# the same package (SOURCE_DATE_EPOCH: the changelog's date).
set -eu
mkdir -p "$1"
build=$(realpath "$1")
cd "$(dirname "$0")/.."
version=$(sed -n "s/^ *version: '\(.*\)',$/\1/p" meson.build | head -n 1)
debian=packaging/debian
arch=$(dpkg --print-architecture)
work=$build/package
tree=$work/tree
case $(dpkg-parsechangelog -l "$debian/changelog" -S Version) in
"$version") ;;
*) echo "make-deb.sh: $debian/changelog does not begin with version $version" >&2 && exit 1 ;;
esac
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$debian/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH

if [ ! -e "$work/build.ninja" ]; then
	LDFLAGS="-Wl,-z,relro -Wl,-z,now" meson setup --prefix=/usr --libdir="lib/$(gcc -print-multiarch)" \
		-Dtests=false -Db_pie=true "-Dc_args=-ffile-prefix-map=$PWD=." "$work" >/dev/null
fi
rm -rf "$tree"
DESTDIR=$tree packaging/install.sh "$work" /usr

lib=$tree/usr/lib/$(gcc -print-multiarch)
# the examples' programs keep their types: they are there to be traced
strip --strip-unneeded --remove-section=.comment "$tree/usr/bin/utramp" "$lib"/libutramp.so.*.*
strip --strip-debug --enable-deterministic-archives "$lib/libutramp.a"
doc=$tree/usr/share/doc/utramp
mkdir -p "$doc" "$tree/usr/share/lintian/overrides" "$tree/DEBIAN"
cp "$debian/copyright" README.md "$doc"
cp "$debian/changelog" "$doc"
cp "$debian/lintian-overrides" "$tree/usr/share/lintian/overrides/utramp"
gzip -9n "$doc/changelog" "$tree"/usr/share/man/man1/*.1
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -type f -exec chmod u=rwX,go=rX {} +
chmod 644 "$lib"/libutramp.so.*.*

# dpkg-shlibdeps wants debian/control beside it, and knows our own library by what the tree has
mkdir -p "$work/shlibs/debian"
cp "$debian/control" "$work/shlibs/debian/control"
soname=$(objdump -p "$lib/libutramp.so" | sed -n 's/^ *SONAME *//p')
echo "libutramp ${soname##*.so.} utramp (>= $version)" >"$tree/DEBIAN/shlibs"
echo "activate-noawait ldconfig" >"$tree/DEBIAN/triggers"
depends=$(cd "$work/shlibs" && dpkg-shlibdeps -O -xutramp "-l$lib" "-S$tree" "$tree"/usr/bin/utramp \
	"$tree"/usr/libexec/utramp/* "$lib/$soname" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "make-deb.sh: dpkg-shlibdeps found nothing" >&2; exit 1; }

(cd "$tree" && find usr -type f -printf '%P\n' | LC_ALL=C sort | sed 's|^|usr/|' | xargs -d '\n' md5sum) \
	>"$tree/DEBIAN/md5sums"
size=$(du -k --apparent-size -s "$tree/usr" | cut -f1)
# the binary package's fields; Source: and what only a source has are left out
awk -v version="$version" -v arch="$arch" -v depends="$depends" -v size="$size" '
	/^Package:/ { on = 1 }
	/^(Maintainer|Section|Priority|Homepage):/ { kept = kept $0 "\n" }
	on && /^Architecture:/ { print "Version: " version "\nArchitecture: " arch; next }
	on && /^Depends:/ { printf "%sInstalled-Size: %s\nDepends: %s\n", kept, size, depends; next }
	on' "$debian/control" >"$tree/DEBIAN/control"
deb=$build/utramp_${version}_$arch.deb
find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$tree" "$deb" >/dev/null
echo "$deb"
