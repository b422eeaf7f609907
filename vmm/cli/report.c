/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a report: what is computed rather than copied; see report.h. */
#include "report.h"

#include <errno.h>
#include <string.h>

#include "cli.h"

/*
 * Greatest value of @bucket. The last one is open upwards: there, only the
 * maximum is known.
 */
static uint64_t bucket_end(uint32_t bucket)
{
	if (bucket + 1 >= DISVM_HIST_BUCKETS)
		return UINT64_MAX;
	return disvm_hist_value(bucket + 1) - 1;
}

/* Nearest rank: the value that @permille of @counted do not exceed. */
static uint64_t percentile(const uint32_t *buckets, uint64_t counted,
			   unsigned permille, uint64_t max_ns)
{
	/* At most 896 * 2^32 are counted: no overflow. */
	uint64_t rank = (counted * permille + 999) / 1000, seen = 0;

	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++) {
		seen += buckets[i];
		if (seen >= rank)
			return dis_ns_min(bucket_end(i), max_ns);
	}
	return max_ns;
}

struct report_latency report_latency_read(const uint32_t *buckets,
					  uint64_t max_ns)
{
	struct report_latency out = {0};

	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++)
		out.counted += buckets[i];
	if (!out.counted)
		return out;
	out.p50_ns = percentile(buckets, out.counted, 500, max_ns);
	out.p90_ns = percentile(buckets, out.counted, 900, max_ns);
	out.p99_ns = percentile(buckets, out.counted, 990, max_ns);
	out.p999_ns = percentile(buckets, out.counted, 999, max_ns);
	out.max_ns = max_ns;
	return out;
}

int report_guest_read(const struct disvm_guest_report *block,
		      struct report_guest *out)
{
	if (block->magic != DISVM_REPORT_MAGIC ||
	    block->version != DISVM_ABI_VERSION ||
	    (block->state != DISVM_REPORT_RUNNING &&
	     block->state != DISVM_REPORT_DONE))
		return -EINVAL;
	*out = (struct report_guest){
		.done = block->state == DISVM_REPORT_DONE,
		.work = block->work,
		.wakes = block->wakes,
		.misses = block->misses,
		.skipped = block->skipped,
		.elapsed_ns = block->elapsed_ns,
		.steal_ns = block->steal_ns,
		.lateness = report_latency_read(block->lateness,
						block->lateness_max_ns),
	};
	cli_printable(out->workload, sizeof(out->workload), block->workload,
		      sizeof(block->workload));
	return 0;
}

/* Sums over shares, in floating point: squares of ns do not fit 64 bits. */
struct share_sums {
	double sum;
	double squares;
	double count;
};

static void add_share(struct share_sums *s, uint64_t share)
{
	s->sum += (double)share;
	s->squares += (double)share * (double)share;
	s->count++;
}

static double jain_of(const struct share_sums *s)
{
	return s->squares > 0 ? s->sum * s->sum / (s->count * s->squares) : 1.0;
}

double report_jain(const uint64_t *shares, size_t n)
{
	struct share_sums sums = {0};

	for (size_t i = 0; i < n; i++)
		add_share(&sums, shares[i]);
	return jain_of(&sums);
}

double report_fairness(const struct run_report *report)
{
	struct share_sums sums = {0};

	for (unsigned i = 0; i < report->n_vms; i++) {
		const struct report_vm *vm = &report->vms[i];

		for (unsigned j = 0; j < vm->n_vcpus; j++)
			add_share(&sums, vm->vcpus[j].stats.cpu_ns);
	}
	return jain_of(&sums);
}

struct dis_core_stats report_pool(const struct run_report *report)
{
	/* The structure is counters only, so that a new one is summed too. */
	enum {
		FIELDS = sizeof(struct dis_core_stats) / sizeof(uint64_t)
	};
	struct dis_core_stats sum;
	uint64_t total[FIELDS] = {0}, core[FIELDS];

	_Static_assert(sizeof(sum) == sizeof(total), "counters only");
	for (unsigned i = 0; i < report->n_cores; i++) {
		memcpy(core, &report->cores[i], sizeof(core));
		for (unsigned field = 0; field < FIELDS; field++)
			total[field] += core[field];
	}
	memcpy(&sum, total, sizeof(sum));
	return sum;
}
