/* SPDX-License-Identifier: Apache-2.0 */
/* Check of Linux's setup header; see bzimage.h. */
#include "boot/bzimage.h"

#include "boot/boot_error.h"
#include "boot/linux_setup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SECTOR_BYTES 512u
#define PARAGRAPH_BYTES 16u
/* Of setup_sects 0: kernels older than any that we boot. */
#define SETUP_SECTS_DEFAULT 4u

/* The file as far as the header can reach; what it lacks reads as zero. */
struct setup {
	uint8_t bytes[LINUX_HEADER_MAX_END];
};

static uint64_t field(const struct setup *setup, size_t at, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, setup->bytes + at, bytes);
	return value;
}

bool bzimage_detect(const uint8_t *bytes, uint64_t size_bytes)
{
	uint32_t magic;
	uint16_t flag;

	if (size_bytes < LINUX_MAGIC + sizeof(magic))
		return false;
	memcpy(&flag, bytes + LINUX_BOOT_FLAG, sizeof(flag));
	memcpy(&magic, bytes + LINUX_MAGIC, sizeof(magic));
	return flag == LINUX_BOOT_FLAG_VALUE && magic == LINUX_MAGIC_VALUE;
}

/* What a kernel must be so that we can enter it. */
static int check_kind(const struct kernel_image *image,
		      const struct setup *setup, char *err, size_t err_size)
{
	unsigned version = (unsigned)field(setup, LINUX_VERSION, 2);

	if (version < LINUX_VERSION_MIN)
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux boot protocol %u.%02u; 2.12 or "
				  "newer is needed",
				  image->path, version >> 8, version & 0xffu);
	if (!(field(setup, LINUX_LOAD_FLAGS, 1) & LINUX_LOADED_HIGH))
		return boot_error(-EINVAL, err, err_size,
				  "%s: a Linux zImage, loaded below 1 MiB; a "
				  "bzImage is needed",
				  image->path);
	if (!(field(setup, LINUX_XLOAD_FLAGS, 2) & LINUX_KERNEL_64))
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux setup header: no 64-bit entry "
				  "(xloadflags bit 0): a 32-bit kernel",
				  image->path);
	return 0;
}

static int make_segment(struct kernel_image *image, const struct setup *setup,
			char *err, size_t err_size)
{
	uint64_t sects = field(setup, LINUX_SETUP_SECTS, 1);
	struct kernel_segment segment = {
		.gpa = field(setup, LINUX_PREF_ADDRESS, 8),
		.file_bytes = field(setup, LINUX_SYSSIZE, 4) * PARAGRAPH_BYTES,
		.mem_bytes = field(setup, LINUX_INIT_SIZE, 4),
	};

	if (sects == 0)
		sects = SETUP_SECTS_DEFAULT;
	segment.offset = (sects + 1u) * SECTOR_BYTES;
	if (segment.offset > image->file.size_bytes ||
	    segment.file_bytes > image->file.size_bytes - segment.offset)
		return boot_error(-EINVAL, err, err_size,
				  "%s: truncated: %" PRIu64
				  " bytes of kernel (syssize) behind %" PRIu64
				  " of setup, and the file has %" PRIu64,
				  image->path, segment.file_bytes,
				  segment.offset, image->file.size_bytes);
	if (segment.file_bytes <= LINUX_ENTRY_64)
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux setup header: syssize: %" PRIu64
				  " bytes have no room for the 64-bit entry",
				  image->path, segment.file_bytes);
	if (segment.mem_bytes < segment.file_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux setup header: init_size %" PRIu64
				  " is less than the kernel's %" PRIu64
				  " bytes",
				  image->path, segment.mem_bytes,
				  segment.file_bytes);
	/* A multiple of a page, and no sum with a 32-bit size overflows. */
	if (segment.gpa == 0 || segment.gpa % LINUX_PAGE_BYTES ||
	    segment.gpa > UINT32_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux setup header: pref_address "
				  "%#" PRIx64
				  " is not a page of the first 4 GiB",
				  image->path, segment.gpa);
	image->entry_gpa = (uint32_t)segment.gpa + LINUX_ENTRY_64;
	return kernel_image_add_segment(image, &segment, err, err_size);
}

int bzimage_parse(struct kernel_image *image, char *err, size_t err_size)
{
	struct setup setup = {0};
	uint64_t have = image->file.size_bytes < sizeof(setup.bytes)
				? image->file.size_bytes
				: sizeof(setup.bytes);
	uint64_t end;
	int ret;

	memcpy(setup.bytes, image->file.bytes, have);
	ret = check_kind(image, &setup, err, err_size);
	if (ret)
		return ret;
	end = LINUX_MAGIC + field(&setup, LINUX_JUMP_LENGTH, 1);
	if (end < LINUX_HEADER_MIN_END || end > have)
		return boot_error(-EINVAL, err, err_size,
				  "%s: Linux setup header ends at %#" PRIx64
				  "; it must lie within %#x..%#" PRIx64,
				  image->path, end, LINUX_HEADER_MIN_END, have);
	image->protocol = BOOT_LINUX;
	image->linux_setup = (struct linux_setup){
		.header_end = (uint32_t)end,
		.cmdline_max_bytes =
			(uint32_t)field(&setup, LINUX_CMDLINE_SIZE, 4),
		.initrd_last_gpa = (uint32_t)field(&setup, LINUX_INITRD_MAX, 4),
	};
	return make_segment(image, &setup, err, err_size);
}
