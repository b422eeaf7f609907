/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a PC has on its board beside interrupt controllers and serial port (R:
 * CARD-8): timer, clock, keyboard controller, resets; with a firmware also its
 * configuration and the port of its log.
 *
 * Place in the flow: machine_devices.c makes them part of a guest, and has the boot
 * vCPU see to the timers.
 *
 * With KVM's own interrupt controllers the 8254 is KVM's, and the clock's
 * interrupts come only with accesses to its registers: nobody sees to it.
 *
 * Locking: built before any vCPU runs; each device says how it is guarded.
 */
#ifndef DISVM_MACHINE_PC_H
#define DISVM_MACHINE_PC_H

#include "dev/cmos.h"
#include "dev/debug_port.h"
#include "dev/fw_cfg.h"
#include "dev/i8042.h"
#include "dev/pit.h"
#include "dev/reset.h"

struct machine;

/** @fw_cfg: with a firmware; @log: if that is asked for. */
struct machine_pc {
	struct pit pit;
	struct cmos cmos;
	struct i8042 kbc;
	struct reset reset;
	struct fw_cfg fw_cfg;
	struct debug_port log;
	unsigned made; /**< of the above, in this order; private */
};

/** Makes the devices and puts them on the bus. Return: 0 or -errno; nothing is left
 * then. */
int machine_pc_add(struct machine *machine);
void machine_pc_remove(struct machine *machine);

/**
 * When a timer of the machine is due, and what is due then; kvm_platform_ops.
 * @ctx: a struct machine.
 */
uint64_t machine_pc_expiry_ns(void *ctx);
void machine_pc_tick(void *ctx, uint64_t now_ns);

#endif
