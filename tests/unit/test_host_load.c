/* SPDX-License-Identifier: Apache-2.0 */
/* The host's load from files like those of /proc (R: DIS-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/host_load.h"

#define START_NS (7 * DIS_S_NS)

static char proc[] = "/tmp/disvm-test-proc-XXXXXX";
static const unsigned cpus[2] = {1, 3};
static struct host_load load;

static const char *const names[] = {"stat", "loadavg", "meminfo",
				    "pressure/memory", "pressure/io"};

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	return path;
}

static int make_proc(void **state)
{
	(void)state;
	strcpy(proc + strlen(proc) - 6, "XXXXXX");
	return !mkdtemp(proc) || mkdir(path_of("pressure"), 0700);
}

static int remove_proc(void **state)
{
	(void)state;
	host_load_close(&load);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(path_of("pressure")) || rmdir(proc);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void open_load(void)
{
	host_load_open(&load, proc, cpus, 2);
}

static void test_load_files_absent_nothing_known(void **state)
{
	struct dis_host_load out, nothing;
	const uint64_t own_ns[2] = {0, 0};

	(void)state;
	memset(&nothing, 0xff, sizeof(nothing));
	open_load();
	host_load_sample(&load, own_ns, START_NS, &out);
	host_load_sample(&load, own_ns, START_NS + DIS_S_NS, &out);
	assert_memory_equal(&out, &nothing, sizeof(out));
}

/* 1 s of 100 ticks: CPU 1 busy for 70, 20 of them ours, 10 stolen. */
static void test_load_two_samples_shares_of_the_time_between(void **state)
{
	uint64_t own_ns[2] = {5 * DIS_S_NS, 0};
	struct dis_host_load out;

	(void)state;
	assert_int_equal(sysconf(_SC_CLK_TCK), 100);
	write_file("stat", "cpu  10 0 0 100 0 0 0 0 0 0\n"
			   "cpu0 0 0 0 0 0 0 0 0 0 0\n"
			   "cpu1 1000 0 0 100 0 0 0 5 0 0\n"
			   "cpu3 0 0 0 0 0 0 0 0 0 0\n"
			   "intr 1 2 3\n");
	open_load();
	host_load_sample(&load, own_ns, START_NS, &out);
	assert_int_equal(out.active_cpus, 3);
	assert_int_equal(out.busy[0], DIS_LOAD_ABSENT);
	assert_int_equal(out.io_wait, DIS_LOAD_ABSENT);
	write_file("stat", "cpu  40 10 5 200 50 3 2 10 0 0\n"
			   "cpu0 0 0 0 0 0 0 0 0 0 0\n"
			   "cpu1 1020 10 35 120 0 3 2 15 0 0\n"
			   "cpu3 0 0 0 100 0 0 0 0 0 0\n");
	own_ns[0] += 200 * DIS_MS_NS;
	host_load_sample(&load, own_ns, START_NS + DIS_S_NS, &out);
	assert_int_equal(out.busy[0], 700);
	assert_int_equal(out.foreign[0], 500 + 100);
	assert_int_equal(out.busy[1], 0);
	assert_int_equal(out.foreign[1], 0);
	assert_int_equal(out.busy[2], DIS_LOAD_ABSENT);
	assert_int_equal(out.io_wait, 50 * 1000 / 210);
}

static void test_load_own_time_unknown_foreign_absent(void **state)
{
	struct dis_host_load out;

	(void)state;
	write_file("stat", "cpu1 0 0 0 0 0 0 0 0\n");
	open_load();
	host_load_sample(&load, NULL, START_NS, &out);
	write_file("stat", "cpu1 50 0 0 50 0 0 0 0\n");
	host_load_sample(&load, NULL, START_NS + DIS_S_NS, &out);
	assert_int_equal(out.busy[0], 500);
	assert_int_equal(out.foreign[0], DIS_LOAD_ABSENT);
}

static void test_load_other_files_queue_memory_pressure(void **state)
{
	struct dis_host_load out;

	(void)state;
	write_file("loadavg", "0.03 0.64 0.85 12/92 11260\n");
	write_file("meminfo", "MemTotal:  1000 kB\nMemFree:  10 kB\n"
			      "MemAvailable:  250 kB\n");
	write_file("pressure/memory",
		   "some avg10=12.34 avg60=0.00 avg300=0.00 total=0\n"
		   "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	write_file("pressure/io", "some avg10=0.09 avg60=0.00 total=0\n");
	open_load();
	host_load_sample(&load, NULL, START_NS, &out);
	assert_int_equal(out.queue_length, 12);
	assert_int_equal(out.memory_used, 750);
	assert_int_equal(out.memory_stall, 123);
	assert_int_equal(out.io_stall, 0);
}

static void test_load_malformed_files_nothing_known(void **state)
{
	struct dis_host_load out, nothing;

	(void)state;
	memset(&nothing, 0xff, sizeof(nothing));
	write_file("stat", "cpu1 1 2\ncpux 1 2 3 4 5 6 7 8\ncpu\n");
	write_file("loadavg", "high\n");
	write_file("meminfo", "MemTotal: 10 kB\nMemAvailable: 20 kB\n");
	write_file("pressure/memory", "some avg10=999.00\n");
	write_file("pressure/io", "");
	open_load();
	host_load_sample(&load, NULL, START_NS, &out);
	host_load_sample(&load, NULL, START_NS + DIS_S_NS, &out);
	assert_memory_equal(&out, &nothing, sizeof(out));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_proc, remove_proc)
	const struct CMUnitTest tests[] = {
		TEST(test_load_files_absent_nothing_known),
		TEST(test_load_two_samples_shares_of_the_time_between),
		TEST(test_load_own_time_unknown_foreign_absent),
		TEST(test_load_other_files_queue_memory_pressure),
		TEST(test_load_malformed_files_nothing_known),
	};

	return cmocka_run_group_tests_name("host_load", tests, NULL, NULL);
}
