/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The CMOS RAM and real-time clock of a PC, after Motorola's data sheet MC146818A,
 * with 128 bytes and a century (R: CARD-8).
 *
 * Place in the flow: a row of the VM's port bus (index at 0x70, data at 0x71); one
 * of the machine's timers (timer_host.h). The machine writes what firmware looks
 * for into the RAM before the guest starts.
 *
 * Nothing counts: time, flags and the interrupts that are due are computed from
 * the clock when somebody looks. It starts with the host's UTC and runs with
 * CLOCK_MONOTONIC: when the host's time of day is set, it does not jump. A date
 * that is none stands still. All flags may be set late, but never when it could be
 * noticed: the line rises on time.
 *
 * Invariant: while @runs, the time is `offset_s` beyond the count of whole seconds
 * of clock + phase_ns, and registers of time in regs mean nothing; otherwise they
 * are the time. level is bit IRQF of register C, and the line's.
 *
 * Locking: one mutex per device, rank "device"; any thread may call anything but
 * what is said to be for the start and the end. The line and the host are called
 * with it held.
 */
#ifndef DISVM_CMOS_H
#define DISVM_CMOS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "irq.h"
#include "rtc_calendar.h"
#include "timer_host.h"

#define CMOS_PORTS 2u
#define CMOS_BYTES 128u

/** @epoch_ns: UTC, ns since 1970, at 0 of the host's clock. */
struct cmos_config {
	struct irq_line irq;
	struct timer_host host;
	uint64_t epoch_ns;
};

struct cmos {
	struct cmos_config config;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	uint8_t index;
	uint8_t regs[CMOS_BYTES];
	bool runs;
	int64_t offset_s;
	uint64_t phase_ns;
	unsigned dow_shift;
	uint64_t seen_ns; /**< up to which flags are in register C */
	bool level;

	/* Written under lock, read by any thread. */
	_Atomic uint64_t due_ns;
};

extern const struct io_dev_ops cmos_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int cmos_init(struct cmos *cmos, const struct cmos_config *config);
void cmos_destroy(struct cmos *cmos);

/**
 * cmos_set_machine - what firmware reads of the machine when nothing else tells:
 * sizes of memory, number of vCPUs, boot from a disk.
 * @low_bytes: of RAM below 4 GiB; @high_bytes above.
 *
 * Context: before any vCPU runs.
 */
void cmos_set_machine(struct cmos *cmos, uint64_t low_bytes,
		      uint64_t high_bytes, unsigned vcpus);

/** When cmos_tick() has something to do; DIS_NEVER_NS: never. Takes no lock. */
uint64_t cmos_expiry_ns(const struct cmos *cmos);

/** What is due at @now_ns happens; nothing, if nothing is. */
void cmos_tick(struct cmos *cmos, uint64_t now_ns);

#endif
