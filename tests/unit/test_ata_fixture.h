/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the ATA channel share: a channel with one or two disks, which
 * are files served by real I/O threads; accesses to its registers; a disk that
 * waits or fails when it is told to.
 */
#ifndef DISVM_TEST_ATA_FIXTURE_H
#define DISVM_TEST_ATA_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/ata.h"
#include "pc_map.h"

#define SECTOR IMAGE_SECTOR_BYTES
#define SECTORS 1000u

enum {
	DATA = PC_ATA_PORT,
	ERROR,
	COUNT,
	LOW,
	MID,
	HIGH,
	DEVICE,
	STATUS,
	FEATURE = ERROR,
	COMMAND = STATUS,
	CONTROL = PC_ATA_CONTROL_PORT,
};

enum {
	BUSY = 0x80,
	READY = 0x50, /* and seek complete */
	FAULT = 0x20,
	DRQ = 0x08,
	ERR = 0x01,
	LBA = 0xe0,
	SLAVE = 0x10,
	SRST = 0x04,
	NO_IRQ = 0x02,
	HOB = 0x80,
};

struct fixture {
	struct io_bus bus;
	struct ata ata;
	struct io_pool *pool;
	struct io_account account;
	struct image images[ATA_DEVICES];
	struct block blocks[ATA_DEVICES];
	unsigned n;
	atomic_bool level;
	atomic_uint edges;
	bool closed;
};

/* Of disks whose calls are waiting_...: each waits for go_on. */
static sem_t entered, go_on;

static inline ssize_t waiting_readv(int fd, const struct iovec *iov, int n,
				    off_t offset)
{
	sem_post(&entered);
	while (sem_wait(&go_on))
		;
	return preadv(fd, iov, n, offset);
}

static inline ssize_t failing_readv(int fd, const struct iovec *iov, int n,
				    off_t offset)
{
	(void)fd;
	(void)iov;
	(void)n;
	(void)offset;
	errno = EIO;
	return -1;
}

static inline ssize_t failing_writev(int fd, const struct iovec *iov, int n,
				     off_t offset, int flags)
{
	(void)flags;
	return failing_readv(fd, iov, n, offset);
}

static inline int failing_sync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

static const struct image_host_ops waiting_ops = {waiting_readv, pwritev2,
						  fdatasync};
static const struct image_host_ops failing_ops = {failing_readv, failing_writev,
						  failing_sync};

static inline void on_irq(void *ctx, unsigned gsi, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_ATA_GSI);
	assert_int_not_equal(level, atomic_exchange(&f->level, level));
	if (level)
		atomic_fetch_add(&f->edges, 1);
}

/* Sector i of disk d is filled with the byte i + d. */
static inline void open_disk(struct fixture *f, unsigned d, bool read_only)
{
	char path[] = "/tmp/test_ata.XXXXXX", err[256];
	uint8_t sector[SECTOR];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (unsigned i = 0; i < SECTORS; i++) {
		memset(sector, (int)(i + d), sizeof(sector));
		assert_int_equal(write(fd, sector, SECTOR), SECTOR);
	}
	close(fd);
	assert_int_equal(image_open(path, read_only, &f->images[d], err,
				    sizeof(err)),
			 0);
	unlink(path);
	assert_int_equal(block_open(&f->blocks[d], &f->images[d], f->pool,
				    &f->account, IO_PRIORITY_DEFAULT),
			 0);
}

static inline int setup_disks(void **state, unsigned n, bool read_only)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct block *blocks[ATA_DEVICES] = {NULL, NULL};
	const struct irq_line irq = {on_irq, f, PC_ATA_GSI};

	assert_non_null(f);
	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	f->n = n;
	assert_int_equal(io_pool_create(&f->pool), 0);
	assert_int_equal(io_pool_start(f->pool), 0);
	for (unsigned d = 0; d < n; d++) {
		open_disk(f, d, read_only);
		blocks[d] = &f->blocks[d];
	}
	assert_int_equal(ata_init(&f->ata, blocks, &irq), 0);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, PC_ATA_PORT, ATA_PORTS, &ata_ops,
				    &f->ata),
			 0);
	assert_int_equal(io_bus_add(&f->bus, PC_ATA_CONTROL_PORT,
				    ATA_CONTROL_PORTS, &ata_control_ops,
				    &f->ata),
			 0);
	*state = f;
	return 0;
}

static inline int setup(void **state)
{
	return setup_disks(state, 1, false);
}

static inline int setup_two(void **state)
{
	return setup_disks(state, 2, false);
}

static inline int setup_read_only(void **state)
{
	return setup_disks(state, 1, true);
}

static inline void close_disks(struct fixture *f)
{
	for (unsigned d = 0; d < f->n && !f->closed; d++)
		block_close(&f->blocks[d]);
	f->closed = true;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	close_disks(f);
	ata_destroy(&f->ata);
	io_pool_destroy(f->pool);
	for (unsigned d = 0; d < f->n; d++)
		image_close(&f->images[d]);
	free(f);
	return 0;
}

static inline void access_port(struct fixture *f, unsigned port, bool write,
			       uint8_t width, void *data, uint32_t count)
{
	struct io_access a = {.addr = port,
			      .width = width,
			      .write = write,
			      .count = count,
			      .data = data};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
}

static inline void wr(struct fixture *f, unsigned port, uint8_t val)
{
	access_port(f, port, true, 1, &val, 1);
}

static inline uint8_t rd(struct fixture *f, unsigned port)
{
	uint8_t val = 0xee;

	access_port(f, port, false, 1, &val, 1);
	return val;
}

/* Until the channel is not busy; then the status, which takes the interrupt. */
static inline uint8_t wait_status(struct fixture *f)
{
	while (rd(f, CONTROL) & BUSY)
		sched_yield();
	return rd(f, STATUS);
}

static inline void set_place(struct fixture *f, uint64_t lba, unsigned count)
{
	wr(f, COUNT, (uint8_t)count);
	wr(f, LOW, (uint8_t)lba);
	wr(f, MID, (uint8_t)(lba >> 8));
	wr(f, HIGH, (uint8_t)(lba >> 16));
	wr(f, DEVICE, (uint8_t)(LBA | (lba >> 24 & 0xf)));
}

static inline void command(struct fixture *f, uint8_t op, uint64_t lba,
			   unsigned count)
{
	set_place(f, lba, count);
	wr(f, COMMAND, op);
}

/* LBA48 names all registers twice. */
static inline void command_ext(struct fixture *f, uint8_t op, uint64_t lba,
			       unsigned count)
{
	set_place(f, lba >> 24, count >> 8);
	set_place(f, lba & 0xffffff, count & 0xff);
	wr(f, COMMAND, op);
}

static inline void read_sector(struct fixture *f, uint8_t *to)
{
	access_port(f, DATA, false, 2, to, SECTOR / 2);
}

static inline void write_sector(struct fixture *f, uint8_t byte)
{
	uint8_t sector[SECTOR];

	memset(sector, byte, sizeof(sector));
	access_port(f, DATA, true, 2, sector, SECTOR / 2);
}

static inline void assert_sector(struct fixture *f, uint8_t byte)
{
	uint8_t sector[SECTOR], wanted[SECTOR];

	memset(wanted, byte, sizeof(wanted));
	read_sector(f, sector);
	assert_memory_equal(sector, wanted, SECTOR);
}

static inline uint8_t on_disk(const struct fixture *f, unsigned sector)
{
	uint8_t byte = 0;

	assert_int_equal(pread(f->images[0].fd, &byte, 1,
			       (off_t)sector * SECTOR + SECTOR - 1),
			 1);
	return byte;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T2(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)
#define T_RO(name) \
	cmocka_unit_test_setup_teardown(name, setup_read_only, teardown)

#endif
