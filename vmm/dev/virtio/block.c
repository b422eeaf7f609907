/* SPDX-License-Identifier: Apache-2.0 */
/* virtio block device; see block.h. */
#include "dev/virtio/block.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Features, 5.2.3. */
#define F_SIZE_MAX 1u
#define F_SEG_MAX 2u
#define F_RO 5u
#define F_BLK_SIZE 6u
#define F_FLUSH 9u

/* Types of requests and their status, 5.2.6. */
#define TYPE_IN 0u
#define TYPE_OUT 1u
#define TYPE_FLUSH 4u
#define TYPE_GET_ID 8u
#define STATUS_OK 0u
#define STATUS_IOERR 1u
#define STATUS_UNSUPP 2u
#define ID_BYTES 20u

/* Configuration space, 5.2.4, as far as our features reach. */
struct space {
	uint64_t capacity; /* in sectors */
	uint32_t size_max;
	uint32_t seg_max;
	uint8_t geometry[4];
	uint32_t blk_size;
};

struct header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};
_Static_assert(sizeof(struct header) == 16, "as in guest memory");

/* A chain in its parts; all within the chain's iov. */
struct request {
	struct header header;
	struct iovec *out; /* behind the header */
	unsigned n_out;
	struct iovec *in; /* before the status */
	unsigned n_in;
	uint64_t out_bytes;
	uint64_t in_bytes;
	uint8_t *status;
};

static struct virtio_block *block_of(struct virtio_dev *dev)
{
	return (struct virtio_block *)((char *)dev -
				       offsetof(struct virtio_block, dev));
}

/* 2.7.4: no assumption of how it is cut into buffers. Return: is it a request? */
static bool parse(struct virtq_chain *chain, struct request *r)
{
	struct iovec *last;

	if (chain->out_bytes < sizeof(r->header) || !chain->in_bytes)
		return false;
	r->out = chain->iov;
	r->n_out = chain->n_out;
	r->in = chain->iov + chain->n_out;
	r->n_in = chain->n_in;
	virtq_copy_out(&r->header, r->out, r->n_out, sizeof(r->header));
	virtq_skip(&r->out, &r->n_out, sizeof(r->header));
	r->out_bytes = chain->out_bytes - sizeof(r->header);
	last = &r->in[r->n_in - 1];
	last->iov_len--;
	r->status = (uint8_t *)last->iov_base + last->iov_len;
	r->in_bytes = chain->in_bytes - 1;
	return true;
}

static uint8_t transfer(struct virtio_block *block, enum image_op op,
			uint64_t sector, struct iovec *iov, unsigned n,
			uint64_t bytes)
{
	uint64_t offset;

	if (bytes > VIRTIO_BLOCK_REQUEST_BYTES ||
	    __builtin_mul_overflow(sector, IMAGE_SECTOR_BYTES, &offset))
		return STATUS_IOERR;
	return image_io(block->image, op, offset, iov, n) ? STATUS_IOERR
							  : STATUS_OK;
}

static uint8_t get_id(const struct virtio_block *block, const struct request *r,
		      uint64_t *written)
{
	char id[ID_BYTES] = "";

	if (r->in_bytes < ID_BYTES)
		return STATUS_IOERR;
	strncpy(id, block->dev.config.name, sizeof(id) - 1);
	*written = virtq_copy_in(r->in, r->n_in, id, sizeof(id));
	return STATUS_OK;
}

/* @written: to the guest, from the start of its buffers, if all is well. */
static uint8_t execute(struct virtio_block *block, struct request *r,
		       struct io_work *work, uint64_t *written)
{
	struct virtio_stats *stats = &block->dev.stats;
	enum image_op write = virtio_has(&block->dev, F_FLUSH)
				      ? IMAGE_WRITE
				      : IMAGE_WRITE_THROUGH;
	uint8_t status;

	switch (r->header.type) {
	case TYPE_IN:
		status = transfer(block, IMAGE_READ, r->header.sector, r->in,
				  r->n_in, r->in_bytes);
		break;
	case TYPE_OUT:
		status = transfer(block, write, r->header.sector, r->out,
				  r->n_out, r->out_bytes);
		break;
	case TYPE_FLUSH:
		return image_io(block->image, IMAGE_FLUSH, 0, NULL, 0)
			       ? STATUS_IOERR
			       : STATUS_OK;
	case TYPE_GET_ID:
		return get_id(block, r, written);
	default:
		return STATUS_UNSUPP;
	}
	if (status != STATUS_OK)
		return status;
	if (r->header.type == TYPE_IN) {
		*written = work->bytes = r->in_bytes;
		virtio_count(&stats->read_bytes, work->bytes);
	} else {
		work->bytes = r->out_bytes;
		virtio_count(&stats->write_bytes, work->bytes);
	}
	return status;
}

/*
 * The next request. What comes behind it is notified, if it is not there yet, so that
 * another thread takes it meanwhile.
 */
static int take(struct virtio_block *block, struct virtq_chain *chain, char *why)
{
	struct virtq *q = &block->dev.queues[0];
	bool more;
	int ret;

	pthread_mutex_lock(&block->queue_lock);
	ret = virtq_pop(q, chain, why);
	more = ret >= 0 && !virtq_wait(q, 0);
	pthread_mutex_unlock(&block->queue_lock);
	if (more)
		io_source_ready(&block->dev.source);
	return ret;
}

static void answer(struct virtio_block *block, uint16_t head, uint32_t written)
{
	struct virtq *q = &block->dev.queues[0];

	pthread_mutex_lock(&block->queue_lock);
	virtq_push(q, head, written);
	virtio_publish(&block->dev, q);
	pthread_mutex_unlock(&block->queue_lock);
}

static void serve(struct virtio_dev *dev, struct io_work *work)
{
	struct virtio_block *block = block_of(dev);
	char why[VIRTQ_ERR_BYTES];
	struct virtq_chain chain;
	uint64_t written = 0;
	struct request r;
	uint8_t status;
	int ret;

	if (!virtio_queue_up(dev, 0))
		return;
	ret = take(block, &chain, why);
	if (!ret)
		return;
	if (ret == 1 && !parse(&chain, &r)) {
		snprintf(why, sizeof(why),
			 "a request without room for header and status");
		ret = -EINVAL;
	}
	if (ret < 0) {
		virtio_break(dev, 0, why);
		return;
	}
	status = execute(block, &r, work, &written);
	*r.status = status;
	virtio_count(&dev->stats.requests, 1);
	if (status != STATUS_OK)
		virtio_count(&dev->stats.errors, 1);
	/* 2.7.8.2: it counts only what has no gap before it. */
	if (written == r.in_bytes)
		written++;
	answer(block, chain.head, (uint32_t)written);
}

static void destroy(struct virtio_dev *dev)
{
	pthread_mutex_destroy(&block_of(dev)->queue_lock);
}

static const struct virtio_kind block_kind = {
	.id = VIRTIO_ID_BLOCK,
	.queues = 1,
	.servers_max = 2,
	.slow = true,
	.serve = serve,
	.destroy = destroy,
};

int virtio_block_init(struct virtio_block *block, struct image *image,
		      const struct virtio_config *config)
{
	const struct space space = {
		.capacity = image->bytes / IMAGE_SECTOR_BYTES,
		.size_max = VIRTIO_BLOCK_SEGMENT_BYTES,
		.seg_max = VIRTIO_BLOCK_SEGMENTS,
		.blk_size = IMAGE_SECTOR_BYTES,
	};
	uint64_t features = 1u << F_SIZE_MAX | 1u << F_SEG_MAX |
			    1u << F_BLK_SIZE | 1u << F_FLUSH;
	int ret;

	if (image->read_only)
		features |= 1u << F_RO;
	block->image = image;
	ret = -pthread_mutex_init(&block->queue_lock, NULL);
	if (ret)
		return ret;
	ret = virtio_init(&block->dev, &block_kind, config, features, &space,
			  sizeof(space));
	if (ret)
		pthread_mutex_destroy(&block->queue_lock);
	return ret;
}
