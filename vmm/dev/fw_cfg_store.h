/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What firmware can ask for through fw_cfg: items by number, and files, which are
 * items with a name in a directory (R: CARD-8).
 *
 * Place in the flow: filled once for a kind of guest (boot/firmware_config.h), read
 * by the fw_cfg device of each.
 *
 * Invariant: item FW_CFG_DIRECTORY lists all files, with their numbers.
 * Locking: none; constant once it is filled.
 *
 * Source: QEMU's specification "QEMU Firmware Configuration (fw_cfg) Device".
 */
#ifndef DISVM_FW_CFG_STORE_H
#define DISVM_FW_CFG_STORE_H

#include <stddef.h>
#include <stdint.h>

/** Numbers of items that firmware knows. */
enum {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_RAM = 0x03,
	FW_CFG_NO_GRAPHIC = 0x04,
	FW_CFG_CPUS = 0x05,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_DIRECTORY = 0x19,
	FW_CFG_FILES = 0x20,           /**< the first file */
	FW_CFG_IRQ0_OVERRIDE = 0x8002, /**< of x86: IRQ 0 is at pin 2 */
};

#define FW_CFG_ITEMS_MAX 32u
/** With its NUL. */
#define FW_CFG_NAME_BYTES 56u

struct fw_cfg_item {
	uint16_t key;
	uint32_t bytes;
	uint8_t *data;
};

struct fw_cfg_store {
	unsigned n;
	unsigned n_files;
	struct fw_cfg_item items[FW_CFG_ITEMS_MAX];
};

/** An empty one, which tells its signature and version. Return: 0 or -ENOMEM. */
int fw_cfg_store_init(struct fw_cfg_store *store);
void fw_cfg_store_free(struct fw_cfg_store *store);

/**
 * fw_cfg_store_add - item @key has @bytes of @data, which are copied.
 * Return: 0, -EEXIST, -ENOSPC, -ENOMEM.
 */
int fw_cfg_store_add(struct fw_cfg_store *store, uint16_t key, const void *data,
		     size_t bytes);

/**
 * fw_cfg_store_add_file - the same by name, shorter than FW_CFG_NAME_BYTES.
 * Return: 0, -ENAMETOOLONG, -ENOSPC, -ENOMEM.
 */
int fw_cfg_store_add_file(struct fw_cfg_store *store, const char *name,
			  const void *data, size_t bytes);

/** Item @key, or NULL. */
const struct fw_cfg_item *fw_cfg_store_find(const struct fw_cfg_store *store,
					    uint16_t key);

#endif
