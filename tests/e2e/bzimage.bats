# SPDX-License-Identifier: Apache-2.0
#
# Linux bzImages: one made of a setup header and a few instructions boots; damaged
# ones are refused in one line, exit 2, nothing left.

load helper

# Fields of the setup header.
SETUP_SECTS=$((0x1f1)) SYSSIZE=$((0x1f4)) BOOT_FLAG=$((0x1fe))
JUMP_LENGTH=$((0x201)) MAGIC=$((0x202)) VERSION=$((0x206))
LOAD_FLAGS=$((0x211)) INITRD_MAX=$((0x22c)) XLOAD_FLAGS=$((0x236))
CMDLINE_SIZE=$((0x238)) PREF_ADDRESS=$((0x258)) INIT_SIZE=$((0x260))

# bzimage CODE: k.bz, a kernel whose 64-bit entry is CODE (for printf).
bzimage() {
	truncate -s 2048 k.bz
	poke k.bz $SETUP_SECTS 1 1
	poke k.bz $SYSSIZE 4 $((1024 / 16))
	poke k.bz $BOOT_FLAG 2 $((0xaa55))
	poke k.bz $JUMP_LENGTH 1 $((0x6a))
	poke k.bz $MAGIC 4 $((0x53726448))
	poke k.bz $VERSION 2 $((0x20f))
	poke k.bz $LOAD_FLAGS 1 1
	poke k.bz $INITRD_MAX 4 $((0x7fffffff))
	poke k.bz $XLOAD_FLAGS 2 1
	poke k.bz $CMDLINE_SIZE 4 100
	poke k.bz $PREF_ADDRESS 8 $((0x100000))
	poke k.bz $INIT_SIZE 4 8192
	# shellcheck disable=SC2059 # the format is the code
	printf "$1" | dd of=k.bz bs=1 seek=$((1024 + 512)) conv=notrunc status=none
}

# cmp dword [rsi + AT], VALUE; je over the next two: mov al, 7; out 0xf4, al
expect_parameter() { # at, value
	printf '\\x81\\xbe'
	little_endian 4 "$1" | od -An -v -tx1 | sed 's/ /\\x/g' | tr -d '\n'
	little_endian 4 "$2" | od -An -v -tx1 | sed 's/ /\\x/g' | tr -d '\n'
	printf '\\x74\\x04\\xb0\\x07\\xe6\\xf4'
}
DONE='\xb0\x00\xe6\xf4'                  # mov al, 0; out 0xf4, al
POWER_OFF='\x66\xba\x00\x06\xb0\x34\xee' # mov dx, 0x600; mov al, 0x34; out
RESET='\x66\xba\x02\x06\xb0\x01\xee'     # mov dx, 0x602; mov al, 1; out

# bz TEXT [ARGUMENTS...]: k.bz is refused with TEXT.
bz() {
	local text=$1
	shift
	refused 2 "$text" run --kernel k.bz --serial file:serial.txt \
		--trace trace.json --report report.json "$@"
}

# bats test_tags=kvm
# R: CARD-11
@test "test_bzimage_is_entered_in_long_mode_with_its_parameters" {
	head -c 5000 /dev/urandom >initrd
	bzimage "$(expect_parameter $MAGIC $((0x53726448)))$(
		expect_parameter $((0x210)) $((0x01ff)))$(
		expect_parameter $((0x21c)) 5000)$DONE"
	report --kernel k.bz --initrd initrd --time-limit 20s
	holds '.vms[0].state == "finished" and .vms[0].exit_code == 0'
}

# bats test_tags=kvm
# The check above can fail.
@test "test_bzimage_with_other_parameters_fails" {
	bzimage "$(expect_parameter $MAGIC 1)$DONE"
	report_of 1 --kernel k.bz --time-limit 20s
	holds '.vms[0].exit_code == 7'
}

# bats test_tags=kvm
# R: CARD-11
@test "test_bzimage_powers_off_by_acpi" {
	bzimage "$POWER_OFF"
	report --kernel k.bz --time-limit 20s
	holds '.vms[0].state == "finished" and .vms[0].reason == "power-off"'
}

# bats test_tags=kvm
@test "test_bzimage_reset_by_acpi_ends_the_guest" {
	bzimage "$RESET"
	report --kernel k.bz --time-limit 20s
	holds '.vms[0].state == "finished"'
}

# bats test_tags=kvm
@test "test_bzimage_in_many_copies_boots_each" {
	bzimage "$POWER_OFF"
	report --kernel k.bz --copies 5 --time-limit 20s
	holds '[.vms[] | select(.state == "finished")] | length == 5'
}

@test "test_bzimage_truncated_is_refused" {
	bzimage "$DONE"
	truncate -s 2047 k.bz
	bz "k.bz: truncated: 1024 bytes of kernel (syssize)"
}

@test "test_bzimage_without_its_kernel_is_refused" {
	bzimage "$DONE"
	truncate -s 1024 k.bz
	bz "k.bz: truncated"
}

@test "test_bzimage_cut_in_its_header_is_refused" {
	bzimage "$DONE"
	truncate -s 600 k.bz
	bz "k.bz: Linux setup header ends at"
}

@test "test_bzimage_of_an_old_protocol_is_refused" {
	bzimage "$DONE"
	poke k.bz $VERSION 2 $((0x209))
	bz "k.bz: Linux boot protocol 2.09; 2.12 or newer is needed"
}

@test "test_bzimage_of_32_bits_is_refused" {
	bzimage "$DONE"
	poke k.bz $XLOAD_FLAGS 2 0
	bz "k.bz: Linux setup header: no 64-bit entry"
}

# bats test_tags=kvm
@test "test_bzimage_larger_than_the_guest_is_refused" {
	bzimage "$DONE"
	poke k.bz $INIT_SIZE 4 $((64 << 20))
	bz "k.bz: segment 0: 0x100000..0x4100000 lies outside the guest's 32 MiB"
}

# bats test_tags=kvm
@test "test_bzimage_with_a_long_command_line_is_refused" {
	bzimage "$DONE"
	bz "k.bz: command line of 101 bytes; at most 100" \
		--cmdline "$(printf '%101s' x)"
}

# bats test_tags=kvm
@test "test_bzimage_with_a_large_initrd_is_refused" {
	bzimage "$DONE"
	truncate -s 32M initrd
	bz "k.bz: no room for the initrd" --initrd initrd
}
