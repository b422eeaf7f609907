/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there enough for one more: slabs, memory, minimum shares (R: CARD-5, MEM-2,
 * DIS-6)? All under the domain mutex.
 *
 * A minimum is admitted on one core, where the vCPU then stays: what is set aside
 * for it there cannot follow it to a core whose room another takes meanwhile. The
 * pace of a reserve is somewhat above its minimum (reserve.h); the paces of a core
 * add up to 90 % at most, the rest is for those without a minimum.
 */
#include <stdio.h>
#include <string.h>

#include <dis/error.h>

#include "core.h"

#define RESERVED_MAX_PPM 900000u

unsigned admission_min(unsigned own_permille, unsigned vm_permille,
		       unsigned vcpus)
{
	unsigned part = (vm_permille + vcpus - 1) / vcpus;

	return own_permille > part ? own_permille : part;
}

uint64_t admission_quota_ns(unsigned max_permille, uint64_t most_ns)
{
	if (!max_permille)
		return DIS_NEVER_NS;
	return dis_ns_sub(share_of_window_ns(max_permille), most_ns);
}

int admission_shares(const struct dis_intent *const *intents, unsigned vcpus,
		     unsigned min_permille, unsigned max_permille, char *err,
		     size_t err_size)
{
	uint64_t most_ns = 0;

	if (min_permille > 1000u * vcpus || max_permille > 1000u * vcpus) {
		snprintf(err, err_size,
			 "shares of a VM with %u vCPUs are %u per mille at most",
			 vcpus, 1000u * vcpus);
		return -DIS_EINTENT;
	}
	for (unsigned i = 0; i < vcpus; i++) {
		unsigned min = admission_min(intents[i]->min_permille,
					     min_permille, vcpus);
		unsigned max = intents[i]->max_permille;
		uint64_t own_ns = min ? reserve_most_ns(min) : 0;

		most_ns += own_ns;
		if (max && own_ns > share_of_window_ns(max)) {
			snprintf(err, err_size,
				 "max %u of vCPU %u is too close to its part "
				 "of the VM's minimum, %u",
				 max, i, min);
			return -DIS_EINTENT;
		}
	}
	if (max_permille && most_ns > share_of_window_ns(max_permille)) {
		snprintf(err, err_size,
			 "the VM's maximum %u is too close to its minima: it "
			 "must be %llu at least",
			 max_permille,
			 (unsigned long long)((most_ns + DIS_MS_NS / 10 - 1) /
					      (DIS_MS_NS / 10)));
		return -DIS_EINTENT;
	}
	return 0;
}

int admission_find(const struct dis_domain *dom, const uint64_t *reserved_ppm,
		   dis_cpumask allowed, unsigned permille, int prefer)
{
	uint64_t room_ppm = RESERVED_MAX_PPM, pace_ppm;
	int best = -1;

	pace_ppm = reserve_pace_ppm(permille);
	if (pace_ppm > room_ppm)
		return -1;
	room_ppm -= pace_ppm;
	if (prefer >= 0 && allowed >> prefer & 1u &&
	    reserved_ppm[prefer] <= room_ppm)
		return prefer;
	for (unsigned i = 0; i < dom->ncores; i++)
		if (allowed >> i & 1u && reserved_ppm[i] <= room_ppm &&
		    (best < 0 || reserved_ppm[i] < reserved_ppm[best]))
			best = (int)i;
	return best;
}

void admission_take(struct dis_domain *dom, const struct settings *settings)
{
	dom->assigned[settings->home][settings->intent.klass]++;
	if (settings->min_permille)
		dom->reserved_ppm[settings->home] +=
			reserve_pace_ppm(settings->min_permille);
}

void admission_give(struct dis_domain *dom, const struct settings *settings)
{
	dom->assigned[settings->home][settings->intent.klass]--;
	if (settings->min_permille)
		dom->reserved_ppm[settings->home] -=
			reserve_pace_ppm(settings->min_permille);
}

static enum dis_reason check_shares(const struct dis_domain *dom,
				    const struct dis_vm_spec *spec,
				    unsigned *homes, char *err, size_t err_size)
{
	uint64_t reserved_ppm[DIS_CORES_MAX];

	/* With a core per vCPU there are no minima. */
	if (dom->cfg.per_vcpu)
		return DIS_REASON_NONE;
	memcpy(reserved_ppm, dom->reserved_ppm,
	       dom->ncores * sizeof(*reserved_ppm));
	for (unsigned i = 0; i < spec->vcpus; i++) {
		const struct dis_intent *intent = &spec->intents[i];
		unsigned min = admission_min(intent->min_permille,
					     spec->min_permille, spec->vcpus);
		int home;

		if (!min)
			continue;
		home = admission_find(dom, reserved_ppm, intent->affinity, min,
				      -1);
		if (home < 0) {
			snprintf(err, err_size,
				 "out of CPU time: no core has room for the "
				 "minimum of vCPU %u (%u per mille of a core)",
				 i, min);
			return DIS_REASON_SHARE_EXHAUSTED;
		}
		reserved_ppm[home] += reserve_pace_ppm(min);
		homes[i] = (unsigned)home;
	}
	return DIS_REASON_NONE;
}

enum dis_reason admission_check(const struct dis_domain *dom,
				const struct dis_vm_spec *spec,
				unsigned homes[DIS_VCPUS_PER_VM_MAX], char *err,
				size_t err_size)
{
	uint64_t limit = dom->cfg.mem_max_bytes;

	if (dom->vms.used == dom->vms.capacity) {
		snprintf(err, err_size,
			 "out of memory: slab exhausted (%u/%u VMs)",
			 dom->vms.used, dom->vms.capacity);
		return DIS_REASON_SLAB_EXHAUSTED;
	}
	if (spec->vcpus > dom->vcpus.capacity - dom->vcpus.used) {
		snprintf(
			err, err_size,
			"out of memory: slab exhausted (%u/%u vCPUs, %u more asked)",
			dom->vcpus.used, dom->vcpus.capacity, spec->vcpus);
		return DIS_REASON_SLAB_EXHAUSTED;
	}
	if (limit && spec->mem_bytes > limit - dom->mem_bytes) {
		snprintf(
			err, err_size,
			"out of memory: domain limit (%llu/%llu bytes of guest memory, %llu more asked)",
			(unsigned long long)dom->mem_bytes,
			(unsigned long long)limit,
			(unsigned long long)spec->mem_bytes);
		return DIS_REASON_MEM_EXHAUSTED;
	}
	return check_shares(dom, spec, homes, err, err_size);
}
