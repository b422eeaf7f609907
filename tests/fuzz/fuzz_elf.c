/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF kernels: the input spoils a good image (pairs of offset and value), or is
 * the file itself. Whatever is loaded must leave a guest whose start info can be
 * walked inside its memory.
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
	boot_image_pvh(&image);
	if (data[0] & 0x80)
		/* A second way in, for files whose note was spoilt. */
		boot_image_multiboot(&image, IMAGE_NOTE_AT + 0x80, 0x3, NULL);
	if (data[0] & 0x20)
		boot_image_narrow(&image);
	fuzz_boot_spoil(&image, data[0] & 0x40, data + 2, size - 2);
	fuzz_boot_load(&image, data[0], data[1]);
	return 0;
}
