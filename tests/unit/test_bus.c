/* SPDX-License-Identifier: Apache-2.0 */
/* Buses of ports and of memory-mapped registers (R: CARD-1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "dev/bus.h"

/* A device that records what it sees and answers what it is told. */
struct probe {
	unsigned calls;
	uint64_t offset;
	uint8_t width;
	uint32_t count;
	uint32_t written[8];
	uint32_t answer;
	enum io_action actions[8];
};

static enum io_action probe_io(void *dev, struct io_access *a)
{
	struct probe *p = dev;
	unsigned call = p->calls++;

	p->offset = a->offset;
	p->width = a->width;
	p->count = a->count;
	if (a->write)
		p->written[call] = (uint32_t)io_get(a);
	else
		io_put(a, p->answer++);
	return p->actions[call];
}

static const struct io_dev_ops probe_ops = {.io = probe_io};
static const struct io_dev_ops probe_strings_ops = {.io = probe_io,
						    .strings = true};

struct fixture {
	struct io_bus bus;
	struct probe probe;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	io_bus_init(&f.bus, IO_BUS_PORTS);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	io_bus_fini(&f->bus);
	return 0;
}

static enum io_action access_port(struct fixture *f, uint16_t port,
				  uint8_t width, bool write, uint32_t count,
				  void *data)
{
	struct io_access a = {.addr = port,
			      .width = width,
			      .write = write,
			      .count = count,
			      .data = data};

	return io_bus_access(&f->bus, &a);
}

static void test_bus_access_reaches_device_with_offset(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0x78, 0x56, 0x34, 0x12};

	assert_int_equal(io_bus_add(&f->bus, 0x100, 8, &probe_ops, &f->probe),
			 0);
	assert_int_equal(access_port(f, 0x107, 4, true, 1, data), IO_NONE);
	assert_int_equal(f->probe.offset, 7);
	assert_int_equal(f->probe.width, 4);
	assert_int_equal(f->probe.written[0], 0x12345678);
}

static void test_bus_read_fills_width_little_endian(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0xee, 0xee, 0xee, 0xee};

	io_bus_add(&f->bus, 0x100, 1, &probe_ops, &f->probe);
	f->probe.answer = 0x12345678;
	access_port(f, 0x100, 2, false, 1, data);
	assert_memory_equal(data, "\x78\x56\xee\xee", 4);
}

static void test_bus_memory_access_is_up_to_8_bytes_wide(void **state)
{
	struct fixture *f = *state;
	uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct io_access a = {.addr = UINT64_C(0xfee000b0),
			      .width = 8,
			      .write = true,
			      .count = 1,
			      .data = data};

	io_bus_init(&f->bus, IO_BUS_MEMORY);
	assert_int_equal(io_bus_add(&f->bus, UINT64_C(0xfee00000), 0x1000,
				    &probe_ops, &f->probe),
			 0);
	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
	assert_int_equal(f->probe.offset, 0xb0);
	assert_int_equal(io_get(&a), UINT64_C(0x0807060504030201));
	assert_int_equal(io_bus_add(&f->bus, IO_BUS_MEMORY - 1, 2, &probe_ops,
				    NULL),
			 -EINVAL);
}

/* Nobody's port: all ones, writes dropped. */
static void test_bus_unclaimed_read_gives_all_ones(void **state)
{
	uint8_t data[9] = {0};

	assert_int_equal(access_port(*state, 0x80, 4, false, 2, data), IO_NONE);
	assert_memory_equal(data, "\xff\xff\xff\xff\xff\xff\xff\xff\0", 9);
}

static void test_bus_unclaimed_write_is_dropped(void **state)
{
	uint8_t data[2] = {1, 2};

	assert_int_equal(access_port(*state, 0x80, 2, true, 1, data), IO_NONE);
	assert_memory_equal(data, "\1\2", 2);
}

static void test_bus_port_beside_range_is_unclaimed(void **state)
{
	struct fixture *f = *state;
	uint8_t data = 0;

	io_bus_add(&f->bus, 0x100, 8, &probe_ops, &f->probe);
	access_port(f, 0xff, 1, false, 1, &data);
	access_port(f, 0x108, 1, false, 1, &data);
	assert_int_equal(f->probe.calls, 0);
}

static void test_bus_add_overlapping_range_is_refused(void **state)
{
	struct fixture *f = *state;
	static const uint16_t bad[][2] = {
		{0x100, 8}, {0x107, 1}, {0xff, 2}, {0x80, 0x100}, {0x102, 2},
	};

	io_bus_add(&f->bus, 0x100, 8, &probe_ops, &f->probe);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(io_bus_add(&f->bus, bad[i][0], bad[i][1],
					    &probe_ops, &f->probe),
				 -EEXIST);
	assert_int_equal(io_bus_add(&f->bus, 0x108, 1, &probe_ops, &f->probe),
			 0);
	assert_int_equal(io_bus_add(&f->bus, 0xff, 1, &probe_ops, &f->probe), 0);
}

static void test_bus_add_outside_of_ports_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(io_bus_add(&f->bus, 0x100, 0, &probe_ops, NULL),
			 -EINVAL);
	assert_int_equal(io_bus_add(&f->bus, 0xffff, 2, &probe_ops, NULL),
			 -EINVAL);
	assert_int_equal(io_bus_add(&f->bus, 1, UINT32_MAX, &probe_ops, NULL),
			 -EINVAL);
	assert_int_equal(io_bus_add(&f->bus, 0xffff, 1, &probe_ops, NULL), 0);
}

static void test_bus_add_to_full_table_is_refused(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < IO_BUS_RANGES; i++)
		assert_int_equal(io_bus_add(&f->bus, (uint16_t)(i * 4), 4,
					    &probe_ops, NULL),
				 0);
	assert_int_equal(io_bus_add(&f->bus, 0x8000, 4, &probe_ops, NULL),
			 -ENOSPC);
}

static void test_bus_full_of_ranges_reaches_each(void **state)
{
	struct fixture *f = *state;
	struct probe probe[IO_BUS_RANGES] = {0};
	uint8_t data = 1;

	for (unsigned i = 0; i < IO_BUS_RANGES; i++)
		assert_int_equal(io_bus_add(&f->bus, (uint16_t)(i * 4), 4,
					    &probe_ops, &probe[i]),
				 0);
	for (unsigned i = 0; i < IO_BUS_RANGES; i++) {
		access_port(f, (uint16_t)(i * 4 + 3), 1, true, 1, &data);
		assert_int_equal(probe[i].offset, 3);
		assert_int_equal(probe[i].written[0], 1);
	}
	assert_int_equal(io_bus_add(&f->bus, IO_BUS_RANGES * 4 - 1, 1,
				    &probe_ops, &f->probe),
			 -EEXIST);
}

static void test_bus_string_is_split_into_elements(void **state)
{
	struct fixture *f = *state;
	uint8_t data[6] = {1, 0, 2, 0, 3, 0};

	io_bus_add(&f->bus, 0x100, 1, &probe_ops, &f->probe);
	access_port(f, 0x100, 2, true, 3, data);
	assert_int_equal(f->probe.calls, 3);
	assert_int_equal(f->probe.count, 1);
	assert_int_equal(f->probe.written[0], 1);
	assert_int_equal(f->probe.written[2], 3);
}

static void test_bus_string_read_fills_each_element(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0};

	io_bus_add(&f->bus, 0x100, 1, &probe_ops, &f->probe);
	f->probe.answer = 5;
	access_port(f, 0x100, 1, false, 4, data);
	assert_memory_equal(data, "\5\6\7\10", 4);
}

static void test_bus_string_device_sees_whole_string(void **state)
{
	struct fixture *f = *state;
	uint8_t data[5] = {0};

	io_bus_add(&f->bus, 0x100, 1, &probe_strings_ops, &f->probe);
	access_port(f, 0x100, 1, true, 5, data);
	assert_int_equal(f->probe.calls, 1);
	assert_int_equal(f->probe.count, 5);
}

static void test_bus_string_ends_at_exit(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0};

	io_bus_add(&f->bus, 0x100, 1, &probe_ops, &f->probe);
	f->probe.actions[1] = IO_EXIT;
	assert_int_equal(access_port(f, 0x100, 1, true, 4, data), IO_EXIT);
	assert_int_equal(f->probe.calls, 2);
}

static void test_bus_string_yield_goes_on_and_is_kept(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0};

	io_bus_add(&f->bus, 0x100, 1, &probe_ops, &f->probe);
	f->probe.actions[1] = IO_YIELD;
	assert_int_equal(access_port(f, 0x100, 1, true, 4, data), IO_YIELD);
	assert_int_equal(f->probe.calls, 4);
}

static void test_bus_fail_text_is_cut_to_one_line(void **state)
{
	struct io_access a = {0};

	(void)state;
	assert_int_equal(io_fail(&a, DIS_REASON_HYPERCALL, "%0200d", 7),
			 IO_FAIL);
	assert_int_equal(a.reason, DIS_REASON_HYPERCALL);
	assert_int_equal(strlen(a.text), IO_TEXT_SIZE - 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bus_access_reaches_device_with_offset),
		T(test_bus_read_fills_width_little_endian),
		T(test_bus_memory_access_is_up_to_8_bytes_wide),
		T(test_bus_unclaimed_read_gives_all_ones),
		T(test_bus_unclaimed_write_is_dropped),
		T(test_bus_port_beside_range_is_unclaimed),
		T(test_bus_add_overlapping_range_is_refused),
		T(test_bus_add_outside_of_ports_is_refused),
		T(test_bus_add_to_full_table_is_refused),
		T(test_bus_full_of_ranges_reaches_each),
		T(test_bus_string_is_split_into_elements),
		T(test_bus_string_read_fills_each_element),
		T(test_bus_string_device_sees_whole_string),
		T(test_bus_string_ends_at_exit),
		T(test_bus_string_yield_goes_on_and_is_kept),
		T(test_bus_fail_text_is_cut_to_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
