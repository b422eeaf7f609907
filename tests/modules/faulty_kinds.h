/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rules of <dis/policy.h> that modules of the tests break.
 *
 * Place in the flow: named by modules/faulty.h, which breaks them, and by tests.
 */
#ifndef TESTS_MODULES_FAULTY_KINDS_H
#define TESTS_MODULES_FAULTY_KINDS_H

/** Good picks of a queue before it breaks its rule. */
#define FAULTY_GOOD_PICKS 8u

enum faulty {
	FAULTY_NOT,      /**< keeps all rules */
	FAULTY_FOREIGN,  /**< picks an entity of its own */
	FAULTY_WILD,     /**< picks an address where nothing is */
	FAULTY_INSIDE,   /**< picks a pointer into the middle of a queued one */
	FAULTY_TWICE,    /**< picks the one that it has just picked again */
	FAULTY_EMPTY,    /**< picks none though some are queued */
	FAULTY_LOSES,    /**< forgets one that is queued */
	FAULTY_SLOW,     /**< each pick takes 200 us */
	FAULTY_HANGS,    /**< two picks take a second each */
	FAULTY_STUCK,    /**< one pick never returns */
	FAULTY_REENTERS, /**< calls back into the scheduler */
	FAULTY_KINDS,
};

#endif
