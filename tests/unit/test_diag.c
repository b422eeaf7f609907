/* SPDX-License-Identifier: Apache-2.0 */
/* A diagnosis as text and as JSON (R: CARD-7). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "diag/diag.h"
#include "unit/diag_guest.h"
#include "unit/symbol_image.h"

static struct walk_memory mem;
static struct cpu_snapshot s;
static struct symbol_image image;
static struct symbols *symbols;
static struct diag diag;
static char *text;
static json_t *json;

/* Code of the image's section, as it lies in memory at 0x9000. */
#define CODE_GPA UINT64_C(0x9000)
#define STACK_GPA UINT64_C(0xa000)

/* A kernel at IMAGE_TEXT that ends in ud2 in kernel_main+0x6, called by start. */
static int set_up(void **state)
{
	static const uint8_t kernel_main[] = {0x55, 0x48, 0x89, 0xe5, 0x31,
					      0xc0, 0x0f, 0x0b, 0x5d, 0xc3};
	const uint64_t caller = IMAGE_TEXT + 0x25;
	char err[128];

	(void)state;
	mem = diag_guest_new();
	/* 0xffffffff81000000: PML4[511], PDPT[510], PD[8]. */
	diag_guest_entry(&mem, GUEST_PML4, 511, GUEST_PDPT | P_RWU);
	diag_guest_entry(&mem, GUEST_PDPT, 510, GUEST_PD | P_RWU);
	diag_guest_entry(&mem, GUEST_PD, 8, GUEST_PT | P_RWU);
	diag_guest_entry(&mem, GUEST_PT, 0, CODE_GPA | P_PRESENT);
	diag_guest_entry(&mem, GUEST_PT, 1, STACK_GPA | P_RWU | P_NO_EXEC);
	diag_guest_put(&mem, CODE_GPA + 0x100, kernel_main, sizeof(kernel_main));
	diag_guest_put(&mem, STACK_GPA + 0x28, &caller, 8);
	symbol_image_make(&image);
	symbol_image_add(&image, "start", STT_FUNC, IMAGE_TEXT + 0x20, 0x10);
	symbol_image_add(&image, "kernel_main", STT_FUNC, IMAGE_TEXT + 0x100,
			 sizeof(kernel_main));
	symbols_read((const uint8_t *)&image, sizeof(image), &symbols, err,
		     sizeof(err));
	diag.symbols = symbols;
	s = (struct cpu_snapshot){
		.vcpu = 3,
		.when_ns = 5 * DIS_MS_NS,
		.rip = IMAGE_TEXT + 0x106,
		.rflags = 0x246,
		.cr2 = 0x10,
		.paging = diag_regs_long(),
		.activity = {.state = DIS_STATE_SLEEPING,
			     .reason = DIS_REASON_HALT,
			     .halted = true,
			     .timer_ns = 7 * DIS_MS_NS,
			     .pending = 236,
			     .in_service = 52},
		.events = {.exception = true,
			   .vector = 14,
			   .has_error_code = true,
			   .error_code = 2},
	};
	s.gpr[SNAPSHOT_RSP] = IMAGE_TEXT + 0x1000 + 0x20;
	s.gpr[SNAPSHOT_R15] = 0xfeed;
	s.segment[SNAPSHOT_CS].l = true;
	s.segment[SNAPSHOT_CS].present = true;
	s.segment[SNAPSHOT_CS].selector = 0x10;
	s.idt = (struct snapshot_table){IMAGE_TEXT, 0xfff};
	snapshot_look(&s, &mem);
	return disasm_open(&diag.disasm);
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	json_decref(json);
	json = NULL;
	disasm_close(diag.disasm);
	symbols_free(symbols);
	free(mem.ram.base);
	return 0;
}

static void write_text(void)
{
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	diag_write_text(&diag, "vm0", &s, to);
	fclose(to);
}

static void expect(const char *words)
{
	if (!strstr(text, words))
		fail_msg("lacks '%s':\n%s", words, text);
}

static void expect_not(const char *words)
{
	if (strstr(text, words))
		fail_msg("has '%s':\n%s", words, text);
}

/* The text at @path, "a.b.0.c". */
static const char *at(const char *path)
{
	const json_t *value = json;
	char word[32];

	while (*path) {
		size_t length = strcspn(path, ".");

		snprintf(word, sizeof(word), "%.*s", (int)length, path);
		value = json_is_array(value)
				? json_array_get(value, strtoul(word, NULL, 10))
				: json_object_get(value, word);
		path += length + (path[length] == '.');
	}
	return json_is_string(value) ? json_string_value(value) : "(none)";
}

/* R: CARD-7 */
static void test_diag_text_shows_registers_and_names(void **state)
{
	(void)state;
	write_text();
	expect("vm0 vCPU 3: ring 0, 64-bit code, paging 4-level\n");
	expect("  rip    ffffffff81000106 <kernel_main+0x6>\n");
	expect("  r15 000000000000feed\n");
	expect("  rflags 0000000000000246  IF ZF PF\n");
	expect("  cr0    0000000080000001  PG PE\n");
	expect("  cs  0010  base 0000000000000000  limit 00000000  type 0  "
	       "dpl 0  64-bit\n");
	expect("  idt       base ffffffff81000000  limit 0fff\n");
	expect("exception 14 (#PF) on its way, error code 0x2\n");
}

/* R: CARD-7 */
static void test_diag_text_marks_the_instruction(void **state)
{
	(void)state;
	write_text();
	expect("   ffffffff81000104  kernel_main+0x4           31c0         ");
	expect("\n-> ffffffff81000106  kernel_main+0x6           0f0b         ");
	expect("ud2\n");
	/* Before the start of the function nothing is guessed. */
	expect_not("\n   ffffffff810000ff");
}

/* R: CARD-7 */
static void test_diag_text_shows_stack_and_callers(void **state)
{
	(void)state;
	write_text();
	expect("Stack at ffffffff81001020:\n"
	       "  +00  0000000000000000 ffffffff81000025 ");
	expect("Code addresses in it:\n"
	       "  +08  ffffffff81000025  start+0x5\n");
}

/* R: CARD-7 */
static void test_diag_text_shows_walks(void **state)
{
	(void)state;
	write_text();
	expect("Page walk, instruction, ffffffff81000106: mapped to 0x9106, "
	       "page of 4 KiB, supervisor, executable\n"
	       "  PML4E [511] at 0x000002ff8  0000000000003007  U W P\n");
	expect("  PTE   [  0] at 0x000005000  0000000000009001  P\n");
	expect("Page walk, page fault (cr2), 0000000000000010: not present\n");
	expect("Page walk, stack, ffffffff81001020: mapped to 0xa020, page of "
	       "4 KiB, user, writable\n");
}

static void test_diag_text_shows_what_the_scheduler_has_it_do(void **state)
{
	(void)state;
	write_text();
	expect("  sleeping (halt), halted, timer in 2ms, interrupt 236 "
	       "pending, interrupt 52 in service\n");
}

static void test_diag_text_without_names_has_addresses(void **state)
{
	(void)state;
	diag.symbols = NULL;
	write_text();
	expect("  rip    ffffffff81000106\n");
	expect_not("Code addresses");
	expect("\n-> ffffffff81000106  ");
}

static void test_diag_text_of_unreadable_code_says_so(void **state)
{
	(void)state;
	s.rip = UINT64_C(0xffff800000000000);
	s.gpr[SNAPSHOT_RSP] = 0;
	snapshot_look(&s, &mem);
	write_text();
	expect("-> ffff800000000000  cannot be read\n");
	expect("Stack at 0000000000000000: cannot be read\n");
	expect("Page walk, instruction, ffff800000000000: not present\n");
}

static void test_diag_text_without_paging_has_no_walks(void **state)
{
	(void)state;
	s.paging = (struct paging_regs){0};
	s.segment[SNAPSHOT_CS] = (struct snapshot_segment){.base = 0x9000};
	s.rip = 0x104;
	snapshot_look(&s, &mem);
	write_text();
	expect("ring 0, 16-bit code, paging off\n");
	expect("-> 0000000000009104  ");
	expect("xorw    %ax, %ax\n");
	expect_not("Page walk");
}

static void test_diag_of_unreadable_registers_says_so(void **state)
{
	(void)state;
	s = (struct cpu_snapshot){.vcpu = 3, .failed = -EIO};
	write_text();
	assert_string_equal(text, "vm0 vCPU 3: registers cannot be read: "
				  "Input/output error\n");
	json = diag_json(&diag, &s);
	assert_string_equal(at("error"), "Input/output error");
}

/* R: CARD-7 */
static void test_diag_json_has_the_same(void **state)
{
	(void)state;
	json = diag_json(&diag, &s);
	assert_int_equal(json_integer_value(json_object_get(json, "vcpu")), 3);
	assert_string_equal(at("symbol"), "kernel_main+0x6");
	assert_string_equal(at("paging"), "4-level");
	assert_string_equal(at("registers.rip"), "0xffffffff81000106");
	assert_string_equal(at("registers.r15"), "0xfeed");
	assert_string_equal(at("segments.cs.selector"), "0x10");
	assert_string_equal(at("segments.idt.base"), "0xffffffff81000000");
	assert_string_equal(at("exception.error_code"), "0x2");
	assert_string_equal(at("instructions.3.text"), "ud2");
	assert_string_equal(at("instructions.3.bytes"), "0f0b");
	assert_string_equal(at("stack.words.1.symbol"), "start+0x5");
	assert_string_equal(at("page_walks.0.entries.3.value"), "0x9001");
	assert_string_equal(at("page_walks.0.gpa"), "0x9106");
	assert_string_equal(at("page_walks.1.end"), "not present");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_diag_text_shows_registers_and_names),
		TEST(test_diag_text_marks_the_instruction),
		TEST(test_diag_text_shows_stack_and_callers),
		TEST(test_diag_text_shows_walks),
		TEST(test_diag_text_shows_what_the_scheduler_has_it_do),
		TEST(test_diag_text_without_names_has_addresses),
		TEST(test_diag_text_of_unreadable_code_says_so),
		TEST(test_diag_text_without_paging_has_no_walks),
		TEST(test_diag_of_unreadable_registers_says_so),
		TEST(test_diag_json_has_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
