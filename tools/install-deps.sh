#!/bin/sh
# install-deps.sh - install what is missing to build and test utramp on Debian 12.
# install-deps.sh demo - what is missing to build the tool and run the demo: no compiler of eBPF.
#
# The servers that tests/inventory attaches to are neither started nor enabled: the tests run their
# own.  Prints the packages and their size first.  Asks on a terminal; YES=1 skips the question;
# without a terminal and without YES it goes on, since nobody could answer.
set -eu

packages="gcc libc6-dev make meson ninja-build pkg-config libelf-dev libdw-dev libbpf-dev
zlib1g-dev libzydis-dev python3 binutils sqlite3"
servers="nginx redis-server postgresql"
# clang brings libclang1-14, by which `utramp btf gen` and its tests read headers; libblas3 has
# functions of 14 arguments for the tests.
[ "${1:-}" = demo ] ||
	packages="$packages g++ clang llvm libcmocka-dev libblas3 openssl git dpkg-dev redis-tools $servers"

missing=
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "missing:$missing (this script knows Debian's apt-get only)" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "missing:$missing; run as root: apt-get install$missing" >&2; exit 1; }
	sudo=sudo
fi
# shellcheck disable=SC2086
apt-get install -s --no-install-recommends $missing >/dev/null 2>&1 || $sudo apt-get update -q
echo "to be installed:$missing"
# shellcheck disable=SC2086
apt-get install --assume-no --no-install-recommends $missing 2>/dev/null | grep -E 'Need to get|After this' || true
if [ "${YES:-}" != 1 ] && [ -t 0 ]; then
	printf 'install them? [Y/n] '
	read -r answer
	case $answer in n* | N*) exit 1 ;; esac
fi

fresh=
for p in $servers; do
	case " $missing " in *" $p "*) fresh="$fresh $p" ;; esac
done
# /usr/share/doc/init-system-helpers/README.policy-rc.d.gz: 101, the action is forbidden.
policy=/usr/sbin/policy-rc.d
if [ -n "$fresh" ] && [ ! -e $policy ]; then
	trap '$sudo rm -f $policy' EXIT
	trap 'exit 1' INT TERM
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
fi
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends $missing
# shellcheck disable=SC2086
if [ -n "$fresh" ] && command -v systemctl >/dev/null; then
	$sudo systemctl --quiet disable $fresh || echo "could not disable:$fresh" >&2
fi
