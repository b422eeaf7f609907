/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs of the host; see hostcpus.h. */
#include "hostcpus.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <dis/units.h>

#define ONLINE_PATH "/sys/devices/system/cpu/online"

#define NODE_PATH "/sys/devices/system/node/node%u/cpulist"

/* The list of CPUs in @path; empty if the file is. */
static int read_list(const char *path, uint64_t *words, char *err,
		     size_t err_size)
{
	FILE *file = fopen(path, "re");
	char line[4096] = "";
	int ret;

	if (!file) {
		ret = -errno;
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return ret;
	}
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	memset(words, 0, HOSTCPUS_WORDS * sizeof(*words));
	if (!line[0])
		return 0;
	ret = dis_parse_list(line, HOSTCPUS_MAX, words);
	if (ret)
		snprintf(err, err_size, "%s: '%s' is not a list of CPUs", path,
			 line);
	return ret;
}

int hostcpus_read_node(unsigned node, uint64_t *words, char *err,
		       size_t err_size)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), NODE_PATH, node);
	ret = read_list(path, words, err, err_size);
	if (ret != -ENOENT)
		return ret;
	snprintf(err, err_size, "this host has no NUMA node %u", node);
	return -EINVAL;
}

int hostcpus_read(struct hostcpus *out, char *err, size_t err_size)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = read_list(ONLINE_PATH, out->online, err, err_size);
	if (ret)
		return ret;
	/* A cpu_set_t is words of bits, the first CPU in the lowest bit. */
	if (sched_getaffinity(0, sizeof(out->allowed),
			      (cpu_set_t *)out->allowed)) {
		ret = -errno;
		snprintf(err, err_size, "affinity of this process: %s",
			 strerror(errno));
	}
	return ret;
}

static bool has(const uint64_t *words, unsigned cpu)
{
	return words[cpu / 64] >> (cpu % 64) & 1;
}

static void format_words(const uint64_t *words, char *buf, size_t size)
{
	unsigned cpus[256], n = 0;

	for (unsigned cpu = 0; cpu < HOSTCPUS_MAX && n < 256; cpu++)
		if (has(words, cpu))
			cpus[n++] = cpu;
	hostcpus_format(cpus, n, buf, size);
}

static int refuse_cpu(const char *what, unsigned cpu, const uint64_t *words,
		      char *err, size_t err_size)
{
	char list[128];

	format_words(words, list, sizeof(list));
	snprintf(err, err_size, "CPU %u is not %s (these are: %s)", cpu, what,
		 list);
	return -EINVAL;
}

/* All that are online and allowed, as far as there is room. */
static int choose_all(const struct hostcpus *host, unsigned max, unsigned *cpus,
		      unsigned *n_cpus, char *err, size_t err_size)
{
	unsigned n = 0;

	for (unsigned cpu = 0; cpu < HOSTCPUS_MAX && n < max; cpu++)
		if (has(host->online, cpu) && has(host->allowed, cpu))
			cpus[n++] = cpu;
	if (!n) {
		snprintf(err, err_size, "this process may use no CPU");
		return -EINVAL;
	}
	*n_cpus = n;
	return 0;
}

int hostcpus_choose(const struct hostcpus *host, const char *text, unsigned max,
		    unsigned *cpus, unsigned *n_cpus, char *err,
		    size_t err_size)
{
	uint64_t wanted[HOSTCPUS_WORDS];
	unsigned n = 0;
	int ret;

	if (!strcmp(text, "all"))
		return choose_all(host, max, cpus, n_cpus, err, err_size);
	ret = dis_parse_list(text, HOSTCPUS_MAX, wanted);
	if (ret) {
		snprintf(err, err_size,
			 ret == -ERANGE ? "'%s' names a CPU beyond %u"
					: "'%s' is not a list of CPUs like "
					  "0-3,8",
			 text, HOSTCPUS_MAX - 1);
		return -EINVAL;
	}
	for (unsigned cpu = 0; cpu < HOSTCPUS_MAX; cpu++) {
		if (!has(wanted, cpu))
			continue;
		if (!has(host->online, cpu))
			return refuse_cpu("online on this host", cpu,
					  host->online, err, err_size);
		if (!has(host->allowed, cpu))
			return refuse_cpu("in the affinity of this process",
					  cpu, host->allowed, err, err_size);
		n++;
	}
	if (n > max) {
		snprintf(err, err_size, "'%s' are %u CPUs, a pool has %u", text,
			 n, max);
		return -EINVAL;
	}
	*n_cpus = 0;
	for (unsigned cpu = 0; cpu < HOSTCPUS_MAX; cpu++)
		if (has(wanted, cpu))
			cpus[(*n_cpus)++] = cpu;
	return 0;
}

const char *hostcpus_format(const unsigned *cpus, unsigned n, char *buf,
			    size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n && used < size; i++) {
		unsigned first = cpus[i];

		while (i + 1 < n && cpus[i + 1] == cpus[i] + 1)
			i++;
		used += (size_t)snprintf(buf + used, size - used,
					 first == cpus[i] ? "%s%u" : "%s%u-%u",
					 used ? "," : "", first, cpus[i]);
	}
	return buf;
}
