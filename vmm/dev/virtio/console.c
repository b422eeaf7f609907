/* SPDX-License-Identifier: Apache-2.0 */
/* virtio console; see console.h. */
#include "dev/virtio/console.h"

#include <stddef.h>
#include <string.h>

enum {
	RECEIVE,
	TRANSMIT,
	QUEUES
};

#define CHAINS_AT_ONCE 16u
#define OUTPUT_BYTES 4096u
/* Most of one chain that is passed on; no driver sends more at a time. */
#define CHAIN_BYTES_MAX (64u << 10)

static struct virtio_console *console_of(struct virtio_dev *dev)
{
	return (struct virtio_console *)((char *)dev -
					 offsetof(struct virtio_console, dev));
}

/* As much as goes into @chain. Return: bytes. */
static size_t deliver(struct virtio_console *console,
		      const struct virtq_chain *chain)
{
	size_t n;

	pthread_mutex_lock(&console->input_lock);
	n = virtq_copy_in(chain->iov + chain->n_out, chain->n_in,
			  console->input, console->input_len);
	console->input_len -= n;
	memmove(console->input, console->input + n, console->input_len);
	pthread_mutex_unlock(&console->input_lock);
	return n;
}

static bool has_input(struct virtio_console *console)
{
	bool any;

	pthread_mutex_lock(&console->input_lock);
	any = console->input_len > 0;
	pthread_mutex_unlock(&console->input_lock);
	return any;
}

/* A driver without room is asked to say when there is; one without input is not. */
static int receive(struct virtio_console *console, struct io_work *work,
		   char *why)
{
	struct virtq *q = &console->dev.queues[RECEIVE];
	struct virtq_chain chain;
	unsigned done = 0;
	int ret = 0;

	while (done < CHAINS_AT_ONCE && has_input(console) &&
	       (ret = virtq_pop(q, &chain, why)) == 1) {
		size_t n = deliver(console, &chain);

		virtq_push(q, chain.head, (uint32_t)n);
		virtio_count(&console->dev.stats.read_bytes, n);
		done++;
	}
	if (done)
		virtio_publish(&console->dev, q);
	if (ret >= 0 && has_input(console))
		work->more |= !virtq_wait(q, 0);
	return ret < 0 ? ret : 0;
}

/* Return: false if it was too much. */
static bool put_out(struct virtio_console *console, struct virtq_chain *chain)
{
	char bytes[OUTPUT_BYTES];
	struct iovec *iov = chain->iov;
	unsigned left = chain->n_out;

	if (chain->out_bytes > CHAIN_BYTES_MAX)
		return false;
	while (left) {
		size_t n = virtq_copy_out(bytes, iov, left, sizeof(bytes));

		virtq_skip(&iov, &left, n);
		if (console->sink)
			console->sink(console->ctx, bytes, n);
	}
	virtio_count(&console->dev.stats.write_bytes, chain->out_bytes);
	return true;
}

static int transmit(struct virtio_console *console, struct io_work *work,
		    char *why)
{
	struct virtio_dev *dev = &console->dev;
	struct virtq *q = &dev->queues[TRANSMIT];
	struct virtq_chain chain;
	unsigned done = 0;
	int ret = 0;

	while (done < CHAINS_AT_ONCE && (ret = virtq_pop(q, &chain, why)) == 1) {
		if (!put_out(console, &chain))
			virtio_count(&dev->stats.errors, 1);
		virtq_push(q, chain.head, 0);
		virtio_count(&dev->stats.requests, 1);
		done++;
	}
	if (done)
		virtio_publish(dev, q);
	if (ret >= 0)
		work->more = !virtq_wait(q, 0);
	return ret < 0 ? ret : 0;
}

static void serve(struct virtio_dev *dev, struct io_work *work)
{
	struct virtio_console *console = console_of(dev);
	char why[VIRTQ_ERR_BYTES];

	work->vcpu = virtio_asker(dev, TRANSMIT);
	if (virtio_queue_up(dev, TRANSMIT) && transmit(console, work, why)) {
		virtio_break(dev, TRANSMIT, why);
		return;
	}
	if (virtio_queue_up(dev, RECEIVE) && receive(console, work, why))
		virtio_break(dev, RECEIVE, why);
}

static void destroy(struct virtio_dev *dev)
{
	pthread_mutex_destroy(&console_of(dev)->input_lock);
}

static const struct virtio_kind console_kind = {
	.id = VIRTIO_ID_CONSOLE,
	.queues = QUEUES,
	.servers_max = 1,
	.serve = serve,
	.destroy = destroy,
};

int virtio_console_init(struct virtio_console *console,
			void (*sink)(void *ctx, const void *data, size_t len),
			void *ctx, const struct virtio_config *config)
{
	int ret;

	console->sink = sink;
	console->ctx = ctx;
	console->input_len = 0;
	ret = -pthread_mutex_init(&console->input_lock, NULL);
	if (ret)
		return ret;
	/* No features: so its configuration space means nothing. */
	ret = virtio_init(&console->dev, &console_kind, config, 0, NULL, 0);
	if (ret)
		pthread_mutex_destroy(&console->input_lock);
	return ret;
}

size_t virtio_console_input(struct virtio_console *console, const void *data,
			    size_t len)
{
	size_t room;

	pthread_mutex_lock(&console->input_lock);
	room = sizeof(console->input) - console->input_len;
	if (len > room)
		len = room;
	memcpy(console->input + console->input_len, data, len);
	console->input_len += len;
	pthread_mutex_unlock(&console->input_lock);
	if (len)
		io_source_ready(&console->dev.source);
	return len;
}
