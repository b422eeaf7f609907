/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From a list of operations that breaks an invariant to a short one.
 *
 * Place in the flow: test_random_world.c plays each list through shrink_play();
 * when one breaks, shrink_list() takes out what is not needed and tells the rest.
 *
 * A broken invariant aborts, so each list is played in a child process. The same
 * fault is the same text of the failed assertion. Parts are taken out by halves,
 * quarters and so on down to single operations, until none can go (the
 * complement step of ddmin; Zeller and Hildebrandt, IEEE TSE 28(2), 2002).
 *
 * Locking: none; POSIX processes.
 */
#ifndef TESTS_SHRINK_H
#define TESTS_SHRINK_H

#include "sim/random_world.h"

/**
 * @broke: did an invariant break, and if so
 * @why:   what the failed assertion said, one line;
 * @tally: what happened until then.
 */
struct shrink_result {
	bool broke;
	struct random_tally tally;
	char why[256];
};

/** Plays the list in a child; @tell: its history goes to standard error. */
struct shrink_result shrink_play(const struct random_config *cfg,
				 const struct random_op *ops, size_t n,
				 bool tell);

/**
 * shrink_list - take operations out of @ops as long as it breaks like @found.
 * Return: the new length.
 */
size_t shrink_list(const struct random_config *cfg, struct random_op *ops,
		   size_t n, const struct shrink_result *found);

#endif
