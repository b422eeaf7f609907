/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that knows its ends, against a plain list kept in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ends_tree.h"
#include "lib/policy_bed.h"

#define NODES 300u
#define OPERATIONS 20000u

static unsigned compared;

struct node {
	uint64_t key;
	bool in;
	RB_ENTRY(node) link;
};

ENDS_TREE_HEAD(nodes, node);

static bool is_before(const struct node *a, const struct node *b)
{
	compared++;
	return a->key < b->key;
}

ENDS_TREE_GENERATE(nodes, node, link, is_before)

/* The same by brute force. */
struct list {
	struct node *node[NODES];
	unsigned count;
};

static void list_add(struct list *list, struct node *node)
{
	unsigned at = list->count;

	for (; at && node->key < list->node[at - 1]->key; at--)
		list->node[at] = list->node[at - 1];
	list->node[at] = node;
	list->count++;
}

static void list_remove(struct list *list, const struct node *node)
{
	unsigned at = 0;

	while (list->node[at] != node)
		at++;
	list->count--;
	memmove(&list->node[at], &list->node[at + 1],
		(list->count - at) * sizeof(list->node[0]));
}

static void assert_same(struct nodes *tree, const struct list *list)
{
	struct node *node = tree->first;

	for (unsigned i = 0; i < list->count; i++) {
		assert_ptr_equal(node, list->node[i]);
		if (i + 1 == list->count)
			assert_ptr_equal(tree->last, node);
		node = RB_NEXT(nodes_tree, &tree->tree, node);
	}
	assert_null(node);
	if (!list->count)
		assert_null(tree->last);
}

/* Behind all, before all, anywhere; equal keys too. R: DIS-12 */
static void test_ends_tree_random_operations_keep_order(void **state)
{
	struct node node[NODES] = {0};
	struct nodes tree = {0};
	struct list list = {0};
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned i = 0; i < OPERATIONS; i++) {
		struct node *n = &node[bed_range(&rng, 0, NODES - 1)];
		uint64_t middle = UINT64_C(1) << 40;

		if (n->in) {
			nodes_remove(&tree, n);
			list_remove(&list, n);
		} else {
			switch (bed_range(&rng, 0, 2)) {
			case 0:
				n->key = middle + i;
				break;
			case 1:
				n->key = middle - i;
				break;
			default:
				n->key = middle + bed_range(&rng, 0, 50);
				break;
			}
			nodes_add(&tree, n);
			list_add(&list, n);
		}
		n->in = !n->in;
		assert_same(&tree, &list);
	}
}

/* What comes behind all others, or before them, is not searched for. R: PRE-4 */
static void test_ends_tree_at_the_ends_compares_twice(void **state)
{
	struct node node[NODES] = {0};
	struct nodes tree = {0};

	(void)state;
	for (unsigned i = 0; i < NODES; i++) {
		node[i].key = i % 2 ? NODES + i : NODES - i;
		compared = 0;
		nodes_add(&tree, &node[i]);
		assert_true(compared <= 2);
	}
	assert_int_equal(tree.first->key, 2);
	assert_int_equal(tree.last->key, NODES + NODES - 1);
}

/* What comes anywhere costs no more than the height of the tree. R: PRE-4 */
static void test_ends_tree_anywhere_compares_by_the_logarithm(void **state)
{
	static struct node node[10000];
	uint64_t rng = bed_seed();
	struct nodes tree = {0};

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		/* 2 log2(n + 1) at most, and the two ends. */
		unsigned height = 2u * (32u - (unsigned)__builtin_clz(i + 1u));

		node[i].key = bed_random(&rng);
		compared = 0;
		nodes_add(&tree, &node[i]);
		assert_true(compared <= height + 2u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_tree_random_operations_keep_order),
		cmocka_unit_test(test_ends_tree_at_the_ends_compares_twice),
		cmocka_unit_test(
			test_ends_tree_anywhere_compares_by_the_logarithm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
