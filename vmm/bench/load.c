/* SPDX-License-Identifier: Apache-2.0 */
/* Who else used the CPUs; see load.h. */
#include "bench/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <dis/executor.h>

#define STAT_PATH "/proc/stat"
#define STAT_BYTES 65536u

int bench_load_parse(const char *stat, unsigned cpu, long ticks_per_s,
		     struct bench_load *out)
{
	uint64_t tick_ns = DIS_S_NS / (uint64_t)ticks_per_s;
	uint64_t user, nice, system, irq, softirq, steal;
	const char *line;
	char name[24];

	snprintf(name, sizeof(name), "\ncpu%u ", cpu);
	line = strstr(stat, name);
	/* user nice system idle iowait irq softirq steal */
	if (!line || sscanf(line + strlen(name),
			    "%" SCNu64 " %" SCNu64 " %" SCNu64
			    " %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64,
			    &user, &nice, &system, &irq, &softirq, &steal) != 6)
		return -ENOENT;
	out->busy_ns += (user + nice + system + irq + softirq) * tick_ns;
	out->steal_ns += steal * tick_ns;
	return 0;
}

static uint64_t process_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

static uint64_t timeval_ns(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * DIS_S_NS +
	       (uint64_t)tv->tv_usec * DIS_US_NS;
}

static uint64_t children_cpu_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage))
		return 0;
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
}

struct bench_load bench_load_read(const unsigned *cpus, unsigned n)
{
	static char stat[STAT_BYTES];
	struct bench_load load = {.cpus = n,
				  .wall_ns = dis_clock_ns(),
				  .own_ns =
					  process_cpu_ns() + children_cpu_ns()};
	FILE *file = fopen(STAT_PATH, "re");

	if (!file)
		return load;
	stat[fread(stat, 1, sizeof(stat) - 1, file)] = '\0';
	fclose(file);
	for (unsigned i = 0; i < n; i++)
		bench_load_parse(stat, cpus[i], sysconf(_SC_CLK_TCK), &load);
	return load;
}

struct bench_load bench_load_since(const struct bench_load *then,
				   const struct bench_load *now)
{
	return (struct bench_load){
		.cpus = now->cpus,
		.wall_ns = dis_ns_sub(now->wall_ns, then->wall_ns),
		.busy_ns = dis_ns_sub(now->busy_ns, then->busy_ns),
		.steal_ns = dis_ns_sub(now->steal_ns, then->steal_ns),
		.own_ns = dis_ns_sub(now->own_ns, then->own_ns),
	};
}

static double percent(const struct bench_load *load, uint64_t part_ns)
{
	double all_ns = (double)load->wall_ns * load->cpus;

	return all_ns > 0 ? 100.0 * (double)part_ns / all_ns : 0;
}

double bench_load_others_percent(const struct bench_load *load)
{
	return percent(load, dis_ns_sub(load->busy_ns, load->own_ns));
}

double bench_load_steal_percent(const struct bench_load *load)
{
	return percent(load, load->steal_ns);
}
