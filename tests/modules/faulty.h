/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Round robin that breaks one rule of <dis/policy.h>, after some good picks.
 *
 * Place in the flow: compiled into shared objects (tests/modules) for the tests of
 * real modules, and into the test programs (tests/lib/faulty.c), which have the
 * clock and a way back into the scheduler.
 * Locking: as any policy; `picks` is per queue.
 */
#ifndef TESTS_MODULES_FAULTY_H
#define TESTS_MODULES_FAULTY_H

#include <dis/policy.h>

#include "modules/faulty_kinds.h"

/** What is done for it: takes @ns; calls the scheduler. */
static void faulty_pause(uint64_t ns);
static void faulty_reenter(void);

TAILQ_HEAD(faulty_list, dis_entity);

struct faulty_queue {
	struct faulty_list list;
	enum faulty kind;
	unsigned picks;
	struct dis_entity *last;
	struct dis_entity *lost;
	struct dis_entity own;
};

static void faulty_init(struct faulty_queue *q, enum faulty kind)
{
	TAILQ_INIT(&q->list);
	q->kind = kind;
}

static void faulty_enqueue(void *queue, struct dis_entity *e,
			   enum dis_enqueue why, uint64_t now_ns)
{
	struct faulty_queue *q = queue;

	(void)now_ns;
	/* Not amid the boot of a guest, where the others then sleep for ever. */
	if (q->kind == FAULTY_LOSES && q->picks > 4 * FAULTY_GOOD_PICKS &&
	    !q->lost) {
		q->lost = e;
		return;
	}
	if (why == DIS_ENQUEUE_PREEMPT)
		TAILQ_INSERT_HEAD(&q->list, e, link.list);
	else
		TAILQ_INSERT_TAIL(&q->list, e, link.list);
}

static void faulty_dequeue(void *queue, struct dis_entity *e,
			   enum dis_leave why, uint64_t now_ns)
{
	struct faulty_queue *q = queue;

	(void)why;
	(void)now_ns;
	if (e != q->lost)
		TAILQ_REMOVE(&q->list, e, link.list);
}

static struct dis_entity *faulty_pick(void *queue, uint64_t now_ns)
{
	struct faulty_queue *q = queue;
	struct dis_entity *first = TAILQ_FIRST(&q->list);
	struct dis_entity *again = q->last;

	(void)now_ns;
	q->last = first;
	if (q->picks++ < FAULTY_GOOD_PICKS)
		return first;
	switch (q->kind) {
	case FAULTY_FOREIGN:
		return &q->own;
	case FAULTY_WILD:
		return (struct dis_entity *)(uintptr_t)64;
	case FAULTY_INSIDE:
		return (struct dis_entity *)((char *)first + 8);
	case FAULTY_TWICE:
		return again;
	case FAULTY_EMPTY:
		return NULL;
	case FAULTY_SLOW:
		faulty_pause(200 * DIS_US_NS);
		return first;
	case FAULTY_HANGS:
		if (q->picks <= FAULTY_GOOD_PICKS + 2u)
			faulty_pause(DIS_S_NS);
		return first;
	case FAULTY_STUCK:
		for (;;)
			faulty_pause(DIS_MS_NS);
	case FAULTY_REENTERS:
		faulty_reenter();
		return first;
	case FAULTY_NOT:
	case FAULTY_LOSES:
	case FAULTY_KINDS:
		break;
	}
	return first;
}

#define FAULTY_ALL_CLASSES ((1u << DIS_CLASSES) - 1)

/** Defines NAME_module, a module of this @kind with the policy "NAME". */
#define FAULTY_MODULE(NAME, KIND) \
	static void NAME##_init(void *queue) \
	{ \
		faulty_init(queue, KIND); \
	} \
	static const struct dis_policy_ops NAME##_ops = { \
		.abi = DIS_POLICY_ABI, \
		.name = #NAME, \
		.queue_bytes = sizeof(struct faulty_queue), \
		.classes = FAULTY_ALL_CLASSES, \
		.choice = DIS_CHOICE_TURN, \
		.init = NAME##_init, \
		.enqueue = faulty_enqueue, \
		.dequeue = faulty_dequeue, \
		.pick = faulty_pick, \
	}

/** A shared object with that one module. */
#define FAULTY_OBJECT(NAME, KIND) \
	FAULTY_MODULE(NAME, KIND); \
	static void faulty_pause(uint64_t ns) \
	{ \
		const struct timespec pause = { \
			.tv_sec = (time_t)(ns / DIS_S_NS), \
			.tv_nsec = (long)(ns % DIS_S_NS)}; \
		nanosleep(&pause, NULL); \
	} \
	static void faulty_reenter(void) \
	{ \
	} \
	extern const struct dis_policy_module dis_policy_module; \
	const struct dis_policy_module dis_policy_module = { \
		.abi = DIS_POLICY_ABI, .version = "test", .ops = &NAME##_ops}

#endif
