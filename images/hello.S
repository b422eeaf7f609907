/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk of one sector: says a line and turns the machine off.
 *
 * Place in the flow: firmware loads it to 0x7c00 and jumps there, in real mode, with
 * the number of the disk in DL. Text goes out by the firmware's INT 10h, which sends
 * it to the serial port if the machine has no screen; the machine ends by ACPI's
 * sleep control register.
 */

#define BDA_TICKS 0x46c		/* of the firmware's clock, 18.2 Hz */
#define SLEEP_CONTROL_PORT 0x600
#define SLEEP_S5 0x34		/* enable, and the type of "off" */

	.code16
	.text
	.globl start
start:
	ljmp $0, $1f
1:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	sti
	cld

	mov $line, %si
1:	lodsb
	test %al, %al
	jz 2f
	mov $0x0e, %ah		/* teletype output */
	mov $7, %bx
	int $0x10
	jmp 1b

	/* Firmware writes the last character with one of the next timer ticks. */
2:	mov BDA_TICKS, %bx
	add $2, %bx
3:	hlt
	mov BDA_TICKS, %ax
	sub %bx, %ax
	js 3b

	mov $SLEEP_CONTROL_PORT, %dx
	mov $SLEEP_S5, %al
	out %al, %dx
4:	hlt
	jmp 4b

line:	.asciz "Hello from a boot sector.\r\n"

	.org 510
	.word 0xaa55
