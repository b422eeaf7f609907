/* SPDX-License-Identifier: Apache-2.0 */
/* Adding up what guests did; see tally.h. */
#include "bench/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are rare. */
#define STALL_NS (5 * DIS_MS_NS)

int tally_open(struct tally *t, const struct window_source *source,
	       uint64_t settle_ns)
{
	*t = (struct tally){.source = source, .settle_ns = settle_ns};
	for (unsigned i = 0; i < source->n; i++)
		t->n_vcpus += source->guest[i].vcpus;
	t->vcpu = calloc(t->n_vcpus + 1, sizeof(*t->vcpu));
	if (!t->vcpu)
		return -ENOMEM;
	for (unsigned i = 0, v = 0; i < source->n; i++)
		for (unsigned k = 0; k < source->guest[i].vcpus; k++, v++)
			t->vcpu[v] = (struct tally_vcpu){
				.guest = &source->guest[i], .index = k};
	return 0;
}

void tally_close(struct tally *t)
{
	free(t->vcpu);
}

static void look(const struct tally *t, struct tally_vcpu *v)
{
	bench_window_read(v->guest, v->index, &v->to.report);
	if (t->source->exits)
		v->to.exits = t->source->exits(v->guest, v->index);
}

/* Is the slice before free of stalls, now that the one that ends is known? */
static bool decide(struct tally *t, uint64_t now_ns, uint64_t stalls)
{
	bool stalled = stalls != t->stalls, counts = t->clean && !stalled;

	if (stalled)
		t->settled_ns = dis_ns_add(now_ns, t->settle_ns);
	t->clean = !stalled && t->from_ns >= t->settled_ns;
	t->stalls = stalls;
	return counts;
}

void tally_begin(struct tally *t, struct scene_window *window, uint64_t now_ns,
		 uint64_t stalls)
{
	t->window = window;
	decide(t, now_ns, stalls);
	t->from_ns = now_ns;
	t->slices = 0;
	for (unsigned i = 0; i < t->n_vcpus; i++) {
		look(t, &t->vcpu[i]);
		t->vcpu[i].work = 0;
	}
}

static void leave_out(struct scene_figures *f, const struct tally_vcpu *v)
{
	f->stalled_misses += v->to.report.misses - v->from.report.misses;
}

static void add(struct scene_figures *f, struct tally_vcpu *v)
{
	const struct disvm_guest_report *from = &v->from.report;
	const struct disvm_guest_report *to = &v->to.report;

	v->work += to->work - from->work;
	f->work += to->work - from->work;
	f->wakes += to->wakes - from->wakes;
	f->misses += to->misses - from->misses;
	f->skipped += to->skipped - from->skipped;
	f->tardiness_sum_ns += to->tardiness_sum_ns - from->tardiness_sum_ns;
	bench_hist_add(&f->hist, from->lateness, to->lateness);
	f->exits += v->to.exits - v->from.exits;
}

/* The slice before. */
static void close_slice(struct tally *t, bool counts)
{
	struct scene_window *w = t->window;

	w->slices++;
	if (counts)
		w->clean_ns += t->length_ns;
	else
		w->stalled++;
	for (unsigned i = 0; i < t->n_vcpus; i++) {
		struct tally_vcpu *v = &t->vcpu[i];
		struct scene_figures *f = &w->group[v->guest->group];

		f->tardiness_max_ns = dis_ns_max(f->tardiness_max_ns,
						 v->to.report.tardiness_max_ns);
		if (counts)
			add(f, v);
		else
			leave_out(f, v);
	}
}

void tally_slice(struct tally *t, uint64_t now_ns, uint64_t stalls)
{
	bool counts = decide(t, now_ns, stalls);

	if (t->slices++)
		close_slice(t, counts);
	for (unsigned i = 0; i < t->n_vcpus; i++) {
		t->vcpu[i].from = t->vcpu[i].to;
		look(t, &t->vcpu[i]);
	}
	t->length_ns = now_ns - t->from_ns;
	t->from_ns = now_ns;
}

int tally_end(struct tally *t, unsigned groups)
{
	uint64_t *work = calloc(t->n_vcpus + 1, sizeof(*work));

	if (!work)
		return -ENOMEM;
	for (unsigned g = 0; g < groups; g++) {
		unsigned n = 0;

		for (unsigned i = 0; i < t->n_vcpus; i++)
			if (t->vcpu[i].guest->group == g)
				work[n++] = t->vcpu[i].work;
		t->window->group[g].jain = bench_jain(work, n);
	}
	free(work);
	return 0;
}

uint64_t tally_settle_ns(unsigned percent, uint64_t period_ns)
{
	return STALL_NS * percent / (100 - percent) + period_ns;
}
