/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSRs that the monitor keeps in KVM's place, among them addresses in guest memory:
 * the input is a list of a guest's accesses, of what is done before its entries and
 * after its exits, and of what it does to the words that it shares with the host.
 * The shared words must lie in its memory, and an MSR reads as it was written.
 */
#include <asm/kvm_para.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/msr.h"
#include "kvm/vcpu.h"
#include "sched/vcpu.h"

#define MEM_BYTES 0x4000u
#define STEP_BYTES 12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its neighbours are the sanitizer's, so that each byte beyond is noticed. */
static _Alignas(4096) uint8_t memory[MEM_BYTES];
static struct kvm_run run;
static struct lapic *lapics[1];
static struct dis_vcpu dis;
static struct kvm_vm vm = {
	.ncpus = 1,
	.mem = {memory, MEM_BYTES},
	.lapics = {.cpus = lapics,
		   .ncpus = 1,
		   .tsc_khz = 2000000,
		   .phys_bits = 46},
};
static struct kvm_vcpu vcpu;

/* What a step is made of, any bytes. */
struct step {
	uint8_t what;
	uint8_t which;
	uint16_t place;
	uint64_t value;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void start(void)
{
	memset(memory, 0, sizeof(memory));
	memset(&run, 0, sizeof(run));
	memset(&dis, 0, sizeof(dis));
	lapics[0] = NULL;
	/* Without KVM: what asks it for an offset of the TSC is refused. */
	vcpu = (struct kvm_vcpu){.vm = &vm, .fd = -1, .run = &run, .dis = &dis};
	lapic_init(&vcpu.lapic, 0, true, &vm.lapics);
}

static bool access_msr(uint32_t msr, bool write, uint64_t *value)
{
	run.exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run.msr.index = msr;
	run.msr.data = *value;
	msr_exit(&vcpu);
	*value = run.msr.data;
	return !run.msr.error;
}

/* A value is an address in a page or near the end of memory, or anything. */
static uint64_t value_of(const struct step *s)
{
	if (s->what & 0x80)
		return s->value;
	return s->place | (s->what & 0x40 ? UINT64_C(1) << 32 : 0);
}

static void access_one(const struct step *s)
{
	static const uint32_t msrs[] = {
		MSR_KVM_PV_EOI_EN,
		MSR_KVM_STEAL_TIME,
		LAPIC_MSR_TSC_DEADLINE,
		LAPIC_MSR_BASE,
		0x10,
		/* TSC */ 0x3b, /* TSC_ADJUST */
	};
	uint32_t msr = s->which & 0x80
			       ? LAPIC_MSR_X2APIC_FIRST + (s->which & 0x7fu)
			       : msrs[s->which % 6u];
	uint64_t wanted = value_of(s), value = wanted;
	bool write = s->what & 8u;

	if (!access_msr(msr, write, &value) || !write)
		return;
	if (msr == MSR_KVM_STEAL_TIME ||
	    (msr == MSR_KVM_PV_EOI_EN && wanted & KVM_MSR_ENABLED)) {
		check(access_msr(msr, false, &value));
		check(value == wanted);
	}
}

static void enter(const struct step *s)
{
	struct lapic *l = &vcpu.lapic;

	dis.stats.wait_ns += s->value & 0xffffff;
	lapic_sync(l);
	lapic_timer_tick(l, msr_time(&vcpu));
	steal_update(&vcpu);
	lapic_take_init(l);
	lapic_accept(l);
	lapic_pv_eoi_offer(l);
}

static void leave(const struct step *s)
{
	/* The guest may write what it likes, wherever it likes. */
	memcpy(memory + s->place % (MEM_BYTES - sizeof(s->value)), &s->value,
	       sizeof(s->value));
	lapic_pv_eoi_collect(&vcpu.lapic);
}

static bool is_inside(const void *at, size_t bytes)
{
	const uint8_t *byte = at;

	return !at || (byte >= memory && byte <= memory + MEM_BYTES - bytes);
}

static void step(const struct step *s)
{
	switch (s->what & 7u) {
	case 0:
		enter(s);
		leave(s);
		break;
	case 1:
		steal_preempted(&vcpu);
		break;
	case 2:
		lapic_post(&vcpu.lapic, (uint8_t)s->value, s->value & 0x100);
		break;
	case 3:
		lapic_post_init(&vcpu.lapic);
		break;
	default:
		access_one(s);
		break;
	}
	check(is_inside(vcpu.steal.page, sizeof(*vcpu.steal.page)));
	check(is_inside(vcpu.lapic.pv_eoi, sizeof(*vcpu.lapic.pv_eoi)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
		struct step s = {.what = data[0], .which = data[1]};

		memcpy(&s.place, data + 2, sizeof(s.place));
		memcpy(&s.value, data + 4, sizeof(s.value));
		step(&s);
	}
	return 0;
}
