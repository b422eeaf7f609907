/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of all vCPUs on request; see run_diag.h. One VM after the other: its
 * vCPUs are all asked at once, and written when all have answered.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/run_diag.h"
#include "cli/run_session.h"
#include "diag/profile.h"

static void ask_vm(struct run_session *session)
{
	const struct machine *machine = session->machines[session->diag.vm];
	struct run_diag *diag = &session->diag;

	for (unsigned i = 0; i < session->options.vcpus; i++)
		kvm_vcpu_ask(&machine->vcpus[i], &diag->answers[i],
			     diag->samples ? &diag->samples[i] : NULL);
}

static bool make_room(struct run_session *session)
{
	const struct run_options *o = &session->options;
	struct run_diag *diag = &session->diag;

	if (!diag->answers)
		diag->answers = calloc(o->vcpus, sizeof(*diag->answers));
	if (!diag->samples && o->profile)
		diag->samples = calloc(o->vcpus, sizeof(*diag->samples));
	return diag->answers && (diag->samples || !o->profile);
}

void run_diag_ask(struct run_session *session)
{
	struct run_diag *diag = &session->diag;

	if (diag->asking) {
		diag->ask_again = true;
		return;
	}
	if (!session->n_machines)
		return;
	if (!make_room(session)) {
		cli_error("run", "diagnosis: out of memory");
		return;
	}
	diag->asking = true;
	diag->vm = 0;
	ask_vm(session);
}

static bool all_answered(const struct run_session *session)
{
	const struct machine *machine = session->machines[session->diag.vm];

	for (unsigned i = 0; i < session->options.vcpus; i++)
		if (!kvm_vcpu_answered(&machine->vcpus[i]))
			return false;
	return true;
}

static void write_profile(const struct run_session *session,
			  const struct diag *tools, const char *name)
{
	const struct samples *tables[DIS_VCPUS_PER_VM_MAX];
	struct profile profile;

	for (unsigned i = 0; i < session->options.vcpus; i++)
		tables[i] = &session->diag.samples[i];
	if (profile_make(tables, session->options.vcpus, &profile))
		cli_error("run", "profile: out of memory");
	else
		profile_write_text(tools, name, &profile, stderr);
}

static void write_vm(struct run_session *session)
{
	const struct machine *machine = session->machines[session->diag.vm];
	const struct diag *tools = run_diag_tools(session);
	char name[DIS_NAME_MAX];

	run_vm_name(machine->seq, name, sizeof(name));
	for (unsigned i = 0; i < session->options.vcpus && tools; i++)
		diag_write_text(tools, name, &session->diag.answers[i], stderr);
	if (tools && session->diag.samples)
		write_profile(session, tools, name);
}

void run_diag_poll(struct run_session *session)
{
	struct run_diag *diag = &session->diag;

	if (!diag->asking || !all_answered(session))
		return;
	write_vm(session);
	diag->vm++;
	if (diag->vm < session->n_machines) {
		ask_vm(session);
		return;
	}
	diag->asking = false;
	if (diag->ask_again) {
		diag->ask_again = false;
		run_diag_ask(session);
	}
}
