/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Track of one host core: which vCPU ran from when to when, and why it stopped.
 *
 * Place in the flow: called by trace.c with events in order of time.
 *
 * When all of a guest is ended, vCPUs that wait in the queue pass through
 * Running within no time while another one still holds the core. So who begins
 * while the core is taken is kept apart until either has ended; such a run of
 * no length has no slice here (it has one on the vCPU's own track).
 *
 * Invariant: slices are written in order and do not overlap; @next is open only
 * if @now is, and began after it.
 *
 * Locking: none; the owner's.
 */
#ifndef DISVM_TRACE_CORE_H
#define DISVM_TRACE_CORE_H

#include <dis/event.h>

#include "trace_file.h"

struct trace_run {
	uint64_t since_ns;
	uint32_t vm_seq;
	uint16_t vcpu_seq;
	uint8_t klass;
	bool open;
};

/** @tid: of the track; 0: not seen yet. */
struct trace_core {
	uint32_t tid;
	struct trace_run now;
	struct trace_run next;
};

/** The event's vCPU began to run at @now_ns. */
void trace_core_begin(struct trace_core *core, struct trace_file *file,
		      const struct dis_event *event, uint64_t now_ns);

/** It ended at @now_ns; state and reason of @event say why. */
void trace_core_end(struct trace_core *core, struct trace_file *file,
		    const struct dis_event *event, uint64_t now_ns);

/** The trace ends. */
void trace_core_finish(struct trace_core *core, struct trace_file *file,
		       uint64_t now_ns);

#endif
