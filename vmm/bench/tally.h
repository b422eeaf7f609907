/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Adding up what guests did in a window, without what stalls of the machine did.
 *
 * Place in the flow: window.c looks at the guests slice by slice and says how
 * many stalls the watch has seen by then (watch.h); here the reports are read,
 * and slices without a stall added up.
 *
 * A stall is seen when it ends, so the slice before may have been hit already:
 * a slice is decided when the next one is over. What a stall made late is late
 * for the scene's settle_ns more. All that is left out, and counted.
 *
 * Invariant: what a guest wrote is copied once, then the copy is used.
 *
 * Locking: one thread; guests write meanwhile, each figure in one piece.
 */
#ifndef DISVM_BENCH_TALLY_H
#define DISVM_BENCH_TALLY_H

#include "bench/window.h"

/** What a vCPU had done at one time. */
struct tally_look {
	struct disvm_guest_report report;
	uint64_t exits;
};

/** @from, @to: of the slice that is not decided; @work: in those that count. */
struct tally_vcpu {
	const struct window_guest *guest;
	unsigned index;
	struct tally_look from;
	struct tally_look to;
	uint64_t work;
};

/**
 * @from_ns: when the slice that runs began; @length_ns: of the one before.
 * @stalls:  seen by then.
 * @settled_ns: from when on slices count again.
 * @clean:   the slice before saw no stall, as far as is known.
 * @slices:  of this window, the running one not included.
 */
struct tally {
	const struct window_source *source;
	uint64_t settle_ns;
	struct scene_window *window;
	uint64_t from_ns;
	uint64_t length_ns;
	uint64_t stalls;
	uint64_t settled_ns;
	bool clean;
	unsigned slices;
	unsigned n_vcpus;
	struct tally_vcpu *vcpu;
};

/** No stall has been seen yet. Return: 0 or -ENOMEM. */
int tally_open(struct tally *tally, const struct window_source *source,
	       uint64_t settle_ns);
void tally_close(struct tally *tally);

/** A window begins at @now_ns; @window is zero. */
void tally_begin(struct tally *tally, struct scene_window *window,
		 uint64_t now_ns, uint64_t stalls);

/**
 * tally_slice - a slice ends at @now_ns, the next one begins.
 *
 * The one before is added to the window, or left out. So the window needs one
 * slice more than is to be in it.
 */
void tally_slice(struct tally *tally, uint64_t now_ns, uint64_t stalls);

/** All is added: the fairness of each of @groups. Return: 0 or -ENOMEM. */
int tally_end(struct tally *tally, unsigned groups);

/**
 * tally_settle_ns - how long a stall is felt by guests with deadlines.
 * @percent: of each core that they use, below 100.
 * @period_ns: the longest one.
 *
 * What did not run in a stall of 5 ms is worked off with what the cores have
 * left: 5 ms * u / (1 - u). The last job that was late by it ends within its
 * period.
 */
uint64_t tally_settle_ns(unsigned percent, uint64_t period_ns);

#endif
