/* SPDX-License-Identifier: Apache-2.0 */
/* Page walks (R: CARD-7), also of tables that a guest has spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "diag/walk.h"
#include "unit/diag_guest.h"

static struct walk_memory mem;

static int set_up(void **state)
{
	(void)state;
	mem = diag_guest_new();
	diag_guest_map(&mem);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(mem.ram.base);
	return 0;
}

static struct walk walk(const struct paging_regs *regs, uint64_t linear)
{
	struct walk out;

	walk_linear(regs, &mem, linear, &out);
	assert_in_range(out.end, 0, WALK_ENDS - 1);
	assert_in_range(out.entries, 0, WALK_LEVELS_MAX);
	return out;
}

static void expect_mapped(const struct walk *w, uint64_t gpa, uint64_t bytes,
			  unsigned entries)
{
	assert_string_equal(walk_end_name(w->end), "mapped");
	assert_int_equal(w->gpa, gpa);
	assert_int_equal(w->page_bytes, bytes);
	assert_int_equal(w->entries, entries);
}

static void test_walk_without_paging_is_physical(void **state)
{
	const struct paging_regs regs = {.cr0 = X86_CR0_PE};
	struct walk w = walk(&regs, 0x1234);

	(void)state;
	assert_int_equal(w.end, WALK_UNPAGED);
	assert_int_equal(w.gpa, 0x1234);
	assert_true(w.in_memory);
	w = walk(&regs, GUEST_BYTES);
	assert_int_equal(w.end, WALK_UNPAGED);
	assert_false(w.in_memory);
}

static void test_walk_4_levels_ends_at_a_page(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 7, 0x9000 | P_RWU | P_NO_EXEC);
	w = walk(&regs, GUEST_LINEAR + 0x7123);
	expect_mapped(&w, 0x9123, 4096, 4);
	assert_true(w.in_memory && w.writable && w.user && !w.executable);
	assert_int_equal(w.entry[0].level, 4);
	assert_int_equal(w.entry[1].index, 256);
	assert_int_equal(w.entry[1].gpa, GUEST_PDPT + 256 * 8);
	assert_int_equal(w.entry[3].index, 7);
	assert_int_equal(w.entry[3].value, 0x9000 | P_RWU | P_NO_EXEC);
	assert_string_equal(walk_level_name(w.entry[3].level), "PTE");
}

/* A right that one level denies is denied. */
static void test_walk_rights_are_those_of_all_levels(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU);
	diag_guest_entry(&mem, GUEST_PDPT, 256, GUEST_PD | P_PRESENT);
	w = walk(&regs, GUEST_LINEAR);
	expect_mapped(&w, 0x9000, 4096, 4);
	assert_true(!w.writable && !w.user && w.executable);
}

static void test_walk_large_pages_end_early(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PD, 1, 0x200000 | P_RWU | P_LARGE);
	w = walk(&regs, GUEST_LINEAR + 0x212345);
	expect_mapped(&w, 0x212345, 2 << 20, 3);
	diag_guest_entry(&mem, GUEST_PDPT, 257,
			 UINT64_C(0x40000000) | P_RWU | P_LARGE);
	w = walk(&regs, GUEST_LINEAR + 0x40000000 + 0x1234567);
	expect_mapped(&w, UINT64_C(0x41234567), 1 << 30, 2);
	assert_false(w.in_memory);
}

static void test_walk_5_levels(void **state)
{
	struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	regs.cr3 = GUEST_PML5;
	regs.cr4 |= X86_CR4_LA57;
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU);
	w = walk(&regs, GUEST_LINEAR + 1);
	expect_mapped(&w, 0x9001, 4096, 5);
	assert_string_equal(walk_level_name(w.entry[0].level), "PML5E");
}

/* Its three levels, and no rights at the top one. */
static void test_walk_pae(void **state)
{
	const struct paging_regs regs = {
		.cr0 = X86_CR0_PE | X86_CR0_PG,
		.cr3 = GUEST_PDPT + 0x20,
		.cr4 = X86_CR4_PAE,
		.efer = X86_EFER_NXE,
	};
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PDPT + 0x20, 3, GUEST_PD | P_PRESENT);
	diag_guest_entry(&mem, GUEST_PD, 511, GUEST_PT | P_RWU);
	diag_guest_entry(&mem, GUEST_PT, 511, 0x9000 | P_RWU);
	w = walk(&regs, 0xfffff123);
	expect_mapped(&w, 0x9123, 4096, 3);
	assert_true(w.writable && w.user);
	assert_int_equal(w.entry[0].gpa, GUEST_PDPT + 0x20 + 3 * 8);
	/* Upper bits of an address do not count there. */
	w = walk(&regs, 0xfffffffffffff123);
	expect_mapped(&w, 0x9123, 4096, 3);
}

static void test_walk_32bit(void **state)
{
	struct paging_regs regs = {.cr0 = X86_CR0_PE | X86_CR0_PG,
				   .cr3 = GUEST_PD};
	struct walk w;

	(void)state;
	diag_guest_entry32(&mem, GUEST_PD, 0x300, GUEST_PT | P_RWU);
	diag_guest_entry32(&mem, GUEST_PT, 0x3ff, 0x9000 | P_RWU);
	w = walk(&regs, 0xc03ff0aa);
	expect_mapped(&w, 0x90aa, 4096, 2);
	/* Bit 7 means a large page only with CR4.PSE. */
	diag_guest_entry32(&mem, GUEST_PD, 0x301, GUEST_PT | P_RWU | P_LARGE);
	w = walk(&regs, 0xc07ff0aa);
	expect_mapped(&w, 0x90aa, 4096, 2);
	regs.cr4 = X86_CR4_PSE;
	/* PSE-36: bits 20:13 are 39:32 of the address. */
	diag_guest_entry32(&mem, GUEST_PD, 0x301,
			   0x400000 | 3u << 13 | P_RWU | P_LARGE);
	w = walk(&regs, 0xc07ff0aa);
	expect_mapped(&w, UINT64_C(0x3007ff0aa), 4 << 20, 1);
}

static void test_walk_not_present_at_any_level(void **state)
{
	static const uint64_t tables[] = {GUEST_PML4, GUEST_PDPT, GUEST_PD};
	static const unsigned index[] = {0, 256, 0};
	const struct paging_regs regs = diag_regs_long();

	(void)state;
	for (unsigned i = 4; i-- > 0;) {
		struct walk w = walk(&regs, GUEST_LINEAR);

		assert_string_equal(walk_end_name(w.end), "not present");
		assert_int_equal(w.entries, i + 1);
		assert_false(w.in_memory);
		/* All other bits set: still only not present. */
		if (i)
			diag_guest_entry(&mem, tables[i - 1], index[i - 1],
					 ~P_PRESENT);
	}
}

static void test_walk_reserved_bits_end_it(void **state)
{
	struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 0, 0x9000 | P_RWU | P_NO_EXEC);
	regs.efer = X86_EFER_LMA;
	w = walk(&regs, GUEST_LINEAR);
	assert_int_equal(w.end, WALK_RESERVED);
	assert_int_equal(w.entries, 4);
	/* An address of a large page that is not aligned. */
	diag_guest_entry(&mem, GUEST_PD, 1, 0x204000 | P_RWU | P_LARGE);
	w = walk(&regs, GUEST_LINEAR + 0x200000);
	assert_int_equal(w.end, WALK_RESERVED);
	/* No pages of 512 GiB. */
	diag_guest_entry(&mem, GUEST_PML4, 0, GUEST_PDPT | P_RWU | P_LARGE);
	w = walk(&regs, GUEST_LINEAR);
	assert_int_equal(w.end, WALK_RESERVED);
	assert_int_equal(w.entries, 1);
}

static void test_walk_reserved_bits_of_pae_end_it(void **state)
{
	static const uint64_t bad[] = {P_WRITE, P_USER, P_LARGE,
				       UINT64_C(1) << 52, P_NO_EXEC};
	const struct paging_regs regs = {.cr0 = X86_CR0_PE | X86_CR0_PG,
					 .cr3 = GUEST_PDPT,
					 .cr4 = X86_CR4_PAE,
					 .efer = X86_EFER_NXE};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct walk w;

		diag_guest_entry(&mem, GUEST_PDPT, 0,
				 GUEST_PD | P_PRESENT | bad[i]);
		w = walk(&regs, 0);
		assert_int_equal(w.end, WALK_RESERVED);
		assert_int_equal(w.entries, 1);
	}
}

/* Tables that are nowhere: at the end of memory, in the hole, at the top. */
static void test_walk_table_outside_memory_ends_it(void **state)
{
	static const uint64_t tables[] = {GUEST_BYTES, GUEST_MEM_LOW_MAX,
					  UINT64_C(0xfee00000),
					  GUEST_MEM_HIGH_GPA,
					  UINT64_C(0xffffffffff000)};
	struct paging_regs regs = diag_regs_long();

	(void)state;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct walk w;

		diag_guest_entry(&mem, GUEST_PD, 0, tables[i] | P_RWU);
		w = walk(&regs, GUEST_LINEAR + 0x5000);
		assert_string_equal(walk_end_name(w.end),
				    "table outside memory");
		assert_int_equal(w.entries, 3);
		assert_int_equal(w.gpa, tables[i] + 5 * 8);
	}
	regs.cr3 = UINT64_MAX;
	assert_int_equal(walk(&regs, 0).end, WALK_OUTSIDE);
	assert_int_equal(walk(&regs, 0).entries, 0);
}

/* A table that is its own next level, as some kernels have on purpose. */
static void test_walk_of_loop_ends(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	struct walk w;

	(void)state;
	diag_guest_entry(&mem, GUEST_PML4, 511, GUEST_PML4 | P_RWU);
	w = walk(&regs, UINT64_MAX);
	expect_mapped(&w, GUEST_PML4 + 0xfff, 4096, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(w.entry[i].gpa, GUEST_PML4 + 511 * 8);
}

static void test_walk_of_non_canonical_address_reads_nothing(void **state)
{
	struct paging_regs regs = diag_regs_long();
	struct walk w = walk(&regs, UINT64_C(0x0000800000000000));

	(void)state;
	assert_string_equal(walk_end_name(w.end), "not canonical");
	assert_int_equal(w.entries, 0);
	assert_int_equal(walk(&regs, UINT64_C(0xffff7fffffffffff)).end,
			 WALK_NON_CANONICAL);
	assert_int_not_equal(walk(&regs, UINT64_C(0xffff800000000000)).end,
			     WALK_NON_CANONICAL);
	/* With 57 bits it is one. */
	regs.cr3 = GUEST_PML5;
	regs.cr4 |= X86_CR4_LA57;
	assert_int_not_equal(walk(&regs, UINT64_C(0x0000800000000000)).end,
			     WALK_NON_CANONICAL);
	assert_int_equal(walk(&regs, UINT64_C(0x0100000000000000)).end,
			 WALK_NON_CANONICAL);
}

static void test_walk_read_crosses_pages(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	uint8_t buf[4] = {0};

	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 0, 0xa000 | P_RWU);
	diag_guest_entry(&mem, GUEST_PT, 1, 0x8000 | P_RWU);
	diag_guest_put(&mem, 0xaffe, "ab", 2);
	diag_guest_put(&mem, 0x8000, "cd", 2);
	assert_int_equal(walk_read(&regs, &mem, GUEST_LINEAR + 0xffe, buf,
				   sizeof(buf)),
			 4);
	assert_memory_equal(buf, "abcd", 4);
}

static void test_walk_read_ends_where_nothing_is_mapped(void **state)
{
	const struct paging_regs regs = diag_regs_long();
	const struct paging_regs unpaged = {0};
	uint8_t buf[64];

	(void)state;
	diag_guest_entry(&mem, GUEST_PT, 0, 0xa000 | P_RWU);
	assert_int_equal(walk_read(&regs, &mem, GUEST_LINEAR + 0xff0, buf,
				   sizeof(buf)),
			 16);
	assert_int_equal(walk_read(&regs, &mem, GUEST_LINEAR + 0x1000, buf,
				   sizeof(buf)),
			 0);
	/* Mapped, but not to memory. */
	diag_guest_entry(&mem, GUEST_PT, 1, 0xfee00000 | P_RWU);
	assert_int_equal(walk_read(&regs, &mem, GUEST_LINEAR + 0xff0, buf,
				   sizeof(buf)),
			 16);
	assert_int_equal(walk_read(&unpaged, &mem, GUEST_BYTES - 8, buf, 8), 8);
	assert_int_equal(walk_read(&unpaged, &mem, GUEST_BYTES, buf, 8), 0);
}

/* Firmware in front of 4 GiB: read like RAM, up to its very ends. */
static void test_walk_read_reaches_rom(void **state)
{
	static const uint8_t rom[8192] = {[0] = 0x11, [8191] = 0x77};
	const struct paging_regs unpaged = {0};
	const uint64_t first = GUEST_MEM_HIGH_GPA - sizeof(rom);
	struct walk w;
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(walk_read(&unpaged, &mem, first, &byte, 1), 0);
	mem.rom = rom;
	mem.rom_bytes = sizeof(rom);
	assert_int_equal(walk_read(&unpaged, &mem, first, &byte, 1), 1);
	assert_int_equal(byte, 0x11);
	assert_int_equal(walk_read(&unpaged, &mem, UINT32_MAX, &byte, 1), 1);
	assert_int_equal(byte, 0x77);
	assert_int_equal(walk_read(&unpaged, &mem, first - 1, &byte, 1), 0);
	w = walk(&unpaged, UINT32_MAX);
	assert_true(w.in_memory);
	assert_false(walk(&unpaged, first - 1).in_memory);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_walk_without_paging_is_physical),
		TEST(test_walk_4_levels_ends_at_a_page),
		TEST(test_walk_rights_are_those_of_all_levels),
		TEST(test_walk_large_pages_end_early),
		TEST(test_walk_5_levels),
		TEST(test_walk_pae),
		TEST(test_walk_32bit),
		TEST(test_walk_not_present_at_any_level),
		TEST(test_walk_reserved_bits_end_it),
		TEST(test_walk_reserved_bits_of_pae_end_it),
		TEST(test_walk_table_outside_memory_ends_it),
		TEST(test_walk_of_loop_ends),
		TEST(test_walk_of_non_canonical_address_reads_nothing),
		TEST(test_walk_read_crosses_pages),
		TEST(test_walk_read_ends_where_nothing_is_mapped),
		TEST(test_walk_read_reaches_rom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
