/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiboot kernels: as fuzz_elf.c, but from a flat image with a header, or from
 * an ELF whose header has address fields.
 */
#include "boot/boot.h"
#include "fuzz/fuzz_boot.h"
#include "unit/boot_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_image image;

	if (size < 2)
		return 0;
	if (data[0] & 0x80) {
		const struct boot_image_addresses addresses = {
			.header_addr = IMAGE_TEXT_GPA + IMAGE_NOTE_AT,
			.load_addr = IMAGE_TEXT_GPA,
			.entry_addr = IMAGE_TEXT_GPA + IMAGE_DATA_AT,
		};

		boot_image_pvh(&image);
		boot_image_multiboot(&image, IMAGE_NOTE_AT, IMAGE_FLAT_FLAGS,
				     &addresses);
		boot_image_phdr(&image, IMAGE_NOTE)->p_type = PT_NULL;
	} else {
		boot_image_flat(&image);
	}
	fuzz_boot_spoil(&image, data[0] & 0x40, data + 2, size - 2);
	fuzz_boot_load(&image, data[0], data[1]);
	return 0;
}
