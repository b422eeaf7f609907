/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Events of several cores into one order of time.
 *
 * Place in the flow: between the event rings and the trace. Each event is held
 * until an event that is @window_ns newer has come, by then everything older
 * has been handed over. A heap of fixed size, ordered by time, then by arrival,
 * so that events of one core keep their order.
 *
 * Locking: none; the owner's.
 */
#ifndef DISVM_TRACE_ORDER_H
#define DISVM_TRACE_ORDER_H

#include <dis/event.h>

#define TRACE_ORDER_EVENTS (1u << 17)

struct trace_order {
	struct trace_order_entry {
		struct dis_event event;
		uint64_t arrival;
	} * heap;
	size_t count;
	uint64_t arrivals;
	uint64_t newest_ns;
	uint64_t window_ns;
};

/** Return: 0 or -ENOMEM. */
int trace_order_init(struct trace_order *o, uint64_t window_ns);
void trace_order_fini(struct trace_order *o);

/** Is there no room? Then take one before the next put. */
bool trace_order_full(const struct trace_order *o);
void trace_order_put(struct trace_order *o, const struct dis_event *event);

/**
 * trace_order_take - remove the oldest event.
 * @all: even if it could still be overtaken.
 *
 * Return: true with @out, or false if there is none to take.
 */
bool trace_order_take(struct trace_order *o, bool all, struct dis_event *out);

#endif
