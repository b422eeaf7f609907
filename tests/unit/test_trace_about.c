/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace says of the rules is what `disvm sim` reads back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/sim_trace.h"
#include "test_trace_fixture.h"

/* As many characters as an intent can take, nearly. */
#define LONGEST \
	"realtime:period=9999999999ns,deadline=9999999998ns,wcet=9999999997ns," \
	"weight=65536,priority=255,min=500,max=1000,cores=0+2+4+6+8+10+12+14+" \
	"16+18+20+22+24+26+28+30+32+34+36+38+40+42+44+46+48+50+52+54+56+58+" \
	"60+62"

static struct dis_intent intent_of(const char *intent_text)
{
	struct dis_intent intent;

	assert_int_equal(
		dis_intent_parse(intent_text, &intent, err, sizeof(err)), 0);
	return intent;
}

static struct dis_domain_config pool(void)
{
	struct dis_domain_config cfg;

	dis_domain_config_init(&cfg);
	cfg.cores = 2;
	return cfg;
}

/* The rest of a trace with one vCPU; @out is what is read back. */
static void finish(struct trace *t, const struct dis_intent *intent,
		   struct sim_trace *out)
{
	trace_describe_vcpu(t, 0, 0, intent);
	trace_describe_shares(t, 0, 256000, 255999);
	give(t, SPAWN(0, 0, 0));
	close_trace(t, 10);
	assert_int_equal(sim_trace_read(path, out, err, sizeof(err)), 0);
}

static void test_trace_about_longest_intent_reads_back_whole(void **state)
{
	struct dis_intent intent = intent_of(LONGEST);
	struct dis_domain_config cfg = pool();
	struct trace *t = open_trace(0);
	char again[DIS_INTENT_TEXT_MAX];
	struct sim_trace trace;

	(void)state;
	trace_describe_pool(t, &cfg);
	finish(t, &intent, &trace);
	dis_intent_format(&trace.vcpus[0].intent, again, sizeof(again));
	assert_string_equal(again, LONGEST);
	sim_trace_free(&trace);
}

/* With names and figures as long as they get. */
static void test_trace_about_every_rule_of_a_class_reads_back(void **state)
{
	static const struct dis_policy_ops ops = {
		.name = "a-policy-with-a-name-of-31-char"};
	struct dis_intent intent = dis_intent_default();
	struct dis_domain_config cfg = pool();
	struct trace *t = open_trace(0);
	struct sim_trace trace;

	(void)state;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		cfg.policy[k] = &ops;
		cfg.quantum_ns[k] = 10 * DIS_S_NS - k;
		cfg.floor_permille[k] = 500 - k;
	}
	cfg.fixed_slices = true;
	trace_describe_pool(t, &cfg);
	finish(t, &intent, &trace);
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		assert_string_equal(trace.policy[k], ops.name);
		assert_int_equal(trace.quantum_ns[k], 10 * DIS_S_NS - k);
		assert_int_equal(trace.floor_permille[k], 500 - k);
	}
	assert_true(trace.fixed_slices);
	assert_false(trace.vcpus[0].intent.declared);
	sim_trace_free(&trace);
}

static void test_trace_about_shares_of_a_vm_read_back(void **state)
{
	struct dis_intent intent = dis_intent_default();
	struct dis_domain_config cfg = pool();
	struct trace *t = open_trace(0);
	struct sim_trace trace;

	(void)state;
	trace_describe_pool(t, &cfg);
	finish(t, &intent, &trace);
	assert_int_equal(trace.vms[0].min_permille, 256000);
	assert_int_equal(trace.vms[0].max_permille, 255999);
	assert_false(trace.fixed_slices);
	sim_trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_trace_about_longest_intent_reads_back_whole),
		cmocka_unit_test(
			test_trace_about_every_rule_of_a_class_reads_back),
		cmocka_unit_test(test_trace_about_shares_of_a_vm_read_back),
	};

	return cmocka_run_group_tests_name("trace_about", tests, make_file,
					   remove_file);
}
