/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercall device, after <disvm/guest_abi.h> (R: CARD-3, CARD-9, DIS-10). */
#include <errno.h>
#include <pthread.h>

#include "test_hypercall_fixture.h"

static struct disvm_guest_report *report_at(struct fixture *f, uint32_t gpa,
					    unsigned vcpu, uint32_t state)
{
	struct disvm_guest_report *r = (void *)(f->mem.base + gpa);

	*r = (struct disvm_guest_report){
		.magic = DISVM_REPORT_MAGIC,
		.version = DISVM_ABI_VERSION,
		.vcpu = vcpu,
		.state = state,
		.workload = "sleep: ~1ms",
		.work = 42,
	};
	return r;
}

static void hint_at(struct fixture *f, uint32_t gpa,
		    struct disvm_intent_hint hint)
{
	memcpy(f->mem.base + gpa, &hint, sizeof(hint));
}

static void test_hypercall_id_gives_magic_features_and_version(void **state)
{
	assert_int_equal(in(*state, 0, DISVM_HC_ID), 0x44490101);
}

static void test_hypercall_arguments_are_kept_per_vcpu(void **state)
{
	struct fixture *f = *state;

	out(f, 0, DISVM_HC_ARG0, 4, 1);
	out(f, 0, DISVM_HC_ARG1, 4, 2);
	out(f, 1, DISVM_HC_ARG0, 4, 3);
	assert_int_equal(in(f, 0, DISVM_HC_ARG0), 1);
	assert_int_equal(in(f, 0, DISVM_HC_ARG1), 2);
	assert_int_equal(in(f, 1, DISVM_HC_ARG0), 3);
	assert_int_equal(in(f, 1, DISVM_HC_ARG1), 0);
}

static void test_hypercall_status_is_kept_per_vcpu(void **state)
{
	struct fixture *f = *state;

	/* A hint of version 0 is refused. */
	assert_int_equal(status(f, 0, DISVM_CALL_INTENT, 0), -DISVM_EINVAL);
	assert_int_equal(status(f, 1, DISVM_CALL_REPORT, 0), 0);
	assert_int_equal(in(f, 0, DISVM_HC_CALL), (uint32_t)-DISVM_EINVAL);
}

/* R: DIS-10 */
static void test_hypercall_yield_is_action_yield(void **state)
{
	status(*state, 0, DISVM_CALL_INTENT, 0); /* refused */
	assert_int_equal(call(*state, 0, DISVM_CALL_YIELD, 0), IO_YIELD);
	assert_int_equal(in(*state, 0, DISVM_HC_CALL), 0);
}

static void test_hypercall_report_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct disvm_guest_report out_report;

	report_at(f, 0x3000, 1, DISVM_REPORT_DONE);
	assert_int_equal(status(f, 1, DISVM_CALL_REPORT, 0x3000), 0);
	assert_int_equal(hypercall_read_report(&f->dev, 1, &out_report), 0);
	assert_int_equal(out_report.work, 42);
	assert_string_equal(out_report.workload, "sleep: ~1ms");
}

static void test_hypercall_report_at_gpa_0_and_last_page_works(void **state)
{
	struct fixture *f = *state;
	struct disvm_guest_report out_report;

	report_at(f, 0, 0, DISVM_REPORT_DONE);
	assert_int_equal(status(f, 0, DISVM_CALL_REPORT, 0), 0);
	assert_int_equal(hypercall_read_report(&f->dev, 0, &out_report), 0);
	report_at(f, 0xf000, 0, DISVM_REPORT_RUNNING);
	assert_int_equal(status(f, 0, DISVM_CALL_REPORT, 0xf000), 0);
	assert_int_equal(hypercall_read_report(&f->dev, 0, &out_report), 0);
	assert_int_equal(out_report.state, DISVM_REPORT_RUNNING);
}

static void assert_invalid(struct fixture *f, unsigned vcpu)
{
	struct disvm_guest_report out_report;

	assert_int_equal(hypercall_read_report(&f->dev, vcpu, &out_report),
			 -EINVAL);
}

/* Each field of the copy is checked; the guest may write anything. */
static void test_hypercall_report_invalid_contents_are_einval(void **state)
{
	struct fixture *f = *state;
	struct disvm_guest_report *r;

	r = report_at(f, 0x3000, 1, DISVM_REPORT_DONE);
	status(f, 1, DISVM_CALL_REPORT, 0x3000);
	r->magic++;
	assert_invalid(f, 1);
	report_at(f, 0x3000, 1, DISVM_REPORT_DONE)->version = 2;
	assert_invalid(f, 1);
	report_at(f, 0x3000, 0, DISVM_REPORT_DONE);
	assert_invalid(f, 1);
	report_at(f, 0x3000, 1, 0);
	assert_invalid(f, 1);
	report_at(f, 0x3000, 1, 3);
	assert_invalid(f, 1);
}

static void test_hypercall_report_bad_workload_is_einval(void **state)
{
	struct fixture *f = *state;
	struct disvm_guest_report *r;

	r = report_at(f, 0x3000, 1, DISVM_REPORT_DONE);
	status(f, 1, DISVM_CALL_REPORT, 0x3000);
	memset(r->workload, 'x', sizeof(r->workload));
	assert_invalid(f, 1);
	r = report_at(f, 0x3000, 1, DISVM_REPORT_DONE);
	r->workload[2] = '\33';
	assert_invalid(f, 1);
	r->workload[2] = '\xe9';
	assert_invalid(f, 1);
}

/* R: CARD-3 */
static void test_hypercall_intent_reaches_callback(void **state)
{
	struct fixture *f = *state;

	hint_at(f, 0x2008,
		(struct disvm_intent_hint){.version = DISVM_ABI_VERSION,
					   .klass = DISVM_CLASS_REALTIME,
					   .period_ns = 10 * DIS_MS_NS,
					   .deadline_ns = 8 * DIS_MS_NS,
					   .wcet_ns = DIS_MS_NS});
	assert_int_equal(status(f, 2, DISVM_CALL_INTENT, 0x2008), 0);
	assert_int_equal(f->asked_vcpu, 2);
	assert_int_equal(f->wanted.klass, DIS_CLASS_REALTIME);
	assert_true(f->wanted.declared);
	assert_int_equal(f->wanted.period_ns, 10 * DIS_MS_NS);
	assert_int_equal(f->wanted.deadline_ns, 8 * DIS_MS_NS);
	assert_int_equal(f->wanted.wcet_ns, DIS_MS_NS);
	assert_int_equal(f->wanted.affinity, DIS_CPUMASK_ALL);
}

/* R: CARD-3: beyond what the launcher granted. */
static void test_hypercall_intent_refusal_is_status(void **state)
{
	struct fixture *f = *state;

	hint_at(f, 0x2000,
		(struct disvm_intent_hint){.version = DISVM_ABI_VERSION,
					   .klass = DISVM_CLASS_SYSTEM});
	f->answer = -EPERM;
	assert_int_equal(status(f, 0, DISVM_CALL_INTENT, 0x2000), -DISVM_EPERM);
	f->answer = -EINVAL;
	assert_int_equal(status(f, 0, DISVM_CALL_INTENT, 0x2000), -DISVM_EINVAL);
}

/* R: DIS-7 */
static void test_hypercall_intent_invalid_hint_is_einval(void **state)
{
	/* version, class, period, deadline, wcet, latency */
	const struct disvm_intent_hint bad[] = {
		{2, DISVM_CLASS_BATCH, 0, 0, 0, 0},
		{1, 5, 0, 0, 0, 0},
		{1, UINT32_MAX, 0, 0, 0, 0},
		{1, DISVM_CLASS_BATCH, DIS_MS_NS, 0, 0, 0},
		{1, DISVM_CLASS_BACKGROUND, 0, 0, 0, DIS_MS_NS},
		{1, DISVM_CLASS_INTERACTIVE, 0, 0, 0, 0},
		{1, DISVM_CLASS_REALTIME, 0, 0, 0, 0},
		{1, DISVM_CLASS_REALTIME, 9 * DIS_MS_NS, DIS_MS_NS,
		 2 * DIS_MS_NS, 0},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hint_at(f, 0x2000, bad[i]);
		assert_int_equal(status(f, 0, DISVM_CALL_INTENT, 0x2000),
				 -DISVM_EINVAL);
	}
	assert_int_equal(f->asked, 0);
}

/* R: DIS-10 */
static void test_hypercall_block_is_action_block_with_reason(void **state)
{
	static const enum dis_reason reasons[] = {
		DIS_REASON_IO, DIS_REASON_MUTEX, DIS_REASON_SEMAPHORE,
		DIS_REASON_EVENT, DIS_REASON_IPC};
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(call(f, 1, DISVM_CALL_BLOCK, i), IO_BLOCK);
		assert_int_equal(f->last.reason, reasons[i]);
		assert_int_equal(in(f, 1, DISVM_HC_CALL), 0);
	}
}

/* R: DIS-10 */
static void test_hypercall_block_unknown_reason_is_einval(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 0, DISVM_CALL_BLOCK, 5), IO_NONE);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
	assert_int_equal(call(f, 0, DISVM_CALL_BLOCK, UINT32_MAX), IO_NONE);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
}

/* R: DIS-10 */
static void test_hypercall_wake_reaches_callback(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 0, DISVM_CALL_WAKE, VCPUS - 1), IO_NONE);
	assert_int_equal(in(f, 0, DISVM_HC_CALL), 0);
	assert_int_equal(f->woken, 1);
	assert_int_equal(f->waker, 0);
	assert_int_equal(f->woken_vcpu, VCPUS - 1);
}

/* R: DIS-10 */
static void test_hypercall_wake_of_nobody_is_einval(void **state)
{
	struct fixture *f = *state;

	call(f, 0, DISVM_CALL_WAKE, VCPUS);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
	call(f, 0, DISVM_CALL_WAKE, UINT32_MAX);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
	assert_int_equal(f->woken, 0);
}

/* R: DIS-10 */
static void test_hypercall_yield_to_is_action_yield_and_names_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 1, DISVM_CALL_YIELD_TO, 2), IO_YIELD);
	assert_int_equal(in(f, 1, DISVM_HC_CALL), 0);
	assert_int_equal(f->yielded, 1);
	assert_int_equal(f->yielder, 1);
	assert_int_equal(f->yielded_to, 2);
}

/* R: DIS-10 */
static void test_hypercall_yield_to_nobody_is_einval(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 0, DISVM_CALL_YIELD_TO, VCPUS), IO_NONE);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
	assert_int_equal(f->yielded, 0);
}

static void test_hypercall_early_reaches_callback(void **state)
{
	struct fixture *f = *state;

	out(f, 1, DISVM_HC_ARG0, 4, DISVM_EARLY_MAX_NS);
	out(f, 1, DISVM_HC_ARG1, 4, 0x2008);
	assert_int_equal(out(f, 1, DISVM_HC_CALL, 4, DISVM_CALL_EARLY), IO_NONE);
	assert_int_equal(in(f, 1, DISVM_HC_CALL), 0);
	assert_int_equal(f->agreed, 1);
	assert_int_equal(f->agreed_vcpu, 1);
	assert_int_equal(f->early_ns, DISVM_EARLY_MAX_NS);
	assert_ptr_equal(f->slack, f->mem.base + 0x2008);
}

static void test_hypercall_early_too_long_is_einval(void **state)
{
	struct fixture *f = *state;

	out(f, 0, DISVM_HC_ARG0, 4, DISVM_EARLY_MAX_NS + 1u);
	out(f, 0, DISVM_HC_ARG1, 4, 0x2000);
	assert_int_equal(out(f, 0, DISVM_HC_CALL, 4, DISVM_CALL_EARLY), IO_NONE);
	assert_int_equal((int32_t)in(f, 0, DISVM_HC_CALL), -DISVM_EINVAL);
	assert_int_equal(f->agreed, 0);
}

static int32_t timed_halt(struct fixture *f, unsigned vcpu, uint32_t agree,
			  uint32_t gpa)
{
	out(f, vcpu, DISVM_HC_ARG1, 4, gpa);
	return status(f, vcpu, DISVM_CALL_TIMED_HALT, agree);
}

static void test_hypercall_timed_halt_reaches_callback(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(timed_halt(f, 1, 1, MEM_BYTES - 8), 0);
	assert_int_equal(f->halts_agreed, 1);
	assert_int_equal(f->halts_vcpu, 1);
	assert_ptr_equal(f->deadline, f->mem.base + MEM_BYTES - 8);
	assert_int_equal(timed_halt(f, 1, 0, MEM_BYTES - 8), 0);
	assert_int_equal(f->halts_agreed, 2);
	assert_null(f->deadline);
}

static void test_hypercall_timed_halt_other_argument_is_einval(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(timed_halt(f, 0, 2, 0x2000), -DISVM_EINVAL);
	assert_int_equal(timed_halt(f, 0, UINT32_MAX, 0x2000), -DISVM_EINVAL);
	assert_int_equal(f->halts_agreed, 0);
}

static void test_hypercall_timed_halt_not_offered_is_einval(void **state)
{
	struct fixture *f = *state;

	f->dev.config.timed_halt = NULL;
	assert_int_equal(in(f, 0, DISVM_HC_ID), 0x44490001);
	assert_int_equal(timed_halt(f, 0, 1, 0x2000), -DISVM_EINVAL);
}

static void test_hypercall_exit_without_reports_is_done(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 0, DISVM_CALL_EXIT, 0), IO_EXIT);
	assert_int_equal(f->last.exit_code, 0);
}

static void test_hypercall_exit_code_is_passed_on(void **state)
{
	struct fixture *f = *state;

	report_at(f, 0x3000, 1, DISVM_REPORT_RUNNING);
	status(f, 1, DISVM_CALL_REPORT, 0x3000);
	assert_int_equal(call(f, 0, DISVM_CALL_EXIT, 7), IO_EXIT);
	assert_int_equal(f->last.exit_code, 7);
}

static void test_hypercall_exit_with_all_done_is_done(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < VCPUS; i++) {
		report_at(f, 0x3000 + i * 0x1000, i, DISVM_REPORT_DONE);
		status(f, i, DISVM_CALL_REPORT, 0x3000 + i * 0x1000);
	}
	assert_int_equal(call(f, 0, DISVM_CALL_EXIT, 0), IO_EXIT);
}

/* R: ST-3: power-off in the middle is a failure. */
static void test_hypercall_exit_while_work_runs_fails(void **state)
{
	struct fixture *f = *state;

	report_at(f, 0x3000, 0, DISVM_REPORT_DONE);
	report_at(f, 0x4000, 2, DISVM_REPORT_RUNNING);
	status(f, 0, DISVM_CALL_REPORT, 0x3000);
	status(f, 2, DISVM_CALL_REPORT, 0x4000);
	assert_int_equal(call(f, 0, DISVM_CALL_EXIT, 0), IO_FAIL);
	assert_int_equal(f->last.reason, DIS_REASON_GUEST_EXIT);
	assert_string_equal(f->last.text,
			    "power-off while vCPU 2 still runs its work");
}

/* Several vCPUs on several threads; for ThreadSanitizer as well. */
struct caller {
	struct fixture *f;
	unsigned vcpu;
	unsigned wrong;
};

static void *call_rounds(void *arg)
{
	struct caller *c = arg;
	uint32_t gpa = 0x3000 + c->vcpu * 0x1000;
	struct disvm_guest_report out_report;

	for (unsigned i = 0; i < 2000; i++) {
		struct io_access a = {.addr = DISVM_HC_PORT + DISVM_HC_ARG0,
				      .width = 4,
				      .write = true,
				      .count = 1,
				      .vcpu = c->vcpu};
		uint32_t number = DISVM_CALL_REPORT;

		a.data = (uint8_t *)&gpa;
		c->wrong += io_bus_access(&c->f->bus, &a) != IO_NONE;
		a.addr = DISVM_HC_PORT + DISVM_HC_CALL;
		a.data = (uint8_t *)&number;
		c->wrong += io_bus_access(&c->f->bus, &a) != IO_NONE;
		c->wrong += hypercall_read_report(&c->f->dev, c->vcpu,
						  &out_report) != 0;
		hypercall_read_report(&c->f->dev, (c->vcpu + 1) % VCPUS,
				      &out_report);
	}
	return NULL;
}

static void test_hypercall_from_threads_stays_per_vcpu(void **state)
{
	struct caller callers[VCPUS];
	pthread_t threads[VCPUS];
	struct fixture *f = *state;

	for (unsigned i = 0; i < VCPUS; i++) {
		report_at(f, 0x3000 + i * 0x1000, i, DISVM_REPORT_RUNNING);
		callers[i] = (struct caller){.f = f, .vcpu = i};
	}
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_rounds,
						&callers[i]),
				 0);
	for (unsigned i = 0; i < VCPUS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].wrong, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_hypercall_id_gives_magic_features_and_version),
		T(test_hypercall_arguments_are_kept_per_vcpu),
		T(test_hypercall_status_is_kept_per_vcpu),
		T(test_hypercall_yield_is_action_yield),
		T(test_hypercall_report_is_read_back),
		T(test_hypercall_report_at_gpa_0_and_last_page_works),
		T(test_hypercall_report_invalid_contents_are_einval),
		T(test_hypercall_report_bad_workload_is_einval),
		T(test_hypercall_intent_reaches_callback),
		T(test_hypercall_intent_refusal_is_status),
		T(test_hypercall_intent_invalid_hint_is_einval),
		T(test_hypercall_block_is_action_block_with_reason),
		T(test_hypercall_block_unknown_reason_is_einval),
		T(test_hypercall_wake_reaches_callback),
		T(test_hypercall_wake_of_nobody_is_einval),
		T(test_hypercall_yield_to_is_action_yield_and_names_it),
		T(test_hypercall_yield_to_nobody_is_einval),
		T(test_hypercall_early_reaches_callback),
		T(test_hypercall_early_too_long_is_einval),
		T(test_hypercall_timed_halt_reaches_callback),
		T(test_hypercall_timed_halt_other_argument_is_einval),
		T(test_hypercall_timed_halt_not_offered_is_einval),
		T(test_hypercall_exit_without_reports_is_done),
		T(test_hypercall_exit_code_is_passed_on),
		T(test_hypercall_exit_with_all_done_is_done),
		T(test_hypercall_exit_while_work_runs_fails),
		T(test_hypercall_from_threads_stays_per_vcpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
