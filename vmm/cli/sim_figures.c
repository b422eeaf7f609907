/* SPDX-License-Identifier: Apache-2.0 */
/* Figures from events; see sim_figures.h. */
#include "sim_figures.h"

#include <errno.h>
#include <stdlib.h>

/*
 * @since_ns:   in @state since then.
 * @wake_ns:    end of the present or last sleep.
 * @woken_ns:   woken, and not run since; DIS_NEVER_NS: not so.
 * @release_ns: of the present job; DIS_NEVER_NS: there is none.
 */
struct track {
	struct sim_got got;
	uint64_t since_ns;
	uint64_t wake_ns;
	uint64_t woken_ns;
	uint64_t release_ns;
	uint64_t *latencies;
	size_t room;
	uint8_t state;
};

struct sim_figures {
	const struct sim_trace *trace;
	struct track *tracks;
	int error;
};

int sim_figures_open(const struct sim_trace *trace, struct sim_figures **out)
{
	struct sim_figures *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->trace = trace;
	f->tracks = calloc(trace->n_vcpus, sizeof(*f->tracks));
	if (!f->tracks) {
		free(f);
		return -ENOMEM;
	}
	for (size_t i = 0; i < trace->n_vcpus; i++) {
		f->tracks[i].woken_ns = DIS_NEVER_NS;
		f->tracks[i].release_ns = DIS_NEVER_NS;
	}
	*out = f;
	return 0;
}

static void add_latency(struct sim_figures *f, struct track *t, uint64_t ns)
{
	uint64_t *more;

	if (t->got.wakes == t->room) {
		more = reallocarray(t->latencies, 2 * t->room + 64,
				    sizeof(*more));
		if (!more) {
			f->error = -ENOMEM;
			return;
		}
		t->latencies = more;
		t->room = 2 * t->room + 64;
	}
	t->latencies[t->got.wakes++] = ns;
}

static uint64_t deadline_ns(const struct sim_figures *f, size_t vcpu)
{
	const struct dis_intent *intent = &f->trace->vcpus[vcpu].intent;

	return dis_ns_add(f->tracks[vcpu].release_ns, intent->deadline_ns);
}

static void end_job(struct sim_figures *f, size_t vcpu, uint64_t now_ns)
{
	struct track *t = &f->tracks[vcpu];

	if (t->release_ns == DIS_NEVER_NS)
		return;
	t->got.jobs++;
	t->got.misses += now_ns > deadline_ns(f, vcpu);
	t->release_ns = DIS_NEVER_NS;
}

static void leave(struct sim_figures *f, size_t vcpu, uint64_t now_ns)
{
	struct track *t = &f->tracks[vcpu];

	if (t->state == DIS_STATE_RUNNING)
		t->got.cpu_ns += dis_ns_sub(now_ns, t->since_ns);
}

static bool releases(uint8_t reason)
{
	return reason != DIS_REASON_YIELD && reason != DIS_REASON_PREEMPT &&
	       reason != DIS_REASON_REQUEUE && reason != DIS_REASON_INTENT;
}

void sim_figures_take(struct sim_figures *f, const struct sim_event *event)
{
	struct track *t = &f->tracks[event->vcpu];
	uint64_t now_ns = event->time_ns;

	leave(f, event->vcpu, now_ns);
	t->since_ns = now_ns;
	t->state = event->state;
	switch ((enum dis_state)event->state) {
	case DIS_STATE_SCHEDULED:
		if (!releases(event->reason))
			break;
		t->woken_ns = event->reason == DIS_REASON_TIMER ? t->wake_ns
								: now_ns;
		if (event->klass == DIS_CLASS_REALTIME)
			t->release_ns = t->woken_ns;
		if (event->reason == DIS_REASON_SPAWN)
			t->woken_ns = DIS_NEVER_NS;
		break;
	case DIS_STATE_RUNNING:
		t->got.dispatches++;
		if (t->woken_ns == DIS_NEVER_NS)
			break;
		add_latency(f, t, dis_ns_sub(now_ns, t->woken_ns));
		/* Until its time it only had the core. */
		t->since_ns = dis_ns_max(now_ns, t->woken_ns);
		t->woken_ns = DIS_NEVER_NS;
		break;
	case DIS_STATE_SLEEPING:
	case DIS_STATE_WAITING:
		t->wake_ns = event->wake_ns;
		end_job(f, event->vcpu, now_ns);
		break;
	default:
		break;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest value that @permille of all do not exceed. */
static uint64_t quantile(const struct track *t, unsigned permille)
{
	uint64_t n = t->got.wakes;

	return n ? t->latencies[(n * permille + 999) / 1000 - 1] : 0;
}

int sim_figures_close(struct sim_figures *f, uint64_t end_ns,
		      struct sim_got *got)
{
	int error = f->error;

	for (size_t i = 0; i < f->trace->n_vcpus; i++) {
		struct track *t = &f->tracks[i];

		leave(f, i, end_ns);
		if (t->release_ns != DIS_NEVER_NS && end_ns > deadline_ns(f, i))
			end_job(f, i, end_ns);
		if (t->got.wakes)
			qsort(t->latencies, t->got.wakes, sizeof(*t->latencies),
			      compare);
		t->got.p50_ns = quantile(t, 500);
		t->got.p99_ns = quantile(t, 990);
		t->got.max_ns = quantile(t, 1000);
		got[i] = t->got;
		free(t->latencies);
	}
	free(f->tracks);
	free(f);
	return error;
}
