/* SPDX-License-Identifier: Apache-2.0 */
/* Timer, run, idle and the loop of a core (executor.c). */

/* arm(): not again for the time that it is armed for. */
inline arm()
{
	if
	:: queued && armed[c] && !late
	:: queued && !(armed[c] && !late) ->
		timer[c] = true;
		armed[c] = true
	:: !queued ->
		timer[c] = false;
		armed[c] = false
	fi;
	late = false
}

inline requests()
{
	found = (mail[c] != NONE);
	if
	:: found
	:: else -> found = asked[c]
	fi
}

/* dis_core_enter() but for its leave: `found` says whether that is due. */
inline enter(word_of_core)
{
#ifdef BUG_LOOK_BEFORE_ATTENTION
	requests();
	attention[c] = word_of_core
#else
#ifdef BUG_KICKED_STAYS
	attention[c] = word_of_core | (attention[c] & KICKED);
#else
	attention[c] = word_of_core;
#endif
	requests()
#endif
}

inline leave()
{
#ifdef BUG_KICKED_STAYS
	attention[c] = BUSY | (attention[c] & KICKED);
#else
	attention[c] = BUSY
#endif
}

/*
 * The last look for signals and the run operation, as far as the guest chooses
 * what to do: whatever the handler does between the two shows in `imm`.
 */
inline guest()
{
	atomic {
#ifdef BUG_SIGNALLED_IGNORED
		found = true;
#else
		found = !signalled[c];
#endif
#ifdef BUG_RUN_BEGIN_LATE
	}
	atomic {
		imm[current] = false;
#endif
		if
		:: !found
		:: found ->
			assert(!entered[current] && owner[current] == c &&
			       place[current] == CURRENT);
			entered[current] = true;
			irq[current] = false;
			found = false; /* computes for ever */
			if
			:: found = true
			:: halted = true
			:: ipis > 0 -> ipis--; choose_any(vc, current)
			fi
		fi
	}
	if
	:: found ->
end_guest:	imm[current]
	:: vc != NONE ->
		mailbox_post(vc, WAKE, c);
		vc = NONE
	:: else
	fi
}

inline run_vcpu()
{
	atomic {
		arm();
		/* Only the host and the handler see in between. */
		running[c] = current;
#ifndef BUG_RUN_BEGIN_LATE
		imm[current] = false /* run_begin() */
#endif
	}
	enter(RUN | (queued -> SLICE : 0) | (current + 1) << SLOT_SHIFT);
	if
	:: !found -> guest()
	:: else
	fi;
	atomic {
		found = false;
		entered[current] = false;
		leave()
	}
	atomic {
		running[c] = NONE;
		/* Done later anyway; makes fewer states. */
		imm[current] = false;
		signalled[c] = false
	}
}

inline idle()
{
	atomic {
#ifndef BUG_DOORBELL_SEEN_LATE
		rung[c] = false; /* seen = doorbell */
#endif
		arm()
	}
	enter(IDLE);
	if
	:: !found ->
#ifdef BUG_DOORBELL_SEEN_LATE
		rung[c] = false;
#endif
		sleeping[c] = true;
end_idle:	atomic {
			rung[c] || !sleeping[c] ->
			sleeping[c] = false;
			rung[c] = false /* read anew anyway */
		}
	:: else
	fi;
	found = false;
	leave();
	idle_core[c] = false
}

/* executor.c: loop() */
proctype core(byte c)
{
	POSTER;
	byte vc = NONE, list = NONE, current = NONE;
	bool halted; /* the result of the last run */
	bool late;   /* the clock: the slice is over */
	bool help;   /* an idle core asked */
	bool queued = RUNQ_ANY(c), spare = RUNQ_SHARED(c);
	bool woke;   /* the message just applied has woken vc */
	bool found;

	do
	::
		atomic {
#ifndef BUG_SIGNALLED_CLEARED_LATE
			signalled[c] = false;
#endif
			late = over[c]
		}
		step();
#ifdef BUG_SIGNALLED_CLEARED_LATE
		signalled[c] = false;
#endif
		if
		:: current != NONE -> run_vcpu()
		:: else -> idle()
		fi
	od
}
