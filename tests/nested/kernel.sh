#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# kernel.sh SERIES [FLAVOUR] - a Debian kernel of a series (6.1, 6.12) for a machine
# of our own; its directory on standard output.
#
# FLAVOUR is that of its package: cloud-amd64, or amd64, the standard kernel.
# In the directory: `vmlinux`, `vmlinuz`, `modules/` (the package's, unpacked) and
# `about`, one line that names package, version and suite. Nothing is installed: the
# package comes from the release's backports, or from the system's own sources where
# those have none, through lists of packages that lie here, and stays here until
# `make clean`.
#
# Exit status: 0; 1 with the reason on standard error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
series=${1:?usage: kernel.sh SERIES [FLAVOUR]}
flavour=${2:-cloud-amd64}
cache=$PWD/build/nested
dir=$cache/kernel/$series-$flavour
mkdir -p "$cache/kernel"

die() {
	echo "kernel.sh: $*" >&2
	exit 1
}

exec 9>"$cache/kernel/lock"
flock 9
if [ -e "$dir/about" ]; then
	echo "$dir"
	exit 0
fi

command -v apt-get >/dev/null ||
	die "no apt-get; put vmlinux, vmlinuz, modules/ and about into $dir yourself"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# apt_of WHERE COMMAND...: with lists of its own, "system" by the sources of this
# system, "backports" by those that backports_sources wrote.
apt_of() {
	local state=$cache/apt/$1 program=$2
	local options=(-q -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state")
	shift 2
	[ "${state##*/}" = system ] || options+=(
		-o Dir::Etc::sourcelist=/dev/null
		-o "Dir::Etc::sourceparts=$state/sources")
	mkdir -p "$state/lists/partial" "$state/archives/partial"
	"$program" "${options[@]}" "$@"
}

# The suite beside the release, from the same mirror, checked by the same key.
backports_sources() {
	local release mirror
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mirror=$(apt_of system apt-get indextargets 'Created-By: Packages' \
		"Codename: $release" 'Component: main' 'Origin: Debian' \
		--format '$(REPO_URI)' | head -n 1)
	[ -n "$mirror" ] || return 1
	mkdir -p "$cache/apt/backports/sources"
	cat >"$cache/apt/backports/sources/backports.sources" <<-END
		Types: deb
		URIs: $mirror
		Suites: $release-backports
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	END
}

# update WHERE: fetch its lists, once per cache.
update() {
	local where=$1
	[ ! -e "$cache/apt/$where/updated" ] || return 0
	apt_of "$where" apt-get update >"$tmp/log" 2>&1 || return 1
	touch "$cache/apt/$where/updated"
}

# newest WHERE: the newest package of the series there. What is between series and
# flavour has at most one dash, or it is of another flavour.
newest() {
	apt_of "$1" apt-cache pkgnames linux-image- | sort -V |
		grep -E "^linux-image-${series//./\\.}\\.[^-]*(-[0-9]+)?-$flavour\$" | tail -n 1
}

update system || die "apt-get update: $(tail -n 5 "$tmp/log")"
if ! { backports_sources && update backports; }; then
	echo "kernel.sh: backports cannot be reached: $(tail -n 3 "$tmp/log")" >&2
fi
package=
for where in backports system; do
	[ -e "$cache/apt/$where/updated" ] || continue
	package=$(newest "$where") && break
done
[ -n "$package" ] || die "no linux-image-$series.*-$flavour in backports or the system's sources"

echo "kernel.sh: fetching $package ($where)" >&2
mkdir "$tmp/root"
(cd "$tmp" && apt_of "$where" apt-get download "$package") >"$tmp/log" 2>&1 ||
	die "apt-get download $package: $(tail -n 5 "$tmp/log")"
dpkg -x "$tmp"/*.deb "$tmp/root"
rm -rf "$dir"
mkdir -p "$dir"
"$here/vmlinux.sh" "$tmp"/root/boot/vmlinuz-* "$dir/vmlinux"
cp "$tmp"/root/boot/vmlinuz-* "$dir/vmlinuz"
mv "$tmp"/root/lib/modules/* "$dir/modules"
version=$(dpkg-deb -f "$tmp"/*.deb Version)
echo "$package $version from $where" >"$dir/about"
echo "$dir"
