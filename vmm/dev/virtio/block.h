/* SPDX-License-Identifier: Apache-2.0 */
/**
 * virtio block device (R: CARD-11), after virtio 1.2, 5.2: a disk image for a guest.
 *
 * Place in the flow: a kind of virtio device (device.h); its queue is served by up to
 * two I/O threads at once, a request each, straight between image and guest memory.
 *
 * The disk has a write-back cache (the host's) if the driver takes the FLUSH feature;
 * for one that does not, each write is on the disk when it is answered.
 *
 * Locking: `queue_lock` guards the queue between those threads; a leaf, held while a
 * chain is taken or given back.
 */
#ifndef DISVM_VIRTIO_BLOCK_H
#define DISVM_VIRTIO_BLOCK_H

#include "dev/virtio/device.h"
#include "io/image.h"

/** Most data of one request: so that none takes a thread for long. */
#define VIRTIO_BLOCK_SEGMENTS (VIRTQ_SIZE_MAX - 2u)
#define VIRTIO_BLOCK_SEGMENT_BYTES (128u << 10)
#define VIRTIO_BLOCK_REQUEST_BYTES \
	((uint64_t)VIRTIO_BLOCK_SEGMENTS * VIRTIO_BLOCK_SEGMENT_BYTES)

struct virtio_block {
	struct virtio_dev dev;
	struct image *image;
	pthread_mutex_t queue_lock;
};

/** @image: see block_open(). Return: 0 or -errno. */
int virtio_block_init(struct virtio_block *block, struct image *image,
		      const struct virtio_config *config);
#endif
