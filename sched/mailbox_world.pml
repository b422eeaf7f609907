/* SPDX-License-Identifier: Apache-2.0 */
/* What is around the cores, and what must hold when all has come to rest. */

inline expire(c)
{
	ticks--;
	if
	:: armed[c] -> over[c] = true
	:: else /* for a slice that was cut short */
	fi;
	timer[c] = false;
	expired[c] = true
}

#ifndef PROMPT
proctype host()
{
end:	do
	:: atomic { kicked[0] -> kicked[0] = false; deliver(0) }
	:: atomic { kicked[1] -> kicked[1] = false; deliver(1) }
	:: atomic { expired[0] -> expired[0] = false; deliver(0) }
	:: atomic { expired[1] -> expired[1] = false; deliver(1) }
	:: atomic { ticks > 0 && timer[0] -> expire(0) }
	:: atomic { ticks > 0 && timer[1] -> expire(1) }
	/* A slice ends and no timer is armed for that. */
	:: atomic { ticks > 0 && !armed[0] && !over[0] -> ticks--; over[0] = true }
	:: atomic { ticks > 0 && !armed[1] && !over[1] -> ticks--; over[1] = true }
	/* No more slice ends: what then rests was not woken by the timer. */
	:: ticks > 0 -> ticks = 0
	od
}
#endif

proctype waker()
{
	POSTER;
	byte vc, n = WAKES;

	do
	:: n > 0 ->
		atomic {
			if
			:: n == WAKES && PINNED == NV -> vc = 0 /* all are alike */
			:: else -> choose_any(vc, NONE)
			fi;
			n--
		}
		mailbox_post(vc, WAKE, NOBODY);
		vc = 0
	:: n == 0 -> break
	od
}

proctype ender()
{
	POSTER;
	byte vc, n = ENDS;

	do
	:: n > 0 ->
		atomic {
			n--;
			choose_any(vc, NONE);
			ending[vc] = true
		}
		mailbox_post(vc, END, NOBODY);
		vc = 0
	:: n == 0 -> break
	od
}

/* ---- At rest ---------------------------------------------------------------- */

/* Core @c runs a guest and will look when its slice ends. */
#define LOOKS_LATER(c) (timer[c] && armed[c] && attention[c] & SLICE)

inline check_core(c)
{
	/* In a guest that was not kicked, or idle; see the end states. */
	assert((attention[c] & ~(SLICE | 7 << SLOT_SHIFT)) == RUN ||
	       (attention[c] == IDLE && sleeping[c]));
	assert(!asked[c]);
	/* Who has to wait has someone to wait for, and not for ever. */
	assert(!RUNQ_ANY(c) || LOOKS_LATER(c));
	assert(mail[c] == NONE || LOOKS_LATER(c));
	assert(attention[c] != IDLE || !RUNQ_SHARED(1 - c))
}

inline check_vcpu(v)
{
	assert(place[v] == RUNQ || place[v] == CURRENT || place[v] == BLOCKED ||
	       place[v] == ENDED);
	assert((pending[v] != 0) == linked[v]);
	/* What may wait is a wake, in the owner's mailbox. */
	assert(!pending[v] || (pending[v] == WAKE && LOOKS_LATER(owner[v])));
	/* It could go to a core that idles, once its mail was read. */
	assert(!pending[v] || v == PINNED || attention[1 - owner[v]] != IDLE);
	assert(!irq[v] || pending[v] || place[v] == RUNQ || place[v] == ENDED);
	assert(ending[v] == (place[v] == ENDED));
}

proctype rest()
{
	timeout ->
	d_step {
		check_core(0);
#if CORES > 1
		check_core(1);
#endif
		check_vcpu(0);
		check_vcpu(1);
#if NV > 2
		check_vcpu(2)
#endif
	}
}

init {
	atomic {
		run core(0);
#if CORES > 1
		run core(1);
#endif
#ifndef PROMPT
		run host();
#endif
#if WAKES > 0
		run waker();
#endif
#if ENDS > 0
		run ender();
#endif
		run rest()
	}
}
