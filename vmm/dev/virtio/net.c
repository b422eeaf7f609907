/* SPDX-License-Identifier: Apache-2.0 */
/* virtio network device; see net.h. */
#include "dev/virtio/net.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
	RECEIVE,
	TRANSMIT,
	QUEUES
};

/* Features, 5.1.3. */
#define F_MAC 5u
#define F_MRG_RXBUF 15u
#define F_STATUS 16u

/* 5.1.4: the link is up. */
#define LINK_UP 1u

#define NUM_BUFFERS_AT 10u
#define ETHERNET_BYTES 14u
#define PACKETS_AT_ONCE 32u

struct space {
	uint8_t mac[VIRTIO_NET_MAC_BYTES];
	uint16_t status;
};

static struct virtio_net *net_of(struct virtio_dev *dev)
{
	return (struct virtio_net *)((char *)dev -
				     offsetof(struct virtio_net, dev));
}

/* Deleted, or taken away: it does not come back. */
static void lose_tap(struct virtio_net *net)
{
	const uint16_t down = 0;

	if (net->gone)
		return;
	net->gone = true;
	virtio_set_config(&net->dev, offsetof(struct space, status), &down,
			  sizeof(down));
}

/* Return: bytes of the packet, or 0: it was dropped. */
static size_t send_packet(struct virtio_net *net, struct virtq_chain *chain)
{
	uint8_t header[VIRTIO_NET_HEADER_BYTES] = {0};
	struct iovec packet[1 + VIRTQ_SIZE_MAX] = {{header, sizeof(header)}};
	struct iovec *iov = chain->iov;
	unsigned n = chain->n_out;
	size_t bytes;

	if (net->gone || chain->out_bytes < sizeof(header) + ETHERNET_BYTES ||
	    chain->out_bytes > sizeof(header) + VIRTIO_NET_PACKET_BYTES)
		return 0;
	bytes = chain->out_bytes - sizeof(header);
	virtq_skip(&iov, &n, sizeof(header));
	memcpy(&packet[1], iov, n * sizeof(*iov));
	if (writev(net->tap, packet, (int)n + 1) >= 0)
		return bytes;
	/* An interface that is only down says EIO. */
	if (errno == EBADFD)
		lose_tap(net);
	return 0;
}

static int transmit(struct virtio_net *net, struct io_work *work, char *why)
{
	struct virtio_dev *dev = &net->dev;
	struct virtq *q = &dev->queues[TRANSMIT];
	struct virtq_chain chain;
	unsigned done = 0;
	int ret = 0;

	while (done < PACKETS_AT_ONCE &&
	       (ret = virtq_pop(q, &chain, why)) == 1) {
		size_t bytes = send_packet(net, &chain);

		virtq_push(q, chain.head, 0);
		virtio_count(&dev->stats.requests, 1);
		virtio_count(&dev->stats.write_bytes, bytes);
		if (!bytes)
			virtio_count(&dev->stats.errors, 1);
		work->bytes += bytes;
		done++;
	}
	if (done)
		virtio_publish(dev, q);
	if (ret >= 0)
		work->more |= !virtq_wait(q, 0);
	return ret < 0 ? ret : 0;
}

/* A packet into `packet`, if none waits there. Return: false: there is none. */
static bool read_packet(struct virtio_net *net)
{
	ssize_t n;

	if (net->packet_bytes)
		return true;
	if (net->gone)
		return false;
	do {
		n = read(net->tap, net->packet, sizeof(net->packet));
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		lose_tap(net);
	if (n < (ssize_t)(VIRTIO_NET_HEADER_BYTES + ETHERNET_BYTES))
		return false;
	net->packet_bytes = (size_t)n;
	return true;
}

/* Chains that a packet fills, pushed when all of it has room. */
struct landing {
	unsigned n;
	uint16_t head[VIRTQ_SIZE_MAX];
	uint32_t bytes[VIRTQ_SIZE_MAX];
};

/*
 * 5.1.6.4: into one chain, or into as many as it takes if the driver merges them; the
 * count is in the header. Return: 1; 0: no room now, only @to->n chains; -ENOSPC: never;
 * -EINVAL.
 */
static int land(struct virtio_net *net, struct landing *to, char *why)
{
	struct virtq *q = &net->dev.queues[RECEIVE];
	unsigned most = virtio_has(&net->dev, F_MRG_RXBUF) ? q->size : 1;
	struct virtq_chain chain;
	size_t done = 0;
	uint8_t *count = NULL;
	int ret;

	memset(net->packet, 0, VIRTIO_NET_HEADER_BYTES);
	net->packet[NUM_BUFFERS_AT] = 1;
	for (to->n = 0; done < net->packet_bytes && to->n < most; to->n++) {
		struct iovec *iov = chain.iov;
		size_t n;

		ret = virtq_pop(q, &chain, why);
		if (ret <= 0) {
			virtq_unpop(q, to->n);
			return ret;
		}
		iov += chain.n_out;
		n = virtq_copy_in(iov, chain.n_in, net->packet + done,
				  net->packet_bytes - done);
		/* Where one buffer holds the whole header, as it must. */
		if (!to->n && chain.n_in &&
		    iov->iov_len >= VIRTIO_NET_HEADER_BYTES)
			count = (uint8_t *)iov->iov_base + NUM_BUFFERS_AT;
		to->head[to->n] = chain.head;
		to->bytes[to->n] = (uint32_t)n;
		done += n;
	}
	if (done < net->packet_bytes || (to->n > 1 && !count)) {
		virtq_unpop(q, to->n);
		return -ENOSPC;
	}
	if (count) {
		count[0] = (uint8_t)to->n;
		count[1] = (uint8_t)(to->n >> 8);
	}
	return 1;
}

static int receive(struct virtio_net *net, struct io_work *work, char *why)
{
	struct virtio_dev *dev = &net->dev;
	struct virtq *q = &dev->queues[RECEIVE];
	struct landing to;
	unsigned done = 0;
	bool any = false;
	int ret = 1;

	while (done < PACKETS_AT_ONCE && read_packet(net)) {
		ret = land(net, &to, why);
		if (ret == 0 || ret == -EINVAL)
			break;
		if (ret == 1) {
			for (unsigned i = 0; i < to.n; i++)
				virtq_push(q, to.head[i], to.bytes[i]);
			virtio_count(&dev->stats.read_bytes, net->packet_bytes);
			work->bytes += net->packet_bytes;
			any = true;
		} else {
			virtio_count(&dev->stats.errors, 1);
		}
		virtio_count(&dev->stats.requests, 1);
		net->packet_bytes = 0;
		done++;
	}
	if (any)
		virtio_publish(dev, q);
	/* Those that are there did not suffice. */
	if (ret == 0)
		work->more |= !virtq_wait(q, to.n);
	work->more |= done == PACKETS_AT_ONCE;
	return ret == -EINVAL ? ret : 0;
}

static void serve(struct virtio_dev *dev, struct io_work *work)
{
	struct virtio_net *net = net_of(dev);
	char why[VIRTQ_ERR_BYTES];

	if (virtio_queue_up(dev, RECEIVE) && receive(net, work, why)) {
		virtio_break(dev, RECEIVE, why);
		return;
	}
	work->vcpu = virtio_asker(dev, work->bytes ? RECEIVE : TRANSMIT);
	if (virtio_queue_up(dev, TRANSMIT) && transmit(net, work, why))
		virtio_break(dev, TRANSMIT, why);
}

static void reset(struct virtio_dev *dev)
{
	net_of(dev)->packet_bytes = 0;
}

static const struct virtio_kind net_kind = {
	.id = VIRTIO_ID_NET,
	.queues = QUEUES,
	.servers_max = 1,
	.serve = serve,
	.reset = reset,
};

int virtio_net_init(struct virtio_net *net, int tap,
		    const uint8_t mac[VIRTIO_NET_MAC_BYTES],
		    const struct virtio_config *config)
{
	struct space space = {.status = LINK_UP};

	memcpy(space.mac, mac, sizeof(space.mac));
	net->tap = tap;
	net->gone = false;
	net->packet_bytes = 0;
	return virtio_init(&net->dev, &net_kind, config,
			   1u << F_MAC | 1u << F_MRG_RXBUF | 1u << F_STATUS,
			   &space, sizeof(space));
}

int virtio_net_connect(struct virtio_net *net)
{
	return io_source_watch(&net->dev.source, net->tap);
}
