/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for people; see report.h. Every column has a fixed width and every
 * figure is shortened to fit it, so that no line exceeds 110 columns.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dis/units.h>

#include "cli.h"
#include "confine.h"
#include "report.h"

#define LISTED 8u
#define DETAIL_WIDTH 108

struct cell {
	char text[48];
};

/* One vCPU with its VM, for sorting. */
struct row {
	const struct report_vm *vm;
	const struct report_vcpu *vcpu;
};

static struct cell duration(uint64_t ns)
{
	struct cell c = {""};

	dis_format_duration(ns, c.text, sizeof(c.text));
	return c;
}

/* At most 7 characters; a guest may count to 2^64. */
static struct cell count(uint64_t n)
{
	static const char units[] = "kMGTPE";
	struct cell c;
	int unit = -1;

	for (; n >= 10000000; unit++)
		n /= 1000;
	snprintf(c.text, sizeof(c.text), "%" PRIu64 "%.*s", n, unit >= 0,
		 unit >= 0 ? units + unit : "");
	return c;
}

static double percent(uint64_t part_ns, uint64_t wall_ns)
{
	return wall_ns ? 100.0 * (double)part_ns / (double)wall_ns : 0;
}

/* A guest may have written anything, and 7 characters are all there is. */
static struct cell lateness(uint64_t counted, uint64_t ns)
{
	if (!counted)
		return (struct cell){"-"};
	if (ns >= 1000000 * DIS_S_NS)
		return (struct cell){"> 11 d"};
	return duration(ns);
}

/* Jobs that ended late: the guest knows best, DIS if the guest is silent. */
static uint64_t misses(const struct report_vcpu *v)
{
	return v->has_guest ? v->guest.misses : v->stats.deadline_misses;
}

static struct cell misses_cell(const struct report_vcpu *v)
{
	if (!misses(v) && v->intent.klass != DIS_CLASS_REALTIME)
		return (struct cell){"-"};
	return count(misses(v));
}

/* Shorter than the form of the command line. */
static struct cell intent(const struct dis_intent *i)
{
	const char *name = dis_class_name(i->klass);
	struct cell c;

	if (i->klass == DIS_CLASS_REALTIME)
		snprintf(c.text, sizeof(c.text), "%s %.10s/%.10s", name,
			 duration(i->wcet_ns).text,
			 duration(i->period_ns).text);
	else if (i->klass == DIS_CLASS_INTERACTIVE)
		snprintf(c.text, sizeof(c.text), "%s %.10s", name,
			 duration(i->latency_ns).text);
	else
		snprintf(c.text, sizeof(c.text), "%s%s", name,
			 i->declared ? "" : " (default)");
	return c;
}

static void write_head(FILE *to)
{
	fprintf(to, "%78s  %s\n", "", "wake lateness in guest");
	fprintf(to, "%-9s %-24s %-9s %6s %8s %8s %8s %7s %7s %7s %7s\n",
		"vm/vcpu", "intent", "state", "CPU", "dispatch", "preempt",
		"throttle", "p50", "p99", "max", "missed");
}

static void write_row(const struct row *row, uint64_t wall_ns, FILE *to)
{
	const struct report_vcpu *v = row->vcpu;
	const struct report_latency *l = &v->guest.lateness;
	uint64_t counted = v->has_guest ? l->counted : 0;
	char label[32];

	snprintf(label, sizeof(label), "%u/%u", row->vm->seq, v->index);
	fprintf(to, "%-9s %-24s %-9s %5.1f%% %8s %8s %8s %7s %7s %7s %7s\n",
		label, intent(&v->intent).text, dis_state_name(v->state),
		percent(v->stats.cpu_ns, wall_ns),
		count(v->stats.dispatches).text,
		count(v->stats.preemptions).text,
		count(v->stats.throttles).text,
		lateness(counted, l->p50_ns).text,
		lateness(counted, l->p99_ns).text,
		lateness(counted, l->max_ns).text, misses_cell(v).text);
}

static void write_class(const struct row *rows, size_t n, enum dis_class klass,
			uint64_t wall_ns, FILE *to)
{
	uint64_t sum_ns = 0, least_ns = UINT64_MAX, most_ns = 0, missed = 0;
	struct dis_vcpu_stats s = {0};
	struct report_latency worst = {0};
	size_t members = 0;

	for (size_t i = 0; i < n; i++) {
		const struct report_vcpu *v = rows[i].vcpu;

		if (v->intent.klass != klass)
			continue;
		members++;
		sum_ns += v->stats.cpu_ns;
		least_ns = dis_ns_min(least_ns, v->stats.cpu_ns);
		most_ns = dis_ns_max(most_ns, v->stats.cpu_ns);
		s.dispatches += v->stats.dispatches;
		s.preemptions += v->stats.preemptions;
		s.throttles += v->stats.throttles;
		missed = dis_ns_add(missed, misses(v));
		if (!v->has_guest)
			continue;
		worst.counted += v->guest.lateness.counted;
		worst.p99_ns =
			dis_ns_max(worst.p99_ns, v->guest.lateness.p99_ns);
		worst.max_ns =
			dis_ns_max(worst.max_ns, v->guest.lateness.max_ns);
	}
	if (!members)
		return;
	fprintf(to,
		"%-12s %7zu %7.1f%% %6.2f%% %6.2f%% %8s %8s %8s %7s %7s %7s\n",
		dis_class_name(klass), members, percent(sum_ns, wall_ns),
		percent(least_ns, wall_ns), percent(most_ns, wall_ns),
		count(s.dispatches).text, count(s.preemptions).text,
		count(s.throttles).text,
		lateness(worst.counted, worst.p99_ns).text,
		lateness(worst.counted, worst.max_ns).text, count(missed).text);
}

static void write_classes(const struct row *rows, size_t n, uint64_t wall_ns,
			  FILE *to)
{
	fprintf(to, "%-12s %7s %8s %7s %7s %8s %8s %8s %7s %7s %7s\n", "class",
		"vCPUs", "CPU sum", "least", "most", "dispatch", "preempt",
		"throttle", "p99", "max", "missed");
	for (unsigned klass = 0; klass < DIS_CLASSES; klass++)
		write_class(rows, n, (enum dis_class)klass, wall_ns, to);
	fputs("p99 and max: the worst of the class, wake lateness in the "
	      "guest\n",
	      to);
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

/* Worst first: missed deadlines, lateness, time spent waiting for a core. */
static int compare_rows(const void *left, const void *right)
{
	const struct report_vcpu *a = ((const struct row *)left)->vcpu;
	const struct report_vcpu *b = ((const struct row *)right)->vcpu;
	int order = compare(misses(a), misses(b));

	if (!order)
		order = compare(a->has_guest ? a->guest.lateness.max_ns : 0,
				b->has_guest ? b->guest.lateness.max_ns : 0);
	if (!order)
		order = compare(a->stats.wait_ns, b->stats.wait_ns);
	return order;
}

static void write_rows(struct row *rows, size_t n, uint64_t wall_ns, FILE *to)
{
	size_t first = n > REPORT_ROWS_MAX ? LISTED : n;

	if (n > REPORT_ROWS_MAX) {
		write_classes(rows, n, wall_ns, to);
		fprintf(to, "\nThe first %u of %zu vCPUs:\n", LISTED, n);
	}
	write_head(to);
	for (size_t i = 0; i < first; i++)
		write_row(&rows[i], wall_ns, to);
	if (first == n)
		return;
	qsort(rows, n, sizeof(*rows), compare_rows);
	fprintf(to, "\nThe worst %u (missed deadlines, lateness, waiting):\n",
		LISTED);
	for (size_t i = 0; i < LISTED; i++)
		write_row(&rows[i], wall_ns, to);
}

static void write_vm(const struct report_vm *vm, FILE *to)
{
	char name[64], detail[256];

	cli_printable(name, sizeof(name), vm->name, sizeof(vm->name));
	cli_printable(detail, sizeof(detail), vm->detail, sizeof(vm->detail));
	fprintf(to, "%s %s: %s, exit code %u\n", name,
		dis_state_name(vm->state), dis_reason_name(vm->reason),
		vm->exit_code);
	for (size_t at = 0; at < strlen(detail); at += DETAIL_WIDTH)
		fprintf(to, "  %.*s\n", DETAIL_WIDTH, detail + at);
	report_devices_text(name, vm->devices, vm->n_devices, to);
}

/* All guests if they are few, else a sum and the first that failed. */
static void write_vms(const struct run_report *report, FILE *to)
{
	unsigned failed = 0, listed = 0;

	for (unsigned i = 0; i < report->n_vms; i++)
		failed += report->vms[i].state == DIS_STATE_FAILED;
	for (unsigned i = 0; i < report->n_vms && listed < LISTED; i++) {
		if (report->n_vms > LISTED &&
		    report->vms[i].state != DIS_STATE_FAILED)
			continue;
		write_vm(&report->vms[i], to);
		listed++;
	}
	if (report->n_vms > LISTED)
		fprintf(to, "%u guests, %u failed%s\n", report->n_vms, failed,
			failed > LISTED ? " (the first of them above)" : "");
}

static void write_profiles(const struct run_report *report, FILE *to)
{
	unsigned listed = 0;
	char name[64];

	for (unsigned i = 0; i < report->n_vms && listed < LISTED; i++) {
		const struct report_vm *vm = &report->vms[i];

		if (!report->diag || !vm->profile)
			continue;
		cli_printable(name, sizeof(name), vm->name, sizeof(vm->name));
		profile_write_text(report->diag, name, vm->profile, to);
		listed++;
	}
}

static void write_pool(const struct run_report *report, FILE *to)
{
	struct dis_core_stats pool = report_pool(report);

	fprintf(to,
		"%s of CPU time charged, %s idle; fairness of CPU time (Jain) "
		"%.3f\n",
		duration(pool.charged_ns).text, duration(pool.idle_ns).text,
		report_fairness(report));
	if (pool.ahead_ns)
		fprintf(to,
			"%s of it charged to vCPUs that had their core before "
			"their time, and waited\n",
			duration(pool.ahead_ns).text);
	fprintf(to,
		"%s dispatches, %s preemption timers armed, %s kicks, %s exits "
		"to user space\n",
		count(pool.dispatches).text, count(pool.timer_arms).text,
		count(pool.kicks_sent).text, count(report->user_exits).text);
}

static void write_confined(const struct run_report *report, FILE *to)
{
	const char *before = "confined: ";

	if (!report->confined)
		fputs("not confined", to);
	for (unsigned i = 0; i < CONFINE_PARTS; i++) {
		if (!(report->confined >> i & 1))
			continue;
		fprintf(to, "%s%s", before,
			confine_part_name((enum confine_part)i));
		before = ", ";
	}
	fputc('\n', to);
}

int report_write_text(const struct run_report *report, FILE *to)
{
	struct row *rows;
	size_t n = 0;

	for (unsigned i = 0; i < report->n_vms; i++)
		n += report->vms[i].n_vcpus;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	n = 0;
	for (unsigned i = 0; i < report->n_vms; i++)
		for (unsigned j = 0; j < report->vms[i].n_vcpus; j++)
			rows[n++] = (struct row){&report->vms[i],
						 &report->vms[i].vcpus[j]};
	errno = 0;
	fprintf(to, "executor %s, %s, CPUs %.40s; Linux %.30s, %s\n\n",
		report->executor, duration(report->wall_ns).text,
		report->host.cpu_list, report->host.kernel,
		report->host.kvm_backend);
	write_rows(rows, n, report->wall_ns, to);
	fputc('\n', to);
	write_vms(report, to);
	write_pool(report, to);
	write_confined(report, to);
	if (report->stats)
		report_stats_text(report, to);
	write_profiles(report, to);
	free(rows);
	if (fflush(to) || ferror(to))
		return errno ? -errno : -EIO;
	return 0;
}
