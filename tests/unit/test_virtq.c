/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues: chains, what is refused in them, and when the other side is told,
 * after virtio 1.2, 2.7 (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/vdriver.h"

#define SIZE 8u
#define DESC 0x1000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define DATA 0x8000u

struct fixture {
	struct guest_mem mem;
	_Alignas(4096) uint8_t bytes[64u << 10];
	struct virtq q;
	struct virtq_chain chain;
	struct vd_desc *desc;
	uint16_t *avail;
	uint16_t *used;
	char err[VIRTQ_ERR_BYTES];
};

static int init(struct fixture *f, struct virtq_setup setup, bool event_idx,
		bool indirect)
{
	return virtq_init(&f->q, &f->mem, &setup, event_idx, indirect, f->err);
}

static const struct virtq_setup good = {SIZE, DESC, AVAIL, USED};

static void begin_with(struct fixture *f, bool event_idx, bool indirect)
{
	memset(f, 0, sizeof(*f));
	f->mem = (struct guest_mem){f->bytes, sizeof(f->bytes)};
	f->desc = (struct vd_desc *)(f->bytes + DESC);
	f->avail = (uint16_t *)(f->bytes + AVAIL);
	f->used = (uint16_t *)(f->bytes + USED);
	assert_int_equal(init(f, good, event_idx, indirect), 0);
}

static void begin(struct fixture *f)
{
	begin_with(f, true, true);
}

static void put(struct fixture *f, uint16_t head)
{
	f->avail[2 + f->avail[1] % SIZE] = head;
	f->avail[1]++;
}

static struct vd_desc desc(uint64_t addr, uint32_t len, uint16_t flags,
			   uint16_t next)
{
	return (struct vd_desc){addr, len, flags, next};
}

static void expect_refused(struct fixture *f, const char *text)
{
	assert_int_equal(virtq_pop(&f->q, &f->chain, f->err), -EINVAL);
	if (!strstr(f->err, text))
		fail_msg("'%s' lacks '%s'", f->err, text);
}

static void expect_setup_refused(struct fixture *f, struct virtq_setup setup,
				 const char *text)
{
	assert_int_equal(init(f, setup, true, true), -EINVAL);
	if (!strstr(f->err, text))
		fail_msg("'%s' lacks '%s'", f->err, text);
}

static void test_virtq_bad_sizes_are_refused(void **state)
{
	static const uint16_t sizes[] = {0, 3, 12, 512, 0x8000};
	struct virtq_setup setup = good;
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		setup.size = sizes[i];
		expect_setup_refused(&f, setup, "is not a size of a queue");
	}
}

static void test_virtq_parts_must_be_aligned_and_in_memory(void **state)
{
	struct virtq_setup setup;
	struct fixture f;

	(void)state;
	begin(&f);
	setup = good;
	setup.desc = DESC + 8;
	expect_setup_refused(&f, setup, "descriptor table at 0x1008 is not al");
	setup = good;
	setup.avail = AVAIL + 1;
	expect_setup_refused(&f, setup, "available ring at 0x2001 is not al");
	setup = good;
	setup.used = USED + 2;
	expect_setup_refused(&f, setup, "used ring at 0x3002 is not aligned");
	/* The last byte of each part counts. */
	setup = good;
	setup.desc = sizeof(f.bytes) - SIZE * 16u;
	assert_int_equal(init(&f, setup, true, true), 0);
	setup.desc += 16;
	expect_setup_refused(&f, setup, "descriptor table at 0xff90 is not in");
	setup = good;
	setup.avail = sizeof(f.bytes) - (6u + 2u * SIZE);
	assert_int_equal(init(&f, setup, true, true), 0);
	setup.avail += 2;
	expect_setup_refused(&f, setup, "available ring");
	setup = good;
	setup.used = sizeof(f.bytes) - (8u + 8u * SIZE);
	assert_int_equal(init(&f, setup, true, true), 0);
	setup.used += 4;
	expect_setup_refused(&f, setup, "used ring");
	setup = good;
	setup.used = UINT64_MAX - 3;
	expect_setup_refused(&f, setup, "used ring");
}

static void test_virtq_chain_gives_its_buffers(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.desc[5] = desc(DATA, 16, VD_NEXT, 2);
	f.desc[2] = desc(DATA + 0x100, 512, VD_NEXT | VD_WRITE, 7);
	f.desc[7] = desc(DATA + 0x400, 1, VD_WRITE, 3);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 0);
	put(&f, 5);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(f.chain.head, 5);
	assert_int_equal(f.chain.n_out, 1);
	assert_int_equal(f.chain.n_in, 2);
	assert_int_equal(f.chain.out_bytes, 16);
	assert_int_equal(f.chain.in_bytes, 513);
	assert_ptr_equal(f.chain.iov[0].iov_base, f.bytes + DATA);
	assert_ptr_equal(f.chain.iov[1].iov_base, f.bytes + DATA + 0x100);
	assert_int_equal(f.chain.iov[2].iov_len, 1);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 0);
}

/* 2.7.5.3.2: direct ones may stand before the table. */
static void test_virtq_indirect_table_ends_a_chain(void **state)
{
	struct vd_desc *table;
	struct fixture f;

	(void)state;
	begin(&f);
	table = (struct vd_desc *)(f.bytes + DATA);
	table[0] = desc(DATA + 0x200, 10, VD_NEXT, 1);
	table[1] = desc(DATA + 0x300, 20, VD_WRITE, 0);
	f.desc[0] = desc(DATA + 0x100, 5, VD_NEXT, 1);
	f.desc[1] = desc(DATA, 32, VD_TABLE, 0);
	put(&f, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(f.chain.n_out, 2);
	assert_int_equal(f.chain.n_in, 1);
	assert_int_equal(f.chain.out_bytes, 15);
}

/* A table of as many buffers as the queue is long, all of them. */
static void test_virtq_full_indirect_table_is_taken(void **state)
{
	struct vd_desc *table;
	struct fixture f;

	(void)state;
	begin(&f);
	table = (struct vd_desc *)(f.bytes + DATA);
	for (unsigned i = 0; i < SIZE; i++)
		table[i] = desc(DATA + 0x1000u + i, 1,
				i + 1 < SIZE ? VD_NEXT : 0, (uint16_t)(i + 1));
	f.desc[0] = desc(DATA, SIZE * 16, VD_TABLE, 0);
	put(&f, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(f.chain.n_out, SIZE);
}

static void test_virtq_empty_buffers_are_left_out(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.desc[0] = desc(DATA, 0, VD_NEXT, 1);
	f.desc[1] = desc(DATA, 4, VD_NEXT, 2);
	f.desc[2] = desc(DATA, 0, VD_WRITE, 0);
	put(&f, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(f.chain.n_out, 1);
	assert_int_equal(f.chain.n_in, 0);
}

static void test_virtq_loop_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.desc[0] = desc(DATA, 4, VD_NEXT, 1);
	f.desc[1] = desc(DATA, 4, VD_NEXT, 0);
	put(&f, 0);
	expect_refused(&f, "a chain longer than the queue");
	/* Of empty buffers as well, which take no room. */
	begin(&f);
	f.desc[0] = desc(DATA, 0, VD_NEXT, 0);
	put(&f, 0);
	expect_refused(&f, "a chain longer than the queue");
}

static void test_virtq_index_beyond_table_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, SIZE);
	expect_refused(&f, "descriptor 8 of 8");
	begin(&f);
	f.desc[0] = desc(DATA, 4, VD_NEXT, 0xffff);
	put(&f, 0);
	expect_refused(&f, "descriptor 65535 of 8");
	begin(&f);
	*(struct vd_desc *)(f.bytes + DATA) = desc(DATA, 1, VD_NEXT, 1);
	f.desc[0] = desc(DATA, 16, VD_TABLE, 0);
	put(&f, 0);
	expect_refused(&f, "descriptor 1 of 1");
}

static void test_virtq_buffer_outside_memory_is_refused(void **state)
{
	static const struct vd_desc bad[] = {
		{64u << 10, 1, 0, 0},  {(64u << 10) - 1, 2, 0, 0},
		{UINT64_MAX, 2, 0, 0}, {UINT64_MAX - 3, 4, VD_WRITE, 0},
		{0, UINT32_MAX, 0, 0}, {UINT64_C(1) << 32, 1, VD_WRITE, 0},
		{UINT64_MAX, 0, 0, 0},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&f);
		f.desc[0] = bad[i];
		put(&f, 0);
		expect_refused(&f, "are not in memory");
	}
}

static void test_virtq_read_after_write_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.desc[0] = desc(DATA, 4, VD_NEXT | VD_WRITE, 1);
	f.desc[1] = desc(DATA, 4, 0, 0);
	put(&f, 0);
	expect_refused(&f, "to be read after one to be written");
}

static void test_virtq_bad_indirect_tables_are_refused(void **state)
{
	static const struct {
		struct vd_desc desc;
		const char *text;
	} bad[] = {
		{{DATA, 32, VD_TABLE | VD_NEXT, 1}, "where none may be"},
		{{DATA, 0, VD_TABLE, 0}, "an indirect table of 0 bytes"},
		{{DATA, 24, VD_TABLE, 0}, "an indirect table of 24 bytes"},
		{{DATA, (SIZE + 1) * 16, VD_TABLE, 0}, "table of 144 bytes"},
		{{64u << 10, 16, VD_TABLE, 0}, "is not in memory"},
		{{UINT64_MAX - 7, 16, VD_TABLE, 0}, "is not in memory"},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&f);
		f.desc[0] = bad[i].desc;
		put(&f, 0);
		expect_refused(&f, bad[i].text);
	}
	/* A table in a table. */
	begin(&f);
	*(struct vd_desc *)(f.bytes + DATA) = desc(DATA, 16, VD_TABLE, 0);
	f.desc[0] = desc(DATA, 16, VD_TABLE, 0);
	put(&f, 0);
	expect_refused(&f, "where none may be");
	/* Not negotiated. */
	begin_with(&f, true, false);
	f.desc[0] = desc(DATA, 16, VD_TABLE, 0);
	put(&f, 0);
	expect_refused(&f, "where none may be");
}

static void test_virtq_index_that_jumps_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.avail[1] = SIZE;
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	f.avail[1] = SIZE + 2;
	expect_refused(&f, "the index went from 1 to 10");
	f.avail[1] = 0;
	expect_refused(&f, "the index went from 1 to 0");
}

/* Indices are 16 bits and go around. */
static void test_virtq_indices_wrap(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.desc[3] = desc(DATA, 1, VD_WRITE, 0);
	for (unsigned i = 0; i < 0x10000 + 5; i++) {
		put(&f, 3);
		assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
		virtq_push(&f.q, 3, i);
		virtq_publish(&f.q);
		assert_int_equal(f.used[1], (i + 1) & 0xffff);
	}
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 0);
}

static void test_virtq_used_elements_say_what_was_done(void **state)
{
	const struct vd_used_elem *ring;
	struct fixture f;

	(void)state;
	begin(&f);
	ring = (const struct vd_used_elem *)(f.bytes + USED + 4);
	put(&f, 0);
	put(&f, 1);
	f.desc[0] = desc(DATA, 8, VD_WRITE, 0);
	f.desc[1] = desc(DATA, 8, VD_WRITE, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	virtq_push(&f.q, 1, 7);
	virtq_push(&f.q, 0, 8);
	assert_int_equal(f.used[1], 0);
	virtq_publish(&f.q);
	assert_int_equal(f.used[1], 2);
	assert_int_equal(ring[0].id, 1);
	assert_int_equal(ring[0].len, 7);
	assert_int_equal(ring[1].id, 0);
	assert_int_equal(ring[1].len, 8);
}

static void test_virtq_unpopped_chains_come_again(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (uint16_t i = 0; i < 3; i++) {
		f.desc[i] = desc(DATA, 8, VD_WRITE, 0);
		put(&f, i);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	virtq_unpop(&f.q, 2);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_int_equal(f.chain.head, 1);
}

static bool publish_one(struct fixture *f)
{
	virtq_push(&f->q, 0, 0);
	return virtq_publish(&f->q);
}

/* 2.7.7.2: only when the index passes what the driver named. */
static void test_virtq_event_index_of_driver_is_honoured(void **state)
{
	uint16_t *event;
	struct fixture f;

	(void)state;
	begin(&f);
	event = &f.avail[2 + SIZE];
	*event = 0;
	assert_true(publish_one(&f));
	assert_false(publish_one(&f));
	*event = 3;
	assert_false(publish_one(&f));
	assert_true(publish_one(&f));
	assert_false(publish_one(&f));
	/* Several at once go past it as well. */
	*event = 6;
	virtq_push(&f.q, 0, 0);
	virtq_push(&f.q, 0, 0);
	virtq_push(&f.q, 0, 0);
	assert_true(virtq_publish(&f.q));
}

static void test_virtq_flag_of_driver_is_honoured(void **state)
{
	struct fixture f;

	(void)state;
	begin_with(&f, false, true);
	assert_true(publish_one(&f));
	f.avail[0] = 1;
	assert_false(publish_one(&f));
	f.avail[0] = 0;
	assert_true(publish_one(&f));
}

/* 2.7.10: the driver notifies when its index passes what we named. */
static void test_virtq_wait_asks_for_the_next_one(void **state)
{
	uint16_t *event;
	struct fixture f;

	(void)state;
	begin(&f);
	event = &f.used[2 + 4 * SIZE];
	f.desc[0] = desc(DATA, 8, VD_WRITE, 0);
	put(&f, 0);
	put(&f, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	/* It is not empty: nobody need notify. */
	assert_false(virtq_wait(&f.q, 0));
	assert_int_equal(*event, 0);
	assert_int_equal(virtq_pop(&f.q, &f.chain, f.err), 1);
	assert_true(virtq_wait(&f.q, 0));
	assert_int_equal(*event, 2);
}

/* Not even what is there is enough: not before there is one more. */
static void test_virtq_wait_can_ask_for_more_than_are_there(void **state)
{
	uint16_t *event;
	struct fixture f;

	(void)state;
	begin(&f);
	event = &f.used[2 + 4 * SIZE];
	f.desc[0] = desc(DATA, 8, VD_WRITE, 0);
	put(&f, 0);
	put(&f, 0);
	assert_false(virtq_wait(&f.q, 0));
	assert_false(virtq_wait(&f.q, 1));
	assert_true(virtq_wait(&f.q, 2));
	assert_int_equal(*event, 2);
	put(&f, 0);
	assert_false(virtq_wait(&f.q, 2));
}

static void test_virtq_copies_span_buffers(void **state)
{
	char a[3], b[5], text[9] = "";
	struct iovec iov[2] = {{a, sizeof(a)}, {b, sizeof(b)}};
	struct iovec *rest = iov;
	unsigned n = 2;

	(void)state;
	assert_int_equal(virtq_copy_in(iov, 2, "abcdefghij", 10), 8);
	assert_int_equal(virtq_copy_out(text, iov, 2, 7), 7);
	assert_string_equal(text, "abcdefg");
	virtq_skip(&rest, &n, 4);
	assert_int_equal(n, 1);
	assert_int_equal(virtq_copy_out(text, rest, n, 10), 4);
	assert_memory_equal(text, "efgh", 4);
	virtq_skip(&rest, &n, 4);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtq_bad_sizes_are_refused),
		cmocka_unit_test(test_virtq_parts_must_be_aligned_and_in_memory),
		cmocka_unit_test(test_virtq_chain_gives_its_buffers),
		cmocka_unit_test(test_virtq_indirect_table_ends_a_chain),
		cmocka_unit_test(test_virtq_full_indirect_table_is_taken),
		cmocka_unit_test(test_virtq_empty_buffers_are_left_out),
		cmocka_unit_test(test_virtq_loop_is_refused),
		cmocka_unit_test(test_virtq_index_beyond_table_is_refused),
		cmocka_unit_test(test_virtq_buffer_outside_memory_is_refused),
		cmocka_unit_test(test_virtq_read_after_write_is_refused),
		cmocka_unit_test(test_virtq_bad_indirect_tables_are_refused),
		cmocka_unit_test(test_virtq_index_that_jumps_is_refused),
		cmocka_unit_test(test_virtq_indices_wrap),
		cmocka_unit_test(test_virtq_used_elements_say_what_was_done),
		cmocka_unit_test(test_virtq_unpopped_chains_come_again),
		cmocka_unit_test(test_virtq_event_index_of_driver_is_honoured),
		cmocka_unit_test(test_virtq_flag_of_driver_is_honoured),
		cmocka_unit_test(test_virtq_wait_asks_for_the_next_one),
		cmocka_unit_test(
			test_virtq_wait_can_ask_for_more_than_are_there),
		cmocka_unit_test(test_virtq_copies_span_buffers),
	};

	return cmocka_run_group_tests_name("virtq", tests, NULL, NULL);
}
