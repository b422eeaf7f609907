/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: the TSC's frequency, where no device tree told it, and conversions.
 *
 * In this order: CPUID 0x40000010 (kHz, where the hypervisor has it), CPUID
 * 0x15 (SDM vol. 2), kvmclock's scale, the PIT.
 */
#include <user.h>

#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)

/* What KVM writes (struct pvclock_vcpu_time_info). */
struct pvclock {
	uint32_t version;
	uint32_t pad;
	uint64_t tsc;
	uint64_t system_time_ns;
	uint32_t tsc_to_system_mul;
	uint8_t tsc_shift; /* signed */
	uint8_t flags[3];
};

static uint64_t ns_per_tick_32;
static uint64_t ticks_per_ns_32;

uint64_t mul_shift_32(uint64_t a, uint64_t factor)
{
	unsigned __int128 product = (unsigned __int128)a * factor;

	return product >> 96 ? NEVER : (uint64_t)(product >> 32);
}

uint64_t ticks_to_ns(uint64_t ticks)
{
	return mul_shift_32(ticks, ns_per_tick_32);
}

uint64_t ns_to_ticks(uint64_t ns)
{
	return mul_shift_32(ns, ticks_per_ns_32);
}

uint64_t timer_value(uint64_t tsc)
{
	uint64_t now, ns;

	if (machine.timer_msr == MSR_TSC_DEADLINE)
		return tsc;
	now = rdtsc();
	if (tsc <= now)
		return 1;
	ns = ticks_to_ns(tsc - now);
	ns = ns < S_NS ? ns : S_NS; /* the caller looks again */
	ns = ns * (machine.apic_hz / 1000) / 1000000 + 1;
	return ns < UINT32_MAX ? ns : UINT32_MAX;
}

static uint64_t hz_from_cpuid(void)
{
	uint32_t r[4];

	cpuid(0x40000000, r);
	if (r[0] >= 0x40000010 && r[0] < 0x40010000) {
		cpuid(0x40000010, r);
		if (r[1])
			machine.apic_hz = r[1] * UINT64_C(1000);
		if (r[0])
			return r[0] * UINT64_C(1000);
	}
	cpuid(0, r);
	if (r[0] >= 0x15) {
		cpuid(0x15, r);
		if (r[0] && r[1] && r[2])
			return (uint64_t)r[2] * r[1] / r[0];
	}
	return 0;
}

static uint64_t hz_from_kvmclock(void)
{
	static volatile struct pvclock clock __attribute__((aligned(64)));
	uint32_t r[4];
	uint64_t hz;
	int shift;

	cpuid(0x40000000, r);
	if (r[1] != 0x4b4d564b || r[2] != 0x564b4d56 || r[3] != 0x4d)
		return 0; /* not "KVMKVMKVM" */
	cpuid(0x40000001, r);
	if (!(r[0] & KVM_FEATURE_CLOCKSOURCE2))
		return 0;
	sys(SYS_WRMSR, MSR_KVM_SYSTEM_TIME_NEW, (uintptr_t)&clock | 1, 0);
	/* KVM fills it in before the next guest instruction, or soon after. */
	for (unsigned tries = 0; !clock.version && tries < 1000; tries++)
		sys(SYS_RDMSR, MSR_KVM_SYSTEM_TIME_NEW, 0, 0);
	sys(SYS_WRMSR, MSR_KVM_SYSTEM_TIME_NEW, 0, 0);
	if (!clock.tsc_to_system_mul)
		return 0;
	/* ns = (ticks << shift) * mul >> 32 */
	hz = (S_NS << 32) / clock.tsc_to_system_mul;
	shift = clock.tsc_shift < 128 ? clock.tsc_shift : clock.tsc_shift - 256;
	return shift < 0 ? hz << -shift : hz >> shift;
}

/* Channel 2 counts down from 65535 at 1193182 Hz; two readings 40 ms apart. */
static uint32_t pit_read(uint64_t *tsc)
{
	uint64_t before = rdtsc();
	uint32_t low;

	sys(SYS_OUT, 0x43, 1, 0x80); /* latch */
	*tsc = before + (rdtsc() - before) / 2;
	low = (uint32_t)sys(SYS_IN, 0x42, 1, 0);
	return low | (uint32_t)sys(SYS_IN, 0x42, 1, 0) << 8;
}

static uint64_t hz_from_pit(void)
{
	uint64_t from_tsc, to_tsc;
	uint32_t from, to;

	sys(SYS_OUT, 0x61, 1, (sys(SYS_IN, 0x61, 1, 0) & 0xfc) | 1);
	sys(SYS_OUT, 0x43, 1, 0xb0); /* channel 2, mode 0 */
	sys(SYS_OUT, 0x42, 1, 0xff);
	sys(SYS_OUT, 0x42, 1, 0xff);
	from = pit_read(&from_tsc);
	for (unsigned tries = 0; tries < 100000; tries++) {
		to = pit_read(&to_tsc);
		if (to > from || (to == from && tries > 1000))
			return 0; /* not a PIT, or a long stall */
		if (from - to > 48000)
			return (to_tsc - from_tsc) * 1193182 / (from - to);
	}
	return 0;
}

/*
 * One-shot counts against the TSC, over two milliseconds: good to a few per
 * cent, since each reading is a trip to the monitor. So what is near to 1 GHz,
 * which KVM and QEMU have by definition, is taken to be that.
 */
static uint64_t apic_hz_measure(void)
{
	uint64_t before, from, to, end, hz;

	sys(SYS_WRMSR, MSR_X2APIC_TIMER_INITIAL, UINT32_MAX, 0);
	before = rdtsc();
	from = sys(SYS_RDMSR, MSR_X2APIC_TIMER_CURRENT, 0, 0);
	before += (rdtsc() - before) / 2;
	end = before + machine.tsc_hz / 500;
	while (rdtsc() < end)
		compute_unit();
	end = rdtsc();
	to = sys(SYS_RDMSR, MSR_X2APIC_TIMER_CURRENT, 0, 0);
	end += (rdtsc() - end) / 2;
	sys(SYS_WRMSR, MSR_X2APIC_TIMER_INITIAL, 0, 0);
	if (from <= to)
		return 0;
	hz = mul_shift_32(from - to, (machine.tsc_hz << 16) / (end - before))
	     << 16;
	return hz > S_NS / 100 * 95 && hz < S_NS / 100 * 105 ? S_NS : hz;
}

void clock_init(void)
{
	if (!machine.tsc_hz)
		machine.tsc_hz = hz_from_cpuid();
	if (!machine.tsc_hz)
		machine.tsc_hz = hz_from_kvmclock();
	if (!machine.tsc_hz)
		machine.tsc_hz = hz_from_pit();
	if (machine.tsc_hz < 1000000)
		die(EXIT_MACHINE, "unknown TSC frequency",
		    "no CPUID leaf, "
		    "kvmclock or PIT");
	ns_per_tick_32 = (S_NS << 32) / machine.tsc_hz;
	/* In two steps: 128-bit division would need a library. */
	ticks_per_ns_32 = (machine.tsc_hz / S_NS << 32) +
			  (machine.tsc_hz % S_NS << 32) / S_NS;
	if (machine.timer_msr == MSR_TSC_DEADLINE || machine.apic_hz)
		return;
	machine.apic_hz = apic_hz_measure();
	if (machine.apic_hz < 1000000)
		die(EXIT_MACHINE, "APIC timer does not count", "one-shot mode");
}
