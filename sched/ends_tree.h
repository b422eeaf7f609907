/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A balanced tree that knows both its ends.
 *
 * Place in the flow: the order of sleepers, and of the policies that sort.
 * What is scheduled comes mostly behind all others (a new turn) or before them
 * (one that gave way), and the first is what is asked for. At the ends there is
 * nothing to search: no walk from the root through nodes that are not in the
 * cache, so that the cost of a turn hardly depends on how many wait.
 * Invariant: sorted by the comparison, equal ones as they came; `first` and
 * `last` are the smallest and the largest, NULL when empty.
 * Locking: the core's owner.
 */
#ifndef DIS_ENDS_TREE_H
#define DIS_ENDS_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <bsd/sys/tree.h>

/** Defines struct @name, and struct @name##_tree in it. */
#define ENDS_TREE_HEAD(name, type) \
	RB_HEAD(name##_tree, type); \
	struct name { \
		struct name##_tree tree; \
		struct type *first, *last; \
	}

/**
 * ENDS_TREE_GENERATE - the functions of struct @name, all O(log n), at the ends
 * O(1) amortised:
 *   @name##_place(tree, e)   e is a leaf in its place; @name##_balance() next
 *   @name##_balance(tree, e)
 *   @name##_add(tree, e)     both
 *   @name##_remove(tree, e)
 * @link: the RB_ENTRY in struct @type; @before(a, b): does a come before b?
 *
 * RB_AUGMENT, if the user has defined it before, is called for nodes whose
 * children change in @name##_balance() and @name##_remove(), but not for all
 * above them.
 */
#define ENDS_TREE_GENERATE(name, type, link, before) \
	/* Only RB_FIND and RB_INSERT compare; neither is used. */ \
	static int name##_cmp(const struct type *a, const struct type *b) \
	{ \
		return before(a, b) ? -1 : 1; \
	} \
	/* Not RB_GENERATE_STATIC: its __unused is not defined everywhere. */ \
	RB_GENERATE_INTERNAL(name##_tree, type, link, name##_cmp, \
			     static __attribute__((unused))) \
\
	static void name##_place(struct name *t, struct type *e) \
	{ \
		bool is_last = !t->last || !before(e, t->last); \
		bool is_first = !t->first || before(e, t->first); \
		struct type *at = is_last || is_first ? NULL \
						      : RB_ROOT(&t->tree); \
		struct type *parent = is_last ? t->last : t->first; \
		bool left = !is_last; \
\
		/* A choice, no branch: half of those would be mispredicted. */ \
		while (at) { \
			struct type *lower = RB_LEFT(at, link); \
			struct type *upper = RB_RIGHT(at, link); \
\
			parent = at; \
			left = before(e, at); \
			at = left ? lower : upper; \
		} \
		RB_SET(e, parent, link); \
		if (!parent) \
			RB_ROOT(&t->tree) = e; \
		else if (left) \
			RB_LEFT(parent, link) = e; \
		else \
			RB_RIGHT(parent, link) = e; \
		if (is_last) \
			t->last = e; \
		if (is_first) \
			t->first = e; \
	} \
\
	static void name##_balance(struct name *t, struct type *e) \
	{ \
		name##_tree_RB_INSERT_COLOR(&t->tree, e); \
	} \
\
	static __attribute__((unused)) void name##_add(struct name *t, \
						       struct type *e) \
	{ \
		name##_place(t, e); \
		name##_balance(t, e); \
	} \
\
	static void name##_remove(struct name *t, struct type *e) \
	{ \
		if (t->first == e) \
			t->first = RB_NEXT(name##_tree, &t->tree, e); \
		if (t->last == e) \
			t->last = RB_PREV(name##_tree, &t->tree, e); \
		RB_REMOVE(name##_tree, &t->tree, e); \
	}

#endif
