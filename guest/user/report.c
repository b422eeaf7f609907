/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report on the serial line: the same under every monitor. Printed by
 * vCPU 0 when all are done.
 */
#include <task.h>

static void print_field(const char *name, uint64_t value)
{
	print(name);
	print_number(value);
}

/* Nearest rank: the smallest value with at least @permille of all below it. */
static uint64_t percentile(const struct disvm_guest_report *report,
			   uint64_t permille)
{
	uint64_t rank = (report->wakes * permille + 999) / 1000;
	uint64_t seen = 0;

	for (uint32_t i = 0; rank && i < DISVM_HIST_BUCKETS; i++) {
		seen += report->lateness[i];
		if (seen >= rank)
			return disvm_hist_value(i);
	}
	return 0;
}

static void print_vcpu(const struct disvm_guest_report *report)
{
	print_field("vcpu ", report->vcpu);
	print(" ");
	print(report->workload);
	print_field(" work=", report->work);
	print_field(" wakes=", report->wakes);
	print_field(" misses=", report->misses);
	print_field(" p50_ns=", percentile(report, 500));
	print_field(" p90_ns=", percentile(report, 900));
	print_field(" p99_ns=", percentile(report, 990));
	print_field(" p999_ns=", percentile(report, 999));
	print_field(" max_ns=", report->lateness_max_ns);
	print_field(" elapsed_ns=", report->elapsed_ns);
	print("\n");
}

/* Two vCPUs in the critical section would have lost some of its counts. */
static void check_spin(void)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < machine.vcpus; i++)
		if (tasks[i].workload->run == spin_run ||
		    tasks[i].workload->run == ticket_run)
			total += user_pages[i].report.work;
	if (total != spin_total())
		print("spin: mutual exclusion violated\n");
}

void report_print(void)
{
	print_field("disvm-report 1 vcpus=", machine.vcpus);
	print("\n");
	check_spin();
	for (uint32_t i = 0; i < machine.vcpus; i++)
		print_vcpu(&user_pages[i].report);
	print("disvm-report end\n");
	print_flush();
}
