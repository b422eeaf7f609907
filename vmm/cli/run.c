/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm run: boots guests in this process, waits for them, reports.
 *
 * Top-down: cmd_run() parses, open_session() makes everything that can be
 * refused, run_guests() runs and takes the figures, close_session() releases
 * whatever there is, in reverse order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json_write.h"
#include "cli/option_limits.h"
#include "cli/run_confine.h"
#include "cli/run_dump.h"
#include "cli/run_modules.h"
#include "cli/run_outputs.h"
#include "cli/run_session.h"
#include "cli/run_signals.h"

#define ERR_BYTES 512
/* Events per core until the main thread drains them, every 50 ms. */
#define RING_EVENTS 65536u
#define RING_EVENTS_PER_VCPU 1024u
/* Events of different cores reach the trace at most this far apart. */
#define TRACE_DRAIN_NS (1 * DIS_S_NS)

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	struct machine *machine = vm;
	struct run_session *session = machine->owner;

	(void)reason;
	if (state == DIS_STATE_FAILED)
		run_diag_note_failed(session, machine);
	eventfd_write(session->ended_fd, 1);
}

static const struct dis_run_ops run_ops = {
	.run_begin = kvm_vcpu_run_begin,
	.run = kvm_vcpu_run,
	.run_interrupt = kvm_vcpu_run_interrupt,
	.preempted = kvm_vcpu_preempted,
	.inspect = kvm_vcpu_inspect,
	.ended = on_ended,
};

/* Each VM and vCPU is a descriptor: take what the hard limit gives. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_descriptors(struct run_session *s)
{
	run_signals_open();
	s->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->ended_fd < 0 || run_io_init(s)) {
		cli_error("run", "eventfd: %s", strerror(errno));
		return CLI_HOST;
	}
	return CLI_DONE;
}

static void on_serial(void *ctx, unsigned seq, const void *data, size_t len)
{
	struct run_session *s = ctx;
	char name[DIS_NAME_MAX], prefix[DIS_NAME_MAX + 2] = "";

	/* Several guests share the output: say whose line it is. */
	if (s->options.copies > 1) {
		run_vm_name(seq, name, sizeof(name));
		snprintf(prefix, sizeof(prefix), "%s: ", name);
	}
	run_serial_put(&s->lines, seq, prefix, data, len);
}

static void on_firmware_log(void *ctx, unsigned seq, const void *data,
			    size_t len)
{
	struct run_session *s = ctx;
	char name[DIS_NAME_MAX], prefix[DIS_NAME_MAX + 16];

	run_vm_name(seq, name, sizeof(name));
	snprintf(prefix, sizeof(prefix), "%s firmware: ", name);
	run_serial_put(&s->lines, seq, prefix, data, len);
}

static int open_kind(struct run_session *s)
{
	const struct run_options *o = &s->options;
	struct machine_spec spec = {
		.kernel_path = o->kernel,
		.firmware_path = o->firmware,
		.initrd_path = o->initrd,
		.cmdline = o->cmdline,
		.vcpus = o->vcpus,
		.mem_bytes = o->mem_bytes,
		.copies = o->copies,
		.intents = o->intents,
		.dtb = {.tree = o->dtb,
			.overlays = (const char *const *)o->dtb_overlays,
			.noverlays = o->n_dtb_overlays},
		.kernel_irqchip = o->irqchip == RUN_IRQCHIP_KERNEL,
		.profile = o->profile,
		.numa_node = o->numa_node,
		.serial = o->serial == RUN_OUTPUT_NONE ? NULL : on_serial,
		.firmware_log = o->firmware_log ? on_firmware_log : NULL,
		.serial_ctx = s,
	};
	enum machine_fault fault;
	char err[ERR_BYTES];

	run_io_spec(s, &spec.io);
	if (!machine_kind_open(&spec, &s->kind, &fault, err, sizeof(err)))
		return CLI_DONE;
	cli_error("run", "%s", err);
	return fault == MACHINE_FAULT_INPUT ? CLI_USAGE : CLI_HOST;
}

static int open_domain(struct run_session *s)
{
	const struct run_options *o = &s->options;
	bool threads = o->executor == RUN_EXECUTOR_THREADS;
	struct dis_domain_config cfg;
	cpu_set_t allowed;
	int err;

	dis_domain_config_init(&cfg);
	cfg.per_vcpu = threads;
	cfg.vms_max = (unsigned)o->slab_vms;
	cfg.vcpus_max = (unsigned)o->slab_vcpus;
	cfg.cores = s->n_cores = threads ? cfg.vcpus_max : o->n_cpus;
	cfg.mem_max_bytes = o->slab_mem_bytes;
	cfg.default_quantum_ns = o->quantum_ns;
	memcpy(cfg.quantum_ns, o->class_quantum_ns, sizeof(cfg.quantum_ns));
	memcpy(cfg.floor_permille, o->floor_permille,
	       sizeof(cfg.floor_permille));
	cfg.fixed_slices = o->fixed_slices;
	cfg.counters = o->counters;
	cfg.modules = o->modules;
	if (o->trace_path)
		cfg.ring_events = threads ? RING_EVENTS_PER_VCPU : RING_EVENTS;
	host_load_open(&s->host_load, "/proc", o->cpus, o->n_cpus);
	CPU_ZERO(&allowed);
	for (unsigned i = 0; i < o->n_cpus; i++)
		CPU_SET(o->cpus[i], &allowed);
	err = dis_executors_create(s->n_cores, threads ? NULL : o->cpus,
				   &allowed, &s->execs);
	if (!err) {
		if (o->profile)
			dis_executors_set_tick(s->execs, SAMPLES_PERIOD_NS);
		cfg.ops = &run_ops;
		cfg.host_ops = &dis_executor_host_ops;
		cfg.host = s->execs;
		err = dis_domain_create(&cfg, &s->dom);
	}
	for (unsigned k = 0; k < DIS_CLASSES && !err; k++)
		if (o->policy[k])
			err = dis_domain_set_policy(s->dom, (enum dis_class)k,
						    o->policy[k]);
	memcpy(cfg.policy, o->policy, sizeof(cfg.policy));
	s->rules = cfg;
	if (!err)
		return CLI_DONE;
	cli_error("run", "scheduler: %s", strerror(-err));
	return CLI_HOST;
}

static int open_trace(struct run_session *s, char *err, size_t err_size)
{
	const struct run_options *o = &s->options;
	const struct trace_config config = {
		.cpus = o->cpus,
		.modules = o->modules,
		.n_cores = o->executor == RUN_EXECUTOR_DIS ? o->n_cpus : 0,
		.start_ns = s->opened_ns,
		.drain_ns = TRACE_DRAIN_NS,
	};
	int ret;

	if (!o->trace_path)
		return 0;
	ret = trace_open(o->trace_path, &config, &s->trace, err, err_size);
	if (ret)
		return ret;
	trace_describe_pool(s->trace, &s->rules);
	for (unsigned vm = 0; vm < s->n_machines; vm++) {
		for (unsigned i = 0; i < o->vcpus; i++)
			trace_describe_vcpu(s->trace, vm, i, &o->intents[i]);
		trace_describe_shares(s->trace, vm, o->vm_min_permille,
				      o->vm_max_permille);
	}
	return 0;
}

static int spawn(struct run_session *s, unsigned seq)
{
	const struct run_options *o = &s->options;
	char name[DIS_NAME_MAX], err[ERR_BYTES];
	const struct dis_vm_spec spec = {
		.name = name,
		.tenant = o->tenant,
		.vcpus = o->vcpus,
		.mem_bytes = o->mem_bytes,
		.min_permille = o->vm_min_permille,
		.max_permille = o->vm_max_permille,
		.intents = o->intents,
	};
	enum machine_fault fault;
	int ret;
	dis_id id;

	run_vm_name(seq, name, sizeof(name));
	ret = dis_vm_spawn(s->dom, &spec, dis_clock_ns(), &id, err, sizeof(err));
	if (ret) {
		cli_error("run", "%s: %s", name, err);
		return ret == -EINVAL ? CLI_USAGE : CLI_REFUSED;
	}
	if (!machine_create(&s->kind, seq, s->dom, id, s, &s->machines[seq],
			    &fault, err, sizeof(err))) {
		s->n_machines++;
		return CLI_DONE;
	}
	dis_vm_reap_finish(s->dom, id);
	cli_error("run", "%s: %s", name, err);
	return fault == MACHINE_FAULT_INPUT ? CLI_USAGE : CLI_HOST;
}

static int spawn_all(struct run_session *s)
{
	int status = CLI_DONE;

	s->machines = calloc(s->options.copies, sizeof(struct machine *));
	if (!s->machines) {
		cli_error("run", "out of memory");
		return CLI_HOST;
	}
	status = run_make_vms(s);
	for (unsigned i = 0; i < s->options.copies && status == CLI_DONE; i++) {
		/* Left to run_wait(), which stops those that are there. */
		if (i && run_signals_stop())
			break;
		status = spawn(s, i);
	}
	return status;
}

/*
 * The trace after the spawns, as it empties its file at once; the events wait in
 * the rings. A refusal is an event as well, and has its line already.
 */
static int spawn_traced(struct run_session *s)
{
	char err[ERR_BYTES];
	int status = spawn_all(s);

	if (status != CLI_DONE && status != CLI_REFUSED)
		return status;
	if (open_trace(s, err, sizeof(err)) && status == CLI_DONE) {
		cli_error("run", "--trace: %s", err);
		status = CLI_USAGE;
	}
	return status;
}

static int check_limits(const struct run_session *s)
{
	char err[ERR_BYTES];

	if (!run_limits_refuse(&s->options, err, sizeof(err)))
		return CLI_DONE;
	cli_error("run", "%s", err);
	return CLI_REFUSED;
}

/* What the report needs of the host's files, which later cannot be opened. */
static void prepare_report(struct run_session *s)
{
	report_host_read(&s->host, s->options.cpus, s->options.n_cpus);
	json_write_prepare();
}

static int open_session(struct run_session *s)
{
	int status;

	raise_fd_limit();
	s->opened_ns = dis_clock_ns();
	prepare_report(s);
	status = check_limits(s);
	if (status == CLI_DONE)
		status = open_descriptors(s);
	if (status == CLI_DONE)
		status = open_kind(s);
	if (status == CLI_DONE)
		status = open_domain(s);
	if (status == CLI_DONE)
		status = run_outputs_open(s);
	if (status == CLI_DONE)
		status = run_control_open(s);
	if (status == CLI_DONE)
		status = run_confine_namespaces(s);
	if (status == CLI_DONE)
		status = spawn_traced(s);
	if (status == CLI_DONE)
		status = run_control_begin(s);
	if (status == CLI_DONE)
		status = run_outputs_commit(s);
	if (status == CLI_DONE)
		status = run_confine_enter(s);
	return status;
}

/* Gives all slots back; the executors answer at once, they are idle. */
static void reap_all(struct run_session *s)
{
	for (unsigned i = 0; i < s->n_machines; i++)
		dis_vm_reap_begin(s->dom, s->machines[i]->id);
	for (unsigned i = 0; i < s->n_machines; i++)
		while (dis_vm_reap_finish(s->dom, s->machines[i]->id) == -EAGAIN)
			sched_yield();
}

static int write_report(struct run_session *s, const struct run_report *report)
{
	const struct run_options *o = &s->options;
	FILE *to = s->report.file ? s->report.file : stdout;
	int err = o->report_json ? report_write_json(report, to)
				 : report_write_text(report, to);

	if (fflush(to) && !err)
		err = -errno;
	if (!err)
		return CLI_DONE;
	cli_error("run", "--report: %s: %s",
		  o->report_path ? o->report_path : "standard output",
		  strerror(-err));
	return CLI_HOST;
}

/* All guests have ended. What they said last is written. */
static void stop_devices(struct run_session *s)
{
	for (unsigned i = 0; i < s->n_machines; i++) {
		machine_io_stop(s->machines[i]);
		uart_flush(&s->machines[i]->uart);
	}
	run_io_flush_held(s);
	if (s->options.serial == RUN_OUTPUT_STDIO)
		run_serial_end_line(&s->lines);
	run_io_say_troubles(s);
	run_serial_flush(&s->lines, true);
	if (s->io.to && s->io.to != &s->lines)
		run_serial_flush(s->io.to, true);
}

static int start_threads(struct run_session *s)
{
	char err[ERR_BYTES];
	int status, ret;

	if (machine_kind_start(&s->kind, err, sizeof(err))) {
		cli_error("run", "%s", err);
		return CLI_HOST;
	}
	ret = dis_executors_start(s->execs, s->dom);
	if (ret) {
		cli_error("run", "executor threads: %s", strerror(-ret));
		return CLI_HOST;
	}
	status = run_confine_calls(s);
	if (status != CLI_DONE)
		dis_executors_stop(s->execs);
	return status;
}

static int run_guests(struct run_session *s)
{
	struct run_report report = {0};
	int status = start_threads(s), ret;

	if (status != CLI_DONE)
		return status;
	status = CLI_HOST;
	for (unsigned i = 0; i < s->n_machines; i++)
		dis_vm_start(s->dom, s->machines[i]->id);
	run_wait(s);
	run_control_close(s);
	/* Its thread does not end, and may use all there is. */
	if (s->stuck)
		return CLI_USAGE;
	stop_devices(s);
	ret = run_report_fill(s, &report);
	reap_all(s);
	dis_executors_stop(s->execs);
	s->wall_ns = dis_clock_ns() - dis_executors_started_ns(s->execs);
	run_modules_say(s->dom, s->options.modules, s->options.n_modules,
			&s->modules_said);
	if (!ret)
		ret = run_report_fill_cores(s, &report);
	if (ret)
		cli_error("run", "report: %s", strerror(-ret));
	else
		status = write_report(s, &report);
	for (unsigned i = 0; i < report.n_vms && status == CLI_DONE; i++)
		if (report.vms[i].state == DIS_STATE_FAILED)
			status = CLI_GUEST_FAILED;
	run_report_free(&report);
	return status;
}

static int close_trace(struct run_session *s)
{
	char err[ERR_BYTES];

	if (!s->trace)
		return CLI_DONE;
	run_drain_events(s);
	if (!trace_close(s->trace, dis_clock_ns(), err, sizeof(err)))
		return CLI_DONE;
	cli_error("run", "--trace: %s", err);
	return CLI_HOST;
}

/* Return: @status, or what went wrong in writing the rest. */
static int close_session(struct run_session *s, int status)
{
	int traced = close_trace(s);

	run_control_close(s);
	for (unsigned i = 0; i < s->n_machines; i++)
		machine_destroy(s->machines[i]);
	free(s->machines);
	if (s->dom)
		dis_domain_destroy(s->dom);
	if (s->execs)
		dis_executors_destroy(s->execs);
	run_diag_close(s);
	host_load_close(&s->host_load);
	confine_close(&s->confine);
	machine_kind_close(&s->kind);
	if (s->ended_fd >= 0)
		close(s->ended_fd);
	run_io_fini(s);
	run_serial_fini(&s->lines);
	status = run_outputs_close(s, status);
	return status == CLI_DONE ? traced : status;
}

int cmd_run(int argc, char **argv)
{
	struct run_session session = {.ended_fd = -1,
				      .lines.fd = -1,
				      .io = {.lines.fd = -1, .trouble_fd = -1},
				      .kind.kvm.fd = -1,
				      .host_load = HOST_LOAD_CLOSED,
				      .confine = CONFINE_NOTHING};
	char err[ERR_BYTES];
	int status;

	if (run_options_parse(argc, argv, &session.options, err, sizeof(err))) {
		cli_error("run", "%s", err);
		return CLI_USAGE;
	}
	if (session.options.help) {
		run_options_help(stdout);
		run_options_free(&session.options);
		return CLI_DONE;
	}
	if (session.options.dump_dtb) {
		status = open_kind(&session);
		if (status == CLI_DONE)
			status = run_dump_dtb(&session);
	} else {
		status = open_session(&session);
		if (status == CLI_DONE)
			status = run_guests(&session);
	}
	if (session.stuck)
		return status;
	status = close_session(&session, status);
	run_options_free(&session.options);
	return status;
}
