/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ACPI tables in host memory, found as an operating system finds them.
 *
 * Place in the flow: included by tests/unit/test_acpi*.c.
 */
#ifndef TESTS_ACPI_TABLES_H
#define TESTS_ACPI_TABLES_H

#include "boot/acpi.h"

#include <stdlib.h>
#include <string.h>

/* Where they pretend to lie. */
#define ACPI_TABLES_GPA UINT64_C(0x3fff0450)

struct acpi_tables {
	uint8_t *bytes;
	uint64_t size;
};

/** Exactly as large as they say, so that a sanitizer sees a byte too many. */
static inline void acpi_tables_make(struct acpi_tables *tables,
				    const struct acpi_source *src)
{
	tables->size = acpi_bytes(src);
	tables->bytes = calloc(1, tables->size);
	if (!tables->bytes)
		abort();
	acpi_write(src, ACPI_TABLES_GPA, tables->bytes);
}

static inline void acpi_tables_free(struct acpi_tables *tables)
{
	free(tables->bytes);
	*tables = (struct acpi_tables){0};
}

/** What an address at @at points to; NULL if that is not in the tables. */
static inline const uint8_t *acpi_tables_at(const struct acpi_tables *tables,
					    const uint8_t *at)
{
	uint64_t gpa;

	memcpy(&gpa, at, sizeof(gpa));
	if (gpa < ACPI_TABLES_GPA || gpa % 16 ||
	    gpa - ACPI_TABLES_GPA > tables->size - 36)
		return NULL;
	return tables->bytes + (gpa - ACPI_TABLES_GPA);
}

/** By way of RSDP, XSDT and FADT; NULL if there is none. */
static inline const uint8_t *acpi_tables_find(const struct acpi_tables *tables,
					      const char *signature)
{
	const uint8_t *xsdt = acpi_tables_at(tables, tables->bytes + 24);
	const uint8_t *found;
	uint32_t bytes;

	if (!xsdt || !memcmp(signature, "XSDT", 4))
		return xsdt;
	if (!memcmp(signature, "DSDT", 4)) {
		found = acpi_tables_find(tables, "FACP");
		return found ? acpi_tables_at(tables, found + 140) : NULL;
	}
	memcpy(&bytes, xsdt + 4, sizeof(bytes));
	for (uint32_t at = 36; at + 8 <= bytes; at += 8) {
		found = acpi_tables_at(tables, xsdt + at);
		if (found && !memcmp(found, signature, 4))
			return found;
	}
	return NULL;
}

#endif
