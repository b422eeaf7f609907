/* SPDX-License-Identifier: Apache-2.0 */
/* From what happened to what was wanted; see sim_demand.h. */
#include "sim_demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>

/*
 * A vCPU on the way through the trace.
 * @cpu_ns:  its CPU time until @since_ns, or until it stopped.
 * @run_ns:  of the present burst.
 * @stopped_ns: when it ran last.
 * @wake_ns: when its sleep was over, until it runs; else DIS_NEVER_NS.
 */
struct walker {
	uint64_t cpu_ns;
	uint64_t run_ns;
	uint64_t since_ns;
	uint64_t stopped_ns;
	uint64_t wake_ns;
	uint8_t state;
	bool seen;
	bool ran;
};

struct walk {
	const struct sim_trace *trace;
	struct sim_demand *out;
	struct walker *walkers;
	uint32_t last_ended; /* VM */
	int error;
};

/* Room for one more entry of @size bytes in @list. */
static void *grow(struct walk *w, void *list, size_t count, size_t *room,
		  size_t size)
{
	void *more;

	if (count < *room)
		return list;
	more = reallocarray(list, 2 * *room + 16, size);
	if (!more) {
		w->error = -ENOMEM;
		return list;
	}
	*room = 2 * *room + 16;
	return more;
}

static void add_signal(struct walk *w, struct sim_signals *to,
		       const struct sim_signal *signal)
{
	to->list = grow(w, to->list, to->count, &to->room, sizeof(*to->list));
	if (!w->error)
		to->list[to->count++] = *signal;
}

/* The present burst of @vcpu ends with @stop. */
static void add_burst(struct walk *w, uint32_t vcpu, struct sim_burst stop)
{
	struct sim_program *p = &w->out->programs[vcpu];

	stop.run_ns = w->walkers[vcpu].run_ns;
	w->walkers[vcpu].run_ns = 0;
	p->bursts = grow(w, p->bursts, p->count, &p->room, sizeof(*p->bursts));
	if (!w->error)
		p->bursts[p->count++] = stop;
}

/* CPU time of @v until @now_ns. */
static uint64_t cpu_until(const struct walker *v, uint64_t now_ns)
{
	if (v->state != DIS_STATE_RUNNING)
		return v->cpu_ns;
	return v->cpu_ns + dis_ns_sub(now_ns, v->since_ns);
}

/* The sibling that ran at @now_ns, or last before, or NULL. */
static const struct walker *sender(const struct walk *w, uint32_t vcpu,
				   uint64_t now_ns)
{
	const struct sim_vm *vm = &w->trace->vms[w->trace->vcpus[vcpu].vm];
	const struct walker *best = NULL;
	uint64_t best_ns = dis_ns_sub(now_ns, SIM_CAUSE_NS);

	for (uint32_t i = vm->first; i < vm->first + vm->count; i++) {
		const struct walker *v = &w->walkers[i];
		uint64_t ran_ns = v->stopped_ns;

		if (i == vcpu)
			continue;
		if (v->state == DIS_STATE_RUNNING)
			ran_ns = now_ns;
		else if (!v->ran)
			continue;
		if (ran_ns >= best_ns && (!best || ran_ns > best_ns)) {
			best = v;
			best_ns = ran_ns;
		}
	}
	return best;
}

/* What ended the stop that the last burst of @vcpu ended with. */
static void note_wake(struct walk *w, uint32_t vcpu,
		      const struct sim_event *event)
{
	struct sim_program *p = &w->out->programs[vcpu];
	struct sim_burst *last;
	struct sim_signal signal = {.target = vcpu,
				    .burst = (uint32_t)p->count - 1u};
	const struct walker *from;

	/* It stopped, or it would not be woken: the reader has checked. */
	DIS_ASSERT(p->bursts && p->count);
	last = &p->bursts[p->count - 1];
	if (event->reason == DIS_REASON_JOINED) {
		last->outcome = DIS_RUN_JOIN;
		last->join = w->last_ended;
	} else if (event->reason != DIS_REASON_TIMER) {
		from = sender(w, vcpu, event->time_ns);
		last->signalled = true;
		signal.at_ns = from ? cpu_until(from, event->time_ns)
				    : event->time_ns;
		add_signal(w,
			   from ? &w->out->programs[from - w->walkers].sends
				: &w->out->outside,
			   &signal);
	}
}

static void end_vcpu(struct walk *w, uint32_t vcpu,
		     const struct sim_event *event)
{
	uint32_t vm = w->trace->vcpus[vcpu].vm;
	struct sim_life *life = &w->out->lives[vm];
	bool outside = event->reason == DIS_REASON_STOPPED ||
		       event->reason == DIS_REASON_KILLED;

	w->last_ended = vm;
	/* Who is first ends its VM; the others are only told. */
	if (life->state == DIS_STATE_SCHEDULED && !outside) {
		add_burst(w, vcpu,
			  (struct sim_burst){
				  .outcome = event->state == DIS_STATE_FINISHED
						     ? DIS_RUN_FINISH
						     : DIS_RUN_FAIL,
				  .reason = event->reason,
				  .timer_ns = DIS_NEVER_NS});
	} else {
		w->walkers[vcpu].run_ns = DIS_NEVER_NS;
		add_burst(w, vcpu, (struct sim_burst){.timer_ns = DIS_NEVER_NS});
	}
	if (life->state != DIS_STATE_SCHEDULED)
		return;
	life->state = event->state;
	life->reason = event->reason;
	if (outside)
		life->end_ns = event->time_ns;
}

/* @v stops running: how does its burst end, if it does? */
static void stop_running(struct walk *w, uint32_t vcpu,
			 const struct sim_event *event)
{
	struct sim_burst stop = {.timer_ns = DIS_NEVER_NS};
	struct walker *v = &w->walkers[vcpu];
	uint64_t ran_ns = dis_ns_sub(event->time_ns, v->since_ns);

	v->cpu_ns += ran_ns;
	v->run_ns += ran_ns;
	v->stopped_ns = event->time_ns;
	v->ran = true;
	switch ((enum dis_state)event->state) {
	case DIS_STATE_SLEEPING:
	case DIS_STATE_WAITING:
		stop.outcome = DIS_RUN_HALT;
		stop.timer_ns = event->wake_ns;
		add_burst(w, vcpu, stop);
		break;
	case DIS_STATE_SCHEDULED:
		if (event->reason == DIS_REASON_YIELD) {
			stop.outcome = DIS_RUN_YIELD;
			add_burst(w, vcpu, stop);
		} else if (event->reason == DIS_REASON_INTENT) {
			stop.outcome = DIS_RUN_CONTINUE;
			stop.klass = event->klass;
			add_burst(w, vcpu, stop);
		}
		break;
	case DIS_STATE_FINISHED:
	case DIS_STATE_FAILED:
		end_vcpu(w, vcpu, event);
		break;
	default:
		break;
	}
}

static void take(struct walk *w, const struct sim_event *event)
{
	struct walker *v = &w->walkers[event->vcpu];
	struct sim_life *life = &w->out->lives[w->trace->vcpus[event->vcpu].vm];

	if (!v->seen)
		life->start_ns = dis_ns_min(life->start_ns, event->time_ns);
	v->seen = true;
	if (v->state == DIS_STATE_RUNNING)
		stop_running(w, event->vcpu, event);
	else if (v->state == DIS_STATE_SLEEPING || v->state == DIS_STATE_WAITING)
		note_wake(w, event->vcpu, event);
	/* Who was given its core ahead of its time waited for that, and did not
	 * run. */
	v->since_ns = event->time_ns;
	if (event->state == DIS_STATE_RUNNING && v->wake_ns != DIS_NEVER_NS)
		v->since_ns = dis_ns_max(v->since_ns, v->wake_ns);
	if (event->state == DIS_STATE_SLEEPING)
		v->wake_ns = event->wake_ns;
	else if (event->state != DIS_STATE_SCHEDULED ||
		 event->reason != DIS_REASON_TIMER)
		v->wake_ns = DIS_NEVER_NS;
	v->state = event->state;
}

/* What the trace does not show the end of. */
static void finish(struct walk *w)
{
	for (uint32_t i = 0; i < w->trace->n_vcpus; i++) {
		struct walker *v = &w->walkers[i];

		if (v->seen && v->state != DIS_STATE_SCHEDULED &&
		    v->state != DIS_STATE_RUNNING &&
		    v->state != DIS_STATE_THROTTLED)
			continue;
		v->run_ns = DIS_NEVER_NS;
		add_burst(w, i, (struct sim_burst){.timer_ns = DIS_NEVER_NS});
	}
}

int sim_demand_of(const struct sim_trace *trace, struct sim_demand *out)
{
	struct walk w = {.trace = trace, .out = out};

	*out = (struct sim_demand){.n_programs = trace->n_vcpus};
	out->programs = calloc(trace->n_vcpus, sizeof(*out->programs));
	out->lives = calloc(trace->n_vms, sizeof(*out->lives));
	w.walkers = calloc(trace->n_vcpus, sizeof(*w.walkers));
	if (!out->programs || !out->lives || !w.walkers)
		w.error = -ENOMEM;
	for (size_t i = 0; i < trace->n_vms && !w.error; i++)
		out->lives[i] = (struct sim_life){.start_ns = DIS_NEVER_NS,
						  .end_ns = DIS_NEVER_NS};
	for (size_t i = 0; i < trace->n_vcpus && !w.error; i++)
		w.walkers[i].wake_ns = DIS_NEVER_NS;
	for (size_t i = 0; i < trace->n_events && !w.error; i++)
		take(&w, &trace->events[i]);
	if (!w.error)
		finish(&w);
	free(w.walkers);
	if (w.error)
		sim_demand_free(out);
	return w.error;
}

void sim_demand_free(struct sim_demand *demand)
{
	for (size_t i = 0; demand->programs && i < demand->n_programs; i++) {
		free(demand->programs[i].bursts);
		free(demand->programs[i].sends.list);
	}
	free(demand->programs);
	free(demand->lives);
	free(demand->outside.list);
	*demand = (struct sim_demand){0};
}
