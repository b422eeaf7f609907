/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware images; see firmware.h. */
#include "boot/firmware.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>

#include "boot/boot_error.h"
#include "boot/boot_file.h"

#define PAGE_BYTES 4096u
#define SEGMENT_BYTES (UINT64_C(64) << 10)
/* The processor starts so far before the end. */
#define RESET_VECTOR_BYTES 16u

/* Something that could be code: neither zeroes nor erased flash. */
static bool has_reset_vector(const struct boot_file *file)
{
	const uint8_t *at = file->bytes + file->size_bytes - RESET_VECTOR_BYTES;

	return at[0] != 0x00 && at[0] != 0xff;
}

static int check(const char *path, const struct boot_file *file, char *err,
		 size_t err_size)
{
	char limit[BOOT_SIZE_TEXT];

	if (file->size_bytes > FIRMWARE_MAX_BYTES)
		return boot_error(-EINVAL, err, err_size,
				  "%s: firmware of %" PRIu64
				  " bytes; at most %s fit below 1 MiB",
				  path, file->size_bytes,
				  boot_format_size(FIRMWARE_MAX_BYTES, limit));
	if (file->size_bytes % SEGMENT_BYTES)
		return boot_error(-EINVAL, err, err_size,
				  "%s: firmware of %" PRIu64
				  " bytes is not a multiple of 64 KiB",
				  path, file->size_bytes);
	if (!has_reset_vector(file))
		return boot_error(-EINVAL, err, err_size,
				  "%s: no code at the reset vector, 16 bytes "
				  "before the end",
				  path);
	return 0;
}

int firmware_open(const char *path, struct firmware *out, char *err,
		  size_t err_size)
{
	struct boot_file file = {0};
	uint8_t *rom;
	int ret;

	ret = boot_file_read(path, BOOT_FILE_MAX_BYTES, &file, err, err_size);
	if (ret)
		return ret;
	ret = check(path, &file, err, err_size);
	if (ret)
		goto out_free;
	rom = aligned_alloc(PAGE_BYTES, (size_t)file.size_bytes);
	if (!rom) {
		ret = boot_error(-ENOMEM, err, err_size, "%s: out of memory",
				 path);
		goto out_free;
	}
	memcpy(rom, file.bytes, (size_t)file.size_bytes);
	*out = (struct firmware){rom, file.size_bytes};
out_free:
	boot_file_free(&file);
	return ret;
}

void firmware_close(struct firmware *firmware)
{
	free(firmware->rom);
	*firmware = (struct firmware){0};
}

void firmware_load(const struct firmware *firmware, const struct guest_mem *mem)
{
	int ret = guest_mem_write(mem, FIRMWARE_RAM_END_GPA - firmware->bytes,
				  firmware->rom, firmware->bytes);

	DIS_ASSERT(!ret);
}
