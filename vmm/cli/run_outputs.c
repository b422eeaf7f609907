/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a run writes; see run_outputs.h. */
#include "cli/run_outputs.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run_session.h"

static int open_output(struct output *out, const char *option, const char *path)
{
	int err = path ? output_open(out, path) : 0;

	if (!err)
		return CLI_DONE;
	cli_error("run", "--%s: %s: %s", option, path, strerror(-err));
	return CLI_USAGE;
}

int run_outputs_open(struct run_session *s)
{
	const struct run_options *o = &s->options;
	bool stdout_taken = o->report_json && !o->report_path;
	int status = open_output(&s->serial, "serial", o->serial_path);
	FILE *to = s->serial.file;
	FILE *stdio = stdout_taken ? stderr : stdout;

	if (status == CLI_DONE)
		status = open_output(&s->report, "report", o->report_path);
	if (status == CLI_DONE)
		status = open_output(&s->io.output, "console", o->console_path);
	if (status != CLI_DONE)
		return status;
	if (o->serial == RUN_OUTPUT_STDIO)
		to = stdio;
	if (!run_serial_init(&s->lines, to, o->copies) &&
	    !run_io_open_lines(s, stdio))
		return CLI_DONE;
	cli_error("run", "serial output: out of memory");
	return CLI_HOST;
}

int run_outputs_commit(struct run_session *s)
{
	struct output *outputs[] = {&s->serial, &s->report, &s->io.output};

	for (unsigned i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		int err = outputs[i]->file ? output_commit(outputs[i]) : 0;

		if (err) {
			cli_error("run", "%s: %s", outputs[i]->path,
				  strerror(-err));
			return CLI_HOST;
		}
	}
	for (unsigned i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++)
		output_keep(outputs[i]);
	return CLI_DONE;
}

static int close_output(struct output *out)
{
	int err = output_close(out);

	if (!err)
		return CLI_DONE;
	cli_error("run", "%s: %s", out->path, strerror(-err));
	return CLI_HOST;
}

int run_outputs_close(struct run_session *s, int status)
{
	int serial, report, console;

	if (status != CLI_DONE && status != CLI_GUEST_FAILED) {
		output_discard(&s->serial);
		output_discard(&s->report);
		output_discard(&s->io.output);
		return status;
	}
	serial = close_output(&s->serial);
	report = close_output(&s->report);
	console = close_output(&s->io.output);
	if (serial != CLI_DONE)
		return serial;
	if (console != CLI_DONE)
		return console;
	return report == CLI_DONE ? status : report;
}
