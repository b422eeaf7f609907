/* SPDX-License-Identifier: Apache-2.0 */
/* RSDP, XSDT, FADT, MADT and the frame of the DSDT; see acpi.h. */
#include "boot/acpi.h"

#include <dis/assert.h>

#include <string.h>

#include "boot/acpi_dsdt.h"
#include "pc_map.h"

#define OEM_ID "DISVM "
#define OEM_TABLE_ID "DISVM   "
#define CREATOR_ID "DISV"

/* Table header (5.2.6). */
#define HEADER_BYTES 36u
#define HEADER_LENGTH 4u
#define HEADER_REVISION 8u
#define HEADER_CHECKSUM 9u
#define HEADER_OEM_ID 10u
#define HEADER_OEM_TABLE_ID 16u
#define HEADER_OEM_REVISION 24u
#define HEADER_CREATOR_ID 28u
#define HEADER_CREATOR_REVISION 32u

/* RSDP (5.2.5.3): the first 20 bytes have a checksum of their own. */
#define RSDP_CHECKSUM 8u
#define RSDP_OEM_ID 9u
#define RSDP_REVISION 15u
#define RSDP_V1_BYTES 20u
#define RSDP_LENGTH 20u
#define RSDP_XSDT 24u
#define RSDP_EXT_CHECKSUM 32u

/* FADT (5.2.9), revision 6. */
#define FADT_BYTES 276u
#define FADT_REVISION 6u
#define FADT_MINOR_REVISION 5u
#define FADT_BOOT_ARCH 109u
#define FADT_FLAGS 112u
#define FADT_RESET_REG 116u
#define FADT_RESET_VALUE 128u
#define FADT_MINOR_AT 131u
#define FADT_X_DSDT 140u
#define FADT_SLEEP_CONTROL 244u
#define FADT_SLEEP_STATUS 256u
#define FADT_HYPERVISOR 268u

#define BOOT_ARCH_NO_VGA (1u << 2)
#define BOOT_ARCH_NO_MSI (1u << 3)
#define BOOT_ARCH_NO_CMOS_RTC (1u << 5)

#define FADT_WBINVD (1u << 0)
#define FADT_NO_POWER_BUTTON (1u << 4)
#define FADT_NO_SLEEP_BUTTON (1u << 5)
#define FADT_RESET_REG_SUPPORTED (1u << 10)
#define FADT_HEADLESS (1u << 12)
#define FADT_HW_REDUCED (1u << 20)

/* Generic address structure (5.2.3.2): a byte in I/O space. */
#define GAS_IO 1u
#define GAS_BYTE 1u

/* MADT (5.2.12). */
#define MADT_REVISION 6u
#define MADT_LAPIC 0u
#define MADT_IOAPIC 1u
#define MADT_OVERRIDE 2u
#define MADT_X2APIC 9u
#define MADT_ENABLED 1u
/* The highest ID of a local APIC in an entry of the short form. */
#define LAPIC_ID_MAX 254u

#define DSDT_REVISION 2u

/*
 * Writes in order from the start of the tables; without @dst it only counts.
 * @table: where the present table began.
 */
struct writer {
	uint8_t *dst;
	uint64_t at;
	uint64_t table;
};

static void put_at(struct writer *w, uint64_t at, uint64_t value, size_t bytes)
{
	if (w->dst)
		memcpy(w->dst + at, &value, bytes);
}

static void put(struct writer *w, uint64_t value, size_t bytes)
{
	put_at(w, w->at, value, bytes);
	w->at += bytes;
}

static void put_text_at(struct writer *w, uint64_t at, const char *text)
{
	if (w->dst)
		memcpy(w->dst + at, text, strlen(text));
}

/* @bytes of zeros, from which fields are set. */
static void put_zeros(struct writer *w, uint64_t bytes)
{
	if (w->dst)
		memset(w->dst + w->at, 0, bytes);
	w->at += bytes;
}

/* Makes the sum of @bytes bytes from @from on zero. */
static void set_checksum(struct writer *w, uint64_t from, uint64_t bytes,
			 uint64_t at)
{
	uint8_t sum = 0;

	if (!w->dst)
		return;
	w->dst[at] = 0;
	for (uint64_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + w->dst[from + i]);
	w->dst[at] = (uint8_t)-sum;
}

static void begin(struct writer *w, const char *signature, unsigned revision)
{
	put_zeros(w, -w->at & (ACPI_ALIGN_BYTES - 1u));
	w->table = w->at;
	put_zeros(w, HEADER_BYTES);
	put_text_at(w, w->table, signature);
	put_at(w, w->table + HEADER_REVISION, revision, 1);
	put_text_at(w, w->table + HEADER_OEM_ID, OEM_ID);
	put_text_at(w, w->table + HEADER_OEM_TABLE_ID, OEM_TABLE_ID);
	put_at(w, w->table + HEADER_OEM_REVISION, 1, 4);
	put_text_at(w, w->table + HEADER_CREATOR_ID, CREATOR_ID);
	put_at(w, w->table + HEADER_CREATOR_REVISION, 1, 4);
}

static void end(struct writer *w)
{
	uint64_t bytes = w->at - w->table;

	put_at(w, w->table + HEADER_LENGTH, bytes, 4);
	set_checksum(w, w->table, bytes, w->table + HEADER_CHECKSUM);
}

static void write_dsdt(struct writer *w, const struct acpi_source *src)
{
	struct aml aml = {0};

	begin(w, "DSDT", DSDT_REVISION);
	if (w->dst)
		aml.dst = w->dst + w->at;
	acpi_dsdt_write(&aml, src);
	w->at += aml.at;
	end(w);
}

static void put_register(struct writer *w, uint64_t at, uint16_t port)
{
	put_at(w, at, GAS_IO, 1);
	put_at(w, at + 1u, 8, 1); /* bits */
	put_at(w, at + 3u, GAS_BYTE, 1);
	put_at(w, at + 4u, port, 8);
}

static void write_fadt(struct writer *w, const struct acpi_source *src,
		       uint64_t dsdt_gpa)
{
	uint64_t t;

	begin(w, "FACP", FADT_REVISION);
	t = w->table;
	put_zeros(w, FADT_BYTES - HEADER_BYTES);
	put_at(w, t + FADT_BOOT_ARCH,
	       BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_MSI |
		       (src->rtc ? 0u : BOOT_ARCH_NO_CMOS_RTC),
	       2);
	put_at(w, t + FADT_FLAGS,
	       FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
		       FADT_RESET_REG_SUPPORTED | FADT_HEADLESS |
		       FADT_HW_REDUCED,
	       4);
	put_register(w, t + FADT_RESET_REG, PC_RESET_PORT);
	put_at(w, t + FADT_RESET_VALUE, PC_RESET_VALUE, 1);
	put_at(w, t + FADT_MINOR_AT, FADT_MINOR_REVISION, 1);
	put_at(w, t + FADT_X_DSDT, dsdt_gpa, 8);
	put_register(w, t + FADT_SLEEP_CONTROL, PC_SLEEP_CONTROL_PORT);
	put_register(w, t + FADT_SLEEP_STATUS, PC_SLEEP_STATUS_PORT);
	put_text_at(w, t + FADT_HYPERVISOR, "disvm");
	end(w);
}

static void write_cpu(struct writer *w, unsigned id)
{
	if (id <= LAPIC_ID_MAX) {
		put(w, MADT_LAPIC, 1);
		put(w, 8, 1);
		put(w, id, 1); /* UID of the processor */
		put(w, id, 1);
		put(w, MADT_ENABLED, 4);
		return;
	}
	put(w, MADT_X2APIC, 1);
	put(w, 16, 1);
	put(w, 0, 2);
	put(w, id, 4);
	put(w, MADT_ENABLED, 4);
	put(w, id, 4); /* UID */
}

static void write_madt(struct writer *w, const struct acpi_source *src)
{
	begin(w, "APIC", MADT_REVISION);
	put(w, PC_LAPIC_GPA, 4);
	put(w, 0, 4); /* not PC-compatible: nothing to mask on an 8259 */
	for (unsigned i = 0; i < src->ncpus; i++)
		write_cpu(w, i);
	put(w, MADT_IOAPIC, 1);
	put(w, 12, 1);
	put(w, 0, 2); /* ID 0, reserved */
	put(w, PC_IOAPIC_GPA, 4);
	put(w, 0, 4); /* its first global system interrupt */
	put(w, MADT_OVERRIDE, 1);
	put(w, 10, 1);
	put(w, 0, 1); /* the ISA */
	put(w, PC_PIT_GSI, 1);
	put(w, PC_PIT_PIN, 4);
	put(w, 0, 2); /* edge and active high, as on the ISA */
	end(w);
}

static void write_xsdt(struct writer *w, uint64_t fadt_gpa, uint64_t madt_gpa)
{
	begin(w, "XSDT", 1);
	put(w, fadt_gpa, 8);
	put(w, madt_gpa, 8);
	end(w);
}

static void write_rsdp(struct writer *w, uint64_t xsdt_gpa)
{
	put_text_at(w, 0, "RSD PTR ");
	put_text_at(w, RSDP_OEM_ID, OEM_ID);
	put_at(w, RSDP_REVISION, 2, 1);
	put_at(w, RSDP_LENGTH, ACPI_RSDP_BYTES, 4);
	put_at(w, RSDP_XSDT, xsdt_gpa, 8);
	set_checksum(w, 0, RSDP_V1_BYTES, RSDP_CHECKSUM);
	set_checksum(w, 0, ACPI_RSDP_BYTES, RSDP_EXT_CHECKSUM);
}

/* Tables before those that point to them, but for the RSDP, which comes first. */
static uint64_t write_all(struct writer *w, const struct acpi_source *src,
			  uint64_t gpa)
{
	uint64_t dsdt, fadt, madt;

	put_zeros(w, ACPI_RSDP_BYTES);
	write_dsdt(w, src);
	dsdt = gpa + w->table;
	write_fadt(w, src, dsdt);
	fadt = gpa + w->table;
	write_madt(w, src);
	madt = gpa + w->table;
	write_xsdt(w, fadt, madt);
	write_rsdp(w, gpa + w->table);
	return w->at;
}

uint64_t acpi_bytes(const struct acpi_source *src)
{
	struct writer w = {0};

	return write_all(&w, src, 0);
}

void acpi_write(const struct acpi_source *src, uint64_t gpa, void *dst)
{
	struct writer w = {.dst = dst};

	DIS_ASSERT(gpa % ACPI_ALIGN_BYTES == 0);
	write_all(&w, src, gpa);
}
