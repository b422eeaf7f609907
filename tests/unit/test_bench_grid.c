/* SPDX-License-Identifier: Apache-2.0 */
/* Results that form a grid, as table, JSON and page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/html.h"
#include "bench/output.h"

static const struct bench bench = {.name = "probe", .summary = "what it is"};
static const struct bench_options options = {.rounds = 3};
static struct bench_result result;
static const struct bench_report report = {
	&bench,
	&options,
	&result,
	{.kernel = "6.18", .kvm_backend = "kvm_<x>", .commit = "abc"}};
static char text[65536];

static void set(unsigned k, unsigned m, double a, double b, double c)
{
	const double values[] = {a, b, c};
	unsigned i = bench_add_cell(&result, 0, k, m);

	memcpy(result.figure[i].value, values, sizeof(values));
}

/* One case, three contenders, two measures; the last contender cannot. */
static int begin(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	result.rounds = 3;
	result.unit = "ns";
	result.what = "things";
	result.n_cases = 1;
	result.cases[0] = (struct bench_label){.name = "k1", .title = "one"};
	result.n_contenders = 3;
	result.contenders[0] =
		(struct bench_label){.name = "dis", .title = "DIS"};
	result.contenders[1] =
		(struct bench_label){.name = "threads", .title = "threads"};
	result.contenders[2] =
		(struct bench_label){.name = "qemu", .title = "QEMU"};
	result.n_measures = 2;
	result.measures[0] = (struct bench_label){"p99", "p99", "ns", false};
	result.measures[1] =
		(struct bench_label){"work", "work", "per_s", true};
	set(0, 0, 2000, 1000, 3000);
	set(1, 0, 40000, 50000, 60000);
	set(2, 0, 0, 0, 0);
	set(0, 1, 7, 7, 7);
	set(1, 1, 14, 14, 14);
	bench_add_ratio(&result, "k1_p99_to_threads", "one: p99, to threads", 0,
			1, 0.05);
	bench_add_ratio(&result, "k1_work_to_threads", "one: work, to threads",
			3, 4, 1);
	result.ratio[1].more = true;
	bench_add_ratio(&result, "k1_p99_to_qemu", "one: p99, to QEMU", 0, 2, 0);
	bench_note_impossible(&result, 0, 2, "a & b are <missing>");
	return 0;
}

static int end(void **state)
{
	(void)state;
	bench_result_free(&result);
	return 0;
}

static const char *written(int (*write)(const struct bench_report *, FILE *))
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(write(&report, file), 0);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static int page(const struct bench_report *one, FILE *to)
{
	return bench_write_html(one, 1, to);
}

static int json(const struct bench_report *one, FILE *to)
{
	return bench_write_json(one, 1, to);
}

static void test_grid_table_shows_median_and_range_in_us(void **state)
{
	(void)state;
	assert_non_null(strstr(written(bench_write_text), "2.00 (1.00..3.00)"));
	assert_non_null(strstr(text, "50.0 (40.0..60.0)"));
}

static void test_grid_table_says_what_is_not_possible(void **state)
{
	(void)state;
	assert_non_null(
		strstr(written(bench_write_text),
		       "one, QEMU: not possible here: a & b are <missing>\n"));
}

/* Losses as plainly as wins. */
static void test_grid_table_calls_better_and_worse(void **state)
{
	const char *won, *lost;

	(void)state;
	written(bench_write_text);
	won = strstr(text, "one: p99, to threads");
	lost = strstr(text, "one: work, to threads");
	assert_non_null(won);
	assert_non_null(lost);
	assert_non_null(strstr(won, "better"));
	assert_true(strstr(won, "better") < lost);
	assert_non_null(strstr(lost, "worse"));
	assert_non_null(strstr(lost, ">= 1.00  missed"));
}

/* Five late ones of ours, none of theirs. */
static void lose_to_zero(void)
{
	for (unsigned i = 0; i < 3; i++) {
		result.figure[0].value[i] = 5;
		result.figure[1].value[i] = 0;
	}
}

static bool line_has(const char *begins, const char *contains)
{
	const char *line = strstr(text, begins);
	const char *found = line ? strstr(line, contains) : NULL;

	assert_non_null(line);
	return found && found < strchr(line, '\n');
}

static void test_grid_table_loss_to_zero_is_worse(void **state)
{
	(void)state;
	lose_to_zero();
	written(bench_write_text);
	assert_true(line_has("one: p99, to threads", "-   worse"));
	assert_true(line_has("one: p99, to threads", "missed"));
	assert_false(line_has("one: p99, to threads", "better"));
}

static void test_grid_page_loss_to_zero_is_worse(void **state)
{
	(void)state;
	lose_to_zero();
	written(page);
	assert_true(line_has("one: p99, to threads",
			     "<td>-</td><td>-</td><td>-</td>"
			     "<td class=\"bad\">worse</td>"));
	assert_true(line_has("one: p99, to threads", "0.050 missed"));
}

static void test_grid_json_loss_to_zero_is_null_and_missed(void **state)
{
	json_t *root, *ratio;

	(void)state;
	lose_to_zero();
	root = json_loads(written(json), 0, NULL);
	assert_non_null(root);
	ratio = json_object_get(json_object_get(root, "ratios"),
				"k1_p99_to_threads");
	assert_true(json_is_null(json_object_get(ratio, "median")));
	assert_true(json_is_false(json_object_get(ratio, "met")));
	json_decref(root);
}

static void test_grid_win_over_zero_has_no_verdict(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		result.figure[4].value[i] = 0;
	assert_int_equal(bench_ratio_verdict(&result, 1), BENCH_NOTHING);
	assert_int_equal(bench_ratio_met(&result, 1), BENCH_OPEN);
}

static void test_grid_table_equal_has_no_verdict(void **state)
{
	(void)state;
	lose_to_zero();
	for (unsigned i = 0; i < 3; i++)
		result.figure[0].value[i] = 0;
	written(bench_write_text);
	assert_true(line_has("one: p99, to threads", "1.000"));
	assert_false(line_has("one: p99, to threads", "better"));
	assert_false(line_has("one: p99, to threads", "worse"));
}

/* Rather the tuned peer's row that is lost than the one that is won. */
static void test_grid_table_shows_losses_to_tuned_peers(void **state)
{
	(void)state;
	bench_add_ratio(&result, "k1_work_to_fifo", "one: work, to FIFO", 3, 4,
			0);
	result.ratio[3].more = true;
	bench_add_ratio(&result, "k1_p99_to_fifo", "one: p99, to FIFO", 0, 1, 0);
	written(bench_write_text);
	assert_true(line_has("one: work, to FIFO", "worse"));
	assert_null(strstr(text, "one: p99, to FIFO"));
}

/* The peer is not there, but that there is a target is said. */
static void test_grid_table_target_that_was_not_measured_is_said(void **state)
{
	(void)state;
	result.ratio[2].target = 0.05;
	result.figure[2].target = 60000;
	written(bench_write_text);
	assert_true(line_has("one: p99, to QEMU", "<= 0.050  not measured"));
	assert_true(
		line_has("one: p99, QEMU: -", "target <= 60.0: not measured"));
}

static void test_grid_target_of_zero_is_a_target(void **state)
{
	(void)state;
	result.figure[0].target = 0;
	assert_int_equal(bench_figure_met(&result, 0), BENCH_BAD);
	written(bench_write_text);
	assert_true(line_has("one: p99, DIS: 2.00 us", "<= 0: missed"));
	memset(result.figure[0].value, 0, sizeof(result.figure[0].value));
	assert_int_equal(bench_figure_met(&result, 0), BENCH_GOOD);
}

/* The median is 0: yet it was not always. */
static void test_grid_target_of_zero_is_for_every_round(void **state)
{
	(void)state;
	memset(result.figure[0].value, 0, sizeof(result.figure[0].value));
	result.figure[0].value[1] = 3;
	result.figure[0].target = 0;
	assert_int_equal(bench_figure_met(&result, 0), BENCH_BAD);
}

static void test_grid_cell_comes_without_target(void **state)
{
	(void)state;
	assert_int_equal(bench_figure_met(&result, 0), BENCH_NOTHING);
	assert_null(strstr(written(bench_write_text), ", DIS: "));
}

static void test_grid_page_case_has_targets_and_stalls(void **state)
{
	(void)state;
	result.figure[0].target = 60000;
	result.figure[3].target = 8;
	result.figure[0].stalls = 41;
	written(page);
	assert_non_null(strstr(text, "<th>stalls</th>"));
	assert_non_null(strstr(text,
			       "2.00<br><small>1.00..3.00</small><br>"
			       "<span class=\"good\">&le; 60.0 met</span>"));
	assert_non_null(
		strstr(text, "<span class=\"bad\">&ge; 8.00 missed</span></td>"
			     "<td>41</td>"));
}

/* One round without is enough; what it has besides stays. */
static void test_grid_starved_contender_is_absent_and_noted(void **state)
{
	(void)state;
	bench_set_cell(&result, 0, 0, 1, 0, (double)NAN, "never woke");
	bench_set_cell(&result, 0, 0, 1, 1, 21, "never woke");
	bench_set_cell(&result, 1, 0, 1, 0, 5, "never woke");
	written(bench_write_text);
	assert_true(line_has("one, threads", ": never woke in round 1"));
	assert_false(result.note[1].impossible);
	assert_true(result.figure[1].absent);
	assert_false(result.figure[4].absent);
	assert_float_equal(result.figure[4].value[0], 21, 0);
	assert_true(line_has("one: p99, to threads", "not measured"));
}

/* Ours has no figure, theirs has: nothing that a row left out could tell. */
static void test_grid_starvation_of_ours_is_worse_and_missed(void **state)
{
	(void)state;
	result.figure[0].target = 60000;
	bench_set_cell(&result, 1, 0, 0, 0, (double)NAN, "never woke");
	written(bench_write_text);
	assert_true(line_has("one: p99, to threads", "worse"));
	assert_true(line_has("one: p99, to threads", "missed"));
	assert_true(line_has("one: p99, DIS: -", "missed"));
	written(page);
	assert_true(line_has("one: p99, to threads", "worse"));
}

/* Stalls left too little of a round: absent as well, but nobody lost. */
static void test_grid_cell_left_out_is_absent_but_not_worse(void **state)
{
	(void)state;
	bench_leave_out_cell(&result, 1, 0, 0, 0, "it stood still");
	written(bench_write_text);
	assert_true(line_has("one, DIS", ": it stood still in round 2"));
	assert_true(result.figure[0].absent);
	assert_false(result.figure[0].starved);
	assert_true(line_has("one: p99, to threads", "not measured"));
	assert_false(line_has("one: p99, to threads", "worse"));
}

/* Of the measure with the most. */
static void test_grid_stalls_of_a_row_are_the_most(void **state)
{
	(void)state;
	result.figure[0].stalls = 2;
	result.figure[3].stalls = 5;
	assert_int_equal(bench_stalls_of(&result, 0, 0), 5);
	assert_int_equal(bench_stalls_of(&result, 0, 1), 0);
}

static void test_grid_starved_in_all_measures_is_noted_once(void **state)
{
	unsigned before = result.n_notes;

	(void)state;
	for (unsigned m = 0; m < 2; m++)
		bench_set_cell(&result, 2, 0, 1, m, (double)NAN, "never woke");
	assert_int_equal(result.n_notes, before + 1);
}

static void test_grid_json_leaves_out_what_was_not_measured(void **state)
{
	json_t *root = json_loads(written(json), 0, NULL);
	json_t *figures, *ratios, *notes;
	const char *reason;

	(void)state;
	assert_non_null(root);
	figures = json_object_get(root, "figures");
	ratios = json_object_get(root, "ratios");
	notes = json_object_get(root, "not_possible");
	assert_int_equal(json_object_size(figures), 4);
	assert_null(json_object_get(figures, "k1_qemu_p99"));
	assert_int_equal(json_object_size(ratios), 2);
	assert_int_equal(json_array_size(notes), 1);
	assert_int_equal(json_unpack(json_array_get(notes, 0), "{s:s}",
				     "reason", &reason),
			 0);
	assert_string_equal(reason, "a & b are <missing>");
	json_decref(root);
}

/* Without a watch nobody knows: 0 would be a claim. */
static void test_grid_without_watch_tells_no_stalls(void **state)
{
	json_t *root, *figure;

	(void)state;
	snprintf(result.unwatched, sizeof(result.unwatched), "no <right>");
	root = json_loads(written(json), 0, NULL);
	assert_non_null(root);
	figure = json_object_get(json_object_get(root, "figures"),
				 "k1_dis_work");
	assert_true(json_is_null(json_object_get(figure, "stalls")));
	json_decref(root);
	assert_non_null(strstr(written(bench_write_text),
			       "7.00 (7.00..7.00)       -\n"));
	assert_non_null(strstr(text, "not told apart: no <right>\n"));
}

static void test_grid_json_names_unit_and_direction(void **state)
{
	json_t *root = json_loads(written(json), 0, NULL);
	double median, ratio;
	int more, met;

	(void)state;
	assert_non_null(root);
	assert_int_equal(json_unpack(root, "{s:{s:{s:f}},s:{s:{s:f,s:b,s:b}}}",
				     "figures", "k1_dis_work", "median_per_s",
				     &median, "ratios", "k1_work_to_threads",
				     "median", &ratio, "more_is_better", &more,
				     "met", &met),
			 0);
	assert_float_equal(median, 7, 1e-9);
	assert_float_equal(ratio, 0.5, 1e-9);
	assert_true(more);
	assert_false(met);
	json_decref(root);
}

static void test_grid_page_escapes_text(void **state)
{
	(void)state;
	written(page);
	assert_non_null(strstr(text, "a &amp; b are &lt;missing&gt;"));
	assert_null(strstr(text, "<missing>"));
	assert_null(strstr(text, "kvm_<x>"));
}

static void test_grid_page_needs_nothing_else(void **state)
{
	(void)state;
	written(page);
	assert_null(strstr(text, "http"));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "url("));
}

static void test_grid_page_draws_a_line_per_curve(void **state)
{
	struct bench_curve *curve;
	const char *first;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		curve = bench_add_curve(&result, "panel", i ? "b" : "a", 2);
		assert_non_null(curve);
		curve->x_title = "us";
		curve->y_title = "share";
		curve->log_x = true;
		curve->x[0] = 10;
		curve->x[1] = 1000;
		curve->y[1] = 1;
	}
	first = strstr(written(page), "<polyline");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "<polyline"));
	/* One panel: one caption. */
	first = strstr(text, "<figcaption>panel");
	assert_non_null(first);
	assert_null(strstr(first + 1, "<figcaption>panel"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_grid_table_shows_median_and_range_in_us),
		TEST(test_grid_table_says_what_is_not_possible),
		TEST(test_grid_table_calls_better_and_worse),
		TEST(test_grid_table_loss_to_zero_is_worse),
		TEST(test_grid_page_loss_to_zero_is_worse),
		TEST(test_grid_json_loss_to_zero_is_null_and_missed),
		TEST(test_grid_win_over_zero_has_no_verdict),
		TEST(test_grid_table_equal_has_no_verdict),
		TEST(test_grid_table_shows_losses_to_tuned_peers),
		TEST(test_grid_table_target_that_was_not_measured_is_said),
		TEST(test_grid_target_of_zero_is_a_target),
		TEST(test_grid_target_of_zero_is_for_every_round),
		TEST(test_grid_cell_comes_without_target),
		TEST(test_grid_page_case_has_targets_and_stalls),
		TEST(test_grid_starved_contender_is_absent_and_noted),
		TEST(test_grid_starvation_of_ours_is_worse_and_missed),
		TEST(test_grid_starved_in_all_measures_is_noted_once),
		TEST(test_grid_cell_left_out_is_absent_but_not_worse),
		TEST(test_grid_stalls_of_a_row_are_the_most),
		TEST(test_grid_json_leaves_out_what_was_not_measured),
		TEST(test_grid_without_watch_tells_no_stalls),
		TEST(test_grid_json_names_unit_and_direction),
		TEST(test_grid_page_escapes_text),
		TEST(test_grid_page_needs_nothing_else),
		TEST(test_grid_page_draws_a_line_per_curve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
