#!/bin/sh
# fresh.sh DIR [STEP...] - utramp in a minimal Debian 12 of its own, in the folder DIR.
#
#   make    debootstrap: minbase with git, make, gcc, ca-certificates (done first if DIR is empty)
#   deb     install the package of `make deb` there, run utramp-demo, remove the package
#   demo    git clone this repository's HEAD, install what it needs, make demo, with the time it took
#   test    the same, and make test
#   shell   look around
#   remove  delete DIR
#
# Without a step: deb demo.  `make test-long` runs that, too.  Needs root, debootstrap and a Debian
# mirror: MIRROR=URL, or the one that this machine's apt uses.  DEB=FILE: that package,
# else BUILD/utramp_*.deb, made now.
#
# Each step has mounts and processes of its own (unshare), which end with it: nothing of this
# machine is mounted in DIR when it is deleted.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
die() { echo "fresh.sh: $*" >&2; exit 1; }
say() { printf '\n== %s\n' "$*"; }
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "only root may make a chroot"
dir=$1
shift
[ $# -gt 0 ] || set -- deb demo

# The word behind "deb [options]" or "URIs:" that is the suite's own, or its security updates'.
uris() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | tr ' ' '\n' |
		grep -E "$1" | head -n 1
}

make_root() {
	command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
	mirror=${MIRROR:-$(uris '/debian/?$')}
	security=$(uris '/debian-security/?$')
	[ -n "$mirror" ] || die "no Debian mirror is known: MIRROR=URL"
	say "debootstrap from $mirror"
	debootstrap --variant=minbase --include=git,make,gcc,ca-certificates bookworm "$dir" "$mirror" \
		>"$dir.log" 2>&1 || { tail -n 5 "$dir.log" >&2; die "debootstrap failed, see $dir.log"; }
	rm "$dir.log"
	{
		echo "deb $mirror bookworm main"
		echo "deb $mirror bookworm-updates main"
		[ -z "$security" ] || echo "deb $security bookworm-security main"
	} >"$dir/etc/apt/sources.list"
	# as an installed system has it; debootstrap leaves it out
	printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$dir/etc/hosts"
	: >"$dir/etc/utramp-fresh"
}

# inside COMMAND: in DIR, with /proc, /sys, /dev and /tmp as a machine has them.
inside() {
	unshare --mount --pid --fork --kill-child --propagation private sh -euc '
		dir=$1
		mount -t proc proc "$dir/proc"
		mount -t sysfs -o ro sysfs "$dir/sys"
		mount -t tmpfs -o mode=755 dev "$dir/dev"
		for node in null zero full random urandom tty; do
			: >"$dir/dev/$node"
			mount --bind "/dev/$node" "$dir/dev/$node"
		done
		mkdir "$dir/dev/pts" "$dir/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$dir/dev/pts"
		mount -t tmpfs -o mode=1777 shm "$dir/dev/shm"
		ln -s pts/ptmx "$dir/dev/ptmx"
		ln -s /proc/self/fd "$dir/dev/fd"
		for n in 0 1 2; do
			ln -s "/proc/self/fd/$n" "$dir/dev/$(echo stdin stdout stderr | cut -d" " -f$((n + 1)))"
		done
		exec env -i --default-signal HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
			${TERM:+TERM="$TERM"} chroot "$dir" sh -ec "$2"
	' sh "$dir" "$1"
}

timed() {
	start=$(date +%s)
	inside "$2"
	echo "== $1: $(($(date +%s) - start)) s"
}

clone() {
	rm -rf "$dir/root/origin.git" "$dir/root/utramp"
	git clone -q --bare "$root" "$dir/root/origin.git"
	head=$(git -C "$root" rev-parse HEAD)
	say "git clone: $head"
	inside "cd /root && git clone -q origin.git utramp && cd utramp && git checkout -q $head"
}

step_make() { [ -e "$dir/etc/utramp-fresh" ] || make_root; }

step_deb() {
	[ -n "${DEB:-}" ] || DEB=$("$root/packaging/make-deb.sh" "${BUILD:-$root/build}" | tail -n 1)
	say "apt-get install ./$(basename "$DEB")"
	mkdir -p "$dir/root/deb"
	cp "$DEB" "$dir/root/deb/utramp.deb"
	inside 'apt-get update -q && apt-get install -qy --no-install-recommends /root/deb/utramp.deb sqlite3'
	timed utramp-demo 'cd / && utramp --version && utramp-demo'
	inside 'apt-get purge -qy utramp
		left=$(find /usr /etc -name "*utramp*" ! -path /etc/utramp-fresh); echo "$left"; test -z "$left"'
}

step_demo() {
	clone
	timed 'packages' 'apt-get update -q && cd /root/utramp && YES=1 tools/install-deps.sh >/dev/null'
	timed 'make demo' 'cd /root/utramp && make demo'
}

step_test() {
	[ -e "$dir/root/utramp" ] || step_demo
	timed 'make test' 'cd /root/utramp && make test'
}

step_shell() { inside 'cd /root && exec bash'; }

step_remove() {
	grep -q " $(realpath "$dir")/" /proc/self/mountinfo && die "something is mounted in $dir"
	[ -e "$dir/etc/utramp-fresh" ] || die "$dir was not made by this script"
	rm -rf --one-file-system "$dir"
}

mkdir -p "$dir"
dir=$(realpath "$dir")
for step; do
	case $step in
	make) step_make ;;
	deb | demo | test | shell) step_make; "step_$step" ;;
	remove) step_remove ;;
	*) die "no step '$step'; there are: make, deb, demo, test, shell, remove" ;;
	esac
done
