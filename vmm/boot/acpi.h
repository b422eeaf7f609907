/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ACPI tables: what a guest's operating system finds in the machine.
 *
 * Place in the flow: boot_load() asks for their size, then has them written into
 * the guest's boot data. The addresses are those of pc_map.h, where
 * machine_devices.c puts the devices.
 *
 * Tables: RSDP, XSDT, FADT (hardware-reduced: no PM timer, no 8259, no 8254, no
 * power management events; sleep and reset registers in I/O space), MADT, DSDT
 * (power off, serial port, clock, virtio devices).
 *
 * Invariant: the size depends on the source alone; acpi_write() writes as many
 * bytes, and every table's checksum holds.
 * Locking: none; pure functions.
 *
 * Source: ACPI 6.5, chapter 5 and 4.1 (hardware-reduced).
 */
#ifndef DISVM_BOOT_ACPI_H
#define DISVM_BOOT_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/virtio_place.h"

/** The RSDP comes first; its alignment is that of all tables. */
#define ACPI_RSDP_BYTES 36u
#define ACPI_ALIGN_BYTES 16u

/**
 * @ncpus: 1..256; CPU i has APIC ID i.
 * @rtc: there is a CMOS clock.
 * @virtio: @nvirtio devices; below 4 GiB.
 */
struct acpi_source {
	unsigned ncpus;
	bool rtc;
	unsigned nvirtio;
	const struct virtio_place *virtio;
};

/** Bytes of all tables together. */
uint64_t acpi_bytes(const struct acpi_source *src);

/**
 * acpi_write - write the tables.
 * @gpa: where the guest finds them, a multiple of ACPI_ALIGN_BYTES.
 * @dst: acpi_bytes() of host memory; may be unaligned.
 */
void acpi_write(const struct acpi_source *src, uint64_t gpa, void *dst);

#endif
