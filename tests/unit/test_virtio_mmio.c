/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO: registers, the steps of a driver, resets, what a bad driver gets,
 * after virtio 1.2, 2.1, 3.1, 4.2 (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "lib/vdriver.h"

#define ID 42u
#define FEATURE (UINT64_C(1) << 7)
#define NEEDS_RESET 0x40u

/* A kind whose serve can be made to wait. */
static sem_t serving, go_on;
static atomic_uint served, resets;
static atomic_bool waits;

static void serve(struct virtio_dev *dev, struct io_work *work)
{
	char why[VIRTQ_ERR_BYTES];
	struct virtq_chain chain;
	int ret = 0;

	(void)work;
	atomic_fetch_add(&served, 1);
	if (atomic_load(&waits)) {
		sem_post(&serving);
		while (sem_wait(&go_on))
			;
	}
	for (unsigned i = 0; i < 2 && !ret; i++)
		while (virtio_queue_up(dev, i) &&
		       (ret = virtq_pop(&dev->queues[i], &chain, why)) == 1) {
			virtq_push(&dev->queues[i], chain.head, 0);
			virtio_publish(dev, &dev->queues[i]);
		}
	if (ret < 0)
		virtio_break(dev, 0, why);
}

static void on_reset(struct virtio_dev *dev)
{
	(void)dev;
	atomic_fetch_add(&resets, 1);
}

static const struct virtio_kind kind = {
	.id = ID,
	.queues = 2,
	.servers_max = 1,
	.slow = true,
	.serve = serve,
	.reset = on_reset,
};

struct fixture {
	struct vdriver d;
	struct virtio_dev dev;
	bool stopped;
};

static int setup(void **state)
{
	static const uint8_t space[6] = {1, 2, 3, 4, 5, 6};
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_config config;

	assert_non_null(f);
	vd_init(&f->d);
	f->d.dev = &f->dev;
	config = vd_config(&f->d, "thing0");
	assert_int_equal(virtio_init(&f->dev, &kind, &config, FEATURE, space,
				     sizeof(space)),
			 0);
	sem_init(&serving, 0, 0);
	sem_init(&go_on, 0, 0);
	atomic_store(&served, 0);
	atomic_store(&resets, 0);
	atomic_store(&waits, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f->stopped)
		virtio_stop(&f->dev);
	virtio_destroy(&f->dev);
	vd_fini(&f->d);
	free(f);
	return 0;
}

static void test_mmio_identifies_itself(void **state)
{
	struct vdriver *d = *state;

	assert_int_equal(vd_read(d, VD_MAGIC), 0x74726976);
	assert_int_equal(vd_read(d, VD_VERSION), 2);
	assert_int_equal(vd_read(d, VD_DEVICE_ID), ID);
	assert_int_equal(vd_read(d, VD_STATUS), 0);
	assert_int_equal(vd_read(d, VD_ISR), 0);
}

static void test_mmio_offers_features_by_halves(void **state)
{
	struct vdriver *d = *state;

	vd_write(d, VD_FEATURES_SEL, 0);
	assert_int_equal(vd_read(d, VD_FEATURES),
			 FEATURE | VD_F_INDIRECT | VD_F_EVENT_IDX);
	vd_write(d, VD_FEATURES_SEL, 1);
	assert_int_equal(vd_read(d, VD_FEATURES), VD_F_VERSION_1 >> 32);
	vd_write(d, VD_FEATURES_SEL, 2);
	assert_int_equal(vd_read(d, VD_FEATURES), 0);
}

static void test_mmio_accepts_offered_features(void **state)
{
	struct vdriver *d = *state;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	assert_true(vd_negotiate(d, VD_F_VERSION_1 | FEATURE | VD_F_INDIRECT |
					    VD_F_EVENT_IDX));
}

static void test_mmio_refuses_features_not_offered(void **state)
{
	struct vdriver *d = *state;

	assert_false(vd_negotiate(d, VD_F_VERSION_1 | 1u));
	assert_int_equal(vd_read(d, VD_STATUS), 0x3);
	assert_false(vd_negotiate(d, VD_F_VERSION_1 | UINT64_C(1) << 35));
	/* A driver of before 1.0. */
	assert_false(vd_negotiate(d, FEATURE));
}

/* Nor can the driver be ready then. */
static void test_mmio_ready_needs_features(void **state)
{
	struct vdriver *d = *state;

	assert_false(vd_negotiate(d, 0));
	vd_write(d, VD_STATUS, 0x7);
	assert_int_equal(vd_read(d, VD_STATUS), 0x3);
}

static void test_mmio_features_are_fixed_once_accepted(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	vd_write(d, VD_DRIVER_FEATURES_SEL, 0);
	vd_write(d, VD_DRIVER_FEATURES, FEATURE);
	assert_int_equal(f->dev.features, VD_F_VERSION_1);
}

/* 2.1.1: bits are cleared by a reset alone. */
static void test_mmio_status_does_not_go_back(void **state)
{
	struct vdriver *d = *state;

	vd_write(d, VD_STATUS, 0x1);
	vd_write(d, VD_STATUS, 0x3);
	vd_write(d, VD_STATUS, 0x1);
	assert_int_equal(vd_read(d, VD_STATUS), 0x3);
	/* Nor does the driver set what is the device's. */
	vd_write(d, VD_STATUS, 0x3 | NEEDS_RESET | 0x30);
	assert_int_equal(vd_read(d, VD_STATUS), 0x3);
	vd_write(d, VD_STATUS, 0x83);
	assert_int_equal(vd_read(d, VD_STATUS), 0x83);
	vd_write(d, VD_STATUS, 0);
	assert_int_equal(vd_read(d, VD_STATUS), 0);
}

static void test_mmio_queues_are_selected(void **state)
{
	struct vdriver *d = *state;

	for (unsigned i = 0; i < 4; i++) {
		vd_write(d, VD_QUEUE_SEL, i);
		assert_int_equal(vd_read(d, VD_QUEUE_NUM_MAX),
				 i < 2 ? VIRTQ_SIZE_MAX : 0);
		assert_int_equal(vd_read(d, VD_QUEUE_READY), 0);
		vd_write(d, VD_QUEUE_READY, 1);
		assert_int_equal(vd_read(d, VD_QUEUE_READY), i < 2);
	}
}

/* 4.2.2.2: a queue that is ready cannot be moved. */
static void test_mmio_queue_in_use_is_fixed(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t was;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	vd_set_up_queue(d, 0, 8);
	was = f->dev.regs[0].setup.desc;
	vd_write(d, VD_DESC_LOW, 0x10);
	vd_write(d, VD_QUEUE_NUM, 16);
	assert_int_equal(f->dev.regs[0].setup.desc, was);
	assert_int_equal(f->dev.regs[0].setup.size, 8);
	vd_ready(d);
	vd_write(d, VD_QUEUE_SEL, 1);
	vd_write(d, VD_QUEUE_READY, 1);
	assert_int_equal(vd_read(d, VD_QUEUE_READY), 0);
}

static void test_mmio_queue_addresses_have_64_bits(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;

	vd_write(d, VD_QUEUE_SEL, 1);
	vd_write(d, VD_DESC_LOW + 4, 0x11);
	vd_write(d, VD_DESC_LOW, 0x22);
	vd_write(d, VD_AVAIL_LOW, 0x33);
	vd_write(d, VD_AVAIL_LOW + 4, 0x44);
	vd_write(d, VD_USED_LOW, 0x55);
	vd_write(d, VD_USED_LOW + 4, 0x66);
	assert_int_equal(f->dev.regs[1].setup.desc, 0x1100000022);
	assert_int_equal(f->dev.regs[1].setup.avail, 0x4400000033);
	assert_int_equal(f->dev.regs[1].setup.used, 0x6600000055);
}

static uint64_t read_width(struct vdriver *d, uint64_t offset, uint8_t width)
{
	uint8_t data[8];
	struct io_access a = {
		.offset = offset, .width = width, .count = 1, .data = data};

	memset(data, 0xee, sizeof(data));
	assert_int_equal(virtio_mmio_ops.io(d->dev, &a), IO_NONE);
	return io_get(&a);
}

static void write_width(struct vdriver *d, uint64_t offset, uint8_t width,
			uint64_t value)
{
	uint8_t data[8];
	struct io_access a = {.offset = offset,
			      .width = width,
			      .write = true,
			      .count = 1,
			      .data = data};

	io_put(&a, value);
	assert_int_equal(virtio_mmio_ops.io(d->dev, &a), IO_NONE);
}

/* 4.2.2.2: registers by 32 bits only, the configuration by any width. */
static void test_mmio_accesses_of_other_widths_do_nothing(void **state)
{
	struct vdriver *d = *state;

	assert_int_equal(read_width(d, VD_MAGIC, 1), 0);
	assert_int_equal(read_width(d, VD_MAGIC, 2), 0);
	assert_int_equal(read_width(d, VD_MAGIC, 8), 0);
	assert_int_equal(read_width(d, VD_MAGIC + 1, 4), 0);
	write_width(d, VD_STATUS, 1, 1);
	write_width(d, VD_STATUS, 8, 1);
	assert_int_equal(vd_read(d, VD_STATUS), 0);
}

static void test_mmio_configuration_reads_by_any_width(void **state)
{
	struct vdriver *d = *state;

	assert_int_equal(vd_read_space(d, 0, 1), 1);
	assert_int_equal(vd_read_space(d, 1, 2), 0x0302);
	assert_int_equal(vd_read_space(d, 0, 4), 0x04030201);
	assert_int_equal(vd_read_space(d, 0, 8), 0x060504030201);
	assert_int_equal(vd_read_space(d, 5, 4), 6);
	assert_int_equal(vd_read_space(d, 0xf8, 8), 0);
	write_width(d, VD_SPACE, 4, 0);
	assert_int_equal(vd_read_space(d, 0, 1), 1);
}

static void test_mmio_change_of_configuration_is_told(void **state)
{
	static const uint8_t byte = 9;
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint32_t before = vd_read(d, VD_GENERATION);

	vd_start(d, 0, 8);
	virtio_set_config(&f->dev, 2, &byte, 1);
	assert_int_equal(vd_read_space(d, 2, 1), 9);
	assert_int_not_equal(vd_read(d, VD_GENERATION), before);
	assert_int_equal(vd_read(d, VD_ISR), 0x2);
	assert_true(atomic_load(&d->line));
	vd_write(d, VD_ACK, 0x2);
	assert_false(atomic_load(&d->line));
}

/* 4.2.2: the line is high while a bit of the status is not acknowledged. */
static void test_mmio_line_follows_the_interrupt_status(void **state)
{
	static const uint8_t byte = 9;
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_buffer buffer = {.len = 1};

	vd_start(d, VD_F_EVENT_IDX, 8);
	buffer.gpa = vd_alloc(d, 1);
	vd_add(d, 0, &buffer, 1, false);
	vd_kick(d, 0);
	vd_wait_line(d);
	virtio_set_config(&f->dev, 2, &byte, 1);
	assert_int_equal(vd_read(d, VD_ISR), 0x3);
	vd_write(d, VD_ACK, 0x1);
	assert_true(atomic_load(&d->line));
	vd_write(d, VD_ACK, 0x2);
	assert_false(atomic_load(&d->line));
	assert_int_equal(atomic_load(&d->rises), 1);
}

static void expect_broken(struct vdriver *d, const char *text)
{
	char trouble[256];

	vd_wait_line(d);
	assert_int_equal(vd_read(d, VD_STATUS), 0xf | NEEDS_RESET);
	assert_int_equal(vd_read(d, VD_ISR) & 0x2, 0x2);
	virtio_trouble(d->dev, trouble, sizeof(trouble));
	if (!strstr(trouble, text))
		fail_msg("'%s' lacks '%s'", trouble, text);
}

static void use_queue(struct vdriver *d, unsigned queue)
{
	struct vd_buffer buffer = {.gpa = vd_alloc(d, 4), .len = 4};
	uint16_t head = vd_add(d, queue, &buffer, 1, false);

	vd_kick(d, queue);
	assert_int_equal(vd_wait(d, queue).id, head);
}

static void test_mmio_bad_ring_breaks_the_device_alone(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;

	vd_start(d, VD_F_EVENT_IDX, 8);
	vd_put(d, 0, 77);
	vd_kick(d, 0);
	expect_broken(d, "thing0: queue 0: descriptor 77 of 8");
	/* It does nothing until the reset. */
	vd_write(d, VD_ACK, vd_read(d, VD_ISR));
	vd_kick(d, 1);
	vd_write(d, VD_STATUS, 0);
	while (sem_wait(&d->released))
		;
	assert_int_equal(vd_read(d, VD_STATUS), 0);
	vd_start(d, VD_F_EVENT_IDX, 8);
	use_queue(d, 1);
}

static void test_mmio_queue_at_bad_address_breaks_the_device(void **state)
{
	struct vdriver *d = *state;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	vd_write(d, VD_QUEUE_SEL, 1);
	vd_write(d, VD_QUEUE_NUM, 8);
	vd_write(d, VD_DESC_LOW + 4, 0x80000000);
	vd_write(d, VD_QUEUE_READY, 1);
	vd_ready(d);
	expect_broken(d, "thing0: queue 1: descriptor table at "
			 "0x8000000000000000 is not in memory");
}

static void test_mmio_queue_without_size_breaks_the_device(void **state)
{
	struct vdriver *d = *state;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	vd_set_up_queue(d, 0, 512);
	vd_ready(d);
	expect_broken(d, "0 is not a size of a queue");
}

/* The vCPU does not go on before nobody is in its memory any more. */
static void test_mmio_reset_holds_the_vcpu_while_it_is_served(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;

	atomic_store(&waits, true);
	vd_start(d, 0, 8);
	while (sem_wait(&serving))
		;
	vd_write(d, VD_STATUS, 0);
	assert_int_equal(atomic_load(&d->holds), 1);
	assert_int_equal(atomic_load(&d->releases), 0);
	assert_int_not_equal(vd_read(d, VD_STATUS), 0);
	/* What another vCPU writes meanwhile is lost. */
	vd_write(d, VD_STATUS, 0);
	vd_write(d, VD_DRIVER_FEATURES, 1);
	atomic_store(&waits, false);
	sem_post(&go_on);
	while (sem_wait(&d->released))
		;
	assert_int_equal(vd_read(d, VD_STATUS), 0);
	assert_int_equal(atomic_load(&d->holds), 1);
	/* The other one was the driver's first step. */
	assert_int_equal(atomic_load(&resets), 2);
	assert_int_equal(f->dev.features, 0);
	assert_int_equal(f->dev.queues[0].size, 0);
	vd_start(d, VD_F_EVENT_IDX, 8);
	use_queue(d, 0);
}

static void test_mmio_reset_before_use_is_done_at_once(void **state)
{
	struct vdriver *d = *state;

	assert_true(vd_negotiate(d, VD_F_VERSION_1));
	vd_set_up_queue(d, 0, 8);
	vd_write(d, VD_STATUS, 0);
	assert_int_equal(vd_read(d, VD_STATUS), 0);
	assert_int_equal(vd_read(d, VD_QUEUE_READY), 0);
	assert_int_equal(atomic_load(&d->holds), 0);
}

static void test_mmio_reset_lowers_the_line(void **state)
{
	struct vdriver *d = *state;
	struct vd_buffer buffer = {.len = 1};

	vd_start(d, VD_F_EVENT_IDX, 8);
	buffer.gpa = vd_alloc(d, 1);
	vd_add(d, 0, &buffer, 1, false);
	vd_kick(d, 0);
	vd_wait_line(d);
	vd_write(d, VD_STATUS, 0);
	while (sem_wait(&d->released))
		;
	assert_false(atomic_load(&d->line));
	assert_int_equal(vd_read(d, VD_ISR), 0);
}

/* 4.2.2: a queue ends, the other one goes on where it was. */
static void test_mmio_queue_can_end_alone(void **state)
{
	struct vdriver *d = *state;

	vd_start(d, VD_F_EVENT_IDX, 8);
	use_queue(d, 0);
	use_queue(d, 1);
	vd_write(d, VD_QUEUE_SEL, 0);
	vd_write(d, VD_QUEUE_READY, 0);
	while (sem_wait(&d->released))
		;
	assert_int_equal(vd_read(d, VD_QUEUE_READY), 0);
	assert_int_equal(vd_read(d, VD_STATUS), 0xf);
	use_queue(d, 1);
}

static void test_mmio_notification_of_no_queue_is_ignored(void **state)
{
	struct fixture *f = *state;

	vd_kick(&f->d, 2);
	vd_kick(&f->d, UINT32_MAX);
	assert_int_equal(atomic_load(&f->dev.stats.notifies), 0);
	/* Not ready yet: nothing is served. */
	vd_kick(&f->d, 0);
	virtio_stop(&f->dev);
	f->stopped = true;
	assert_int_equal(atomic_load(&served), 0);
}

/* A VM can end at any time, in the middle of a reset too. */
static void *let_go(void *arg)
{
	(void)arg;
	atomic_store(&waits, false);
	sem_post(&go_on);
	return NULL;
}

static void test_mmio_device_ends_in_a_reset(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	atomic_store(&waits, true);
	vd_start(&f->d, 0, 8);
	while (sem_wait(&serving))
		;
	vd_write(&f->d, VD_STATUS, 0);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	virtio_stop(&f->dev);
	f->stopped = true;
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&served), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mmio_identifies_itself),
		T(test_mmio_offers_features_by_halves),
		T(test_mmio_accepts_offered_features),
		T(test_mmio_refuses_features_not_offered),
		T(test_mmio_ready_needs_features),
		T(test_mmio_features_are_fixed_once_accepted),
		T(test_mmio_status_does_not_go_back),
		T(test_mmio_queues_are_selected),
		T(test_mmio_queue_in_use_is_fixed),
		T(test_mmio_queue_addresses_have_64_bits),
		T(test_mmio_accesses_of_other_widths_do_nothing),
		T(test_mmio_configuration_reads_by_any_width),
		T(test_mmio_change_of_configuration_is_told),
		T(test_mmio_line_follows_the_interrupt_status),
		T(test_mmio_bad_ring_breaks_the_device_alone),
		T(test_mmio_queue_at_bad_address_breaks_the_device),
		T(test_mmio_queue_without_size_breaks_the_device),
		T(test_mmio_reset_holds_the_vcpu_while_it_is_served),
		T(test_mmio_reset_before_use_is_done_at_once),
		T(test_mmio_reset_lowers_the_line),
		T(test_mmio_queue_can_end_alone),
		T(test_mmio_notification_of_no_queue_is_ignored),
		T(test_mmio_device_ends_in_a_reset),
	};

	return cmocka_run_group_tests_name("virtio-mmio", tests, NULL, NULL);
}
