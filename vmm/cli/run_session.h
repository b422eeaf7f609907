/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One `disvm run`: what run.c sets up, run_wait.c waits on and run_report.c
 * reads.
 *
 * Place in the flow: private to these three files.
 * Locking: the main thread; `ended_fd` is written by executors.
 */
#ifndef DISVM_RUN_SESSION_H
#define DISVM_RUN_SESSION_H

#include <dis/domain.h>
#include <dis/executor.h>

#include "cli/host_load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/run_control.h"
#include "cli/run_diag.h"
#include "cli/run_io.h"
#include "cli/run_serial.h"
#include "cli/trace.h"
#include "confine.h"
#include "machine.h"

struct run_session {
	struct run_options options;
	struct machine_kind kind;
	struct dis_executors *execs;
	struct dis_domain *dom;
	struct dis_domain_config rules; /* as the trace describes them */
	unsigned n_cores;          /* of the domain: pool, or one per vCPU */
	struct machine **machines; /* options.copies, NULL where not built */
	unsigned n_machines;
	int ended_fd; /* eventfd: VMs that ended */
	struct trace *trace;
	struct output serial;    /* open only if in a file of its own */
	struct run_serial lines; /* on their way there */
	struct output report;    /* likewise */
	struct run_io io;
	struct run_control control;
	uint64_t modules_said; /* bit per policy module whose failure was said */
	bool stuck;            /* a core is lost in a policy module */
	struct host_load host_load;
	struct confine confine;
	struct report_host host;
	struct report_stats stats;
	struct run_diag diag;
	uint64_t opened_ns;
	uint64_t wall_ns;
};

/** Name that people see: "vm3". */
void run_vm_name(unsigned seq, char *buf, size_t size);

/**
 * run_make_vms - KVM's VMs for all copies; a signal ends it early.
 * Return: exit status, with its line written.
 */
int run_make_vms(struct run_session *session);

/**
 * run_wait - until all VMs have ended, stopping them at the time limit or on a
 * signal. Draws progress, drains events, feeds standard input to the serial
 * line of a single guest.
 *
 * Context: main thread. It does not fail: executors run the guests' vCPUs until
 * all have ended, and nothing of them may be released before. A host without
 * memory for poll() makes it slower, and deaf to standard input. Only a policy
 * module that does not return makes it give up: `stuck` is set, and its line
 * written.
 */
void run_wait(struct run_session *session);

/** Hands all events that are there to the trace. Return: 0 or -errno. */
int run_drain_events(struct run_session *session);

/**
 * run_report_fill - figures of all VMs, none of which was reaped: in the end, or so
 * far.
 * Return: 0 or -ENOMEM. Release with run_report_free().
 */
int run_report_fill(struct run_session *session, struct run_report *report);
/** Adds wall time, of `wall_ns`, and cores. */
int run_report_fill_cores(struct run_session *session,
			  struct run_report *report);
void run_report_free(struct run_report *report);

#endif
