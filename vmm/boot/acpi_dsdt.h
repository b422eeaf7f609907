/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The DSDT: devices of the machine and how it is turned off, in AML.
 *
 * Place in the flow: the body behind the table header that acpi.c writes.
 * Locking: none.
 *
 * Source: ACPI 6.5, 7.4.2 (_Sx), 6.1 (identification), 6.2.2 (_CRS); the
 * identifier of virtio over MMIO is that of Linux's and QEMU's.
 */
#ifndef DISVM_BOOT_ACPI_DSDT_H
#define DISVM_BOOT_ACPI_DSDT_H

#include "boot/acpi.h"
#include "boot/aml.h"

void acpi_dsdt_write(struct aml *aml, const struct acpi_source *src);

#endif
