/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One counter of an 8254, after Intel's data sheet (231164).
 *
 * Place in the flow: a part of pit.h, which has three, decodes the control words
 * and knows the time.
 *
 * Nothing counts: contents and output are computed from the tick at which the
 * counting began. Ticks are those of the input clock, since any start.
 *
 * Where the data sheet leaves something open: a counter without a count reads as 0;
 * a BCD digit above 9 counts as what it is; a count of 1 in modes 2 and 3 gives a
 * constant output.
 *
 * Invariant: count is that of the running period, next is loaded at its end (modes
 * 2 and 3) or at the trigger (modes 1 and 5).
 * Locking: the owner's.
 */
#ifndef DISVM_PIT_COUNTER_H
#define DISVM_PIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_TICK_NEVER UINT64_MAX

enum pit_counter_state {
	PIT_EMPTY, /**< no count since the control word */
	PIT_ARMED, /**< waits for a trigger (modes 1, 5; 2 and 3 without gate) */
	PIT_RUNS,  /**< since tick @at */
	PIT_STOPPED, /**< by the gate, @at ticks after it began (modes 0, 4) */
};

/**
 * @control: the control word without the number of the counter.
 * @before:  the output until tick @at.
 * @count:   1 to 65536; more with wrong BCD digits.
 * @next:    count that waits; 0: none. Loaded at @next_at, if that is a tick.
 * @low:     first byte of a two-byte count, if @has_low.
 * @reads_high: the next read gives the high byte.
 * @latched: @latch is to be read, @latch_status before it if @status_latched.
 */
struct pit_counter {
	enum pit_counter_state state;
	uint8_t control;
	bool gate;
	bool before;
	uint32_t count;
	uint64_t at;
	uint32_t next;
	uint64_t next_at;
	uint8_t low;
	bool has_low;
	bool reads_high;
	bool latched;
	bool status_latched;
	uint8_t latch_status;
	uint16_t latch;
};

/** Power-on: mode 0 without a count. */
void pit_counter_init(struct pit_counter *c, bool gate);

/** A control word that sets access and mode (bits 5:0; access is not 0). */
void pit_counter_control(struct pit_counter *c, uint8_t control);

/** Latch commands; a second one before the read does nothing. */
void pit_counter_latch(struct pit_counter *c, uint64_t tick);
void pit_counter_latch_status(struct pit_counter *c, uint64_t tick);

uint8_t pit_counter_read(struct pit_counter *c, uint64_t tick);
void pit_counter_write(struct pit_counter *c, uint8_t val, uint64_t tick);

void pit_counter_set_gate(struct pit_counter *c, bool gate, uint64_t tick);

/** Level of the output at @tick, not before the last change. */
bool pit_counter_out(const struct pit_counter *c, uint64_t tick);

/**
 * First tick after @tick at which the output rises, if nothing else is written;
 * PIT_TICK_NEVER: none.
 */
uint64_t pit_counter_next_rise(const struct pit_counter *c, uint64_t tick);

#endif
