/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Looking at running guests: their reports, in their memory.
 *
 * Place in the flow: own.c and qemu.c bring guests up and hand their memory
 * over; bench_window_wait() until they are ready, bench_window_play() measures,
 * slice by slice (tally.h).
 *
 * Invariant: what a guest wrote is copied once, then the copy is used. A
 * report's place is searched at the addresses where the tiny guest has it.
 *
 * Locking: one thread; guests write meanwhile, each figure in one piece.
 */
#ifndef DISVM_BENCH_WINDOW_H
#define DISVM_BENCH_WINDOW_H

#include "bench/scene.h"

struct machine;

/**
 * @mem:    the guest's memory as the host sees it, @bytes long.
 * @report: offset of the report of vCPU 0 once it was found, else 0.
 * @machine: where it runs in this program, else NULL.
 */
struct window_guest {
	const uint8_t *mem;
	uint64_t bytes;
	unsigned group;
	unsigned vcpus;
	uint64_t report;
	const struct machine *machine;
};

/**
 * @alive: asked in between: NULL, or why the guests do not run any more.
 * @exits: returns to user space of a guest's vCPU so far; NULL: not known.
 */
struct window_source {
	struct window_guest *guest;
	unsigned n;
	const char *(*alive)(void *ctx);
	uint64_t (*exits)(const struct window_guest *guest, unsigned vcpu);
	void *ctx;
};

/** Look once: are the reports of all vCPUs of @guest there? */
bool bench_window_ready(struct window_guest *guest);

/**
 * bench_window_wait - until guests [@from, @to) are ready, 60 s at most.
 * Return: true; else the result has the reason.
 */
bool bench_window_wait(const struct window_source *source, unsigned from,
		       unsigned to, struct scene_result *result);

/** Copy the report of vCPU @vcpu of @guest, which was ready. */
void bench_window_read(const struct window_guest *guest, unsigned vcpu,
		       struct disvm_guest_report *out);

/** Measure all windows of @scene; sets the outcome. */
void bench_window_play(const struct scene *scene,
		       const struct window_source *source,
		       struct scene_result *result);

#endif
