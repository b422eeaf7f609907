/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio device: life, interrupts, troubles; see device.h. */
#include "dev/virtio/device_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct virtio_dev *dev_of(struct io_source *source)
{
	return (struct virtio_dev *)((char *)source -
				     offsetof(struct virtio_dev, source));
}

/*
 * The line is up while a bit is set. No lock: to wake a vCPU is a system call, and
 * its executor, which asks for the bits, must not wait for whoever makes it. All
 * that change them set the line and look again, so that the last one sets it right.
 */
static void follow_line(struct virtio_dev *dev)
{
	bool level;

	do {
		level = atomic_load(&dev->isr);
		irq_line_set(&dev->config.irq, level);
	} while (level != !!atomic_load(&dev->isr));
}

void virtio_raise(struct virtio_dev *dev, uint32_t bits)
{
	if (atomic_fetch_or(&dev->isr, bits))
		return;
	virtio_count(&dev->stats.interrupts, 1);
	follow_line(dev);
}

void virtio_acknowledge(struct virtio_dev *dev, uint32_t bits)
{
	uint32_t was = atomic_fetch_and(&dev->isr, ~bits);

	if (!was || was & ~bits)
		return;
	/* Falls first, for pins of edges: a bit may be set again already. */
	irq_line_set(&dev->config.irq, false);
	if (atomic_load(&dev->isr))
		follow_line(dev);
}

void virtio_publish(struct virtio_dev *dev, struct virtq *q)
{
	if (virtq_publish(q))
		virtio_raise(dev, VIRTIO_ISR_QUEUE);
}

/* 2.1.2. Return: is there a driver to tell? */
static bool break_locked(struct virtio_dev *dev, unsigned queue, const char *why)
{
	dev->live = false;
	if (!dev->trouble[0]) {
		snprintf(dev->trouble, sizeof(dev->trouble), "%s: queue %u: %s",
			 dev->config.name, queue, why);
		if (dev->config.broken)
			dev->config.broken(dev->config.ctx);
	}
	dev->status |= VIRTIO_STATUS_NEEDS_RESET;
	return dev->status & VIRTIO_STATUS_DRIVER_OK;
}

void virtio_break(struct virtio_dev *dev, unsigned queue, const char *why)
{
	bool tell;

	virtio_count(&dev->stats.errors, 1);
	pthread_mutex_lock(&dev->lock);
	tell = break_locked(dev, queue, why);
	pthread_mutex_unlock(&dev->lock);
	if (tell)
		virtio_raise(dev, VIRTIO_ISR_CONFIG);
}

void virtio_set_config(struct virtio_dev *dev, size_t offset, const void *bytes,
		       size_t n)
{
	bool tell;

	pthread_mutex_lock(&dev->lock);
	memcpy(dev->space + offset, bytes, n);
	dev->generation++;
	tell = dev->status & VIRTIO_STATUS_DRIVER_OK;
	pthread_mutex_unlock(&dev->lock);
	if (tell)
		virtio_raise(dev, VIRTIO_ISR_CONFIG);
}

void virtio_trouble(struct virtio_dev *dev, char *text, size_t size)
{
	pthread_mutex_lock(&dev->lock);
	snprintf(text, size, "%s", dev->trouble);
	pthread_mutex_unlock(&dev->lock);
}

void virtio_start(struct virtio_dev *dev, unsigned vcpu)
{
	bool event_idx = virtio_has(dev, VIRTIO_F_EVENT_IDX);
	bool indirect = virtio_has(dev, VIRTIO_F_INDIRECT_DESC);
	char why[VIRTQ_ERR_BYTES];

	memset(dev->queues, 0, sizeof(dev->queues));
	for (unsigned i = 0; i < dev->kind->queues; i++) {
		atomic_store(&dev->asker[i], vcpu);
		if (!dev->regs[i].ready)
			continue;
		if (virtq_init(&dev->queues[i], dev->config.mem,
			       &dev->regs[i].setup, event_idx, indirect, why)) {
			if (break_locked(dev, i, why))
				virtio_raise(dev, VIRTIO_ISR_CONFIG);
			return;
		}
	}
	dev->live = true;
	io_source_ready(&dev->source);
}

void virtio_stop_for(struct virtio_dev *dev, unsigned vcpu, bool reset)
{
	dev->live = false;
	dev->stopping = true;
	dev->resetting = reset;
	dev->held = vcpu;
	dev->config.hold(dev->config.ctx, vcpu);
	io_source_stop(&dev->source);
}

void virtio_reset(struct virtio_dev *dev)
{
	if (dev->kind->reset)
		dev->kind->reset(dev);
	dev->status = 0;
	dev->features_sel = 0;
	dev->driver_features_sel = 0;
	dev->features = 0;
	dev->queue_sel = 0;
	memset(dev->regs, 0, sizeof(dev->regs));
	memset(dev->queues, 0, sizeof(dev->queues));
	virtio_acknowledge(dev, UINT32_MAX);
}

/* A queue has ended, the others go on where they were. */
static void drop_queues(struct virtio_dev *dev)
{
	for (unsigned i = 0; i < dev->kind->queues; i++)
		if (!dev->regs[i].ready)
			memset(&dev->queues[i], 0, sizeof(dev->queues[i]));
	dev->live = !(dev->status & VIRTIO_STATUS_NEEDS_RESET);
	if (dev->live)
		io_source_ready(&dev->source);
}

/* Who waited for it pays. */
static unsigned stopped(struct io_source *source)
{
	struct virtio_dev *dev = dev_of(source);
	unsigned vcpu;

	pthread_mutex_lock(&dev->lock);
	vcpu = dev->held;
	dev->stopping = false;
	if (dev->resetting)
		virtio_reset(dev);
	else
		drop_queues(dev);
	pthread_mutex_unlock(&dev->lock);
	dev->config.release(dev->config.ctx, vcpu);
	return vcpu;
}

static void serve(struct io_source *source, struct io_work *work)
{
	struct virtio_dev *dev = dev_of(source);
	bool live;

	/* Who notifies in vain pays for that, too. */
	work->vcpu = virtio_asker(dev, 0);
	pthread_mutex_lock(&dev->lock);
	live = dev->live;
	pthread_mutex_unlock(&dev->lock);
	if (live)
		dev->kind->serve(dev, work);
}

static const struct io_source_ops source_ops = {
	.serve = serve,
	.stopped = stopped,
};

int virtio_init(struct virtio_dev *dev, const struct virtio_kind *kind,
		const struct virtio_config *config, uint64_t features,
		const void *space, size_t space_bytes)
{
	int ret;

	*dev = (struct virtio_dev){
		.kind = kind,
		.config = *config,
		.offered = features | UINT64_C(1) << VIRTIO_F_VERSION_1 |
			   UINT64_C(1) << VIRTIO_F_INDIRECT_DESC |
			   UINT64_C(1) << VIRTIO_F_EVENT_IDX,
		.space_bytes = space_bytes,
		.notify_fd = -1,
		.source = {.ops = &source_ops,
			   .account = config->account,
			   .priority = config->priority,
			   .slow = kind->slow,
			   .servers_max = kind->servers_max},
	};
	if (space_bytes)
		memcpy(dev->space, space, space_bytes);
	ret = -pthread_mutex_init(&dev->lock, NULL);
	if (ret)
		return ret;
	ret = io_source_add(config->pool, &dev->source);
	if (ret)
		pthread_mutex_destroy(&dev->lock);
	return ret;
}

void virtio_stop(struct virtio_dev *dev)
{
	io_source_remove(&dev->source);
	pthread_mutex_lock(&dev->lock);
	virtio_acknowledge(dev, UINT32_MAX);
	pthread_mutex_unlock(&dev->lock);
}

int virtio_notify_fd(struct virtio_dev *dev)
{
	int ret;

	dev->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev->notify_fd < 0)
		return -errno;
	/* Each write is an edge, so nobody needs to read it. */
	ret = io_source_watch(&dev->source, dev->notify_fd);
	return ret ? ret : dev->notify_fd;
}

void virtio_destroy(struct virtio_dev *dev)
{
	if (dev->notify_fd >= 0)
		close(dev->notify_fd);
	if (dev->kind->destroy)
		dev->kind->destroy(dev);
	pthread_mutex_destroy(&dev->lock);
}
