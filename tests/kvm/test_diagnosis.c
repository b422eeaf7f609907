/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of real vCPUs: that failed, or were asked while they go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "diag/x86.h"
#include "kvm/pool.h"

#define VCPUS 4u

static void ask(struct machine *guest, unsigned vcpu, struct cpu_snapshot *to)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};

	kvm_vcpu_ask(&guest->vcpus[vcpu], to, NULL);
	while (!kvm_vcpu_answered(&guest->vcpus[vcpu]))
		nanosleep(&pause, NULL);
	assert_int_equal(to->failed, 0);
	assert_int_equal(to->vcpu, vcpu);
}

static void expect_long_mode(const struct cpu_snapshot *s)
{
	assert_true(s->paging.efer & X86_EFER_LMA);
	assert_int_equal(snapshot_bits(s), 64);
	assert_string_equal(walk_end_name(s->walk[SNAPSHOT_WALK_CODE].end),
			    "mapped");
	assert_true(s->walk[SNAPSHOT_WALK_CODE].in_memory);
	assert_true(s->code_after > 0 && s->stack_bytes > 0);
}

/* What failed, and its state there. */
static const struct vm_failure *fail_with(struct pool *pool,
					  struct machine_kind *kind,
					  const char *cmdline,
					  struct machine **guest)
{
	pool_open(pool, POOL_DIS, 1, 2);
	pool_kind_open(kind, cmdline, 2, 1, false);
	*guest = pool_boot(pool, kind, 0);
	pool_wait_ended(pool, 1);
	assert_true((*guest)->vm.failure.has_snapshot);
	return &(*guest)->vm.failure;
}

static void end(struct pool *pool, struct machine_kind *kind,
		struct machine *guest)
{
	pool_reap(pool, guest);
	pool_close(pool);
	machine_kind_close(kind);
}

/* AMD's SVM loses the registers of a shutdown: a snapshot has those of a reset. */
static bool registers_are_lost(const struct cpu_snapshot *s)
{
	if (access("/sys/module/kvm_amd", F_OK))
		return false;
	assert_int_equal(s->rip, 0xfff0);
	return true;
}

/* R: CARD-7 */
static void test_diagnosis_of_triple_fault_has_its_instruction(void **state)
{
	static const uint8_t ud2[] = {0x0f, 0x0b};
	const struct vm_failure *failure;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	(void)state;
	failure =
		fail_with(&pool, &kind, "work=hog work@1=fault:triple", &guest);
	assert_int_equal(failure->snapshot.vcpu, 1);
	assert_int_equal(failure->snapshot.activity.state, DIS_STATE_RUNNING);
	if (!registers_are_lost(&failure->snapshot)) {
		expect_long_mode(&failure->snapshot);
		assert_int_equal(snapshot_place_of(&failure->snapshot).ring, 0);
		assert_memory_equal(failure->snapshot.code + SNAPSHOT_CODE_BYTES,
				    ud2, sizeof(ud2));
		assert_int_equal(failure->snapshot.idt.limit, 0);
	}
	end(&pool, &kind, guest);
}

/* R: CARD-7: where the address is not mapped, the walk tells where it ends. */
static void test_diagnosis_of_jump_to_nowhere_has_the_walk(void **state)
{
	const struct vm_failure *failure;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;
	const struct walk *walk;

	(void)state;
	failure = fail_with(&pool, &kind, "work=hog work@0=fault:jump", &guest);
	if (registers_are_lost(&failure->snapshot)) {
		end(&pool, &kind, guest);
		return;
	}
	walk = &failure->snapshot.walk[SNAPSHOT_WALK_CODE];
	assert_int_equal(failure->snapshot.rip, UINT64_C(0xffff800000000000));
	assert_int_equal(failure->snapshot.code_after, 0);
	assert_int_equal(walk->end, WALK_NOT_PRESENT);
	assert_int_equal(walk->entries, 1);
	assert_int_equal(walk->entry[0].index, 256);
	assert_int_equal(failure->snapshot.walk[SNAPSHOT_WALK_FAULT].linear,
			 failure->snapshot.rip);
	assert_true(failure->snapshot.stack_bytes > 0);
	end(&pool, &kind, guest);
}

/* R: CARD-7: an exit code other than 0 is a failure. */
static void test_diagnosis_of_exit_code_has_a_snapshot(void **state)
{
	const struct vm_failure *failure;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	(void)state;
	failure = fail_with(&pool, &kind, "work=exit:3", &guest);
	assert_int_equal(failure->exit_code, 3);
	expect_long_mode(&failure->snapshot);
	end(&pool, &kind, guest);
}

static uint64_t wakes_of(const struct machine *guest, unsigned vcpu)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(guest->vcpus[vcpu].dis, &stats);
	return stats.wakes;
}

/* Until it has halted for good: 1 sleeps, the others are done. */
static void wait_halted(const struct machine *guest, unsigned vcpu)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	enum dis_state want = vcpu == 1 ? DIS_STATE_SLEEPING
					: DIS_STATE_WAITING;

	while (pool_count_done(guest) < VCPUS - 2)
		nanosleep(&pause, NULL);
	while (dis_vcpu_state(guest->vcpus[vcpu].dis) != want)
		nanosleep(&pause, NULL);
}

static void ask_halted(struct machine *guest, unsigned vcpu)
{
	struct cpu_snapshot now;
	uint64_t wakes;

	wait_halted(guest, vcpu);
	wakes = wakes_of(guest, vcpu);
	ask(guest, vcpu, &now);
	expect_long_mode(&now);
	assert_true(now.activity.halted);
	assert_int_equal(now.activity.timer_ns != DIS_NEVER_NS, vcpu == 1);
	assert_int_equal(wakes_of(guest, vcpu), wakes);
}

/*
 * vCPU 0 computes, 1 sleeps for very long, 2 and 3 halt for ever: all of them
 * answer, and nothing of them has changed.
 */
static void ask_all(enum pool_executor executor, bool kernel_irqchip)
{
	struct cpu_snapshot now;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	pool_open(&pool, executor, 1, VCPUS);
	pool_kind_open(&kind, "work=idle work@0=hog work@1=sleep:1000s", VCPUS,
		       1, kernel_irqchip);
	guest = pool_boot(&pool, &kind, 0);
	pool_wait_work(guest, 0, 1);
	for (unsigned turn = 0; turn < 10; turn++) {
		for (unsigned i = 0; i < VCPUS; i++) {
			if (i == 0 || kernel_irqchip)
				ask(guest, i, &now);
			else
				ask_halted(guest, i);
		}
		pool_wait_work(guest, 0, 10);
	}
	assert_false(pool_info(&pool, guest).ended);
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	end(&pool, &kind, guest);
}

/* R: CARD-7, DIS-2 */
static void test_diagnosis_on_request_reaches_every_vcpu(void **state)
{
	(void)state;
	ask_all(POOL_DIS, false);
}

/* R: CARD-7: a thread per vCPU. */
static void test_diagnosis_on_request_reaches_every_thread(void **state)
{
	(void)state;
	ask_all(POOL_THREADS, false);
}

/* R: CARD-7: a halted vCPU is inside KVM_RUN there. */
static void test_diagnosis_on_request_leaves_halt_of_kvm(void **state)
{
	(void)state;
	ask_all(POOL_THREADS, true);
}

/* R: CARD-7 */
static void test_diagnosis_on_request_of_ended_guest_is_given(void **state)
{
	struct cpu_snapshot now;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	(void)state;
	fail_with(&pool, &kind, "work=hog work@0=fault:triple", &guest);
	ask(guest, 0, &now);
	assert_int_equal(now.activity.state, DIS_STATE_FAILED);
	if (!registers_are_lost(&now))
		expect_long_mode(&now);
	end(&pool, &kind, guest);
}

/* R: EVO-A2: preemptions are samples too, of code that is in memory. */
static void test_profile_of_two_hogs_has_samples_of_both(void **state)
{
	struct machine *guest;
	struct machine_kind kind;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, VCPUS);
	pool_kind_open(&kind, "work=hog", VCPUS, 1, false);
	kind.spec.profile = true;
	guest = pool_boot(&pool, &kind, 0);
	for (unsigned i = 0; i < VCPUS; i++)
		pool_wait_work(guest, i, 20000);
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	for (unsigned i = 0; i < VCPUS; i++) {
		const struct samples *samples = guest->vcpus[i].samples;
		const struct sample *hot = NULL;

		assert_true(samples->total > 0);
		assert_true(samples->total <=
			    guest->vcpus[i].exits[EXIT_KIND_SIGNAL]);
		for (unsigned k = 0; k < SAMPLES_SETS * SAMPLES_WAYS; k++) {
			const struct sample *sample = &samples->set[0][0] + k;

			if (!hot || sample->count > hot->count)
				hot = sample;
		}
		assert_true(hot->user);
		assert_int_equal(hot->bits, 64);
		assert_true(hot->n_bytes > 0);
	}
	end(&pool, &kind, guest);
}

/* R: EVO-A2: without it there is nothing that could cost anything. */
static void test_profile_off_has_no_table(void **state)
{
	const struct vm_failure *failure;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	(void)state;
	failure = fail_with(&pool, &kind, "work=exit:1", &guest);
	assert_int_equal(failure->exit_code, 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_null(guest->vcpus[i].samples);
		assert_int_equal(guest->vcpus[i].run->kvm_valid_regs &
					 KVM_SYNC_X86_REGS,
				 0);
	}
	end(&pool, &kind, guest);
}

/* Its vCPUs are used again: the next guest is not sampled. */
static void test_profile_ends_with_its_guest(void **state)
{
	struct machine *guest;
	struct machine_kind kind;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, 2);
	pool_kind_open(&kind, "work=exit:1", 2, 1, false);
	for (unsigned turn = 0; turn < 2; turn++) {
		kind.spec.profile = turn == 0;
		guest = pool_boot(&pool, &kind, 0);
		pool_wait_ended(&pool, 1);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(guest->vcpus[i].samples != NULL,
					 turn == 0);
			assert_int_equal((guest->vcpus[i].run->kvm_valid_regs &
					  KVM_SYNC_X86_REGS) != 0,
					 turn == 0);
		}
		pool_reap(&pool, guest);
	}
	pool_close(&pool);
	machine_kind_close(&kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_diagnosis_of_triple_fault_has_its_instruction),
		cmocka_unit_test(test_diagnosis_of_jump_to_nowhere_has_the_walk),
		cmocka_unit_test(test_diagnosis_of_exit_code_has_a_snapshot),
		cmocka_unit_test(test_diagnosis_on_request_reaches_every_vcpu),
		cmocka_unit_test(test_diagnosis_on_request_reaches_every_thread),
		cmocka_unit_test(test_diagnosis_on_request_leaves_halt_of_kvm),
		cmocka_unit_test(
			test_diagnosis_on_request_of_ended_guest_is_given),
		cmocka_unit_test(test_profile_of_two_hogs_has_samples_of_both),
		cmocka_unit_test(test_profile_off_has_no_table),
		cmocka_unit_test(test_profile_ends_with_its_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
