/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The virtio devices of a guest in the report.
 *
 * Place in the flow: part of report.h; filled by run_report.c.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_REPORT_DEVICES_H
#define DISVM_REPORT_DEVICES_H

#include <stdint.h>
#include <stdio.h>

#define REPORT_DEVICES_MAX 8u

/**
 * @requests, @errors: that were answered; of these, not as the guest wanted.
 * @notifications: of the guest, as far as they came to the monitor; @interrupts: times
 *                 that the line went up.
 * @trouble: why it stopped, or "".
 */
struct report_device {
	const char *name;
	uint64_t requests;
	uint64_t errors;
	uint64_t notifications;
	uint64_t interrupts;
	uint64_t read_bytes;
	uint64_t write_bytes;
	char trouble[192];
};

struct json_t; /* of jansson */

/** An array; NULL without memory. */
struct json_t *report_devices_json(const struct report_device *devices,
				   unsigned n);

/** One line each. */
void report_devices_text(const char *vm, const struct report_device *devices,
			 unsigned n, FILE *to);

#endif
