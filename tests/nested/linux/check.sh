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

# start ARGUMENTS...: a guest in the background, its shell at descriptor 3.
start() {
	rm -f /tmp/in /tmp/out
	mkfifo /tmp/in
	# Before anybody reads it: tail gives up on a file that is not there yet, and
	# one of an earlier guest has that one's lines.
	: >/tmp/raw
	# The time limit is that of the job.
	"$disvm" run "$@" --report /tmp/report.json </tmp/in >/tmp/raw 2>/tmp/err &
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
	echo "1..13"
	tunctl -t tap0 >/dev/null
	ifconfig tap0 10.9.0.1 netmask 255.255.255.0
	dd if=/dev/zero of=/tmp/disk bs=1M count=8 2>/dev/null
	start --kernel vmlinuz --initrd initrd --cmdline "$quiet" --mem 256M \
		--vcpus 4 --disk /tmp/disk --net tap=tap0
	await "guest: ready"
	ok test_linux_bzimage_reaches_user_space says "guest: ready"
	ok test_linux_four_vcpus_are_seen says "guest: cpus 4"
	ok test_linux_kvmclock_is_its_clock says "guest: clock kvm-clock"
	ok test_linux_acpi_tables_are_found says "guest: acpi.* APIC .*DSDT .*FACP"
	ok test_linux_all_cpus_work_at_once all_worked 4
	ok test_linux_steal_time_rises_beside_siblings says "guest: steal [1-9]"
	ok test_linux_timer_ticks_on_each_cpu says "guest: timers 4"
	ok test_linux_kernel_has_no_complaints silent "guest: complaint"

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

	line 'poweroff -f'
	finish
	ok test_linux_power_off_ends_the_guest [ $rc -eq 0 ]
	ok test_linux_written_disk_is_in_its_image says \
		"sum $(head -c 4194304 /tmp/disk | sha256sum | cut -d' ' -f1)"
}

all_worked() {
	for cpu in $(seq 0 $(($1 - 1))); do
		says "guest: worked on $cpu" || return 1
	done
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
	ok test_linux_reset_ends_the_guest [ $rc -eq 0 ]
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
	ok test_linux_with_kernel_irqchip_powers_off [ $rc -eq 0 ]
}

"$case"
