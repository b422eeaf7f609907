/* SPDX-License-Identifier: Apache-2.0 */
/* hvm_start_info and what it points to; see pvh.h. */
#include "boot/pvh.h"

#include "boot/boot.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PVH_START_MAGIC 0x336ec578u
#define PVH_START_VERSION 1u

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_gpa;
	uint64_t cmdline_gpa;
	uint64_t rsdp_gpa;
	uint64_t memmap_gpa;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t cmdline_gpa;
	uint64_t reserved;
};

struct pvh_memory {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t type;
	uint32_t reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "layout of the ABI");
_Static_assert(sizeof(struct pvh_module) == 32, "layout of the ABI");
_Static_assert(sizeof(struct pvh_memory) == 24, "layout of the ABI");

struct pvh_head {
	struct pvh_start_info info;
	struct pvh_module modules[HANDOVER_MODULES_MAX];
	struct pvh_memory memory[MEMMAP_ENTRIES_MAX];
	char names[HANDOVER_MODULES_MAX][HANDOVER_NAME_BYTES];
};

static void write_block(const struct boot_handover *handover, void *dst)
{
	uint64_t gpa = handover->head_gpa;
	struct pvh_head head = {
		.info = {.magic = PVH_START_MAGIC,
			 .version = PVH_START_VERSION,
			 .nr_modules = handover->nr_modules,
			 .modlist_gpa = gpa + offsetof(struct pvh_head, modules),
			 .cmdline_gpa = handover->cmdline_gpa,
			 .rsdp_gpa = handover->rsdp_gpa,
			 .memmap_gpa = gpa + offsetof(struct pvh_head, memory),
			 .memmap_entries = handover->nr_map},
	};

	for (unsigned i = 0; i < handover->nr_modules; i++) {
		const struct handover_module *module = &handover->modules[i];

		head.modules[i] = (struct pvh_module){
			.gpa = module->gpa,
			.bytes = module->bytes,
			.cmdline_gpa = gpa + offsetof(struct pvh_head, names) +
				       i * sizeof(head.names[0]),
		};
		snprintf(head.names[i], sizeof(head.names[i]), "%s",
			 module->name);
	}
	for (unsigned i = 0; i < handover->nr_map; i++)
		head.memory[i] = (struct pvh_memory){
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
}

const struct handover_ops pvh_handover_ops = {
	.head_bytes = sizeof(struct pvh_head),
	.write_block = write_block,
	.set_registers = set_registers,
};
