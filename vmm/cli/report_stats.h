/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Statistics of a report: sums, queues, reasons, the last minute, the host.
 *
 * Place in the flow: run_report.c fills struct report_stats, report_json.c and
 * report_text.c write it with the functions here.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_REPORT_STATS_H
#define DISVM_REPORT_STATS_H

#include <stdio.h>

#include <dis/collect.h>

#define REPORT_EXITS_MAX 16u

/** Returns of KVM_RUN for one reason. */
struct report_exit {
	const char *name;
	uint64_t count;
};

/**
 * @start_ns: when the executors started; times in the report count from then.
 * @states_now, @states_total: see dis_domain_count_states(); before slots were
 *            given back.
 * @queues:   of each core of the report.
 */
struct report_stats {
	uint64_t start_ns;
	bool counters;
	struct dis_tenant_info tenants[DIS_TENANTS_MAX];
	unsigned n_tenants;
	uint64_t states_now[DIS_STATES];
	uint64_t states_total[DIS_STATES];
	struct dis_totals totals;
	struct dis_queue_stats queues[DIS_CORES_MAX][DIS_CLASSES];
	struct dis_collector seconds;
	struct dis_host_load host_load;
};

struct report_vcpu;
struct report_vm;
struct run_report;
struct json_t; /* of jansson */

/**
 * Objects to be put into that of the vCPU, VM, core and report, or NULL without
 * memory. @report->stats is not NULL.
 */
struct json_t *report_stats_vcpu(const struct run_report *report,
				 const struct report_vcpu *v);
struct json_t *report_stats_vm(const struct report_vm *vm);
struct json_t *report_stats_core(const struct run_report *report,
				 unsigned index);
struct json_t *report_stats_all(const struct run_report *report);

/** Lines for people. */
void report_stats_text(const struct run_report *report, FILE *to);

#endif
