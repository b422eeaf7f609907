/* SPDX-License-Identifier: Apache-2.0 */
/* The host's load; see host_load.h. */
#include "host_load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 512u
#define READ_BYTES 4096u
/* Columns of a CPU in /proc/stat, see proc(5); guest time is part of user. */
enum column {
	USER,
	NICE,
	SYSTEM,
	IDLE,
	IO_WAIT,
	IRQ,
	SOFT_IRQ,
	STEAL,
	COLUMNS,
};

static const char *const file_names[HOST_LOAD_FILES] = {
	[HOST_LOAD_STAT] = "stat",
	[HOST_LOAD_LOADAVG] = "loadavg",
	[HOST_LOAD_MEMINFO] = "meminfo",
	[HOST_LOAD_MEMORY_STALL] = "pressure/memory",
	[HOST_LOAD_IO_STALL] = "pressure/io",
};

/* Lines of a file from its begin. Not stdio, which may show what it read before. */
struct reader {
	int fd;
	off_t offset;
	char bytes[READ_BYTES];
	size_t used, count;
};

static int next_byte(struct reader *r)
{
	if (r->used == r->count) {
		ssize_t n = pread(r->fd, r->bytes, sizeof(r->bytes), r->offset);

		if (n <= 0)
			return -1;
		r->offset += n;
		r->used = 0;
		r->count = (size_t)n;
	}
	return (unsigned char)r->bytes[r->used++];
}

/* Without its end; of a long one the begin. Return: false at the end of the file. */
static bool next_line(struct reader *r, char line[LINE_BYTES])
{
	size_t length = 0;
	int byte = next_byte(r);

	if (byte < 0)
		return false;
	for (; byte >= 0 && byte != '\n'; byte = next_byte(r))
		if (length < LINE_BYTES - 1)
			line[length++] = (char)byte;
	line[length] = '\0';
	return true;
}

void host_load_open(struct host_load *load, const char *proc,
		    const unsigned *cpus, unsigned n_cores)
{
	int dir = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*load = (struct host_load){.cpus = cpus, .n_cores = n_cores};
	for (unsigned i = 0; i < HOST_LOAD_FILES; i++)
		load->fds[i] = openat(dir, file_names[i], O_RDONLY | O_CLOEXEC);
	if (dir >= 0)
		close(dir);
}

void host_load_close(struct host_load *load)
{
	for (unsigned i = 0; i < HOST_LOAD_FILES; i++)
		if (load->fds[i] >= 0)
			close(load->fds[i]);
}

/* "cpu3 10 20 ..."; @number: -1 for the sum of all. */
static bool parse_cpu(const char *line, int *number, struct host_cpu_ticks *out)
{
	uint64_t t[COLUMNS] = {0};
	unsigned cpu;
	int at = 0;

	if (strncmp(line, "cpu", 3) != 0)
		return false;
	/* Not %u alone, which would skip the spaces after a bare "cpu". */
	if (line[3] == ' ') {
		*number = -1;
		at = 4;
	} else if (sscanf(line, "cpu%u %n", &cpu, &at) == 1 && at &&
		   cpu <= INT32_MAX) {
		*number = (int)cpu;
	} else {
		return false;
	}
	/* Old kernels have no steal column: it stays 0. */
	if (sscanf(line + at,
		   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &t[USER], &t[NICE], &t[SYSTEM], &t[IDLE], &t[IO_WAIT],
		   &t[IRQ], &t[SOFT_IRQ], &t[STEAL]) < STEAL)
		return false;
	*out = (struct host_cpu_ticks){
		.busy = t[USER] + t[NICE] + t[SYSTEM] + t[IRQ] + t[SOFT_IRQ],
		.stolen = t[STEAL],
		.io_wait = t[IO_WAIT],
	};
	out->all = out->busy + out->stolen + t[IDLE] + t[IO_WAIT];
	return true;
}

static uint32_t permille(uint64_t part, uint64_t all)
{
	if (!all)
		return DIS_LOAD_ABSENT;
	return (uint32_t)dis_ns_min(part * 1000u / all, 1000u);
}

static void take_core(struct host_load *load, unsigned core,
		      const struct host_cpu_ticks *now, uint64_t own_ns,
		      uint64_t span_ns, struct dis_host_load *out)
{
	struct host_cpu_ticks *before = &load->before[core];
	uint64_t tick_ns = DIS_S_NS / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t busy_ns = dis_ns_sub(now->busy, before->busy) * tick_ns;
	uint64_t stolen_ns = dis_ns_sub(now->stolen, before->stolen) * tick_ns;

	if (span_ns) {
		out->busy[core] = permille(busy_ns, span_ns);
		if (own_ns != DIS_NEVER_NS)
			out->foreign[core] = permille(
				dis_ns_sub(
					busy_ns,
					dis_ns_sub(own_ns,
						   load->own_before_ns[core])) +
					stolen_ns,
				span_ns);
	}
	*before = *now;
	load->own_before_ns[core] = own_ns;
}

static void read_cpus(struct host_load *load, const uint64_t *own_ns,
		      uint64_t span_ns, struct dis_host_load *out)
{
	struct reader file = {.fd = load->fds[HOST_LOAD_STAT]};
	struct host_cpu_ticks now;
	char line[LINE_BYTES] = "";
	int number;

	while (next_line(&file, line)) {
		if (!parse_cpu(line, &number, &now))
			continue;
		if (number < 0) {
			if (span_ns)
				out->io_wait = permille(
					dis_ns_sub(now.io_wait,
						   load->before_all.io_wait),
					dis_ns_sub(now.all,
						   load->before_all.all));
			load->before_all = now;
			continue;
		}
		out->active_cpus = out->active_cpus == DIS_LOAD_ABSENT
					   ? 1
					   : out->active_cpus + 1;
		for (unsigned i = 0; i < load->n_cores; i++)
			if (load->cpus[i] == (unsigned)number)
				take_core(load, i, &now,
					  own_ns ? own_ns[i] : DIS_NEVER_NS,
					  span_ns, out);
	}
}

/* "0.03 0.64 0.85 1/92 11260": 1 thread of 92 runs or wants to. */
static void read_queue(const struct host_load *load, struct dis_host_load *out)
{
	struct reader file = {.fd = load->fds[HOST_LOAD_LOADAVG]};
	char line[LINE_BYTES];
	unsigned running;

	if (next_line(&file, line) &&
	    sscanf(line, "%*f %*f %*f %u/%*u", &running) == 1)
		out->queue_length = running;
}

/* "some avg10=1.23 ..." as 12. */
static uint32_t read_stall(int fd)
{
	struct reader file = {.fd = fd};
	unsigned whole, hundredths;
	char line[LINE_BYTES];

	if (!next_line(&file, line) ||
	    sscanf(line, "some avg10=%u.%2u", &whole, &hundredths) != 2 ||
	    whole > 100)
		return DIS_LOAD_ABSENT;
	return whole * 10 + hundredths / 10;
}

static uint32_t read_memory(const struct host_load *load)
{
	uint64_t total = 0, available = UINT64_MAX;
	struct reader file = {.fd = load->fds[HOST_LOAD_MEMINFO]};
	char line[LINE_BYTES];

	while (next_line(&file, line)) {
		sscanf(line, "MemTotal: %" SCNu64, &total);
		sscanf(line, "MemAvailable: %" SCNu64, &available);
	}
	return available <= total ? permille(total - available, total)
				  : DIS_LOAD_ABSENT;
}

void host_load_sample(struct host_load *load, const uint64_t *own_ns,
		      uint64_t now_ns, struct dis_host_load *out)
{
	uint64_t span_ns =
		load->sampled_ns ? dis_ns_sub(now_ns, load->sampled_ns) : 0;

	memset(out, 0xff, sizeof(*out)); /* DIS_LOAD_ABSENT */
	read_cpus(load, own_ns, span_ns, out);
	read_queue(load, out);
	out->memory_stall = read_stall(load->fds[HOST_LOAD_MEMORY_STALL]);
	out->io_stall = read_stall(load->fds[HOST_LOAD_IO_STALL]);
	out->memory_used = read_memory(load);
	load->sampled_ns = now_ns;
}
