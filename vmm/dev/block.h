/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Requests to a disk image from a device that cannot wait for it, because it is
 * called by vCPUs (R: CARD-11).
 *
 * Place in the flow: the device submits on the vCPU's thread; an I/O thread does
 * the request on the image and calls it back. (virtio needs this not: its queues
 * are served by I/O threads from the start.)
 *
 * Invariants: requests are done one after the other, in the order in which they
 * were submitted. done() is called once for each, unless the device is closed
 * before; after block_close() nothing is called and no memory of a request is
 * touched.
 *
 * Locking: none to be seen; submitting is lock-free.
 */
#ifndef DISVM_BLOCK_H
#define DISVM_BLOCK_H

#include "io/image.h"
#include "io/pool.h"

/**
 * One request; the device's memory, the block's from the submit to done().
 *
 * @offset, @iov, @n: as for image_io(); the iov is used up. Memory of the guest, from
 *          guest_mem_ptr(), or of the device.
 * @vcpu:   whom the CPU time is charged to.
 * @done:   @err is what image_io() returned: 0, or -errno. On an I/O thread, no
 *          lock held; must not block; may submit, this request too.
 */
struct block_request {
	enum image_op op;
	uint64_t offset;
	struct iovec *iov;
	unsigned n;
	unsigned vcpu;
	void (*done)(struct block_request *request, int err);
	void *ctx; /* for whoever is called */

	struct block_request *next;
};

/** A disk of one guest: an image, and what is asked of it. */
struct block {
	struct image *image;
	struct io_source source;
	_Atomic(struct block_request *) submitted; /* LIFO */
	struct block_request *queue;               /* the I/O thread's, FIFO */
};

/**
 * @image:    must be there until block_close(), shared with other guests if it is
 *            read only.
 * @account, @priority: of the guest; see pool.h.
 *
 * Context: control thread. Return: 0 or -ENOMEM.
 */
int block_open(struct block *block, struct image *image, struct io_pool *pool,
	       struct io_account *account, unsigned priority);

/**
 * block_close - drop what was not begun, wait for the request that is being done.
 * Context: control thread, when no vCPU of the guest runs any more.
 */
void block_close(struct block *block);

/** Context: any thread; takes no lock, never waits. */
void block_submit(struct block *block, struct block_request *request);

#endif
