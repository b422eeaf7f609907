#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# linux.sh SERIES ROOT [FLAVOUR...] - what a nested machine needs to boot Linux
# guests, in ROOT/linux: kernel as bzImage and as ELF, an initrd, the script that
# judges; of each other FLAVOUR bzImage and initrd in ROOT/linux/FLAVOUR.
#
# The guests' kernels are those of kernel.sh, unmodified.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
series=$1 root=$2
shift 2
guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT
cp "$here/linux/init" "$guest/init"

# bring FLAVOUR DIR
bring() {
	kernel=$("$here/kernel.sh" "$series" "$1")
	mkdir -p "$2"
	cp "$kernel/vmlinuz" "$2/"
	"$here/initrd.sh" "$kernel" "$2/initrd" \
		"virtio_mmio virtio_blk virtio_net virtio_console virtio-rng" "$guest"
}

rm -rf "$root/linux"
bring cloud-amd64 "$root/linux"
cp "$kernel/vmlinux" "$here/linux/check.sh" "$root/linux/"
for flavour in "$@"; do
	bring "$flavour" "$root/linux/$flavour"
done
