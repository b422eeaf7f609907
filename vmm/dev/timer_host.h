/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a device with a timer has of its machine, beside an interrupt line.
 *
 * Place in the flow: given by machine_devices.c. A timer is no thread: the device
 * says when it is due (X_expiry_ns) and does what is due when it is called
 * (X_tick), on the thread of the boot vCPU, which asks after each of its runs
 * (struct kvm_platform_ops).
 *
 * Locking: any thread; called with the device's own lock held.
 */
#ifndef DISVM_TIMER_HOST_H
#define DISVM_TIMER_HOST_H

#include <stdbool.h>
#include <stdint.h>

/**
 * @clock_ns: CLOCK_MONOTONIC, for accesses to registers.
 * @hears:    would a rise of input @gsi change anything now? While it would not,
 *            the device asks for no expiry. When it would again, the boot vCPU is
 *            woken. NULL: always.
 * @earlier:  vCPU @vcpu has made the timer due earlier than it was: whoever sleeps
 *            until the expiry must ask anew. Must not block. NULL: nobody does.
 */
struct timer_host {
	uint64_t (*clock_ns)(void);
	bool (*hears)(void *ctx, unsigned gsi);
	void (*earlier)(void *ctx, unsigned vcpu);
	void *ctx;
};

#endif
