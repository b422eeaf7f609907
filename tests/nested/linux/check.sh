#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
#
# check.sh CASE DISVM - boot Linux under disvm inside of a nested machine, type into
# its shell, judge what it says. Prints TAP. (R: CARD-11)
#
# noxsave: the emulator does not intercept XSETBV, so a guest's and its host's
# XSAVE areas would disagree. lpj: without a constant TSC, which the emulator does
# not have either, each CPU would count its loops for a second.
case=$1 disvm=$2
cd /linux || exit 1
# A guest that ended early reads nothing more; what it missed fails by itself.
trap '' PIPE
quiet="console=ttyS0 quiet noxsave lpj=8000000"
network=/proc/self/ns/net
count=0

# ok NAME COMMAND...: one test, passed if COMMAND succeeds.
ok() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# failed: $*"
	fi
}

# says TEXT: the guest has printed this at the start of a line.
says() {
	grep -qE "^$1" /tmp/out
}
silent() {
	! says "$1"
}

# await TEXT: until the guest printed it, or has ended.
await() {
	while ! says "$1"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.2
	done
}

# ended_by REASON: so says its report.
ended_by() {
	[ "$rc" -eq 0 ] && grep -q "\"reason\": *\"$1\"" /tmp/report.json
}

# worked CPUS: each did the same work, right.
worked() {
	grep '^guest: ended ' /tmp/out | awk -v cpus="$1" \
		-v right="$(seq 200000 | head -c $((${work_kb:-512} * 1024)) | sha256sum)" '
		{ ended++; seen[$3] = 1; wrong += $4 != substr(right, 1, 64) }
		END { exit wrong || ended != cpus || length(seen) != cpus }'
}

# worked_at_once CPUS: and all had begun it before the first had ended it.
worked_at_once() {
	worked "$1" && grep -E '^guest: (began|ended) ' /tmp/out | awk -v cpus="$1" '
		$2 == "began" && !ended { began[$3] = 1 }
		$2 == "ended" { ended = 1 }
		END { exit length(began) != cpus }'
}

# start ARGUMENTS...: a guest in the background, its shell at descriptor 3, in the
# network of $network.
start() {
	rm -f /tmp/in /tmp/out
	mkfifo /tmp/in
	# Before anybody reads it: tail gives up on a file that is not there yet, and
	# one of an earlier guest has that one's lines.
	: >/tmp/raw
	: >/tmp/out
	# The time limit is that of the job.
	nsenter -n"$network" "$disvm" run "$@" --report /tmp/report.json </tmp/in >/tmp/raw 2>/tmp/err &
	pid=$!
	trap cut_short TERM
	tail -f /tmp/raw 2>/dev/null | tr -d '\r' >/tmp/out &
	tail=$!
	exec 3>/tmp/in
}

# finish: until the guest has ended; its exit status is in $rc.
finish() {
	wait "$pid"
	rc=$?
	exec 3>&-
	sleep 1
	kill "$tail"
	tr -d '\r' </tmp/raw >/tmp/out
	sed 's/^/# /' /tmp/out
	# Without the progress, which comes each second.
	grep -vE '^[0-9.]+ s(,| of)|^$' /tmp/err | sed 's/^/# /'
}

# cut_short: its time is up. Shows what the guest has said, and where its vCPUs are.
cut_short() {
	kill -USR1 "$pid"
	sleep 3
	kill "$pid"
	finish
	exit 1
}

# line TEXT: typed into the shell.
line() {
	echo "$1" >&3 2>/dev/null
}

bzimage() {
	echo "1..19"
	network=/run/network
	: >$network
	unshare --net=$network true
	nsenter -n$network tunctl -t tap0 >/dev/null
	nsenter -n$network ifconfig tap0 10.9.0.1 netmask 255.255.255.0
	dd if=/dev/zero of=/tmp/disk bs=1M count=8 2>/dev/null
	start --kernel vmlinuz --initrd initrd --cmdline "$quiet" --mem 256M \
		--vcpus 4 --disk /tmp/disk --net tap=tap0 \
		--console file:/tmp/console --entropy on
	await "guest: ready"
	ok test_linux_bzimage_reaches_user_space says "guest: ready"
	ok test_linux_four_vcpus_are_seen says "guest: cpus 4"
	ok test_linux_kvmclock_is_its_clock says "guest: clock kvm-clock"
	ok test_linux_acpi_tables_are_found says "guest: acpi.* APIC .*DSDT .*FACP"
	ok test_linux_all_cpus_work_at_once worked_at_once 4
	ok test_linux_steal_time_rises_beside_siblings says "guest: steal [1-9]"
	ok test_linux_timer_ticks_on_each_cpu says "guest: timers 4"
	ok test_linux_kernel_has_no_complaints silent "guest: complaint"
	ok test_linux_random_numbers_come_from_virtio says \
		"guest: random [3-6][0-9] from virtio_rng"

	line 'echo answer $((6 * 7))'
	ok test_linux_shell_on_serial_port_answers await "answer 42"

	line 'dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null'
	line 'dd if=/tmp/data of=/dev/vda bs=1M conv=fsync 2>/dev/null'
	line 'echo 3 >/proc/sys/vm/drop_caches'
	line 'dd if=/dev/vda bs=1M count=4 2>/dev/null | cmp - /tmp/data && echo disk same'
	line 'sha256sum </tmp/data | sed "s/^/sum /"'
	ok test_linux_virtio_disk_reads_back_what_was_written await "disk same"
	await "sum [0-9a-f]"

	line 'ifconfig eth0 10.9.0.2'
	line 'ping -c 3 10.9.0.1 | grep received'
	ok test_linux_ping_over_virtio_net await "3 packets transmitted, 3 packets received"
	ok test_linux_is_pinged_from_the_network_of_its_tap \
		nsenter -n$network ping -c 1 10.9.0.2
	ok test_linux_tap_is_in_that_network_alone [ ! -e /sys/class/net/tap0 ]

	nsenter -n$network ip link del tap0
	line 'while grep 1 /sys/class/net/eth0/carrier; do sleep 1; done'
	line 'echo carrier $(cat /sys/class/net/eth0/carrier)'
	ok test_linux_whose_tap_is_gone_sees_its_link_down await "carrier 0"
	line 'echo answer $((6 * 9))'
	ok test_linux_whose_tap_is_gone_goes_on await "answer 54"

	line 'poweroff -f'
	finish
	ok test_linux_power_off_ends_the_guest ended_by power-off
	ok test_linux_console_is_in_its_file grep -q "^guest: console" /tmp/console
	ok test_linux_written_disk_is_in_its_image says \
		"sum $(head -c 4194304 /tmp/disk | sha256sum | cut -d' ' -f1)"
}

# standard: the kernel for any machine, which brings more along than the cloud's.
standard() {
	echo "1..6"
	start --kernel amd64/vmlinuz --initrd amd64/initrd --cmdline "$quiet" \
		--mem 256M --vcpus 4
	await "guest: ready"
	ok test_linux_standard_kernel_reaches_user_space says \
		"guest: kernel [0-9.]*[-+][0-9a-z]*-amd64"
	ok test_linux_standard_kernel_sees_four_vcpus says "guest: cpus 4"
	ok test_linux_standard_kernel_works_on_all_at_once worked_at_once 4
	ok test_linux_standard_kernel_has_no_complaints silent "guest: complaint"
	line 'echo answer $((6 * 7))'
	ok test_linux_standard_kernel_shell_answers await "answer 42"
	line 'poweroff -f'
	finish
	ok test_linux_standard_kernel_powers_off ended_by power-off
}

# many: on the emulator's two CPUs no kernel finds 64 in order, its watchdogs complain.
many() {
	echo "1..4"
	work_kb=64
	start --kernel vmlinuz --initrd initrd --cmdline "$quiet work_kb=$work_kb" \
		--mem 512M --vcpus 64
	await "guest: ready"
	ok test_linux_with_many_vcpus_sees_all says "guest: cpus 64"
	ok test_linux_with_many_vcpus_works_on_each worked 64
	ok test_linux_with_many_vcpus_has_ticks_on_each says "guest: timers 64"
	line 'poweroff -f'
	finish
	ok test_linux_with_many_vcpus_powers_off ended_by power-off
}

vmlinux() {
	echo "1..5"
	start --kernel vmlinux --initrd initrd --cmdline "$quiet" --mem 256M
	await "guest: ready"
	ok test_linux_vmlinux_by_pvh_reaches_user_space says "guest: ready"
	ok test_linux_by_pvh_finds_acpi_tables says "guest: acpi.* APIC .*DSDT .*FACP"
	ok test_linux_steal_time_stands_still_alone says "guest: steal 0"
	ok test_linux_by_pvh_has_no_complaints silent "guest: complaint"
	line 'reboot -f'
	finish
	ok test_linux_reset_ends_the_guest ended_by reset
}

threads() {
	echo "1..4"
	start --kernel vmlinuz --initrd initrd --cmdline "$quiet" --mem 256M \
		--vcpus 2 --executor threads --irqchip kernel
	await "guest: ready"
	ok test_linux_with_kernel_irqchip_reaches_user_space says "guest: ready"
	ok test_linux_with_kernel_irqchip_sees_cpus says "guest: cpus 2"
	line 'echo answer $((6 * 7))'
	ok test_linux_with_kernel_irqchip_shell_answers await "answer 42"
	line 'poweroff -f'
	finish
	ok test_linux_with_kernel_irqchip_powers_off ended_by power-off
}

"$case"
