/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that reads and writes itself by the firmware's INT 13h, says what came out,
 * and turns the machine off. What must not happen ends it with code 1 at the debug
 * exit port.
 *
 *   sector 0        boot sector, which reads
 *   sectors 1 to 3  the rest of the code, by cylinder, head and sector
 *   sectors 4 to 43 each filled with its number: read as one extended read
 *   sectors 80 to 99  written at once, read back
 *   sector 112      written and read back by cylinder, head and sector
 */
#define BDA_TICKS 0x46c
#define SLEEP_CONTROL_PORT 0x600
#define SLEEP_S5 0x34
#define DEBUG_EXIT_PORT 0xf4

#define PATTERN_FIRST 4
#define PATTERN_COUNT 40
#define WRITE_FIRST 80
#define WRITE_COUNT 20
#define WRITE_BYTE 0xc0
#define DISK_SECTORS 128

#define READ_SEGMENT 0x1000
#define WRITE_SEGMENT 0x2000
#define BACK_SEGMENT 0x3000

	.code16
	.text
	.globl start
start:
	ljmp $0, $1f
1:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	sti
	cld
	mov %dl, disk

	mov $0x0203, %ax	/* read three sectors */
	mov $0x0002, %cx	/* cylinder 0, sector 2 */
	mov $0, %dh
	mov $rest, %bx
	int $0x13
	jnc rest
	mov $no_rest, %si
	call say
	jmp fail

say:	lodsb
	test %al, %al
	jz 1f
	mov $0x0e, %ah
	mov $7, %bx
	int $0x10
	jmp say
1:	ret

/* Two ticks, so that the last character is out. */
settle:	mov BDA_TICKS, %bx
	add $2, %bx
1:	hlt
	mov BDA_TICKS, %ax
	sub %bx, %ax
	js 1b
	ret

fail:	call settle
	mov $1, %al
	out %al, $DEBUG_EXIT_PORT
1:	hlt
	jmp 1b

disk:	.byte 0
no_rest: .asciz "the rest cannot be read\r\n"

	.org 510
	.word 0xaa55

rest:	mov $PATTERN_FIRST, %eax
	mov $PATTERN_COUNT, %cx
	mov $READ_SEGMENT, %bx
	mov $0x42, %ah		/* extended read */
	call extended
	mov $no_read, %si
	jc said
	mov $READ_SEGMENT, %ax
	mov %ax, %es
	mov $PATTERN_FIRST, %al
	mov $PATTERN_COUNT, %dx
	call check
	mov $bad_read, %si
	jnz said
	mov $read_ok, %si
	call say

	mov $WRITE_SEGMENT, %ax
	mov %ax, %es
	xor %di, %di
	mov $WRITE_BYTE, %al
	mov $WRITE_COUNT, %dx
1:	mov $512, %cx
	rep stosb
	inc %al
	dec %dx
	jnz 1b
	mov $WRITE_FIRST, %eax
	mov $WRITE_COUNT, %cx
	mov $WRITE_SEGMENT, %bx
	mov $0x43, %ah		/* extended write, no verify */
	call extended
	mov $no_write, %si
	jc off
	mov $WRITE_FIRST, %eax
	mov $WRITE_COUNT, %cx
	mov $BACK_SEGMENT, %bx
	mov $0x42, %ah
	call extended
	mov $no_back, %si
	jc said
	mov $BACK_SEGMENT, %ax
	mov %ax, %es
	mov $WRITE_BYTE, %al
	mov $WRITE_COUNT, %dx
	call check
	mov $bad_back, %si
	jnz said

	mov $WRITE_SEGMENT, %ax
	mov %ax, %es
	xor %bx, %bx
	mov $0x0301, %ax	/* write one sector */
	mov $0x0032, %cx	/* cylinder 0, sector 50 */
	mov disk, %dl
	mov $1, %dh		/* head 1 */
	int $0x13
	mov $no_write, %si
	jc said
	mov $BACK_SEGMENT, %ax
	mov %ax, %es
	xor %bx, %bx
	mov $0x0201, %ax
	mov $0x0032, %cx
	mov disk, %dl
	mov $1, %dh
	int $0x13
	mov $no_back, %si
	jc said
	mov $WRITE_BYTE, %al
	mov $1, %dx
	call check
	mov $bad_back, %si
	jnz said
	mov $back_ok, %si

off:	call say
	call settle
	mov $SLEEP_CONTROL_PORT, %dx
	mov $SLEEP_S5, %al
	out %al, %dx
1:	hlt
	jmp 1b

said:	call say
	jmp fail

/* Function %ah for %cx sectors from %eax (bits 7:0) on, at %bx:0. CF: it failed. */
extended:
	mov %al, packet_lba
	mov %cx, packet_count
	mov %bx, packet_segment
	mov $0, %al
	mov $packet, %si
	mov disk, %dl
	int $0x13
	ret

/* Do %dx sectors at %es:0 have the bytes %al, %al + 1, ...? ZF: they do. */
check:	xor %di, %di
1:	mov $512, %cx
	repe scasb
	jnz 2f
	inc %al
	dec %dx
	jnz 1b
2:	ret

packet:	.byte 16, 0
packet_count: .word 0
	.word 0
packet_segment: .word 0
packet_lba: .quad 0

no_read: .asciz "40 sectors: cannot be read\r\n"
bad_read: .asciz "40 sectors: read wrong\r\n"
read_ok: .asciz "40 sectors: read\r\n"
no_write: .asciz "20 sectors: cannot be written\r\n"
no_back: .asciz "20 sectors: cannot be read back\r\n"
bad_back: .asciz "20 sectors: read back wrong\r\n"
back_ok: .asciz "20 sectors: written and read back\r\n"

	.org PATTERN_FIRST * 512
	.set i, 0
	.rept PATTERN_COUNT
	.fill 512, 1, PATTERN_FIRST + i
	.set i, i + 1
	.endr

	.org DISK_SECTORS * 512 - 1
	.byte 0
