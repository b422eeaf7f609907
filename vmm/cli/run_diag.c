/* SPDX-License-Identifier: Apache-2.0 */
/* Names, and what is said of guests that failed; see run_diag.h. */
#include "cli/run_diag.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/run_session.h"

/* Of so many VMs that fail the state is written out. */
#define BLOCKS_MAX 8u

/*
 * Firmware and a kernel without names have none; only a table that is damaged is
 * worth a line.
 */
static void read_symbols(struct run_session *s)
{
	const struct kernel_image *kernel = s->kind.kernel;
	char err[256];
	int ret;

	if (!kernel)
		return;
	ret = symbols_read(kernel->file.bytes, kernel->file.size_bytes,
			   &s->diag.symbols, err, sizeof(err));
	if (ret && ret != -ENOENT)
		cli_error("run", "%s: %s: no names in the diagnosis",
			  kernel->path, err);
	s->diag.tools.symbols = s->diag.symbols;
}

const struct diag *run_diag_tools(struct run_session *session)
{
	struct diag *tools = &session->diag.tools;

	if (tools->disasm)
		return tools;
	if (disasm_open(&tools->disasm)) {
		cli_error("run", "diagnosis: out of memory");
		return NULL;
	}
	read_symbols(session);
	return tools;
}

void run_diag_note_failed(struct run_session *session, struct machine *machine)
{
	struct machine *head = atomic_load(&session->diag.failed);

	do {
		machine->next_failed = head;
	} while (!atomic_compare_exchange_weak(&session->diag.failed, &head,
					       machine));
}

/* Those noted so far, in the order in which they failed. */
static struct machine *take_failed(struct run_session *session)
{
	struct machine *list = atomic_exchange(&session->diag.failed, NULL);
	struct machine *fifo = NULL, *next;

	for (; list; list = next) {
		next = list->next_failed;
		list->next_failed = fifo;
		fifo = list;
	}
	return fifo;
}

static void say_failed(struct run_session *session, struct machine *machine)
{
	const struct vm_failure *failure = &machine->vm.failure;
	const struct diag *tools;
	char name[DIS_NAME_MAX];

	run_vm_name(machine->seq, name, sizeof(name));
	if (*failure->detail)
		cli_error("run", "%s failed: %s", name, failure->detail);
	else
		cli_error("run", "%s failed: killed", name);
	if (!failure->has_snapshot)
		return;
	tools = run_diag_tools(session);
	if (tools)
		diag_write_text(tools, name, &failure->snapshot, stderr);
}

void run_diag_failures(struct run_session *session)
{
	struct run_diag *diag = &session->diag;
	struct machine *list = take_failed(session);
	struct machine *machine;

	/* Their last words stand before what is said of them. */
	for (machine = list; machine; machine = machine->next_failed)
		uart_flush(&machine->uart);
	run_serial_flush(&session->lines, false);
	for (machine = list; machine; machine = machine->next_failed) {
		if (diag->said < BLOCKS_MAX)
			say_failed(session, machine);
		else if (diag->said == BLOCKS_MAX)
			cli_error("run", "more guests have failed: see the "
					 "report, or --report json");
		diag->said++;
	}
}

void run_diag_close(struct run_session *session)
{
	struct run_diag *diag = &session->diag;

	disasm_close(diag->tools.disasm);
	symbols_free(diag->symbols);
	free(diag->answers);
	free(diag->samples);
	*diag = (struct run_diag){0};
}
