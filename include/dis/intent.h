/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Intents: what a vCPU promises and is promised (R: CARD-3, DIS-5, DIS-7).
 *
 * Place in the flow: parsed from the command line, validated before a spawn,
 * read by the core; a copy lives in every vCPU.
 */
#ifndef DIS_INTENT_H
#define DIS_INTENT_H

#include <dis/types.h>

/**
 * Room for any intent as text, with the final 0: nine parameters of 20 digits, a
 * list of 64 cores.
 */
#define DIS_INTENT_TEXT_MAX 400u

/**
 * @declared: false for a vCPU without declared intent; it is Batch with the
 *            domain's default quantum (R: BUD-1).
 * @affinity: cores of the pool it may run on; never 0 once validated.
 * @weight:   of the fair policy, DIS_WEIGHT_MIN..MAX; 0: DIS_WEIGHT_DEFAULT.
 * @priority: of the priority policy, 0 most urgent .. 255, if @has_priority;
 *            else that of its class.
 * @slice_ns: its quantum, and its request under the fair policy, in place of its
 *            class's; 0: none. Not for Realtime, whose slice is its wcet.
 * @min_permille: share of a core that it gets in every 100 ms in which it wants
 *            to run all the time; 0: none. See sched/reserve.h.
 * @max_permille: most that it gets in any 100 ms; 0: no limit.
 */
struct dis_intent {
	enum dis_class klass;
	bool declared;
	bool has_priority;
	uint8_t priority;
	uint16_t min_permille;
	uint16_t max_permille;
	uint32_t weight;
	uint64_t period_ns;   /**< Realtime: > 0 */
	uint64_t deadline_ns; /**< Realtime: relative to release, <= period */
	uint64_t wcet_ns;     /**< Realtime: 0 < wcet <= deadline */
	uint64_t latency_ns;  /**< Interactive: target latency, > 0 */
	uint64_t slice_ns;
	dis_cpumask affinity;
};

/** An undeclared intent that may run on every core. */
struct dis_intent dis_intent_default(void);

/**
 * dis_intent_parse - read "CLASS[:key=value,...]".
 * @text: e.g. "realtime:period=10ms,deadline=10ms,wcet=1ms",
 *        "interactive:target=1ms", "batch", "background", "system"; every
 *        class also takes cores=LIST (indices into the pool, "0-1" or "0+2-3"),
 *        weight=N, priority=N, min=N and max=N (per mille of a core).
 * @out:  written on success only.
 * @err:  one line, without newline, that names the field; written on error.
 *
 * An omitted deadline is the period; an omitted target is 1 ms. Realtime needs
 * period and wcet.
 *
 * Return: 0, or -DIS_EINTENT.
 */
int dis_intent_parse(const char *text, struct dis_intent *out, char *err,
		     size_t err_size);

/**
 * dis_intent_validate - check ranges and relations (R: DIS-7).
 * @pool: the cores that exist.
 *
 * Return: 0; -DIS_EINTENT or -DIS_ENOCPU with @err naming the field.
 */
int dis_intent_validate(const struct dis_intent *intent, dis_cpumask pool,
			char *err, size_t err_size);

/** Weight and priority that count: what is given, or the default. */
uint32_t dis_intent_weight(const struct dis_intent *intent);
uint8_t dis_intent_priority(const struct dis_intent *intent);

/** Text that dis_intent_parse reads back; truncated to @size, which
 * DIS_INTENT_TEXT_MAX is enough for. */
void dis_intent_format(const struct dis_intent *intent, char *buf, size_t size);

/**
 * dis_intent_permits - may a vCPU that was granted @granted run as @wanted?
 *
 * True if @wanted asks for nothing more: a less urgent class, or the same class
 * with a period, deadline and latency not shorter and a wcet not longer; and
 * in any class no other core, no greater weight, minimum or maximum and no more
 * urgent priority.
 */
bool dis_intent_permits(const struct dis_intent *granted,
			const struct dis_intent *wanted);

#endif
