/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A split virtqueue as the device sees it (R: CARD-11), after virtio 1.2, 2.7.
 *
 * Place in the flow: set up by the transport (mmio.c) when the driver is ready;
 * then the device's serve takes chains of buffers from it and gives them back.
 *
 * Everything in guest memory may change at any time. Each index and descriptor is
 * read once, then what was read is checked: a chain that was handed out lies in the
 * guest's memory as a whole, has no more buffers than the queue is long, and those to
 * be read come before those to be written. What the guest does with the *contents*
 * meanwhile is its own affair.
 *
 * Memory order: the driver's index is loaded with acquire, so that descriptors are
 * seen as they were before it; ours is stored with release, after the contents of
 * buffers and the ring's entry. To look whether the other side wants to be told
 * (event index, flags) follows the store of an index, and must not be done before it:
 * both are sequentially consistent. The driver does the same from its side.
 *
 * Locking: none; the device's. One thread at a time.
 */
#ifndef DISVM_VIRTIO_QUEUE_H
#define DISVM_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "kvm/guest_mem.h"

/** Longest queue, and so the most buffers of a chain. */
#define VIRTQ_SIZE_MAX 256u
#define VIRTQ_ERR_BYTES 96u

/**
 * What the driver wrote into the registers.
 * @desc, @avail, @used: GPA of the three parts.
 */
struct virtq_setup {
	uint16_t size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

/**
 * @desc, @avail, @used: in host memory; checked as a whole.
 * @next:      the driver's index that is taken next.
 * @done:      our index: what was given back.
 * @told:      our index when the driver was interrupted last, if @told_once.
 * @event_idx, @indirect: negotiated.
 */
struct virtq {
	const struct guest_mem *mem;
	uint16_t size;
	uint8_t *desc;
	uint8_t *avail;
	uint8_t *used;
	uint16_t next;
	uint16_t done;
	uint16_t told;
	bool told_once;
	bool event_idx;
	bool indirect;
};

/**
 * Buffers from the driver: @n_out to be read, then @n_in to be written. Empty ones
 * are left out.
 */
struct virtq_chain {
	uint16_t head;
	unsigned n_out;
	unsigned n_in;
	uint64_t out_bytes;
	uint64_t in_bytes;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/**
 * virtq_init - begin with an empty queue.
 * @err: VIRTQ_ERR_BYTES; says what is wrong.
 *
 * Return: 0; -EINVAL: a size that is 0, too large or no power of two, an address that
 * is not aligned or not memory.
 */
int virtq_init(struct virtq *q, const struct guest_mem *mem,
	       const struct virtq_setup *setup, bool event_idx, bool indirect,
	       char *err);

/**
 * virtq_pop - take the next chain.
 * Return: 1: there is one; 0: none; -EINVAL with @err: the driver is mad, and nothing
 * more can be taken from this queue.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *chain, char *err);

/** Put back the @n chains that were taken last; they are next again. */
void virtq_unpop(struct virtq *q, unsigned n);

/**
 * virtq_wait - ask the driver to notify when more than @known chains are there; 0: when
 * the queue is not empty.
 * Return: false: that is so already; look again, no notification may come.
 */
bool virtq_wait(struct virtq *q, unsigned known);

/**
 * virtq_push - give a chain back.
 * @written: bytes from the start of the buffers to be written.
 *
 * The driver sees it at the next virtq_publish().
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/** Show what was pushed. Return: whether the driver wants an interrupt for it. */
bool virtq_publish(struct virtq *q);

/** Copies of the first bytes of buffers; return: bytes copied, @bytes if there. */
size_t virtq_copy_out(void *to, const struct iovec *iov, unsigned n,
		      size_t bytes);
size_t virtq_copy_in(const struct iovec *iov, unsigned n, const void *from,
		     size_t bytes);

/** What is left of *@iov, @n, without its first @bytes. */
void virtq_skip(struct iovec **iov, unsigned *n, size_t bytes);

#endif
