/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What fuzzers of devices on I/O ports share: an input is a list of steps, of which
 * some are accesses.
 */
#ifndef DISVM_FUZZ_PORTS_H
#define DISVM_FUZZ_PORTS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/bus.h"

#define FUZZ_STEP_BYTES 8u
#define FUZZ_STRING_MAX 512u

/** @what: what the fuzzer makes of it; the rest is an access, or as it likes. */
struct fuzz_step {
	uint8_t what;
	uint8_t where;
	uint8_t how; /**< bit 0: write, 1 and 2: width, the others: count */
	uint8_t vcpu;
	uint8_t val[4];
};
_Static_assert(sizeof(struct fuzz_step) == FUZZ_STEP_BYTES, "as in the input");

static inline void fuzz_check(bool ok)
{
	if (!ok)
		abort();
}

static inline uint32_t fuzz_value(const struct fuzz_step *s)
{
	uint32_t val;

	memcpy(&val, s->val, sizeof(val));
	return val;
}

/** Does each step of the input. */
static inline void fuzz_steps(const uint8_t *data, size_t size,
			      void (*step)(const struct fuzz_step *s))
{
	struct fuzz_step s;

	for (; size >= sizeof(s); data += sizeof(s), size -= sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		step(&s);
	}
}

/** The access of @s to @port; @data: what it wrote or read, of FUZZ_STRING_MAX. */
static inline struct io_access
fuzz_access_of(uint16_t port, const struct fuzz_step *s, uint8_t *data)
{
	struct io_access a = {
		.addr = port,
		.width = (uint8_t)(1u << (s->how >> 1 & 3u) % 3u),
		.write = s->how & 1u,
		.count = (s->how >> 3) * 4u + 1u,
		.data = data,
		.vcpu = s->vcpu & 3u,
	};

	if (!(s->how >> 3))
		a.count = 1;
	for (unsigned i = 0; i < FUZZ_STRING_MAX; i++)
		data[i] = s->val[i % 4];
	fuzz_check(a.count * a.width <= FUZZ_STRING_MAX);
	return a;
}

/** The same, done: it may end the guest by a reset alone. */
static inline enum io_action fuzz_access(const struct io_bus *bus,
					 uint16_t port,
					 const struct fuzz_step *s,
					 uint8_t *data)
{
	struct io_access a = fuzz_access_of(port, s, data);
	enum io_action action = io_bus_access(bus, &a);

	if (action == IO_EXIT)
		fuzz_check(!a.exit_code && a.reason == DIS_REASON_RESET);
	return action;
}

#endif
