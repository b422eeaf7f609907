/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COM1, a 16550: polled, in bursts of its FIFO, because each port access can
 * cost a trip to the monitor. Turning the FIFO on loses what was received, so
 * ring 3 says when that does no harm.
 *
 * Locking: one lock around each write, so that lines stay whole.
 */
#include <kernel.h>

#define COM1 0x3f8
#define RBR (COM1 + 0)
#define THR (COM1 + 0)
#define FCR (COM1 + 2)
#define LSR (COM1 + 5)
#define LSR_DATA 0x01
#define LSR_THR_EMPTY 0x20
#define FIFO_BYTES 16

static char serial_lock;

static void burst(const char *text, uint64_t bytes)
{
	/* A line that is not there or stuck must not hold us for ever. */
	for (unsigned tries = 0; tries < 10000; tries++)
		if (in8(LSR) & LSR_THR_EMPTY)
			break;
	__asm__ volatile("rep outsb"
			 : "+S"(text), "+c"(bytes)
			 : "d"(THR)
			 : "memory");
}

void serial_write(const char *text, uint64_t bytes)
{
	static uint64_t room = 1;

	while (__atomic_test_and_set(&serial_lock, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	if (machine.serial_fifo && room == 1) {
		out8(FCR, 1);
		room = FIFO_BYTES;
	}
	for (; bytes > room; bytes -= room, text += room)
		burst(text, room);
	burst(text, bytes);
	__atomic_clear(&serial_lock, __ATOMIC_RELEASE);
}

void serial_break_lock(void)
{
	__atomic_clear(&serial_lock, __ATOMIC_RELEASE);
}

uint64_t serial_read(char *buf, uint64_t bytes)
{
	uint64_t n;

	for (n = 0; n < bytes && (in8(LSR) & LSR_DATA); n++)
		buf[n] = (char)in8(RBR);
	return n;
}

void serial_print(const char *text, const uint64_t *values)
{
	char line[128];
	unsigned n = 0;

	for (; *text && n < sizeof(line) - 16; text++) {
		if (*text != '%') {
			line[n++] = *text;
			continue;
		}
		uint64_t value = *values++;
		int shift = value ? (63 - __builtin_clzll(value)) & ~3 : 0;

		for (; shift >= 0; shift -= 4)
			line[n++] = "0123456789abcdef"[value >> shift & 15];
	}
	serial_write(line, n);
}
