/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a Linux guest whose exits are counted (tests/nested/exits.sh): does a piece of
 * work between two writes to a port, which the trace of the KVM below shows, and
 * says how many timer ticks and block requests were in it.
 *
 * idle SECONDS: sleeps; busy SECONDS: computes; read NUMBER: reads so many blocks of
 * 4 KiB from /dev/vda, one after the other, past the page cache.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096u

/* Nobody is there. Also in tests/nested/exits/count.sh. */
#define MARK_PORT 0x2f0
#define MARK_BEGIN 1
#define MARK_END 2

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Local timer interrupts of all CPUs. */
static unsigned long count_ticks(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	unsigned long ticks = 0;
	char line[4096];

	if (!file)
		die("/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		char *at = line + strspn(line, " "), *end;

		if (strncmp(at, "LOC:", 4))
			continue;
		for (at += 4;; at = end) {
			unsigned long n = strtoul(at, &end, 10);

			if (end == at)
				break;
			ticks += n;
		}
	}
	fclose(file);
	return ticks;
}

static void wait_idle(unsigned seconds)
{
	const struct timespec t = {.tv_sec = seconds};

	nanosleep(&t, NULL);
}

static void wait_busy(unsigned seconds)
{
	struct timespec t;
	time_t end_s;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end_s = t.tv_sec + (time_t)seconds;
	while (t.tv_sec <= end_s)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static void read_blocks(int fd, void *block, unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++)
		if (pread(fd, block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) !=
		    BLOCK_BYTES)
			die("/dev/vda");
}

int main(int argc, char **argv)
{
	const char *work = argc == 3 ? argv[1] : "";
	unsigned amount = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned long ticks;
	void *block = NULL;
	int fd = -1;

	if (ioperm(MARK_PORT, 1, 1))
		die("ioperm");
	if (!strcmp(work, "read")) {
		fd = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);
		if (fd < 0 || posix_memalign(&block, BLOCK_BYTES, BLOCK_BYTES))
			die("/dev/vda");
		/* What the first time alone brings. */
		read_blocks(fd, block, 1);
	}

	ticks = count_ticks();
	outb(MARK_BEGIN, MARK_PORT);
	if (!strcmp(work, "read"))
		read_blocks(fd, block, amount);
	else if (!strcmp(work, "busy"))
		wait_busy(amount);
	else
		wait_idle(amount);
	outb(MARK_END, MARK_PORT);
	ticks = count_ticks() - ticks;

	printf("guest: %s ticks %lu requests %u\n", work, ticks,
	       fd >= 0 ? amount : 0);
	return 0;
}
