/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPU of how many; see cpuid.h. SDM vol. 2A, CPUID, leaves 1, 4, 0xb; AMD
 * APM vol. 3, leaves 0x80000008, 0x8000001d and 0x8000001e. */
#include "kvm/cpuid.h"

#define LEAF_VENDOR 0x0u
#define LEAF_FEATURES 0x1u
#define LEAF_CACHES 0x4u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_AMD_FEATURES 0x80000001u
#define LEAF_AMD_SIZES 0x80000008u
#define LEAF_AMD_CACHES 0x8000001du
#define LEAF_AMD_TOPOLOGY 0x8000001eu

#define EDX_HTT (1u << 28)
#define AMD_ECX_CMP_LEGACY (1u << 1)
#define AMD_ECX_TOPOEXT (1u << 22)

/* "AuthenticAMD" and "HygonGenuine", from EBX. */
#define VENDOR_AMD 0x68747541u
#define VENDOR_HYGON 0x6f677948u

#define TOPOLOGY_SMT (1u << 8)
#define TOPOLOGY_CORE (2u << 8)

/* Of a cache's EAX: its level, those that share it, cores in the package. */
#define CACHE_LEVEL_SHIFT 5u
#define CACHE_LEVEL_MASK 0x7u
#define CACHE_SHARED_SHIFT 14u
#define CACHE_SHARED_MASK 0xfffu
#define CACHE_CORES_SHIFT 26u
#define CACHE_CORES_MASK 0x3fu

/* From the third level on all cores share a cache. */
#define CACHE_LEVEL_SHARED 3u

uint32_t cpuid_id_bits(unsigned ncpus)
{
	return ncpus <= 1u ? 0u : 32u - (uint32_t)__builtin_clz(ncpus - 1u);
}

static uint32_t at_most(uint32_t value, uint32_t max)
{
	return value < max ? value : max;
}

/* Which IDs could be there, not how many are. */
static uint32_t cache_sharing(uint32_t eax, uint32_t ids)
{
	uint32_t level = eax >> CACHE_LEVEL_SHIFT & CACHE_LEVEL_MASK;
	uint32_t shared = level < CACHE_LEVEL_SHARED ? 0u : ids - 1u;

	return (eax & ~(CACHE_SHARED_MASK << CACHE_SHARED_SHIFT)) |
	       (shared & CACHE_SHARED_MASK) << CACHE_SHARED_SHIFT;
}

static void put_in(struct kvm_cpuid_entry2 *e, bool amd, uint32_t apic_id,
		   unsigned ncpus)
{
	uint32_t bits = cpuid_id_bits(ncpus);

	switch (e->function) {
	case LEAF_FEATURES:
		e->ebx = (e->ebx & 0xffffu) | at_most(ncpus, 255u) << 16 |
			 (apic_id & 0xffu) << 24;
		e->edx &= ~EDX_HTT;
		if (ncpus > 1u)
			e->edx |= EDX_HTT;
		break;
	case LEAF_CACHES:
		e->eax = cache_sharing(e->eax, 1u << bits);
		e->eax &= ~(CACHE_CORES_MASK << CACHE_CORES_SHIFT);
		e->eax |= at_most((1u << bits) - 1u, CACHE_CORES_MASK)
			  << CACHE_CORES_SHIFT;
		break;
	case LEAF_AMD_CACHES:
		e->eax = cache_sharing(e->eax, 1u << bits);
		break;
	case LEAF_AMD_FEATURES:
		e->ecx &= ~AMD_ECX_CMP_LEGACY;
		if (amd && ncpus > 1u)
			e->ecx |= AMD_ECX_CMP_LEGACY;
		break;
	case LEAF_AMD_SIZES:
		if (amd)
			e->ecx = (e->ecx & ~UINT32_C(0xf0ff)) | bits << 12 |
				 at_most(ncpus - 1u, 255u);
		break;
	default:
		break;
	}
}

static void append(struct kvm_cpuid2 *cpuid, const struct kvm_cpuid_entry2 *e)
{
	if (cpuid->nent < KVM_CPUID_MAX)
		cpuid->entries[cpuid->nent++] = *e;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf)
			return &cpuid->entries[i];
	return NULL;
}

/* What TOPOEXT promises: an APIC ID, the core's number, one node. */
static void put_amd_topology(struct kvm_cpuid2 *cpuid, uint32_t apic_id)
{
	const struct kvm_cpuid_entry2 topology = {
		.function = LEAF_AMD_TOPOLOGY,
		.eax = apic_id,
		.ebx = apic_id & 0xffu,
	};
	const struct kvm_cpuid_entry2 *features =
		find(cpuid, LEAF_AMD_FEATURES);
	struct kvm_cpuid_entry2 *e = find(cpuid, LEAF_AMD_TOPOLOGY);

	if (e)
		*e = topology;
	else if (features && features->ecx & AMD_ECX_TOPOEXT)
		append(cpuid, &topology);
}

void cpuid_put_topology(struct kvm_cpuid2 *cpuid, uint32_t apic_id,
			unsigned ncpus)
{
	const struct kvm_cpuid_entry2 *vendor = find(cpuid, LEAF_VENDOR);
	bool amd = vendor &&
		   (vendor->ebx == VENDOR_AMD || vendor->ebx == VENDOR_HYGON);

	for (uint32_t i = 0; i < cpuid->nent; i++)
		put_in(&cpuid->entries[i], amd, apic_id, ncpus);
	put_amd_topology(cpuid, apic_id);
	append(cpuid, &(struct kvm_cpuid_entry2){
			      .function = LEAF_TOPOLOGY,
			      .index = 0,
			      .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			      .eax = 0,
			      .ebx = 1,
			      .ecx = TOPOLOGY_SMT | 0u,
			      .edx = apic_id});
	append(cpuid, &(struct kvm_cpuid_entry2){
			      .function = LEAF_TOPOLOGY,
			      .index = 1,
			      .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			      .eax = cpuid_id_bits(ncpus),
			      .ebx = ncpus,
			      .ecx = TOPOLOGY_CORE | 1u,
			      .edx = apic_id});
}
