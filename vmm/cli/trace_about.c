/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay needs to know; see trace_about.h. */
#include "trace_about.h"

#include <stdio.h>

/* Of a class: its name, that of its policy, two figures of 20 and 3 digits. */
#define CLASS_TEXT_MAX (12u + DIS_POLICY_NAME_MAX + 24u + 80u)

/* The rules of each class, members of an object. */
static void format_classes(char *to, size_t size,
			   const struct dis_domain_config *cfg)
{
	size_t used = 0;

	for (unsigned k = 0; k < DIS_CLASSES && used < size; k++)
		used += (size_t)snprintf(
			to + used, size - used,
			"%s\"%s\":{\"policy\":\"%s\",\"quantum_ns\":%" PRIu64
			",\"floor_permille\":%u}",
			k ? "," : "", dis_class_name((enum dis_class)k),
			cfg->policy[k] ? cfg->policy[k]->name : "",
			cfg->quantum_ns[k], cfg->floor_permille[k]);
}

void trace_about_pool(struct trace_file *file,
		      const struct dis_domain_config *cfg)
{
	char classes[DIS_CLASSES * CLASS_TEXT_MAX];

	_Static_assert(sizeof(classes) + 192 < TRACE_RECORD_MAX, "one record");
	format_classes(classes, sizeof(classes), cfg);
	trace_file_record(file,
			  "{\"ph\":\"M\",\"name\":\"disvm_pool\",\"pid\":%u,"
			  "\"args\":{\"cores\":%u,\"threads\":%s,"
			  "\"quantum_ns\":%" PRIu64 ",\"fixed_slices\":%s,"
			  "%s}}",
			  TRACE_PID_HOST, cfg->cores,
			  cfg->per_vcpu ? "true" : "false",
			  cfg->default_quantum_ns,
			  cfg->fixed_slices ? "true" : "false", classes);
}

void trace_about_vcpu(struct trace_file *file, unsigned vm_seq,
		      unsigned vcpu_seq, const struct dis_intent *intent)
{
	char text[DIS_INTENT_TEXT_MAX] = "";

	_Static_assert(sizeof(text) + 128 < TRACE_RECORD_MAX, "one record");
	if (intent->declared)
		dis_intent_format(intent, text, sizeof(text));
	trace_file_record(file,
			  "{\"ph\":\"M\",\"name\":\"disvm_vcpu\",\"pid\":%u,"
			  "\"args\":{\"vm\":%u,\"vcpu\":%u,\"intent\":"
			  "\"%s\"}}",
			  TRACE_PID_VM + vm_seq, vm_seq, vcpu_seq, text);
}

void trace_about_shares(struct trace_file *file, unsigned vm_seq,
			unsigned min_permille, unsigned max_permille)
{
	trace_file_record(file,
			  "{\"ph\":\"M\",\"name\":\"disvm_vm\",\"pid\":%u,"
			  "\"args\":{\"vm\":%u,\"min_permille\":%u,"
			  "\"max_permille\":%u}}",
			  TRACE_PID_VM + vm_seq, vm_seq, min_permille,
			  max_permille);
}
