/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of a guest in the report; see report_devices.h. */
#include "report_devices.h"

#include <inttypes.h>
#include <jansson.h>

#include "cli.h"

static json_t *device_of(const struct report_device *d)
{
	char trouble[sizeof(d->trouble)];

	cli_printable(trouble, sizeof(trouble), d->trouble, sizeof(d->trouble));
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "name", d->name,
			 "requests", (json_int_t)d->requests, "errors",
			 (json_int_t)d->errors, "notifications",
			 (json_int_t)d->notifications, "interrupts",
			 (json_int_t)d->interrupts, "read_bytes",
			 (json_int_t)d->read_bytes, "write_bytes",
			 (json_int_t)d->write_bytes, "trouble",
			 *trouble ? json_string(trouble) : json_null());
}

json_t *report_devices_json(const struct report_device *devices, unsigned n)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++)
		if (json_array_append_new(array, device_of(&devices[i])))
			goto err_free;
	return array;

err_free:
	json_decref(array);
	return NULL;
}

void report_devices_text(const char *vm, const struct report_device *devices,
			 unsigned n, FILE *to)
{
	for (unsigned i = 0; i < n; i++) {
		const struct report_device *d = &devices[i];

		fprintf(to,
			"%s %s: %" PRIu64 " requests, %" PRIu64
			" errors; %" PRIu64 " bytes read, %" PRIu64
			" written; %" PRIu64 " interrupts%s\n",
			vm, d->name, d->requests, d->errors, d->read_bytes,
			d->write_bytes, d->interrupts,
			*d->trouble ? "; stopped" : "");
	}
}
