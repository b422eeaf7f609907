/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of a guest's disks, from the options of `disvm run` to the sources of the
 * I/O threads: disks on virtio, and those of a firmware (R: DIS-6).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/run_session.h"
#include "dev/virtio/block.h"
#include "machine_ata.h"

#define DISKS 2u
#define SECTORS 64u
#define SECTOR IMAGE_SECTOR_BYTES
#define RATE 65536u
/* What a sector costs at that rate. */
#define SECTOR_NS (SECTOR * DIS_S_NS / RATE)

#define KERNEL "--kernel"
#define FIRMWARE "--firmware"

/* Registers of the ATA channel, and of their bits what a read by polling needs. */
enum {
	DATA = PC_ATA_PORT,
	COUNT = PC_ATA_PORT + 2,
	LOW,
	MID,
	HIGH,
	DEVICE,
	STATUS,
	COMMAND = STATUS,
	CONTROL = PC_ATA_CONTROL_PORT,
};

enum {
	BUSY = 0x80,
	READY = 0x50,
	DRQ = 0x08,
	LBA = 0xe0,
	NO_IRQ = 0x02,
	READ_SECTORS = 0x20,
};

/* A guest's disks as machine_create() would have them; nothing is there to run it. */
static struct {
	struct run_session session;
	struct machine machine;
	struct kvm_vcpu vcpu;
	char paths[DISKS][32];
} bed;

static void make_disk(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/tmp/test_machine_io.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)SECTORS * SECTOR), 0);
	close(fd);
}

/* @option, which may be NULL, with @value. */
static void read_options(const char *boot, const char *option, const char *value)
{
	char *argv[] = {"run",        (char *)boot,   "image",
			"--disk",     bed.paths[0],   "--disk",
			bed.paths[1], (char *)option, (char *)value,
			NULL};
	char err[256];

	if (run_options_parse(option ? 9 : 7, argv, &bed.session.options, err,
			      sizeof(err)))
		fail_msg("%s", err);
}

static void open_bed(const char *boot, const char *option, const char *value)
{
	struct machine_kind *kind = &bed.session.kind;
	enum machine_fault fault;
	char err[256];

	memset(&bed, 0, sizeof(bed));
	for (unsigned i = 0; i < DISKS; i++)
		make_disk(bed.paths[i], sizeof(bed.paths[i]));
	read_options(boot, option, value);
	run_io_spec(&bed.session, &kind->spec.io);
	if (machine_io_open(&kind->spec.io, &kind->io, &fault, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(machine_io_start(&kind->io), 0);
	for (unsigned i = 0; i < DISKS; i++)
		unlink(bed.paths[i]);
	bed.machine.kind = kind;
	bed.machine.vcpus = &bed.vcpu;
	io_bus_init(&bed.machine.bus, IO_BUS_PORTS);
	io_bus_init(&bed.machine.mmio, IO_BUS_MEMORY);
	assert_int_equal(machine_io_add(&bed.machine), 0);
}

static void close_bed(void)
{
	machine_io_remove(&bed.machine);
	io_bus_fini(&bed.machine.mmio);
	io_bus_fini(&bed.machine.bus);
	machine_io_close(&bed.session.kind.io);
	run_options_free(&bed.session.options);
}

static const struct io_turn *turn_of(unsigned disk)
{
	const struct machine_io *io = &bed.machine.io;

	return io->ata ? &io->ata->blocks[disk].source.turn
		       : &io->disks[disk].dev.source.turn;
}

static void expect_priority(const char *boot, const char *given, unsigned wanted)
{
	open_bed(boot, given ? "--io-priority" : NULL, given);
	assert_int_equal(!bed.machine.io.ata, !strcmp(boot, KERNEL));
	for (unsigned i = 0; i < DISKS; i++)
		assert_int_equal(turn_of(i)->priority, wanted);
	close_bed();
}

static void test_machine_io_priority_reaches_virtio_disks(void **state)
{
	(void)state;
	expect_priority(KERNEL, "1", 1);
}

static void test_machine_io_priority_reaches_disks_of_firmware(void **state)
{
	(void)state;
	expect_priority(FIRMWARE, "1", 1);
}

static void test_machine_io_priority_not_given_is_the_default(void **state)
{
	(void)state;
	expect_priority(KERNEL, NULL, IO_PRIORITY_DEFAULT);
	expect_priority(FIRMWARE, NULL, IO_PRIORITY_DEFAULT);
}

/* R: DIS-6: while the guest runs. */
static void test_machine_io_limits_are_changed_live(void **state)
{
	static const char *const boots[] = {KERNEL, FIRMWARE};
	const struct machine_io_limits some = {.has_bandwidth = true,
					       .bandwidth = RATE,
					       .disk_priority = 6,
					       .net_priority = -1};
	const struct machine_io_limits none = {.disk_priority = -1,
					       .net_priority = -1};

	(void)state;
	for (unsigned b = 0; b < 2; b++) {
		open_bed(boots[b], NULL, NULL);
		machine_io_set_limits(&bed.machine, &none);
		assert_int_equal(bed.machine.io.account.bucket.rate, 0);
		for (unsigned i = 0; i < DISKS; i++)
			assert_int_equal(turn_of(i)->priority,
					 IO_PRIORITY_DEFAULT);
		machine_io_set_limits(&bed.machine, &some);
		assert_int_equal(bed.machine.io.account.bucket.rate, RATE);
		for (unsigned i = 0; i < DISKS; i++)
			assert_int_equal(turn_of(i)->priority, 6);
		close_bed();
	}
}

static void expect_one_bucket(const char *boot)
{
	const struct io_bucket *bucket = &bed.machine.io.account.bucket;

	open_bed(boot, "--io-bandwidth", "64K");
	assert_int_equal(bucket->rate, RATE);
	for (unsigned i = 0; i < DISKS; i++)
		assert_ptr_equal(turn_of(i)->bucket, bucket);
	close_bed();
}

static void test_machine_io_bandwidth_is_one_for_all_disks(void **state)
{
	(void)state;
	expect_one_bucket(KERNEL);
	expect_one_bucket(FIRMWARE);
}

static void access_port(unsigned port, bool write, uint8_t width,
			uint32_t count, uint8_t *data)
{
	struct io_access a = {.addr = port,
			      .width = width,
			      .write = write,
			      .count = count,
			      .data = data};

	assert_int_equal(io_bus_access(&bed.machine.bus, &a), IO_NONE);
}

static void wr(unsigned port, uint8_t value)
{
	access_port(port, true, 1, 1, &value);
}

static uint8_t rd(unsigned port)
{
	uint8_t value;

	access_port(port, false, 1, 1, &value);
	return value;
}

static void read_sector(unsigned disk, uint8_t sector)
{
	uint8_t data[SECTOR];

	wr(CONTROL, NO_IRQ);
	wr(COUNT, 1);
	wr(LOW, sector);
	wr(MID, 0);
	wr(HIGH, 0);
	wr(DEVICE, (uint8_t)(LBA | disk << 4));
	wr(COMMAND, READ_SECTORS);
	while (rd(CONTROL) & BUSY)
		sched_yield();
	assert_int_equal(rd(STATUS), READY | DRQ);
	access_port(DATA, false, 2, SECTOR / 2, data);
}

/*
 * All that both disks moved was paid for, and waited for: a busy host makes it later,
 * never earlier. What one disk has just moved, the other may not yet know of.
 */
static void test_machine_io_bandwidth_holds_for_disks_of_firmware(void **state)
{
	enum {
		READS = 20
	};
	uint64_t start_ns, took_ns;

	(void)state;
	open_bed(FIRMWARE, "--io-bandwidth", "64K");
	start_ns = dis_clock_ns();
	for (uint8_t i = 0; i < READS; i++)
		read_sector(i % DISKS, i);
	took_ns = dis_clock_ns() - start_ns;
	/* From here on no thread has the bucket. */
	machine_io_stop(&bed.machine);
	assert_true(bed.machine.io.account.bucket.paid_until_ns >=
		    start_ns + READS * SECTOR_NS);
	assert_true(took_ns + IO_BUCKET_BURST_NS >= (READS - 2) * SECTOR_NS);
	close_bed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine_io_priority_reaches_virtio_disks),
		cmocka_unit_test(
			test_machine_io_priority_reaches_disks_of_firmware),
		cmocka_unit_test(
			test_machine_io_priority_not_given_is_the_default),
		cmocka_unit_test(test_machine_io_limits_are_changed_live),
		cmocka_unit_test(test_machine_io_bandwidth_is_one_for_all_disks),
		cmocka_unit_test(
			test_machine_io_bandwidth_holds_for_disks_of_firmware),
	};

	return cmocka_run_group_tests_name("machine-io", tests, NULL, NULL);
}
