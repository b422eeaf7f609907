/* SPDX-License-Identifier: Apache-2.0 */
/**
 * virtio network device (R: CARD-11), after virtio 1.2, 5.1: a tap of the host for a
 * guest.
 *
 * Place in the flow: a kind of virtio device (device.h). Packets that the guest sends
 * are written to the tap right from its memory; those that arrive are read into a
 * buffer of ours and copied into as many of the guest's as they need.
 *
 * No offloads are offered, so each packet goes with an empty header, whatever the
 * guest wrote there. A packet that does not fit anywhere is dropped, as networks do,
 * and counted as an error. When the tap goes away, the link goes down.
 *
 * Locking: as device.h; everything belongs to whoever serves.
 */
#ifndef DISVM_VIRTIO_NET_H
#define DISVM_VIRTIO_NET_H

#include "dev/virtio/device.h"

#define VIRTIO_NET_MAC_BYTES 6u
/** virtio_net_hdr with num_buffers; as the tap is told (TUNSETVNETHDRSZ). */
#define VIRTIO_NET_HEADER_BYTES 12u
/** The largest packet that a tap passes, with its Ethernet header and tags. */
#define VIRTIO_NET_PACKET_BYTES (65535u + 18u)

/**
 * @tap:     descriptor, does not block; with headers of VIRTIO_NET_HEADER_BYTES.
 * @packet:  one that was read, with its header, and for which there was no room.
 */
struct virtio_net {
	struct virtio_dev dev;
	int tap;
	bool gone;
	size_t packet_bytes;
	uint8_t packet[VIRTIO_NET_HEADER_BYTES + VIRTIO_NET_PACKET_BYTES];
};

/** @tap: stays the caller's, open until virtio_stop(). Return: 0 or -errno. */
int virtio_net_init(struct virtio_net *net, int tap,
		    const uint8_t mac[VIRTIO_NET_MAC_BYTES],
		    const struct virtio_config *config);

/**
 * virtio_net_connect - from now on packets from the tap are worked for.
 * Context: control thread, once. Return: 0 or -errno.
 */
int virtio_net_connect(struct virtio_net *net);

#endif
