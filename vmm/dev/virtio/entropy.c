/* SPDX-License-Identifier: Apache-2.0 */
/* virtio entropy device; see entropy.h. */
#include "dev/virtio/entropy.h"

#include <sys/random.h>

#define CHAINS_AT_ONCE 16u

/* Of the kernel's pool once it was seeded, as it is by now; never waits. */
static size_t fill(struct virtq_chain *chain)
{
	uint8_t bytes[VIRTIO_ENTROPY_BYTES];
	size_t n = chain->in_bytes < sizeof(bytes) ? chain->in_bytes
						   : sizeof(bytes);
	ssize_t got = getrandom(bytes, n, GRND_NONBLOCK);

	if (got < 0)
		return 0;
	return virtq_copy_in(chain->iov + chain->n_out, chain->n_in, bytes,
			     (size_t)got);
}

static void serve(struct virtio_dev *dev, struct io_work *work)
{
	struct virtq *q = &dev->queues[0];
	char why[VIRTQ_ERR_BYTES];
	struct virtq_chain chain;
	unsigned done = 0;
	int ret = 0;

	if (!virtio_queue_up(dev, 0))
		return;
	while (done < CHAINS_AT_ONCE && (ret = virtq_pop(q, &chain, why)) == 1) {
		size_t n = fill(&chain);

		virtq_push(q, chain.head, (uint32_t)n);
		virtio_count(&dev->stats.requests, 1);
		virtio_count(&dev->stats.read_bytes, n);
		done++;
	}
	if (done)
		virtio_publish(dev, q);
	if (ret < 0)
		virtio_break(dev, 0, why);
	else
		work->more = !virtq_wait(q, 0);
}

static const struct virtio_kind entropy_kind = {
	.id = VIRTIO_ID_ENTROPY,
	.queues = 1,
	.servers_max = 1,
	.serve = serve,
};

int virtio_entropy_init(struct virtio_dev *dev,
			const struct virtio_config *config)
{
	return virtio_init(dev, &entropy_kind, config, 0, NULL, 0);
}
