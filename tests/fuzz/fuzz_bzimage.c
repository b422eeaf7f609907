/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzImages: as fuzz_elf.c. Whatever is loaded must leave a guest whose boot
 * parameters can be walked inside its memory.
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
	boot_image_bz(&image);
	fuzz_boot_spoil(&image, data[0] & 0x40, data + 2, size - 2);
	fuzz_boot_load(&image, data[0], data[1]);
	return 0;
}
