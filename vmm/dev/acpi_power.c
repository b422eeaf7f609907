/* SPDX-License-Identifier: Apache-2.0 */
/* ACPI's registers to turn off and reset; see acpi_power.h. */
#include "dev/acpi_power.h"

#include "dev/reset.h"
#include "pc_map.h"

#define SLEEP_CONTROL 0u
#define RESET (PC_RESET_PORT - PC_SLEEP_CONTROL_PORT)

/* The sleep control register. */
#define SLEEP_TYPE_SHIFT 2u
#define SLEEP_TYPE_MASK 7u
#define SLEEP_ENABLE 0x20u

_Static_assert(PC_SLEEP_STATUS_PORT == PC_SLEEP_CONTROL_PORT + 1u &&
		       PC_RESET_PORT + 1u ==
			       PC_SLEEP_CONTROL_PORT + ACPI_POWER_PORTS,
	       "the three are neighbours");

static bool ends(uint64_t offset, uint64_t value)
{
	if (offset == RESET)
		return value == PC_RESET_VALUE;
	return offset == SLEEP_CONTROL && value & SLEEP_ENABLE &&
	       (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) ==
		       PC_SLEEP_TYPE_S5;
}

/* Registers of a byte. All read as 0: nothing has woken the machine. */
static enum io_action power_io(void *dev, struct io_access *a)
{
	(void)dev;
	if (!a->write) {
		io_put(a, 0);
		return IO_NONE;
	}
	if (!ends(a->offset, io_get(a) & 0xffu))
		return IO_NONE;
	if (a->offset == RESET)
		return reset_machine(a);
	a->exit_code = 0;
	return IO_EXIT;
}

const struct io_dev_ops acpi_power_ops = {.io = power_io};
