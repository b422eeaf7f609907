/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What device.c and mmio.c share: the states of a virtio device, and how it goes from
 * one to another. See device.h.
 *
 * Locking: all functions but virtio_raise() and virtio_acknowledge() are called with
 * the device's lock held.
 */
#ifndef DISVM_VIRTIO_DEVICE_PRIV_H
#define DISVM_VIRTIO_DEVICE_PRIV_H

#include "dev/virtio/device.h"

/** Device status, 2.1. */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER 0x02u
#define VIRTIO_STATUS_DRIVER_OK 0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u
#define VIRTIO_STATUS_FAILED 0x80u

/** Interrupt status, 4.2.2. */
#define VIRTIO_ISR_QUEUE 0x1u
#define VIRTIO_ISR_CONFIG 0x2u

/** Bits of features that all have, 6. */
#define VIRTIO_F_INDIRECT_DESC 28u
#define VIRTIO_F_EVENT_IDX 29u
#define VIRTIO_F_VERSION_1 32u

/** Any thread, with or without the device's lock: better without, see device.c. */
void virtio_raise(struct virtio_dev *dev, uint32_t bits);
void virtio_acknowledge(struct virtio_dev *dev, uint32_t bits);

/** The driver, on vCPU @vcpu, is ready: set the queues up, go live, or break. */
void virtio_start(struct virtio_dev *dev, unsigned vcpu);

/**
 * virtio_stop_for - live no more; when nobody serves, go on with the reset, or with the
 * queues that are ready still. vCPU @vcpu is held until then.
 */
void virtio_stop_for(struct virtio_dev *dev, unsigned vcpu, bool reset);

/** To the first state, when nobody serves. */
void virtio_reset(struct virtio_dev *dev);

#endif
