/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The interrupt inputs of a machine, and the controllers behind them: an 8259 pair
 * (pic.h) and an I/O APIC (ioapic.h), wired as on a PC (R: CARD-8, CARD-11).
 *
 *   input 0 to 15 (ISA)  -> 8259 pair, and pin of the same number of the I/O APIC;
 *                           0, the timer's, is at pin 2 (the MADT says so), and 2
 *                           is the pair's own
 *   input 16 to 23       -> I/O APIC alone
 *   8259 pair's INTR     -> LINT0 of the boot vCPU, and pin 0 of the I/O APIC
 *
 * Place in the flow: devices set lines (struct irq_line); guests program the
 * controllers through the buses; what comes out is posted to local APICs
 * (lapic_send()), or is an ExtINT, whose vector intc_accept() supplies. Local APICs
 * tell the end of level-triggered interrupts to intc_eoi().
 *
 * Invariant: `intr` is the output of the 8259 pair, `heard` what intc_hears() says.
 *
 * Locking: one mutex per machine guards both controllers. Any thread may call
 * anything but intc_init() and intc_destroy(). Its rank is "interrupt
 * controllers", below "device": a device may hold its own lock; nothing is locked
 * while this one is held, and no vCPU is woken. What is done under it is bounded
 * by the numbers of inputs and of vCPUs.
 */
#ifndef DISVM_INTC_H
#define DISVM_INTC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "ioapic.h"
#include "pic.h"

/** Which vCPU has LINT0, and sees to the machine's timers. */
#define INTC_BOOT_VCPU 0u

/**
 * @lapics: where messages go.
 * @wake:   vCPU @cpu has something new: a message, or INTR rose (the boot vCPU's), or
 *          a timer's input hears again (the same). Called without our lock, by
 *          whoever set the line or wrote the register; must not block.
 */
struct intc_config {
	const struct lapic_bus *lapics;
	void (*wake)(void *ctx, unsigned cpu);
	void *ctx;
};

struct intc {
	struct intc_config config;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	struct pic pic;
	struct ioapic ioapic;
	unsigned turn;          /**< of lowest priority delivery */
	struct lapic_set woken; /**< to be woken when the lock is released */

	/* Written under lock, read by any thread. */
	atomic_bool intr;
	_Atomic uint32_t heard;
};

/** Return: 0 or the negative error of pthread_mutex_init(). */
int intc_init(struct intc *intc, const struct intc_config *config);

/** No other thread may use it any more. */
void intc_destroy(struct intc *intc);

/**
 * intc_attach - put the registers where pc_map.h says.
 * Return: 0 or the error of io_bus_add().
 */
int intc_attach(struct intc *intc, struct io_bus *ports, struct io_bus *mmio);

/**
 * intc_set_line - input @gsi is now at @level; fits struct irq_line.
 * @ctx: a struct intc.
 * @gsi: below PC_GSIS, not PC_CASCADE_GSI; each belongs to one device.
 *
 * Edge-triggered inputs take note of a rise, also if the level has fallen again
 * before anybody looked.
 *
 * Context: any thread, also one that runs a vCPU of this machine.
 */
void intc_set_line(void *ctx, unsigned gsi, bool level);

/**
 * intc_hears - would a rise of input @gsi now change anything?
 *
 * No, if it is masked at the I/O APIC, and the 8259 pair has still to answer the
 * last rise. A timer that is not heard may sleep: the boot vCPU is woken when
 * PC_PIT_GSI or PC_RTC_GSI hears again.
 *
 * Context: any thread; takes no lock.
 */
bool intc_hears(const struct intc *intc, unsigned gsi);

/** Does the 8259 pair ask for an interrupt? Any thread; takes no lock. */
static inline bool intc_intr(const struct intc *intc)
{
	return atomic_load(&intc->intr);
}

/**
 * intc_accept - a vCPU takes the interrupt of the 8259 pair.
 * Return: the vector, that of a spurious one if there is none any more.
 */
uint8_t intc_accept(struct intc *intc);

/** A level-triggered interrupt with @vector has ended at a local APIC. */
void intc_eoi(struct intc *intc, uint8_t vector);

/** A local APIC was enabled: levels that nobody has accepted go out again. */
void intc_resend(struct intc *intc);

#endif
