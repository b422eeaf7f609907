# SPDX-License-Identifier: Apache-2.0
#
# Files that are no kernel for us: one line, exit 2, nothing left.

load helper

# kernel TEXT [ARGUMENTS...]: k.elf is refused with TEXT.
kernel() {
	local text=$1
	shift
	refused 2 "$text" run --kernel k.elf --serial file:serial.txt \
		--trace trace.json --report report.json "$@"
}

# bats test_tags=kvm
@test "test_kernel_unchanged_copy_boots" {
	cp "$TINY" k.elf
	report --kernel k.elf --cmdline "work=idle time=1ms"
}

@test "test_kernel_missing_is_refused" {
	kernel "k.elf: cannot open: No such file"
}

@test "test_kernel_empty_is_refused" {
	: >k.elf
	kernel "k.elf: file is empty"
}

@test "test_kernel_directory_is_refused" {
	mkdir k.elf
	kernel "k.elf: is a directory"
}

@test "test_kernel_fifo_is_refused" {
	mkfifo k.elf
	kernel "k.elf: not a regular file"
}

@test "test_kernel_endless_device_is_refused" {
	ln -s /dev/zero k.elf
	kernel "k.elf: not a regular file"
}

@test "test_kernel_of_2_gib_is_refused" {
	truncate -s 2G k.elf
	kernel "k.elf: file of 2147483648 bytes"
}

@test "test_kernel_of_text_is_refused" {
	echo '#!/bin/sh' >k.elf
	kernel "k.elf: neither an ELF file nor a Linux bzImage nor a multiboot image"
}

@test "test_kernel_truncated_in_magic_is_refused" {
	head -c 3 "$TINY" >k.elf
	kernel "k.elf: neither an ELF file nor a Linux bzImage nor a multiboot image"
}

@test "test_kernel_truncated_in_header_is_refused" {
	head -c 63 "$TINY" >k.elf
	kernel "k.elf: truncated: 63 bytes"
}

@test "test_kernel_truncated_in_program_headers_is_refused" {
	head -c 100 "$TINY" >k.elf
	kernel "k.elf: truncated: "
}

@test "test_kernel_truncated_in_segment_is_refused" {
	head -c $(($(load_field 1 $P_OFFSET) + $(load_field 1 $P_FILESZ) - 1)) \
		"$TINY" >k.elf
	kernel "k.elf: segment 1: truncated: "
}

@test "test_kernel_32_bit_of_a_64_bit_machine_is_refused" {
	image_with header $E_CLASS 1 1
	kernel "k.elf: ELF machine 62; i386 (3) is needed"
}

@test "test_kernel_of_unknown_class_is_refused" {
	image_with header $E_CLASS 1 7
	kernel "k.elf: ELF class 7"
}

@test "test_kernel_big_endian_is_refused" {
	image_with header $E_DATA 1 2
	kernel "k.elf: ELF data encoding 2"
}

@test "test_kernel_of_other_machine_is_refused" {
	image_with header $E_MACHINE 2 183
	kernel "k.elf: ELF machine 183"
}

@test "test_kernel_position_independent_is_refused" {
	image_with header $E_TYPE 2 3
	kernel "k.elf: position-independent ELF"
}

@test "test_kernel_without_program_headers_is_refused" {
	image_with header $E_PHNUM 2 0
	kernel "k.elf: no program headers"
}

@test "test_kernel_with_65535_program_headers_is_refused" {
	image_with header $E_PHNUM 2 65535
	kernel "k.elf: 65535 or more program headers"
}

@test "test_kernel_with_program_headers_past_file_is_refused" {
	image_with header $E_PHOFF 8 0x7fffffffffffffff
	kernel "k.elf: truncated: 3 program headers"
}

@test "test_kernel_with_odd_program_header_size_is_refused" {
	image_with header $E_PHENTSIZE 2 55
	kernel "k.elf: program header size 55"
}

# bats test_tags=kvm
@test "test_kernel_with_overlapping_segments_is_refused" {
	image_with "load 1" $P_PADDR 8 "$(load_field 0 $P_PADDR)"
	kernel "k.elf: segment 1: 0x"
	# shellcheck disable=SC2154
	[[ $stderr == *"overlaps segment 0"* ]] || fail "$stderr"
}

# bats test_tags=kvm
@test "test_kernel_with_segment_beyond_memory_is_refused" {
	image_with "load 1" $P_PADDR 8 $((32 << 20))
	kernel "k.elf: segment 1: 0x2000000.." --mem 32M
	[[ $stderr == *"outside the guest's 32 MiB"* ]] || fail "$stderr"
}

# bats test_tags=kvm
@test "test_kernel_with_segment_in_device_hole_is_refused" {
	image_with "load 1" $P_PADDR 8 0xfee00000
	kernel "k.elf: segment 1: 0xfee00000.." --mem 5G
}

# bats test_tags=kvm
@test "test_kernel_larger_than_memory_is_refused" {
	cp "$TINY" k.elf
	kernel "outside the guest's 1 MiB" --mem 1M
}

# bats test_tags=kvm
@test "test_kernel_with_segment_of_2_to_62_bytes_in_memory_is_refused" {
	image_with "load 1" $P_MEMSZ 8 $((1 << 62))
	kernel "k.elf: segment 1: 0x"
}

@test "test_kernel_with_segment_that_wraps_is_refused" {
	image_with "load 1" $P_MEMSZ 8 -1
	kernel "wrap around the address space"
}

@test "test_kernel_with_segment_of_2_to_63_bytes_in_file_is_refused" {
	image_with "load 1" $P_FILESZ 8 $((1 << 63))
	kernel "k.elf: segment 1: 0x8000000000000000 bytes in the file"
}

@test "test_kernel_with_segment_offset_past_file_is_refused" {
	image_with "load 1" $P_OFFSET 8 -4096
	kernel "k.elf: segment 1: truncated: "
}

@test "test_kernel_with_odd_alignment_is_refused" {
	image_with "load 1" $P_ALIGN 8 3
	kernel "k.elf: segment 1: alignment 0x3 is not a power of two"
}

@test "test_kernel_with_note_past_file_is_refused" {
	image_with "note 0" $P_OFFSET 8 -8
	kernel "truncated: "
}

@test "test_kernel_with_note_of_absurd_size_is_refused" {
	local at
	cp "$TINY" k.elf
	at=$(peek k.elf $(($(program_header k.elf $PT_NOTE 0) + P_OFFSET)) 8)
	poke k.elf $((at + 4)) 4 -1
	kernel "runs past the segment"
}

@test "test_kernel_with_entry_outside_segments_is_refused" {
	local at
	cp "$TINY" k.elf
	at=$(peek k.elf $(($(program_header k.elf $PT_NOTE 0) + P_OFFSET)) 8)
	poke k.elf $((at + 16)) 4 0x7f000000
	kernel "k.elf: PVH entry 0x7f000000 lies in no loaded segment"
}

@test "test_kernel_without_any_protocol_is_refused" {
	cp /bin/true k.elf
	poke k.elf $E_TYPE 2 2
	kernel "no PVH note and no multiboot header: k.elf"
}

@test "test_initrd_missing_is_refused" {
	cp "$TINY" k.elf
	kernel "i.img: cannot open" --initrd i.img
}

@test "test_initrd_empty_is_refused" {
	cp "$TINY" k.elf
	: >i.img
	kernel "i.img: file is empty" --initrd i.img
}

# bats test_tags=kvm
@test "test_initrd_larger_than_memory_is_refused" {
	cp "$TINY" k.elf
	truncate -s 40M i.img
	kernel "no room for the initrd" --initrd i.img --mem 32M
}

# bats test_tags=kvm
@test "test_cmdline_of_64_kib_is_refused" {
	cp "$TINY" k.elf
	kernel "command line of 65536 bytes" \
		--cmdline "$(printf '%65536s' '' | tr ' ' x)"
}
