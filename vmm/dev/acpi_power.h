/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The registers by which ACPI turns a machine off and resets it: sleep control,
 * sleep status, reset.
 *
 * Place in the flow: three ports from PC_SLEEP_CONTROL_PORT on, which the FADT
 * names. Both end the VM as Finished: there is no second boot.
 *
 * Locking: none; has no state.
 *
 * Source: ACPI 6.5, 4.8.3.6 (reset), 4.8.3.7 (sleep control and status).
 */
#ifndef DISVM_ACPI_POWER_H
#define DISVM_ACPI_POWER_H

#include "dev/bus.h"

#define ACPI_POWER_PORTS 3u

extern const struct io_dev_ops acpi_power_ops;

#endif
