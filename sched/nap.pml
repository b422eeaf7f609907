/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an idle core and the sleeper of a busy one find each other (wake.c,
 * wake_publish_nap() and wake_next_nap_ns()). Core 0 runs a guest that its sleeper
 * does not preempt, and steps now and then; core 1 idles now and then. At the
 * sleeper's time, if core 1 idles, one of the two must come: core 0 by its own
 * timer, or because core 1 comes and makes it.
 */
bool published; /* nap_ns */
bool idles;     /* bit of idle_cores */
bool asks;      /* asked, of core 0 */
bool mine;      /* core 0 is interrupted at that time */
bool others;    /* core 1 wakes at that time */
byte left = 3;  /* times that core 1 becomes idle */
bool quiet[2];  /* is in run, or sleeps */
bool handed;    /* the sleeper has gone to core 1 */
bool due;       /* its time has come */

proctype busy()
{
	do
	::	/* A step: who is due is woken, and goes to an idle core. */
		atomic { quiet[0] = false; asks = false }
		atomic {
			if
			:: due && idles && !handed ->
				idles = false;
				handed = true
			:: else
			fi
		}
#ifdef BUG_NAP_READ_FIRST
		mine = idles;
		published = !handed;
#else
		published = !handed;
		mine = idles && !handed;
#endif
		if
		:: asks
		:: else ->
			quiet[0] = true;
end_busy:		asks || (due && mine && !handed)
		fi
	od
}

proctype idler()
{
	bool seen;

	do
	:: left > 0 ->
		left--;
		quiet[1] = false;
		idles = true;
		atomic { seen = due; others = published }
		if
		:: others && seen -> asks = true
		:: else
		fi;
		quiet[1] = true;
end_idler:	if
		:: due && others && !seen && !handed -> left++
		:: handed -> others = false
		/* Something else to do, for a while. */
		:: left > 0 -> idles = false; others = false
		fi
	:: left == 0 -> break
	od
}

proctype clock()
{
	due = true
}

proctype rest()
{
	timeout ->
	assert(!(due && idles && quiet[0] && quiet[1]) || handed)
}

init {
	atomic {
		run busy();
		run idler();
		run clock();
		run rest()
	}
}
