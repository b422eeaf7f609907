/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine without a device tree, that is under other monitors: the number
 * of CPUs from QEMU's fw_cfg; APIC IDs are taken to be 0 to n-1.
 */
#include <task.h>

#define FW_CFG_SELECTOR 0x510u
#define FW_CFG_DATA 0x511u
#define FW_CFG_SIGNATURE 0u
#define FW_CFG_CPUS 5u

static uint32_t fw_cfg_read(uint32_t key, unsigned bytes)
{
	uint32_t value = 0;

	sys(SYS_OUT, FW_CFG_SELECTOR, 2, key);
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)sys(SYS_IN, FW_CFG_DATA, 1, 0) << (8 * i);
	return value;
}

void legacy_machine_read(void)
{
	uint32_t vcpus = 1;

	if (fw_cfg_read(FW_CFG_SIGNATURE, 4) == 0x554d4551) /* "QEMU" */
		vcpus = fw_cfg_read(FW_CFG_CPUS, 2);
	if (vcpus == 0 || vcpus > MAX_VCPUS)
		die(EXIT_MACHINE, "fw_cfg", "not 1 to 256 CPUs");
	machine.vcpus = vcpus;
	machine.broadcast = true;
	for (uint32_t i = 0; i < MAX_VCPUS; i++) {
		machine.index_of[i] = (uint16_t)i;
		apic_id_of[i] = i;
		tasks[i].intent.klass = CLASS_NONE;
	}
}
