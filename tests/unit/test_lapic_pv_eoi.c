/* SPDX-License-Identifier: Apache-2.0 */
/* End of interrupt through a shared word; see vmm/dev/lapic_pv_eoi.c. */
#include "test_lapic_fixture.h"

#define VECTOR 0x41u

static uint32_t word; /* shared with the guest */

/* CPU 0, with VECTOR in service. */
static struct lapic *in_service(struct fixture *f)
{
	struct lapic *l = f->cpus[0];

	word = 0;
	lapic_pv_eoi_set(l, &word);
	assert_true(lapic_post(l, VECTOR, false));
	lapic_sync(l);
	assert_int_equal(lapic_accept(l), VECTOR);
	return l;
}

static bool is_in_service(struct fixture *f)
{
	return rd(f, 0, ISR + VECTOR / 32) >> VECTOR % 32 & 1u;
}

static void test_pv_eoi_bit_cleared_by_guest_ends_the_interrupt(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 1);
	word = 0;
	lapic_pv_eoi_collect(l);
	assert_false(is_in_service(f));
}

static void test_pv_eoi_bit_left_alone_keeps_it_in_service(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	lapic_pv_eoi_offer(l);
	lapic_pv_eoi_collect(l);
	/* Taken back: the guest will use the register. */
	assert_int_equal(word, 0);
	assert_true(is_in_service(f));
	lapic_pv_eoi_collect(l);
	assert_true(is_in_service(f));
	wr(f, 0, EOI, 0);
	assert_false(is_in_service(f));
}

static void test_pv_eoi_with_another_waiting_is_not_offered(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	lapic_post(l, VECTOR - 16u, false);
	lapic_sync(l);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
}

static void test_pv_eoi_with_two_in_service_is_not_offered(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	lapic_post(l, VECTOR + 16u, false);
	lapic_sync(l);
	assert_int_equal(lapic_accept(l), VECTOR + 16);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
	wr(f, 0, EOI, 0);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 1);
}

static void test_pv_eoi_with_none_in_service_is_not_offered(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	wr(f, 0, EOI, 0);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
}

/* Its end has to reach the I/O APIC. */
static void test_pv_eoi_of_level_triggered_is_not_offered(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	wr(f, 0, EOI, 0);
	lapic_post(l, VECTOR, true);
	lapic_sync(l);
	assert_int_equal(lapic_accept(l), VECTOR);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
}

static void test_pv_eoi_init_forgets_the_word(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = in_service(f);

	lapic_pv_eoi_offer(l);
	word = 0;
	lapic_post_init(l);
	lapic_sync(l);
	lapic_pv_eoi_collect(l);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
	assert_null(l->pv_eoi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(test_pv_eoi_bit_cleared_by_guest_ends_the_interrupt),
		T1(test_pv_eoi_bit_left_alone_keeps_it_in_service),
		T1(test_pv_eoi_with_another_waiting_is_not_offered),
		T1(test_pv_eoi_with_two_in_service_is_not_offered),
		T1(test_pv_eoi_with_none_in_service_is_not_offered),
		T1(test_pv_eoi_of_level_triggered_is_not_offered),
		T1(test_pv_eoi_init_forgets_the_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
