/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics for people; see report_stats.h. */
#include <inttypes.h>

#include <dis/units.h>

#include "report.h"
#include "report_stats.h"

static void write_time(const struct report_stats *stats, FILE *to)
{
	char guest[32], vmm[32];
	uint64_t guest_ns = 0, cpu_ns = 0;

	for (unsigned i = 0; i < stats->n_tenants; i++) {
		guest_ns += stats->tenants[i].stats.guest_ns;
		cpu_ns += stats->tenants[i].stats.cpu_ns;
	}
	fprintf(to,
		"%s in guests, %s in the monitor; %" PRIu64
		" voluntary switches, %" PRIu64 " involuntary\n",
		dis_format_duration(guest_ns, guest, sizeof(guest)),
		dis_format_duration(dis_ns_sub(cpu_ns, guest_ns), vmm,
				    sizeof(vmm)),
		stats->totals.switches_voluntary,
		stats->totals.switches_involuntary);
}

/* The host's CPUs that others used for more than a tenth of the last second. */
static void write_foreign(const struct run_report *report, FILE *to)
{
	const struct dis_host_load *load = &report->stats->host_load;

	for (unsigned i = 0; i < report->host.n_cpus; i++)
		if (load->foreign[i] != DIS_LOAD_ABSENT &&
		    load->foreign[i] > 100)
			fprintf(to, "CPU %u: others used %u %% of it\n",
				report->host.cpus[i], load->foreign[i] / 10u);
}

void report_stats_text(const struct run_report *report, FILE *to)
{
	write_time(report->stats, to);
	write_foreign(report, to);
}
