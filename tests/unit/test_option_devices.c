/* SPDX-License-Identifier: Apache-2.0 */
/* Options of devices and of their limits (R: CARD-11, DIS-6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/option_limits.h"
#include "cli/options.h"

static struct run_options options;
static char err[512];

static int parse(const char *line)
{
	char copy[1024], *argv[32] = {"run", "--kernel", "k"};
	char *rest = copy, *word;
	int argc = 3;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		argv[argc++] = word;
	err[0] = '\0';
	return run_options_parse(argc, argv, &options, err, sizeof(err));
}

static void accept(const char *line)
{
	if (parse(line))
		fail_msg("%s: %s", line, err);
}

static void refuse(const char *line, const char *why)
{
	assert_int_equal(parse(line), -EINVAL);
	assert_string_equal(err, why);
}

static int release(void **state)
{
	(void)state;
	run_options_free(&options);
	return 0;
}

static void test_option_devices_none_by_default(void **state)
{
	(void)state;
	accept("--vcpus 2");
	assert_int_equal(options.n_disks, 0);
	assert_int_equal(options.n_nets, 0);
	assert_false(options.entropy);
	assert_int_equal(options.console, RUN_OUTPUT_NONE);
	assert_int_equal(options.io_priority, -1);
	assert_int_equal(options.net_priority, -1);
	assert_int_equal(options.io_bandwidth, 0);
}

static void test_option_disk_is_taken_in_order(void **state)
{
	(void)state;
	accept("--disk a.img --disk /b,c.img,ro --disk d,rw");
	assert_int_equal(options.n_disks, 3);
	assert_string_equal(options.disks[0].path, "a.img");
	assert_false(options.disks[0].read_only);
	assert_string_equal(options.disks[1].path, "/b,c.img");
	assert_true(options.disks[1].read_only);
	assert_string_equal(options.disks[2].path, "d,rw");
}

static void test_option_disk_without_name_is_refused(void **state)
{
	(void)state;
	refuse("--disk ,ro", "--disk: the file name is empty");
}

static void test_option_net_takes_tap_and_address(void **state)
{
	static const uint8_t mac[6] = {0x52, 0x54, 0xab, 0xCD, 0x0e, 0xf0};

	(void)state;
	accept("--net tap=t0 --net mac=52:54:aB:Cd:0e:F0,tap=t1");
	assert_int_equal(options.n_nets, 2);
	assert_string_equal(options.nets[0].tap, "t0");
	assert_false(options.nets[0].has_mac);
	assert_string_equal(options.nets[1].tap, "t1");
	assert_true(options.nets[1].has_mac);
	assert_memory_equal(options.nets[1].mac, mac, 6);
}

static void test_option_net_wrong_address_is_refused(void **state)
{
	static const char *const wrong[] = {
		"52:54:00:00:00",    "52:54:00:00:00:0",
		"52:54:00:00:00:0g", "52:54:00:00:00:001",
		"52-54-00-00-00-01", "53:54:00:00:00:01",
		"00:00:00:00:00:00", "",
		"ff:ff:ff:ff:ff:ff", "5254:00:00:00:01:"};
	char line[128], why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "--net tap=t0,mac=%s", wrong[i]);
		snprintf(why, sizeof(why),
			 "--net: '%s' is not the address of a station like "
			 "52:54:00:12:34:56",
			 wrong[i]);
		refuse(line, why);
	}
}

static void test_option_net_wrong_words_are_refused(void **state)
{
	(void)state;
	refuse("--net t0", "--net: 't0' is not tap=NAME or mac=ADDRESS");
	refuse("--net tap=", "--net: 'tap=' is not tap=NAME or mac=ADDRESS");
	refuse("--net tap=t0,", "--net: '' is not tap=NAME or mac=ADDRESS");
	refuse("--net mac=52:54:00:00:00:01", "--net: tap=NAME is missing");
}

static void test_option_console_and_entropy_are_taken(void **state)
{
	(void)state;
	accept("--console file:c.txt --entropy on");
	assert_int_equal(options.console, RUN_OUTPUT_FILE);
	assert_string_equal(options.console_path, "c.txt");
	assert_true(options.entropy);
	run_options_free(&options);
	refuse("--entropy 1", "--entropy: '1' is unknown (there is: off, on)");
	refuse("--console pty", "--console: 'pty' is not stdio, none or "
				"file:PATH");
	refuse("--console file:s --serial file:s",
	       "--console and --serial are the same file");
}

static void test_option_devices_too_many_are_refused(void **state)
{
	(void)state;
	accept("--disk 1 --disk 2 --disk 3 --disk 4 --net tap=a --net tap=b "
	       "--console stdio --entropy on");
	run_options_free(&options);
	refuse("--disk 1 --disk 2 --disk 3 --disk 4 --disk 5 --net tap=a "
	       "--net tap=b --console stdio --entropy on",
	       "disks, networks, console and entropy: 9 devices, at most 8 are "
	       "possible");
	refuse("--disk 1 --disk 2 --disk 3 --disk 4 --disk 5 --disk 6 --disk 7 "
	       "--disk 8 --disk 9",
	       "--disk: there are 8 of them already");
}

static void test_option_devices_of_one_are_not_for_copies(void **state)
{
	(void)state;
	accept("--copies 5 --disk a,ro --entropy on");
	run_options_free(&options);
	refuse("--copies 5 --disk a,ro --disk b",
	       "--disk b: 5 copies would write it; they can have it as b,ro");
	refuse("--copies 5 --net tap=t0",
	       "--net tap=t0: a tap is for one guest, not for 5 copies");
}

static void test_option_limits_of_devices_are_taken(void **state)
{
	(void)state;
	accept("--disk a --net tap=t --io-bandwidth 10M --io-priority 0 "
	       "--net-priority 7");
	assert_int_equal(options.io_bandwidth, 10u << 20);
	assert_int_equal(options.io_priority, 0);
	assert_int_equal(options.net_priority, 7);
	assert_int_equal(run_limits_refuse(&options, err, sizeof(err)), 0);
	run_options_free(&options);
	refuse("--io-priority 8",
	       "--io-priority: '8' is not a number from 0 to 7");
	refuse("--io-bandwidth 0",
	       "--io-bandwidth: '0' is not a size like 4096, 64M or 2G");
}

static void test_option_limits_without_device_are_refused(void **state)
{
	(void)state;
	accept("--net tap=t --io-bandwidth 1");
	assert_int_equal(run_limits_refuse(&options, err, sizeof(err)), 0);
	run_options_free(&options);
	accept("--net tap=t --io-priority 1");
	assert_int_equal(run_limits_refuse(&options, err, sizeof(err)), -EPERM);
	assert_string_equal(err, "--io-priority: not supported: the guests "
				 "have no disk");
	run_options_free(&options);
	accept("--disk a --net-priority 1");
	assert_int_equal(run_limits_refuse(&options, err, sizeof(err)), -EPERM);
	run_options_free(&options);
	accept("--entropy on --io-bandwidth 1M");
	assert_int_equal(run_limits_refuse(&options, err, sizeof(err)), -EPERM);
}

#define T(name) cmocka_unit_test_teardown(name, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_option_devices_none_by_default),
		T(test_option_disk_is_taken_in_order),
		T(test_option_disk_without_name_is_refused),
		T(test_option_net_takes_tap_and_address),
		T(test_option_net_wrong_address_is_refused),
		T(test_option_net_wrong_words_are_refused),
		T(test_option_console_and_entropy_are_taken),
		T(test_option_devices_too_many_are_refused),
		T(test_option_devices_of_one_are_not_for_copies),
		T(test_option_limits_of_devices_are_taken),
		T(test_option_limits_without_device_are_refused),
	};

	return cmocka_run_group_tests_name("option-devices", tests, NULL, NULL);
}
