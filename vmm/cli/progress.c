/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line; see progress.h. */
#include "progress.h"

#include <string.h>
#include <unistd.h>

#include <dis/units.h>

#define TTY_INTERVAL_NS (500 * DIS_MS_NS)
#define PLAIN_INTERVAL_NS (1000 * DIS_MS_NS)
/* Cores that are named one by one; above it the line gets too long. */
#define CORES_NAMED 2u

void progress_init(struct progress *p, FILE *to)
{
	*p = (struct progress){.to = to, .tty = isatty(fileno(to)) == 1};
	p->due_ns = p->tty ? TTY_INTERVAL_NS : PLAIN_INTERVAL_NS;
}

/*
 * Percent of what core @i accounted since the last line that was a vCPU's; -1
 * if it accounted nothing. Figures move when a run or an idle time ends, so a
 * core that did one thing all the time says nothing about it.
 */
static int busy_percent(const struct progress *p,
			const struct progress_sample *s, unsigned i)
{
	uint64_t charged_ns =
		dis_ns_sub(s->cores[i].charged_ns, p->last_charged_ns[i]);
	uint64_t idle_ns = dis_ns_sub(s->cores[i].idle_ns, p->last_idle_ns[i]);
	uint64_t sum_ns = dis_ns_add(charged_ns, idle_ns);

	if (!sum_ns)
		return -1;
	return (int)((double)charged_ns * 100.0 / (double)sum_ns + 0.5);
}

static void format_each(const struct progress *p,
			const struct progress_sample *s, unsigned n, char *buf,
			size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < n; i++) {
		int busy = busy_percent(p, s, i);

		if (busy < 0)
			used += (size_t)snprintf(buf + used, size - used,
						 ", core %u no switch", i);
		else
			used += (size_t)snprintf(buf + used, size - used,
						 ", core %u %d %% busy", i,
						 busy);
	}
}

static void format_summary(const struct progress *p,
			   const struct progress_sample *s, unsigned n,
			   char *buf, size_t size)
{
	int sum = 0, least = 100, known = 0;

	for (unsigned i = 0; i < n; i++) {
		int busy = busy_percent(p, s, i);

		if (busy < 0)
			continue;
		known++;
		sum += busy;
		least = busy < least ? busy : least;
	}
	if (known)
		snprintf(buf, size, ", %u cores %d %% busy (least %d %%)", n,
			 sum / known, least);
	else
		snprintf(buf, size, ", %u cores no switch", n);
}

void progress_update(struct progress *p, const struct progress_sample *s)
{
	unsigned n = s->n_cores < DIS_CORES_MAX ? s->n_cores : DIS_CORES_MAX;
	char line[256], limit[48] = "";
	int length;

	if (s->elapsed_ns < p->due_ns)
		return;
	p->due_ns =
		s->elapsed_ns + (p->tty ? TTY_INTERVAL_NS : PLAIN_INTERVAL_NS);
	if (s->limit_ns != DIS_NEVER_NS)
		snprintf(limit, sizeof(limit), " of %.6g s",
			 (double)s->limit_ns / 1e9);
	length = snprintf(line, sizeof(line),
			  "%.1f s%s, %u of %u guests, "
			  "%u vCPUs",
			  (double)s->elapsed_ns / 1e9, limit, s->live_vms,
			  s->vms, s->vcpus);
	(n <= CORES_NAMED ? format_each : format_summary)(
		p, s, n, line + length, sizeof(line) - (size_t)length);
	/* The last line may have been longer: cover it. */
	if (p->tty)
		fprintf(p->to, "\r%-*s", (int)p->width, line);
	else
		fprintf(p->to, "%s\n", line);
	fflush(p->to);
	p->width = (unsigned)strlen(line);
	for (unsigned i = 0; i < n; i++) {
		p->last_charged_ns[i] = s->cores[i].charged_ns;
		p->last_idle_ns[i] = s->cores[i].idle_ns;
	}
}

void progress_end(struct progress *p)
{
	if (p->tty && p->width)
		fprintf(p->to, "\r%*s\r", (int)p->width, "");
	p->width = 0;
	fflush(p->to);
}
