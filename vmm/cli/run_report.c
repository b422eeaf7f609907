/* SPDX-License-Identifier: Apache-2.0 */
/* From the session's figures to the report; see run_session.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run_session.h"
#include "kvm/exit.h"

void run_vm_name(unsigned seq, char *buf, size_t size)
{
	snprintf(buf, size, "vm%u", seq);
}

static void fill_exits(const struct kvm_vcpu *vcpu, struct report_vcpu *out)
{
	_Static_assert(EXIT_KINDS <= REPORT_EXITS_MAX, "room for every kind");
	for (unsigned i = 0; i < EXIT_KINDS; i++)
		out->exits[i] = (struct report_exit){
			.name = exit_kind_name((enum exit_kind)i),
			.count = __atomic_load_n(&vcpu->exits[i],
						 __ATOMIC_RELAXED),
		};
	out->n_exits = EXIT_KINDS;
}

static void fill_vcpu(const struct machine *machine, unsigned index,
		      struct report_vcpu *out)
{
	const struct dis_vcpu *vcpu = machine->vcpus[index].dis;
	struct disvm_guest_report block;

	out->index = index;
	out->intent = dis_vcpu_intent(vcpu);
	out->state = dis_vcpu_state(vcpu);
	dis_vcpu_get_stats(vcpu, &out->stats);
	dis_vcpu_get_history(vcpu, &out->history);
	fill_exits(&machine->vcpus[index], out);
	out->has_guest =
		!hypercall_read_report(&machine->hypercall, index, &block) &&
		!report_guest_read(&block, &out->guest);
}

static int fill_devices(struct machine *machine, struct report_vm *out)
{
	unsigned n = machine->io.n;

	_Static_assert(PC_VIRTIO_MAX <= REPORT_DEVICES_MAX, "room for each");
	out->devices = calloc(n + 1u, sizeof(*out->devices));
	if (!out->devices)
		return -ENOMEM;
	out->n_devices = n;
	for (unsigned i = 0; i < n; i++) {
		struct virtio_dev *dev = machine->io.devs[i];
		const struct virtio_stats *stats = &dev->stats;
		struct report_device *to = &out->devices[i];

		*to = (struct report_device){
			.name = dev->config.name,
			.requests = atomic_load(&stats->requests),
			.errors = atomic_load(&stats->errors),
			.notifications = atomic_load(&stats->notifies),
			.interrupts = atomic_load(&stats->interrupts),
			.read_bytes = atomic_load(&stats->read_bytes),
			.write_bytes = atomic_load(&stats->write_bytes),
		};
		virtio_trouble(dev, to->trouble, sizeof(to->trouble));
	}
	return 0;
}

static int fill_profile(const struct machine *machine, unsigned vcpus,
			struct report_vm *out)
{
	const struct samples *tables[DIS_VCPUS_PER_VM_MAX];

	for (unsigned i = 0; i < vcpus; i++)
		tables[i] = machine->vcpus[i].samples;
	out->profile = calloc(1, sizeof(*out->profile));
	return out->profile ? profile_make(tables, vcpus, out->profile)
			    : -ENOMEM;
}

static int fill_vm(const struct run_session *session, struct machine *machine,
		   struct report_vm *out)
{
	struct vm_failure *failure = &machine->vm.failure;
	struct dis_vm_info info;

	dis_vm_get_info(session->dom, machine->id, &info);
	out->seq = info.seq;
	snprintf(out->name, sizeof(out->name), "%s", info.name);
	snprintf(out->tenant, sizeof(out->tenant), "%s", info.tenant);
	dis_vm_get_stats(session->dom, machine->id, &out->sums);
	out->state = info.state;
	out->reason = info.reason;
	if (info.state == DIS_STATE_FAILED) {
		out->exit_code = failure->exit_code;
		cli_printable(out->detail, sizeof(out->detail), failure->detail,
			      strlen(failure->detail));
		if (failure->has_snapshot)
			out->diagnosis = &failure->snapshot;
	}
	out->vcpus = calloc(info.vcpus, sizeof(*out->vcpus));
	if (!out->vcpus)
		return -ENOMEM;
	out->n_vcpus = info.vcpus;
	for (unsigned i = 0; i < info.vcpus; i++)
		fill_vcpu(machine, i, &out->vcpus[i]);
	/* Executors write samples until then. */
	if (machine->vm.profile && info.ended &&
	    fill_profile(machine, info.vcpus, out))
		return -ENOMEM;
	return fill_devices(machine, out);
}

static void fill_tenants(const struct run_session *session,
			 struct report_stats *stats)
{
	stats->n_tenants = 0;
	while (stats->n_tenants < DIS_TENANTS_MAX &&
	       !dis_domain_get_tenant(session->dom, stats->n_tenants,
				      &stats->tenants[stats->n_tenants]))
		stats->n_tenants++;
}

int run_report_fill(struct run_session *session, struct run_report *report)
{
	const struct run_options *o = &session->options;

	*report = (struct run_report){
		.executor = o->executor == RUN_EXECUTOR_DIS ? "dis" : "threads",
		.confined = session->confine.parts,
		.host = session->host,
		.cpus = o->cpus,
	};
	fill_tenants(session, &session->stats);
	dis_domain_count_states(session->dom, session->stats.states_now,
				session->stats.states_total);
	report->vms = calloc(session->n_machines, sizeof(*report->vms));
	if (!report->vms)
		return -ENOMEM;
	report->n_vms = session->n_machines;
	for (unsigned i = 0; i < report->n_vms; i++) {
		struct report_vm *vm = &report->vms[i];
		int err = fill_vm(session, session->machines[i], vm);

		if (err)
			return err;
		for (unsigned k = 0; k < vm->n_vcpus; k++)
			report->user_exits += vm->vcpus[k].stats.user_exits;
		if ((vm->diagnosis || vm->profile) && !report->diag)
			report->diag = run_diag_tools(session);
	}
	return 0;
}

/* All threads' figures as one core; the CPUs are idle when no thread runs. */
static void sum_threads(const struct run_session *session,
			struct dis_core_stats *out)
{
	uint64_t *sum = (uint64_t *)out;
	uint64_t capacity_ns = session->wall_ns * session->options.n_cpus;

	for (unsigned i = 0; i < session->n_cores; i++) {
		struct dis_core_stats stats;
		const uint64_t *add = (const uint64_t *)&stats;

		dis_core_get_stats(dis_domain_core(session->dom, i), &stats);
		for (size_t k = 0; k < sizeof(stats) / sizeof(*add); k++)
			sum[k] += add[k];
	}
	out->idle_ns = dis_ns_sub(capacity_ns, out->charged_ns);
}

static int fill_policies(const struct run_session *session,
			 struct run_report *report)
{
	const struct run_options *o = &session->options;

	for (unsigned k = 0; k < DIS_CLASSES; k++)
		report->policies[k] = dis_domain_get_policy(session->dom,
							    (enum dis_class)k,
							    NULL)
					      ->name;
	report->modules = calloc(o->n_modules + 1u, sizeof(*report->modules));
	if (!report->modules)
		return -ENOMEM;
	for (unsigned i = 0; i < o->n_modules; i++)
		dis_modules_get_info(o->modules, i, &report->modules[i]);
	report->n_modules = o->n_modules;
	return 0;
}

/* Of all cores that become core @to of the report. */
static void add_queues(const struct dis_core *core,
		       struct dis_queue_stats to[DIS_CLASSES])
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		struct dis_queue_stats more, *sum = &to[k];

		dis_core_get_queue(core, (enum dis_class)k, &more);
		sum->length += more.length;
		sum->length_max = dis_ns_max(sum->length_max, more.length_max);
		sum->enqueued += more.enqueued;
		sum->dequeued += more.dequeued;
		sum->waits += more.waits;
		sum->wait_ns += more.wait_ns;
	}
}

/* The collector and the host's load are there already, from run_wait(). */
static void fill_stats(struct run_session *session)
{
	bool threads = session->options.executor == RUN_EXECUTOR_THREADS;
	struct report_stats *stats = &session->stats;

	stats->start_ns = dis_executors_started_ns(session->execs);
	stats->counters = dis_domain_counts(session->dom);
	dis_domain_get_totals(session->dom, stats->start_ns + session->wall_ns,
			      &stats->totals);
	memset(stats->queues, 0, sizeof(stats->queues));
	for (unsigned i = 0; i < session->n_cores; i++)
		add_queues(dis_domain_core(session->dom, i),
			   stats->queues[threads ? 0 : i]);
	dis_domain_get_host_load(session->dom, &stats->host_load);
}

int run_report_fill_cores(struct run_session *session, struct run_report *report)
{
	bool threads = session->options.executor == RUN_EXECUTOR_THREADS;
	unsigned n = threads ? 1 : session->n_cores;
	struct dis_core_stats *cores = calloc(n, sizeof(*cores));

	if (!cores)
		return -ENOMEM;
	if (threads)
		sum_threads(session, cores);
	else
		for (unsigned i = 0; i < n; i++)
			dis_core_get_stats(dis_domain_core(session->dom, i),
					   &cores[i]);
	fill_stats(session);
	report->stats = &session->stats;
	report->wall_ns = session->wall_ns;
	report->cores = cores;
	report->n_cores = n;
	return threads ? 0 : fill_policies(session, report);
}

void run_report_free(struct run_report *report)
{
	for (unsigned i = 0; i < report->n_vms; i++) {
		free(report->vms[i].profile);
		free(report->vms[i].vcpus);
		free(report->vms[i].devices);
	}
	free(report->vms);
	free((void *)report->cores);
	free(report->modules);
}
