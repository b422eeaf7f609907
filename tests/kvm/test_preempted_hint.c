/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preempted hint of the steal-time page, where its guest has it: set while DIS
 * gives the core of a vCPU to others, and never while the vCPU runs (R: CARD-11). The
 * guest is some bytes of real-mode code, beside hogs.
 */
#include <asm/kvm_para.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "kvm/pool.h"

#define HOGS_PER_CORE 2u
#define ROUNDS 5u

/* As in the code below. */
#define PAGE_GPA 0x1000u
#define TURNS_GPA 0x2000u
#define SEEN_SET_GPA 0x2004u

/* Turns for ever, and counts turns in which it finds itself preempted. */
__asm__(".pushsection .rodata\n"
	".code16\n"
	"turn_code:\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	movl $0x4b564d03, %ecx\n" /* MSR_KVM_STEAL_TIME */
	"	movl $0x1001, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"1:	incl 0x2000\n"
	"	cmpb $0, 0x1010\n" /* preempted */
	"	je 1b\n"
	"	incl 0x2004\n"
	"	jmp 1b\n"
	"turn_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t turn_code[], turn_end[];

/* On each core are hogs, and on some core the guest as well. */
struct bed {
	struct pool pool;
	struct machine_kind hog_kind, kind;
	struct machine *hogs, *guest;
};

static void bed_open(struct bed *bed)
{
	unsigned hogs;

	pool_open(&bed->pool, POOL_DIS, 2, 1u + DIS_CORES_MAX * HOGS_PER_CORE);
	hogs = bed->pool.cores * HOGS_PER_CORE;
	pool_kind_open(&bed->hog_kind, "work=hog", hogs, 1, false);
	pool_kind_open_rom(&bed->kind, turn_code, turn_end, turn_code, 1);
	bed->hogs = pool_boot(&bed->pool, &bed->hog_kind, 0);
	for (unsigned i = 0; i < hogs; i++)
		pool_wait_work(bed->hogs, i, 1);
	bed->guest = pool_boot(&bed->pool, &bed->kind, 0);
}

static void bed_stop(struct bed *bed)
{
	pool_stop(&bed->pool, bed->guest);
	pool_stop(&bed->pool, bed->hogs);
	pool_wait_ended(&bed->pool, 2);
	assert_int_equal(pool_info(&bed->pool, bed->guest).state,
			 DIS_STATE_FINISHED);
}

static void bed_close(struct bed *bed)
{
	pool_reap(&bed->pool, bed->guest);
	pool_reap(&bed->pool, bed->hogs);
	pool_close(&bed->pool);
	machine_kind_close(&bed->kind);
	machine_kind_close(&bed->hog_kind);
}

static uint32_t word_at(const struct bed *bed, uint64_t gpa)
{
	const uint8_t *at = bed->guest->vm.mem.base + gpa;

	return __atomic_load_n((const uint32_t *)at, __ATOMIC_SEQ_CST);
}

static const struct kvm_steal_time *page_of(const struct bed *bed)
{
	return (const void *)(bed->guest->vm.mem.base + PAGE_GPA);
}

static uint8_t hint(const struct bed *bed)
{
	return __atomic_load_n(&page_of(bed)->preempted, __ATOMIC_SEQ_CST);
}

static uint32_t version(const struct bed *bed)
{
	return __atomic_load_n(&page_of(bed)->version, __ATOMIC_SEQ_CST);
}

/* Marked, and in a run queue: all within one wait, as its end counts the version on. */
static bool waits_marked(const struct bed *bed)
{
	uint32_t before = version(bed);
	bool marked = hint(bed) == KVM_VCPU_PREEMPTED &&
		      dis_vcpu_state(bed->guest->vcpus[0].dis) ==
			      DIS_STATE_SCHEDULED;

	return marked && version(bed) == before;
}

static bool is_unmarked(const struct bed *bed)
{
	return !hint(bed);
}

static void pause_a_little(void)
{
	const struct timespec pause = {.tv_nsec = (long)(DIS_MS_NS / 4)};

	nanosleep(&pause, NULL);
}

/* Waits are for ever: the time limit of the program is theirs. */
static void wait_until(const struct bed *bed, bool (*is)(const struct bed *bed))
{
	while (!is(bed))
		pause_a_little();
}

static void wait_turned(const struct bed *bed)
{
	uint32_t turns = word_at(bed, TURNS_GPA);

	while (word_at(bed, TURNS_GPA) == turns)
		pause_a_little();
}

static void test_preempted_hint_is_set_while_others_have_the_core(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_until(&bed, waits_marked);
		wait_until(&bed, is_unmarked);
	}
	bed_stop(&bed);
	bed_close(&bed);
}

/* It has run again and again after it was preempted, and never found itself marked. */
static void test_preempted_hint_is_clear_while_the_vcpu_runs(void **state)
{
	uint32_t seen_set;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_until(&bed, waits_marked);
		wait_turned(&bed);
	}
	bed_stop(&bed);
	seen_set = word_at(&bed, SEEN_SET_GPA);
	bed_close(&bed);
	assert_int_equal(seen_set, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_preempted_hint_is_set_while_others_have_the_core),
		cmocka_unit_test(
			test_preempted_hint_is_clear_while_the_vcpu_runs),
	};

	return cmocka_run_group_tests_name("preempted-hint", tests, NULL, NULL);
}
