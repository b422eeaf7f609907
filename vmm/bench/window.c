/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at running guests; see window.h. */
#include "bench/window.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <dis/executor.h>

#include "bench/tally.h"
#include "bench/watch.h"

#define PAGE UINT64_C(4096)
/* The image ends, and the reports begin, in here. */
#define REPORTS_FROM UINT64_C(0x200000)
#define REPORTS_TO UINT64_C(0x280000)
#define READY_NS (60 * DIS_S_NS)
#define POLL_US 500
/* Of a short window too, some slices are to be free of stalls. */
#define SLICES_MIN 40u
/* From the turn of group 0 to the second window. */
#define TURN_MARGIN_NS (100 * DIS_MS_NS)

struct play {
	const struct scene *scene;
	struct scene_result *result;
	const struct window_source *source;
	struct bench_watch *watch;
	struct tally tally;
};

static const struct disvm_guest_report *report_at(const uint8_t *mem,
						  uint64_t at)
{
	return (const void *)(mem + at);
}

/*
 * Is there a page at all? Looking at one that is not would make it: guests are
 * measured by the pages that they touch.
 */
static bool is_there(const struct window_guest *guest, uint64_t at)
{
	unsigned char there = 0;

	return at + PAGE <= guest->bytes &&
	       !mincore((void *)(guest->mem + at), PAGE, &there) && there & 1;
}

static bool is_report(const struct window_guest *guest, uint64_t at,
		      unsigned vcpu)
{
	const struct disvm_guest_report *r;

	if (!is_there(guest, at))
		return false;
	r = report_at(guest->mem, at);
	return __atomic_load_n(&r->magic, __ATOMIC_ACQUIRE) ==
		       DISVM_REPORT_MAGIC &&
	       r->version == DISVM_ABI_VERSION && r->vcpu == vcpu;
}

static void find_report(struct window_guest *guest)
{
	unsigned char there[(REPORTS_TO - REPORTS_FROM) / PAGE];

	if (mincore((void *)(guest->mem + REPORTS_FROM),
		    REPORTS_TO - REPORTS_FROM, there))
		return;
	for (unsigned i = 0; !guest->report && i < sizeof(there); i++)
		if ((there[i] & 1) &&
		    is_report(guest, REPORTS_FROM + i * PAGE, 0))
			guest->report = REPORTS_FROM + i * PAGE;
}

bool bench_window_ready(struct window_guest *guest)
{
	if (!guest->report)
		find_report(guest);
	for (unsigned i = 1; guest->report && i < guest->vcpus; i++)
		if (!is_report(guest, guest->report + i * PAGE, i))
			return false;
	return guest->report;
}

static void sleep_until(uint64_t time_ns)
{
	struct timespec at = {.tv_sec = (time_t)(time_ns / DIS_S_NS),
			      .tv_nsec = (long)(time_ns % DIS_S_NS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

static bool alive(const struct window_source *source,
		  struct scene_result *result)
{
	const char *why = source->alive(source->ctx);

	if (why)
		scene_fail(result, SCENE_BROKEN, "%s", why);
	return !why;
}

bool bench_window_wait(const struct window_source *source, unsigned from,
		       unsigned to, struct scene_result *result)
{
	uint64_t limit_ns = dis_clock_ns() + READY_NS;
	unsigned i = from;

	while (i < to) {
		if (bench_window_ready(&source->guest[i])) {
			i++;
			continue;
		}
		if (!alive(source, result))
			return false;
		if (dis_clock_ns() > limit_ns) {
			scene_fail(result, SCENE_BROKEN,
				   "only %u of %u guests got ready within 60 s",
				   i - from, to - from);
			return false;
		}
		usleep(POLL_US);
	}
	return true;
}

void bench_window_read(const struct window_guest *guest, unsigned vcpu,
		       struct disvm_guest_report *out)
{
	memcpy(out, report_at(guest->mem, guest->report + vcpu * PAGE),
	       sizeof(*out));
}

static bool play_window(struct play *p, struct scene_window *w)
{
	uint64_t from_ns = dis_clock_ns();
	uint64_t slice_ns =
		dis_ns_min(p->scene->window_ns / SLICES_MIN, SCENE_SLICE_NS);

	tally_begin(&p->tally, w, from_ns, bench_watch_stalls(p->watch));
	/* One more, to decide on the last one. */
	for (uint64_t left = p->scene->window_ns / slice_ns + 1; left; left--) {
		sleep_until(from_ns + slice_ns);
		if (!alive(p->source, p->result))
			return false;
		from_ns = dis_clock_ns();
		tally_slice(&p->tally, from_ns, bench_watch_stalls(p->watch));
	}
	if (!tally_end(&p->tally, p->scene->n_groups))
		return true;
	scene_fail(p->result, SCENE_BROKEN, "out of memory");
	return false;
}

/* The own time of the first vCPU of group 0. */
static uint64_t turner_ns(const struct play *p)
{
	const struct window_guest *guest = p->source->guest;
	struct disvm_guest_report now;

	while (guest->group != 0)
		guest++;
	bench_window_read(guest, 0, &now);
	return now.elapsed_ns;
}

static bool play_windows(struct play *p)
{
	const struct scene *scene = p->scene;

	sleep_until(dis_clock_ns() + scene->warm_ns);
	if (!play_window(p, &p->result->window[0]))
		return false;
	if (!scene->turn_ns)
		return true;
	if (turner_ns(p) >= scene->turn_ns) {
		scene_fail(p->result, SCENE_BROKEN,
			   "the guests took too long to start");
		return false;
	}
	while (turner_ns(p) < scene->turn_ns + TURN_MARGIN_NS) {
		if (!alive(p->source, p->result))
			return false;
		usleep(POLL_US);
	}
	return play_window(p, &p->result->window[1]);
}

/* Looks are to be in time, above whoever computes and below the watch. */
static void become_prompt(void)
{
	const struct sched_param param = {
		.sched_priority = sched_get_priority_max(SCHED_FIFO) - 1};

	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

void bench_window_play(const struct scene *scene,
		       const struct window_source *source,
		       struct scene_result *result)
{
	struct play p = {.scene = scene, .source = source, .result = result};

	if (tally_open(&p.tally, source, scene->settle_ns)) {
		scene_fail(result, SCENE_BROKEN, "out of memory");
		return;
	}
	bench_watch_start(scene->cpus, scene->n_cpus, &p.watch,
			  result->unwatched, sizeof(result->unwatched));
	become_prompt();
	if (play_windows(&p))
		result->outcome = SCENE_DONE;
	if (p.watch)
		bench_watch_stop(p.watch);
	tally_close(&p.tally);
}
