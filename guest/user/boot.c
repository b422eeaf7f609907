/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader left for us: command line and modules, by PVH's
 * hvm_start_info (Xen, x86/HVM direct boot ABI) or by multiboot 1.
 *
 * Ring 3 sees it through read-only views. A loader owns this memory and we
 * trust it to be there; only device tree and command line are content.
 */
#include <fdt.h>
#include <user.h>

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules;
	uint64_t module_list_gpa;
	uint64_t cmdline_gpa;
};

#define PVH_MAGIC 0x336ec578u

struct pvh_module {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t cmdline_gpa;
	uint64_t reserved;
};

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower_kib;
	uint32_t mem_upper_kib;
	uint32_t boot_device;
	uint32_t cmdline_gpa;
	uint32_t modules;
	uint32_t module_list_gpa;
};

#define MULTIBOOT_MEMORY (1u << 0)
#define MULTIBOOT_CMDLINE (1u << 2)
#define MULTIBOOT_MODULES (1u << 3)

struct multiboot_module {
	uint32_t start_gpa;
	uint32_t end_gpa;
	uint32_t cmdline_gpa;
	uint32_t reserved;
};

#define MODULES_MAX 8u
#define DTB_MAX 0x100000u

/* GPA of the first 2 MiB page of each view; entry.S set the first one up. */
static uint64_t view_gpa[WINDOW_PAIRS];
static unsigned views;

/* Guaranteed to be readable: WINDOW_PAGE bytes. */
static const void *view(uint64_t gpa)
{
	uint64_t at;

	for (unsigned i = 0; i < views; i++)
		if (gpa >= view_gpa[i] && gpa - view_gpa[i] < WINDOW_PAGE)
			return (const void *)(WINDOW_BASE + gpa - view_gpa[i] +
					      i * UINT64_C(2) * WINDOW_PAGE);
	at = sys(SYS_MAP, gpa, 0, 0);
	if (!at)
		die(EXIT_MACHINE, "boot information",
		    "scattered over too many places");
	view_gpa[views++] = gpa & ~(uint64_t)(WINDOW_PAGE - 1);
	return (const void *)at;
}

static void module(uint64_t gpa, uint64_t bytes, uint64_t cmdline_gpa,
		   struct boot_info *info)
{
	const uint8_t *data;

	if (bytes < 4)
		return;
	data = view(gpa);
	if (fdt_be32(data) != FDT_MAGIC &&
	    !(cmdline_gpa && text_equal(view(cmdline_gpa), DISVM_DTB_MODULE)))
		return;
	if (bytes > DTB_MAX)
		die(EXIT_MACHINE, "device tree", "larger than 1 MiB");
	info->dtb = data;
	info->dtb_bytes = (uint32_t)bytes;
}

static void pvh_read(const struct pvh_start_info *start, struct boot_info *info)
{
	const struct pvh_module *modules;

	if (start->cmdline_gpa)
		info->cmdline = view(start->cmdline_gpa);
	if (!start->modules)
		return;
	modules = view(start->module_list_gpa);
	for (uint32_t i = 0; i < start->modules && i < MODULES_MAX; i++)
		module(modules[i].gpa, modules[i].bytes, modules[i].cmdline_gpa,
		       info);
}

static void multiboot_read(const struct multiboot_info *mb,
			   struct boot_info *info)
{
	const struct multiboot_module *modules;

	if (mb->flags & MULTIBOOT_MEMORY)
		machine.memory_end =
			((uint64_t)mb->mem_upper_kib + 1024) * 1024;
	if (mb->flags & MULTIBOOT_CMDLINE)
		info->cmdline = view(mb->cmdline_gpa);
	if (!(mb->flags & MULTIBOOT_MODULES))
		return;
	modules = view(mb->module_list_gpa);
	for (uint32_t i = 0; i < mb->modules && i < MODULES_MAX; i++)
		if (modules[i].end_gpa > modules[i].start_gpa)
			module(modules[i].start_gpa,
			       modules[i].end_gpa - modules[i].start_gpa,
			       modules[i].cmdline_gpa, info);
}

void boot_info_read(uint32_t boot, uint32_t gpa, struct boot_info *info)
{
	view_gpa[views++] = gpa & ~(WINDOW_PAGE - 1u);
	info->cmdline = "";
	info->dtb = NULL;
	info->dtb_bytes = 0;
	/* In this order: QEMU's qboot sets multiboot's magic for PVH, too. */
	if (*(const uint32_t *)view(gpa) == PVH_MAGIC)
		pvh_read(view(gpa), info);
	else if (boot == BOOT_MULTIBOOT)
		multiboot_read(view(gpa), info);
	else
		die(EXIT_MACHINE, "boot information",
		    "neither PVH's nor multiboot's");
}
