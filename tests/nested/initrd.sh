#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# initrd.sh KERNEL_DIR OUT "MODULE..." ROOT_DIR FILE... - an initrd for a machine
# of ours.
#
# busybox and `init` from here, kernel modules with what they depend on, in that
# order, the tree ROOT_DIR, and each FILE under its own absolute path with the
# shared libraries it needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 out=$2 modules=$3 extra=$4
shift 4

die() {
	echo "initrd.sh: $*" >&2
	exit 1
}

busybox=$(command -v busybox) || die "no busybox (Debian: busybox-static)"
! ldd "$busybox" >/dev/null 2>&1 || die "$busybox is not static"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/modules"
cp "$busybox" "$root/bin/busybox"
cp "$here/init" "$root/init"
cp -a "$extra/." "$root/"

# add_module NAME: after those it names in its own section .modinfo.
add_module() {
	local name=$1 from needs
	[ ! -e "$root/modules/$name.ko" ] || return 0
	from=$(find "$kernel/modules" -name "$name.ko*" | head -n 1)
	# What the kernel has built in needs no file.
	[ -n "$from" ] || return 0
	case $from in
	*.xz) xz -dc "$from" >"$root/modules/$name.ko" ;;
	*.ko) cp "$from" "$root/modules/" ;;
	*) die "$from: packed in an unknown way" ;;
	esac
	needs=$(tr '\0' '\n' <"$root/modules/$name.ko" | sed -n 's/^depends=//p' | tr , ' ')
	for needed in $needs; do
		add_module "${needed//_/-}"
		add_module "$needed"
	done
	echo "$name.ko" >>"$root/modules/order"
}
touch "$root/modules/order"
for module in $modules; do
	add_module "$module"
done

# add_file PATH: where it lies here.
add_file() {
	[ ! -e "$root$1" ] || return 0
	mkdir -p "$root${1%/*}"
	cp -L "$1" "$root$1"
}
for file in "$@"; do
	add_file "$file"
	while read -r library; do
		add_file "$library"
	done < <(ldd "$file" 2>/dev/null | grep -oE '/[^ ]+')
done

(cd "$root" && find . -mindepth 1 | "$busybox" cpio -o -H newc) >"$out" 2>/dev/null
