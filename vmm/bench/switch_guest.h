/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests of one vCPU and a few bytes each, for benches of the way into a
 * guest; nothing is booted.
 *
 * Place in the flow: bench_guests_open() once, bench_guests_load() per measurement;
 * whoever runs the vCPUs (switch_bare.c, switch_dis.c) calls bench_guest_returned()
 * after each return, which is how all contenders are measured alike.
 *
 * Locking: one thread at a time runs the vCPUs and owns everything here; the
 * main thread looks again when that thread has ended or told it to.
 */
#ifndef DISVM_BENCH_GUEST_H
#define DISVM_BENCH_GUEST_H

#include "bench/stats.h"
#include "kvm/arena.h"
#include "kvm/vcpu.h"

#define BENCH_PAIR 2u
#define BENCH_GUESTS_MAX 16u

enum bench_program {
	BENCH_OUT, /**< ring 0: OUT in a loop; the device answers with a yield */
	BENCH_HOG,   /**< ring 3: notes the time, for ever */
	BENCH_COUNT, /**< ring 3: counts, for ever */
};

/**
 * What a hog writes in its memory; times are TSC, which is the host's.
 * @last:  it was running.
 * @first: it was running again; the host sets it to 0 after each return.
 * @count: rounds, of COUNT.
 */
struct bench_hog {
	uint64_t last;
	uint64_t first;
	uint64_t count;
};

struct bench_guests;

struct bench_guest {
	struct bench_guests *all;
	struct kvm_vm vm;
	struct io_bus bus, mmio;
	struct kvm_vcpu vcpu;
	struct lapic *lapics[1];
	volatile struct bench_hog *hog; /* in guest memory */
};

/**
 * @series: where samples go, one per dispatch, that is per uninterrupted series
 *          of returns of the same guest. OUT: time from return to return. HOG:
 *          time in which no guest ran, from the last that one guest noted to
 *          the first that the next one did. COUNT: none.
 * @skip:   dispatches that are not measured, for warming up.
 * @left:   samples still to be taken.
 * @cpu_ns, @counted: COUNT: by bench_guests_count(), called by who runs them.
 * @last:   who returned last; @last_ns, @last_tsc: when it did, ran.
 */
struct bench_guests {
	struct kvm kvm;
	struct arena arena;
	struct bench_guest guest[BENCH_GUESTS_MAX];
	unsigned n;
	struct bench_series *series;
	unsigned skip;
	unsigned left;
	enum bench_program program;
	const struct bench_guest *last;
	uint64_t last_ns;
	uint64_t last_tsc;
	uint64_t cpu_ns;
	uint64_t counted;
};

/** @n: BENCH_GUESTS_MAX at most. Return: 0 or -errno with @err; nothing is left open
 * then. */
int bench_guests_open(struct bench_guests *all, unsigned n, char *err,
		      size_t err_size);
void bench_guests_close(struct bench_guests *all);

/** What to measure: @samples more into @series, after @skip dispatches. */
struct bench_task {
	enum bench_program program;
	struct bench_series *series;
	unsigned skip;
	unsigned samples;
};

/**
 * bench_guests_load - all guests at the start of the task's program.
 * Context: no vCPU runs.
 * Return: 0 or -errno.
 */
int bench_guests_load(struct bench_guests *all, const struct bench_task *task);

/** Notes what all have counted since they began, for @cpu_ns. */
void bench_guests_count(struct bench_guests *all, uint64_t cpu_ns);

/** CPU time of a thousand rounds of whichever guest. */
uint64_t bench_guests_unit_ns(const struct bench_guests *all);

/** @guest returned from KVM_RUN. Return: false once all samples are taken. */
bool bench_guest_returned(struct bench_guest *guest);

#endif
