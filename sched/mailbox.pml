/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promela model of how cores reach each other: mailbox.c here, placement.pml,
 * executor.pml and what is around them, mailbox_world.pml. tests/e2e/model.bats
 * checks it with spin. Who changes the order of accesses in the code changes it
 * here.
 *
 * Processes: two cores, each with the vCPU that it runs; the host, which delivers
 * signals and lets slices end; outside threads that post. What may happen is
 * bounded (IPIS, WAKES, ENDS, TICKS, MOVES), so every run must come to rest: each
 * core is in a guest that computes for ever, or sleeps. At rest (process `rest`)
 *   - each wake was seen by its vCPU, or the vCPU waits, queued or by its mail,
 *     at its own core, which runs another and has its slice timer armed;
 *   - a vCPU that was told to end has ended, whatever timers may do;
 *   - each kick has led to a step, and no core has a request that it ignores;
 *   - no core idles while another has a vCPU waiting that could move.
 * Always
 *   - a vCPU is in one mailbox at most and runs on one core at most, and only
 *     its owner runs it or changes where it is;
 *   - nothing blocks elsewhere (spin's end states), nothing goes on for ever (no
 *     cycles).
 *
 * A step is one access to what several threads write, with local work around it;
 * the accesses are sequentially consistent in the code. A step is more where no
 * one could tell: load and compare-and-swap that links mail, look and exchange of
 * `asked` and of the idle bit (a failed attempt has no effect); accesses in a row
 * of which each is shared with another thread. A signal handler is one step, as
 * its own thread stands still.
 *
 * Left out: START, RETIRE and reuse of slots; joins and changes of policy, which
 * are requests like `asked`; classes: all are equal, which is what may wait for
 * the end of a slice; sleepers and a timer left armed for an earlier time, which
 * are one core's own affair, but for idle cores that see to them: nap.pml. A
 * queue is a set: any vCPU may be its first. A balance, a push or a wake that goes
 * to a busy core is a hand-over at any time, whatever the other core does.
 *
 * The world as a whole is too large to be searched, so the test takes some small
 * ones. PROMPT: a kick is delivered at once, there are no timers. That a late
 * signal does no harm is shown without.
 *
 * Each BUG_... spoils one thing, and spin must find it.
 */
#ifndef CORES
#define CORES 2 /* 1: core 1 is never there */
#endif
#ifndef NV
#define NV 2 /* vCPUs, all queued on core 0 at first */
#endif
#ifndef PINNED
#define PINNED NV /* this one cannot move */
#endif
#ifndef IPIS
#define IPIS 1 /* wakes that vCPUs send each other */
#endif
#ifndef WAKES
#define WAKES 1 /* wakes from an outside thread */
#endif
#ifndef ENDS
#define ENDS 0 /* ends from another outside thread */
#endif
#ifndef TICKS
#define TICKS 1 /* ends of slices */
#endif
#ifndef MOVES
#define MOVES 0 /* hand-overs without an idle core */
#endif

#define NONE NV  /* no vCPU */
#define NOBODY 2 /* no core */

/* enum dis_message */
#define WAKE 1
#define ARRIVE 2
#define END 4

/* The attention word. */
#define BUSY 0
#define IDLE 1
#define RUN 2
#define KIND 3
#define SLICE 4
#define KICKED 8
#define SLOT_SHIFT 4

/* enum dis_place; ENDED is NONE in a final state. */
#define RUNQ 0
#define CURRENT 1
#define BLOCKED 2
#define TRANSIT 3
#define ENDED 4

/* vCPUs: struct dis_vcpu and what is behind its `arg`. */
byte pending[NV];
byte owner[NV]; /* `core` */
byte next[NV];  /* `mail_next` */
byte place[NV];
bool imm[NV];   /* immediate exit */
bool irq[NV];   /* an interrupt that the guest has not seen */

/* Cores: struct dis_core, struct executor. */
byte mail[2] = NONE;
byte attention[2] = BUSY;
bool idle_core[2]; /* bit of idle_cores */
bool asked[2];
bool rung[2];      /* the doorbell is not as it was seen */
bool sleeping[2];  /* in futex_wait, not interrupted by a signal */
byte running[2] = NONE;
bool signalled[2];
bool kicked[2];    /* signals sent and not delivered: a kick */
bool expired[2];   /*   ... the timer's */
bool timer[2];     /* the host's timer is armed */
bool armed[2];     /* armed_ns is the end of the present slice */
bool over[2];      /* ... which has passed */

byte ipis = IPIS;
byte ticks = TICKS;
byte moves = MOVES;

/* What only the checks know. */
bool linked[NV];  /* in a mailbox */
bool entered[NV]; /* inside run */
bool ending[NV];  /* END was posted */

#define QUEUED(v, c) (place[v] == RUNQ && owner[v] == (c))
#define SHARED(v, c) (QUEUED(v, c) && (v) != PINNED)
#if NV == 2
#define RUNQ_ANY(c) (QUEUED(0, c) || QUEUED(1, c))
#define RUNQ_SHARED(c) (SHARED(0, c) || SHARED(1, c))
#else
#define RUNQ_ANY(c) (QUEUED(0, c) || QUEUED(1, c) || QUEUED(2, c))
#define RUNQ_SHARED(c) (SHARED(0, c) || SHARED(1, c) || SHARED(2, c))
#endif

/* Is another than @v queued? */
#if NV == 2
#define OTHERS(v, c) QUEUED(1 - (v), c)
#else
#define OTHERS(v, c)                                                           \
	(((v) != 0 && QUEUED(0, c)) || ((v) != 1 && QUEUED(1, c)) ||           \
	 ((v) != 2 && QUEUED(2, c)))
#endif

/* Some vCPU of the queue of core @c; not @but. */
inline choose(v, c, but)
{
	if
	:: QUEUED(0, c) && but != 0 -> v = 0
	:: QUEUED(1, c) && but != 1 -> v = 1
#if NV > 2
	:: QUEUED(2, c) && but != 2 -> v = 2
#endif
	fi
}

/* Any other than @not. */
inline choose_any(v, not)
{
	if
	:: not != 0 -> v = 0
	:: not != 1 -> v = 1
#if NV > 2
	:: not != 2 -> v = 2
#endif
	fi
}

/* ---- executor.c: interrupt_run(), what a signal handler does ---------------- */

inline interrupt_run(c)
{
	signalled[c] = true;
	if
	:: running[c] != NONE -> imm[running[c]] = true
	:: else
	fi
}

inline deliver(c)
{
	sleeping[c] = false;
	interrupt_run(c)
}

/* ---- mailbox.c; its callers have the locals of POSTER ----------------------- */

#define POSTER byte to, who, before, bits, word

#define MUST_KICK                                                              \
	(who == NONE || (bits & (ARRIVE | END)) ||                             \
	 (word >> SLOT_SHIFT) == who + 1 ||                                    \
	 (who != PINNED && (idle_core[0] || idle_core[1])) || !(word & SLICE))
#define COALESCED ((word & KICKED) || !MUST_KICK)

#ifdef BUG_NO_SWAP
#define UNCHANGED true
#else
#define UNCHANGED (attention[to] == word)
#endif

/*
 * Core @to has news for @who; NONE: it must look. @me: the caller's own core, or
 * NOBODY. Decision and swap are one step: a swap that fails decides anew.
 */
inline notify(me)
{
	word = attention[to];
	do
	:: (word & KIND) == BUSY -> break
	:: atomic {
		(word & KIND) == IDLE && UNCHANGED ->
		attention[to] = BUSY
	   }
	   rung[to] = true; /* ring() */
	   break
	:: (word & KIND) == RUN && COALESCED -> break
	:: atomic {
		(word & KIND) == RUN && !COALESCED && UNCHANGED ->
		attention[to] = word | KICKED
	   }
	   atomic { /* kick() */
		if
		:: to == me -> interrupt_run(to)
#ifdef PROMPT
		:: else -> deliver(to)
#else
		:: else -> kicked[to] = true
#endif
		fi
	   }
	   break
	:: atomic {
		(word & KIND) != BUSY && !UNCHANGED &&
			((word & KIND) == IDLE || !COALESCED) ->
		word = attention[to]
	   }
	od;
	atomic { to = 0; who = 0; before = 0; bits = 0; word = 0 }
}

inline link_mail(v)
{
	atomic {
		assert(!linked[v]);
		linked[v] = true;
		next[v] = mail[to];
		mail[to] = v
	}
}

/* A wake: first the interrupt is there, then the message. */
inline mailbox_post(v, message, me)
{
	atomic {
		who = v;
		bits = message;
		irq[v] = irq[v] || bits == WAKE;
		before = pending[v];
		pending[v] = before | message
	}
	to = owner[v];
	if
	:: before == 0 ->
		link_mail(v);
		atomic {
			if
			:: owner[v] != to -> who = NONE
			:: else
			fi
		}
#ifndef BUG_BITS_OF_FIRST
		bits = pending[v]
#endif
	:: else
	fi;
	notify(me)
}

inline mailbox_hand_over(v, dest, me)
{
#ifdef BUG_OWNER_BEFORE_ARRIVE
	owner[v] = dest;
#endif
	atomic {
		before = pending[v];
		pending[v] = before | ARRIVE
	}
#ifndef BUG_OWNER_BEFORE_ARRIVE
	owner[v] = dest;
#endif
	if
	:: before == 0 ->
		to = dest;
		who = NONE;
		link_mail(v);
		notify(me)
	:: else -> before = 0
	fi
}

/* ---- One core ---------------------------------------------------------------- */

/* What only the owner changes is read once, where it was changed. */
inline look()
{
	queued = RUNQ_ANY(c);
	spare = RUNQ_SHARED(c)
}

/* apply.c: core_apply_messages() */
inline apply()
{
	assert(owner[vc] == c); /* nobody else knows where it is */
	if
	:: place[vc] == ENDED -> assert(!(bits & ARRIVE))
	:: place[vc] != ENDED && (bits & END) ->
		place[vc] = ENDED;
		if
		:: current == vc -> current = NONE
		:: else
		fi
	:: place[vc] != ENDED && !(bits & END) && (bits & ARRIVE) ->
		assert(place[vc] == TRANSIT);
		place[vc] = RUNQ
	:: place[vc] == BLOCKED && bits == WAKE ->
		place[vc] = RUNQ;
		woke = true
	:: place[vc] != ENDED && place[vc] != BLOCKED && bits == WAKE
	fi
}

/* What the run has brought, then the mail. */
inline mailbox_take()
{
	atomic {
		if
		:: halted ->
			place[current] = BLOCKED;
			current = NONE;
			halted = false
		:: else
		fi;
		/* Oldest first. */
		vc = mail[c];
		mail[c] = NONE;
		do
		:: vc != NONE ->
			before = next[vc];
			next[vc] = list;
			list = vc;
			vc = before
		:: else -> break
		od;
		before = 0
	}
	do
	:: list == NONE -> break
	:: list != NONE ->
		atomic {
			vc = list;
#ifndef BUG_NEXT_AFTER_BITS
			list = next[vc];
			next[vc] = NONE;
#endif
			linked[vc] = false;
			if
			/* The owner is the same until this core changes it. */
#ifdef BUG_NOT_PASSED_ON
			:: true ->
#else
			:: owner[vc] == c ->
#endif
				bits = pending[vc];
				pending[vc] = 0;
				apply();
				bits = 0;
				look()
#ifndef BUG_NOT_PASSED_ON
			:: owner[vc] != c ->
				to = owner[vc];
				who = NONE
#endif
			fi
		}
		if
		:: who == NONE ->
			link_mail(vc);
			notify(c)
		:: who != NONE && woke -> wake_elsewhere()
		:: else
		fi;
#ifdef BUG_NEXT_AFTER_BITS
		list = next[vc];
#endif
		vc = NONE
	od
}

#ifdef NAP
#include "nap.pml"
#else
#include "placement.pml"
#include "executor.pml"
#include "mailbox_world.pml"
#endif
