/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Prints the frequency of this host's TSC in kHz, by CLOCK_MONOTONIC over 100 ms.
 *
 * Place in the flow: built and run by tests/nested/machine.sh.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct moment {
	uint64_t ns;
	uint64_t tsc;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Both at once: of many tries the one that nothing came between. */
static struct moment moment(void)
{
	struct moment best = {0};
	uint64_t best_ns = UINT64_MAX;

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t before_ns = now_ns();
		uint64_t tsc = __rdtsc();
		uint64_t took_ns = now_ns() - before_ns;

		if (took_ns < best_ns) {
			best_ns = took_ns;
			best.ns = before_ns + took_ns / 2;
			best.tsc = tsc;
		}
	}
	return best;
}

int main(void)
{
	struct moment from = moment();
	struct moment to;

	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	to = moment();
	printf("%llu\n", (unsigned long long)((to.tsc - from.tsc) * 1000000 /
					      (to.ns - from.ns)));
	return 0;
}
