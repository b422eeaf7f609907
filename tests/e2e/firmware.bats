# SPDX-License-Identifier: Apache-2.0
#
# Guests that start with a firmware: Debian's SeaBIOS, unmodified, and disks.
# timeout: 900
# tests: at once

load helper

BIOS=/usr/share/seabios/bios.bin
BIOS_256K=/usr/share/seabios/bios-256k.bin
# Of each test its own: a disk belongs to one process at a time.
HELLO=hello.img

setup() {
	enter_work
	cp "$IMAGES/hello.img" $HELLO
}

# boot ARGUMENTS...: disvm run, exit 0; its report is report.json. Each boot is a few
# seconds of work for a processor that is interpreted in kernel mode.
boot() {
	report --time-limit 120s "$@"
}

says() {
	# shellcheck disable=SC2154 # output is set by run
	[[ $output == *"$1"* ]] || fail "no '$1': $output"
}

says_not() {
	[[ $output != *"$1"* ]] || fail "'$1': $output"
}

powered_off() {
	holds '.vms[0] | .state == "finished" and .reason == "power-off"'
}

# bats test_tags=kvm
# R: CARD-8
@test "test_firmware_boots_boot_sector_of_disk" {
	boot --firmware $BIOS_256K --disk "$HELLO"
	says "SeaBIOS (version "
	says "Booting from Hard Disk..."
	says "Hello from a boot sector."
	powered_off
}

# bats test_tags=kvm
# As users see it, with Debian's firmware by itself: the line on the console, exit 0,
# and the table below.
@test "test_firmware_output_is_followed_by_the_report" {
	run --separate-stderr "$DISVM" run --disk "$HELLO" \
		--time-limit 120s </dev/null
	expect_status 0
	says "Hello from a boot sector."
	says $'\nexecutor dis, '
	says "vm0 finished: power-off"
}

# bats test_tags=kvm
# R: CARD-8
@test "test_firmware_of_128k_reads_and_writes_disk" {
	cp "$BUILD/tests/boot/sectors.img" disk.img
	boot --firmware $BIOS --disk disk.img
	says "40 sectors: read"
	says "20 sectors: written and read back"
	powered_off
	# Sectors 80 to 99 have c0, c1 ...; 112 is like 80; the rest is as it was.
	cp "$BUILD/tests/boot/sectors.img" wanted.img
	local i
	for i in {0..19}; do
		head -c 512 /dev/zero | tr '\0' "\\$(printf %o $((192 + i)))" |
			dd of=wanted.img bs=512 seek=$((80 + i)) conv=notrunc \
				status=none
	done
	dd if=wanted.img of=wanted.img bs=512 skip=80 seek=112 count=1 \
		conv=notrunc status=none
	cmp disk.img wanted.img
}

# bats test_tags=kvm
@test "test_firmware_cannot_write_read_only_disk" {
	cp "$BUILD/tests/boot/sectors.img" disk.img
	boot --firmware $BIOS_256K --disk disk.img,ro
	says "40 sectors: read"
	says "20 sectors: cannot be written"
	powered_off
	cmp disk.img "$BUILD/tests/boot/sectors.img"
}

# bats test_tags=kvm
# A reset ends the guest, and the report tells it from a power-off.
@test "test_firmware_without_disk_finds_nothing_to_boot" {
	boot --firmware $BIOS_256K
	says "Press ESC for boot menu."
	says "No bootable device."
	holds '.vms[0] | .state == "finished" and .reason == "reset"'
}

# bats test_tags=kvm
@test "test_firmware_refuses_disk_without_boot_sector" {
	head -c 65536 /dev/zero >disk.img
	boot --firmware $BIOS_256K --disk disk.img
	says "Boot failed: not a bootable disk"
	says "No bootable device."
}

# bats test_tags=kvm
# R: CARD-8
@test "test_firmware_menu_boots_the_disk_that_is_chosen" {
	local menu=0 pid
	head -c 65536 /dev/zero >first.img
	mkfifo keys
	"$DISVM" run --firmware $BIOS_256K --disk first.img --disk "$HELLO" \
		--time-limit 120s --report report.json <keys >out.txt 2>err.txt \
		3>&- &
	pid=$!
	exec 9>keys
	# Keys that come before the menu asks for them are dropped.
	until grep -q "Select boot device" out.txt; do
		kill -0 $pid || fail "ended: $(cat out.txt err.txt)"
		if grep -q "Press ESC" out.txt; then
			printf '\033' >&9
			menu=1
		fi
		sleep 0.3
	done
	[ "$menu" -eq 1 ] || fail "the menu came by itself"
	printf 2 >&9
	wait $pid
	exec 9>&-
	grep -q "2. ata0-1: disvm disk ATA-6 Hard-Disk" out.txt
	grep -q "Hello from a boot sector." out.txt || fail "$(cat out.txt)"
	powered_off
}

# bats test_tags=kvm
# R: CARD-8
@test "test_firmware_starts_all_vcpus" {
	boot --firmware $BIOS_256K --disk "$HELLO" --vcpus 2 --firmware-log on
	says "vm0 firmware: Found 2 cpu(s) max supported 2 cpu(s)"
	says "Hello from a boot sector."
	holds '.vms[0].vcpus[1].cpu_ns > 0'
	powered_off
}

# bats test_tags=kvm
@test "test_firmware_log_is_off_unless_asked_for" {
	boot --firmware $BIOS_256K --disk "$HELLO"
	says_not "firmware: "
}

# bats test_tags=kvm
# RAM on both sides of the hole below 4 GiB.
@test "test_firmware_knows_memory_above_4g" {
	boot --firmware $BIOS_256K --disk "$HELLO" --mem 4G --firmware-log on
	says "0000000000100000 - 00000000c0000000 = 1 RAM"
	says "0000000100000000 - 0000000140000000 = 1 RAM"
	powered_off
}

# bats test_tags=kvm
@test "test_firmware_with_one_thread_per_vcpu_boots" {
	boot --firmware $BIOS_256K --disk "$HELLO" --executor threads
	says "Hello from a boot sector."
	powered_off
}

# bats test_tags=kvm
@test "test_firmware_copies_share_a_read_only_disk" {
	boot --firmware $BIOS --disk "$HELLO,ro" --copies 2
	says "vm0: Hello from a boot sector."
	says "vm1: Hello from a boot sector."
	holds '[.vms[].reason] == ["power-off", "power-off"]'
}

# bats test_tags=kvm
# 64 KiB whose reset vector is an undefined instruction.
@test "test_firmware_that_fails_is_shown" {
	# lidt %cs:0xffe8; ud2: no IDT, so that no KVM goes on. SVM says where it would
	# begin anew.
	head -c 65536 /dev/zero >bad.bin
	poke bad.bin $((0xfff0)) 8 $((0x0b0fffe81e010f2e))
	report_of 1 --firmware bad.bin --time-limit 10s
	holds '.vms[0] | .state == "failed" and
	       (.reason == "kvm-error" or .reason == "triple-fault")'
	holds '.vms[0].detail | test("rip 0xfff[06]")'
}

# firmware TEXT FILE ARGUMENTS...: refused, exit 2.
firmware() {
	local text=$1 file=$2
	shift 2
	refused 2 "$text" run --firmware "$file" "$@"
}

@test "test_firmware_file_that_cannot_be_read_is_refused" {
	firmware "none.bin: cannot open: No such file" none.bin
	mkdir dir.bin
	firmware "dir.bin: is a directory" dir.bin
	firmware "--firmware: the file name is empty" ""
	: >empty.bin
	firmware "empty.bin: file is empty" empty.bin
}

@test "test_firmware_file_of_odd_size_is_refused" {
	head -c 65535 $BIOS >odd.bin
	firmware "odd.bin: firmware of 65535 bytes is not a multiple of 64 KiB" \
		odd.bin
	head -c 512 "$HELLO" >small.bin
	firmware "small.bin: firmware of 512 bytes is not a multiple" small.bin
}

@test "test_firmware_file_that_is_too_large_is_refused" {
	cat $BIOS_256K $BIOS >large.bin
	firmware "large.bin: firmware of 393216 bytes; at most 256 KiB fit" \
		large.bin
}

@test "test_firmware_file_without_reset_vector_is_refused" {
	head -c 131072 /dev/zero >zero.bin
	firmware "zero.bin: no code at the reset vector" zero.bin
	head -c 131072 /dev/zero | tr '\0' '\377' >erased.bin
	firmware "erased.bin: no code at the reset vector" erased.bin
}

@test "test_firmware_with_options_of_kernels_is_refused" {
	firmware "--kernel and --firmware" $BIOS --kernel "$TINY"
	firmware "--initrd has no effect" $BIOS --initrd x
	firmware "--cmdline has no effect" $BIOS --cmdline x
	firmware "--dtb has no effect" $BIOS --dtb x
	firmware "--dump-dtb has no effect" $BIOS --dump-dtb x
	firmware "--irqchip kernel is not possible with --firmware" $BIOS \
		--executor threads --irqchip kernel
	firmware "3 disks: firmware can drive 2" $BIOS --disk a --disk b \
		--disk c
	refused 2 "--firmware-log has no effect without --firmware" run \
		--kernel "$TINY" --firmware-log on
	firmware "--firmware-log: 'maybe' is unknown" $BIOS --firmware-log maybe
}

@test "test_firmware_disk_that_is_missing_is_refused" {
	firmware "none.img: No such file" $BIOS --disk none.img
}
