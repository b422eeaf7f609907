/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the boot protocols a file speaks; see kernel_image.h. */
#include "boot/kernel_image.h"

#include "boot/boot_error.h"
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/multiboot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int kernel_image_add_segment(struct kernel_image *image,
			     const struct kernel_segment *segment, char *err,
			     size_t err_size)
{
	if (image->nr_segments == KERNEL_SEGMENTS_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: more than %u loadable "
				  "segments",
				  image->path, segment->number,
				  KERNEL_SEGMENTS_MAX);
	image->segments[image->nr_segments++] = *segment;
	return 0;
}

bool kernel_image_has_code_at(const struct kernel_image *image, uint64_t gpa)
{
	for (unsigned i = 0; i < image->nr_segments; i++) {
		const struct kernel_segment *segment = &image->segments[i];

		if (gpa >= segment->gpa &&
		    gpa - segment->gpa < segment->file_bytes)
			return true;
	}
	return false;
}

/* PVH first: it is the richer protocol, and a kernel that has both entries
 * offers multiboot for loaders that do not know PVH. */
static int parse_elf(struct kernel_image *image, char *err, size_t err_size)
{
	struct elf_entries entries;
	int ret;

	ret = elf_parse(image, &entries, err, err_size);
	if (ret)
		return ret;
	if (entries.has_pvh) {
		image->protocol = BOOT_PVH;
		image->entry_gpa = entries.pvh_gpa;
		return 0;
	}
	ret = multiboot_parse_elf(image, entries.elf_gpa, err, err_size);
	if (ret == -ENOENT)
		return boot_error(-EINVAL, err, err_size,
				  "no PVH note and no multiboot header: %s",
				  image->path);
	return ret;
}

int kernel_image_parse(struct kernel_image *image, char *err, size_t err_size)
{
	int ret;

	if (elf_detect(image->file.bytes, image->file.size_bytes))
		return parse_elf(image, err, err_size);
	if (bzimage_detect(image->file.bytes, image->file.size_bytes))
		return bzimage_parse(image, err, err_size);
	ret = multiboot_parse_flat(image, err, err_size);
	if (ret == -ENOENT)
		return boot_error(-EINVAL, err, err_size,
				  "%s: neither an ELF file nor a Linux bzImage "
				  "nor a multiboot image",
				  image->path);
	return ret;
}

int kernel_image_open(const char *path, struct kernel_image **out, char *err,
		      size_t err_size)
{
	struct kernel_image *image = calloc(1, sizeof(*image));
	int ret;

	if (!image)
		goto err_memory;
	image->path = strdup(path);
	if (!image->path)
		goto err_memory;
	ret = boot_file_read(path, BOOT_FILE_MAX_BYTES, &image->file, err,
			     err_size);
	if (ret)
		goto err_image;
	ret = kernel_image_parse(image, err, err_size);
	if (ret)
		goto err_image;
	*out = image;
	return 0;

err_memory:
	ret = boot_error(-ENOMEM, err, err_size, "%s: out of memory", path);
err_image:
	kernel_image_close(image);
	return ret;
}

void kernel_image_close(struct kernel_image *image)
{
	if (!image)
		return;
	boot_file_free(&image->file);
	free(image->path);
	free(image);
}
