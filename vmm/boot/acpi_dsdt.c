/* SPDX-License-Identifier: Apache-2.0 */
/* The devices in AML; see acpi_dsdt.h. */
#include "boot/acpi_dsdt.h"

#include <stdio.h>

#include "pc_map.h"

#define COM1_PORTS 8u
#define CMOS_PORTS 2u

/* Turning off is SLP_TYPx in the sleep control register, one value for both. */
static void write_s5(struct aml *aml)
{
	const uint8_t types[] = {PC_SLEEP_TYPE_S5, PC_SLEEP_TYPE_S5, 0, 0};

	aml_name(aml, "\\_S5_");
	aml_package(aml, types, sizeof(types));
}

/* A device of the ISA: ports and one interrupt. */
static void write_isa(struct aml *aml, const char *name, const char *id,
		      uint16_t port, uint8_t ports, unsigned irq)
{
	struct aml_resources res = {0};
	size_t device = aml_device(aml, name);

	aml_name(aml, "_HID");
	aml_eisa_id(aml, id);
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_io(&res, port, ports);
	aml_irq(&res, irq);
	aml_name(aml, "_CRS");
	aml_resources_put(aml, &res);
	aml_end(aml, device);
}

/* Without _CCA its DMA would count as not coherent. */
static void write_virtio(struct aml *aml, unsigned index,
			 const struct virtio_place *place)
{
	struct aml_resources res = {0};
	char name[5];
	size_t device;

	snprintf(name, sizeof(name), "VR%02X", index & 0xffu);
	device = aml_device(aml, name);
	aml_name(aml, "_HID");
	aml_string(aml, "LNRO0005");
	aml_name(aml, "_UID");
	aml_integer(aml, index);
	aml_name(aml, "_CCA");
	aml_integer(aml, 1);
	aml_memory(&res, (uint32_t)place->gpa, place->bytes);
	aml_interrupt(&res, place->gsi);
	aml_name(aml, "_CRS");
	aml_resources_put(aml, &res);
	aml_end(aml, device);
}

void acpi_dsdt_write(struct aml *aml, const struct acpi_source *src)
{
	size_t scope;

	write_s5(aml);
	scope = aml_scope(aml, "\\_SB_");
	write_isa(aml, "COM1", "PNP0501", PC_COM1_PORT, COM1_PORTS, PC_COM1_GSI);
	if (src->rtc)
		write_isa(aml, "RTC_", "PNP0B00", PC_CMOS_PORT, CMOS_PORTS,
			  PC_RTC_GSI);
	for (unsigned i = 0; i < src->nvirtio; i++)
		write_virtio(aml, i, &src->virtio[i]);
	aml_end(aml, scope);
}
