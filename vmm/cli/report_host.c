/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the host that a figure means little without; see report.h. */
#include "report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"
#include "hostcpus.h"

/* Modules that can stand behind /dev/kvm on x86; one at a time is loaded. */
static const char *const backends[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};

static const char *backend(void)
{
	char path[64];

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", backends[i]);
		if (!access(path, F_OK))
			return backends[i];
	}
	return "unknown";
}

void report_host_read(struct report_host *out, const unsigned *cpus,
		      unsigned n_cpus)
{
	struct utsname name;

	*out = (struct report_host){0};
	cli_printable(out->kernel, sizeof(out->kernel),
		      uname(&name) ? "unknown" : name.release,
		      sizeof(name.release));
	snprintf(out->kvm_backend, sizeof(out->kvm_backend), "%s", backend());
	for (unsigned i = 0; i < n_cpus && i < DIS_CORES_MAX; i++)
		out->cpus[out->n_cpus++] = cpus[i];
	hostcpus_format(out->cpus, out->n_cpus, out->cpu_list,
			sizeof(out->cpu_list));
	snprintf(out->commit, sizeof(out->commit), "%s", DISVM_COMMIT);
}
