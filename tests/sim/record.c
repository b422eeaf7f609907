/* SPDX-License-Identifier: Apache-2.0 */
/* See record.h. */
#include "sim/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sched/share.h"

void record_change(struct record *r, uint64_t time_ns, int change)
{
	unsigned rate = r->n ? r->rate[r->n - 1] : 0;
	uint64_t ran_ns = 0;

	if (r->n == r->max) {
		r->max = 2 * r->max + 1024;
		r->time_ns = realloc(r->time_ns, r->max * sizeof(uint64_t));
		r->ran_ns = realloc(r->ran_ns, r->max * sizeof(uint64_t));
		r->rate = realloc(r->rate, r->max * sizeof(unsigned));
		assert_true(r->time_ns && r->ran_ns && r->rate);
	}
	if (r->n)
		ran_ns = r->ran_ns[r->n - 1] +
			 rate * (time_ns - r->time_ns[r->n - 1]);
	r->time_ns[r->n] = time_ns;
	r->ran_ns[r->n] = ran_ns;
	r->rate[r->n] = (unsigned)((int)rate + change);
	r->n++;
}

void record_free(struct record *r)
{
	free(r->time_ns);
	free(r->ran_ns);
	free(r->rate);
	*r = (struct record){0};
}

/* What had been run by @time_ns. */
static uint64_t ran_by(const struct record *r, uint64_t time_ns)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->time_ns[middle] <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	return r->ran_ns[low - 1] +
	       r->rate[low - 1] * (time_ns - r->time_ns[low - 1]);
}

void record_extremes(const struct record *r, uint64_t start_ns, uint64_t end_ns,
		     uint64_t *least_ns, uint64_t *most_ns)
{
	*least_ns = UINT64_MAX;
	*most_ns = 0;
	for (size_t i = 0; i <= 2 * r->n + 1; i++) {
		uint64_t from_ns, ran_ns;

		if (i >= 2 * r->n)
			from_ns = i % 2 ? start_ns : end_ns - SHARE_WINDOW_NS;
		else if (i % 2)
			from_ns = r->time_ns[i / 2];
		else
			from_ns =
				dis_ns_sub(r->time_ns[i / 2], SHARE_WINDOW_NS);
		if (from_ns < start_ns || from_ns + SHARE_WINDOW_NS > end_ns)
			continue;
		ran_ns = ran_by(r, from_ns + SHARE_WINDOW_NS) -
			 ran_by(r, from_ns);
		*least_ns = dis_ns_min(*least_ns, ran_ns);
		*most_ns = dis_ns_max(*most_ns, ran_ns);
	}
}
