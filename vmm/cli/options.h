/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options of `disvm run`: from arguments and a configuration file to figures
 * that were all checked.
 *
 * Place in the flow: first step of cmd_run(). Defaults, then the configuration
 * file, then the command line are applied through the same table
 * (option_table.h); what is left afterwards is consistent or refused.
 *
 * Invariant: a struct run_options that run_options_parse() filled without error
 * needs no further check of ranges, except by the host (memory, files).
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OPTIONS_H
#define DISVM_OPTIONS_H

#include <stdio.h>

#include <dis/intent.h>
#include <dis/module.h>

#include "pc_map.h"

#define RUN_VCPUS_MAX 256u
#define RUN_COPIES_MAX 100000u
#define RUN_MODULES_MAX 64u
#define RUN_DTB_OVERLAYS_MAX 15u
#define RUN_DEVICES_MAX PC_VIRTIO_MAX

enum run_executor {
	RUN_EXECUTOR_DIS,
	RUN_EXECUTOR_THREADS,
};

enum run_irqchip {
	RUN_IRQCHIP_USER,
	RUN_IRQCHIP_KERNEL,
};

enum run_confine {
	RUN_CONFINE_AUTO,
	RUN_CONFINE_FULL,
	RUN_CONFINE_OFF,
};

enum run_output {
	RUN_OUTPUT_NONE,
	RUN_OUTPUT_STDIO,
	RUN_OUTPUT_FILE,
};

struct run_disk {
	char *path;
	bool read_only;
};

/** @mac: only with @has_mac. */
struct run_net {
	char *tap;
	bool has_mac;
	uint8_t mac[6];
};

/**
 * @kernel, @firmware: one of them, the other is NULL.
 * @firmware_log: show what it logs.
 * @initrd, @cmdline: initrd may be NULL, cmdline is "" if not given.
 * @dtb, @dtb_overlays: files to merge into the device tree; NULL and 0 for none.
 * @dump_dtb: write the device tree there and do nothing else; or NULL.
 * @intents:  of vCPU 0 .. @vcpus - 1 of every copy, validated for the pool.
 * @cpus:     host CPU of core i of the pool, ascending; @n_cpus >= 1.
 * @vm_min_permille, @vm_max_permille: shares of each copy; 0: none.
 * @mem_limit_bytes: most that --mem may be; 0: none.
 * @numa_node: of memory and pool; -1: any.
 * @io_priority, @net_priority: -1: not given. @io_bandwidth: bytes per second, 0:
 *            no limit. @mem_bandwidth: was asked for. See run_limits_refuse().
 * @quantum_ns: of vCPUs without declared intent.
 * @class_quantum_ns, @floor_permille: as in struct dis_domain_config.
 * @modules:  policy modules that were loaded, NULL for none; @n_modules.
 * @policy:   of each class, of this build or of @modules; NULL for its default.
 * @fixed_slices, @counters: as in struct dis_domain_config.
 * @profile:  sample where the guests run.
 * @tenant:   of all copies.
 * @slab_vms, @slab_vcpus, @slab_mem_bytes: limits; what @copies need if not
 *            given, so never 0.
 * @time_limit_ns: DIS_NEVER_NS without limit.
 * @serial:   RUN_OUTPUT_STDIO: standard output, or standard error if the
 *            report takes standard output; _FILE: @serial_path.
 * @console:  as @serial, of the virtio console; RUN_OUTPUT_NONE: there is none.
 * @report_json: JSON instead of the text; @report_path is where it goes, NULL
 *            for standard output.
 * @trace_path: NULL without trace.
 * @control_path: of the control socket; NULL without.
 * @help:     --help was asked for; nothing else is set then.
 */
struct run_options {
	char *kernel;
	char *firmware;
	bool firmware_log;
	char *initrd;
	char *cmdline;
	char *dtb;
	char *dtb_overlays[RUN_DTB_OVERLAYS_MAX];
	unsigned n_dtb_overlays;
	char *dump_dtb;
	unsigned vcpus;
	uint64_t mem_bytes;
	unsigned copies;
	struct dis_intent intents[RUN_VCPUS_MAX];
	unsigned cpus[DIS_CORES_MAX];
	unsigned n_cpus;
	unsigned vm_min_permille;
	unsigned vm_max_permille;
	uint64_t mem_limit_bytes;
	int numa_node;
	int io_priority;
	int net_priority;
	uint64_t io_bandwidth;
	bool mem_bandwidth;
	struct run_disk disks[RUN_DEVICES_MAX];
	unsigned n_disks;
	struct run_net nets[RUN_DEVICES_MAX];
	unsigned n_nets;
	bool entropy;
	uint64_t quantum_ns;
	uint64_t class_quantum_ns[DIS_CLASSES];
	unsigned floor_permille[DIS_CLASSES];
	struct dis_modules *modules;
	unsigned n_modules;
	const struct dis_policy_ops *policy[DIS_CLASSES];
	bool fixed_slices;
	bool counters;
	bool profile;
	char *tenant;
	uint64_t slab_vms;
	uint64_t slab_vcpus;
	uint64_t slab_mem_bytes;
	enum run_executor executor;
	enum run_irqchip irqchip;
	enum run_confine confine;
	uint64_t time_limit_ns;
	enum run_output serial;
	char *serial_path;
	enum run_output console;
	char *console_path;
	bool report_json;
	char *report_path;
	char *trace_path;
	char *control_path;
	bool help;
};

/**
 * run_options_parse - read the arguments of `disvm run`.
 * @argv: argv[0] is the verb and is skipped; not kept and not written to.
 * @out:  filled on success; release with run_options_free().
 * @err:  one line without "disvm run:" that names option or key; on error.
 *
 * Context: not thread safe (getopt).
 * Return: 0; -EINVAL for wrong usage or invalid values (exit 2), -ENOMEM.
 */
int run_options_parse(int argc, char **argv, struct run_options *out, char *err,
		      size_t err_size);

/** Release what a successful parse allocated. */
void run_options_free(struct run_options *options);

/** Write the text of `disvm run --help`. */
void run_options_help(FILE *to);

#endif
