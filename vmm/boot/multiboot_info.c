/* SPDX-License-Identifier: Apache-2.0 */
/* The multiboot information structure; see multiboot_info.h. */
#include "boot/multiboot_info.h"

#include "boot/boot.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MULTIBOOT_LOADER_MAGIC 0x2badb002u

#define MULTIBOOT_INFO_MEMORY (1u << 0)
#define MULTIBOOT_INFO_CMDLINE (1u << 2)
#define MULTIBOOT_INFO_MODULES (1u << 3)
#define MULTIBOOT_INFO_MEMMAP (1u << 6)
#define MULTIBOOT_INFO_LOADER (1u << 9)

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower_kib;
	uint32_t mem_upper_kib;
	uint32_t boot_device;
	uint32_t cmdline_gpa;
	uint32_t mods_count;
	uint32_t mods_gpa;
	uint32_t syms[4];
	uint32_t mmap_bytes;
	uint32_t mmap_gpa;
	uint32_t drives_bytes;
	uint32_t drives_gpa;
	uint32_t config_gpa;
	uint32_t loader_name_gpa;
	uint32_t apm_gpa;
	uint32_t video[12]; /* not provided: flags 11 and 12 are clear */
};

struct multiboot_module {
	uint32_t start_gpa;
	uint32_t end_gpa;
	uint32_t string_gpa;
	uint32_t reserved;
};

/* @entry_bytes does not count itself. */
struct __attribute__((packed)) multiboot_memory {
	uint32_t entry_bytes;
	uint64_t gpa;
	uint64_t bytes;
	uint32_t type;
};

_Static_assert(offsetof(struct multiboot_info, mmap_bytes) == 44, "ABI");
_Static_assert(offsetof(struct multiboot_info, loader_name_gpa) == 64, "ABI");
_Static_assert(sizeof(struct multiboot_info) == 120, "ABI");
_Static_assert(sizeof(struct multiboot_module) == 16, "ABI");
_Static_assert(sizeof(struct multiboot_memory) == 24, "ABI");

struct multiboot_head {
	struct multiboot_info info;
	struct multiboot_module modules[HANDOVER_MODULES_MAX];
	struct multiboot_memory memory[MEMMAP_ENTRIES_MAX];
	char names[HANDOVER_MODULES_MAX][HANDOVER_NAME_BYTES];
	char loader_name[HANDOVER_NAME_BYTES];
};

/* KiB of RAM that begins at @gpa. */
static uint32_t ram_kib_at(const struct boot_handover *handover, uint64_t gpa)
{
	for (unsigned i = 0; i < handover->nr_map; i++) {
		if (handover->map[i].type == MEMMAP_RAM &&
		    handover->map[i].gpa == gpa)
			return (uint32_t)(handover->map[i].bytes >> 10);
	}
	return 0;
}

static void write_block(const struct boot_handover *handover, void *dst)
{
	uint32_t gpa = (uint32_t)handover->head_gpa;
	struct multiboot_head head = {
		.info = {.flags = MULTIBOOT_INFO_MEMORY |
				  MULTIBOOT_INFO_CMDLINE |
				  MULTIBOOT_INFO_MODULES |
				  MULTIBOOT_INFO_MEMMAP | MULTIBOOT_INFO_LOADER,
			 .mem_lower_kib = ram_kib_at(handover, 0),
			 .mem_upper_kib =
				 ram_kib_at(handover, MEMMAP_LEGACY_END_GPA),
			 .cmdline_gpa = (uint32_t)handover->cmdline_gpa,
			 .mods_count = handover->nr_modules,
			 .mods_gpa =
				 gpa + offsetof(struct multiboot_head, modules),
			 .mmap_bytes = handover->nr_map *
				       sizeof(struct multiboot_memory),
			 .mmap_gpa =
				 gpa + offsetof(struct multiboot_head, memory),
			 .loader_name_gpa = gpa + offsetof(struct multiboot_head,
							   loader_name)},
		.loader_name = "disvm",
	};

	for (unsigned i = 0; i < handover->nr_modules; i++) {
		const struct handover_module *module = &handover->modules[i];

		head.modules[i] = (struct multiboot_module){
			.start_gpa = (uint32_t)module->gpa,
			.end_gpa = (uint32_t)(module->gpa + module->bytes),
			.string_gpa = (uint32_t)(gpa +
						 offsetof(struct multiboot_head,
							  names) +
						 i * sizeof(head.names[0])),
		};
		snprintf(head.names[i], sizeof(head.names[i]), "%s",
			 module->name);
	}
	for (unsigned i = 0; i < handover->nr_map; i++)
		head.memory[i] = (struct multiboot_memory){
			.entry_bytes = sizeof(struct multiboot_memory) -
				       sizeof(uint32_t),
			.gpa = handover->map[i].gpa,
			.bytes = handover->map[i].bytes,
			.type = handover->map[i].type,
		};
	memcpy(dst, &head, sizeof(head));
}

static void set_registers(const struct boot_handover *handover,
			  struct boot_entry *entry)
{
	entry->rbx = handover->head_gpa;
	entry->rax = MULTIBOOT_LOADER_MAGIC;
}

const struct handover_ops multiboot_handover_ops = {
	.head_bytes = sizeof(struct multiboot_head),
	.write_block = write_block,
	.set_registers = set_registers,
};
