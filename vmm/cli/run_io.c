/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the guests of a run; see run_io.h. */
#include "cli/run_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/run_session.h"

#define LOCALLY_ADMINISTERED 2u
#define MULTICAST 1u

int run_io_init(struct run_session *s)
{
	s->io.trouble_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->io.trouble_fd < 0 ? -errno : 0;
}

void run_io_fini(struct run_session *s)
{
	if (s->io.to == &s->io.lines)
		run_serial_fini(&s->io.lines);
	if (s->io.trouble_fd >= 0)
		close(s->io.trouble_fd);
	free(s->io.held);
}

static void put(struct run_session *s, unsigned seq, const void *data,
		size_t len)
{
	char name[DIS_NAME_MAX], prefix[DIS_NAME_MAX + 2] = "";

	if (s->io.held) {
		run_vm_name(seq, name, sizeof(name));
		snprintf(prefix, sizeof(prefix), "%s: ", name);
	}
	run_serial_put(s->io.to, seq, prefix, data, len);
}

static void put_held(struct run_session *s, unsigned seq)
{
	struct run_console_line *line = &s->io.held[seq];

	put(s, seq, line->text, line->len);
	line->len = 0;
}

/* Of several guests, whole lines; of one, what it says as it says it. */
static void on_console(void *ctx, unsigned seq, const void *data, size_t len)
{
	struct run_session *s = ctx;
	const char *bytes = data;

	if (!s->io.held) {
		put(s, seq, data, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		struct run_console_line *line = &s->io.held[seq];

		line->text[line->len++] = bytes[i];
		if (bytes[i] == '\n' || line->len == sizeof(line->text))
			put_held(s, seq);
	}
}

static void on_broken(void *ctx)
{
	const struct run_session *s = ctx;

	eventfd_write(s->io.trouble_fd, 1);
}

static void choose_mac(const struct run_net *net, uint8_t mac[6])
{
	memcpy(mac, net->mac, 6);
	if (net->has_mac)
		return;
	/* Another one each time: nothing here knows which are taken. */
	if (getrandom(mac, 6, 0) != 6)
		memset(mac, 0, 6);
	mac[0] = (uint8_t)((mac[0] & ~MULTICAST) | LOCALLY_ADMINISTERED);
}

static unsigned priority_of(int given)
{
	return given < 0 ? IO_PRIORITY_DEFAULT : (unsigned)given;
}

void run_io_spec(struct run_session *s, struct machine_io_spec *out)
{
	const struct run_options *o = &s->options;

	*out = (struct machine_io_spec){
		.n_disks = o->n_disks,
		.ata = o->firmware,
		.n_nets = o->n_nets,
		.entropy = o->entropy,
		.console = o->console == RUN_OUTPUT_NONE ? NULL : on_console,
		.bandwidth = o->io_bandwidth,
		.disk_priority = priority_of(o->io_priority),
		.net_priority = priority_of(o->net_priority),
		.broken = on_broken,
		.ctx = s,
	};
	for (unsigned i = 0; i < o->n_disks; i++)
		out->disks[i] = (struct machine_disk){
			.path = o->disks[i].path,
			.read_only = o->disks[i].read_only,
		};
	for (unsigned i = 0; i < o->n_nets; i++) {
		out->nets[i].tap = o->nets[i].tap;
		choose_mac(&o->nets[i], out->nets[i].mac);
	}
}

int run_io_open_lines(struct run_session *s, FILE *stdio)
{
	const struct run_options *o = &s->options;
	FILE *to = s->io.output.file ? s->io.output.file : stdio;
	int ret;

	if (o->console == RUN_OUTPUT_NONE)
		return 0;
	if (o->copies > 1) {
		s->io.held = calloc(o->copies, sizeof(*s->io.held));
		if (!s->io.held)
			return -ENOMEM;
	}
	if (o->console == RUN_OUTPUT_STDIO && o->serial == RUN_OUTPUT_STDIO) {
		s->io.to = &s->lines;
		return 0;
	}
	ret = run_serial_init(&s->io.lines, to, o->copies);
	if (!ret)
		s->io.to = &s->io.lines;
	return ret;
}

void run_io_flush_held(struct run_session *s)
{
	for (unsigned i = 0; s->io.held && i < s->n_machines; i++)
		if (s->io.held[i].len)
			put_held(s, i);
}

void run_io_say_troubles(struct run_session *s)
{
	char name[DIS_NAME_MAX], text[256];
	eventfd_t ignored;

	eventfd_read(s->io.trouble_fd, &ignored);
	for (unsigned i = 0; i < s->n_machines; i++) {
		while (machine_io_trouble(s->machines[i], text, sizeof(text))) {
			run_vm_name(i, name, sizeof(name));
			cli_error("run", "%s: %s: the device has stopped", name,
				  text);
		}
	}
}
