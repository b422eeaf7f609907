/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the control interface, and what comes of them (ctl/ctl.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "ctl/ctl.h"
#include "lib/world.h"

#define MS DIS_MS_NS

/* One VM "vm" of two hogs on two cores, and what was answered last. */
struct bed {
	struct world *w;
	dis_id vm;
	struct ctl_pool pool;
	struct ctl_reply reply;
	struct machine_io_limits io; /* as they were last set */
	unsigned io_sets;
};

static void set_io(void *ctx, unsigned vm,
		   const struct machine_io_limits *limits)
{
	struct bed *bed = ctx;

	assert_int_equal(vm, 0);
	bed->io = *limits;
	bed->io_sets++;
}

static int write_report(void *ctx, FILE *to)
{
	(void)ctx;
	fputs("{\"schema\":\"of the test\"}", to);
	return 0;
}

static int open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};

	assert_non_null(bed);
	bed->w = world_open_cores(2);
	bed->vm = world_vm(bed->w, roles, 2);
	bed->pool = (struct ctl_pool){
		.dom = bed->w->dom,
		.vms = &bed->vm,
		.n_vms = 1,
		.n_disks = 1,
		.n_nets = 1,
		.set_io = set_io,
		.report = write_report,
		.ctx = bed,
	};
	world_run(bed->w, MS);
	*state = bed;
	return 0;
}

static int close_bed(void **state)
{
	struct bed *bed = *state;

	free(bed->reply.text);
	world_close(bed->w);
	free(bed);
	return 0;
}

/* Return: the status. */
static unsigned ask(struct bed *bed, const char *method, const char *path,
		    const char *body)
{
	const struct ctl_request request = {
		.method = method,
		.path = path,
		.body = body,
		.body_size = body ? strlen(body) : 0,
	};

	free(bed->reply.text);
	assert_int_equal(ctl_handle(&bed->pool, &request, &bed->reply), 0);
	world_settle(bed->w);
	dis_domain_check(bed->w->dom);
	return bed->reply.status;
}

static void assert_answered(const struct bed *bed, const char *part)
{
	if (!bed->reply.text || !strstr(bed->reply.text, part))
		fail_msg("'%s' is not in: %s", part, bed->reply.text);
}

static struct dis_intent intent_of(const struct bed *bed, unsigned vcpu)
{
	return dis_vcpu_intent(world_vcpu(bed->w, bed->vm, vcpu)->vcpu);
}

/* R: DIS-17: state, intent and figures of each vCPU. */
static void test_list_names_each_vcpu(void **state)
{
	struct bed *bed = *state;
	json_t *root, *vcpus;

	assert_int_equal(ask(bed, "GET", "/vms", NULL), 200);
	root = json_loads(bed->reply.text, 0, NULL);
	vcpus = json_object_get(json_array_get(json_object_get(root, "vms"), 0),
				"vcpus");
	assert_int_equal(json_array_size(vcpus), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(vcpus, 1), "state")),
			    "running");
	json_decref(root);
	assert_int_equal(ask(bed, "GET", "/vms/vm", NULL), 200);
	assert_answered(bed, "\"ended\": false");
}

/* R: DIS-17, CARD-3: the intent whole, then parts of it, in one request. */
static void test_set_of_vcpu_changes_what_it_is_granted(void **state)
{
	struct bed *bed = *state;
	struct dis_intent intent;

	assert_int_equal(ask(bed, "PATCH", "/vms/vm/vcpus/1",
			     "{\"cores\":\"1\",\"priority\":7,"
			     "\"intent\":\"interactive:target=2ms\"}"),
			 200);
	intent = intent_of(bed, 1);
	assert_int_equal(intent.klass, DIS_CLASS_INTERACTIVE);
	assert_int_equal(intent.latency_ns, 2 * MS);
	assert_int_equal(intent.priority, 7);
	assert_int_equal(intent.affinity, 2);
	assert_int_equal(intent_of(bed, 0).klass, DIS_CLASS_BATCH);
	/* What is not named stays. */
	assert_int_equal(ask(bed, "PATCH", "/vms/vm/vcpus/1",
			     "{\"priority\":\"9\"}"),
			 200);
	intent = intent_of(bed, 1);
	assert_int_equal(intent.klass, DIS_CLASS_INTERACTIVE);
	assert_int_equal(intent.priority, 9);
	assert_int_equal(intent.affinity, 2);
}

/* R: DIS-17, DIS-7: nothing of a request is done if a part of it is wrong. */
static void test_set_of_vcpu_refused_changes_nothing(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
		const char *why;
	} bad[] = {
		{"{\"intent\":\"fast\"}", 400, "intent: "},
		{"{\"intent\":\"batch\",\"cores\":\"5\"}", 400, "core"},
		{"{\"cores\":\"\"}", 400, "cores: "},
		{"{\"priority\":256}", 400, "priority: '256'"},
		{"{\"priority\":-1}", 400, "priority: '-1'"},
		{"{\"priority\":1.5}", 400, "whole number"},
		{"{\"priority\":null}", 400, "whole number"},
		{"{\"intent\":\"background\",\"color\":1}", 400, "only"},
		{"{\"intent\":\"batch:min=900\"}", 507, "room"},
		{"{\"intent\":\"batch\",\"intent\":\"system\"}", 400, "body"},
		{"[]", 400, "object"},
		{"{", 400, "body"},
		{"", 400, "body"},
	};
	struct bed *bed = *state;
	struct dis_intent before = intent_of(bed, 0);

	/* Most of both cores is promised. */
	assert_int_equal(ask(bed, "PATCH", "/vms/vm/vcpus/1",
			     "{\"intent\":\"batch:min=300\",\"cores\":\"0-1\"}"),
			 200);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dis_intent after;

		if (ask(bed, "PATCH", "/vms/vm/vcpus/0", bad[i].body) !=
		    bad[i].status)
			fail_msg("%s: status %u, %s", bad[i].body,
				 bed->reply.status, bed->reply.text);
		assert_answered(bed, bad[i].why);
		after = intent_of(bed, 0);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

/* R: DIS-17, DIS-6 */
static void test_set_of_vm_changes_its_shares(void **state)
{
	struct bed *bed = *state;
	struct dis_vm_info info;

	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"max\":500}"), 200);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"min\":\"100\"}"), 200);
	assert_int_equal(dis_vm_get_info(bed->w->dom, bed->vm, &info), 0);
	assert_int_equal(info.min_permille, 100);
	assert_int_equal(info.max_permille, 500);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"min\":600}"), 400);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"min\":true}"), 400);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"name\":\"x\"}"), 400);
	assert_int_equal(dis_vm_get_info(bed->w->dom, bed->vm, &info), 0);
	assert_int_equal(info.min_permille, 100);
}

/* R: DIS-17, DIS-6 */
static void test_set_of_vm_changes_limits_of_devices(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(ask(bed, "PATCH", "/vms/vm",
			     "{\"io-bandwidth\":\"2M\",\"net-priority\":7}"),
			 200);
	assert_true(bed->io.has_bandwidth);
	assert_int_equal(bed->io.bandwidth, 2 << 20);
	assert_int_equal(bed->io.disk_priority, -1);
	assert_int_equal(bed->io.net_priority, 7);
	assert_int_equal(
		ask(bed, "PATCH", "/vms/vm", "{\"io-priority\":\"0\"}"), 200);
	assert_false(bed->io.has_bandwidth);
	assert_int_equal(bed->io.disk_priority, 0);
	assert_int_equal(bed->io_sets, 2);
}

/* R: DIS-17, DIS-6, DIS-7: none is accepted and ignored. */
static void test_set_of_limits_refused_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"{\"io-priority\":8}",
		"{\"net-priority\":-1}",
		"{\"io-bandwidth\":\"fast\"}",
		"{\"io-bandwidth\":null}",
		"{\"io-priority\":1,\"min\":5000}",
		"{\"io-priority\":1,\"mem-bandwidth\":1}",
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ask(bed, "PATCH", "/vms/vm", bad[i]) != 400)
			fail_msg("%s: status %u", bad[i], bed->reply.status);
	bed->pool.n_disks = 0;
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"io-priority\":1}"),
			 501);
	assert_answered(bed, "the guests have no disk");
	bed->pool.n_nets = 0;
	assert_int_equal(
		ask(bed, "PATCH", "/vms/vm", "{\"io-bandwidth\":4096}"), 501);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{\"net-priority\":1}"),
			 501);
	assert_int_equal(ask(bed, "POST", "/vms/vm/stop", NULL), 200);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm", "{}"), 409);
	assert_int_equal(bed->io_sets, 0);
}

/* R: DIS-17, DIS-11, PRE-1 */
static void test_set_of_pool_changes_policy_and_quantum(void **state)
{
	struct bed *bed = *state;
	const char *name;

	assert_int_equal(ask(bed, "PATCH", "/pool",
			     "{\"quantum\":\"2ms\",\"slices\":\"fixed\","
			     "\"counters\":\"on\",\"policies\":{\"batch\":"
			     "\"fair\",\"background\":\"priority\"}}"),
			 200);
	name = dis_domain_get_policy(bed->w->dom, DIS_CLASS_BATCH, NULL)->name;
	assert_string_equal(name, "fair");
	name = dis_domain_get_policy(bed->w->dom, DIS_CLASS_BACKGROUND, NULL)
		       ->name;
	assert_string_equal(name, "priority");
}

/* R: DIS-17, PRE-1: three hogs without an intent on two cores, by turns of 2 ms. */
static void test_set_quantum_holds_from_the_next_slice(void **state)
{
	struct bed *bed = *state;
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_vcpu_stats stats;
	dis_id vm;

	assert_int_equal(ask(bed, "PATCH", "/vms/vm/vcpus/0",
			     "{\"intent\":\"batch:cores=0\"}"),
			 200);
	assert_int_equal(ask(bed, "PATCH", "/vms/vm/vcpus/1",
			     "{\"intent\":\"batch:cores=1\"}"),
			 200);
	roles[0].intent = dis_intent_default();
	roles[0].intent.affinity = 1;
	vm = world_vm(bed->w, roles, 1);
	assert_int_equal(ask(bed, "PATCH", "/pool", "{\"quantum\":\"2ms\"}"),
			 200);
	world_run(bed->w, 120 * MS);
	/* Batch with its own 10 ms against it: 12 ms a round. */
	stats = world_stats(world_vcpu(bed->w, vm, 0));
	assert_in_range(stats.throttles, 9, 11);
}

/* R: DIS-17, PRE-2 */
static void test_pause_and_resume_of_preemption(void **state)
{
	struct bed *bed = *state;
	const struct role roles[] = {ROLE(DIS_CLASS_SYSTEM, world_hog),
				     ROLE(DIS_CLASS_SYSTEM, world_hog)};
	dis_id vm;

	assert_int_equal(
		ask(bed, "PATCH", "/pool", "{\"preemption\":\"paused\"}"), 200);
	vm = world_vm(bed->w, roles, 2);
	world_run(bed->w, 50 * MS);
	assert_int_equal(world_stats(world_vcpu(bed->w, vm, 0)).dispatches, 0);
	assert_int_equal(ask(bed, "POST", "/pool/trigger", NULL), 200);
	assert_int_equal(world_stats(world_vcpu(bed->w, vm, 0)).dispatches, 0);
	assert_int_equal(ask(bed, "PATCH", "/pool",
			     "{\"preemption\":\"running\"}"),
			 200);
	assert_int_equal(world_stats(world_vcpu(bed->w, vm, 0)).dispatches, 1);
}

/* R: DIS-17 */
static void test_set_of_pool_refused_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"{\"quantum\":\"99us\"}",
		"{\"quantum\":\"11s\"}",
		"{\"quantum\":5}",
		"{\"preemption\":\"off\"}",
		"{\"slices\":\"long\"}",
		"{\"counters\":true}",
		"{\"policies\":\"fair\"}",
		"{\"policies\":{\"batch\":\"lottery\"}}",
		"{\"policies\":{\"batch\":1}}",
		"{\"policies\":{\"bulk\":\"fair\"}}",
		"{\"policies\":{\"batch\":\"fair\",\"bulk\":\"rr\"}}",
		"{\"policies\":{\"batch\":\"fair\"},\"colour\":\"red\"}",
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *name;

		if (ask(bed, "PATCH", "/pool", bad[i]) != 400)
			fail_msg("%s: status %u", bad[i], bed->reply.status);
		name = dis_domain_get_policy(bed->w->dom, DIS_CLASS_BATCH, NULL)
			       ->name;
		assert_string_equal(name, "rr");
	}
	bed->pool.threads = true;
	assert_int_equal(ask(bed, "PATCH", "/pool", "{\"quantum\":\"2ms\"}"),
			 501);
}

/* R: DIS-17, DIS-10, ST-5: join. */
static void test_end_is_answered_once_it_has_ended(void **state)
{
	struct bed *bed = *state;

	ask(bed, "GET", "/vms/vm/end", NULL);
	assert_int_equal(bed->reply.wait_for, bed->vm);
	assert_null(bed->reply.text);
	assert_int_equal(ask(bed, "POST", "/vms/vm/kill", NULL), 200);
	assert_int_equal(ask(bed, "GET", "/vms/vm/end", NULL), 200);
	assert_int_equal(bed->reply.wait_for, DIS_ID_NONE);
	assert_answered(bed, "\"state\": \"failed\"");
	assert_answered(bed, "\"reason\": \"killed\"");
	assert_int_equal(ask(bed, "POST", "/vms/vm/stop", NULL), 409);
	assert_int_equal(
		ask(bed, "PATCH", "/vms/vm/vcpus/0", "{\"priority\":1}"), 409);
}

/* R: DIS-17, DIS-10 */
static void test_stop_ends_as_finished(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(ask(bed, "POST", "/vms/vm/stop", NULL), 200);
	assert_int_equal(ask(bed, "GET", "/vms/vm", NULL), 200);
	assert_answered(bed, "\"state\": \"finished\"");
	assert_answered(bed, "\"reason\": \"stopped\"");
}

/* R: DIS-17, BUD-3, ST-6 */
static void test_metrics_name_vcpus_and_states(void **state)
{
	struct bed *bed = *state;

	/* Charged with the pass. */
	assert_int_equal(ask(bed, "POST", "/pool/trigger", NULL), 200);
	assert_int_equal(ask(bed, "GET", "/metrics", NULL), 200);
	assert_answered(bed,
			"# TYPE task_budget_throttle_total counter\n"
			"task_budget_throttle_total{vm=\"vm\",vcpu=\"0\"} 0\n");
	assert_answered(bed, "tasks_state_total{state=\"running\"} 2\n");
	assert_answered(bed, "disvm_vcpus{state=\"running\"} 2\n");
	assert_answered(bed, "disvm_vcpu_cpu_seconds_total{vm=\"vm\",vcpu="
			     "\"1\"} 0.001000000\n");
}

/* R: DIS-17 */
static void test_report_is_the_runs(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(ask(bed, "GET", "/report", NULL), 200);
	assert_string_equal(bed->reply.text, "{\"schema\":\"of the test\"}");
}

/* R: DIS-17: one line that says what is not there. */
static void test_unknown_requests_are_refused(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned status;
	} bad[] = {
		{"GET", "/", 404},
		{"GET", "", 404},
		{"GET", "/vms/", 404},
		{"GET", "/vms/other", 404},
		{"GET", "/vms/vm/", 404},
		{"GET", "/vms/vm/vcpus", 404},
		{"PATCH", "/vms/vm/vcpus/2", 404},
		{"PATCH", "/vms/vm/vcpus/-1", 404},
		{"PATCH", "/vms/vm/vcpus/0/", 404},
		{"PATCH", "/vms/vm/vcpus/", 404},
		{"PATCH", "/vms/vm/vcpus/00000000000", 404},
		{"POST", "/vms", 405},
		{"GET", "/vms/vm/kill", 405},
		{"DELETE", "/vms/vm", 405},
		{"GET", "/vms/v\xff\x01m", 404},
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ask(bed, bad[i].method, bad[i].path, NULL) != bad[i].status)
			fail_msg("%s %s: status %u", bad[i].method, bad[i].path,
				 bed->reply.status);
		assert_answered(bed, "\"error\": ");
	}
	assert_int_equal(ask(bed, "GET", "/vms", "{}"), 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_names_each_vcpu),
		TEST(test_set_of_vcpu_changes_what_it_is_granted),
		TEST(test_set_of_vcpu_refused_changes_nothing),
		TEST(test_set_of_vm_changes_its_shares),
		TEST(test_set_of_vm_changes_limits_of_devices),
		TEST(test_set_of_limits_refused_changes_nothing),
		TEST(test_set_of_pool_changes_policy_and_quantum),
		TEST(test_set_quantum_holds_from_the_next_slice),
		TEST(test_pause_and_resume_of_preemption),
		TEST(test_set_of_pool_refused_changes_nothing),
		TEST(test_end_is_answered_once_it_has_ended),
		TEST(test_stop_ends_as_finished),
		TEST(test_metrics_name_vcpus_and_states),
		TEST(test_report_is_the_runs),
		TEST(test_unknown_requests_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
