/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of a run; see run_control.h. */
#include "cli/run_control.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/run_session.h"

/* As if the run ended now, but guests go on. */
static int write_report(void *ctx, FILE *to)
{
	struct run_session *session = ctx;
	struct run_report report;
	int ret;

	session->wall_ns =
		dis_clock_ns() - dis_executors_started_ns(session->execs);
	ret = run_report_fill(session, &report);
	if (!ret)
		ret = run_report_fill_cores(session, &report);
	if (!ret)
		ret = report_write_json(&report, to);
	run_report_free(&report);
	return ret;
}

static void set_io(void *ctx, unsigned vm,
		   const struct machine_io_limits *limits)
{
	const struct run_session *session = ctx;

	machine_io_set_limits(session->machines[vm], limits);
}

int run_control_open(struct run_session *session)
{
	const struct run_options *o = &session->options;
	struct run_control *control = &session->control;
	char err[256];
	int ret;

	if (!o->control_path)
		return CLI_DONE;
	control->pool = (struct ctl_pool){
		.dom = session->dom,
		.modules = o->modules,
		.threads = o->executor == RUN_EXECUTOR_THREADS,
		.n_disks = o->n_disks,
		.n_nets = o->n_nets,
		.set_io = set_io,
		.report = write_report,
		.ctx = session,
	};
	ret = ctl_server_open(o->control_path, &control->pool, &control->server,
			      err, sizeof(err));
	if (!ret)
		return CLI_DONE;
	cli_error("run", "--control: %s", err);
	return ret == -ENOMEM ? CLI_HOST : CLI_USAGE;
}

int run_control_begin(struct run_session *session)
{
	struct run_control *control = &session->control;

	if (!control->server)
		return CLI_DONE;
	control->vms = calloc(session->n_machines + 1u, sizeof(dis_id));
	if (!control->vms) {
		cli_error("run", "out of memory");
		return CLI_HOST;
	}
	for (unsigned i = 0; i < session->n_machines; i++)
		control->vms[i] = session->machines[i]->id;
	control->pool.vms = control->vms;
	control->pool.n_vms = session->n_machines;
	return CLI_DONE;
}

int run_control_fd(const struct run_session *session)
{
	const struct run_control *control = &session->control;

	return control->server ? ctl_server_fd(control->server) : -1;
}

void run_control_serve(struct run_session *session)
{
	if (session->control.server)
		ctl_server_run(session->control.server);
}

void run_control_close(struct run_session *session)
{
	struct run_control *control = &session->control;

	if (control->server)
		ctl_server_close(control->server);
	free(control->vms);
	*control = (struct run_control){0};
}
