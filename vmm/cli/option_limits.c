/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of guests; see option_limits.h. */
#include "option_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <dis/units.h>

#include "hostcpus.h"
#include "io/order.h"

#define SHARE_MAX (UINT64_C(1000) * RUN_VCPUS_MAX)
#define RESCTRL_PATH "/sys/fs/resctrl/schemata"

static int set_number(const char *text, uint64_t least, uint64_t most,
		      uint64_t *out, char *err, size_t err_size)
{
	if (!dis_parse_uint(text, least, most, out))
		return 0;
	return option_refuse(err, err_size,
			     "'%s' is not a number from %" PRIu64
			     " to %" PRIu64,
			     text, least, most);
}

static int set_share(const char *text, unsigned *out, char *err, size_t err_size)
{
	uint64_t permille = *out;
	int ret = set_number(text, 1, SHARE_MAX, &permille, err, err_size);

	*out = (unsigned)permille;
	return ret;
}

int set_vm_min(struct option_values *v, const char *text, char *err,
	       size_t err_size)
{
	return set_share(text, &v->out->vm_min_permille, err, err_size);
}

int set_vm_max(struct option_values *v, const char *text, char *err,
	       size_t err_size)
{
	return set_share(text, &v->out->vm_max_permille, err, err_size);
}

static int set_bytes(const char *text, uint64_t *out, char *err, size_t err_size)
{
	uint64_t bytes;

	if (dis_parse_size(text, &bytes) || !bytes)
		return option_refuse(err, err_size,
				     "'%s' is not a size like 4096, 64M or 2G",
				     text);
	*out = bytes;
	return 0;
}

int set_mem_limit(struct option_values *v, const char *text, char *err,
		  size_t err_size)
{
	return set_bytes(text, &v->out->mem_limit_bytes, err, err_size);
}

int set_numa_node(struct option_values *v, const char *text, char *err,
		  size_t err_size)
{
	uint64_t cpus[HOSTCPUS_WORDS], node = 0;
	int ret = set_number(text, 0, HOSTCPUS_NODES_MAX - 1u, &node, err,
			     err_size);

	if (!ret)
		ret = hostcpus_read_node((unsigned)node, cpus, err, err_size);
	if (!ret)
		v->out->numa_node = (int)node;
	return ret ? -EINVAL : 0;
}

static int set_priority(const char *text, int *out, char *err, size_t err_size)
{
	uint64_t value = 0;
	int ret =
		set_number(text, 0, IO_PRIORITIES - 1u, &value, err, err_size);

	if (!ret)
		*out = (int)value;
	return ret;
}

int set_io_priority(struct option_values *v, const char *text, char *err,
		    size_t err_size)
{
	return set_priority(text, &v->out->io_priority, err, err_size);
}

int set_net_priority(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	return set_priority(text, &v->out->net_priority, err, err_size);
}

int set_mem_bandwidth(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	uint64_t bytes;
	int ret = set_bytes(text, &bytes, err, err_size);

	v->out->mem_bandwidth |= !ret;
	return ret;
}

int set_io_bandwidth(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	return set_bytes(text, &v->out->io_bandwidth, err, err_size);
}

int option_limits_resolve(struct option_values *values, char *err,
			  size_t err_size)
{
	struct run_options *o = values->out;
	uint64_t node[HOSTCPUS_WORDS];
	unsigned kept = 0;

	if (o->numa_node < 0)
		return 0;
	if (hostcpus_read_node((unsigned)o->numa_node, node, err, err_size))
		return -EINVAL;
	for (unsigned i = 0; i < o->n_cpus; i++) {
		unsigned cpu = o->cpus[i];

		if (node[cpu / 64] >> (cpu % 64) & 1)
			o->cpus[kept++] = cpu;
		else if (option_given(values, "cpus"))
			return option_refuse(err, err_size,
					     "--cpus: CPU %u is not on NUMA "
					     "node %d",
					     cpu, o->numa_node);
	}
	o->n_cpus = kept;
	if (!kept)
		return option_refuse(err, err_size,
				     "--numa-node: node %d has no CPU that "
				     "this process may use",
				     o->numa_node);
	return 0;
}

static int refuse(char *err, size_t err_size, const char *option,
		  const char *why)
{
	snprintf(err, err_size, "--%s: not supported: %s", option, why);
	return -EPERM;
}

int run_limits_refuse(const struct run_options *o, char *err, size_t err_size)
{
	if (o->io_priority >= 0 && !o->n_disks)
		return refuse(err, err_size, "io-priority",
			      "the guests have no disk");
	if (o->io_bandwidth && !o->n_disks && !o->n_nets)
		return refuse(err, err_size, "io-bandwidth",
			      "the guests have no disk and no network");
	if (o->net_priority >= 0 && !o->n_nets)
		return refuse(err, err_size, "net-priority",
			      "the guests have no network");
	if (o->mem_bandwidth && access(RESCTRL_PATH, F_OK))
		return refuse(err, err_size, "mem-bandwidth",
			      "this host has no resctrl mounted at "
			      "/sys/fs/resctrl");
	if (o->mem_bandwidth)
		return refuse(err, err_size, "mem-bandwidth",
			      "resctrl limits threads, and one of DIS "
			      "runs the vCPUs of all guests");
	if (o->mem_limit_bytes && o->mem_bytes > o->mem_limit_bytes) {
		snprintf(err, err_size,
			 "--mem: %" PRIu64 " bytes are more than the limit of "
			 "%" PRIu64 " (--mem-limit)",
			 o->mem_bytes, o->mem_limit_bytes);
		return -EPERM;
	}
	return 0;
}
