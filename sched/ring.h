/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Event ring: one writer, one reader, no lock, no allocation after creation.
 *
 * Place in the flow: one per core and one for the control functions.
 * Invariant: tail <= head <= tail + size; the slots in [tail, head) are the
 * reader's, the others the writer's. A full ring drops the new event.
 */
#ifndef DIS_RING_H
#define DIS_RING_H

#include <stdatomic.h>

#include <dis/event.h>

struct event_ring {
	struct dis_event *events; /* NULL: events are off */
	uint64_t mask;
	atomic_ullong head; /* written by the writer */
	atomic_ullong tail; /* written by the reader */
	uint64_t lost;      /* the writer's */
};

/** @events: a power of two, or 0 for a ring that takes nothing. */
int event_ring_init(struct event_ring *ring, unsigned events);
void event_ring_fini(struct event_ring *ring);

/**
 * Does @ring take events? Asked before one is put together on the dispatch path,
 * for which memory is read that nothing else there needs.
 */
static inline bool event_ring_on(const struct event_ring *ring)
{
	return ring->events != NULL;
}

void event_ring_put(struct event_ring *ring, const struct dis_event *event);
unsigned event_ring_take(struct event_ring *ring, struct dis_event *out,
			 unsigned max);

#endif
