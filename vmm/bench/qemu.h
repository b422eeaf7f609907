/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests under QEMU: a microvm process for each, with the same image, and with
 * memory that this process sees as well.
 *
 * Place in the flow: scene_play_qemu(), and benches that spawn by themselves.
 *
 * Locking: the child's main thread.
 */
#ifndef DISVM_BENCH_QEMU_H
#define DISVM_BENCH_QEMU_H

#include "bench/window.h"

#include <sys/types.h>

#define QEMU_NAME "qemu-system-x86_64"

struct qemu_guest {
	pid_t pid;
	int messages; /**< what QEMU says */
};

/** Is it installed? Then @path is where. */
bool qemu_find(char *path, size_t size);

/**
 * qemu_spawn - start QEMU with one guest of @group.
 * @view: its memory; the group's number is not set.
 * Return: 0 or -errno with @err.
 */
int qemu_spawn(const char *path, const struct scene *scene,
	       const struct scene_group *group, struct qemu_guest *out,
	       struct window_guest *view, char *err, size_t err_size);

/** Does it still run? Else @why is its last line. */
bool qemu_runs(const struct qemu_guest *guest, char *why, size_t size);
void qemu_end(const struct qemu_guest *guest);

#endif
