/* SPDX-License-Identifier: Apache-2.0 */
/* virtio console and entropy device, after virtio 1.2, 5.3 and 5.4 (R: CARD-11). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dev/virtio/console.h"
#include "dev/virtio/entropy.h"
#include "lib/vdriver.h"

enum {
	RX,
	TX
};

struct fixture {
	struct vdriver d;
	union {
		struct virtio_console console;
		struct virtio_dev entropy;
	};
	char out[4 * 65536];
	size_t out_len;
};

static void on_out(void *ctx, const void *data, size_t len)
{
	struct fixture *f = ctx;

	assert_true(f->out_len + len <= sizeof(f->out));
	memcpy(f->out + f->out_len, data, len);
	f->out_len += len;
}

static int setup_console(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_config config;

	assert_non_null(f);
	vd_init(&f->d);
	f->d.dev = &f->console.dev;
	config = vd_config(&f->d, "console");
	assert_int_equal(virtio_console_init(&f->console, on_out, f, &config),
			 0);
	*state = f;
	return 0;
}

static int setup_entropy(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_config config;

	assert_non_null(f);
	vd_init(&f->d);
	f->d.dev = &f->entropy;
	config = vd_config(&f->d, "entropy");
	assert_int_equal(virtio_entropy_init(&f->entropy, &config), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_stop(f->d.dev);
	virtio_destroy(f->d.dev);
	vd_fini(&f->d);
	free(f);
	return 0;
}

static uint64_t put_text(struct vdriver *d, const char *text)
{
	uint64_t gpa = vd_alloc(d, strlen(text) + 1);

	strcpy(vd_at(d, gpa), text);
	return gpa;
}

static void test_virtio_console_passes_output_on(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t a, b;

	vd_start(d, VD_F_EVENT_IDX, 8);
	assert_int_equal(vd_read(d, VD_DEVICE_ID), 3);
	a = put_text(d, "hello, ");
	b = put_text(d, "world\n");
	vd_add(d, TX, (const struct vd_buffer[]){{a, 7, false}, {b, 6, false}},
	       2, false);
	vd_kick(d, TX);
	assert_int_equal(vd_wait(d, TX).len, 0);
	assert_int_equal(f->out_len, 13);
	assert_memory_equal(f->out, "hello, world\n", 13);
}

static void test_virtio_console_long_output_comes_whole(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_buffer buffer = {0, 65536, false};

	vd_start(d, VD_F_EVENT_IDX, 8);
	buffer.gpa = vd_alloc(d, buffer.len);
	for (uint32_t i = 0; i < buffer.len; i++)
		*(uint8_t *)vd_at(d, buffer.gpa + i) = (uint8_t)(i * 7);
	vd_add(d, TX, &buffer, 1, false);
	vd_kick(d, TX);
	vd_wait(d, TX);
	assert_int_equal(f->out_len, buffer.len);
	assert_memory_equal(f->out, vd_at(d, buffer.gpa), buffer.len);
}

/* Megabytes at a time are no console's output, but a way to keep us busy. */
static void test_virtio_console_excessive_output_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct vd_buffer buffers[2] = {{0, VD_MEM_BYTES, false},
				       {0, VD_MEM_BYTES, false}};

	vd_start(&f->d, VD_F_EVENT_IDX, 8);
	vd_add(&f->d, TX, buffers, 2, false);
	vd_kick(&f->d, TX);
	vd_wait(&f->d, TX);
	assert_int_equal(f->out_len, 0);
	assert_int_equal(atomic_load(&f->console.dev.stats.errors), 1);
}

static uint64_t offer(struct vdriver *d, unsigned queue, uint32_t bytes)
{
	struct vd_buffer buffer = {vd_alloc(d, bytes), bytes, true};

	vd_add(d, queue, &buffer, 1, false);
	return buffer.gpa;
}

static void test_virtio_console_delivers_input(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t gpa;

	vd_start(d, VD_F_EVENT_IDX, 8);
	gpa = offer(d, RX, 64);
	vd_kick(d, RX);
	assert_int_equal(virtio_console_input(&f->console, "ls\n", 3), 3);
	assert_int_equal(vd_wait(d, RX).len, 3);
	assert_memory_equal(vd_at(d, gpa), "ls\n", 3);
}

/* Typed before anybody listens, and more than fits a buffer. */
static void test_virtio_console_input_waits_for_room(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t a, b;

	assert_int_equal(virtio_console_input(&f->console, "abcdef", 6), 6);
	vd_start(d, VD_F_EVENT_IDX, 8);
	a = offer(d, RX, 4);
	vd_kick(d, RX);
	assert_int_equal(vd_wait(d, RX).len, 4);
	b = offer(d, RX, 4);
	vd_kick(d, RX);
	assert_int_equal(vd_wait(d, RX).len, 2);
	assert_memory_equal(vd_at(d, a), "abcd", 4);
	assert_memory_equal(vd_at(d, b), "ef", 2);
}

static void test_virtio_console_takes_no_more_input_than_it_holds(void **state)
{
	static const char text[2 * VIRTIO_CONSOLE_INPUT_BYTES];
	struct fixture *f = *state;

	assert_int_equal(virtio_console_input(&f->console, text, sizeof(text)),
			 VIRTIO_CONSOLE_INPUT_BYTES);
	assert_int_equal(virtio_console_input(&f->console, text, 1), 0);
}

static void test_virtio_entropy_fills_buffers(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint8_t first[64];
	uint64_t gpa;

	vd_start(d, VD_F_EVENT_IDX, 8);
	assert_int_equal(vd_read(d, VD_DEVICE_ID), 4);
	gpa = offer(d, 0, sizeof(first));
	vd_kick(d, 0);
	assert_int_equal(vd_wait(d, 0).len, sizeof(first));
	memcpy(first, vd_at(d, gpa), sizeof(first));
	gpa = offer(d, 0, sizeof(first));
	vd_kick(d, 0);
	assert_int_equal(vd_wait(d, 0).len, sizeof(first));
	assert_memory_not_equal(first, vd_at(d, gpa), sizeof(first));
}

static void test_virtio_entropy_is_given_in_portions(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;

	vd_start(d, VD_F_EVENT_IDX, 8);
	offer(d, 0, 1u << 20);
	vd_kick(d, 0);
	assert_int_equal(vd_wait(d, 0).len, VIRTIO_ENTROPY_BYTES);
}

/* A buffer to be read has no room for anything. */
static void test_virtio_entropy_into_no_room_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_buffer buffer = {0x1000, 64, false};

	vd_start(d, VD_F_EVENT_IDX, 8);
	vd_add(d, 0, &buffer, 1, false);
	vd_kick(d, 0);
	assert_int_equal(vd_wait(d, 0).len, 0);
}

#define C(name) cmocka_unit_test_setup_teardown(name, setup_console, teardown)
#define E(name) cmocka_unit_test_setup_teardown(name, setup_entropy, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		C(test_virtio_console_passes_output_on),
		C(test_virtio_console_long_output_comes_whole),
		C(test_virtio_console_excessive_output_is_dropped),
		C(test_virtio_console_delivers_input),
		C(test_virtio_console_input_waits_for_room),
		C(test_virtio_console_takes_no_more_input_than_it_holds),
		E(test_virtio_entropy_fills_buffers),
		E(test_virtio_entropy_is_given_in_portions),
		E(test_virtio_entropy_into_no_room_is_nothing),
	};

	return cmocka_run_group_tests_name("virtio-console", tests, NULL, NULL);
}
