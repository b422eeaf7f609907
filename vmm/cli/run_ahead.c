/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs of many copies, made before any of them has vCPUs: machine.h says why.
 * Place in the flow: run.c, before it spawns.
 */
#include "cli/cli.h"
#include "cli/run_session.h"
#include "cli/run_signals.h"

/* A tenth of a second at most, until the next look at the signals. */
#define VMS_AT_ONCE 64u

int run_make_vms(struct run_session *s)
{
	unsigned left = s->options.copies;
	char err[256];

	/* The others are going to be refused. */
	if (left > s->options.slab_vms)
		left = (unsigned)s->options.slab_vms;
	while (left && !run_signals_stop()) {
		unsigned n = left < VMS_AT_ONCE ? left : VMS_AT_ONCE;

		if (machine_kind_make_vms(&s->kind, n, err, sizeof(err))) {
			cli_error("run", "%s", err);
			return CLI_HOST;
		}
		left -= n;
	}
	return CLI_DONE;
}
