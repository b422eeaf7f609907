#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# linux.sh SERIES ROOT - what a nested machine needs to boot Linux guests, in
# ROOT/linux: kernel as bzImage and as ELF, an initrd, the script that judges.
#
# The guests' kernel is that of kernel.sh SERIES, unmodified.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
series=$1 root=$2
kernel=$("$here/kernel.sh" "$series")
guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT

mkdir -p "$root/linux"
cp "$kernel/vmlinuz" "$kernel/vmlinux" "$here/linux/check.sh" "$root/linux/"
cp "$here/linux/init" "$guest/init"
"$here/initrd.sh" "$kernel" "$root/linux/initrd" \
	"virtio_mmio virtio_blk virtio_net" "$guest"
