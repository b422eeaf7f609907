/* SPDX-License-Identifier: Apache-2.0 */
/**
 * AML, the byte code of ACPI's tables of devices: the few terms that we need.
 *
 * Place in the flow: acpi_dsdt.c writes the DSDT with it.
 *
 * Invariant: without @dst nothing is written and @at counts the same bytes, so
 * that a table is measured by the code that writes it.
 * Locking: none.
 *
 * Source: ACPI 6.5, 20.2 (grammar), 6.4 (resource descriptors), 19.3.4 (EISA
 * identifiers).
 */
#ifndef DISVM_BOOT_AML_H
#define DISVM_BOOT_AML_H

#include <stddef.h>
#include <stdint.h>

/** @dst: NULL, or room for all that is written; @at: bytes so far. */
struct aml {
	uint8_t *dst;
	size_t at;
};

/** Scope (\_SB) and Device; the place to give to aml_end(). */
size_t aml_scope(struct aml *aml, const char *name);
size_t aml_device(struct aml *aml, const char *name);
/** What began at @mark is complete: its length is filled in. */
void aml_end(struct aml *aml, size_t mark);

/**
 * aml_name - Name(@name, ...): the object follows.
 * @name: four characters, after a '\\' if it lies in the root.
 */
void aml_name(struct aml *aml, const char *name);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
/** @id: three capital letters and four hexadecimal digits. */
void aml_eisa_id(struct aml *aml, const char *id);
/** A package of @count integers. */
void aml_package(struct aml *aml, const uint8_t *values, uint8_t count);

/** Most bytes of one device's resources. */
#define AML_RESOURCES_BYTES 32u

/** The resources of a device, then aml_resources_put(). */
struct aml_resources {
	uint8_t bytes[AML_RESOURCES_BYTES];
	size_t at;
};

void aml_io(struct aml_resources *res, uint16_t port, uint8_t ports);
/** An ISA interrupt: edge, active high. */
void aml_irq(struct aml_resources *res, unsigned irq);
/** Registers in memory, below 4 GiB. */
void aml_memory(struct aml_resources *res, uint32_t gpa, uint32_t bytes);
/** A global system interrupt: level, active high, not shared. */
void aml_interrupt(struct aml_resources *res, uint32_t gsi);
/** The end tag, and all of it as the buffer that a _CRS is. */
void aml_resources_put(struct aml *aml, struct aml_resources *res);

#endif
