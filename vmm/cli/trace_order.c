/* SPDX-License-Identifier: Apache-2.0 */
/* Events into the order of time; see trace_order.h. */
#include "trace_order.h"

#include <errno.h>
#include <stdlib.h>

#include <dis/assert.h>

int trace_order_init(struct trace_order *o, uint64_t window_ns)
{
	*o = (struct trace_order){.window_ns = window_ns};
	o->heap = malloc(TRACE_ORDER_EVENTS * sizeof(*o->heap));
	return o->heap ? 0 : -ENOMEM;
}

void trace_order_fini(struct trace_order *o)
{
	free(o->heap);
}

bool trace_order_full(const struct trace_order *o)
{
	return o->count == TRACE_ORDER_EVENTS;
}

static bool before(const struct trace_order_entry *a,
		   const struct trace_order_entry *b)
{
	if (a->event.time_ns != b->event.time_ns)
		return a->event.time_ns < b->event.time_ns;
	return a->arrival < b->arrival;
}

void trace_order_put(struct trace_order *o, const struct dis_event *event)
{
	struct trace_order_entry entry = {*event, o->arrivals++};
	size_t i = o->count++;

	DIS_ASSERT(i < TRACE_ORDER_EVENTS);
	while (i && before(&entry, &o->heap[(i - 1) / 2])) {
		o->heap[i] = o->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	o->heap[i] = entry;
	o->newest_ns = dis_ns_max(o->newest_ns, event->time_ns);
}

static void remove_first(struct trace_order *o)
{
	struct trace_order_entry last = o->heap[--o->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < o->count) {
		if (child + 1 < o->count &&
		    before(&o->heap[child + 1], &o->heap[child]))
			child++;
		if (!before(&o->heap[child], &last))
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = last;
}

bool trace_order_take(struct trace_order *o, bool all, struct dis_event *out)
{
	if (!o->count)
		return false;
	if (!all &&
	    dis_ns_add(o->heap[0].event.time_ns, o->window_ns) > o->newest_ns)
		return false;
	*out = o->heap[0].event;
	remove_first(o);
	return true;
}
