/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests between cores (R: EVO-B2).
 *
 * A message is a bit in the vCPU's `pending` word. Whoever sets the first bit
 * links the vCPU into the mailbox of its core, a lock-free LIFO; later ones
 * only add bits, so a mailbox holds a vCPU at most once and never allocates.
 * The owner takes the whole list at once, unlinks each vCPU before it takes the
 * bits, and applies them in order of arrival.
 *
 * A vCPU that moves: its old owner sets ARRIVE first, then `core`. Whoever
 * finds the vCPU in its mailbox without owning it passes it on.
 *
 * The attention word says what the core does, in one word so that a sender can
 * read and claim it with one compare-and-swap:
 *   BUSY  stepping: it looks at its mail before it enters anything
 *   IDLE  waits for a ring
 *   RUN   is inside run: needs a kick, if the news cannot wait
 * Sender: link the mail, then read attention. Core: write attention, then read
 * the mail (dis_core_enter). Both are sequentially consistent, so one of them
 * sees the other. The sender whose swap succeeds rings or kicks; the others
 * are coalesced. The core overwrites the word when it leaves, so that a stale
 * mark cannot swallow a later kick.
 */
#include <dis/assert.h>

#include "core.h"

enum attention_kind {
	ATTENTION_BUSY,
	ATTENTION_IDLE,
	ATTENTION_RUN
};

#define ATTENTION_KIND 0x3u
#define ATTENTION_SLICE 0x4u  /* the slice end is armed: equals can wait */
#define ATTENTION_KICKED 0x8u /* a kick is on its way */
#define ATTENTION_CLASS_SHIFT 4u
#define ATTENTION_CLASS 0xfu
#define ATTENTION_OWED 0x100u    /* minima decide: no class goes before */
#define ATTENTION_SLOT_SHIFT 32u /* slab index + 1 of the running vCPU */

static unsigned long long attention_run(const struct dis_core *core)
{
	const struct dis_vcpu *vcpu = core->current;

	return ATTENTION_RUN | (core->slice_armed ? ATTENTION_SLICE : 0u) |
	       (shares_decide(core) ? ATTENTION_OWED : 0u) |
	       (unsigned long long)vcpu->intent.klass << ATTENTION_CLASS_SHIFT |
	       (vcpu->id & UINT32_MAX) << ATTENTION_SLOT_SHIFT;
}

/* Must the core that runs as @word says look at a message for @vcpu now? */
static bool must_kick(unsigned long long word, const struct dis_vcpu *vcpu,
		      unsigned bits)
{
	unsigned running = word >> ATTENTION_CLASS_SHIFT & ATTENTION_CLASS;
	unsigned klass = SHARED_LOAD(vcpu->klass);

	if (bits & (DIS_MSG_ARRIVE | DIS_MSG_END | DIS_MSG_RETIRE |
		    DIS_MSG_SET | DIS_MSG_LOOK))
		return true;
	/* It may be owed its minimum. */
	if (SHARED_LOAD(vcpu->has_min))
		return true;
	if (word >> ATTENTION_SLOT_SHIFT == (vcpu->id & UINT32_MAX))
		return true;
	if (klass < running)
		return true;
	if (klass == running &&
	    atomic_load(&vcpu->dom->preempting) >> klass & 1u)
		return true;
	/* Another core could take it, but sees it only once it is queued. */
	if (wake_wanted_elsewhere(vcpu))
		return true;
	/* Soon enough, or nobody would look before who knows when. */
	return !(word & ATTENTION_SLICE);
}

/* @vcpu NULL: the core must look in any case. */
static void notify(struct dis_core *core, const struct dis_vcpu *vcpu,
		   unsigned bits)
{
	const struct dis_domain_config *cfg = &core->dom->cfg;
	unsigned long long word = atomic_load(&core->attention);

	for (;;) {
		unsigned kind = word & ATTENTION_KIND;

		if (kind == ATTENTION_BUSY)
			return;
		if (kind == ATTENTION_IDLE) {
			if (atomic_compare_exchange_weak(
				    &core->attention, &word, ATTENTION_BUSY)) {
				cfg->host_ops->ring(cfg->host, core->index);
				break;
			}
			continue;
		}
		if (word & ATTENTION_KICKED ||
		    (vcpu && !must_kick(word, vcpu, bits))) {
			__atomic_fetch_add(&core->stats.kicks_coalesced, 1,
					   __ATOMIC_RELAXED);
			return;
		}
		if (atomic_compare_exchange_weak(&core->attention, &word,
						 word | ATTENTION_KICKED)) {
			cfg->host_ops->kick(cfg->host, core->index);
			break;
		}
	}
	__atomic_fetch_add(&core->stats.kicks_sent, 1, __ATOMIC_RELAXED);
}

static void link_mail(struct dis_core *core, struct dis_vcpu *vcpu)
{
	struct dis_vcpu *head = atomic_load(&core->mail);

	do {
		vcpu->mail_next = head;
	} while (!atomic_compare_exchange_weak(&core->mail, &head, vcpu));
}

/* When the first message was posted, for whom measures how long it waits. */
static void stamp(struct dis_vcpu *vcpu)
{
	const struct dis_domain *dom = vcpu->dom;
	bool on = atomic_load_explicit(&dom->counters, memory_order_relaxed);
	uint64_t now_ns = 0;

	if (on && dom->cfg.host_ops->now_ns)
		now_ns = dom->cfg.host_ops->now_ns(dom->cfg.host);
	if (on || vcpu->posted_ns)
		vcpu->posted_ns = now_ns;
}

static void count_wait(struct dis_core *core, const struct dis_vcpu *vcpu,
		       uint64_t now_ns)
{
	if (!vcpu->posted_ns)
		return;
	SHARED_ADD(core->stats.message_waits, 1u);
	SHARED_ADD(core->stats.message_wait_ns,
		   dis_ns_sub(now_ns, vcpu->posted_ns));
}

void mailbox_post(struct dis_vcpu *vcpu, unsigned bits)
{
	struct dis_core *core;

	if (atomic_fetch_or(&vcpu->pending, bits) == 0) {
		core = atomic_load(&vcpu->core);
		stamp(vcpu);
		link_mail(core, vcpu);
		if (core != atomic_load(&vcpu->core)) {
			/* It moved meanwhile: the former owner passes it on. */
			notify(core, NULL, 0);
			return;
		}
		/* Others may have added bits, and notified too early. */
		bits = atomic_load(&vcpu->pending);
	} else {
		core = atomic_load(&vcpu->core);
	}
	notify(core, vcpu, bits);
}

void mailbox_hand_over(struct dis_vcpu *vcpu, struct dis_core *to)
{
	unsigned before = atomic_fetch_or(&vcpu->pending, DIS_MSG_ARRIVE);

	atomic_store(&vcpu->core, to);
	/* Already in this core's mailbox: then it is passed on from there. */
	if (before == 0) {
		stamp(vcpu);
		link_mail(to, vcpu);
		notify(to, NULL, 0);
	}
}

enum dis_class mailbox_running_class(const struct dis_core *core)
{
	unsigned long long word = atomic_load(&core->attention);

	if ((word & ATTENTION_KIND) != ATTENTION_RUN)
		return DIS_CLASSES;
	if (word & ATTENTION_OWED)
		return DIS_CLASS_SYSTEM;
	return (enum dis_class)(word >> ATTENTION_CLASS_SHIFT & ATTENTION_CLASS);
}

void mailbox_force(struct dis_core *core)
{
	notify(core, NULL, 0);
}

void mailbox_take(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *list, *next, *fifo = NULL;

	list = atomic_exchange(&core->mail, NULL);
	for (; list; list = next) {
		next = list->mail_next;
		list->mail_next = fifo;
		fifo = list;
	}
	for (; fifo; fifo = next) {
		struct dis_core *owner = atomic_load(&fifo->core);

		next = fifo->mail_next;
		if (owner != core) {
			/* Once linked it may even be gone: name only the core. */
			link_mail(owner, fifo);
			notify(owner, NULL, 0);
			continue;
		}
		SHARED_ADD(core->stats.messages, 1u);
		count_wait(core, fifo, now_ns);
		/* From here on others may link it again. */
		core_apply_messages(core, fifo,
				    atomic_exchange(&fifo->pending, 0), now_ns);
	}
}

void dis_vcpu_charge(struct dis_vcpu *vcpu, uint64_t ns)
{
	if (policy_guard_reentered())
		return;
	atomic_fetch_add_explicit(&vcpu->device_due_ns, ns,
				  memory_order_relaxed);
}

void dis_vcpu_wake(struct dis_vcpu *vcpu)
{
	if (policy_guard_reentered())
		return;
	mailbox_post(vcpu, DIS_MSG_WAKE);
}

void dis_vcpu_inspect(struct dis_vcpu *vcpu)
{
	if (policy_guard_reentered())
		return;
	mailbox_post(vcpu, DIS_MSG_LOOK);
}

static bool requests(struct dis_core *core)
{
	return atomic_load(&core->mail) || atomic_load(&core->policies_due) ||
	       atomic_load(&core->asked) ||
	       atomic_load(&core->joins_due) == JOINS_DUE;
}

bool dis_core_enter(struct dis_core *core)
{
	atomic_store(&core->attention,
		     core->current ? attention_run(core) : ATTENTION_IDLE);
	if (!requests(core))
		return true;
	dis_core_leave(core);
	return false;
}

void dis_core_leave(struct dis_core *core)
{
	atomic_store(&core->attention, ATTENTION_BUSY);
	/* Whether it was claimed or not: it is not idle any more. */
	if (!core->current)
		atomic_fetch_and(&core->dom->idle_cores,
				 ~(1ull << (core->index % DIS_CORES_MAX)));
}
