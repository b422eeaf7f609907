/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the local APIC share: a VM of some APICs, and accesses that
 * must succeed.
 *
 * Section numbers in these tests are the SDM's (volume 3A), with the APIC
 * chapter as number 10; see vmm/dev/lapic.h.
 */
#ifndef DISVM_TEST_LAPIC_FIXTURE_H
#define DISVM_TEST_LAPIC_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "dev/lapic.h"

#define CPUS_MAX 256u

#define ID 0x802u
#define VERSION 0x803u
#define TPR 0x808u
#define PPR 0x80au
#define EOI 0x80bu
#define LDR 0x80du
#define SVR 0x80fu
#define ISR 0x810u
#define TMR 0x818u
#define IRR 0x820u
#define ESR 0x828u
#define LVT_CMCI 0x82fu
#define ICR 0x830u
#define LVT_TIMER 0x832u
#define LVT_THERMAL 0x833u
#define LVT_PERF 0x834u
#define LVT_LINT0 0x835u
#define LVT_LINT1 0x836u
#define LVT_ERROR 0x837u
#define INITIAL 0x838u
#define CURRENT 0x839u
#define DIVIDE 0x83eu
#define SELF_IPI 0x83fu
/* Of xAPIC form alone, by the same numbering. */
#define APR 0x809u
#define RRD 0x80cu
#define DFR 0x80eu
#define ICR_HIGH 0x831u

#define MASKED 0x10000u
#define BASE_XAPIC UINT64_C(0xfee00800)
#define BASE_X2APIC UINT64_C(0xfee00c00)

#define TSC_KHZ 2000000u

/** @wakes, @eois: calls so far; @woken: per CPU; the last EOI's vector. */
struct fixture {
	struct lapic_bus bus;
	struct lapic *cpus[CPUS_MAX];
	struct lapic lapics[CPUS_MAX];
	struct lapic_time now;
	unsigned wakes;
	unsigned woken[CPUS_MAX];
	unsigned eois;
	unsigned eoi_cpu;
	uint8_t eoi_vector;
};

static inline void fixture_wake(void *ctx, unsigned cpu, unsigned sender)
{
	struct fixture *f = ctx;

	(void)sender;
	f->wakes++;
	f->woken[cpu]++;
}

static inline void fixture_eoi(void *ctx, unsigned cpu, uint8_t vector)
{
	struct fixture *f = ctx;

	f->eois++;
	f->eoi_cpu = cpu;
	f->eoi_vector = vector;
}

static inline uint64_t rd(struct fixture *f, unsigned cpu, uint32_t msr)
{
	uint64_t val = 0xdead;

	assert_int_equal(lapic_msr_read(f->cpus[cpu], msr, &val, f->now), 0);
	return val;
}

static inline void wr(struct fixture *f, unsigned cpu, uint32_t msr,
		      uint64_t val)
{
	assert_int_equal(lapic_msr_write(f->cpus[cpu], msr, val, f->now), 0);
}

static inline void rd_faults(struct fixture *f, unsigned cpu, uint32_t msr)
{
	uint64_t val = 0xdead;

	assert_int_equal(lapic_msr_read(f->cpus[cpu], msr, &val, f->now),
			 -EINVAL);
	assert_int_equal(val, 0xdead);
}

static inline void wr_faults(struct fixture *f, unsigned cpu, uint32_t msr,
			     uint64_t val)
{
	assert_int_equal(lapic_msr_write(f->cpus[cpu], msr, val, f->now),
			 -EINVAL);
}

/** Registers of xAPIC form by their number, all 32 bits. */
static inline uint32_t mrd(struct fixture *f, unsigned cpu, uint32_t msr)
{
	return (uint32_t)lapic_mmio_read(f->cpus[cpu], (msr - 0x800) << 4, 4,
					 f->now);
}

static inline void mwr(struct fixture *f, unsigned cpu, uint32_t msr,
		       uint32_t val)
{
	lapic_mmio_write(f->cpus[cpu], (msr - 0x800) << 4, 4, val, f->now);
}

/** Into x2APIC mode, software-enabled, spurious vector 0xff. */
static inline void turn_on(struct fixture *f, unsigned cpu)
{
	wr(f, cpu, LAPIC_MSR_BASE, BASE_X2APIC | (cpu == 0 ? 0x100 : 0));
	wr(f, cpu, SVR, 0x1ff);
}

/** @ncpus APICs as after power-on. */
static inline struct fixture *fixture_reset(unsigned ncpus)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->bus = (struct lapic_bus){
		.cpus = f->cpus,
		.ncpus = ncpus,
		.tsc_khz = TSC_KHZ,
		.phys_bits = 52,
		.wake = fixture_wake,
		.eoi = fixture_eoi,
		.ctx = f,
	};
	f->now = (struct lapic_time){.now_ns = 1000000, .guest_tsc = 5000000};
	for (unsigned i = 0; i < ncpus; i++)
		lapic_init(&f->lapics[i], i, i == 0, &f->bus);
	return f;
}

/** @ncpus APICs, all turned on and out of wait-for-SIPI. */
static inline struct fixture *fixture_on(unsigned ncpus)
{
	struct fixture *f = fixture_reset(ncpus);

	for (unsigned i = 0; i < ncpus; i++) {
		lapic_post_sipi(f->cpus[i], 0x10);
		lapic_sync(f->cpus[i]);
		lapic_take_sipi(f->cpus[i]);
		turn_on(f, i);
	}
	return f;
}

/** The clocks go on, the TSC at TSC_KHZ. */
static inline void pass_ns(struct fixture *f, uint64_t ns)
{
	f->now.now_ns += ns;
	f->now.guest_tsc += ns * TSC_KHZ / 1000000u;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

static inline int setup_1(void **state)
{
	*state = fixture_on(1);
	return 0;
}

static inline int setup_4(void **state)
{
	*state = fixture_on(4);
	return 0;
}

static inline int setup_256(void **state)
{
	*state = fixture_on(256);
	return 0;
}

static inline int setup_reset(void **state)
{
	*state = fixture_reset(4);
	return 0;
}

#define T1(name) cmocka_unit_test_setup_teardown(name, setup_1, teardown)
#define T4(name) cmocka_unit_test_setup_teardown(name, setup_4, teardown)
#define T256(name) cmocka_unit_test_setup_teardown(name, setup_256, teardown)
#define TR(name) cmocka_unit_test_setup_teardown(name, setup_reset, teardown)

#endif
