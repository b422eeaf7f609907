/* SPDX-License-Identifier: Apache-2.0 */
/* The table of samples of a vCPU; see samples.h. */
#include "diag/samples.h"

#include <stddef.h>

/* Neighbours go to different sets (Fibonacci hashing). */
static unsigned set_of(uint64_t address)
{
	return (unsigned)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	       SAMPLES_SETS;
}

static bool is_same(const struct sample *s, uint64_t address, unsigned bits,
		    bool user)
{
	return s->count && s->address == address && s->bits == bits &&
	       s->user == user;
}

struct sample *samples_add(struct samples *samples, uint64_t address,
			   unsigned bits, bool user)
{
	struct sample *set = samples->set[set_of(address)];
	struct sample *least = &set[0];

	samples->total++;
	for (unsigned i = 0; i < SAMPLES_WAYS; i++) {
		if (is_same(&set[i], address, bits, user)) {
			set[i].count++;
			return NULL;
		}
		if (set[i].count < least->count)
			least = &set[i];
	}
	samples->dropped += least->count;
	*least = (struct sample){.address = address,
				 .count = 1,
				 .bits = (uint8_t)bits,
				 .user = user};
	return least;
}
