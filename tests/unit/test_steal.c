/* SPDX-License-Identifier: Apache-2.0 */
/* Steal time in guest memory (vmm/kvm/steal.h), with a scheduler and no KVM. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <asm/kvm_para.h>
#include <cmocka.h>

#include "kvm/vcpu.h"
#include "lib/world.h"

#define MEM_BYTES 8192u
#define PAGE_GPA 0x1040u

/* Two hogs on one core; the first one's guest has the page. */
struct bed {
	struct world *w;
	struct kvm_vm vm;
	struct kvm_vcpu vcpu;
	_Alignas(64) uint8_t mem[MEM_BYTES];
};

static int open_bed(void **state)
{
	static struct bed bed;
	struct dis_domain_config cfg = world_config(1);
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog)};

	bed = (struct bed){.w = world_open(&cfg, DIS_S_NS)};
	bed.vm.mem =
		(struct guest_mem){.base = bed.mem, .size_bytes = MEM_BYTES};
	bed.vcpu.vm = &bed.vm;
	bed.vcpu.dis = world_vcpu(bed.w, world_vm(bed.w, roles, 2), 0)->vcpu;
	*state = &bed;
	return 0;
}

static int close_bed(void **state)
{
	struct bed *bed = *state;

	world_close(bed->w);
	return 0;
}

static const struct kvm_steal_time *page_of(const struct bed *bed)
{
	return (const struct kvm_steal_time *)(bed->mem + PAGE_GPA);
}

static void turn_on(struct bed *bed)
{
	assert_int_equal(steal_write_msr(&bed->vcpu, PAGE_GPA | 1u), 0);
}

static void test_steal_alone_is_zero(void **state)
{
	struct bed *bed = *state;

	turn_on(bed);
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->steal, 0);
	assert_int_equal(page_of(bed)->version % 2, 0);
	assert_true(page_of(bed)->version > 0);
}

static void test_steal_is_the_time_waited_for_the_core(void **state)
{
	struct bed *bed = *state;

	turn_on(bed);
	world_run(bed->w, 200 * DIS_MS_NS);
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->steal, dis_vcpu_wait_ns(bed->vcpu.dis));
	assert_in_range(page_of(bed)->steal, 90 * DIS_MS_NS, 110 * DIS_MS_NS);
}

static void test_steal_update_ends_preempted(void **state)
{
	struct bed *bed = *state;

	turn_on(bed);
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->preempted, 0);
	steal_preempted(&bed->vcpu);
	assert_int_equal(page_of(bed)->preempted, KVM_VCPU_PREEMPTED);
	/* Even if it has not waited for as much as a nanosecond. */
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->preempted, 0);
}

static void test_steal_same_figure_leaves_the_version(void **state)
{
	struct bed *bed = *state;
	uint32_t version;

	turn_on(bed);
	steal_update(&bed->vcpu);
	version = page_of(bed)->version;
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->version, version);
}

static void test_steal_odd_version_of_the_guest_becomes_even(void **state)
{
	struct bed *bed = *state;

	((struct kvm_steal_time *)(bed->mem + PAGE_GPA))->version = 7;
	turn_on(bed);
	steal_update(&bed->vcpu);
	assert_int_equal(page_of(bed)->version, 8);
}

static void test_steal_off_writes_nothing(void **state)
{
	struct bed *bed = *state;

	steal_update(&bed->vcpu);
	steal_preempted(&bed->vcpu);
	turn_on(bed);
	assert_int_equal(steal_write_msr(&bed->vcpu, 0), 0);
	steal_update(&bed->vcpu);
	steal_preempted(&bed->vcpu);
	for (unsigned i = 0; i < MEM_BYTES; i++)
		assert_int_equal(bed->mem[i], 0);
}

static void test_steal_bad_msr_is_einval_and_changes_nothing(void **state)
{
	static const uint64_t bad[] = {PAGE_GPA | 3u,  PAGE_GPA | 0x21u,
				       MEM_BYTES | 1u, (MEM_BYTES - 32u) | 1u,
				       UINT64_MAX,     ~UINT64_C(63) | 1u};
	struct bed *bed = *state;

	turn_on(bed);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(steal_write_msr(&bed->vcpu, bad[i]), -EINVAL);
	assert_int_equal(bed->vcpu.steal.msr, PAGE_GPA | 1u);
	assert_ptr_equal(bed->vcpu.steal.page, page_of(bed));
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_bed, close_bed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_steal_alone_is_zero),
		T(test_steal_is_the_time_waited_for_the_core),
		T(test_steal_update_ends_preempted),
		T(test_steal_same_figure_leaves_the_version),
		T(test_steal_odd_version_of_the_guest_becomes_even),
		T(test_steal_off_writes_nothing),
		T(test_steal_bad_msr_is_einval_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
