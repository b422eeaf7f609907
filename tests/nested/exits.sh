#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# exits.sh [SERIES] - how many exits a Linux guest costs per timer tick and per
# block request, under disvm and under QEMU (-M microvm), both on the KVM of a
# nested machine whose kernel, and the guests', is of SERIES (6.1).
#
# A guest with one vCPU and ticks also while it is idle (nohz=off) does the same
# three times under each monitor: idle and busy for 2 s each, then 500 reads of
# 4 KiB, one at a time. Prints, as minimum / median / maximum of the three, what
# count.sh counted; each figure and the reasons are in build/nested/exits/log. While
# a read goes on ticks come, in the emulator more than one: "less ticks" takes off as
# many times what an idle tick cost in the same run.
#
# Exit status: 0 if all was counted, else 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
series=${1:-6.1}
dir=$PWD/build/nested/exits
root=$dir/root
guest=$dir/guest
qemu=$(command -v qemu-system-x86_64)
cmdline="console=ttyS0 quiet noxsave lpj=8000000 nohz=off"

rm -rf "$root" "$guest"
mkdir -p "$root/exits" "$guest/bin"
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -static -D_GNU_SOURCE \
	-o "$guest/bin/guest" tests/nested/exits/guest.c
cp tests/nested/exits/init "$guest/init"
kernel=$(tests/nested/kernel.sh "$series")
cp "$kernel/vmlinuz" tests/nested/exits/count.sh "$root/exits/"
tests/nested/initrd.sh "$kernel" "$root/exits/initrd" "virtio_mmio virtio_blk" "$guest"

boot="--kernel vmlinuz --initrd initrd --mem 256M --disk /tmp/disk --cmdline '$cmdline'"
{
	echo "330 disvm /exits/count.sh disvm $PWD/build/disvm run $boot"
	echo "330 disvm-threads /exits/count.sh disvm-threads $PWD/build/disvm run $boot" \
		"--executor threads --irqchip kernel"
	echo "330 qemu-microvm /exits/count.sh qemu-microvm $qemu -M microvm -accel kvm" \
		"-cpu host -m 256 -nodefaults -no-user-config -display none" \
		"-no-reboot -serial stdio -kernel vmlinuz -initrd initrd" \
		"-append '$cmdline' -drive id=disk,if=none,format=raw,file=/tmp/disk" \
		"-device virtio-blk-device,drive=disk"
} >"$dir/jobs"

MACHINE_MEM=1536 tests/nested/machine.sh "$series" 1 "$dir" "$PWD/build/disvm" "$qemu" \
	/usr/share/qemu/{bios-microvm,linuxboot_dma,pvh,kvmvapic}.bin /usr/share/qemu/qboot.rom |
	grep --line-buffered -E '^(kernel|dead)|^line (exits|failed)' | sed -u 's/^line //' | tee "$dir/figures"

awk '
	function put(key, kernel_exits, user_exits) {
		if (!(key in n)) keys[++count] = key
		n[key]++
		kernel[key, n[key]] = kernel_exits
		user[key, n[key]] = user_exits
	}
	function three(of, key,  a, b, c, t) {
		a = of[key, 1]; b = of[key, 2]; c = of[key, 3]
		if (a > b) { t = a; a = b; b = t }
		if (b > c) { t = b; b = c; c = t }
		if (a > b) { t = a; a = b; b = t }
		return sprintf("%.2f / %.2f / %.2f", a, b, c)
	}
	$1 == "exits" && $3 != "read" && $5 > 0 {
		put($2 " | tick, " $3, $9 / $5, $11 / $5)
		if ($3 == "idle") { tick_kernel = $9 / $5; tick_user = $11 / $5 }
	}
	$1 == "exits" && $3 == "read" && $7 > 0 {
		put($2 " | read of 4 KiB, all", $9 / $7, $11 / $7)
		put($2 " | read of 4 KiB, less ticks", ($9 - $5 * tick_kernel) / $7,
		    ($11 - $5 * tick_user) / $7)
	}
	END {
		print "| monitor | per | exits from the guest | of these to user space |"
		print "|---|---|---|---|"
		for (i = 1; i <= count; i++) {
			bad += n[keys[i]] != 3
			print "| " keys[i] " | " three(kernel, keys[i]) " | " three(user, keys[i]) " |"
		}
		exit bad > 0 || count != 12
	}
' "$dir/figures"
