/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A tap interface of the host: the cable of a guest's network device (R: CARD-11).
 *
 * Place in the flow: opened before the guest is built; read and written by its network
 * device. The interface is the administrator's: it is neither made nor set up here
 * (ip tuntap add NAME mode tap; ip link set NAME up).
 * Locking: none.
 */
#ifndef DISVM_IO_TAP_H
#define DISVM_IO_TAP_H

#include <stddef.h>

/**
 * tap_open - attach to the tap interface @name.
 * @header_bytes: of the virtio header before each packet.
 * @err: one line that names the interface, or what the host lacks.
 *
 * The descriptor does not block. No offloads: packets come whole, with checksums.
 *
 * Return: the descriptor; -ENODEV: there is no such interface; -EINVAL: it is none of
 * that kind; -EBUSY: somebody uses it; another -errno: this host cannot.
 */
int tap_open(const char *name, int header_bytes, char *err, size_t err_size);

#endif
