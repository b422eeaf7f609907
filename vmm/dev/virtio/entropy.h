/* SPDX-License-Identifier: Apache-2.0 */
/**
 * virtio entropy device (R: CARD-11), after virtio 1.2, 5.4: random bytes of the host.
 *
 * Place in the flow: a kind of virtio device (device.h); fills what the driver offers,
 * up to VIRTIO_ENTROPY_BYTES of each chain, from getrandom(2).
 * Locking: as device.h.
 */
#ifndef DISVM_VIRTIO_ENTROPY_H
#define DISVM_VIRTIO_ENTROPY_H

#include "dev/virtio/device.h"

#define VIRTIO_ENTROPY_BYTES 4096u

/** Return: 0 or -errno. */
int virtio_entropy_init(struct virtio_dev *dev,
			const struct virtio_config *config);

#endif
