/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a guest is told of the machine, by fw_cfg (R: CARD-8): memory and its map,
 * number of vCPUs; and what concerns firmware alone: that the console is the serial port, and how long to wait for whom.
 *
 * Place in the flow: filled once for a kind of guest, before any is built.
 * Locking: none.
 *
 * Source: docs/Runtime_config.md of SeaBIOS.
 */
#ifndef DISVM_BOOT_FIRMWARE_CONFIG_H
#define DISVM_BOOT_FIRMWARE_CONFIG_H

#include <stdint.h>

#include "dev/fw_cfg_store.h"

/**
 * firmware_config_build - fill @out, to be given to fw_cfg_store_free().
 * @vcpus: 1 to 256; @memory_bytes: laid out as guest_mem.h says.
 *
 * Return: 0 or -ENOMEM; nothing is left then.
 */
int firmware_config_build(unsigned vcpus, uint64_t memory_bytes,
			  struct fw_cfg_store *out);

#endif
