/* SPDX-License-Identifier: Apache-2.0 */
/* Placement and copying of all that a guest starts with; see boot.h. */
#include "boot/boot.h"

#include "boot/boot_error.h"
#include "boot/handover.h"
#include "boot/layout.h"
#include "boot/linux_params.h"
#include "boot/multiboot_info.h"
#include "boot/pvh.h"

#include <dis/assert.h>
#include <disvm/guest_abi.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pc_map.h"

#define PAGE_BYTES 4096u
/* Structures of 8-byte words, and the alignment of a device tree. */
#define WORD_BYTES 8u

/*
 * Linux reads the start info through page tables that map the first GiB only,
 * and so do most small kernels.
 */
#define BOOT_DATA_LIMIT_GPA (UINT64_C(1) << 30)

static const struct handover_ops *const protocols[BOOT_PROTOCOLS] = {
	[BOOT_PVH] = &pvh_handover_ops,
	[BOOT_MULTIBOOT] = &multiboot_handover_ops,
	[BOOT_LINUX] = &linux_handover_ops,
};

/* mov dx, PC_RESET_PORT; mov al, PC_RESET_VALUE; out dx, al; hlt; jmp back */
static const uint8_t reset_code[] = {
	0xba,
	PC_RESET_PORT & 0xffu,
	PC_RESET_PORT >> 8,
	0xb0,
	PC_RESET_VALUE,
	0xee,
	0xf4,
	0xeb,
	0xfd,
};

/*
 * Where things go; computed completely before anything is copied.
 * @has_bios_area: RAM reaches up to 1 MiB.
 * @in_bios_area: the block of boot data lies there.
 */
struct boot_plan {
	const struct handover_ops *ops;
	bool has_bios_area;
	bool in_bios_area;
	struct boot_layout layout;
	struct boot_handover handover;
	uint64_t cmdline_bytes;
	uint64_t block_bytes;
};

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1u) & ~(align - 1u);
}

static int place_segment(struct boot_plan *plan, const struct boot_source *src,
			 const struct guest_mem *mem,
			 const struct kernel_segment *segment, char *err,
			 size_t err_size)
{
	const struct layout_range range = {
		.gpa = segment->gpa,
		.bytes = segment->mem_bytes,
		.what = "segment",
		.number = (int)segment->number,
	};
	uint64_t end = segment->gpa + segment->mem_bytes;
	const struct layout_range *other;
	char size[BOOT_SIZE_TEXT];

	if (!guest_mem_ptr(mem, segment->gpa, segment->mem_bytes))
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: %#" PRIx64 "..%#" PRIx64
				  " lies outside the guest's %s",
				  src->kernel->path, segment->number,
				  segment->gpa, end,
				  boot_format_size(mem->size_bytes, size));
	other = layout_reserve(&plan->layout, &range);
	if (!other)
		return 0;
	if (other->number >= 0)
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: %#" PRIx64 "..%#" PRIx64
				  " overlaps segment %d: %#" PRIx64
				  "..%#" PRIx64,
				  src->kernel->path, segment->number,
				  segment->gpa, end, other->number, other->gpa,
				  other->gpa + other->bytes);
	return boot_error(-EINVAL, err, err_size,
			  "%s: segment %u: %#" PRIx64 "..%#" PRIx64
			  " overlaps %s: %#" PRIx64 "..%#" PRIx64,
			  src->kernel->path, segment->number, segment->gpa, end,
			  other->what, other->gpa, other->gpa + other->bytes);
}

static int place(struct boot_plan *plan, const struct boot_source *src,
		 const struct guest_mem *mem, uint64_t limit_gpa,
		 uint64_t bytes, const char *what, uint64_t *gpa, char *err,
		 size_t err_size)
{
	char size[BOOT_SIZE_TEXT];

	if (layout_alloc(&plan->layout, limit_gpa, bytes, PAGE_BYTES, what,
			 gpa) == 0)
		return 0;
	return boot_error(-ENOMEM, err, err_size,
			  "%s: no room for %s, %" PRIu64
			  " bytes, beside the kernel in the guest's %s",
			  src->kernel->path, what, bytes,
			  boot_format_size(mem->size_bytes, size));
}

static void add_module(struct boot_handover *handover,
		       const struct handover_module *module)
{
	if (module->bytes)
		handover->modules[handover->nr_modules++] = *module;
}

/*
 * One page for a small guest, with the code at the reset address. Nothing else is
 * placed in the legacy area.
 */
static int place_block(struct boot_plan *plan, const struct boot_source *src,
		       const struct guest_mem *mem, uint64_t bytes, char *err,
		       size_t err_size)
{
	uint64_t *gpa = &plan->handover.head_gpa;
	uint64_t low = guest_mem_low_bytes(mem);
	uint64_t limit = low < BOOT_DATA_LIMIT_GPA ? low : BOOT_DATA_LIMIT_GPA;

	plan->has_bios_area = low >= MEMMAP_LEGACY_END_GPA;
	plan->in_bios_area = plan->has_bios_area &&
			     bytes <= BOOT_RESET_GPA - BOOT_SCAN_GPA;
	if (plan->in_bios_area) {
		plan->block_bytes = bytes;
		*gpa = BOOT_RESET_GPA - bytes;
		*gpa -= *gpa % PAGE_BYTES;
		return 0;
	}
	plan->block_bytes = align_up(bytes, PAGE_BYTES);
	return place(plan, src, mem, limit, plan->block_bytes, "boot data", gpa,
		     err, err_size);
}

/* Head, command line, device tree and ACPI tables lie in one block. */
static int place_boot_data(struct boot_plan *plan,
			   const struct boot_source *src,
			   const struct guest_mem *mem, char *err,
			   size_t err_size)
{
	struct boot_handover *handover = &plan->handover;
	uint64_t low = guest_mem_low_bytes(mem);
	uint64_t cmdline_at = plan->ops->head_bytes;
	uint64_t dtb_at = cmdline_at + plan->cmdline_bytes;
	uint64_t acpi_at, end;
	int ret;

	/* No sum below overflows: the parts are smaller than this. */
	if (src->dtb_bytes > low)
		return boot_error(-ENOMEM, err, err_size,
				  "%s: device tree of %" PRIu64
				  " bytes is larger than the guest's memory",
				  src->kernel->path, src->dtb_bytes);
	if (src->dtb_bytes)
		dtb_at += plan->ops->dtb_prefix_bytes;
	dtb_at = align_up(dtb_at, src->kernel->page_align_modules ? PAGE_BYTES
								  : WORD_BYTES);
	acpi_at = end = dtb_at + src->dtb_bytes;
	if (src->acpi) {
		acpi_at = align_up(end, ACPI_ALIGN_BYTES);
		end = acpi_at + acpi_bytes(src->acpi);
	}
	ret = place_block(plan, src, mem, end, err, err_size);
	if (ret)
		return ret;
	handover->cmdline_gpa = handover->head_gpa + cmdline_at;
	handover->dtb = (struct handover_module){
		.gpa = handover->head_gpa + dtb_at,
		.bytes = src->dtb_bytes,
		.name = DISVM_DTB_MODULE,
	};
	if (src->acpi)
		handover->rsdp_gpa = handover->head_gpa + acpi_at;
	return 0;
}

static int place_initrd(struct boot_plan *plan, const struct boot_source *src,
			const struct guest_mem *mem, char *err, size_t err_size)
{
	uint64_t limit = guest_mem_low_bytes(mem);
	struct handover_module initrd = {
		.bytes = src->initrd_bytes,
		.name = "initrd",
	};
	int ret;

	if (!src->initrd_bytes)
		return 0;
	if (src->kernel->protocol == BOOT_LINUX &&
	    src->kernel->linux_setup.initrd_last_gpa < limit)
		limit = src->kernel->linux_setup.initrd_last_gpa + 1u;
	ret = place(plan, src, mem, limit, src->initrd_bytes, "the initrd",
		    &initrd.gpa, err, err_size);
	if (!ret)
		plan->handover.initrd = initrd;
	return ret;
}

static int check_cmdline(const struct boot_source *src, uint64_t bytes,
			 char *err, size_t err_size)
{
	const struct kernel_image *kernel = src->kernel;
	uint64_t max = BOOT_CMDLINE_MAX_BYTES - 1u;

	if (kernel->protocol == BOOT_LINUX &&
	    kernel->linux_setup.cmdline_max_bytes < max)
		max = kernel->linux_setup.cmdline_max_bytes;
	if (bytes - 1u <= max)
		return 0;
	return boot_error(-EINVAL, err, err_size,
			  "%s: command line of %" PRIu64
			  " bytes; at most %" PRIu64,
			  kernel->path, bytes - 1u, max);
}

static int make_plan(struct boot_plan *plan, const struct boot_source *src,
		     const struct guest_mem *mem, char *err, size_t err_size)
{
	const struct kernel_image *kernel = src->kernel;
	struct boot_handover *handover = &plan->handover;
	int ret;

	DIS_ASSERT(kernel->protocol < BOOT_PROTOCOLS);
	plan->ops = protocols[kernel->protocol];
	plan->cmdline_bytes = (src->cmdline ? strlen(src->cmdline) : 0) + 1u;
	ret = check_cmdline(src, plan->cmdline_bytes, err, err_size);
	if (ret)
		return ret;
	layout_init(&plan->layout);
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		ret = place_segment(plan, src, mem, &kernel->segments[i], err,
				    err_size);
		if (ret)
			return ret;
	}
	ret = place_boot_data(plan, src, mem, err, err_size);
	if (!ret)
		ret = place_initrd(plan, src, mem, err, err_size);
	if (ret)
		return ret;
	handover->kernel = kernel;
	add_module(handover, &handover->initrd);
	add_module(handover, &handover->dtb);
	handover->nr_map = memmap_build(
		mem->size_bytes, handover->head_gpa,
		src->acpi && !plan->in_bios_area ? plan->block_bytes : 0,
		handover->map);
	return 0;
}

/* The plan has checked the range: only our own bug can make this fail. */
static void copy_in(const struct guest_mem *mem, uint64_t gpa,
		    const void *bytes, uint64_t len)
{
	void *dst = guest_mem_ptr(mem, gpa, len);

	DIS_ASSERT(dst);
	if (len)
		memcpy(dst, bytes, len);
}

static void write_acpi(const struct boot_plan *plan,
		       const struct boot_source *src,
		       const struct guest_mem *mem)
{
	uint64_t gpa = plan->handover.rsdp_gpa;
	uint8_t *tables = guest_mem_ptr(mem, gpa, acpi_bytes(src->acpi));

	DIS_ASSERT(tables);
	acpi_write(src->acpi, gpa, tables);
	if (plan->has_bios_area && !plan->in_bios_area)
		copy_in(mem, BOOT_SCAN_GPA, tables, ACPI_RSDP_BYTES);
}

static void carry_out(const struct boot_plan *plan,
		      const struct boot_source *src,
		      const struct guest_mem *mem)
{
	const struct kernel_image *kernel = src->kernel;
	const struct boot_handover *handover = &plan->handover;
	void *block = guest_mem_ptr(mem, handover->head_gpa, plan->block_bytes);

	DIS_ASSERT(block);
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct kernel_segment *segment = &kernel->segments[i];

		copy_in(mem, segment->gpa, kernel->file.bytes + segment->offset,
			segment->file_bytes);
	}
	plan->ops->write_block(handover, block);
	copy_in(mem, handover->cmdline_gpa, src->cmdline ? src->cmdline : "",
		plan->cmdline_bytes);
	copy_in(mem, handover->dtb.gpa, src->dtb, src->dtb_bytes);
	if (src->initrd_bytes)
		copy_in(mem, handover->initrd.gpa, src->initrd,
			src->initrd_bytes);
	if (src->acpi)
		write_acpi(plan, src, mem);
	if (plan->has_bios_area)
		copy_in(mem, BOOT_RESET_GPA, reset_code, sizeof(reset_code));
}

int boot_load(const struct boot_source *src, const struct guest_mem *mem,
	      struct boot_entry *out, char *err, size_t err_size)
{
	struct boot_plan plan = {0};
	struct boot_entry entry = {
		.protocol = src->kernel->protocol,
		.rip = src->kernel->entry_gpa,
	};
	int ret;

	ret = make_plan(&plan, src, mem, err, err_size);
	if (ret)
		return ret;
	carry_out(&plan, src, mem);
	plan.ops->set_registers(&plan.handover, &entry);
	*out = entry;
	return 0;
}
