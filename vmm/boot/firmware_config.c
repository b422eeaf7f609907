/* SPDX-License-Identifier: Apache-2.0 */
/* What firmware is told; see firmware_config.h. */
#include "boot/firmware_config.h"

#include <endian.h>

#include "boot/memmap.h"
#include "pc_map.h"

/* An entry of the BIOS's memory map, as in file etc/e820. */
struct e820_entry {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct e820_entry) == 20, "without a gap");

/* The boot menu: only where there is a choice, or nothing to boot. */
#define BOOT_MENU_IF_CHOICE 2u
#define BOOT_MENU_WAIT_MS 1000u
/*
 * When nothing can be booted: not to try again in a minute, as a reset ends the
 * guest here.
 */
#define BOOT_FAIL_WAIT_MS 0u

static int add_u16(struct fw_cfg_store *store, uint16_t key, unsigned val)
{
	const uint16_t le = htole16((uint16_t)val);

	return fw_cfg_store_add(store, key, &le, sizeof(le));
}

static int add_u64(struct fw_cfg_store *store, uint16_t key, uint64_t val)
{
	const uint64_t le = htole64(val);

	return fw_cfg_store_add(store, key, &le, sizeof(le));
}

static int add_file_u32(struct fw_cfg_store *store, const char *name,
			uint32_t val)
{
	const uint32_t le = htole32(val);

	return fw_cfg_store_add_file(store, name, &le, sizeof(le));
}

static int add_e820(struct fw_cfg_store *store, uint64_t memory_bytes)
{
	struct memmap_entry map[MEMMAP_ENTRIES_MAX];
	struct e820_entry entries[MEMMAP_ENTRIES_MAX];
	unsigned n = memmap_build(memory_bytes, 0, 0, map);

	for (unsigned i = 0; i < n; i++)
		entries[i] = (struct e820_entry){
			.gpa = htole64(map[i].gpa),
			.bytes = htole64(map[i].bytes),
			.type = htole32(map[i].type),
		};
	return fw_cfg_store_add_file(store, "etc/e820", entries,
				     n * sizeof(entries[0]));
}

int firmware_config_build(unsigned vcpus, uint64_t memory_bytes,
			  struct fw_cfg_store *out)
{
	static const uint8_t irq0_override = 1;
	int ret = fw_cfg_store_init(out);

	if (ret)
		return ret;
	ret = add_u16(out, FW_CFG_CPUS, vcpus);
	if (!ret)
		ret = add_u16(out, FW_CFG_MAX_CPUS, vcpus);
	if (!ret)
		ret = add_u64(out, FW_CFG_RAM, memory_bytes);
	if (!ret)
		ret = add_u16(out, FW_CFG_BOOT_MENU, BOOT_MENU_IF_CHOICE);
	if (!ret)
		ret = fw_cfg_store_add(out, FW_CFG_IRQ0_OVERRIDE,
				       &irq0_override, sizeof(irq0_override));
	if (!ret)
		ret = add_e820(out, memory_bytes);
	if (!ret)
		ret = add_file_u32(out, "etc/sercon-port", PC_COM1_PORT);
	if (!ret)
		ret = add_file_u32(out, "etc/boot-menu-wait", BOOT_MENU_WAIT_MS);
	if (!ret)
		ret = add_file_u32(out, "etc/boot-fail-wait", BOOT_FAIL_WAIT_MS);
	if (ret)
		fw_cfg_store_free(out);
	return ret;
}
