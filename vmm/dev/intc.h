/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The interrupt inputs of a machine, and the controllers behind them: an 8259 pair
 * (pic.h) and an I/O APIC (ioapic.h), wired as on a PC.
 *
 *   input 0 to 15 (ISA)  -> 8259 pair, and pin of the same number of the I/O APIC;
 *                           0, the timer's, is at pin 2 (the MADT says so), and 2
 *                           is the pair's own
 *   input 16 to 23       -> I/O APIC alone
 *   8259 pair's INTR     -> LINT0 of the boot vCPU, and pin 0 of the I/O APIC
 *
 * Place in the flow: devices set lines (struct irq_line); guests program the
 * controllers through the buses; what comes out is posted to local APICs
 * (lapic_send()), or is the ExtINT of the boot vCPU. Local APICs tell the end of
 * level-triggered interrupts to intc_eoi().
 *
 * Invariant: `intr` is the output of the 8259 pair.
 *
 * Locking: one mutex per machine guards both controllers. Any thread may call
 * anything but intc_init() and intc_destroy(). Its rank is "interrupt
 * controllers", below "device": a device may hold its own lock; nothing is locked
 * while this one is held, and no vCPU is woken. What is done under it is bounded
 * by the numbers of inputs and of vCPUs.
 */
#ifndef DISVM_INTC_H
#define DISVM_INTC_H

#include <stdbool.h>
#include <stdint.h>

struct intc;

/**
 * intc_set_line - input @gsi is now at @level; fits struct irq_line.
 * @intc: a struct intc.
 * @gsi:  below PC_GSIS; each belongs to one device.
 *
 * Edge-triggered inputs take note of a rise, also if the level has fallen again
 * before anybody looked.
 *
 * Context: any thread, also one that runs a vCPU of this machine.
 */
void intc_set_line(void *intc, unsigned gsi, bool level);

/**
 * intc_hears - would a rise of input @gsi now change anything?
 *
 * No: it is masked at the I/O APIC, and masked or still unanswered at the 8259
 * pair. A timer may then sleep; `heard` of the configuration tells when that may
 * be over.
 *
 * Context: any thread; takes no lock.
 */
bool intc_hears(const struct intc *intc, unsigned gsi);

#endif
