/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the reports of guests, in memory that is partly there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include "bench/memory.h"
#include "bench/window.h"

#define BYTES (UINT64_C(8) << 20)
#define FIRST UINT64_C(0x20b000)

static uint8_t *mem;
static struct window_guest guest;

static int begin(void **state)
{
	(void)state;
	mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(mem != MAP_FAILED);
	guest = (struct window_guest){.mem = mem, .bytes = BYTES, .vcpus = 1};
	return 0;
}

static int end(void **state)
{
	(void)state;
	return munmap(mem, BYTES);
}

static void write_report(uint64_t at, unsigned vcpu)
{
	struct disvm_guest_report *report = (void *)(mem + at);

	report->magic = DISVM_REPORT_MAGIC;
	report->version = DISVM_ABI_VERSION;
	report->vcpu = vcpu;
}

static void test_window_guest_without_report_is_not_ready(void **state)
{
	(void)state;
	assert_false(bench_window_ready(&guest));
}

static void test_window_report_is_found_where_it_is(void **state)
{
	(void)state;
	write_report(FIRST, 0);
	assert_true(bench_window_ready(&guest));
	assert_int_equal(guest.report, FIRST);
}

static void test_window_waits_for_reports_of_all_vcpus(void **state)
{
	(void)state;
	guest.vcpus = 3;
	write_report(FIRST, 0);
	write_report(FIRST + 4096, 1);
	assert_false(bench_window_ready(&guest));
	write_report(FIRST + 8192, 2);
	assert_true(bench_window_ready(&guest));
}

static void test_window_report_of_another_vcpu_is_none(void **state)
{
	(void)state;
	write_report(FIRST, 1);
	assert_false(bench_window_ready(&guest));
}

static void test_window_report_of_another_version_is_none(void **state)
{
	(void)state;
	write_report(FIRST, 0);
	((struct disvm_guest_report *)(mem + FIRST))->version++;
	assert_false(bench_window_ready(&guest));
}

/* Density counts the pages of guests: looking must make none. */
static void test_window_looking_touches_no_page(void **state)
{
	(void)state;
	mem[FIRST - 4096] = 1;
	for (unsigned i = 0; i < 3; i++)
		bench_window_ready(&guest);
	assert_int_equal(bench_memory_resident(mem, BYTES), 4096);
}

static void test_window_vcpus_beyond_memory_are_never_ready(void **state)
{
	(void)state;
	guest.vcpus = 2;
	guest.bytes = FIRST + 4096;
	guest.report = FIRST;
	assert_false(bench_window_ready(&guest));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_window_guest_without_report_is_not_ready),
		TEST(test_window_report_is_found_where_it_is),
		TEST(test_window_waits_for_reports_of_all_vcpus),
		TEST(test_window_report_of_another_vcpu_is_none),
		TEST(test_window_report_of_another_version_is_none),
		TEST(test_window_looking_touches_no_page),
		TEST(test_window_vcpus_beyond_memory_are_never_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
