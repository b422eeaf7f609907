/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A PC firmware image, SeaBIOS's to begin with (R: CARD-8).
 *
 * Place in the flow: firmware_open() once for a kind of guest, firmware_load() for
 * each. The image is a ROM that ends at 4 GiB, where a processor starts; the same
 * bytes lie below 1 MiB in RAM, as on a PC whose firmware has been copied and
 * unlocked already: SeaBIOS, which finds no chip set to do that by, runs there and
 * keeps variables there.
 *
 * Invariant: rom is whole pages, constant once it is open, and shared by all guests.
 * Locking: none.
 */
#ifndef DISVM_BOOT_FIRMWARE_H
#define DISVM_BOOT_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

#include "kvm/guest_mem.h"

/** Where both copies end. */
#define FIRMWARE_ROM_END_GPA (UINT64_C(4) << 30)
#define FIRMWARE_RAM_END_GPA (UINT64_C(1) << 20)

/**
 * Sizes that PCs have: from one segment to all that lies between the video memory's
 * ROM and 1 MiB. (Below the ROM at 4 GiB KVM keeps pages of its own.)
 */
#define FIRMWARE_MIN_BYTES (UINT64_C(64) << 10)
#define FIRMWARE_MAX_BYTES (UINT64_C(256) << 10)

struct firmware {
	uint8_t *rom;
	uint64_t bytes;
};

/**
 * firmware_open - read an image and check what can be.
 * @out: on success only; to be given to firmware_close().
 * @err: one line that begins with the path.
 *
 * Return: 0; the errors of boot_file_read(); -EINVAL: not a multiple of 64 KiB, too
 * large, or nothing at the reset vector; -ENOMEM.
 */
int firmware_open(const char *path, struct firmware *out, char *err,
		  size_t err_size);

/** Fine after zeroes, too. */
void firmware_close(struct firmware *firmware);

/** The copy below 1 MiB of a guest, which has so much RAM. */
void firmware_load(const struct firmware *firmware, const struct guest_mem *mem);

#endif
