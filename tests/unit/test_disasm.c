/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as instructions (R: CARD-7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "diag/disasm.h"

static struct disasm *disasm;

static int set_up(void **state)
{
	(void)state;
	return disasm_open(&disasm);
}

static int tear_down(void **state)
{
	(void)state;
	disasm_close(disasm);
	return 0;
}

/* push %rbp; mov %rsp,%rbp; xor %eax,%eax; ud2; pop %rbp; ret */
static const uint8_t function[] = {0x55, 0x48, 0x89, 0xe5, 0x31,
				   0xc0, 0x0f, 0x0b, 0x5d, 0xc3};
#define FUNCTION UINT64_C(0x1000)
#define UD2_AT 6u

static struct disasm_code around_ud2(void)
{
	return (struct disasm_code){
		.bits = 64,
		.bytes = function,
		.before = UD2_AT,
		.after = sizeof(function) - UD2_AT,
		.address = FUNCTION + UD2_AT,
		.start = UINT64_MAX,
		.before_max = 8,
		.after_max = 8,
	};
}

static void expect_text(const struct disasm_line *line, uint64_t address,
			const char *text)
{
	assert_int_equal(line->address, address);
	assert_string_equal(line->text, text);
}

/* The same bytes in the three modes. */
static void test_disasm_bits_decide_what_bytes_mean(void **state)
{
	static const uint8_t bytes[] = {0x48, 0xb8, 1, 0, 0, 0, 2, 0, 0, 0};
	struct disasm_line line;

	(void)state;
	disasm_one(disasm, 64, bytes, sizeof(bytes), 0, &line);
	expect_text(&line, 0, "movabsq $0x200000001, %rax");
	assert_int_equal(line.n_bytes, 10);
	disasm_one(disasm, 32, bytes, sizeof(bytes), 0, &line);
	expect_text(&line, 0, "decl    %eax");
	disasm_one(disasm, 16, bytes, sizeof(bytes), 0, &line);
	expect_text(&line, 0, "decw    %ax");
	assert_int_equal(line.n_bytes, 1);
}

static void test_disasm_around_marks_the_instruction(void **state)
{
	const struct disasm_code code = around_ud2();
	struct disasm_line line[17];
	unsigned n = disasm_around(disasm, &code, line);

	(void)state;
	assert_int_equal(n, 6);
	expect_text(&line[0], FUNCTION, "pushq   %rbp");
	expect_text(&line[1], FUNCTION + 1, "movq    %rsp, %rbp");
	expect_text(&line[2], FUNCTION + 4, "xorl    %eax, %eax");
	expect_text(&line[3], FUNCTION + 6, "ud2");
	expect_text(&line[5], FUNCTION + 9, "retq");
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(line[i].current, i == 3);
	assert_memory_equal(line[1].bytes, function + 1, 3);
	assert_int_equal(line[1].n_bytes, 3);
}

static void test_disasm_around_keeps_to_its_number_of_lines(void **state)
{
	struct disasm_code code = around_ud2();
	struct disasm_line line[4];

	(void)state;
	code.before_max = 2;
	code.after_max = 1;
	assert_int_equal(disasm_around(disasm, &code, line), 4);
	expect_text(&line[0], FUNCTION + 1, "movq    %rsp, %rbp");
	assert_true(line[2].current);
	expect_text(&line[3], FUNCTION + 8, "popq    %rbp");
	code.before_max = 0;
	code.after_max = 0;
	assert_int_equal(disasm_around(disasm, &code, line), 1);
	expect_text(&line[0], FUNCTION + 6, "ud2");
}

/*
 * Behind the first byte begins something else that ends at the right place too:
 * only who knows the start of the function reads it as it was meant.
 */
static void test_disasm_around_begins_at_a_known_start(void **state)
{
	/* mov $0xc3c3c3b8,%eax with a stray byte before it, then hlt */
	static const uint8_t bytes[] = {0xb8, 0xb8, 0xc3, 0xc3,
					0xc3, 0xc3, 0xf4};
	struct disasm_code code = {.bits = 64,
				   .bytes = bytes,
				   .before = 6,
				   .after = 1,
				   .address = 6,
				   .start = UINT64_MAX,
				   .before_max = 8,
				   .after_max = 8};
	struct disasm_line line[17];

	(void)state;
	assert_int_equal(disasm_around(disasm, &code, line), 3);
	expect_text(&line[0], 0, "movl    $0xc3c3c3b8, %eax");
	expect_text(&line[1], 5, "retq");
	code.start = 1;
	assert_int_equal(disasm_around(disasm, &code, line), 2);
	expect_text(&line[0], 1, "movl    $0xc3c3c3c3, %eax");
	assert_true(line[1].current);
}

/* What cannot end where the instruction begins is not shown at all. */
static void test_disasm_around_without_fitting_bytes_before(void **state)
{
	static const uint8_t bytes[] = {0x48, 0xb8, 0xf4};
	const struct disasm_code code = {.bits = 64,
					 .bytes = bytes,
					 .before = 2,
					 .after = 1,
					 .address = 2,
					 .start = UINT64_MAX,
					 .before_max = 8,
					 .after_max = 8};
	struct disasm_line line[17];

	(void)state;
	assert_int_equal(disasm_around(disasm, &code, line), 1);
	expect_text(&line[0], 2, "hlt");
}

static void test_disasm_of_no_instruction_is_a_byte(void **state)
{
	static const uint8_t bytes[] = {0x06, 0x90};
	const struct disasm_code code = {.bits = 64,
					 .bytes = bytes,
					 .after = 2,
					 .start = UINT64_MAX,
					 .after_max = 8};
	struct disasm_line line[17];

	(void)state;
	assert_true(disasm_around(disasm, &code, line) >= 1);
	expect_text(&line[0], 0, ".byte   0x06");
	assert_true(line[0].current && line[0].bad);
}

/* Cut by the end of what is known, it is not called bad. */
static void test_disasm_cut_instruction_is_left_out(void **state)
{
	static const uint8_t bytes[] = {0x90, 0x48, 0xb8, 1};
	const struct disasm_code code = {.bits = 64,
					 .bytes = bytes,
					 .after = sizeof(bytes),
					 .start = UINT64_MAX,
					 .after_max = 8};
	struct disasm_line line[17];

	(void)state;
	assert_int_equal(disasm_around(disasm, &code, line), 1);
	expect_text(&line[0], 0, "nop");
}

static void test_disasm_of_nothing_is_no_line(void **state)
{
	const struct disasm_code code = {.bits = 64,
					 .bytes = function,
					 .start = UINT64_MAX,
					 .before_max = 8,
					 .after_max = 8};
	struct disasm_line line[17];

	(void)state;
	assert_int_equal(disasm_around(disasm, &code, line), 0);
}

static void test_disasm_tells_where_jumps_go(void **state)
{
	static const uint8_t call[] = {0xe8, 0xfb, 0x0f, 0, 0};
	static const uint8_t indirect[] = {0xff, 0xe0};
	static const uint8_t move[] = {0xb8, 0x34, 0x12, 0, 0};
	struct disasm_line line;

	(void)state;
	disasm_one(disasm, 64, call, sizeof(call), 0x1000, &line);
	assert_true(line.has_target);
	assert_int_equal(line.target, 0x2000);
	disasm_one(disasm, 64, indirect, sizeof(indirect), 0, &line);
	assert_false(line.has_target);
	disasm_one(disasm, 64, move, sizeof(move), 0, &line);
	assert_false(line.has_target);
}

/* Any bytes, any mode, any place of the instruction among them. */
static void test_disasm_of_random_bytes_gives_lines_in_order(void **state)
{
	static const unsigned modes[] = {16, 32, 64};
	uint8_t bytes[128];
	unsigned rnd = 1;

	(void)state;
	for (unsigned turn = 0; turn < 3000; turn++) {
		struct disasm_code code = {.bits = modes[turn % 3],
					   .bytes = bytes,
					   .before = turn % 64,
					   .after = turn % 65,
					   .address = turn * 1000u,
					   .start = UINT64_MAX,
					   .before_max = 8,
					   .after_max = 7};
		struct disasm_line line[16];
		unsigned n;

		for (unsigned i = 0; i < sizeof(bytes); i++) {
			rnd = rnd * 1103515245u + 12345u;
			bytes[i] = (uint8_t)(rnd >> 16);
		}
		n = disasm_around(disasm, &code, line);
		assert_in_range(n, 0, 16);
		for (unsigned i = 1; i < n; i++)
			assert_int_equal(line[i].address,
					 line[i - 1].address +
						 line[i - 1].n_bytes);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(line[i].current,
					 line[i].address == code.address);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disasm_bits_decide_what_bytes_mean),
		TEST(test_disasm_around_marks_the_instruction),
		TEST(test_disasm_around_keeps_to_its_number_of_lines),
		TEST(test_disasm_around_begins_at_a_known_start),
		TEST(test_disasm_around_without_fitting_bytes_before),
		TEST(test_disasm_of_no_instruction_is_a_byte),
		TEST(test_disasm_cut_instruction_is_left_out),
		TEST(test_disasm_of_nothing_is_no_line),
		TEST(test_disasm_tells_where_jumps_go),
		TEST(test_disasm_of_random_bytes_gives_lines_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
