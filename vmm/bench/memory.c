/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and CPU time; see memory.h. */
#include "bench/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <dis/types.h>

#define PAGE 4096u
#define TEXT_BYTES 8192u
#define PAGES_AT_ONCE 4096u

uint64_t bench_text_kib(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line += line ? 1 : 0) {
		uint64_t kib;
		int end = 0;

		if (!strncmp(line, name, length) &&
		    sscanf(line + length, ": %" SCNu64 " kB%n", &kib, &end) ==
			    1 &&
		    end)
			return kib * 1024;
	}
	return 0;
}

static const char *read_text(const char *path)
{
	static char text[TEXT_BYTES];
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

uint64_t bench_memory_available(void)
{
	return bench_text_kib(read_text("/proc/meminfo"), "MemAvailable");
}

uint64_t bench_memory_anonymous(void)
{
	return bench_text_kib(read_text("/proc/self/status"), "RssAnon");
}

uint64_t bench_memory_of(pid_t pid)
{
	char path[48];
	const char *text;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	text = read_text(path);
	return bench_text_kib(text, "Pss_Anon") +
	       bench_text_kib(text, "Pss_File");
}

uint64_t bench_memory_resident(const void *mem, size_t bytes)
{
	static unsigned char there[PAGES_AT_ONCE];
	uint64_t pages = 0;

	for (size_t at = 0; at < bytes; at += (size_t)PAGES_AT_ONCE * PAGE) {
		size_t left = bytes - at;
		size_t n = left / PAGE < PAGES_AT_ONCE ? left / PAGE
						       : PAGES_AT_ONCE;

		if (mincore((char *)mem + at, n * PAGE, there))
			return 0;
		for (size_t i = 0; i < n; i++)
			pages += there[i] & 1;
	}
	return pages * PAGE;
}

uint64_t bench_cpu_ns(pid_t pid)
{
	struct timespec ts = {0};
	clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;

	if (pid && clock_getcpuclockid(pid, &clock))
		return 0;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}
