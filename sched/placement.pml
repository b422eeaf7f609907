/* SPDX-License-Identifier: Apache-2.0 */
/* Offers and requests of idle cores (placement.c) and the step (step.c). */

/* placement.c: hand_over() of vc; its core may be in run. */
inline hand_over()
{
	atomic {
		place[vc] = TRANSIT;
		look()
	}
	mailbox_hand_over(vc, 1 - c, c);
	vc = NONE
}

/* wake.c: wake_elsewhere(), as far as it is for an idle core */
inline wake_elsewhere()
{
	atomic {
		woke = false;
		if
		:: idle_core[1 - c] && vc != PINNED &&
			(current != NONE || OTHERS(vc, c)) ->
			idle_core[1 - c] = false;
			found = true
		:: else
		fi
	}
	if
	:: found -> found = false; hand_over()
	:: else
	fi
}

/* placement_offer() */
inline offer()
{
	atomic {
		if
		:: idle_core[1 - c] ->
			idle_core[1 - c] = false;
			choose(vc, c, PINNED)
		:: else
		fi
	}
	if
	:: vc != NONE -> hand_over()
	:: else
	fi
}

/* Asks the first core from @first on that has something to give. */
inline ask(first)
{
	to = first;
	do
	:: to == 2 || found -> break
	:: to < 2 && !found ->
		found = RUNQ_SHARED(to);
		if
		:: found
		:: else ->
			atomic {
				found = (mail[to] != NONE);
				to = (found -> to : to + 1)
			}
		fi
	od;
	if
	:: found ->
		atomic {
			found = asked[to];
			asked[to] = true
		}
		if
		:: !found -> who = NONE; notify(c)
		:: else
		fi
	:: else
	fi;
	found = false;
	to = 0
}

inline take_asked()
{
	atomic {
		help = asked[c];
		asked[c] = false
	}
}

/* give_way(), pick() */
inline choose_current()
{
	atomic {
		if
		:: current != NONE -> place[current] = RUNQ
		:: else
		fi;
		choose(current, c, NONE);
		place[current] = CURRENT;
		over[c] = false;
		armed[c] = false;
		late = false;
		look()
	}
}

/* step.c: dis_core_step() */
inline step()
{
#ifndef BUG_ASKED_AFTER_OFFERS
	take_asked();
#endif
	mailbox_take();
	if
	:: current != NONE && spare -> offer()
	:: else
	fi;
	if
	:: queued && (current == NONE || late) -> choose_current()
	:: else
	fi;
	if
	:: spare -> offer()
	:: else
	fi;
#if MOVES > 0
	if /* placement_push(), placement_balance() */
	:: spare ->
		atomic {
			if
			:: moves > 0 -> moves--; choose(vc, c, PINNED)
			:: true
			fi
		}
		if
		:: vc != NONE -> hand_over()
		:: else
		fi
	:: else
	fi;
#endif
#ifdef BUG_ASKED_AFTER_OFFERS
	take_asked();
#endif
	if /* placement_pass_on(): core 1 has nobody to pass it on to */
	:: help && c == 0 ->
		help = idle_core[1];
		if
		:: help -> ask(1)
		:: else
		fi
	:: else
	fi;
	help = false;
	if /* placement_idle() */
	:: current == NONE ->
#ifdef BUG_ASK_BEFORE_IDLE
		ask(0);
		idle_core[c] = true
#else
		idle_core[c] = true;
		ask(0)
#endif
	:: else
	fi
}
