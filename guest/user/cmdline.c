/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: who does what, and for how long. The grammar is in
 * guest/README.md.
 */
#include <task.h>

/* What one "work" word asks for; applied to some tasks. */
struct plan {
	const struct workload *workload;
	union {
		struct disvm_intent_hint intent;
		uint64_t arg[2];
	};
	char label[32];
};

static bool ends(char c)
{
	return c == 0 || c == ' ' || c == '\t' || c == '\n';
}

static const char *next_word(const char *word)
{
	while (!ends(*word))
		word++;
	while (*word && ends(*word))
		word++;
	return word;
}

/* Fills all of @to. */
static void copy_word(const char *word, char *to, size_t size)
{
	size_t n = 0;

	for (; n < size - 1 && !ends(word[n]); n++)
		to[n] = word[n];
	while (n < size)
		to[n++] = 0;
}

static _Noreturn void refuse(const char *what, const char *word)
{
	static char copy[80];

	copy_word(word, copy, sizeof(copy));
	die(EXIT_USAGE, what, copy);
}

static bool parse_args(const char *s, struct plan *plan)
{
	enum workload_args args = plan->workload->args;

	if (args == ARGS_NONE)
		return ends(*s);
	if (*s++ != ':')
		return false;
	if (args == ARGS_NUMBER)
		return text_number(&s, &plan->arg[0]) && ends(*s) &&
		       plan->arg[0] <= UINT8_MAX;
	if (args == ARGS_HINT)
		return hint_parse(&s, &plan->intent) && ends(*s);
	if (!text_duration(&s, &plan->arg[0]) || !plan->arg[0])
		return false;
	if (args == ARGS_DURATIONS &&
	    (*s++ != ',' || !text_duration(&s, &plan->arg[1])))
		return false;
	return ends(*s);
}

static bool parse_work(const char *spec, struct plan *plan)
{
	const struct workload *w;

	plan->intent = (struct disvm_intent_hint){0};
	for (w = workloads; w->name; w++) {
		size_t n = text_prefix(spec, w->name);

		if (!n || !(ends(spec[n]) || spec[n] == ':'))
			continue;
		plan->workload = w;
		copy_word(spec, plan->label, sizeof(plan->label));
		if (parse_args(spec + n, plan))
			return true;
	}
	return false;
}

static void apply(const struct plan *plan, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++) {
		struct task *task = &tasks[i];

		task->workload = plan->workload;
		task->intent = plan->intent;
		copy_word(plan->label, task->label, sizeof(task->label));
	}
}

/* "0-1,3"; stops at the '='. With a plan, applies it. */
static bool walk_list(const char **s, const struct plan *plan)
{
	for (;;) {
		uint64_t from, to;

		if (!text_number(s, &from))
			return false;
		to = from;
		if (**s == '-') {
			(*s)++;
			if (!text_number(s, &to))
				return false;
		}
		if (from > to || to >= machine.vcpus)
			return false;
		if (plan)
			apply(plan, from, to);
		if (**s != ',' && **s != '+')
			return **s == '=';
		(*s)++;
	}
}

/* What an intent asks for where nobody said otherwise. */
static void plan_by_intent(struct task *task)
{
	const struct disvm_intent_hint *intent = &task->intent;
	struct plan plan;

	if (intent->klass == DISVM_CLASS_REALTIME && intent->period_ns) {
		print("periodic:");
		print_duration(intent->period_ns);
		print(",");
		print_duration(intent->wcet_ns / 5 * 3);
	} else if (intent->klass == DISVM_CLASS_INTERACTIVE &&
		   intent->latency_ns) {
		print("sleep:");
		print_duration(intent->latency_ns);
	} else {
		print("hog");
	}
	print_take(plan.label, sizeof(plan.label));
	if (!parse_work(plan.label, &plan))
		die(EXIT_MACHINE, "intent without workload", plan.label);
	apply(&plan, task->index, task->index);
}

/* Words about the run as a whole; false if this is none. */
static bool global_word(const char *word)
{
	const char *s = word;
	uint64_t value;
	size_t n;

	if ((n = text_prefix(word, "time="))) {
		s += n;
		if (!text_duration(&s, &run.duration_ns) || !ends(*s) ||
		    !run.duration_ns)
			refuse("time= wants a duration", word);
		return true;
	}
	if ((n = text_prefix(word, "early="))) {
		s += n;
		if (!text_duration(&s, &run.early_ns) || !ends(*s) ||
		    run.early_ns > DISVM_EARLY_MAX_NS)
			refuse("early= wants a duration up to 1ms", word);
		run.early_ticks = ns_to_ticks(run.early_ns);
		return true;
	}
	if ((n = text_prefix(word, "cpus="))) {
		s += n;
		if (!text_number(&s, &value) || !ends(*s) || !value ||
		    value > (machine.broadcast ? MAX_VCPUS : machine.vcpus))
			refuse("no such number of CPUs", word);
		machine.vcpus = (uint32_t)value;
		return true;
	}
	return false;
}

static bool work_word(const char *word)
{
	const char *s = word;
	struct plan plan;
	size_t n;

	if ((n = text_prefix(word, "work="))) {
		if (!parse_work(word + n, &plan))
			refuse("unknown workload", word);
		apply(&plan, 0, machine.vcpus - 1);
		return true;
	}
	if ((n = text_prefix(word, "work@"))) {
		s += n;
		if (!walk_list(&s, NULL))
			refuse("bad list of vCPUs", word);
		if (!parse_work(s + 1, &plan))
			refuse("unknown workload", word);
		s = word + n;
		walk_list(&s, &plan);
		return true;
	}
	return false;
}

/* A kernel's path, as multiboot loaders put it first, is no mistake. */
static void note_unknown(const char *word)
{
	char copy[64];

	copy_word(word, copy, sizeof(copy));
	for (const char *c = copy; *c; c++)
		if (*c == '/')
			return;
	print("guest: word ignored: ");
	print(copy);
	print("\n");
	print_flush();
}

void cmdline_read(const char *cmdline)
{
	const char *word;

	run.duration_ns = NEVER;
	while (ends(*cmdline) && *cmdline)
		cmdline++;
	for (word = cmdline; *word; word = next_word(word))
		global_word(word);
	for (uint32_t i = 0; i < machine.vcpus; i++) {
		tasks[i].index = i;
		plan_by_intent(&tasks[i]);
	}
	for (word = cmdline; *word; word = next_word(word))
		if (!work_word(word) && !global_word(word))
			note_unknown(word);
}
