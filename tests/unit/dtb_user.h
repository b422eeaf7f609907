/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Device trees as a user would write them, and the machine's to merge them into,
 * for the tests and the fuzzer of the merge.
 *
 * Place in the flow: included by tests/unit/test_dtb_*.c and tests/fuzz/.
 */
#ifndef TESTS_DTB_USER_H
#define TESTS_DTB_USER_H

#include "boot/dtb.h"
#include "boot/dtb_merge.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define DTB_USER_BYTES 65536

/** A tree in the making: fdt_*() calls of the sequential kind. */
struct dtb_user_tree {
	_Alignas(8) uint8_t bytes[DTB_USER_BYTES];
};

static inline void dtb_user_do(int error)
{
	if (error)
		abort();
}

static inline void dtb_user_begin(struct dtb_user_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	dtb_user_do(fdt_create(tree->bytes, sizeof(tree->bytes)));
	dtb_user_do(fdt_finish_reservemap(tree->bytes));
	dtb_user_do(fdt_begin_node(tree->bytes, ""));
}

static inline void dtb_user_end(struct dtb_user_tree *tree)
{
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_finish(tree->bytes));
}

/** "/fragment@0" with target "/" and an __overlay__ that is left open. */
static inline void dtb_user_fragment(struct dtb_user_tree *tree,
				     const char *target)
{
	dtb_user_do(fdt_begin_node(tree->bytes, "fragment@0"));
	dtb_user_do(fdt_property_string(tree->bytes, "target-path", target));
	dtb_user_do(fdt_begin_node(tree->bytes, "__overlay__"));
}

static inline void dtb_user_fragment_end(struct dtb_user_tree *tree)
{
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_end_node(tree->bytes));
}

/** A copy of exactly its size; free @bytes. */
static inline struct dtb_file dtb_user_file(const struct dtb_user_tree *tree,
					    bool overlay)
{
	uint32_t size = fdt_totalsize(tree->bytes);
	void *copy = malloc(size);

	if (!copy)
		abort();
	memcpy(copy, tree->bytes, size);
	return (struct dtb_file){"user.dtb", copy, size, overlay};
}

/** The machine: two CPUs, 32 MiB, a serial port, two virtio devices. */
static inline void *dtb_user_machine(void)
{
	static const struct dis_intent intents[2] = {
		{.klass = DIS_CLASS_INTERACTIVE, .latency_ns = 1000},
		{.klass = DIS_CLASS_BATCH},
	};
	static const struct dtb_device serial = {"serial", "ns16550a", 0x3f8, 8};
	static const struct virtio_place virtio[2] = {{0xd0000000, 0x200, 16},
						      {0xd0001000, 0x200, 17}};
	const struct dtb_source src = {
		.ncpus = 2,
		.intents = intents,
		.memory_bytes = UINT64_C(32) << 20,
		.cmdline = "quiet",
		.tsc_khz = 1000,
		.ndevices = 1,
		.devices = &serial,
		.nvirtio = 2,
		.virtio = virtio,
	};
	uint64_t bytes;
	char err[128];
	void *out;

	if (dtb_build(&src, &out, &bytes, err, sizeof(err)))
		abort();
	return out;
}

#endif
