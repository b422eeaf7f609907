/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint:CLASS: asks the monitor for another intent, once, prints the answer and
 * computes on. What is sent is not checked here: that is what the monitor is
 * asked to do.
 */
#include <task.h>

static const char *const classes[] = {"system", "realtime", "interactive",
				      "batch", "background"};

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{",period=", offsetof(struct disvm_intent_hint, period_ns)},
	{",deadline=", offsetof(struct disvm_intent_hint, deadline_ns)},
	{",wcet=", offsetof(struct disvm_intent_hint, wcet_ns)},
	{",latency=", offsetof(struct disvm_intent_hint, latency_ns)},
};

bool class_parse(const char **s, uint32_t *out)
{
	for (uint32_t i = 0; i < 5; i++) {
		size_t n = text_prefix(*s, classes[i]);

		if (n) {
			*s += n;
			*out = i;
			return true;
		}
	}
	return false;
}

static bool parse_key(const char **s, struct disvm_intent_hint *hint)
{
	for (unsigned i = 0; i < 4; i++) {
		size_t n = text_prefix(*s, keys[i].key);
		char *field = (char *)hint + keys[i].offset;

		if (n) {
			*s += n;
			return text_duration(s, (uint64_t *)field);
		}
	}
	return false;
}

bool hint_parse(const char **s, struct disvm_intent_hint *hint)
{
	hint->version = DISVM_ABI_VERSION;
	if (!class_parse(s, &hint->klass))
		return false;
	while (**s == ',')
		if (!parse_key(s, hint))
			return false;
	return true;
}

void hint_run(struct task *task)
{
	/* Virtual addresses of the image are physical ones. */
	task_print_status(task, "hint", classes[task->intent.klass],
			  hypercall(task, DISVM_CALL_INTENT,
				    (uint32_t)(uintptr_t)&task->intent, 0));
	hog_run(task);
}
