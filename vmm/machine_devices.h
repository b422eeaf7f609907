/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The devices of a guest: which there are, at which addresses, on which
 * interrupt inputs, and who they call.
 *
 * Place in the flow: machine.c builds a guest and has this file put the devices
 * on its buses; devices call back into the scheduler through it.
 * Locking: built before any vCPU runs; each device says how it is guarded.
 */
#ifndef DISVM_MACHINE_DEVICES_H
#define DISVM_MACHINE_DEVICES_H

#include "boot/dtb.h"
#include "dev/irq.h"
#include "machine.h"

/** What the device tree says of them. */
extern const struct dtb_device machine_dtb_devices[];
extern const unsigned machine_dtb_device_count;

/** Makes both buses and all devices. Return: 0 or -errno; nothing is left then. */
int machine_devices_add(struct machine *machine);

/**
 * Input @gsi (pc_map.h) of the machine's interrupt controllers, ours or KVM's; for
 * one device, which may set it from any thread while vCPUs run.
 */
struct irq_line machine_irq_line(struct machine *machine, unsigned gsi);

/**
 * machine_wake - vCPU @cpu of @ctx, a struct machine, has something new.
 * Context: any thread, with a device's lock held or without; does not wait.
 */
void machine_wake(void *ctx, unsigned cpu);

/** No vCPU and no other thread may use them any more. */
void machine_devices_remove(struct machine *machine);

#endif
