#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh run|test|fuzz - install the Debian packages that are missing.
#
# Quiet and quick when all are there. As another user than root it uses sudo.
# Exit status: 0 all are there now; 3 they are not, with the reason.
set -euo pipefail

build=(gcc make git pkg-config libc6-dev libfdt-dev libcapstone-dev libjansson-dev
	libbsd-dev libmicrohttpd-dev libseccomp-dev)
check=(libcmocka-dev bats parallel jq procps qemu-system-x86 seabios chromium mandoc spin
	device-tree-compiler acpica-tools clang clang-tidy clang-format cppcheck
	busybox-static lz4 xz-utils zstd)

case "${1:-}" in
run) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${check[@]}") ;;
fuzz)
	"$0" test
	# The fuzzer's runtime is a package per release of clang.
	wanted=("libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev")
	;;
*)
	echo "usage: deps.sh run|test|fuzz" >&2
	exit 2
	;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian system; install these yourself: ${wanted[*]}" >&2
	exit 3
fi

missing_packages() {
	dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" \
		2>/dev/null | awk '$2 == "installed" { print $1 }' |
		sort -u >"$tmp/have" || true
	printf '%s\n' "${wanted[@]}" | sort -u | comm -23 - "$tmp/have"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing ${missing[*]}; run as root, or install sudo" >&2
		exit 3
	fi
	as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
	-o DPkg::Lock::Timeout=120)

echo "deps: installing ${missing[*]}"
install_missing() {
	"${apt[@]}" install --no-install-recommends "${missing[@]}" \
		>"$tmp/log" 2>&1
}
# The first attempt fails on a machine that never fetched the package lists.
if ! install_missing; then
	if ! { "${apt[@]}" update >"$tmp/log" 2>&1 && install_missing; }; then
		tail -n 20 "$tmp/log" >&2
		echo "deps: apt-get could not install ${missing[*]}" >&2
		exit 3
	fi
fi
