/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID: what guests do not get, and their topology (R: CARD-1, CARD-11). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <asm/kvm_para.h>

#include "kvm/cpuid.h"

static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[KVM_CPUID_MAX];
} table;

static struct kvm_cpuid_entry2 *add(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = &table.entries[table.head.nent++];

	*e = (struct kvm_cpuid_entry2){.function = function, .index = index};
	return e;
}

static int make_table(void **state)
{
	(void)state;
	table.head.nent = 0;
	add(0, 0)->ebx = 0x756e6547; /* Genu(ineIntel) */
	return 0;
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < table.head.nent; i++)
		if (table.entries[i].function == function &&
		    table.entries[i].index == index)
			return &table.entries[i];
	fail_msg("no leaf %#x, %u", function, index);
	return NULL;
}

static struct kvm_cpuid_entry2 kept(uint32_t function, bool kernel_irqchip)
{
	struct kvm_cpuid_entry2 e = {.function = function,
				     .eax = UINT32_MAX,
				     .ebx = UINT32_MAX,
				     .ecx = UINT32_MAX,
				     .edx = UINT32_MAX};

	assert_true(cpuid_keep(&e, kernel_irqchip));
	return e;
}

static bool is_kept(uint32_t function, bool kernel_irqchip)
{
	struct kvm_cpuid_entry2 e = {.function = function, .eax = 1};

	return cpuid_keep(&e, kernel_irqchip);
}

static void test_cpuid_virtualisation_is_not_offered(void **state)
{
	(void)state;
	assert_int_equal(kept(1, true).ecx & 1u << 5, 0);
	assert_int_equal(kept(0x80000001, true).ecx & 1u << 2, 0);
	assert_false(is_kept(0x8000000a, true));
}

/* A flush that the guest leaves in the page of steal time would be lost. */
static void test_cpuid_kvm_features_of_others_are_not_offered(void **state)
{
	uint32_t features = kept(0x40000001, false).eax;

	(void)state;
	assert_int_equal(features & 1u << KVM_FEATURE_PV_TLB_FLUSH, 0);
	assert_int_equal(features & 1u << KVM_FEATURE_PV_UNHALT, 0);
	assert_int_equal(features & 1u << KVM_FEATURE_PV_SEND_IPI, 0);
	assert_int_equal(features & 1u << KVM_FEATURE_PV_SCHED_YIELD, 0);
	assert_int_equal(features & 1u << KVM_FEATURE_ASYNC_PF, 0);
	assert_int_equal(features & 1u << KVM_FEATURE_POLL_CONTROL, 0);
}

static void test_cpuid_clock_and_steal_time_are_offered(void **state)
{
	uint32_t features = kept(0x40000001, false).eax;

	(void)state;
	assert_true(features & 1u << KVM_FEATURE_CLOCKSOURCE2);
	assert_true(features & 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	assert_true(features & 1u << KVM_FEATURE_STEAL_TIME);
	assert_true(features & 1u << KVM_FEATURE_PV_EOI);
}

static void test_cpuid_kernel_irqchip_keeps_its_features(void **state)
{
	(void)state;
	assert_int_equal(kept(0x40000001, true).eax, UINT32_MAX);
	assert_true(is_kept(0xa, true));
}

static void test_cpuid_counters_without_interrupt_are_not_offered(void **state)
{
	(void)state;
	assert_false(is_kept(0xa, false));
	assert_false(is_kept(0x80000022, false));
	assert_int_equal(kept(1, false).ecx & 1u << 15, 0);
	assert_int_equal(kept(0x80000001, false).ecx & 1u << 23, 0);
}

static void test_cpuid_x2apic_and_deadline_timer_are_offered(void **state)
{
	(void)state;
	for (unsigned kernel = 0; kernel < 2; kernel++) {
		struct kvm_cpuid_entry2 e = {.function = 1, .eax = 1};

		assert_true(cpuid_keep(&e, kernel));
		assert_true(e.ecx & 1u << 21);
		assert_true(e.ecx & 1u << 24);
	}
}

static void test_cpuid_id_bits_tell_cpus_apart(void **state)
{
	(void)state;
	assert_int_equal(cpuid_id_bits(1), 0);
	assert_int_equal(cpuid_id_bits(2), 1);
	assert_int_equal(cpuid_id_bits(3), 2);
	assert_int_equal(cpuid_id_bits(64), 6);
	assert_int_equal(cpuid_id_bits(65), 7);
	assert_int_equal(cpuid_id_bits(256), 8);
}

static void test_cpuid_topology_leaf_b_has_cores_of_one_thread(void **state)
{
	(void)state;
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(leaf(0xb, 0)->eax, 0);
	assert_int_equal(leaf(0xb, 0)->ebx, 1);
	assert_int_equal(leaf(0xb, 0)->ecx, 0x100);
	assert_int_equal(leaf(0xb, 0)->edx, 5);
	assert_int_equal(leaf(0xb, 1)->eax, 3);
	assert_int_equal(leaf(0xb, 1)->ebx, 6);
	assert_int_equal(leaf(0xb, 1)->ecx, 0x201);
	assert_int_equal(leaf(0xb, 1)->edx, 5);
}

static void test_cpuid_topology_leaf_1_has_id_and_count(void **state)
{
	(void)state;
	add(1, 0)->ebx = 0xffff0800;
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(leaf(1, 0)->ebx, 0x05060800);
	assert_true(leaf(1, 0)->edx & 1u << 28);
}

static void test_cpuid_topology_single_cpu_has_no_siblings(void **state)
{
	(void)state;
	add(1, 0)->edx = UINT32_MAX;
	cpuid_put_topology(&table.head, 0, 1);
	assert_int_equal(leaf(1, 0)->edx & 1u << 28, 0);
	assert_int_equal(leaf(1, 0)->ebx, 0x00010000);
}

/* The host's figures say with whom its CPUs share, not ours. */
static void test_cpuid_topology_caches_are_shared_from_level_3(void **state)
{
	(void)state;
	for (uint32_t level = 1; level <= 3; level++)
		add(4, level)->eax = 0xfffffc01u | level << 5;
	cpuid_put_topology(&table.head, 1, 6);
	assert_int_equal(leaf(4, 1)->eax >> 14 & 0xfff, 0);
	assert_int_equal(leaf(4, 2)->eax >> 14 & 0xfff, 0);
	assert_int_equal(leaf(4, 3)->eax >> 14 & 0xfff, 7);
	assert_int_equal(leaf(4, 3)->eax >> 26, 7);
}

static void make_amd(void)
{
	table.entries[0].ebx = 0x68747541;
	add(0x80000001, 0)->ecx = 1u << 22; /* TOPOEXT */
	add(0x80000008, 0)->ecx = 0xffff;
}

static void test_cpuid_topology_amd_has_cores_and_id_bits(void **state)
{
	(void)state;
	make_amd();
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(leaf(0x80000008, 0)->ecx & 0xff, 5);
	assert_int_equal(leaf(0x80000008, 0)->ecx >> 12 & 0xf, 3);
	assert_true(leaf(0x80000001, 0)->ecx & 1u << 1);
}

static void test_cpuid_topology_amd_extended_has_the_core(void **state)
{
	(void)state;
	make_amd();
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(leaf(0x8000001e, 0)->eax, 5);
	assert_int_equal(leaf(0x8000001e, 0)->ebx, 5);
	assert_int_equal(leaf(0x8000001e, 0)->ecx, 0);
}

static void test_cpuid_topology_intel_keeps_sizes(void **state)
{
	(void)state;
	add(0x80000008, 0)->eax = 0x3027;
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(leaf(0x80000008, 0)->ecx, 0);
	assert_int_equal(leaf(0x80000008, 0)->eax, 0x3027);
}

static void test_cpuid_phys_bits_are_those_of_the_leaf(void **state)
{
	(void)state;
	assert_int_equal(cpuid_phys_bits(&table.head), 36);
	add(0x80000008, 0)->eax = 0x302e;
	assert_int_equal(cpuid_phys_bits(&table.head), 46);
}

static void test_cpuid_topology_full_table_is_not_overrun(void **state)
{
	(void)state;
	while (table.head.nent < KVM_CPUID_MAX)
		add(2, table.head.nent);
	cpuid_put_topology(&table.head, 5, 6);
	assert_int_equal(table.head.nent, KVM_CPUID_MAX);
}

#define CPUID(test) cmocka_unit_test_setup(test, make_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CPUID(test_cpuid_virtualisation_is_not_offered),
		CPUID(test_cpuid_kvm_features_of_others_are_not_offered),
		CPUID(test_cpuid_clock_and_steal_time_are_offered),
		CPUID(test_cpuid_kernel_irqchip_keeps_its_features),
		CPUID(test_cpuid_counters_without_interrupt_are_not_offered),
		CPUID(test_cpuid_x2apic_and_deadline_timer_are_offered),
		CPUID(test_cpuid_id_bits_tell_cpus_apart),
		CPUID(test_cpuid_topology_leaf_b_has_cores_of_one_thread),
		CPUID(test_cpuid_topology_leaf_1_has_id_and_count),
		CPUID(test_cpuid_topology_single_cpu_has_no_siblings),
		CPUID(test_cpuid_topology_caches_are_shared_from_level_3),
		CPUID(test_cpuid_topology_amd_has_cores_and_id_bits),
		CPUID(test_cpuid_topology_amd_extended_has_the_core),
		CPUID(test_cpuid_topology_intel_keeps_sizes),
		CPUID(test_cpuid_phys_bits_are_those_of_the_leaf),
		CPUID(test_cpuid_topology_full_table_is_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
