/* SPDX-License-Identifier: Apache-2.0 */
/* Event ring; see ring.h. */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>

int event_ring_init(struct event_ring *ring, unsigned events)
{
	ring->events = NULL;
	ring->mask = 0;
	ring->lost = 0;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	if (!events)
		return 0;
	ring->events = calloc(events, sizeof(*ring->events));
	if (!ring->events)
		return -ENOMEM;
	ring->mask = events - 1u;
	return 0;
}

void event_ring_fini(struct event_ring *ring)
{
	free(ring->events);
	ring->events = NULL;
}

void event_ring_put(struct event_ring *ring, const struct dis_event *event)
{
	unsigned long long head, tail;

	if (!ring->events)
		return;
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	if (head - tail > ring->mask) {
		__atomic_store_n(&ring->lost, ring->lost + 1u, __ATOMIC_RELAXED);
		return;
	}
	ring->events[head & ring->mask] = *event;
	atomic_store_explicit(&ring->head, head + 1u, memory_order_release);
}

unsigned event_ring_take(struct event_ring *ring, struct dis_event *out,
			 unsigned max)
{
	unsigned long long tail, head;
	unsigned n = 0;

	if (!ring->events)
		return 0;
	tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	head = atomic_load_explicit(&ring->head, memory_order_acquire);
	while (n < max && tail + n != head) {
		out[n] = ring->events[(tail + n) & ring->mask];
		n++;
	}
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}
