/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread while guests run; see run_session.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/run_modules.h"
#include "cli/run_session.h"
#include "cli/run_signals.h"

#define TICK_MS 50
#define EVENTS_AT_ONCE 1024u

enum {
	POLL_ENDED,
	POLL_SERIAL,
	POLL_INPUT,
	POLL_ROOM,
	POLL_CONSOLE,
	POLL_CONSOLE_ROOM,
	POLL_TROUBLE,
	POLL_CONTROL,
	POLLS
};

struct wait {
	struct run_session *session;
	uint64_t start_ns;
	unsigned live;
	bool stopping;
	struct progress progress;
	struct dis_core_stats cores[DIS_CORES_MAX];
	bool input_open;
	char input[256]; /* read, but not yet taken by the guest */
	size_t input_len;
	int retry_ms; /* until the rest is offered again */
};

int run_drain_events(struct run_session *session)
{
	struct dis_event events[EVENTS_AT_ONCE];
	int err = 0;

	if (!session->trace)
		return 0;
	for (unsigned i = 0; i <= session->n_cores && !err; i++) {
		unsigned n;

		do {
			n = dis_domain_read_events(session->dom, i, events,
						   EVENTS_AT_ONCE);
			err = trace_events(session->trace, events, n);
		} while (n == EVENTS_AT_ONCE && !err);
	}
	return err;
}

static void stop_all(struct wait *w)
{
	struct run_session *session = w->session;

	if (w->stopping)
		return;
	w->stopping = true;
	for (unsigned i = 0; i < session->n_machines; i++)
		dis_vm_end(session->dom, session->machines[i]->id,
			   DIS_STATE_FINISHED, DIS_REASON_STOPPED);
}

static void show_progress(struct wait *w)
{
	struct run_session *session = w->session;
	const struct run_options *o = &session->options;
	struct progress_sample sample = {
		.elapsed_ns = dis_clock_ns() - w->start_ns,
		.limit_ns = o->time_limit_ns,
		.cores = w->cores,
		.live_vms = w->live,
		.vms = o->copies,
		.vcpus = o->copies * o->vcpus,
	};

	/* With a thread per vCPU there are no cores of our own to show. */
	if (o->executor == RUN_EXECUTOR_DIS)
		sample.n_cores = session->n_cores;
	for (unsigned i = 0; i < sample.n_cores; i++)
		dis_core_get_stats(dis_domain_core(session->dom, i),
				   &w->cores[i]);
	progress_update(&w->progress, &sample);
}

static void take_ended(struct wait *w)
{
	uint64_t ended;

	if (read(w->session->ended_fd, &ended, sizeof(ended)) ==
	    (ssize_t)sizeof(ended))
		w->live -= (unsigned)ended;
}

static void say_failures(struct wait *w)
{
	if (!atomic_load(&w->session->diag.failed))
		return;
	progress_end(&w->progress);
	run_diag_failures(w->session);
}

static void show_answers(struct wait *w)
{
	if (!w->session->diag.asking)
		return;
	progress_end(&w->progress);
	run_diag_poll(w->session);
}

static void read_input(struct wait *w)
{
	ssize_t n = read(STDIN_FILENO, w->input, sizeof(w->input));

	if (n > 0)
		w->input_len = (size_t)n;
	else
		w->input_open = false;
}

static void offer_input(struct wait *w)
{
	struct machine *machine = w->session->machines[0];
	size_t taken;

	if (!w->input_len)
		return;
	/* Who asked for a console types there. */
	if (w->session->options.console == RUN_OUTPUT_STDIO)
		taken = virtio_console_input(machine->io.console, w->input,
					     w->input_len);
	else
		taken = uart_input(&machine->uart, w->input, w->input_len);
	/* One that does not read is asked less and less often. */
	if (taken)
		w->retry_ms = 1;
	else if (w->retry_ms < TICK_MS)
		w->retry_ms *= 2;
	w->input_len -= taken;
	memmove(w->input, w->input + taken, w->input_len);
}

/* What guests have written to serial lines and consoles, and troubles of devices. */
static void show_output(struct wait *w, const struct pollfd *fds)
{
	struct run_session *session = w->session;

	if (fds[POLL_SERIAL].revents || fds[POLL_ROOM].revents) {
		progress_end(&w->progress);
		run_serial_flush(&session->lines, false);
	}
	if (session->io.to == &session->io.lines &&
	    (fds[POLL_CONSOLE].revents || fds[POLL_CONSOLE_ROOM].revents)) {
		progress_end(&w->progress);
		run_serial_flush(&session->io.lines, false);
	}
	if (fds[POLL_TROUBLE].revents) {
		progress_end(&w->progress);
		run_io_say_troubles(session);
	}
}

static void choose_polls(const struct wait *w, struct pollfd fds[POLLS])
{
	struct run_session *session = w->session;
	bool reads = w->input_open && !w->input_len;

	fds[POLL_ENDED] = (struct pollfd){session->ended_fd, POLLIN, 0};
	fds[POLL_SERIAL] = (struct pollfd){session->lines.fd, POLLIN, 0};
	fds[POLL_ROOM] = (struct pollfd){run_serial_stuck_fd(&session->lines),
					 POLLOUT, 0};
	fds[POLL_CONSOLE] = (struct pollfd){session->io.lines.fd, POLLIN, 0};
	fds[POLL_CONSOLE_ROOM] = (struct pollfd){
		run_serial_stuck_fd(&session->io.lines), POLLOUT, 0};
	fds[POLL_TROUBLE] = (struct pollfd){session->io.trouble_fd, POLLIN, 0};
	fds[POLL_CONTROL] = (struct pollfd){run_control_fd(session), POLLIN, 0};
	fds[POLL_INPUT] = (struct pollfd){reads ? STDIN_FILENO : -1, POLLIN, 0};
}

/* Milliseconds until there is something to do that no descriptor tells. */
static int timeout_ms(const struct wait *w, uint64_t now_ns)
{
	uint64_t limit_ns =
		dis_ns_add(w->start_ns, w->session->options.time_limit_ns);
	uint64_t left_ms = dis_ns_sub(limit_ns, now_ns) / DIS_MS_NS + 1;
	int tick_ms = w->input_len && w->retry_ms < TICK_MS ? w->retry_ms
							    : TICK_MS;

	if (w->session->diag.asking)
		tick_ms = 1;
	return !w->stopping && left_ms < (unsigned)tick_ms ? (int)left_ms
							   : tick_ms;
}

/*
 * poll() can lack memory, and nobody to tell this to: guests go on running.
 * Then a tick, and a look at all descriptors of which a read does not block.
 */
static void wait_for(struct pollfd *fds, int limit_ms)
{
	if (run_signals_poll(fds, POLLS, limit_ms) >= 0 || errno == EINTR)
		return;
	run_signals_poll(NULL, 0, TICK_MS);
	fds[POLL_ENDED].revents = POLLIN;
	fds[POLL_SERIAL].revents = POLLIN;
	fds[POLL_ROOM].revents = 0;
	fds[POLL_CONSOLE].revents = POLLIN;
	fds[POLL_CONSOLE_ROOM].revents = 0;
	fds[POLL_TROUBLE].revents = POLLIN;
}

static void watch_modules(struct wait *w, uint64_t now_ns)
{
	struct run_session *session = w->session;
	const struct run_options *o = &session->options;

	if (!o->modules)
		return;
	run_modules_say(session->dom, o->modules, o->n_modules,
			&session->modules_said);
	session->stuck = run_modules_stuck(session->dom, now_ns);
}

/* Of threads it is not known which CPU they have used. */
static void sample_host(struct run_session *session)
{
	bool pinned = session->options.executor == RUN_EXECUTOR_DIS;
	uint64_t own_ns[DIS_CORES_MAX];
	struct dis_host_load load;

	for (unsigned i = 0; pinned && i < session->n_cores; i++)
		own_ns[i] = dis_executors_cpu_ns(session->execs, i);
	host_load_sample(&session->host_load, pinned ? own_ns : NULL,
			 dis_clock_ns(), &load);
	dis_domain_set_host_load(session->dom, &load);
}

void run_wait(struct run_session *session)
{
	const struct run_options *o = &session->options;
	struct wait w = {
		.session = session,
		.start_ns = dis_executors_started_ns(session->execs),
		.live = session->n_machines,
		.retry_ms = 1,
		.input_open = o->copies == 1 &&
			      (o->serial == RUN_OUTPUT_STDIO ||
			       o->console == RUN_OUTPUT_STDIO),
	};

	dis_collect_begin(&session->stats.seconds, session->dom, w.start_ns);
	sample_host(session);
	progress_init(&w.progress, stderr);
	while (w.live && !session->stuck) {
		struct pollfd fds[POLLS];
		uint64_t now_ns = dis_clock_ns();

		if (now_ns - w.start_ns >= o->time_limit_ns)
			stop_all(&w);
		choose_polls(&w, fds);
		wait_for(fds, timeout_ms(&w, now_ns));
		dis_executors_watch(session->execs);
		if (fds[POLL_ENDED].revents)
			take_ended(&w);
		say_failures(&w);
		if (run_signals_stop())
			stop_all(&w);
		if (run_signals_take_ask())
			run_diag_ask(session);
		show_answers(&w);
		if (fds[POLL_INPUT].revents)
			read_input(&w);
		offer_input(&w);
		show_output(&w, fds);
		run_control_serve(session);
		/* A trace that cannot be written says so when it is closed. */
		run_drain_events(session);
		watch_modules(&w, now_ns);
		show_progress(&w);
		if (dis_collect_tick(&session->stats.seconds, session->dom,
				     dis_clock_ns()))
			sample_host(session);
	}
	progress_end(&w.progress);
}
