/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `disvm run`: what each line of arguments means, or why not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option_table.h"
#include "cli/options.h"

#define ARGS_MAX 64

static struct run_options options;
static char err[1024];

/* Arguments separated by single spaces; "run" stands in front of them. */
static int parse(const char *line)
{
	char copy[1024], *argv[ARGS_MAX] = {"run"}, *rest = copy, *word;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	err[0] = '\0';
	return run_options_parse(argc, argv, &options, err, sizeof(err));
}

/* "--kernel k" and @line are right. */
static void accept(const char *line)
{
	char full[1024];
	int ret;

	snprintf(full, sizeof(full), "--kernel k %s", line);
	ret = parse(full);
	if (ret)
		print_error("%s: %s\n", line, err);
	assert_int_equal(ret, 0);
}

/* "--kernel k" and @line are wrong for the reason @why. */
static void refuse(const char *line, const char *why)
{
	char full[1024];

	snprintf(full, sizeof(full), "--kernel k %s", line);
	assert_int_equal(parse(full), -EINVAL);
	assert_string_equal(err, why);
}

static int release(void **state)
{
	(void)state;
	run_options_free(&options);
	return 0;
}

static void test_options_kernel_alone_defaults(void **state)
{
	(void)state;
	accept("");
	assert_string_equal(options.kernel, "k");
	assert_null(options.initrd);
	assert_string_equal(options.cmdline, "");
	assert_int_equal(options.vcpus, 1);
	assert_int_equal(options.mem_bytes, 32 << 20);
	assert_int_equal(options.copies, 1);
	assert_int_equal(options.quantum_ns, 5 * DIS_MS_NS); /* R: BUD-1 */
	assert_int_equal(options.executor, RUN_EXECUTOR_DIS);
	assert_int_equal(options.irqchip, RUN_IRQCHIP_USER);
	assert_true(options.time_limit_ns == DIS_NEVER_NS);
	assert_int_equal(options.serial, RUN_OUTPUT_STDIO);
	assert_false(options.report_json);
	assert_null(options.report_path);
	assert_null(options.trace_path);
	assert_true(options.n_cpus >= 1);
	assert_false(options.intents[0].declared);
	assert_false(options.fixed_slices);
	assert_false(options.counters);
	assert_string_equal(options.tenant, DIS_TENANT_DEFAULT);
	for (unsigned i = 0; i < DIS_CLASSES; i++)
		assert_null(options.policy[i]);
}

static void test_options_all_given_all_taken(void **state)
{
	(void)state;
	accept("--initrd=i --cmdline work=hog --vcpus 8 --mem 64M --copies 3 "
	       "--quantum 200us --policy batch=rr --slab-vms 5 --slab-vcpus 50 "
	       "--slab-mem 1G --executor dis --irqchip user --time-limit 5s "
	       "--serial file:s --report r.json --trace t.json "
	       "--slices fixed --counters on --tenant blue");
	assert_true(options.fixed_slices);
	assert_true(options.counters);
	assert_string_equal(options.tenant, "blue");
	assert_string_equal(options.initrd, "i");
	assert_string_equal(options.cmdline, "work=hog");
	assert_int_equal(options.vcpus, 8);
	assert_int_equal(options.mem_bytes, 64 << 20);
	assert_int_equal(options.copies, 3);
	assert_int_equal(options.quantum_ns, 200 * DIS_US_NS);
	assert_ptr_equal(options.policy[DIS_CLASS_BATCH], dis_policy_find("rr"));
	assert_int_equal(options.slab_vms, 5);
	assert_int_equal(options.slab_vcpus, 50);
	assert_int_equal(options.slab_mem_bytes, 1 << 30);
	assert_int_equal(options.time_limit_ns, 5 * DIS_S_NS);
	assert_int_equal(options.serial, RUN_OUTPUT_FILE);
	assert_string_equal(options.serial_path, "s");
	assert_true(options.report_json);
	assert_string_equal(options.report_path, "r.json");
	assert_string_equal(options.trace_path, "t.json");
}

static void test_options_slab_not_given_what_copies_need(void **state)
{
	(void)state;
	accept("--copies 3 --vcpus 2 --mem 1M");
	assert_int_equal(options.slab_vms, 3);
	assert_int_equal(options.slab_vcpus, 6);
	assert_int_equal(options.slab_mem_bytes, 3 << 20);
}

/* A slab smaller than the copies is a refusal of the spawn, not bad usage. */
static void test_options_slab_smaller_than_copies_accepted(void **state)
{
	(void)state;
	accept("--slab-vms 1 --copies 2");
	assert_int_equal(options.slab_vms, 1);
}

static void test_options_given_twice_last_one_counts(void **state)
{
	(void)state;
	accept("--vcpus 2 --vcpus 4 --serial file:x --serial none "
	       "--report a.json --report text");
	assert_int_equal(options.vcpus, 4);
	assert_int_equal(options.serial, RUN_OUTPUT_NONE);
	assert_null(options.serial_path);
	assert_null(options.report_path);
	assert_false(options.report_json);
}

/* R: CARD-3 */
static void test_options_intent_for_some_vcpus_others_undeclared(void **state)
{
	(void)state;
	accept("--vcpus 8 --intent 0=realtime:period=10ms,wcet=1ms "
	       "--intent 1-2,4=interactive");
	assert_int_equal(options.intents[0].klass, DIS_CLASS_REALTIME);
	assert_int_equal(options.intents[1].klass, DIS_CLASS_INTERACTIVE);
	assert_int_equal(options.intents[2].klass, DIS_CLASS_INTERACTIVE);
	assert_false(options.intents[3].declared);
	assert_int_equal(options.intents[4].klass, DIS_CLASS_INTERACTIVE);
	assert_false(options.intents[7].declared);
}

static void test_options_intent_without_list_all_vcpus(void **state)
{
	(void)state;
	accept("--vcpus 3 --intent realtime:period=10ms,wcet=1ms");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(options.intents[i].klass, DIS_CLASS_REALTIME);
}

static void test_options_intent_later_one_wins(void **state)
{
	(void)state;
	accept("--vcpus 3 --intent background --intent 1=system "
	       "--intent 1-2=batch");
	assert_int_equal(options.intents[0].klass, DIS_CLASS_BACKGROUND);
	assert_int_equal(options.intents[1].klass, DIS_CLASS_BATCH);
	assert_int_equal(options.intents[2].klass, DIS_CLASS_BATCH);
}

/* R: DIS-7 */
static void test_options_intent_invalid_refused(void **state)
{
	(void)state;
	refuse("--intent realtime:period=10ms,deadline=10ms,wcet=20ms",
	       "--intent: intent 'realtime:period=10ms,deadline=10ms,"
	       "wcet=20ms': wcet 20ms is longer than deadline 10ms");
	refuse("--vcpus 2 --intent 2=batch",
	       "intent '2=batch': there is no vCPU 2 (vcpus is 2)");
	refuse("--intent 256=batch", "--intent: '256' names a vCPU beyond 255");
	refuse("--intent =batch",
	       "--intent: '' is not a list of vCPUs like 0-3,8");
	refuse("--cpus 0 --intent batch:cores=1",
	       "intent 'batch:cores=1': cores: core 1 is not in the pool (of 1 "
	       "cores)");
}

static void test_options_number_out_of_range_refused(void **state)
{
	(void)state;
	refuse("--vcpus 0", "--vcpus: '0' is not a number from 1 to 256");
	refuse("--vcpus 100000",
	       "--vcpus: '100000' is not a number from 1 to 256");
	refuse("--copies 0", "--copies: '0' is not a number from 1 to 100000");
	refuse("--slab-vms x",
	       "--slab-vms: 'x' is not a number from 1 to 100000");
}

static void test_options_mem_wrong_refused(void **state)
{
	(void)state;
	refuse("--mem 64", "--mem: 64 is not from 1048576 to 1099511627776 "
			   "bytes");
	refuse("--mem 2T", "--mem: 2T is not from 1048576 to 1099511627776 "
			   "bytes");
	refuse("--mem 1048577", "--mem: 1048577 is not a multiple of 4 KiB");
	refuse("--mem 64MB", "--mem: '64MB' is not a size like 4096, 64M or 2G");
	refuse("--mem 99999999999999999999",
	       "--mem: 99999999999999999999 is not from 1048576 to "
	       "1099511627776 bytes");
}

static void test_options_duration_wrong_refused(void **state)
{
	(void)state;
	refuse("--quantum 99us", "--quantum: 99us is shorter than 100us");
	refuse("--slices long", "--slices: 'long' is unknown (there is: "
				"adaptive, fixed)");
	refuse("--counters yes", "--counters: 'yes' is unknown (there is: "
				 "off, on)");
	refuse("--tenant 12345678901234567890123456789012",
	       "--tenant: '12345678901234567890123456789012' is not 1 to 31 "
	       "printable characters without space, quote and backslash");
	refuse("--quantum 11s", "--quantum: 11s is longer than 10s");
	refuse("--quantum 5", "--quantum: '5' is not a duration like 250us, "
			      "5ms or 1s");
	refuse("--time-limit 0", "--time-limit: 0 is shorter than 1ms");
}

static void test_options_word_unknown_refused_with_choice(void **state)
{
	(void)state;
	refuse("--executor fast",
	       "--executor: 'fast' is unknown (there is: dis, threads)");
	refuse("--irqchip split",
	       "--irqchip: 'split' is unknown (there is: user, kernel)");
	refuse("--serial tty",
	       "--serial: 'tty' is not stdio, none or file:PATH");
	refuse("--serial file:", "--serial: the file name is empty");
	refuse("--report jsn", "--report: 'jsn' is not text, json or a file "
			       "name that ends in .json");
	refuse("--policy batch=lottery",
	       "policy of batch: 'lottery' is unknown (there is: rr, priority, edf, "
	       "fair)");
	refuse("--policy bat=rr",
	       "--policy: 'bat' is unknown (there is: system, realtime, "
	       "interactive, batch, background)");
	refuse("--policy rr", "--policy: 'rr' is not CLASS=NAME, e.g. "
			      "batch=rr");
}

static void test_options_contradictory_refused(void **state)
{
	(void)state;
	refuse("--irqchip kernel",
	       "--irqchip kernel needs --executor threads: dis must see every "
	       "interrupt");
	refuse("--executor threads --quantum 5ms",
	       "--quantum has no effect with --executor threads: the host's "
	       "kernel schedules");
	refuse("--executor threads --slices fixed",
	       "--slices has no effect with --executor threads: the host's "
	       "kernel schedules");
	refuse("--executor threads --policy batch=rr",
	       "--policy has no effect with --executor threads: the host's "
	       "kernel schedules");
	refuse("--trace a.json --report a.json",
	       "--trace and --report are the same file");
	refuse("--trace a.json --serial file:a.json",
	       "--trace and --serial are the same file");
	refuse("--report a.json --serial file:a.json",
	       "--report and --serial are the same file");
}

static void test_options_irqchip_kernel_with_threads_accepted(void **state)
{
	(void)state;
	accept("--executor threads --irqchip kernel");
	assert_int_equal(options.irqchip, RUN_IRQCHIP_KERNEL);
}

static void test_options_kernel_missing_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("--vcpus 2"), -EINVAL);
	assert_string_equal(
		err, "--kernel FILE is missing, or --disk FILE to boot from");
}

static void test_options_firmware_instead_of_kernel_accepted(void **state)
{
	(void)state;
	assert_int_equal(parse("--firmware b.bin --firmware-log on --disk a,ro "
			       "--disk b"),
			 0);
	assert_string_equal(options.firmware, "b.bin");
	assert_null(options.kernel);
	assert_true(options.firmware_log);
	run_options_free(&options);
}

static void test_options_disk_alone_boots_by_seabios(void **state)
{
	(void)state;
	assert_int_equal(parse("--disk a"), 0);
	assert_null(options.kernel);
	assert_string_equal(options.firmware,
			    "/usr/share/seabios/bios-256k.bin");
	run_options_free(&options);
	/* Who meant a kernel gets no firmware. */
	assert_int_equal(parse("--disk a --initrd b"), -EINVAL);
	assert_string_equal(
		err, "--kernel FILE is missing, or --disk FILE to boot from");
}

static void test_options_firmware_with_what_is_a_kernels_refused(void **state)
{
	static const char *const of_kernels[] = {"--initrd x", "--cmdline x",
						 "--dtb x", "--dtb-overlay x",
						 "--dump-dtb x"};
	char line[128];

	(void)state;
	refuse("--firmware b.bin",
	       "--kernel and --firmware: a guest starts with one of them");
	for (unsigned i = 0; i < sizeof(of_kernels) / sizeof(of_kernels[0]);
	     i++) {
		snprintf(line, sizeof(line), "--firmware b.bin %s",
			 of_kernels[i]);
		assert_int_equal(parse(line), -EINVAL);
		assert_non_null(strstr(err, " has no effect with --firmware"));
	}
	refuse("--firmware-log on",
	       "--firmware-log has no effect without --firmware");
}

static void test_options_firmware_with_what_it_cannot_drive_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("--firmware b --disk a --disk b --disk c"),
			 -EINVAL);
	assert_string_equal(err, "3 disks: firmware can drive 2");
	assert_int_equal(
		parse("--firmware b --executor threads --irqchip kernel"),
		-EINVAL);
	assert_non_null(strstr(err, "--irqchip kernel is not possible"));
}

static void test_options_unknown_option_refused(void **state)
{
	(void)state;
	refuse("--firm x", "unknown option '--firm' (see disvm run --help)");
	refuse("-v", "unknown option '-v' (see disvm run --help)");
	refuse("--nope=3", "unknown option '--nope=3' (see disvm run --help)");
}

/* An abbreviation would become ambiguous with the next option. */
static void test_options_abbreviation_refused(void **state)
{
	(void)state;
	refuse("--vcpu 2", "unknown option '--vcpu' (see disvm run --help)");
	refuse("--slab 2", "unknown option '--slab' (see disvm run --help)");
}

static void test_options_argument_missing_refused(void **state)
{
	(void)state;
	refuse("--vcpus", "--vcpus needs an argument");
}

static void test_options_argument_extra_refused(void **state)
{
	(void)state;
	refuse("image.elf", "unexpected argument 'image.elf' (see disvm run "
			    "--help)");
	refuse("-- --vcpus 2",
	       "unexpected argument '--vcpus' (see disvm run --help)");
	refuse("--help=all", "--help takes no argument");
}

static void test_options_help_needs_no_kernel(void **state)
{
	(void)state;
	assert_int_equal(parse("--help"), 0);
	assert_true(options.help);
}

static void test_options_help_lists_every_option(void **state)
{
	char *text = NULL, name[64];
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	assert_non_null(to);
	run_options_help(to);
	fclose(to);
	for (size_t i = 0; i < option_row_count; i++) {
		snprintf(name, sizeof(name), "\n  --%s", option_rows[i].name);
		assert_non_null(strstr(text, name));
	}
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		assert_true(strcspn(line, "\n") < 80);
	}
	free(text);
}

static char *read_manual(void)
{
	const char *root = getenv("DISVM_ROOT");
	static char text[64 * 1024];
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/vmm/cli/disvm-run.1",
		 root ? root : ".");
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void test_options_manual_page_explains_every_option(void **state)
{
	const char *manual = read_manual();
	char item[64];

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		bool last = !option_rows[i].argument;

		snprintf(item, sizeof(item), "\n.It Fl -%s%s",
			 option_rows[i].name, last ? "\n" : " ");
		if (!strstr(manual, item))
			fail_msg("disvm-run.1 lacks --%s", option_rows[i].name);
	}
}

static void test_options_manual_page_has_no_option_but_those(void **state)
{
	const char *manual = read_manual();

	(void)state;
	while ((manual = strstr(manual, "\n.It Fl -"))) {
		char name[32] = "";

		manual += strlen("\n.It Fl -");
		sscanf(manual, "%31[a-z-]", name);
		if (!option_find(name))
			fail_msg("disvm-run.1 explains --%s", name);
	}
}

#define OPTIONS_TEST(test) cmocka_unit_test_teardown(test, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPTIONS_TEST(test_options_kernel_alone_defaults),
		OPTIONS_TEST(test_options_all_given_all_taken),
		OPTIONS_TEST(test_options_slab_not_given_what_copies_need),
		OPTIONS_TEST(test_options_slab_smaller_than_copies_accepted),
		OPTIONS_TEST(test_options_given_twice_last_one_counts),
		OPTIONS_TEST(
			test_options_intent_for_some_vcpus_others_undeclared),
		OPTIONS_TEST(test_options_intent_without_list_all_vcpus),
		OPTIONS_TEST(test_options_intent_later_one_wins),
		OPTIONS_TEST(test_options_intent_invalid_refused),
		OPTIONS_TEST(test_options_number_out_of_range_refused),
		OPTIONS_TEST(test_options_mem_wrong_refused),
		OPTIONS_TEST(test_options_duration_wrong_refused),
		OPTIONS_TEST(test_options_word_unknown_refused_with_choice),
		OPTIONS_TEST(test_options_contradictory_refused),
		OPTIONS_TEST(test_options_irqchip_kernel_with_threads_accepted),
		OPTIONS_TEST(test_options_kernel_missing_refused),
		OPTIONS_TEST(test_options_firmware_instead_of_kernel_accepted),
		OPTIONS_TEST(test_options_disk_alone_boots_by_seabios),
		OPTIONS_TEST(
			test_options_firmware_with_what_is_a_kernels_refused),
		OPTIONS_TEST(
			test_options_firmware_with_what_it_cannot_drive_refused),
		OPTIONS_TEST(test_options_unknown_option_refused),
		OPTIONS_TEST(test_options_abbreviation_refused),
		OPTIONS_TEST(test_options_argument_missing_refused),
		OPTIONS_TEST(test_options_argument_extra_refused),
		OPTIONS_TEST(test_options_help_needs_no_kernel),
		cmocka_unit_test(test_options_help_lists_every_option),
		cmocka_unit_test(test_options_manual_page_explains_every_option),
		cmocka_unit_test(
			test_options_manual_page_has_no_option_but_those),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
