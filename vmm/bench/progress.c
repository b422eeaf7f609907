/* SPDX-License-Identifier: Apache-2.0 */
/* How far a bench is, and what is left; see bench.h. */
#include <string.h>
#include <unistd.h>

#include <dis/executor.h>

#include "bench/bench.h"

#define LINE_NS (10 * DIS_S_NS)
#define TTY_NS (1 * DIS_S_NS)
#define TTY_WIDTH 72

/* Of the bench that runs. Whoever waits for its scenes does not know it. */
static struct bench_progress *running;

void bench_progress_open(struct bench_progress *progress, FILE *to,
			 double guess_s)
{
	*progress = (struct bench_progress){
		.to = to,
		.tty = isatty(fileno(to)) == 1,
		.now_ns = dis_clock_ns,
		.start_ns = dis_clock_ns(),
		.later_s = guess_s,
	};
}

void bench_progress_next(struct bench_progress *p, double guess_s)
{
	p->done_s += p->guess_s;
	p->guess_s = guess_s;
	p->later_s -= guess_s;
}

void bench_progress_begin(struct bench_progress *p, unsigned rounds,
			  unsigned steps)
{
	p->rounds = rounds;
	p->steps = steps;
	p->done = 0;
	p->begin_ns = p->now_ns();
	p->end_ns = p->begin_ns + (uint64_t)(p->guess_s * 1e9);
	p->said_ns = p->begin_ns;
	running = p;
}

static unsigned all_steps(const struct bench_progress *p)
{
	return p->rounds * p->steps;
}

/* Of the benches after this one, by how long those so far took. */
static double later_s(const struct bench_progress *p, uint64_t now_ns)
{
	double rule_s = p->done_s + p->guess_s * p->done / all_steps(p);
	double took_s = (double)(now_ns - p->start_ns) / 1e9;

	return rule_s > 0 ? p->later_s * took_s / rule_s : p->later_s;
}

static void say(struct bench_progress *p, uint64_t now_ns)
{
	double left_s = (double)dis_ns_sub(p->end_ns, now_ns) / 1e9;
	char all[48] = "";

	if (p->done_s + p->later_s > 0)
		snprintf(all, sizeof(all), ", all in about %.0f min",
			 (left_s + later_s(p, now_ns)) / 60);
	fprintf(p->to, "%sround %u of %u, about %.0f s left%s%s",
		p->tty ? "\r" : "", p->done / p->steps + 1, p->rounds, left_s,
		all, p->tty ? "   " : "\n");
	fflush(p->to);
	p->said_ns = now_ns;
}

static bool is_due(const struct bench_progress *p, uint64_t now_ns)
{
	return now_ns - p->said_ns >= (p->tty ? TTY_NS : LINE_NS);
}

void bench_progress_step(struct bench_progress *p)
{
	uint64_t now_ns = p->now_ns();
	unsigned left;

	p->done++;
	left = all_steps(p) - p->done;
	p->end_ns = now_ns + (now_ns - p->begin_ns) * left / p->done;
	if (left && (p->tty || p->done % p->steps == 0 || is_due(p, now_ns)))
		say(p, now_ns);
}

void bench_progress_tick(void)
{
	struct bench_progress *p = running;

	if (p && p->done < all_steps(p) && is_due(p, p->now_ns()))
		say(p, p->now_ns());
}

void bench_progress_end(struct bench_progress *p)
{
	running = NULL;
	if (p->tty && p->done)
		fprintf(p->to, "\r%*s\r", TTY_WIDTH, "");
	fflush(p->to);
}
