/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intents as text, and their rules (R: CARD-3, DIS-5, DIS-7). See dis/intent.h.
 *
 * One table says which parameters a class has; parsing, checking and formatting
 * all go by it.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <dis/error.h>
#include <dis/intent.h>
#include <dis/policy.h>
#include <dis/units.h>

#include "reserve.h"
#include "share.h"

/* Below it, taking a vCPU on and off its core costs more than it runs. */
#define INTENT_MIN_NS (10 * DIS_US_NS)
#define INTENT_MAX_NS (10 * DIS_S_NS)
#define INTENT_TARGET_NS DIS_MS_NS
/* As quanta of classes. */
#define SLICE_MIN_NS (100 * DIS_US_NS)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ONLY(klass) (1u << (klass))
#define ALL_BUT(klass) (((1u << DIS_CLASSES) - 1) & ~(1u << (klass)))

/* @classes: which have it; @key: as in text and messages; @optional: 0 is none. */
static const struct parameter {
	const char *key;
	unsigned classes;
	bool optional;
	uint64_t least_ns;
	size_t offset;
} parameters[] = {
	{"period", ONLY(DIS_CLASS_REALTIME), false, INTENT_MIN_NS,
	 offsetof(struct dis_intent, period_ns)},
	{"deadline", ONLY(DIS_CLASS_REALTIME), false, INTENT_MIN_NS,
	 offsetof(struct dis_intent, deadline_ns)},
	{"wcet", ONLY(DIS_CLASS_REALTIME), false, INTENT_MIN_NS,
	 offsetof(struct dis_intent, wcet_ns)},
	{"target", ONLY(DIS_CLASS_INTERACTIVE), false, INTENT_MIN_NS,
	 offsetof(struct dis_intent, latency_ns)},
	{"slice", ALL_BUT(DIS_CLASS_REALTIME), true, SLICE_MIN_NS,
	 offsetof(struct dis_intent, slice_ns)},
};

static bool has_parameter(enum dis_class klass, const struct parameter *p)
{
	return p->classes >> klass & 1u;
}

/* What every class has. */
enum number {
	NUMBER_WEIGHT,
	NUMBER_PRIORITY,
	NUMBER_MIN,
	NUMBER_MAX,
	NUMBERS,
};

static const struct {
	const char *key;
	uint64_t least, most;
} numbers[NUMBERS] = {
	[NUMBER_WEIGHT] = {"weight", DIS_WEIGHT_MIN, DIS_WEIGHT_MAX},
	[NUMBER_PRIORITY] = {"priority", 0, 255},
	[NUMBER_MIN] = {"min", 1, 1000},
	[NUMBER_MAX] = {"max", 1, 1000},
};

static bool has_number(const struct dis_intent *intent, enum number n)
{
	switch (n) {
	case NUMBER_WEIGHT:
		return intent->weight != 0;
	case NUMBER_PRIORITY:
		return intent->has_priority;
	case NUMBER_MIN:
		return intent->min_permille != 0;
	default:
		return intent->max_permille != 0;
	}
}

static uint64_t get_number(const struct dis_intent *intent, enum number n)
{
	switch (n) {
	case NUMBER_WEIGHT:
		return intent->weight;
	case NUMBER_PRIORITY:
		return intent->priority;
	case NUMBER_MIN:
		return intent->min_permille;
	default:
		return intent->max_permille;
	}
}

static void set_number(struct dis_intent *intent, enum number n, uint64_t value)
{
	switch (n) {
	case NUMBER_WEIGHT:
		intent->weight = (uint32_t)value;
		break;
	case NUMBER_PRIORITY:
		intent->has_priority = true;
		intent->priority = (uint8_t)value;
		break;
	case NUMBER_MIN:
		intent->min_permille = (uint16_t)value;
		break;
	default:
		intent->max_permille = (uint16_t)value;
		break;
	}
}

static uint64_t value_of(const struct dis_intent *intent,
			 const struct parameter *p)
{
	uint64_t value_ns;

	memcpy(&value_ns, (const char *)intent + p->offset, sizeof(value_ns));
	return value_ns;
}

__attribute__((format(printf, 4, 5))) static int
refuse(char *err, size_t err_size, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, err_size, fmt, args);
	va_end(args);
	return -code;
}

/* Exact text of a duration, in the greatest unit that leaves no fraction. */
struct duration_text {
	char text[32];
};

static struct duration_text exact(uint64_t ns)
{
	struct duration_text d;

	if (ns && ns % DIS_S_NS == 0)
		snprintf(d.text, sizeof(d.text), "%" PRIu64 "s", ns / DIS_S_NS);
	else if (ns && ns % DIS_MS_NS == 0)
		snprintf(d.text, sizeof(d.text), "%" PRIu64 "ms",
			 ns / DIS_MS_NS);
	else if (ns && ns % DIS_US_NS == 0)
		snprintf(d.text, sizeof(d.text), "%" PRIu64 "us",
			 ns / DIS_US_NS);
	else
		snprintf(d.text, sizeof(d.text), "%" PRIu64 "ns", ns);
	return d;
}

struct dis_intent dis_intent_default(void)
{
	return (struct dis_intent){
		.klass = DIS_CLASS_BATCH,
		.affinity = DIS_CPUMASK_ALL,
	};
}

static int check_range(const struct dis_intent *intent,
		       const struct parameter *p, char *err, size_t err_size)
{
	uint64_t ns = value_of(intent, p);

	if (!ns && (p->optional || !has_parameter(intent->klass, p)))
		return 0;
	if (!has_parameter(intent->klass, p))
		return refuse(err, err_size, DIS_EINTENT, "%s has no %s",
			      dis_class_name(intent->klass), p->key);
	if (!ns)
		return refuse(err, err_size, DIS_EINTENT, "%s is 0", p->key);
	if (ns < p->least_ns)
		return refuse(err, err_size, DIS_EINTENT,
			      "%s %s is shorter than %s", p->key,
			      exact(ns).text, exact(p->least_ns).text);
	if (ns > INTENT_MAX_NS)
		return refuse(err, err_size, DIS_EINTENT,
			      "%s %s is longer than %s", p->key, exact(ns).text,
			      exact(INTENT_MAX_NS).text);
	return 0;
}

static int check_numbers(const struct dis_intent *intent, char *err,
			 size_t err_size)
{
	unsigned min = intent->min_permille, max = intent->max_permille;
	uint64_t most_ns;

	for (enum number n = 0; n < NUMBERS; n++) {
		uint64_t value = get_number(intent, n);

		if (has_number(intent, n) &&
		    (value < numbers[n].least || value > numbers[n].most))
			return refuse(err, err_size, DIS_EINTENT,
				      "%s %" PRIu64 " is not from %" PRIu64
				      " to %" PRIu64,
				      numbers[n].key, value, numbers[n].least,
				      numbers[n].most);
	}
	if (!min || !max)
		return 0;
	if (min > max)
		return refuse(err, err_size, DIS_EINTENT,
			      "min %u is more than max %u", min, max);
	/* The minimum must be possible without breaking the maximum. */
	most_ns = reserve_most_ns(min);
	if (most_ns > share_of_window_ns(max))
		return refuse(
			err, err_size, DIS_EINTENT,
			"max %u is too close to min %u: it must be %" PRIu64
			" at least",
			max, min,
			(most_ns + DIS_MS_NS / 10 - 1) / (DIS_MS_NS / 10));
	return 0;
}

int dis_intent_validate(const struct dis_intent *intent, dis_cpumask pool,
			char *err, size_t err_size)
{
	dis_cpumask outside = intent->affinity & ~pool;
	int ret;

	if ((unsigned)intent->klass >= DIS_CLASSES)
		return refuse(err, err_size, DIS_EINTENT, "class %u is unknown",
			      (unsigned)intent->klass);
	for (size_t i = 0; i < COUNT(parameters); i++) {
		ret = check_range(intent, &parameters[i], err, err_size);
		if (ret)
			return ret;
	}
	ret = check_numbers(intent, err, err_size);
	if (ret)
		return ret;
	if (intent->wcet_ns > intent->deadline_ns)
		return refuse(err, err_size, DIS_EINTENT,
			      "wcet %s is longer than deadline %s",
			      exact(intent->wcet_ns).text,
			      exact(intent->deadline_ns).text);
	if (intent->deadline_ns > intent->period_ns)
		return refuse(err, err_size, DIS_EINTENT,
			      "deadline %s is longer than period %s",
			      exact(intent->deadline_ns).text,
			      exact(intent->period_ns).text);
	if (!intent->affinity)
		return refuse(err, err_size, DIS_ENOCPU, "cores is empty");
	/* All bits mean the whole pool, however many cores that has. */
	if (outside && intent->affinity != DIS_CPUMASK_ALL)
		return refuse(err, err_size, DIS_ENOCPU,
			      "cores: core %d is not in the pool",
			      __builtin_ctzll(outside));
	if (!(intent->affinity & pool))
		return refuse(err, err_size, DIS_ENOCPU,
			      "cores: the pool is empty");
	return 0;
}

static int find_class(const char *name, enum dis_class *out)
{
	for (unsigned i = 0; i < DIS_CLASSES; i++) {
		if (!strcmp(name, dis_class_name((enum dis_class)i))) {
			*out = (enum dis_class)i;
			return 0;
		}
	}
	return -DIS_EINTENT;
}

static int parse_cores(const char *value, struct dis_intent *intent, char *err,
		       size_t err_size)
{
	switch (dis_parse_list(value, DIS_CORES_MAX, &intent->affinity)) {
	case 0:
		return 0;
	case -ERANGE:
		return refuse(err, err_size, DIS_EINTENT,
			      "cores: '%s' names a core beyond %u", value,
			      DIS_CORES_MAX - 1);
	default:
		return refuse(err, err_size, DIS_EINTENT,
			      "cores: '%s' is not a list like 0-1 or 0+2-3",
			      value);
	}
}

static int parse_parameter(const char *key, const char *value,
			   struct dis_intent *intent, char *err,
			   size_t err_size)
{
	uint64_t ns;

	if (!strcmp(key, "cores"))
		return parse_cores(value, intent, err, err_size);
	for (enum number n = 0; n < NUMBERS; n++) {
		uint64_t number;

		if (strcmp(key, numbers[n].key) != 0)
			continue;
		if (dis_parse_uint(value, numbers[n].least, numbers[n].most,
				   &number))
			return refuse(err, err_size, DIS_EINTENT,
				      "%s: '%s' is not a number from %" PRIu64
				      " to %" PRIu64,
				      key, value, numbers[n].least,
				      numbers[n].most);
		set_number(intent, n, number);
		return 0;
	}
	for (size_t i = 0; i < COUNT(parameters); i++) {
		const struct parameter *p = &parameters[i];

		if (strcmp(key, p->key) || !has_parameter(intent->klass, p))
			continue;
		if (dis_parse_duration(value, &ns))
			return refuse(err, err_size, DIS_EINTENT,
				      "%s: '%s' is not a duration like 10ms",
				      key, value);
		if (!ns)
			return refuse(err, err_size, DIS_EINTENT, "%s is 0",
				      key);
		memcpy((char *)intent + p->offset, &ns, sizeof(ns));
		return 0;
	}
	return refuse(err, err_size, DIS_EINTENT, "%s has no '%s'",
		      dis_class_name(intent->klass), key);
}

/* Whether @key stands in @seen ("key" of each parameter so far) already. */
static bool seen_before(const char *const *seen, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(seen[i], key))
			return true;
	return false;
}

/* "CLASS[:key=value,...]" in @text, which is taken apart. */
static int parse_text(char *text, struct dis_intent *intent, char *err,
		      size_t err_size)
{
	const char *seen[COUNT(parameters) + NUMBERS + 1];
	char *rest = strchr(text, ':');
	size_t count = 0;

	if (rest)
		*rest++ = '\0';
	if (find_class(text, &intent->klass))
		return refuse(err, err_size, DIS_EINTENT,
			      "unknown class '%s' (there are system, realtime, "
			      "interactive, batch, background)",
			      text);
	while (rest) {
		char *key = strsep(&rest, ",");
		char *value = strchr(key, '=');
		int ret;

		if (!value)
			return refuse(err, err_size, DIS_EINTENT,
				      "'%s' is not key=value", key);
		*value++ = '\0';
		if (seen_before(seen, count, key))
			return refuse(err, err_size, DIS_EINTENT,
				      "%s is given twice", key);
		ret = parse_parameter(key, value, intent, err, err_size);
		if (ret)
			return ret;
		seen[count++] = key; /* known and new: there is room */
	}
	if (intent->klass == DIS_CLASS_REALTIME) {
		if (!seen_before(seen, count, "period"))
			return refuse(err, err_size, DIS_EINTENT,
				      "period is missing");
		if (!seen_before(seen, count, "wcet"))
			return refuse(err, err_size, DIS_EINTENT,
				      "wcet is missing");
		if (!seen_before(seen, count, "deadline"))
			intent->deadline_ns = intent->period_ns;
	}
	if (intent->klass == DIS_CLASS_INTERACTIVE &&
	    !seen_before(seen, count, "target"))
		intent->latency_ns = INTENT_TARGET_NS;
	return dis_intent_validate(intent, DIS_CPUMASK_ALL, err, err_size);
}

int dis_intent_parse(const char *text, struct dis_intent *out, char *err,
		     size_t err_size)
{
	struct dis_intent intent = dis_intent_default();
	char copy[DIS_INTENT_TEXT_MAX], why[DIS_INTENT_TEXT_MAX + 128];
	size_t length = strlen(text);

	if (length >= sizeof(copy))
		return refuse(err, err_size, DIS_EINTENT,
			      "intent '%.40s...': longer than %zu characters",
			      text, sizeof(copy) - 1);
	memcpy(copy, text, length + 1);
	intent.declared = true;
	if (parse_text(copy, &intent, why, sizeof(why)))
		return refuse(err, err_size, DIS_EINTENT, "intent '%s': %s",
			      text, why);
	*out = intent;
	return 0;
}

/* "0+2-3" */
static void format_cores(dis_cpumask mask, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < DIS_CORES_MAX && used < size; i++) {
		unsigned first = i;

		if (!(mask >> i & 1))
			continue;
		while (i + 1 < DIS_CORES_MAX && mask >> (i + 1) & 1)
			i++;
		used += (size_t)snprintf(buf + used, size - used,
					 first == i ? "%s%u" : "%s%u-%u",
					 used ? "+" : "", first, i);
	}
}

void dis_intent_format(const struct dis_intent *intent, char *buf, size_t size)
{
	char text[DIS_INTENT_TEXT_MAX], cores[192];
	const char *separator = ":";
	size_t used;

	used = (size_t)snprintf(text, sizeof(text), "%s",
				dis_class_name(intent->klass));
	for (size_t i = 0; i < COUNT(parameters); i++) {
		const struct parameter *p = &parameters[i];

		if (!has_parameter(intent->klass, p) || !value_of(intent, p))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%s=%s", separator, p->key,
					 exact(value_of(intent, p)).text);
		separator = ",";
	}
	for (enum number n = 0; n < NUMBERS; n++) {
		if (!has_number(intent, n))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%s=%" PRIu64, separator,
					 numbers[n].key, get_number(intent, n));
		separator = ",";
	}
	if (intent->affinity != DIS_CPUMASK_ALL) {
		format_cores(intent->affinity, cores, sizeof(cores));
		snprintf(text + used, sizeof(text) - used, "%scores=%s",
			 separator, cores);
	}
	snprintf(buf, size, "%s", text);
}

uint32_t dis_intent_weight(const struct dis_intent *intent)
{
	return intent->weight ? intent->weight : DIS_WEIGHT_DEFAULT;
}

uint8_t dis_intent_priority(const struct dis_intent *intent)
{
	return intent->has_priority
		       ? intent->priority
		       : (uint8_t)dis_class_priority(intent->klass);
}

/* No limit is the most that one can have. */
static unsigned max_of(const struct dis_intent *intent)
{
	return intent->max_permille ? intent->max_permille : UINT_MAX;
}

static bool permits_constraints(const struct dis_intent *granted,
				const struct dis_intent *wanted)
{
	return !(wanted->affinity & ~granted->affinity) &&
	       dis_intent_weight(wanted) <= dis_intent_weight(granted) &&
	       dis_intent_priority(wanted) >= dis_intent_priority(granted) &&
	       wanted->slice_ns == granted->slice_ns &&
	       wanted->min_permille <= granted->min_permille &&
	       max_of(wanted) <= max_of(granted);
}

bool dis_intent_permits(const struct dis_intent *granted,
			const struct dis_intent *wanted)
{
	if (!permits_constraints(granted, wanted))
		return false;
	if (wanted->klass != granted->klass)
		return wanted->klass > granted->klass;
	return wanted->period_ns >= granted->period_ns &&
	       wanted->deadline_ns >= granted->deadline_ns &&
	       wanted->latency_ns >= granted->latency_ns &&
	       wanted->wcet_ns <= granted->wcet_ns;
}
