/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Fair shares by virtual deadlines (R: DIS-11, EVO-D1).
 *
 * Design: EEVDF, after Stoica and Abdel-Wahab, "Earliest Eligible Virtual
 * Deadline First: A Flexible and Accurate Mechanism for Proportional Share
 * Resource Allocation", 1995. Virtual time V passes at the rate of service
 * divided by the weight of all that compete (queued and running). Each entity
 * has its own virtual time, which passes by its service divided by its weight.
 * It asks for one slice at a time:
 *   lag               = weight * (V - own time): what it is owed
 *   eligible time     = own time when the request began
 *   virtual deadline  = eligible time + slice / weight
 * Of those whose eligible time V has reached, the one with the earliest deadline
 * runs, and preempts one with a later deadline. So weights give shares, and a
 * short slice gives a short latency, but no more of the core. One that gave way
 * keeps its request; each end of a slice and each wake begins a new one.
 *
 * Coming and going. V never goes back. What one brings as credit, or leaves as
 * debt, is paid to those who compete before V moves on: it is nobody's loss. With
 * nobody eligible V moves to the first eligible time (as in WF2Q+: Bennett and
 * Zhang, 1997), so that the core never idles; debt to those who are not there is
 * forgiven.
 *   sleep:     credit is kept and does not grow; it is at most what one can be
 *              owed, one longest request. Debt is kept, less what V has passed
 *              meanwhile, that is, as if it had stayed in the queue.
 *   migration: lag is carried whole, also by one that wakes on another core.
 *              Those whom a debtor joins are owed its debt, so that it pays as
 *              much as at home. Rounding is against the one that moves, and so
 *              is the time in which its credit is paid: V does not pass.
 *   weight:    a change keeps the lag, in ns of service.
 *
 * Queue scheme: a tree by virtual deadline; each node knows the earliest eligible
 * time below it. All in O(log n). The preemption check is O(1), but O(log n)
 * while the earliest deadline is earlier than the running one's and not
 * eligible. While queued or running, key[] is deadline, eligible time, earliest
 * eligible time below, own time; after it left, V and the queue it left.
 *
 * Figures: virtual time is in 1/65536 ns per unit of weight, so that a weight of
 * 65536 counts whole ns. It wraps; differences are signed. With a charge counted
 * as a minute at most and requests of at most 18 minutes, differences stay far
 * from overflow for days of one entity of weight 1 running past others.
 *
 * Bound of waiting: an entity owes at most one request and what the core let it
 * run past its slice; it is owed at most the longest request of the queue (the
 * paper's theorem 1) and what others ran past theirs. Between two of its turns V
 * passes at most both, divided by its weight, so it waits at most
 * (own request + longest request + overruns) * weight of all / own weight.
 */
#include "policies.h"
#include "policy_fair.h"

#define FRACTION_BITS 16
#define REQUEST_MAX_NS (INT64_C(1) << 40)
#define CHARGE_MAX_NS (UINT64_C(1) << 36)
#define DEBT_MAX_NS (INT64_C(1) << 44)

/* Virtual time begins just before it wraps, so that it always does so early. */
#define TIME_AT_START (-(UINT64_C(1) << 30))

static bool is_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static bool is_due_before(const struct dis_entity *a, const struct dis_entity *b)
{
	return is_before(a->key[FAIR_DEADLINE], b->key[FAIR_DEADLINE]);
}

static void update_earliest(struct dis_entity *e)
{
	const struct dis_entity *left = RB_LEFT(e, link.tree);
	const struct dis_entity *right = RB_RIGHT(e, link.tree);
	uint64_t earliest = e->key[FAIR_ELIGIBLE];

	if (left && is_before(left->key[FAIR_EARLIEST], earliest))
		earliest = left->key[FAIR_EARLIEST];
	if (right && is_before(right->key[FAIR_EARLIEST], earliest))
		earliest = right->key[FAIR_EARLIEST];
	e->key[FAIR_EARLIEST] = earliest;
}

/*
 * The macros call this for nodes whose children change, but not for all above
 * them; tree_add and tree_remove see to those.
 */
#undef RB_AUGMENT
#define RB_AUGMENT(e) update_earliest(e)

ENDS_TREE_GENERATE(fair_tree, dis_entity, link.tree, is_due_before)

static void tree_add(struct fair_queue *fair, struct dis_entity *e)
{
	uint64_t added = e->key[FAIR_ELIGIBLE];
	struct dis_entity *above;

	fair_tree_place(&fair->tree, e);
	e->key[FAIR_EARLIEST] = added;
	for (above = RB_PARENT(e, link.tree); above;
	     above = RB_PARENT(above, link.tree)) {
		if (!is_before(added, above->key[FAIR_EARLIEST]))
			break;
		above->key[FAIR_EARLIEST] = added;
	}
	fair_tree_balance(&fair->tree, e);
}

static void tree_remove(struct fair_queue *fair, struct dis_entity *e)
{
	uint64_t removed = e->key[FAIR_ELIGIBLE];
	struct dis_entity *above = RB_PARENT(e, link.tree);

	/* With two children, RB_REMOVE itself goes all the way up. */
	if (RB_LEFT(e, link.tree) && RB_RIGHT(e, link.tree))
		above = NULL;
	fair_tree_remove(&fair->tree, e);
	for (; above; above = RB_PARENT(above, link.tree)) {
		update_earliest(above);
		/* One as early is still there, for all above too. */
		if (!is_before(removed, above->key[FAIR_EARLIEST]))
			break;
	}
}

/* Earliest deadline of those eligible at @time; NULL for none. */
static struct dis_entity *best_at(const struct fair_queue *fair, uint64_t time)
{
	struct dis_entity *e = RB_ROOT(&fair->tree.tree);

	if (!e || is_before(time, e->key[FAIR_EARLIEST]))
		return NULL;
	if (!is_before(time, fair->tree.first->key[FAIR_ELIGIBLE]))
		return fair->tree.first;
	for (;;) {
		struct dis_entity *left = RB_LEFT(e, link.tree);

		if (left && !is_before(time, left->key[FAIR_EARLIEST]))
			e = left;
		else if (!is_before(time, e->key[FAIR_ELIGIBLE]))
			return e;
		else
			e = RB_RIGHT(e, link.tree);
	}
}

static uint32_t weight_of(const struct dis_entity *e)
{
	if (e->weight < DIS_WEIGHT_MIN)
		return DIS_WEIGHT_MIN;
	return e->weight < DIS_WEIGHT_MAX ? e->weight : DIS_WEIGHT_MAX;
}

static int64_t request_ns(const struct dis_entity *e)
{
	return (int64_t)dis_ns_min(e->slice_ns, REQUEST_MAX_NS);
}

/* Rounds down, for negative @ns too. */
static int64_t to_virtual(int64_t ns, uint32_t weight)
{
	int64_t scaled = ns * (INT64_C(1) << FRACTION_BITS);
	int64_t quotient = scaled / (int64_t)weight;

	return quotient - (scaled < quotient * (int64_t)weight);
}

/* What @time lies behind V is worth. Rounds down: never more than is owed. */
static int64_t behind_ns(const struct fair_queue *fair, uint64_t time,
			 uint32_t weight)
{
	fair_sum behind = (fair_sum)(int64_t)(fair->now - time) * weight;

	return (int64_t)(behind >> FRACTION_BITS);
}

int64_t fair_lag_ns(const struct fair_queue *fair, const struct dis_entity *e)
{
	return behind_ns(fair, e->key[FAIR_OWN],
			 fair->running == e ? fair->running_weight
					    : weight_of(e));
}

static void begin_request(struct dis_entity *e, uint32_t weight)
{
	e->key[FAIR_ELIGIBLE] = e->key[FAIR_OWN];
	e->key[FAIR_DEADLINE] =
		e->key[FAIR_OWN] + (uint64_t)to_virtual(request_ns(e), weight);
}

/* Nobody is owed more than V gives: it follows the service again. */
static void limit_due(struct fair_queue *fair)
{
	if (fair->due > 0)
		fair->due = 0;
}

/*
 * @e, with e->lag, begins to compete. If it is not @at_home, and in debt, the
 * others become owed its debt, as far as they are not yet.
 */
static void join(struct fair_queue *fair, struct dis_entity *e, uint32_t weight,
		 bool at_home)
{
	int64_t ahead = -to_virtual(e->lag, weight);

	fair->due += (fair_sum)ahead * weight;
	if (!at_home && fair->due > 0 && fair->weight > 0)
		fair->now += (uint64_t)fair->due / fair->weight;
	limit_due(fair);
	fair->weight += weight;
	e->key[FAIR_OWN] = fair->now + (uint64_t)ahead;
	begin_request(e, weight);
}

/* @e, neither in the tree nor running any more, ceases to compete. */
static void part(struct fair_queue *fair, struct dis_entity *e, uint32_t weight)
{
	int64_t ahead = (int64_t)(e->key[FAIR_OWN] - fair->now);

	e->lag = behind_ns(fair, e->key[FAIR_OWN], weight);
	fair->weight -= weight;
	fair->due -= (fair_sum)ahead * weight;
	limit_due(fair);
	e->key[FAIR_LEFT_AT] = fair->now;
	e->key[FAIR_LEFT] = (uintptr_t)fair;
}

static void stop_running(struct fair_queue *fair)
{
	struct dis_entity *e = fair->running;

	fair->running = NULL;
	part(fair, e, fair->running_weight);
}

/* Brings e->lag, of one that comes here now, up to date and within limits. */
static void settle(const struct fair_queue *fair, struct dis_entity *e,
		   bool at_home)
{
	int64_t most_ns = REQUEST_MAX_NS;

	if (e->lag < 0 && at_home) {
		int64_t paid_ns =
			behind_ns(fair, e->key[FAIR_LEFT_AT], weight_of(e));

		/* V never goes back, but this queue may be another's heir. */
		e->lag += paid_ns > 0 ? paid_ns : 0;
		most_ns = 0;
	}
	if (e->lag > most_ns)
		e->lag = most_ns;
	if (e->lag < -DEBT_MAX_NS)
		e->lag = -DEBT_MAX_NS;
}

static void fair_init(void *queue)
{
	struct fair_queue *fair = queue;

	fair->now = TIME_AT_START;
}

static void fair_enqueue(void *queue, struct dis_entity *e,
			 enum dis_enqueue why, uint64_t now_ns)
{
	struct fair_queue *fair = queue;
	uint32_t weight = weight_of(e);

	(void)now_ns;
	if (fair->running == e && fair->running_weight == weight) {
		fair->running = NULL;
		if (why != DIS_ENQUEUE_PREEMPT ||
		    !is_before(e->key[FAIR_OWN], e->key[FAIR_DEADLINE]))
			begin_request(e, weight);
	} else if (fair->running == e) {
		stop_running(fair);
		join(fair, e, weight, true);
	} else {
		bool at_home = why == DIS_ENQUEUE_WAKE &&
			       e->key[FAIR_LEFT] == (uintptr_t)fair;

		settle(fair, e, at_home);
		join(fair, e, weight, at_home);
	}
	tree_add(fair, e);
}

static void fair_dequeue(void *queue, struct dis_entity *e, enum dis_leave why,
			 uint64_t now_ns)
{
	struct fair_queue *fair = queue;

	(void)now_ns;
	tree_remove(fair, e);
	if (why != DIS_LEAVE_RUN) {
		part(fair, e, weight_of(e));
		return;
	}
	if (fair->running)
		stop_running(fair);
	fair->running = e;
	fair->running_weight = weight_of(e);
}

static struct dis_entity *fair_pick(void *queue, uint64_t now_ns)
{
	struct fair_queue *fair = queue;
	struct dis_entity *root = RB_ROOT(&fair->tree.tree);
	uint64_t time = fair->now;

	(void)now_ns;
	if (!root)
		return NULL;
	if (is_before(time, root->key[FAIR_EARLIEST])) {
		time = root->key[FAIR_EARLIEST];
		/* While one runs, V is for its service to move. */
		if (!fair->running) {
			fair->now = time;
			fair->due = 0;
		}
	}
	return best_at(fair, time);
}

static void fair_charge(void *queue, struct dis_entity *e, uint64_t ran_ns,
			uint64_t now_ns)
{
	struct fair_queue *fair = queue;
	uint64_t service = dis_ns_min(ran_ns, CHARGE_MAX_NS) << FRACTION_BITS;
	uint64_t passed;

	(void)now_ns;
	if (fair->running != e)
		return;
	/* Rounded up: what is owed in sum must not creep up. */
	e->key[FAIR_OWN] +=
		(service + fair->running_weight - 1) / fair->running_weight;
	fair->due += service;
	if (fair->due <= 0)
		return;
	passed = (uint64_t)fair->due / fair->weight;
	fair->now += passed;
	fair->due -= (fair_sum)passed * fair->weight;
}

static void fair_leave(void *queue, struct dis_entity *e, enum dis_leave why,
		       uint64_t now_ns)
{
	struct fair_queue *fair = queue;

	(void)why;
	(void)now_ns;
	if (fair->running == e)
		stop_running(fair);
}

/* By what was charged so far. */
static bool fair_preempts(void *queue, const struct dis_entity *running,
			  uint64_t now_ns)
{
	struct fair_queue *fair = queue;
	uint64_t deadline = running->key[FAIR_DEADLINE];
	const struct dis_entity *best;

	(void)now_ns;
	if (running != fair->running || !fair->tree.first ||
	    !is_before(fair->tree.first->key[FAIR_DEADLINE], deadline))
		return false;
	best = best_at(fair, fair->now);
	return best && is_before(best->key[FAIR_DEADLINE], deadline);
}

const struct dis_policy_ops dis_policy_fair = {
	.abi = DIS_POLICY_ABI,
	.name = "fair",
	.queue_bytes = sizeof(struct fair_queue),
	.classes = DIS_POLICY_ALL_CLASSES,
	.choice = DIS_CHOICE_VIRTUAL_DEADLINE,
	.init = fair_init,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.pick = fair_pick,
	.charge = fair_charge,
	.leave = fair_leave,
	.preempts = fair_preempts,
};
