/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot makes of registers and memory (R: CARD-7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/diag_guest.h"

static struct walk_memory mem;
static struct cpu_snapshot s;

static int set_up(void **state)
{
	(void)state;
	mem = diag_guest_new();
	diag_guest_map(&mem);
	s = (struct cpu_snapshot){.paging = diag_regs_long()};
	s.segment[SNAPSHOT_CS].l = true;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(mem.ram.base);
	return 0;
}

static void be_real(uint16_t cs, uint64_t ip)
{
	s = (struct cpu_snapshot){.rip = ip};
	s.segment[SNAPSHOT_CS].selector = cs;
	s.segment[SNAPSHOT_CS].base = (uint64_t)cs << 4;
}

static void test_snapshot_place_in_64_bit_code(void **state)
{
	struct snapshot_place at;

	(void)state;
	s.rip = UINT64_C(0xffffffff81000000);
	s.gpr[SNAPSHOT_RSP] = UINT64_C(0xffffc90000001000);
	s.segment[SNAPSHOT_CS].selector = 0x33;
	/* Neither base counts, whatever it is. */
	s.segment[SNAPSHOT_CS].base = 0x1000;
	s.segment[SNAPSHOT_SS].base = 0x1000;
	at = snapshot_place_of(&s);
	assert_int_equal(at.linear, UINT64_C(0xffffffff81000000));
	assert_int_equal(at.bits, 64);
	assert_int_equal(at.ring, 3);
	assert_int_equal(snapshot_sp(&s), UINT64_C(0xffffc90000001000));
	assert_int_equal(snapshot_stack_word(&s), 8);
}

/* 32-bit code of a 64-bit kernel: long mode, but L is clear. */
static void test_snapshot_place_in_compatibility_mode(void **state)
{
	(void)state;
	s.segment[SNAPSHOT_CS].l = false;
	s.segment[SNAPSHOT_CS].db = true;
	s.segment[SNAPSHOT_CS].base = 0xfffff000;
	s.rip = 0x2000;
	assert_int_equal(snapshot_bits(&s), 32);
	assert_int_equal(snapshot_ip(&s), 0x1000);
	assert_int_equal(snapshot_stack_word(&s), 4);
}

static void test_snapshot_place_in_real_mode(void **state)
{
	struct snapshot_place at;

	(void)state;
	be_real(0xf000, 0xfff0);
	s.gpr[SNAPSHOT_RSP] = 0x12345678;
	s.segment[SNAPSHOT_SS].base = 0x500;
	/* A selector is no privilege there. */
	s.segment[SNAPSHOT_CS].selector = 0xf003;
	at = snapshot_place_of(&s);
	assert_int_equal(at.linear, 0xffff0);
	assert_int_equal(at.bits, 16);
	assert_int_equal(at.ring, 0);
	assert_int_equal(snapshot_sp(&s), 0x500 + 0x5678);
	assert_int_equal(snapshot_stack_word(&s), 2);
}

static void test_snapshot_place_in_virtual_8086_mode(void **state)
{
	(void)state;
	be_real(0x1000, 0x10);
	s.paging.cr0 = X86_CR0_PE;
	s.rflags = X86_RFLAGS_VM;
	assert_int_equal(snapshot_place_of(&s).ring, 3);
	assert_int_equal(snapshot_ip(&s), 0x10010);
}

static void test_snapshot_look_keeps_code_and_stack(void **state)
{
	uint8_t page[4096];

	(void)state;
	for (unsigned i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)i;
	diag_guest_put(&mem, 0x9000, page, sizeof(page));
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU);
	s.rip = GUEST_LINEAR + 0x140;
	s.gpr[SNAPSHOT_RSP] = GUEST_LINEAR + 0x200;
	s.cr2 = GUEST_LINEAR + 0x5000;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, SNAPSHOT_CODE_BYTES);
	assert_int_equal(s.code_after, SNAPSHOT_CODE_BYTES);
	assert_memory_equal(s.code, page + 0x140 - SNAPSHOT_CODE_BYTES,
			    sizeof(s.code));
	assert_int_equal(s.stack_bytes, SNAPSHOT_STACK_BYTES);
	assert_memory_equal(s.stack, page + 0x200, sizeof(s.stack));
	assert_int_equal(s.walk[SNAPSHOT_WALK_CODE].gpa, 0x9140);
	assert_int_equal(s.walk[SNAPSHOT_WALK_FAULT].end, WALK_NOT_PRESENT);
	assert_int_equal(s.walk[SNAPSHOT_WALK_STACK].gpa, 0x9200);
}

/* The page before is not mapped: code begins with this page. */
static void test_snapshot_look_at_start_of_page_has_less_before(void **state)
{
	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 1, 0x9000 | P_RWU);
	s.rip = GUEST_LINEAR + 0x1005;
	mem.ram.base[0x9000] = 0x77;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, 5);
	assert_int_equal(s.code[SNAPSHOT_CODE_BYTES - 5], 0x77);
	/* And now it is. */
	diag_guest_entry(&mem, GUEST_PT, 0, 0xa000 | P_RWU);
	mem.ram.base[0xafff] = 0x66;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, SNAPSHOT_CODE_BYTES);
	assert_int_equal(s.code[SNAPSHOT_CODE_BYTES - 6], 0x66);
	assert_int_equal(s.code[SNAPSHOT_CODE_BYTES - 5], 0x77);
}

static void test_snapshot_look_at_end_of_page_has_less_after(void **state)
{
	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU);
	s.rip = GUEST_LINEAR + 0xffd;
	s.gpr[SNAPSHOT_RSP] = GUEST_LINEAR + 0xff0;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_after, 3);
	assert_int_equal(s.stack_bytes, 16);
}

static void test_snapshot_look_at_nothing_is_empty(void **state)
{
	(void)state;
	s.rip = UINT64_C(0xffff800000000000);
	s.gpr[SNAPSHOT_RSP] = UINT64_C(0x1234567890123456);
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, 0);
	assert_int_equal(s.code_after, 0);
	assert_int_equal(s.stack_bytes, 0);
	assert_int_equal(s.walk[SNAPSHOT_WALK_STACK].end, WALK_NON_CANONICAL);
}

/* Nothing lies below address 0, and nothing behind the last one. */
static void test_snapshot_look_at_the_ends_of_the_address_space(void **state)
{
	(void)state;
	diag_guest_entry(&mem, GUEST_PDPT, 0, GUEST_PD | P_RWU);
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU);
	diag_guest_entry(&mem, GUEST_PML4, 511, GUEST_PML4 | P_RWU);
	s.rip = 3;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, 3);
	assert_int_equal(s.code_after, SNAPSHOT_CODE_BYTES);
	s.rip = UINT64_MAX;
	snapshot_look(&s, &mem);
	assert_int_equal(s.code_before, SNAPSHOT_CODE_BYTES);
	assert_int_equal(s.code_after, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_place_in_64_bit_code),
		TEST(test_snapshot_place_in_compatibility_mode),
		TEST(test_snapshot_place_in_real_mode),
		TEST(test_snapshot_place_in_virtual_8086_mode),
		TEST(test_snapshot_look_keeps_code_and_stack),
		TEST(test_snapshot_look_at_start_of_page_has_less_before),
		TEST(test_snapshot_look_at_end_of_page_has_less_after),
		TEST(test_snapshot_look_at_nothing_is_empty),
		TEST(test_snapshot_look_at_the_ends_of_the_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
