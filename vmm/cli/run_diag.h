/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Diagnosis of the guests of a run: what is said when one fails, and of all of
 * them when somebody sends SIGUSR1.
 *
 * Place in the flow: run_wait.c calls it when VMs have ended or the signal came;
 * run_report.c asks for the tools when the report has something to name.
 * Locking: the main thread, but for run_diag_note_failed().
 */
#ifndef DISVM_RUN_DIAG_H
#define DISVM_RUN_DIAG_H

#include <stdatomic.h>

#include "diag/diag.h"
#include "diag/samples.h"

struct machine;
struct run_session;

/**
 * @tools:     opened with the first report that needs them, see run_diag_tools().
 * @failed:    LIFO of VMs that have failed and of which nothing was said yet.
 * @said:      VMs that had their block.
 * @asking:    the vCPUs of VM number @vm are being asked, and are to answer in
 *             @answers, one each, and what a profile has so far in @samples.
 * @ask_again: somebody asked meanwhile.
 */
struct run_diag {
	struct diag tools;
	struct symbols *symbols;
	_Atomic(struct machine *) failed;
	unsigned said;
	bool asking;
	bool ask_again;
	unsigned vm;
	struct cpu_snapshot *answers;
	struct samples *samples;
};

/** An executor: @machine has failed. It does not block. */
void run_diag_note_failed(struct run_session *session, struct machine *machine);

/**
 * run_diag_tools - disassembler, and names if the kernel has some.
 * Return: NULL without memory, which was said then.
 */
const struct diag *run_diag_tools(struct run_session *session);

/** Says why VMs have failed that were noted; of the first few at length. */
void run_diag_failures(struct run_session *session);

/**
 * run_diag_ask - begin to show the state of all vCPUs on standard error, and where
 * they were found so far if they are profiled.
 *
 * Each vCPU is asked for a snapshot and goes on; run_diag_poll() writes what has
 * come in.
 */
void run_diag_ask(struct run_session *session);

/** While `asking`, again and again: writes what is complete. */
void run_diag_poll(struct run_session *session);

/** Executors have stopped. A no-op if not opened. */
void run_diag_close(struct run_session *session);

#endif
