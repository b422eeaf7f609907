/* SPDX-License-Identifier: Apache-2.0 */
/* Who is served next; see order.h. */
#include "io/order.h"

#include <stddef.h>

void io_order_init(struct io_order *order)
{
	for (unsigned i = 0; i < IO_PRIORITIES; i++)
		for (unsigned slow = 0; slow < 2; slow++)
			TAILQ_INIT(&order->ready[i][slow]);
	TAILQ_INIT(&order->held);
	for (unsigned i = 0; i < IO_PRIORITIES; i++)
		order->passed[i] = 0;
	order->due_ns = DIS_NEVER_NS;
}

void io_order_put(struct io_order *order, struct io_turn *turn)
{
	turn->due_ns = 0;
	TAILQ_INSERT_TAIL(&order->ready[turn->priority][turn->slow], turn, link);
}

static void unlink_turn(struct io_order *order, struct io_turn *turn)
{
	struct io_turns *list =
		turn->due_ns ? &order->held
			     : &order->ready[turn->priority][turn->slow];

	TAILQ_REMOVE(list, turn, link);
}

void io_order_remove(struct io_order *order, struct io_turn *turn)
{
	unlink_turn(order, turn);
}

/* Its bucket may have been used by another device of the guest meanwhile. */
static bool must_wait(struct io_order *order, struct io_turn *turn,
		      uint64_t now_ns)
{
	uint64_t due_ns = turn->bucket ? io_bucket_ready_ns(turn->bucket) : 0;

	if (due_ns <= now_ns)
		return false;
	unlink_turn(order, turn);
	turn->due_ns = due_ns;
	TAILQ_INSERT_TAIL(&order->held, turn, link);
	order->due_ns = dis_ns_min(order->due_ns, due_ns);
	return true;
}

static void release_due(struct io_order *order, uint64_t now_ns)
{
	struct io_turn *turn, *next;

	if (order->due_ns > now_ns)
		return;
	order->due_ns = DIS_NEVER_NS;
	for (turn = TAILQ_FIRST(&order->held); turn; turn = next) {
		next = TAILQ_NEXT(turn, link);
		if (turn->due_ns <= now_ns) {
			TAILQ_REMOVE(&order->held, turn, link);
			io_order_put(order, turn);
		} else {
			order->due_ns = dis_ns_min(order->due_ns, turn->due_ns);
		}
	}
}

void io_order_renew(struct io_order *order)
{
	struct io_turn *turn;

	while ((turn = TAILQ_FIRST(&order->held))) {
		TAILQ_REMOVE(&order->held, turn, link);
		io_order_put(order, turn);
	}
	order->due_ns = DIS_NEVER_NS;
}

static struct io_turn *first(struct io_order *order, struct io_turns *list,
			     uint64_t now_ns)
{
	struct io_turn *turn;

	while ((turn = TAILQ_FIRST(list))) {
		if (must_wait(order, turn, now_ns))
			continue;
		unlink_turn(order, turn);
		return turn;
	}
	return NULL;
}

struct io_turn *io_order_take(struct io_order *order, uint64_t now_ns,
			      bool slow_too)
{
	release_due(order, now_ns);
	for (unsigned i = 0; i < IO_PRIORITIES; i++) {
		struct io_turns *quick = &order->ready[i][0];
		struct io_turns *slow = &order->ready[i][1];
		struct io_turn *turn = NULL;

		if (slow_too && order->passed[i] == IO_QUICK_TURNS)
			turn = first(order, slow, now_ns);
		if (!turn && (turn = first(order, quick, now_ns))) {
			if (TAILQ_EMPTY(slow))
				order->passed[i] = 0;
			else if (slow_too && order->passed[i] < IO_QUICK_TURNS)
				order->passed[i]++;
			return turn;
		}
		if (!turn && slow_too)
			turn = first(order, slow, now_ns);
		if (turn) {
			order->passed[i] = 0;
			return turn;
		}
	}
	return NULL;
}

bool io_order_any(const struct io_order *order)
{
	for (unsigned i = 0; i < IO_PRIORITIES; i++)
		for (unsigned slow = 0; slow < 2; slow++)
			if (!TAILQ_EMPTY(&order->ready[i][slow]))
				return true;
	return false;
}
