/* SPDX-License-Identifier: Apache-2.0 */
/* Counting of samples and the profile made of them (R: CARD-7, EVO-A2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "diag/profile.h"
#include "unit/symbol_image.h"

static struct samples *table[2];
static const struct samples *const *tables =
	(const struct samples *const *)table;

static int set_up(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		table[i] = calloc(1, sizeof(*table[i]));
	return table[0] && table[1] ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		free(table[i]);
	return 0;
}

static void add(unsigned t, uint64_t address, unsigned count)
{
	while (count--)
		samples_add(table[t], address, 64, false);
}

static uint64_t sum_of(const struct samples *s)
{
	uint64_t sum = s->dropped;

	for (unsigned set = 0; set < SAMPLES_SETS; set++)
		for (unsigned way = 0; way < SAMPLES_WAYS; way++)
			sum += s->set[set][way].count;
	return sum;
}

static struct profile profile_of(unsigned n)
{
	struct profile profile;

	assert_int_equal(profile_make(tables, n, &profile), 0);
	return profile;
}

static void test_samples_new_address_is_handed_out_once(void **state)
{
	struct sample *fresh = samples_add(table[0], 0x1000, 64, true);

	(void)state;
	assert_non_null(fresh);
	assert_int_equal(fresh->address, 0x1000);
	assert_int_equal(fresh->count, 1);
	assert_int_equal(fresh->n_bytes, 0);
	assert_null(samples_add(table[0], 0x1000, 64, true));
	assert_int_equal(fresh->count, 2);
}

/* Code of another mode or ring at the same address is other code. */
static void test_samples_mode_and_ring_are_part_of_the_place(void **state)
{
	(void)state;
	assert_non_null(samples_add(table[0], 0x1000, 64, true));
	assert_non_null(samples_add(table[0], 0x1000, 64, false));
	assert_non_null(samples_add(table[0], 0x1000, 32, true));
	assert_int_equal(profile_of(1).count, 3);
}

/* R: EVO-A2: more places than the table has: not one sample is lost uncounted. */
static void test_samples_beyond_the_table_are_counted_as_dropped(void **state)
{
	const unsigned places = 5 * SAMPLES_SETS * SAMPLES_WAYS;
	struct profile profile;

	(void)state;
	for (unsigned i = 0; i < places; i++)
		samples_add(table[0], 0x1000 + 3u * i, 64, false);
	assert_int_equal(table[0]->total, places);
	assert_true(table[0]->dropped > 0);
	assert_int_equal(sum_of(table[0]), places);
	profile = profile_of(1);
	assert_int_equal(profile.total, places);
	assert_int_equal(profile.dropped, table[0]->dropped);
	assert_int_equal(profile.count, PROFILE_LINES_MAX);
}

/* Cold code that comes after it, however much, does not push out what is hot. */
static void test_samples_hot_address_stays(void **state)
{
	(void)state;
	add(0, 0xabcdef, 100);
	for (unsigned i = 0; i < 100000; i++)
		samples_add(table[0], i, 64, false);
	assert_int_equal(profile_of(1).hottest[0].address, 0xabcdef);
	assert_true(profile_of(1).hottest[0].count >= 100);
	assert_int_equal(sum_of(table[0]), 100100);
}

static void test_profile_adds_up_vcpus(void **state)
{
	struct profile profile;

	(void)state;
	add(0, 0x1000, 3);
	add(0, 0x2000, 4);
	add(1, 0x1000, 2);
	add(1, 0x3000, 1);
	profile = profile_of(2);
	assert_int_equal(profile.total, 10);
	assert_int_equal(profile.count, 3);
	assert_int_equal(profile.hottest[0].address, 0x1000);
	assert_int_equal(profile.hottest[0].count, 5);
	assert_int_equal(profile.hottest[1].address, 0x2000);
	assert_int_equal(profile.hottest[2].address, 0x3000);
}

static struct diag diag;
static struct symbol_image image;

static void open_diag(void)
{
	char err[128];

	symbol_image_make(&image);
	symbol_image_add(&image, "hot_loop", STT_FUNC, IMAGE_TEXT, 0x40);
	assert_int_equal(symbols_read((const uint8_t *)&image, sizeof(image),
				      (struct symbols **)&diag.symbols, err,
				      sizeof(err)),
			 0);
	assert_int_equal(disasm_open(&diag.disasm), 0);
}

static void close_diag(void)
{
	symbols_free((struct symbols *)diag.symbols);
	disasm_close(diag.disasm);
}

/* Three samples of "dec %rdx" in a named function, one where nothing is known. */
static struct profile two_places(void)
{
	static const uint8_t dec[] = {0x48, 0xff, 0xca};
	struct sample *hot = samples_add(table[0], IMAGE_TEXT + 4, 64, true);

	memcpy(hot->bytes, dec, sizeof(dec));
	hot->n_bytes = sizeof(dec);
	samples_add(table[0], IMAGE_TEXT + 4, 64, true);
	samples_add(table[0], IMAGE_TEXT + 4, 64, true);
	add(0, 0x7000, 1);
	return profile_of(1);
}

/* R: CARD-7 */
static void test_profile_text_names_and_disassembles(void **state)
{
	struct profile profile = two_places();
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	open_diag();
	profile_write_text(&diag, "vm0", &profile, to);
	fclose(to);
	assert_non_null(strstr(text, "vm0: 4 samples"));
	assert_non_null(strstr(text, "       3  75.00     3  ffffffff81000004  "
				     "hot_loop+0x4              decq    %rdx"));
	assert_non_null(strstr(text, "       1  25.00   0-2  0000000000007000"));
	for (const char *line = text; line; line = strchr(line + 1, '\n'))
		assert_true(strcspn(line + 1, "\n") <= 110);
	free(text);
	close_diag();
}

/* R: CARD-7 */
static void test_profile_json_has_the_same(void **state)
{
	struct profile profile = two_places();
	const char *address, *symbol, *insn;
	json_int_t total, dropped, count;
	json_t *root, *unknown;
	double percent;

	(void)state;
	open_diag();
	root = profile_json(&diag, &profile);
	assert_int_equal(
		json_unpack(root, "{s:I,s:I,s:[{s:s,s:s,s:s,s:I,s:F},{s:o}]}",
			    "samples", &total, "dropped", &dropped,
			    "instructions", "address", &address, "symbol",
			    &symbol, "text", &insn, "samples", &count,
			    "percent", &percent, "symbol", &unknown),
		0);
	assert_int_equal(total, 4);
	assert_int_equal(dropped, 0);
	assert_string_equal(address, "0xffffffff81000004");
	assert_string_equal(symbol, "hot_loop+0x4");
	assert_string_equal(insn, "decq    %rdx");
	assert_int_equal(count, 3);
	assert_true(percent > 74.9 && percent < 75.1);
	assert_true(json_is_null(unknown));
	json_decref(root);
	close_diag();
}

static void test_profile_without_samples_says_so(void **state)
{
	struct profile profile = profile_of(2);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	json_t *root;

	(void)state;
	open_diag();
	profile_write_text(&diag, "vm0", &profile, to);
	fclose(to);
	assert_non_null(strstr(text, "vm0: 0 samples"));
	free(text);
	root = profile_json(&diag, &profile);
	assert_int_equal(json_array_size(json_object_get(root, "instructions")),
			 0);
	json_decref(root);
	close_diag();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_samples_new_address_is_handed_out_once),
		TEST(test_samples_mode_and_ring_are_part_of_the_place),
		TEST(test_samples_beyond_the_table_are_counted_as_dropped),
		TEST(test_samples_hot_address_stays),
		TEST(test_profile_adds_up_vcpus),
		TEST(test_profile_text_names_and_disassembles),
		TEST(test_profile_json_has_the_same),
		TEST(test_profile_without_samples_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
