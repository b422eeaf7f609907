/* SPDX-License-Identifier: Apache-2.0 */
/* The last 60 seconds; see dis/collect.h. */
#include <dis/collect.h>

#include <string.h>

/* All fields are uint64_t, so that a new one is collected too. */
#define FIELDS (sizeof(struct dis_totals) / sizeof(uint64_t))

void dis_collect_begin(struct dis_collector *c, struct dis_domain *dom,
		       uint64_t now_ns)
{
	*c = (struct dis_collector){.due_ns = now_ns + DIS_COLLECT_NS,
				    .last_ns = now_ns};
	dis_domain_get_totals(dom, now_ns, &c->last);
}

/* Figures of running cores are read while they change, hence saturating. */
static struct dis_totals difference(const struct dis_totals *now,
				    const struct dis_totals *before)
{
	uint64_t from[FIELDS], to[FIELDS];
	struct dis_totals out;

	memcpy(from, before, sizeof(from));
	memcpy(to, now, sizeof(to));
	for (size_t i = 0; i < FIELDS; i++)
		to[i] = dis_ns_sub(to[i], from[i]);
	memcpy(&out, to, sizeof(out));
	out.queued = now->queued;
	out.sleeping = now->sleeping;
	out.parked = now->parked;
	return out;
}

bool dis_collect_tick(struct dis_collector *c, struct dis_domain *dom,
		      uint64_t now_ns)
{
	struct dis_totals now;

	if (now_ns < c->due_ns)
		return false;
	dis_domain_get_totals(dom, now_ns, &now);
	c->samples[c->taken % DIS_COLLECT_SAMPLES] = (struct dis_sample){
		.end_ns = now_ns,
		.span_ns = now_ns - c->last_ns,
		.during = difference(&now, &c->last),
	};
	c->taken++;
	c->last = now;
	c->last_ns = now_ns;
	c->due_ns +=
		((now_ns - c->due_ns) / DIS_COLLECT_NS + 1) * DIS_COLLECT_NS;
	return true;
}

unsigned dis_collect_count(const struct dis_collector *c)
{
	return c->taken < DIS_COLLECT_SAMPLES ? c->taken : DIS_COLLECT_SAMPLES;
}

const struct dis_sample *dis_collect_get(const struct dis_collector *c,
					 unsigned index)
{
	unsigned count = dis_collect_count(c);

	if (index >= count)
		return NULL;
	return &c->samples[(c->taken - count + index) % DIS_COLLECT_SAMPLES];
}

struct dis_sample dis_collect_average(const struct dis_collector *c)
{
	unsigned count = dis_collect_count(c);
	uint64_t sum[FIELDS] = {0}, fields[FIELDS];
	struct dis_sample out = {0};

	if (!count)
		return out;
	for (unsigned i = 0; i < count; i++) {
		const struct dis_sample *sample = dis_collect_get(c, i);

		memcpy(fields, &sample->during, sizeof(fields));
		for (size_t k = 0; k < FIELDS; k++)
			sum[k] += fields[k];
		out.span_ns += sample->span_ns;
		out.end_ns = sample->end_ns;
	}
	for (size_t k = 0; k < FIELDS; k++)
		sum[k] /= count;
	memcpy(&out.during, sum, sizeof(sum));
	out.span_ns /= count;
	return out;
}
