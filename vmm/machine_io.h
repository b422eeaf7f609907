/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The disks, networks, console and entropy of a guest (R: CARD-11, DIS-6): what they
 * are to be, what the host has for them, and the virtio devices in front of it.
 *
 * Place in the flow: machine_io_open() with the kind of guest opens images and taps and
 * starts the I/O threads; machine_io_add() puts the devices onto a guest's bus; the
 * guest's work done, machine_io_stop() comes before its slot is reaped.
 *
 * Order of the devices, and so of their addresses and inputs (pc_map.h): disks,
 * networks, console, entropy.
 *
 * Locking: control thread; each device says how it is guarded.
 */
#ifndef DISVM_MACHINE_IO_H
#define DISVM_MACHINE_IO_H

#include <stdbool.h>

#include "boot/virtio_place.h"
#include "dev/virtio/console.h"
#include "dev/virtio/net.h"
#include "io/image.h"
#include "io/pool.h"
#include "pc_map.h"

struct machine;
struct machine_ata;
struct machine_kind;
enum machine_fault;

struct machine_disk {
	const char *path;
	bool read_only;
};

/** @tap: name of an interface; @mac: of the guest's end. */
struct machine_net {
	const char *tap;
	uint8_t mac[VIRTIO_NET_MAC_BYTES];
};

/**
 * What a kind of guest has; disks that are written, and networks, are for one copy
 * alone. All devices together: PC_VIRTIO_MAX.
 *
 * @ata:       disks, ATA_DEVICES at most, are on an ATA channel and not on virtio.
 * @console:   takes what guests write to their consoles; called by I/O threads, must
 *             not block. NULL: there is no console.
 * @bandwidth: of each guest, bytes per second over all its disks and networks; 0: no
 *             limit.
 * @disk_priority, @net_priority: < IO_PRIORITIES.
 * @broken:    a device has stopped, see machine_io_trouble(); any thread, must not
 *             block. NULL: nobody listens.
 */
struct machine_io_spec {
	unsigned n_disks;
	struct machine_disk disks[PC_VIRTIO_MAX];
	bool ata;
	unsigned n_nets;
	struct machine_net nets[PC_VIRTIO_MAX];
	bool entropy;
	void (*console)(void *ctx, unsigned seq, const void *data, size_t len);
	uint64_t bandwidth;
	unsigned disk_priority;
	unsigned net_priority;
	void (*broken)(void *ctx);
	void *ctx;
};

/**
 * What all copies share.
 * @pool: NULL if they have no device.
 */
struct machine_io_kind {
	struct io_pool *pool;
	unsigned n_images;
	struct image *images;
	unsigned n_taps;
	int taps[PC_VIRTIO_MAX];
	unsigned n_places;
	struct virtio_place places[PC_VIRTIO_MAX];
};

/**
 * machine_io_open - open what @spec names, in kind->io.
 * @err: one line; @fault: whose fault it is.
 *
 * Return: 0 or -errno; machine_io_close() in any case.
 */
int machine_io_open(const struct machine_io_spec *spec,
		    struct machine_io_kind *io, enum machine_fault *fault,
		    char *err, size_t err_size);
/** The threads that serve devices, if there are any. Return: 0 or -errno. */
int machine_io_start(struct machine_io_kind *io);
/** All machines have been destroyed. Fine after zeroes, too. */
void machine_io_close(struct machine_io_kind *io);

/** Of one guest; private to machine_io.c but for the console. */
struct machine_io {
	struct io_account account;
	unsigned n;
	struct virtio_dev *devs[PC_VIRTIO_MAX];
	struct virtio_block *disks;
	struct machine_ata *ata; /* NULL: there is none */
	struct virtio_net *nets;
	struct virtio_console *console; /* NULL: there is none */
	struct virtio_dev *entropy;
	bool stopped;
	unsigned told; /* troubles, bit per device */
};

/** Makes the devices and puts them on the bus. Return: 0 or -errno; nothing is left
 * then. */
int machine_io_add(struct machine *machine);

/**
 * machine_io_connect - from now on the world outside has devices work, and charge
 * vCPUs. Where there is one vCPU alone, KVM itself notifies devices, without an exit;
 * with more, the exit tells which one has to pay.
 *
 * Context: the vCPUs are bound to the scheduler, none runs. Return: 0 or -errno.
 */
int machine_io_connect(struct machine *machine);

/**
 * What is changed of the limits while the guest runs.
 *
 * @bandwidth: with @has_bandwidth, see struct machine_io_spec.
 * @disk_priority, @net_priority: -1: as before.
 */
struct machine_io_limits {
	bool has_bandwidth;
	uint64_t bandwidth;
	int disk_priority;
	int net_priority;
};

/** In force at once (R: DIS-6). Context: before machine_io_stop(). */
void machine_io_set_limits(struct machine *machine,
			   const struct machine_io_limits *limits);

/**
 * machine_io_stop - no I/O thread does anything for this guest any more.
 * Context: no vCPU of it runs any more; before dis_vm_reap_begin(), as they charge
 * and wake vCPUs. Twice is fine.
 */
void machine_io_stop(struct machine *machine);
/** Stops as well. */
void machine_io_remove(struct machine *machine);

/**
 * machine_io_trouble - a device that has stopped because its guest misused it, and of
 * which this function has not told yet.
 * Return: false: there is none.
 */
bool machine_io_trouble(struct machine *machine, char *text, size_t size);

#endif
