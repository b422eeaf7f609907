/* SPDX-License-Identifier: Apache-2.0 */
/* How far a bench is, and what is left; see bench.h. */
#include <string.h>
#include <unistd.h>

#include <dis/executor.h>

#include "bench/bench.h"

void bench_progress_begin(struct bench_progress *progress, unsigned rounds,
			  unsigned steps)
{
	*progress = (struct bench_progress){
		.to = stderr,
		.tty = isatty(fileno(stderr)) == 1,
		.start_ns = dis_clock_ns(),
		.rounds = rounds,
		.steps = steps,
	};
}

void bench_progress_step(struct bench_progress *p)
{
	unsigned all = p->rounds * p->steps;
	double elapsed_s = (double)(dis_clock_ns() - p->start_ns) / 1e9;
	double left_s;

	p->done++;
	/* On a terminal one line that moves, elsewhere one per round. */
	if (p->done == all || (!p->tty && p->done % p->steps))
		return;
	left_s = elapsed_s * (all - p->done) / p->done;
	fprintf(p->to, "%sround %u of %u, about %.0f s left%s",
		p->tty ? "\r" : "", p->done / p->steps + 1, p->rounds, left_s,
		p->tty ? "   " : "\n");
	fflush(p->to);
}

void bench_progress_end(struct bench_progress *p)
{
	if (p->tty && p->done)
		fprintf(p->to, "\r%*s\r", 48, "");
	fflush(p->to);
}
