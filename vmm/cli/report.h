/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The report of a run: figures in, text or JSON out.
 *
 * Place in the flow: last step of cmd_run(). run.c fills a struct run_report
 * from the scheduler's figures and the guests' report blocks, once everything
 * has ended; nothing in here asks the scheduler or KVM.
 *
 * Invariant: everything a guest wrote enters through report_guest_read(), which
 * checks and cleans it.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_REPORT_H
#define DISVM_REPORT_H

#include <stdio.h>

#include <dis/intent.h>
#include <dis/module.h>
#include <disvm/guest_abi.h>

#include "diag/profile.h"
#include "report_devices.h"
#include "report_stats.h"

#define REPORT_SCHEMA "disvm.report/1"

/**
 * @kernel:      release of the host's kernel (uname).
 * @kvm_backend: module behind /dev/kvm, e.g. "kvm_intel"; "unknown" if none of
 *               those we know is loaded.
 * @cpus:        the @n_cpus host CPUs of the pool; @cpu_list as text.
 * @commit:      of this build.
 */
struct report_host {
	char kernel[80];
	char kvm_backend[32];
	unsigned cpus[DIS_CORES_MAX];
	unsigned n_cpus;
	char cpu_list[320];
	char commit[64];
};

/**
 * Latency figures in ns of a histogram; valid only if @counted > 0.
 *
 * A percentile is the upper end of its bucket (about 3 % wide), so that it
 * never flatters, but never more than @max_ns.
 */
struct report_latency {
	uint64_t counted;
	uint64_t p50_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t p999_ns;
	uint64_t max_ns;
};

/** What a guest measured itself on one vCPU. */
struct report_guest {
	char workload[32];
	bool done; /**< the workload ended (DISVM_REPORT_DONE) */
	uint64_t work;
	uint64_t wakes;
	uint64_t misses;  /**< late jobs and @skipped */
	uint64_t skipped; /**< of @wakes + @skipped that there were */
	uint64_t elapsed_ns;
	uint64_t steal_ns;
	struct report_latency lateness;
};

struct report_vcpu {
	unsigned index;
	struct dis_intent intent;
	enum dis_state state;
	struct dis_vcpu_stats stats;
	struct dis_history history;
	struct report_exit exits[REPORT_EXITS_MAX];
	unsigned n_exits;
	bool has_guest;
	struct report_guest guest;
};

/**
 * @detail: one line of explanation beside @reason, or "".
 * @diagnosis: of the vCPU that failed, or NULL.
 * @profile: NULL unless it was profiled.
 */
struct report_vm {
	uint32_t seq;
	char name[64];
	char tenant[DIS_NAME_MAX];
	struct dis_vcpu_stats sums;
	enum dis_state state;
	enum dis_reason reason;
	char detail[256];
	uint32_t exit_code;
	const struct cpu_snapshot *diagnosis;
	struct profile *profile;
	unsigned n_vcpus;
	struct report_vcpu *vcpus;
	unsigned n_devices;
	struct report_device *devices;
};

/**
 * @executor: "dis" or "threads".
 * @confined: bit per enum confine_part that is in force.
 * @cores:    figures of each core of the pool; with threads, whatever shares
 *            there are of them.
 * @cpus:     host CPU of core i under dis; not looked at with threads.
 * @policies: name of each class's policy at the end; NULL with threads.
 * @modules:  policy modules, @n_modules.
 * @stats:    NULL: none.
 * @diag:    names what diagnoses and profiles show; NULL where there are none.
 * @user_exits: returns of KVM_RUN to user space, all vCPUs.
 */
struct run_report {
	struct report_host host;
	const char *executor;
	unsigned confined;
	uint64_t wall_ns;
	unsigned n_cores;
	const struct dis_core_stats *cores;
	const unsigned *cpus;
	const char *policies[DIS_CLASSES];
	unsigned n_modules;
	struct dis_module_info *modules;
	uint64_t user_exits;
	const struct report_stats *stats;
	const struct diag *diag;
	unsigned n_vms;
	struct report_vm *vms;
};

/** Fill in kernel, KVM module, commit, and the @n_cpus <= DIS_CORES_MAX CPUs. */
void report_host_read(struct report_host *out, const unsigned *cpus,
		      unsigned n_cpus);

/**
 * report_guest_read - check and condense a report block.
 * @block: a copy of guest memory, not the memory itself.
 *
 * Text is cut to printable ASCII; figures are taken as the guest wrote them.
 *
 * Return: 0; -EINVAL if it is not a report block of our version.
 */
int report_guest_read(const struct disvm_guest_report *block,
		      struct report_guest *out);

/**
 * report_latency_read - figures of a histogram.
 * @buckets: DISVM_HIST_BUCKETS counts.
 * @max_ns:  the greatest value that went in.
 *
 * Percentiles are nearest-rank. All 0 for an empty histogram.
 */
struct report_latency report_latency_read(const uint32_t *buckets,
					  uint64_t max_ns);

/**
 * report_jain - Jain's fairness index of @n shares: (sum x)^2 / (n sum x^2),
 * from 1/n (one has all) to 1 (all equal). 1 if n is 0 or all shares are 0.
 * Source: Jain, Chiu, Hawe, DEC-TR-301 (1984).
 */
double report_jain(const uint64_t *shares, size_t n);

/** Jain's index of the CPU time of all vCPUs of the report. */
double report_fairness(const struct run_report *report);

/** Sum over all cores. */
struct dis_core_stats report_pool(const struct run_report *report);

/**
 * report_write_text - tables for people: plain ASCII, at most 110 columns. More
 * than REPORT_ROWS_MAX vCPUs are summed up per class, and only the first and
 * the worst are listed.
 * report_write_json - schema REPORT_SCHEMA, one object and a newline.
 *
 * Return: 0, or -errno: -EIO and the like from writing, -ENOMEM.
 */
#define REPORT_ROWS_MAX 32u
int report_write_text(const struct run_report *report, FILE *to);
int report_write_json(const struct run_report *report, FILE *to);

#endif
