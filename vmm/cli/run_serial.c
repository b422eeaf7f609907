/* SPDX-License-Identifier: Apache-2.0 */
/* Serial output between executors and main thread; see run_serial.h. */
#include "cli/run_serial.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <dis/assert.h>

/* What is said about lines that were lost. */
#define NOTE_BYTES 128u

int run_serial_init(struct run_serial *serial, FILE *to, unsigned n_guests)
{
	*serial = (struct run_serial){
		.to = to,
		.n_guests = n_guests,
		.part_bytes = SERIAL_BYTES / 2 / n_guests,
	};
	pthread_mutex_init(&serial->lock, NULL);
	serial->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	serial->waiting = malloc(SERIAL_BYTES + NOTE_BYTES);
	serial->writing = malloc(SERIAL_BYTES + NOTE_BYTES);
	serial->guests = calloc(n_guests, sizeof(*serial->guests));
	if (to)
		fflush(to);
	if (serial->fd >= 0 && serial->waiting && serial->writing &&
	    serial->guests)
		return 0;
	run_serial_fini(serial);
	return -ENOMEM;
}

void run_serial_fini(struct run_serial *serial)
{
	if (serial->waiting && serial->writing)
		run_serial_flush(serial, true);
	if (serial->fd >= 0)
		close(serial->fd);
	free(serial->waiting);
	free(serial->writing);
	free(serial->guests);
	pthread_mutex_destroy(&serial->lock);
	*serial = (struct run_serial){.fd = -1};
}

/* Take room for @len bytes of @guest. Return: was there any? */
static bool take_room(struct run_serial *serial, unsigned guest, size_t len)
{
	struct run_serial_guest *g = &serial->guests[guest];
	size_t had = g->swaps == serial->swaps ? g->bytes : 0;
	size_t beyond, more;

	if (len > SERIAL_BYTES)
		return false;
	beyond = had > serial->part_bytes ? had : serial->part_bytes;
	more = had + len > beyond ? had + len - beyond : 0;
	if (more > SERIAL_BYTES / 2 - serial->shared_len)
		return false;
	serial->shared_len += more;
	*g = (struct run_serial_guest){serial->swaps, (uint32_t)(had + len)};
	return true;
}

void run_serial_put(struct run_serial *serial, unsigned guest,
		    const char *prefix, const void *data, size_t len)
{
	size_t prefix_len = strlen(prefix);
	size_t used;

	pthread_mutex_lock(&serial->lock);
	used = serial->waiting_len;
	if (take_room(serial, guest, prefix_len + len)) {
		DIS_ASSERT(prefix_len + len <= SERIAL_BYTES - used);
		memcpy(serial->waiting + used, prefix, prefix_len);
		memcpy(serial->waiting + used + prefix_len, data, len);
		serial->waiting_len = used + prefix_len + len;
		if (len)
			serial->in_line = ((const char *)data)[len - 1] != '\n';
	} else {
		serial->lost_bytes += len;
	}
	pthread_mutex_unlock(&serial->lock);
	if (used == 0)
		eventfd_write(serial->fd, 1);
}

void run_serial_end_line(struct run_serial *serial)
{
	bool in_line;

	pthread_mutex_lock(&serial->lock);
	in_line = serial->in_line;
	pthread_mutex_unlock(&serial->lock);
	if (in_line)
		run_serial_put(serial, 0, "", "\n", 1);
}

/* What waits becomes what is being written, which is empty. */
static void swap(struct run_serial *serial)
{
	uint64_t lost_bytes;
	char *full;

	pthread_mutex_lock(&serial->lock);
	full = serial->waiting;
	serial->writing_len = serial->waiting_len;
	lost_bytes = serial->lost_bytes;
	serial->waiting = serial->writing;
	serial->waiting_len = 0;
	serial->lost_bytes = 0;
	serial->shared_len = 0;
	serial->swaps++;
	serial->writing = full;
	pthread_mutex_unlock(&serial->lock);
	serial->written = 0;
	if (lost_bytes)
		serial->writing_len += (size_t)snprintf(
			full + serial->writing_len, NOTE_BYTES,
			"\n[disvm: %" PRIu64
			" bytes of serial output lost, the reader is too slow]\n",
			lost_bytes);
}

/* As much as a pipe that is ready takes without blocking, or less. */
static bool write_some(struct run_serial *serial, bool wait)
{
	struct pollfd out = {fileno(serial->to), POLLOUT, 0};
	size_t len = serial->writing_len - serial->written;
	ssize_t n;

	if (poll(&out, 1, wait ? -1 : 0) <= 0)
		return wait;
	if (len > PIPE_BUF)
		len = PIPE_BUF;
	n = write(out.fd, serial->writing + serial->written, len);
	if (n >= 0)
		serial->written += (size_t)n;
	else if (errno == EAGAIN)
		return wait;
	else if (errno != EINTR)
		serial->written = serial->writing_len; /* nobody to tell */
	return true;
}

/* Return: has all of it been written? */
static bool write_out(struct run_serial *serial, bool wait)
{
	if (!serial->to)
		serial->written = serial->writing_len;
	while (serial->written < serial->writing_len)
		if (!write_some(serial, wait))
			return false;
	return true;
}

void run_serial_flush(struct run_serial *serial, bool wait)
{
	eventfd_t ignored;

	eventfd_read(serial->fd, &ignored);
	if (!write_out(serial, wait))
		return;
	do
		swap(serial);
	while (write_out(serial, wait) && wait && serial->writing_len);
}

int run_serial_stuck_fd(const struct run_serial *serial)
{
	return serial->written < serial->writing_len ? fileno(serial->to) : -1;
}
