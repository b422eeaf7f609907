/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench density: guests that idle are added until a limit; on the way, what
 * one of them costs in memory (ours, the kernel's, the guest's), how long the last
 * ones took to their first instruction and until they were ready, what all of them
 * use of a core, and how late a guest that sleeps 1 ms at a time wakes among them.
 * Our own ones have their VMs made ahead, as disvm run does it.
 *
 * The limit is that of open files, two for a guest; threads and QEMU, with whom
 * each guest is a thread or a process, are taken as far as their curves tell.
 * The kernel's memory is what the host lacks beside that which is accounted for:
 * whoever else uses memory meanwhile is in it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <dis/executor.h>

#include "bench/flock.h"
#include "bench/memory.h"
#include "bench/stats.h"

#define POINTS_MAX 16u
#define QUICK_GUESTS 10u
#define THREADS_GUESTS 1000u
#define QEMU_GUESTS 100u
/* Open files for anything but guests. */
#define OTHER_FILES 200u
#define PROBE_NS (1 * DIS_S_NS)
#define IDLE_NS (500 * DIS_MS_NS)
#define QUICK_NS (100 * DIS_MS_NS)
/* Guests whose first instruction is timed: so many before each look. */
#define TIMED 50u

enum {
	AT_END,
	AT_EARLY,
	AT_LATE,
	CASES
};
enum {
	PROBE,
	IDLE
};
enum {
	GUESTS,
	OWN,
	KERNEL,
	GUEST,
	FIRST,
	SPAWN,
	IDLE_CPU,
	PROBE_P50,
	PROBE_P99,
	MEASURES
};

static const struct bench_label measures[MEASURES] = {
	[GUESTS] = {"guests", "guests", "count", true},
	[OWN] = {"own", "monitor/guest", "bytes", false},
	[KERNEL] = {"kernel", "kernel/guest", "bytes", false},
	[GUEST] = {"guest", "guest's own", "bytes", false},
	[FIRST] = {"first", "first instr., last", "ns", false},
	[SPAWN] = {"spawn", "ready, last ones", "ns", false},
	[IDLE_CPU] = {"idle", "idle CPU of all", "permille", false},
	[PROBE_P50] = {"probe_p50", "probe p50", "ns", false},
	[PROBE_P99] = {"probe_p99", "probe p99", "ns", false},
};

static const struct bench_label contenders[] = {
	[SCENE_DIS] = {.name = "dis", .title = "DIS"},
	[SCENE_THREADS] = {.name = "threads", .title = "threads"},
	[SCENE_QEMU] = {.name = "qemu", .title = "QEMU"},
};
#define N_CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

/** After how many guests is looked; the last one is the limit. */
static const unsigned steps[] = {1,    10,   30,   100,  300,
				 1000, 2000, 4000, 8000, 16000};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* Where the cost of a start is compared. */
static unsigned early_at(bool quick)
{
	return quick ? 1 : 100;
}

static unsigned late_at(bool quick)
{
	return quick ? QUICK_GUESTS : 8000;
}

struct job {
	enum scene_by by;
	const struct bench_options *options;
};

/** @ended: why there are no more guests, or "". */
struct grown {
	struct scene_result scene; /* outcome and reason only */
	unsigned n;
	double point[POINTS_MAX][MEASURES];
	char ended[SCENE_REASON_BYTES];
};

/**
 * @first_ns: of the last @timed guests, to their first instruction.
 * @ready_ns: of all since the last look, until they were ready; a sum.
 * @anonymous: memory before anything was made.
 * @available: once all that comes before guests was made.
 * @ahead: what the kernel has of a guest already then, its VM.
 */
struct run {
	struct flock flock;
	struct grown *out;
	bool quick;
	unsigned idle; /* guests */
	bool timing;
	unsigned timed;
	double first_ns[TIMED];
	uint64_t ready_ns;
	uint64_t available;
	double ahead;
	uint64_t anonymous;
};

static void pause_ns(uint64_t ns)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / DIS_S_NS),
				    .tv_nsec = (long)(ns % DIS_S_NS)};

	nanosleep(&ts, NULL);
}

static unsigned limit_of(enum scene_by by, bool quick)
{
	struct rlimit files = {.rlim_max = 1024};
	uint64_t most;

	if (quick)
		return QUICK_GUESTS;
	if (by != SCENE_DIS)
		return by == SCENE_QEMU ? QEMU_GUESTS : THREADS_GUESTS;
	getrlimit(RLIMIT_NOFILE, &files);
	most = dis_ns_sub(files.rlim_max, OTHER_FILES) / 2;
	return most < steps[N_STEPS - 1] ? (unsigned)most : steps[N_STEPS - 1];
}

static uint64_t cpu_of_all(const struct run *r)
{
	uint64_t sum = 0;

	if (r->flock.by != SCENE_QEMU)
		return bench_cpu_ns(0);
	for (unsigned i = 0; i < r->flock.n; i++)
		if (r->flock.guest[i].qemu.pid > 0)
			sum += bench_cpu_ns(r->flock.guest[i].qemu.pid);
	return sum;
}

static void measure_memory(struct run *r, double *point)
{
	uint64_t own = 0, guest = 0, gone, known;

	for (unsigned i = 0; i < r->flock.n; i++) {
		const struct flock_guest *g = &r->flock.guest[i];

		if (r->flock.by == SCENE_QEMU && g->qemu.pid <= 0)
			continue;
		guest += bench_memory_resident(g->view.mem, g->view.bytes);
		if (r->flock.by == SCENE_QEMU)
			own += bench_memory_of(g->qemu.pid);
	}
	if (r->flock.by != SCENE_QEMU)
		own = dis_ns_sub(bench_memory_anonymous() - r->anonymous, guest);
	gone = dis_ns_sub(r->available, bench_memory_available());
	known = own + guest;
	point[OWN] = (double)own / r->idle;
	point[GUEST] = (double)guest / r->idle;
	point[KERNEL] = (double)dis_ns_sub(gone, known) / r->idle + r->ahead;
}

/* A guest of its own, for a while. */
static bool measure_probe(struct run *r, double *point)
{
	struct disvm_guest_report before, after;
	struct bench_hist hist = {0};
	unsigned i = r->flock.n;

	if (!flock_add(&r->flock, PROBE) ||
	    !flock_wait(&r->flock, i, i + 1, NULL, NULL))
		return false;
	before = flock_report(&r->flock, i);
	pause_ns(r->quick ? QUICK_NS : PROBE_NS);
	after = flock_report(&r->flock, i);
	flock_end(&r->flock, i);
	bench_hist_add(&hist, before.lateness, after.lateness);
	point[PROBE_P50] = bench_hist_figure(&hist, 500);
	point[PROBE_P99] = bench_hist_figure(&hist, 990);
	return true;
}

/* @from: how many idle guests there were at the last look. */
static bool measure(struct run *r, unsigned from)
{
	uint64_t idle_ns = r->quick ? QUICK_NS : IDLE_NS, cpu_ns;
	double *point = r->out->point[r->out->n];
	point[GUESTS] = r->idle;
	point[FIRST] = bench_spread(r->first_ns, r->timed).median;
	point[SPAWN] = (double)r->ready_ns / (r->idle - from);
	r->ready_ns = 0;
	r->timed = 0;
	measure_memory(r, point);
	cpu_ns = cpu_of_all(r);
	pause_ns(idle_ns);
	point[IDLE_CPU] =
		(double)(cpu_of_all(r) - cpu_ns) * 1000 / (double)idle_ns;
	if (!measure_probe(r, point))
		return false;
	r->out->n++;
	return true;
}

static void note_ready(void *ctx, unsigned i)
{
	struct run *r = ctx;
	uint64_t now_ns = dis_clock_ns();

	r->ready_ns += now_ns - r->flock.guest[i].asked_ns;
	if (r->timing)
		r->first_ns[r->timed++] = flock_first_ns(&r->flock, i, now_ns);
}

/* Up to @to idle guests. */
static bool grow(struct run *r, unsigned to)
{
	for (; r->idle < to; r->idle++) {
		r->timing = to - r->idle <= TIMED;
		if (r->timing)
			flock_settle();
		if (!flock_add(&r->flock, IDLE) ||
		    !flock_wait(&r->flock, r->flock.n - 1, r->flock.n,
				note_ready, r))
			return false;
	}
	return true;
}

static void density_body(void *shared, const void *arg)
{
	const struct job *job = arg;
	static struct run r; /* executors use it to the end */
	unsigned limit = limit_of(job->by, job->options->quick);
	uint64_t before;

	r.out = shared;
	r.quick = job->options->quick;
	before = bench_memory_available();
	r.anonymous = bench_memory_anonymous();
	r.flock.by = job->by;
	r.flock.ahead = job->by != SCENE_QEMU;
	r.flock.result = &r.out->scene;
	r.flock.scene.n_groups = 2;
	r.flock.scene.group[PROBE] =
		(struct scene_group){.workload = "sleep:1ms",
				     .intent = "interactive:target=1ms",
				     .guests = N_STEPS + 1,
				     .vcpus = 1};
	r.flock.scene.group[IDLE] = (struct scene_group){
		.workload = "idle", .guests = limit, .vcpus = 1};
	if (!flock_open(&r.flock, job->options))
		return;
	r.available = bench_memory_available();
	if (r.flock.ahead)
		r.ahead = (double)dis_ns_sub(before, r.available) /
			  scene_guests(&r.flock.scene);
	for (unsigned i = 0; i < N_STEPS; i++) {
		unsigned to = steps[i] < limit ? steps[i] : limit;
		unsigned from = r.idle;

		if (to <= from)
			break;
		if (!grow(&r, to) || !measure(&r, from))
			break;
	}
	flock_close(&r.flock);
	/* What ends the growth is a finding, once there was any. */
	if (r.out->n) {
		memcpy(r.out->ended, r.out->scene.reason, sizeof(r.out->ended));
		r.out->scene.outcome = SCENE_DONE;
	}
}

static bool has_case(enum scene_by by, unsigned ci)
{
	return ci != AT_LATE || by == SCENE_DIS;
}

static void describe(struct bench_result *result, bool quick)
{
	const struct bench_label cases[CASES] = {
		[AT_END] = {.name = "most", .title = "at the end"},
		[AT_EARLY] = {.name = "early",
			      .title = quick ? "at 1 guest" : "at 100 guests"},
		[AT_LATE] = {.name = "late",
			     .title = quick ? "at 10 guests"
					    : "at 8,000 guests"}};

	result->unit = "ns";
	snprintf(
		result->unwatched, sizeof(result->unwatched), "%s",
		"not watched for, as the watch would be part of what is measured");
	result->what = "guests that idle, with the most there were; curves "
		       "are those of the last round";
	result->n_cases = CASES;
	memcpy(result->cases, cases, sizeof(cases));
	result->n_contenders = N_CONTENDERS;
	memcpy(result->contenders, contenders, sizeof(contenders));
	result->n_measures = MEASURES;
	memcpy(result->measures, measures, sizeof(measures));
	for (unsigned ci = 0; ci < CASES; ci++)
		for (unsigned k = 0; k < N_CONTENDERS; k++)
			for (unsigned m = 0; has_case(k, ci) && m < MEASURES;
			     m++)
				bench_add_cell(result, ci, k, m);
	result->figure[result->cell[AT_END][SCENE_DIS][GUESTS] - 1].target =
		8000;
	result->figure[result->cell[AT_END][SCENE_DIS][OWN] - 1].target = 8192;
	result->figure[result->cell[AT_END][SCENE_DIS][IDLE_CPU] - 1].target =
		20;
	bench_add_ratio(result, "first_late_to_early",
			quick ? "first instruction: at 10 guests, to at 1"
			      : "first instruction: at 8,000 guests, to at 100",
			result->cell[AT_LATE][SCENE_DIS][FIRST] - 1,
			result->cell[AT_EARLY][SCENE_DIS][FIRST] - 1, 2);
}

/* Of the last round, by number of guests. */
static void plot(struct bench_result *result, enum scene_by by,
		 const struct grown *grown)
{
	for (unsigned m = OWN; m < MEASURES; m++) {
		struct bench_curve *curve =
			bench_add_curve(result, measures[m].title,
					contenders[by].title, grown->n);
		unsigned n = 0;

		if (!curve)
			return;
		curve->x_title = "guests";
		curve->y_title = measures[m].unit;
		curve->log_x = true;
		for (unsigned i = 0; i < grown->n; i++) {
			if (isnan(grown->point[i][m]))
				continue;
			curve->x[n] = grown->point[i][GUESTS];
			curve->y[n++] = grown->point[i][m];
		}
		curve->n = n;
	}
}

static void take_point(struct bench_result *result, unsigned round, unsigned ci,
		       enum scene_by by, const double *point)
{
	for (unsigned m = 0; m < MEASURES; m++)
		bench_set_cell(result, round, ci, by, m, point[m],
			       "the probe did not wake");
}

/* The look at @guests, which there may not have been. */
static void take_at(struct bench_result *result, unsigned round, unsigned ci,
		    enum scene_by by, const struct grown *grown,
		    unsigned guests)
{
	for (unsigned i = 0; i < grown->n; i++)
		if (grown->point[i][GUESTS] == guests) {
			take_point(result, round, ci, by, grown->point[i]);
			return;
		}
	if (!result->figure[result->cell[ci][by][GUESTS] - 1].absent)
		bench_note_impossible(result, ci, by,
				      "there were not so many guests");
}

static void take(struct bench_result *result, unsigned round, enum scene_by by,
		 const struct grown *grown, bool quick)
{
	take_point(result, round, AT_END, by, grown->point[grown->n - 1]);
	take_at(result, round, AT_EARLY, by, grown, early_at(quick));
	if (has_case(by, AT_LATE))
		take_at(result, round, AT_LATE, by, grown, late_at(quick));
	if (round == result->rounds - 1)
		plot(result, by, grown);
	if (*grown->ended)
		bench_note(result, AT_END, by, grown->ended);
	else if (by != SCENE_DIS && round == 0)
		bench_note(result, AT_END, by,
			   "no more were tried: this is not its limit");
}

static int run_job(const struct bench_options *options,
		   struct bench_result *result, unsigned round,
		   enum scene_by by, char *err, size_t err_size)
{
	static struct grown grown;
	const struct job job = {.by = by, .options = options};
	int ret;

	if (result->figure[result->cell[AT_END][by][GUESTS] - 1].absent)
		return 0;
	ret = scene_child(density_body, &job, &grown, sizeof(grown), err,
			  err_size);
	if (ret)
		return ret;
	if (grown.scene.outcome == SCENE_DONE) {
		take(result, round, by, &grown, options->quick);
	} else if (grown.scene.outcome == SCENE_IMPOSSIBLE) {
		for (unsigned ci = 0; ci < CASES; ci++)
			if (has_case(by, ci))
				bench_note_impossible(result, ci, by,
						      grown.scene.reason);
	} else {
		snprintf(err, err_size, "%s: %s", contenders[by].title,
			 grown.scene.reason);
		ret = -EIO;
	}
	return ret;
}

static int run_density(const struct bench_options *options,
		       struct bench_progress *progress,
		       struct bench_result *result, char *err, size_t err_size)
{
	int ret = 0;

	describe(result, options->quick);
	bench_progress_begin(progress, result->rounds, N_CONTENDERS);
	for (unsigned i = 0; i < result->rounds * N_CONTENDERS && !ret; i++) {
		unsigned round = i / N_CONTENDERS;

		ret = run_job(options, result, round,
			      (enum scene_by)((i + round) % N_CONTENDERS), err,
			      err_size);
		bench_progress_step(progress);
	}
	bench_progress_end(progress);
	return ret;
}

const struct bench bench_density = {
	.name = "density",
	.summary = "how many guests there can be, and what each costs",
	.round_s = 90,
	.run = run_density,
};
