/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-physical addresses to host memory: the edges of RAM and hole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "kvm/guest_mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SMALL_BYTES UINT64_C(0x3000)
#define HIGH_BYTES UINT64_C(0x2000)

static struct guest_mem small;
static struct guest_mem large; /* 3 GiB and HIGH_BYTES above 4 GiB */

static int map(struct guest_mem *mem, uint64_t size_bytes)
{
	void *base = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -1;
	mem->base = base;
	mem->size_bytes = size_bytes;
	return 0;
}

static int map_both(void **state)
{
	(void)state;
	if (map(&small, SMALL_BYTES))
		return -1;
	return map(&large, GUEST_MEM_LOW_MAX + HIGH_BYTES);
}

static int unmap_both(void **state)
{
	(void)state;
	return munmap(small.base, small.size_bytes) |
	       munmap(large.base, large.size_bytes);
}

static void test_guest_mem_low_bytes_of_small_is_all(void **state)
{
	(void)state;
	assert_int_equal(guest_mem_low_bytes(&small), SMALL_BYTES);
}

static void test_guest_mem_low_bytes_of_3g_is_all(void **state)
{
	const struct guest_mem mem = {.size_bytes = GUEST_MEM_LOW_MAX};

	(void)state;
	assert_int_equal(guest_mem_low_bytes(&mem), GUEST_MEM_LOW_MAX);
}

static void test_guest_mem_low_bytes_of_large_is_3g(void **state)
{
	(void)state;
	assert_int_equal(guest_mem_low_bytes(&large), GUEST_MEM_LOW_MAX);
}

static void test_guest_mem_ptr_whole_low_part_found(void **state)
{
	(void)state;
	assert_ptr_equal(guest_mem_ptr(&small, 0, SMALL_BYTES), small.base);
	assert_ptr_equal(guest_mem_ptr(&large, 0, GUEST_MEM_LOW_MAX),
			 large.base);
}

static void test_guest_mem_ptr_last_byte_found(void **state)
{
	(void)state;
	assert_ptr_equal(guest_mem_ptr(&small, SMALL_BYTES - 1, 1),
			 small.base + SMALL_BYTES - 1);
}

static void test_guest_mem_ptr_first_byte_behind_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&small, SMALL_BYTES, 1));
	assert_null(guest_mem_ptr(&large, GUEST_MEM_LOW_MAX, 1));
}

static void test_guest_mem_ptr_one_byte_too_long_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&small, 0, SMALL_BYTES + 1));
	assert_null(guest_mem_ptr(&small, SMALL_BYTES - 1, 2));
}

static void test_guest_mem_ptr_length_wraps_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&small, 0x1000, UINT64_MAX));
	assert_null(guest_mem_ptr(&small, 0x1000, UINT64_MAX - 0xfff));
	assert_null(guest_mem_ptr(&small, UINT64_MAX, 2));
}

static void test_guest_mem_ptr_address_absurd_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&large, UINT64_MAX, 1));
	assert_null(guest_mem_ptr(&large, UINT64_MAX, 0));
}

static void test_guest_mem_ptr_hole_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&large, UINT64_C(0xfee00000), 4));
	assert_null(guest_mem_ptr(&large, GUEST_MEM_HIGH_GPA - 1, 1));
}

/* Adjacent in host memory, but not for the guest. */
static void test_guest_mem_ptr_across_low_end_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&large, GUEST_MEM_LOW_MAX - 1, 2));
}

static void test_guest_mem_ptr_across_hole_refused(void **state)
{
	uint64_t span = GUEST_MEM_HIGH_GPA - GUEST_MEM_LOW_MAX;

	(void)state;
	assert_null(guest_mem_ptr(&large, GUEST_MEM_LOW_MAX - 1, span + 2));
	assert_null(guest_mem_ptr(&large, GUEST_MEM_HIGH_GPA - 1, 2));
}

static void test_guest_mem_ptr_whole_high_part_found(void **state)
{
	(void)state;
	assert_ptr_equal(guest_mem_ptr(&large, GUEST_MEM_HIGH_GPA, HIGH_BYTES),
			 large.base + GUEST_MEM_LOW_MAX);
	assert_ptr_equal(guest_mem_ptr(&large,
				       GUEST_MEM_HIGH_GPA + HIGH_BYTES - 1, 1),
			 large.base + GUEST_MEM_LOW_MAX + HIGH_BYTES - 1);
}

static void test_guest_mem_ptr_behind_high_part_refused(void **state)
{
	uint64_t end = GUEST_MEM_HIGH_GPA + HIGH_BYTES;

	(void)state;
	assert_null(guest_mem_ptr(&large, end, 1));
	assert_null(guest_mem_ptr(&large, end - 1, 2));
	assert_null(guest_mem_ptr(&large, GUEST_MEM_HIGH_GPA, HIGH_BYTES + 1));
	assert_null(guest_mem_ptr(&large, end + 1, 0));
}

static void test_guest_mem_ptr_high_address_of_small_refused(void **state)
{
	(void)state;
	assert_null(guest_mem_ptr(&small, GUEST_MEM_HIGH_GPA, 1));
}

static void test_guest_mem_ptr_length_zero_within_ram_found(void **state)
{
	(void)state;
	assert_ptr_equal(guest_mem_ptr(&small, 0x1000, 0), small.base + 0x1000);
	assert_null(guest_mem_ptr(&small, SMALL_BYTES + 1, 0));
}

static void test_guest_mem_write_then_read_gives_the_same(void **state)
{
	const char text[] = "copied once";
	char back[sizeof(text)];

	(void)state;
	assert_int_equal(guest_mem_write(&large, GUEST_MEM_HIGH_GPA + 5, text,
					 sizeof(text)),
			 0);
	assert_int_equal(guest_mem_read(&large, GUEST_MEM_HIGH_GPA + 5, back,
					sizeof(back)),
			 0);
	assert_string_equal(back, text);
}

static void test_guest_mem_write_outside_changes_nothing(void **state)
{
	const uint8_t bytes[4] = {1, 2, 3, 4};

	(void)state;
	assert_int_equal(guest_mem_write(&small, SMALL_BYTES - 2, bytes,
					 sizeof(bytes)),
			 -EFAULT);
	assert_int_equal(small.base[SMALL_BYTES - 2], 0);
	assert_int_equal(small.base[SMALL_BYTES - 1], 0);
}

static void test_guest_mem_read_outside_changes_nothing(void **state)
{
	uint8_t bytes[4] = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(guest_mem_read(&small, SMALL_BYTES - 2, bytes,
					sizeof(bytes)),
			 -EFAULT);
	assert_int_equal(bytes[0], 9);
	assert_int_equal(bytes[3], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_mem_low_bytes_of_small_is_all),
		cmocka_unit_test(test_guest_mem_low_bytes_of_3g_is_all),
		cmocka_unit_test(test_guest_mem_low_bytes_of_large_is_3g),
		cmocka_unit_test(test_guest_mem_ptr_whole_low_part_found),
		cmocka_unit_test(test_guest_mem_ptr_last_byte_found),
		cmocka_unit_test(test_guest_mem_ptr_first_byte_behind_refused),
		cmocka_unit_test(test_guest_mem_ptr_one_byte_too_long_refused),
		cmocka_unit_test(test_guest_mem_ptr_length_wraps_refused),
		cmocka_unit_test(test_guest_mem_ptr_address_absurd_refused),
		cmocka_unit_test(test_guest_mem_ptr_hole_refused),
		cmocka_unit_test(test_guest_mem_ptr_across_low_end_refused),
		cmocka_unit_test(test_guest_mem_ptr_across_hole_refused),
		cmocka_unit_test(test_guest_mem_ptr_whole_high_part_found),
		cmocka_unit_test(test_guest_mem_ptr_behind_high_part_refused),
		cmocka_unit_test(
			test_guest_mem_ptr_high_address_of_small_refused),
		cmocka_unit_test(
			test_guest_mem_ptr_length_zero_within_ram_found),
		cmocka_unit_test(test_guest_mem_write_then_read_gives_the_same),
		cmocka_unit_test(test_guest_mem_write_outside_changes_nothing),
		cmocka_unit_test(test_guest_mem_read_outside_changes_nothing),
	};

	return cmocka_run_group_tests_name("guest memory", tests, map_both,
					   unmap_both);
}
