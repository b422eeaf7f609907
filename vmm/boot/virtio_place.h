/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where a virtio device is, as device tree and ACPI tables say it.
 *
 * Place in the flow: filled by machine_devices.c. Depends on nothing.
 */
#ifndef DISVM_BOOT_VIRTIO_PLACE_H
#define DISVM_BOOT_VIRTIO_PLACE_H

#include <stdint.h>

/** @gpa: of @bytes registers; @gsi: its level-triggered, active-high input. */
struct virtio_place {
	uint64_t gpa;
	uint32_t bytes;
	unsigned gsi;
};

#endif
