/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The fw_cfg device: how firmware asks for what the machine is (R: CARD-8).
 *
 * Place in the flow: a row of the VM's port bus; reads a store (fw_cfg_store.h).
 *
 *   0x510   selector, 16 bits, write: the item whose data come next
 *   0x511   data, 8 bits, read: one byte after the other; 0 behind the end
 *   0x514   DMA: address of a command in guest memory, 64 bits big endian; its
 *           lower half, at 0x518, starts it
 *
 * Items cannot be written, by DMA that is an error.
 *
 * Locking: one mutex per device, rank "device"; any thread may call anything but
 * fw_cfg_init() and fw_cfg_destroy().
 *
 * Source: QEMU's specification "QEMU Firmware Configuration (fw_cfg) Device".
 */
#ifndef DISVM_FW_CFG_H
#define DISVM_FW_CFG_H

#include <pthread.h>
#include <stdint.h>

#include "bus.h"
#include "fw_cfg_store.h"
#include "kvm/guest_mem.h"

#define FW_CFG_PORTS 12u

/**
 * Most that one command reads: more than any item has. A guest that asked for all
 * its memory to be filled would occupy the core meanwhile.
 */
#define FW_CFG_DMA_MAX_BYTES (64u << 10)

/**
 * @key, @at: the item that is selected, and the place of its next byte.
 * @dma_gpa: as far as it was written.
 */
struct fw_cfg {
	const struct fw_cfg_store *store;
	const struct guest_mem *mem;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	uint16_t key;
	uint64_t at;
	uint64_t dma_gpa;
};

extern const struct io_dev_ops fw_cfg_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int fw_cfg_init(struct fw_cfg *f, const struct fw_cfg_store *store,
		const struct guest_mem *mem);
void fw_cfg_destroy(struct fw_cfg *f);

#endif
