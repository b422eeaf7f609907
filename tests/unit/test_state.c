/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle (R: ST-1, ST-2, ST-6, ST-7). */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"
#include "sched/state.h"

#define S(state) (1u << DIS_STATE_##state)

/* The source's transitions, written down a second time on purpose. */
static const unsigned legal[DIS_STATES] = {
	[DIS_STATE_SCHEDULED] = S(RUNNING),
	[DIS_STATE_RUNNING] = S(SCHEDULED) | S(SLEEPING) | S(WAITING) |
			      S(THROTTLED) | S(FINISHED) | S(FAILED),
	[DIS_STATE_SLEEPING] = S(SCHEDULED),
	[DIS_STATE_WAITING] = S(SCHEDULED),
	[DIS_STATE_THROTTLED] = S(SCHEDULED),
};

/* R: ST-1, ST-2 */
static void test_state_all_49_edges_are_as_specified(void **state)
{
	(void)state;
	assert_int_equal(DIS_STATES, 7);
	for (unsigned from = 0; from < DIS_STATES; from++)
		for (unsigned to = 0; to < DIS_STATES; to++)
			assert_int_equal(dis_state_edge(from, to),
					 legal[from] >> to & 1u);
}

static void test_state_out_of_range_has_no_edge(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DIS_STATES; i++) {
		assert_false(dis_state_edge(DIS_STATES, i));
		assert_false(dis_state_edge(i, DIS_STATES));
		assert_false(dis_state_edge(i, UINT8_MAX));
	}
}

/* State by its name in the diagram, which is capitalised; DIS_STATES: none. */
static unsigned find_state(const char *name)
{
	for (unsigned s = 0; s < DIS_STATES; s++) {
		const char *own = dis_state_name(s);

		if (toupper((unsigned char)own[0]) == name[0] &&
		    !strcmp(own + 1, name + 1))
			return s;
	}
	return DIS_STATES;
}

/* R: ST-7: the diagram in sched/README.md has these edges and no others. */
static void test_state_readme_diagram_equals_table(void **state)
{
	const char *root = getenv("DISVM_ROOT");
	unsigned drawn[DIS_STATES] = {0}, starts = 0, ends = 0;
	char path[4096], line[512], from[64], to[64];
	bool inside = false;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/sched/README.md", root ? root : ".");
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot read %s", path);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "```", 3))
			inside = !strncmp(line, "```mermaid", 10);
		if (!inside || sscanf(line, " %63[][*A-Za-z] --> %63[][*A-Za-z]",
				      from, to) != 2)
			continue;
		if (!strcmp(from, "[*]")) {
			assert_int_equal(find_state(to), DIS_STATE_SCHEDULED);
			starts++;
		} else if (!strcmp(to, "[*]")) {
			assert_true(dis_state_final(find_state(from)));
			ends++;
		} else {
			assert_true(find_state(from) < DIS_STATES);
			assert_true(find_state(to) < DIS_STATES);
			drawn[find_state(from)] |= 1u << find_state(to);
		}
	}
	fclose(file);
	assert_int_equal(starts, 1);
	assert_int_equal(ends, 2);
	for (unsigned s = 0; s < DIS_STATES; s++)
		assert_int_equal(drawn[s], legal[s]);
}

/* One vCPU that no core has taken over yet. */
static struct dis_vcpu *open_vcpu(struct world **w)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};

	*w = world_open_cores(1);
	return world_vcpu(*w, world_vm_stopped(*w, roles, 1), 0)->vcpu;
}

/* R: ST-2: an illegal edge is our own bug; it stops the program. */
static void test_state_illegal_edges_abort(void **state)
{
	struct world *w;
	struct dis_vcpu *vcpu = open_vcpu(&w);

	(void)state;
	for (unsigned from = 0; from < DIS_STATES; from++) {
		for (unsigned to = 0; to < DIS_STATES; to++) {
			pid_t pid = fork();
			int status;

			assert_true(pid >= 0);
			if (pid == 0) {
				signal(SIGABRT, SIG_DFL);
				fclose(stderr);
				vcpu->state = (uint8_t)from;
				state_set(vcpu, to, DIS_REASON_NONE, 0, 0);
				_exit(0);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (legal[from] >> to & 1u)
				assert_true(WIFEXITED(status) &&
					    WEXITSTATUS(status) == 0);
			else
				assert_true(WIFSIGNALED(status) &&
					    WTERMSIG(status) == SIGABRT);
		}
	}
	world_close(w);
}

/* R: ST-2, DIS-3: the time in the old state is accounted to it. */
static void test_state_change_accounts_time_in_old_state(void **state)
{
	struct world *w;
	struct dis_vcpu *vcpu = open_vcpu(&w);

	(void)state;
	state_set(vcpu, DIS_STATE_RUNNING, DIS_REASON_DISPATCH, 0, 10);
	state_set(vcpu, DIS_STATE_SLEEPING, DIS_REASON_HALT, 140, 110);
	state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_TIMER, 0, 140);
	state_set(vcpu, DIS_STATE_RUNNING, DIS_REASON_DISPATCH, 0, 145);
	state_set(vcpu, DIS_STATE_WAITING, DIS_REASON_HALT, 0, 150);
	state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_INTERRUPT, 0, 157);
	assert_int_equal(vcpu->stats.wait_ns, 10 + 5);
	assert_int_equal(vcpu->stats.sleep_ns, 30 + 7);
	world_close(w);
}

/* R: ST-6: one event per change, with all that it has to carry. */
static void test_state_change_emits_one_full_event(void **state)
{
	struct world *w;
	struct dis_vcpu *vcpu = open_vcpu(&w);
	struct dis_event e[2];

	(void)state;
	state_set(vcpu, DIS_STATE_RUNNING, DIS_REASON_FLOOR, 77, 10);
	assert_int_equal(dis_domain_read_events(w->dom, 0, e, 2), 1);
	assert_int_equal(e[0].type, DIS_EVENT_STATE);
	assert_int_equal(e[0].time_ns, 10);
	assert_true(e[0].vm == vcpu->vm->id && e[0].vcpu == vcpu->id);
	assert_int_equal(e[0].state, DIS_STATE_RUNNING);
	assert_int_equal(e[0].reason, DIS_REASON_FLOOR);
	assert_int_equal(e[0].klass, DIS_CLASS_BATCH);
	assert_int_equal(e[0].cpu, 0);
	assert_int_equal(e[0].arg, 77);
	assert_int_equal(e[0].vm_seq, 0);
	assert_int_equal(e[0].vcpu_seq, 0);
	world_close(w);
}

/* R: ST-6: tasks_state_total. */
static void test_state_counts_now_and_total(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_halt)};
	struct world *w = world_open_cores(1);
	uint64_t now[DIS_STATES], total[DIS_STATES];

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, 35 * DIS_MS_NS); /* 10 a, 10 b, 0 c, 10 a, 5 b */
	dis_domain_count_states(w->dom, now, total);
	assert_int_equal(now[DIS_STATE_RUNNING], 1);
	assert_int_equal(now[DIS_STATE_SCHEDULED], 1);
	assert_int_equal(now[DIS_STATE_WAITING], 1);
	assert_int_equal(total[DIS_STATE_RUNNING], 5);
	assert_int_equal(total[DIS_STATE_THROTTLED], 3);
	assert_int_equal(total[DIS_STATE_SCHEDULED], 3 + 3);
	assert_int_equal(total[DIS_STATE_WAITING], 1);
	assert_int_equal(total[DIS_STATE_SLEEPING], 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_all_49_edges_are_as_specified),
		cmocka_unit_test(test_state_out_of_range_has_no_edge),
		cmocka_unit_test(test_state_readme_diagram_equals_table),
		cmocka_unit_test(test_state_illegal_edges_abort),
		cmocka_unit_test(test_state_change_accounts_time_in_old_state),
		cmocka_unit_test(test_state_change_emits_one_full_event),
		cmocka_unit_test(test_state_counts_now_and_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
