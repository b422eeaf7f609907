/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The device tree that describes the machine to its guest (R: CARD-6).
 *
 * Place in the flow: built once for a kind of VM; boot_load() puts the same
 * blob into each guest of that kind. The binding is in disvm/guest_abi.h.
 *
 * Invariant: a blob that was handed out passed fdt_check_full().
 * Locking: none; a blob is constant.
 *
 * Source: Devicetree Specification 0.4; disvm/guest_abi.h.
 */
#ifndef DISVM_BOOT_DTB_H
#define DISVM_BOOT_DTB_H

#include <dis/intent.h>

#include "boot/virtio_place.h"

#include <stddef.h>
#include <stdint.h>

/**
 * @name: of its node below the root, e.g. "serial".
 * @compatible: e.g. "ns16550a".
 * @port, @ports: first I/O port and how many; each a 32-bit cell of "reg".
 */
struct dtb_device {
	const char *name;
	const char *compatible;
	uint32_t port;
	uint32_t ports;
};

/**
 * @ncpus: 1..256.
 * @intents: one for each CPU, validated.
 * @memory_bytes: > 0, laid out as guest_mem.h says.
 * @cmdline: NULL is "".
 * @tsc_khz: frequency of the guest's TSC, > 0.
 * @virtio: @nvirtio devices; with them the I/O APIC is described, whose inputs
 *          they use.
 */
struct dtb_source {
	unsigned ncpus;
	const struct dis_intent *intents;
	uint64_t memory_bytes;
	const char *cmdline;
	uint32_t tsc_khz;
	unsigned ndevices;
	const struct dtb_device *devices;
	unsigned nvirtio;
	const struct virtio_place *virtio;
};

/**
 * dtb_build - make a device tree.
 * @out: malloced blob of *@out_bytes, the caller frees it; on success only.
 *
 * Return: 0; -EINVAL with a line that names the field; -ENOMEM.
 */
int dtb_build(const struct dtb_source *src, void **out, uint64_t *out_bytes,
	      char *err, size_t err_size);

#endif
