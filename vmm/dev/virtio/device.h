/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A virtio device over MMIO (R: CARD-11), after virtio 1.2, chapters 2 and 4.2: what
 * all kinds have in common, and what a kind adds.
 *
 * Place in the flow: one page of the machine's memory bus each. mmio.c answers its
 * registers on the vCPUs' threads; a driver that is ready makes the device live;
 * from then on its queues are served by I/O threads (io/pool.h) through the kind's
 * serve().
 *
 * Life of the queues:
 *   setup ---DRIVER_OK---> live ---reset, QueueReady = 0---> stopping ---> setup
 *                            '---a bad ring---> broken ---reset---> setup
 * While it is stopping, the vCPU that asked for that is held: when it goes on,
 * nothing of the guest's memory is touched any more. A broken device says
 * DEVICE_NEEDS_RESET and does nothing else; no other device and no other guest
 * notices.
 *
 * Invariants: serve() runs only while live, or until it returns; queues change only
 * while it does not run. The line follows the interrupt status: high while that is not
 * 0, once all who changed it have set the line.
 *
 * Locking: `lock` guards the registers but the interrupt status; its rank is
 * "device". It is held for a few instructions, never while a queue is served, nor,
 * unless its own driver breaks it at the start, for the interrupt line. Queues belong
 * to whoever serves.
 */
#ifndef DISVM_VIRTIO_DEVICE_H
#define DISVM_VIRTIO_DEVICE_H

#include <pthread.h>

#include "dev/bus.h"
#include "dev/irq.h"
#include "dev/virtio/queue.h"
#include "io/pool.h"

#define VIRTIO_MMIO_BYTES 0x200u
/** The register by which a driver notifies. */
#define VIRTIO_MMIO_NOTIFY 0x050u
#define VIRTIO_QUEUES_MAX 2u
#define VIRTIO_CONFIG_MAX 64u

/** Device types, virtio 1.2, chapter 5. */
#define VIRTIO_ID_NET 1u
#define VIRTIO_ID_BLOCK 2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_ENTROPY 4u

struct virtio_dev;

/**
 * serve: work on the queues, as for io_source_ops.serve; the device is live when it
 *     begins. More than one thread at a time only if the kind allowed it. Who notified
 *     queue 0 is charged, if it does not say otherwise.
 * reset: the driver starts anew: forget what was between two serves. Nobody serves;
 *     the device's lock is held. Optional.
 * destroy: undo what the kind made besides. Optional.
 */
struct virtio_kind {
	uint32_t id;
	unsigned queues;
	unsigned servers_max;
	bool slow; /* see struct io_source */
	void (*serve)(struct virtio_dev *dev, struct io_work *work);
	void (*reset)(struct virtio_dev *dev);
	void (*destroy)(struct virtio_dev *dev);
};

/**
 * What a device has to do with.
 *
 * @name:    in messages, e.g. "disk0".
 * @hold:    vCPU @vcpu must not go on until @release, which may come at once; both
 *           any thread, must not block.
 * @broken:  virtio_trouble() has news, for the first time; any thread, the device's
 *           lock held. NULL: nobody listens.
 */
struct virtio_config {
	const char *name;
	const struct guest_mem *mem;
	struct irq_line irq;
	struct io_pool *pool;
	struct io_account *account;
	unsigned priority;
	void (*hold)(void *ctx, unsigned vcpu);
	void (*release)(void *ctx, unsigned vcpu);
	void (*broken)(void *ctx);
	void *ctx;
};

/** What has happened so far; any thread reads them. */
struct virtio_stats {
	atomic_ullong notifies; /**< by the driver, as far as they were seen */
	atomic_ullong interrupts; /**< the line went up */
	atomic_ullong requests;   /**< chains, packets, that were answered */
	atomic_ullong errors;     /**< of these, not as the driver wanted */
	atomic_ullong read_bytes; /**< into the guest */
	atomic_ullong write_bytes;
};

/** The registers of one queue. */
struct virtio_queue_regs {
	struct virtq_setup setup;
	bool ready;
};

struct virtio_dev {
	/* Constant after virtio_init(). */
	const struct virtio_kind *kind;
	struct virtio_config config;
	uint64_t offered;
	size_t space_bytes;

	int notify_fd; /* -1: none */

	struct io_source source;
	struct virtio_stats stats;
	atomic_uint asker[VIRTIO_QUEUES_MAX]; /* vCPU that notified last */
	atomic_uint isr;                      /* the line is up while not 0 */

	pthread_mutex_t lock;
	/* All below is guarded by lock. */
	uint32_t status;
	uint32_t features_sel;
	uint32_t driver_features_sel;
	uint64_t features; /* as the driver writes them; constant while live */
	uint32_t queue_sel;
	uint32_t generation;
	struct virtio_queue_regs regs[VIRTIO_QUEUES_MAX];
	uint8_t space[VIRTIO_CONFIG_MAX]; /* the kind's configuration */
	bool live;
	bool stopping;
	bool resetting; /* what it is stopping for; else a queue's end */
	unsigned held;  /* the vCPU, while stopping */
	char trouble[2 * VIRTQ_ERR_BYTES]; /* of the first bad ring, or "" */

	/* Whoever serves; while nobody does, guarded by lock. */
	struct virtq queues[VIRTIO_QUEUES_MAX];
};

extern const struct io_dev_ops virtio_mmio_ops;

/**
 * virtio_init - make a device; on the bus it needs VIRTIO_MMIO_BYTES.
 * @features: of the kind; those of transport and queues are added.
 * @space, @space_bytes: first contents of the configuration space.
 *
 * Context: control thread. Return: 0 or -errno; nothing is left then.
 */
int virtio_init(struct virtio_dev *dev, const struct virtio_kind *kind,
		const struct virtio_config *config, uint64_t features,
		const void *space, size_t space_bytes);

/**
 * virtio_notify_fd - an eventfd that does what a write to VIRTIO_MMIO_NOTIFY does, of
 * vCPU 0. For guests that have no other: who notified is who pays.
 *
 * Context: control thread, once. Return: the descriptor, the device's; or -errno.
 */
int virtio_notify_fd(struct virtio_dev *dev);

/**
 * virtio_stop - nothing of the device runs any more, its line is low and stays so, no
 * memory of the guest is touched.
 * Context: control thread; no vCPU of the guest runs any more. Once.
 */
void virtio_stop(struct virtio_dev *dev);
/** After virtio_stop(). */
void virtio_destroy(struct virtio_dev *dev);

/*
 * For kinds, from serve().
 */

/** A feature that the driver has taken. */
static inline bool virtio_has(const struct virtio_dev *dev, unsigned bit)
{
	return dev->features >> bit & 1u;
}

/** Is @queue in use? */
static inline bool virtio_queue_up(const struct virtio_dev *dev, unsigned queue)
{
	return dev->queues[queue].size != 0;
}

/** The vCPU that notified @queue last; at first that of the driver. */
static inline unsigned virtio_asker(struct virtio_dev *dev, unsigned queue)
{
	return atomic_load_explicit(&dev->asker[queue], memory_order_relaxed);
}

/** Chains were pushed to @q: publish, and interrupt if the driver wants it. */
void virtio_publish(struct virtio_dev *dev, struct virtq *q);

/** Queue @queue is bad, as @why says: the device is broken from now on. */
void virtio_break(struct virtio_dev *dev, unsigned queue, const char *why);

/** Other bytes at @offset of the configuration space; tells the driver. */
void virtio_set_config(struct virtio_dev *dev, size_t offset, const void *bytes,
		       size_t n);

/** Copy of the first trouble, or "". Any thread. */
void virtio_trouble(struct virtio_dev *dev, char *text, size_t size);

static inline void virtio_count(atomic_ullong *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

#endif
