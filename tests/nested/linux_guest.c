/* SPDX-License-Identifier: Apache-2.0 */
/* Linux as guest of a test; see linux_guest.h. */
#include "nested/linux_guest.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dis/domain.h>

#define MEM_BYTES (UINT64_C(256) << 20)
#define CMDLINE "console=ttyS0 quiet noxsave lpj=8000000 "

static struct {
	pthread_mutex_t lock;
	void (*take_line)(const char *line);
	char line[256];
	size_t length;
} serial = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void end_line(void)
{
	serial.line[serial.length] = '\0';
	serial.length = 0;
	printf("# %s\n", serial.line);
	fflush(stdout);
	serial.take_line(serial.line);
}

static void put_serial(void *ctx, unsigned seq, const void *data, size_t len)
{
	const char *bytes = data;

	(void)ctx;
	(void)seq;
	pthread_mutex_lock(&serial.lock);
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			end_line();
		else if (bytes[i] != '\r' &&
			 serial.length < sizeof(serial.line) - 1u)
			serial.line[serial.length++] = bytes[i];
	}
	pthread_mutex_unlock(&serial.lock);
}

void linux_kind_open(struct machine_kind *kind, unsigned vcpus,
		     const char *more, void (*take_line)(const char *line))
{
	static struct dis_intent intents[DIS_VCPUS_PER_VM_MAX];
	static char kernel[256], initrd[256], cmdline[256];
	const char *dir = getenv("DISVM_TEST_LINUX");
	const struct machine_spec spec = {
		.kernel_path = kernel,
		.initrd_path = initrd,
		.cmdline = cmdline,
		.vcpus = vcpus,
		.mem_bytes = MEM_BYTES,
		.copies = 1,
		.intents = intents,
		.numa_node = -1,
		.serial = put_serial,
	};
	enum machine_fault fault;
	char err[512] = "";

	assert_non_null(dir);
	snprintf(kernel, sizeof(kernel), "%s/vmlinuz", dir);
	snprintf(initrd, sizeof(initrd), "%s/initrd", dir);
	snprintf(cmdline, sizeof(cmdline), CMDLINE "%s", more);
	for (unsigned i = 0; i < vcpus; i++)
		intents[i] = dis_intent_default();
	serial.take_line = take_line;
	if (machine_kind_open(&spec, kind, &fault, err, sizeof(err)) ||
	    machine_kind_start(kind, err, sizeof(err)))
		fail_msg("%s", err);
}
