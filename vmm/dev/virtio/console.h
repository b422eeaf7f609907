/* SPDX-License-Identifier: Apache-2.0 */
/**
 * virtio console (R: CARD-11), after virtio 1.2, 5.3: one port.
 *
 * Place in the flow: a kind of virtio device (device.h). What the guest writes goes to
 * a sink as it comes; what the host types waits here until the guest takes it.
 *
 * Locking: `input_lock` guards what waits, a leaf.
 */
#ifndef DISVM_VIRTIO_CONSOLE_H
#define DISVM_VIRTIO_CONSOLE_H

#include "dev/virtio/device.h"

#define VIRTIO_CONSOLE_INPUT_BYTES 256u

/**
 * @sink: the guest wrote @len bytes; on an I/O thread, must not block. NULL drops
 *        them.
 */
struct virtio_console {
	struct virtio_dev dev;
	void (*sink)(void *ctx, const void *data, size_t len);
	void *ctx;
	pthread_mutex_t input_lock;
	uint8_t input[VIRTIO_CONSOLE_INPUT_BYTES]; /* guarded by input_lock */
	size_t input_len;
};

/** Return: 0 or -errno. */
int virtio_console_init(struct virtio_console *console,
			void (*sink)(void *ctx, const void *data, size_t len),
			void *ctx, const struct virtio_config *config);
/**
 * virtio_console_input - bytes for the guest.
 * Context: any thread, before virtio_stop().
 * Return: how many were taken, from the first on; the caller offers the others again.
 */
size_t virtio_console_input(struct virtio_console *console, const void *data,
			    size_t len);

#endif
