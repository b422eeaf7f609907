/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the hypercall device share: a device on a bus, with guest
 * memory and a callback that records, and calls as a guest makes them.
 */
#ifndef DISVM_TEST_HYPERCALL_FIXTURE_H
#define DISVM_TEST_HYPERCALL_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dev/hypercall.h"

#define VCPUS 3u
#define MEM_BYTES 0x10000u

struct fixture {
	struct io_bus bus;
	struct hypercall dev;
	struct guest_mem mem;
	struct io_access last;
	/* What the intent callback was asked, and its answer. */
	unsigned asked;
	unsigned asked_vcpu;
	struct dis_intent wanted;
	int answer;
	/* What the early callback was told. */
	unsigned agreed;
	unsigned agreed_vcpu;
	uint64_t early_ns;
	const int64_t *slack;
	/* What the timed-halt callback was told. */
	unsigned halts_agreed;
	unsigned halts_vcpu;
	const uint64_t *deadline;
	/* What the wake callback was told. */
	unsigned woken;
	unsigned waker;
	unsigned woken_vcpu;
	/* What the yield callback was told. */
	unsigned yielded;
	unsigned yielder;
	unsigned yielded_to;
};

static inline int on_intent(void *ctx, unsigned vcpu,
			    const struct dis_intent *wanted)
{
	struct fixture *f = ctx;

	f->asked++;
	f->asked_vcpu = vcpu;
	f->wanted = *wanted;
	return f->answer;
}

static inline void on_early(void *ctx, unsigned vcpu, uint64_t ns,
			    const int64_t *slack)
{
	struct fixture *f = ctx;

	f->agreed++;
	f->agreed_vcpu = vcpu;
	f->early_ns = ns;
	f->slack = slack;
}

static inline void on_timed_halt(void *ctx, unsigned vcpu,
				 const uint64_t *deadline)
{
	struct fixture *f = ctx;

	f->halts_agreed++;
	f->halts_vcpu = vcpu;
	f->deadline = deadline;
}

static inline void on_wake(void *ctx, unsigned vcpu, unsigned to)
{
	struct fixture *f = ctx;

	f->woken++;
	f->waker = vcpu;
	f->woken_vcpu = to;
}

static inline void on_yield(void *ctx, unsigned vcpu, unsigned to)
{
	struct fixture *f = ctx;

	f->yielded++;
	f->yielder = vcpu;
	f->yielded_to = to;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem.size_bytes = MEM_BYTES;
	f->mem.base = calloc(1, MEM_BYTES);
	assert_non_null(f->mem.base);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(hypercall_init(&f->dev,
					&(struct hypercall_config){
						.mem = &f->mem,
						.vcpus = VCPUS,
						.intent = on_intent,
						.early = on_early,
						.timed_halt = on_timed_halt,
						.wake = on_wake,
						.yield = on_yield,
						.ctx = f,
					}),
			 0);
	assert_int_equal(io_bus_add(&f->bus, DISVM_HC_PORT, DISVM_HC_PORTS,
				    &hypercall_ops, &f->dev),
			 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	hypercall_destroy(&f->dev);
	free(f->mem.base);
	free(f);
	return 0;
}

static inline enum io_action out(struct fixture *f, unsigned vcpu,
				 uint16_t offset, uint8_t width, uint32_t value)
{
	uint8_t data[4];

	f->last = (struct io_access){.addr = (uint16_t)(DISVM_HC_PORT + offset),
				     .width = width,
				     .write = true,
				     .count = 1,
				     .data = data,
				     .vcpu = vcpu};
	memcpy(data, &value, sizeof(data));
	return io_bus_access(&f->bus, &f->last);
}

static inline uint32_t in(struct fixture *f, unsigned vcpu, uint16_t offset)
{
	uint32_t value = 0;

	f->last = (struct io_access){.addr = (uint16_t)(DISVM_HC_PORT + offset),
				     .width = 4,
				     .count = 1,
				     .data = (uint8_t *)&value,
				     .vcpu = vcpu};
	assert_int_equal(io_bus_access(&f->bus, &f->last), IO_NONE);
	return value;
}

static inline enum io_action call(struct fixture *f, unsigned vcpu,
				  uint32_t number, uint32_t arg0)
{
	assert_int_equal(out(f, vcpu, DISVM_HC_ARG0, 4, arg0), IO_NONE);
	return out(f, vcpu, DISVM_HC_CALL, 4, number);
}

/* A call that returns; gives its status. */
static inline int32_t status(struct fixture *f, unsigned vcpu, uint32_t number,
			     uint32_t arg0)
{
	assert_int_equal(call(f, vcpu, number, arg0), IO_NONE);
	return (int32_t)in(f, vcpu, DISVM_HC_CALL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
