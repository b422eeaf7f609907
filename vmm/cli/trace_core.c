/* SPDX-License-Identifier: Apache-2.0 */
/* Track of one host core; see trace_core.h. */
#include "trace_core.h"

/* @next: state it went to, @stopped: why. */
static void write_run(const struct trace_core *core, struct trace_file *file,
		      uint64_t end_ns, const char *next, const char *stopped)
{
	const struct trace_run *run = &core->now;
	const char *intent = dis_class_name((enum dis_class)run->klass);
	uint64_t from_ns = trace_file_time(file, run->since_ns);
	uint64_t to_ns = trace_file_time(file, end_ns);

	if (!run->open)
		return;
	trace_file_record(file,
			  "{\"ph\":\"X\",\"name\":\"vm%u/vcpu%u\",\"cat\":"
			  "\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":" TRACE_US
			  ",\"dur\":" TRACE_US
			  ",\"args\":{\"intent\":\"%s\",\"next\":\"%s\","
			  "\"stopped\":\"%s\"}}",
			  run->vm_seq, run->vcpu_seq, intent, TRACE_PID_HOST,
			  core->tid, TRACE_US_OF(from_ns),
			  TRACE_US_OF(to_ns - from_ns), intent, next, stopped);
}

/* The end of @now is missing: it was over when @next began. */
static void give_up_now(struct trace_core *core, struct trace_file *file)
{
	if (!core->next.open)
		return;
	write_run(core, file, core->next.since_ns, "?", "event lost");
	core->now = core->next;
	core->next.open = false;
}

static bool is_of(const struct trace_run *run, const struct dis_event *event)
{
	return run->open && run->vm_seq == event->vm_seq &&
	       run->vcpu_seq == event->vcpu_seq;
}

void trace_core_begin(struct trace_core *core, struct trace_file *file,
		      const struct dis_event *event, uint64_t now_ns)
{
	struct trace_run run = {
		.since_ns = now_ns,
		.vm_seq = event->vm_seq,
		.vcpu_seq = event->vcpu_seq,
		.klass = event->klass,
		.open = true,
	};

	give_up_now(core, file);
	if (core->now.open)
		core->next = run;
	else
		core->now = run;
}

void trace_core_end(struct trace_core *core, struct trace_file *file,
		    const struct dis_event *event, uint64_t now_ns)
{
	if (is_of(&core->next, event) && core->next.since_ns == now_ns) {
		core->next.open = false;
		return;
	}
	if (is_of(&core->next, event))
		give_up_now(core, file);
	if (!is_of(&core->now, event))
		return;
	if (core->next.open && core->next.since_ns < now_ns) {
		give_up_now(core, file);
		return;
	}
	write_run(core, file, now_ns,
		  dis_state_name((enum dis_state)event->state),
		  dis_reason_name((enum dis_reason)event->reason));
	core->now = core->next;
	core->next.open = false;
}

void trace_core_finish(struct trace_core *core, struct trace_file *file,
		       uint64_t now_ns)
{
	give_up_now(core, file);
	write_run(core, file, now_ns, "?", "end of trace");
	core->now.open = false;
}
