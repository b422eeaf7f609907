/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A driver of virtio devices for tests: guest memory, rings in it, and the registers
 * as a vCPU reaches them.
 *
 * Place in the flow: stands where a guest's kernel would. Everything goes through
 * virtio_mmio_ops and guest memory, as in a guest; tests that mean harm write into
 * the rings themselves.
 *
 * Locking: one thread drives; the interrupt line may be set by any.
 */
#ifndef TESTS_VDRIVER_H
#define TESTS_VDRIVER_H

#include <semaphore.h>

#include "dev/virtio/device.h"

#define VD_MEM_BYTES (4u << 20)
#define VD_F_INDIRECT (UINT64_C(1) << 28)
#define VD_F_EVENT_IDX (UINT64_C(1) << 29)
#define VD_F_VERSION_1 (UINT64_C(1) << 32)
#define VD_NEXT 1u
#define VD_WRITE 2u
#define VD_TABLE 4u
#define VD_NEEDS_RESET 0x40u

enum {
	VD_MAGIC = 0x000,
	VD_VERSION = 0x004,
	VD_DEVICE_ID = 0x008,
	VD_FEATURES = 0x010,
	VD_FEATURES_SEL = 0x014,
	VD_DRIVER_FEATURES = 0x020,
	VD_DRIVER_FEATURES_SEL = 0x024,
	VD_QUEUE_SEL = 0x030,
	VD_QUEUE_NUM_MAX = 0x034,
	VD_QUEUE_NUM = 0x038,
	VD_QUEUE_READY = 0x044,
	VD_QUEUE_NOTIFY = 0x050,
	VD_ISR = 0x060,
	VD_ACK = 0x064,
	VD_STATUS = 0x070,
	VD_DESC_LOW = 0x080,
	VD_AVAIL_LOW = 0x090,
	VD_USED_LOW = 0x0a0,
	VD_GENERATION = 0x0fc,
	VD_SPACE = 0x100,
};

struct vd_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct vd_used_elem {
	uint32_t id;
	uint32_t len;
};

/** @base: GPA of its three parts, each in a page of its own. */
struct vd_queue {
	uint16_t size;
	uint64_t base;
	struct vd_desc *desc;
	uint16_t *avail; /* flags, idx, ring, used_event */
	uint16_t *used;  /* flags, idx, ring, avail_event */
	uint16_t next_desc;
	uint16_t seen; /* used entries that were taken */
};

/**
 * @raised: posted when the line goes up.
 * @holds:  vCPUs held and released, in sum; @released: posted at each release.
 */
struct vdriver {
	struct virtio_dev *dev;
	struct io_pool *pool;
	struct io_account account;
	uint8_t *bytes;
	struct guest_mem mem;
	uint64_t next_gpa;
	unsigned vcpu; /* that does what follows */
	struct vd_queue queues[VIRTIO_QUEUES_MAX];
	atomic_bool line;
	atomic_uint rises;
	sem_t raised;
	atomic_uint holds;
	atomic_uint releases;
	sem_t released;
	atomic_ullong charged_ns[4];
};

/** Memory, pool and what a device is given; then a kind's init with vd_config(). */
void vd_init(struct vdriver *d);
/** The device has been stopped and destroyed. */
void vd_fini(struct vdriver *d);
struct virtio_config vd_config(struct vdriver *d, const char *name);

uint32_t vd_read(struct vdriver *d, uint64_t offset);
void vd_write(struct vdriver *d, uint64_t offset, uint32_t value);
uint64_t vd_read_space(struct vdriver *d, unsigned offset, unsigned width);

/** @bytes of guest memory, not used yet, 16-aligned. */
uint64_t vd_alloc(struct vdriver *d, size_t bytes);
/** Host pointer to it. */
void *vd_at(struct vdriver *d, uint64_t gpa);

/** The steps of a driver, 3.1.1. Return of vd_negotiate: accepted? */
bool vd_negotiate(struct vdriver *d, uint64_t features);
void vd_set_up_queue(struct vdriver *d, unsigned queue, uint16_t size);
void vd_ready(struct vdriver *d);
/** All of them: @features and VERSION_1, queues of @size. */
void vd_start(struct vdriver *d, uint64_t features, uint16_t size);

/** One buffer of a chain. */
struct vd_buffer {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

/** Put a chain into the ring; @table: by an indirect table. Return: its head. */
uint16_t vd_add(struct vdriver *d, unsigned queue,
		const struct vd_buffer *buffers, unsigned n, bool table);
/** Put @head into the available ring; and show what was put. */
void vd_put(struct vdriver *d, unsigned queue, uint16_t head);
void vd_kick(struct vdriver *d, unsigned queue);

/** The next used element, if there is one. */
bool vd_take(struct vdriver *d, unsigned queue, struct vd_used_elem *out);
/** The same, waiting for it by interrupts as a driver does. */
struct vd_used_elem vd_wait(struct vdriver *d, unsigned queue);
/** Wait until the line goes up. */
void vd_wait_line(struct vdriver *d);

#endif
