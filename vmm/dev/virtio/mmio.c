/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a virtio device over MMIO, version 2 (virtio 1.2, 4.2.2); see
 * device.h.
 *
 * What a driver must not do is ignored where that is safe, so that it finds out by
 * reading back: accesses of another width than 32 bits, queues set up too late, bits
 * of the status that would go back. Features are only as agreed once FEATURES_OK
 * reads back.
 */
#include <string.h>

#include "dev/virtio/device_priv.h"

enum {
	REG_MAGIC = 0x000,
	REG_VERSION = 0x004,
	REG_DEVICE_ID = 0x008,
	REG_VENDOR_ID = 0x00c,
	REG_DEVICE_FEATURES = 0x010,
	REG_DEVICE_FEATURES_SEL = 0x014,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM_MAX = 0x034,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = VIRTIO_MMIO_NOTIFY,
	REG_INTERRUPT_STATUS = 0x060,
	REG_INTERRUPT_ACK = 0x064,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC_LOW = 0x080,
	REG_QUEUE_DESC_HIGH = 0x084,
	REG_QUEUE_DRIVER_LOW = 0x090,
	REG_QUEUE_DRIVER_HIGH = 0x094,
	REG_QUEUE_DEVICE_LOW = 0x0a0,
	REG_QUEUE_DEVICE_HIGH = 0x0a4,
	REG_SHM_LEN_LOW = 0x0b0,
	REG_SHM_BASE_HIGH = 0x0bc,
	REG_CONFIG_GENERATION = 0x0fc,
	REG_CONFIG = 0x100,
};

#define MAGIC 0x74726976u  /* "virt" */
#define VENDOR 0x56534944u /* "DISV" */

#define STATUS_WRITABLE \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | \
	 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_FAILED)

static struct virtio_queue_regs *selected(struct virtio_dev *dev)
{
	return dev->queue_sel < dev->kind->queues ? &dev->regs[dev->queue_sel]
						  : NULL;
}

static uint32_t half(uint64_t value, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(value >> (32 * sel)) : 0;
}

static void set_half(uint64_t *value, uint32_t sel, uint32_t to)
{
	if (sel < 2)
		*value = (*value & ~(UINT64_C(0xffffffff) << (32 * sel))) |
			 (uint64_t)to << (32 * sel);
}

static uint32_t read_register(struct virtio_dev *dev, uint64_t offset)
{
	const struct virtio_queue_regs *queue = selected(dev);

	/* 4.2.2: there is no shared memory, as a length of -1 says. */
	if (offset >= REG_SHM_LEN_LOW && offset <= REG_SHM_BASE_HIGH)
		return UINT32_MAX;
	switch (offset) {
	case REG_MAGIC:
		return MAGIC;
	case REG_VERSION:
		return 2;
	case REG_DEVICE_ID:
		return dev->kind->id;
	case REG_VENDOR_ID:
		return VENDOR;
	case REG_DEVICE_FEATURES:
		return half(dev->offered, dev->features_sel);
	case REG_QUEUE_NUM_MAX:
		return queue ? VIRTQ_SIZE_MAX : 0;
	case REG_QUEUE_READY:
		return queue && queue->ready;
	case REG_STATUS:
		return dev->status;
	case REG_CONFIG_GENERATION:
		return dev->generation;
	default:
		return 0;
	}
}

/* Bytes behind the end read 0. */
static void read_space(const struct virtio_dev *dev, struct io_access *a)
{
	uint64_t offset = a->offset - REG_CONFIG;

	for (unsigned i = 0; i < a->width; i++)
		a->data[i] = offset + i < dev->space_bytes
				     ? dev->space[offset + i]
				     : 0;
}

/* 2.2.2: what was not offered, or not the one thing we need, is not accepted. */
static bool features_acceptable(const struct virtio_dev *dev)
{
	return !(dev->features & ~dev->offered) &&
	       virtio_has(dev, VIRTIO_F_VERSION_1);
}

static void write_status(struct virtio_dev *dev, uint32_t value, unsigned vcpu)
{
	uint32_t added = value & STATUS_WRITABLE & ~dev->status;

	if (!value) {
		/* Broken ones may still be served for a moment. */
		if (dev->status & VIRTIO_STATUS_DRIVER_OK)
			virtio_stop_for(dev, vcpu, true);
		else
			virtio_reset(dev);
		return;
	}
	if (dev->status & STATUS_WRITABLE & ~value)
		return;
	if (added & VIRTIO_STATUS_FEATURES_OK && !features_acceptable(dev))
		added &= ~VIRTIO_STATUS_FEATURES_OK;
	if (added & VIRTIO_STATUS_DRIVER_OK &&
	    !((dev->status | added) & VIRTIO_STATUS_FEATURES_OK))
		added &= ~VIRTIO_STATUS_DRIVER_OK;
	dev->status |= added;
	if (added & VIRTIO_STATUS_DRIVER_OK)
		virtio_start(dev, vcpu);
}

static void write_ready(struct virtio_dev *dev, struct virtio_queue_regs *queue,
			uint32_t value, unsigned vcpu)
{
	bool running = dev->status & VIRTIO_STATUS_DRIVER_OK;

	if (!(value & 1u) && queue->ready && running)
		virtio_stop_for(dev, vcpu, false);
	if (!(value & 1u) || !running)
		queue->ready = value & 1u;
}

/* 4.2.2.2: a queue is set up between the features and the driver's being ready. */
static void write_queue(struct virtio_dev *dev, uint64_t offset, uint32_t value)
{
	struct virtio_queue_regs *queue = selected(dev);

	if (!queue || queue->ready || dev->status & VIRTIO_STATUS_DRIVER_OK)
		return;
	switch (offset) {
	case REG_QUEUE_NUM:
		/* What does not fit is no size either, see virtq_init(). */
		queue->setup.size = value <= VIRTQ_SIZE_MAX ? (uint16_t)value
							    : 0;
		break;
	case REG_QUEUE_DESC_LOW:
	case REG_QUEUE_DESC_HIGH:
		set_half(&queue->setup.desc, offset == REG_QUEUE_DESC_HIGH,
			 value);
		break;
	case REG_QUEUE_DRIVER_LOW:
	case REG_QUEUE_DRIVER_HIGH:
		set_half(&queue->setup.avail, offset == REG_QUEUE_DRIVER_HIGH,
			 value);
		break;
	case REG_QUEUE_DEVICE_LOW:
	case REG_QUEUE_DEVICE_HIGH:
		set_half(&queue->setup.used, offset == REG_QUEUE_DEVICE_HIGH,
			 value);
		break;
	default:
		break;
	}
}

static void write_register(struct virtio_dev *dev, uint64_t offset,
			   uint32_t value, unsigned vcpu)
{
	if (dev->stopping)
		return;
	switch (offset) {
	case REG_DEVICE_FEATURES_SEL:
		dev->features_sel = value;
		break;
	case REG_DRIVER_FEATURES_SEL:
		dev->driver_features_sel = value;
		break;
	case REG_DRIVER_FEATURES:
		if (!(dev->status & VIRTIO_STATUS_FEATURES_OK))
			set_half(&dev->features, dev->driver_features_sel,
				 value);
		break;
	case REG_QUEUE_SEL:
		dev->queue_sel = value;
		break;
	case REG_QUEUE_READY:
		if (selected(dev))
			write_ready(dev, selected(dev), value, vcpu);
		break;
	case REG_STATUS:
		write_status(dev, value, vcpu);
		break;
	default:
		write_queue(dev, offset, value);
		break;
	}
}

static void notify(struct virtio_dev *dev, uint64_t queue, unsigned vcpu)
{
	if (queue >= dev->kind->queues)
		return;
	virtio_count(&dev->stats.notifies, 1);
	atomic_store_explicit(&dev->asker[queue], vcpu, memory_order_relaxed);
	io_source_ready(&dev->source);
}

/* What a driver does all the time, without the lock. Return: was it that? */
static bool access_lockless(struct virtio_dev *dev, struct io_access *a)
{
	if (a->write && a->offset == REG_QUEUE_NOTIFY)
		notify(dev, io_get(a), a->vcpu);
	else if (a->write && a->offset == REG_INTERRUPT_ACK)
		virtio_acknowledge(dev, (uint32_t)io_get(a));
	else if (!a->write && a->offset == REG_INTERRUPT_STATUS)
		io_put(a, atomic_load(&dev->isr));
	else
		return false;
	return true;
}

static enum io_action mmio(void *opaque, struct io_access *a)
{
	struct virtio_dev *dev = opaque;
	bool is_register = a->width == 4 && a->offset % 4 == 0;

	if (is_register && access_lockless(dev, a))
		return IO_NONE;
	pthread_mutex_lock(&dev->lock);
	if (!a->write && a->offset >= REG_CONFIG)
		read_space(dev, a);
	else if (!a->write)
		io_put(a, is_register ? read_register(dev, a->offset) : 0);
	else if (is_register && a->offset < REG_CONFIG)
		write_register(dev, a->offset, (uint32_t)io_get(a), a->vcpu);
	pthread_mutex_unlock(&dev->lock);
	return IO_NONE;
}

const struct io_dev_ops virtio_mmio_ops = {.io = mmio};
