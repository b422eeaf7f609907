/* SPDX-License-Identifier: Apache-2.0 */
/* Reports to test with: a guest's block, whole runs, what is written of them. */
#ifndef TEST_REPORT_FIXTURE_H
#define TEST_REPORT_FIXTURE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

static inline struct disvm_guest_report guest_block(void)
{
	struct disvm_guest_report block = {
		.magic = DISVM_REPORT_MAGIC,
		.version = DISVM_ABI_VERSION,
		.state = DISVM_REPORT_DONE,
		.workload = "sleep:1ms",
		.work = 5000,
		.wakes = 4990,
		.misses = 3,
		.skipped = 2,
		.lateness_max_ns = 31,
		.elapsed_ns = 5000000000,
	};

	block.lateness[20] = 4989;
	block.lateness[31] = 1;
	return block;
}

#define VCPUS_MAX 256

static struct report_vcpu vcpus[VCPUS_MAX];
static struct report_vm vms[VCPUS_MAX];
static const struct dis_core_stats cores[2] = {
	{.charged_ns = 4000000000,
	 .idle_ns = 1000000000,
	 .timer_arms = 10,
	 .kicks_sent = 1},
	{.charged_ns = 4500000000,
	 .idle_ns = 500000000,
	 .timer_arms = 20,
	 .kicks_sent = 2,
	 .ahead_ns = 30000000},
};
static const unsigned cpus[2] = {0, 3};

static inline struct report_vcpu make_vcpu(unsigned index, const char *intent)
{
	struct report_vcpu v = {
		.index = index,
		.intent = dis_intent_default(),
		.state = DIS_STATE_FINISHED,
		.stats = {.cpu_ns = 1000000000,
			  .dispatches = 1234,
			  .preemptions = 56,
			  .throttles = 7,
			  .ahead_ns = 15000000,
			  .early_wakes = 123},
	};
	char err[256];

	if (intent)
		assert_int_equal(dis_intent_parse(intent, &v.intent, err,
						  sizeof(err)),
				 0);
	return v;
}

/* One guest with @n vCPUs; the first is Realtime and has a guest report. */
static inline struct run_report make_report(unsigned n)
{
	struct disvm_guest_report block = guest_block();
	struct run_report report = {
		.host = {.kernel = "6.1.0",
			 .kvm_backend = "kvm_amd",
			 .cpus = {0, 3},
			 .n_cpus = 2,
			 .cpu_list = "0,3",
			 .commit = "abc"},
		.executor = "dis",
		.wall_ns = 5000000000,
		.cpus = cpus,
		.n_cores = 2,
		.cores = cores,
		.user_exits = 777,
		.n_vms = 1,
		.vms = vms,
	};

	for (unsigned i = 0; i < n; i++)
		vcpus[i] = make_vcpu(i, i ? NULL
					  : "realtime:period=10ms,"
					    "wcet=1ms");
	vcpus[0].has_guest = true;
	assert_int_equal(report_guest_read(&block, &vcpus[0].guest), 0);
	vms[0] = (struct report_vm){
		.name = "vm0",
		.state = DIS_STATE_FINISHED,
		.reason = DIS_REASON_STOPPED,
		.n_vcpus = n,
		.vcpus = vcpus,
	};
	return report;
}

/* @n guests with one vCPU each; every third one Failed. */
static inline struct run_report make_many(unsigned n)
{
	struct run_report report = make_report(n);

	report.n_vms = n;
	for (unsigned i = 0; i < n; i++) {
		vms[i] = (struct report_vm){
			.seq = i,
			.state = i % 3 ? DIS_STATE_FINISHED : DIS_STATE_FAILED,
			.reason = i % 3 ? DIS_REASON_STOPPED
					: DIS_REASON_TRIPLE_FAULT,
			.n_vcpus = 1,
			.vcpus = &vcpus[i],
		};
		vcpus[i].index = 0;
		snprintf(vms[i].name, sizeof(vms[i].name), "vm%u", i);
	}
	return report;
}

/* What was written last; free_text() is the teardown of a test that writes. */
static char *text;

static inline int free_text(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static inline void write_report(const struct run_report *report,
				int (*write)(const struct run_report *, FILE *))
{
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(write(report, to), 0);
	fclose(to);
}

static inline json_t *read_json(const struct run_report *report)
{
	json_error_t error;
	json_t *root;

	write_report(report, report_write_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%d:%d: %s", error.line, error.column, error.text);
	return root;
}

/* @path: keys, with a dot between them. */
static inline json_int_t integer(const json_t *object, const char *path)
{
	char key[64];

	while (strchr(path, '.')) {
		size_t length = (size_t)(strchr(path, '.') - path);

		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		object = json_object_get(object, key);
		path += length + 1;
	}
	object = json_object_get(object, path);
	if (!json_is_integer(object))
		fail_msg("%s is missing or no integer", path);
	return json_integer_value(object);
}

#endif
