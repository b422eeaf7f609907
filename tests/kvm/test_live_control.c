/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control interface reads and changes while executors run guests (R: DIS-17):
 * whether they are in each other's way, ThreadSanitizer says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/cli.h"
#include "cli/run_session.h"
#include "kvm/pool.h"

#define GUESTS 2u
#define VCPUS 2u
#define ROUNDS 20u

static json_t *ask(const struct run_session *session, const char *method,
		   const char *path, const char *body)
{
	const struct ctl_request request = {
		.method = method,
		.path = path,
		.body = body,
		.body_size = body ? strlen(body) : 0,
	};
	struct ctl_reply reply;
	json_t *answer;

	assert_int_equal(ctl_handle(&session->control.pool, &request, &reply),
			 0);
	if (reply.status != 200)
		fail_msg("%s %s: %s", method, path, reply.text);
	answer = json_loads(reply.text, 0, NULL);
	free(reply.text);
	return answer;
}

static uint64_t charged_ns(const struct run_session *session)
{
	json_t *report = ask(session, "GET", "/report", NULL);
	json_int_t ns;

	assert_non_null(report);
	ns = json_integer_value(json_object_get(report, "charged_ns"));
	json_decref(report);
	return (uint64_t)ns;
}

/* What disvm run knows of the guests of @pool. */
static void fill_session(struct run_session *session, const struct pool *pool,
			 struct machine **machines, char *path)
{
	*session = (struct run_session){
		.options = {.copies = GUESTS,
			    .vcpus = VCPUS,
			    .n_cpus = pool->cores,
			    .control_path = path},
		.execs = pool->execs,
		.dom = pool->dom,
		.n_cores = pool->cores,
		.machines = machines,
		.n_machines = GUESTS,
	};
	for (unsigned i = 0; i < pool->cores; i++)
		session->options.cpus[i] = i;
	assert_int_equal(run_control_open(session), CLI_DONE);
	assert_int_equal(run_control_begin(session), CLI_DONE);
}

/* Of a vCPU of the first guest. */
static void set_intent(const struct run_session *session, unsigned vcpu,
		       const char *body)
{
	char path[96];
	struct dis_vm_info info;

	assert_int_equal(dis_vm_get_info(session->dom, session->machines[0]->id,
					 &info),
			 0);
	snprintf(path, sizeof(path), "/vms/%s/vcpus/%u", info.name, vcpu);
	json_decref(ask(session, "PATCH", path, body));
}

/* R: DIS-17, DIS-15, DIS-10 */
static void test_live_control_reads_and_sets_while_guests_run(void **state)
{
	static const char *const intents[VCPUS] = {
		"{\"intent\":\"interactive:target=1ms\",\"priority\":3}",
		"{\"intent\":\"batch:weight=7\"}",
	};
	static const char *const policies[] = {
		"{\"policies\":{\"batch\":\"fair\"},\"quantum\":\"1ms\"}",
		"{\"policies\":{\"batch\":\"rr\"},\"counters\":\"on\"}",
	};
	char path[] = "/tmp/disvm-live-control.XXXXXX";
	struct machine *machines[GUESTS];
	static struct run_session session;
	struct machine_kind kind;
	struct pool pool;
	uint64_t last_ns = 0;

	(void)state;
	assert_non_null(mkdtemp(path));
	rmdir(path);
	pool_open(&pool, POOL_DIS, GUESTS, GUESTS * VCPUS);
	pool_kind_open(&kind, "work=yield", VCPUS, GUESTS, false);
	for (unsigned i = 0; i < GUESTS; i++)
		machines[i] = pool_boot(&pool, &kind, i);
	for (unsigned i = 0; i < GUESTS; i++)
		pool_wait_work(machines[i], 0, 1);
	fill_session(&session, &pool, machines, path);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t now_ns = charged_ns(&session);

		assert_true(now_ns >= last_ns);
		last_ns = now_ns;
		json_decref(ask(&session, "GET", "/vms", NULL));
		assert_null(ask(&session, "GET", "/metrics", NULL));
		json_decref(ask(&session, "PATCH", "/pool", policies[i % 2]));
		json_decref(ask(&session, "POST", "/pool/trigger", NULL));
		run_control_serve(&session);
	}
	for (unsigned i = 0; i < VCPUS; i++)
		set_intent(&session, i, intents[i]);
	pool_wait_work(machines[0], 0, 3);
	for (unsigned i = 0; i < GUESTS; i++)
		pool_stop(&pool, machines[i]);
	pool_wait_ended(&pool, GUESTS);
	run_control_close(&session);
	assert_int_not_equal(access(path, F_OK), 0);
	for (unsigned i = 0; i < GUESTS; i++)
		pool_reap(&pool, machines[i]);
	machine_kind_close(&kind);
	pool_close(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_live_control_reads_and_sets_while_guests_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
