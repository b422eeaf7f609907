/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSRs of a vCPU; see msr_list.h.
 *
 * KVM_GET_MSR_INDEX_LIST has most. It leaves out what user space is supposed to
 * know: the memory types (SDM vol. 3A, 11.11.2), the machine-check banks (SDM vol.
 * 3B, 15.3.2) and what AMD has in places of its own.
 */
#include "kvm/msr_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MSR_TSC 0x10u
/* The most that KVM takes in one call: fewer than its MAX_IO_MSRS, 256. */
#define AT_ONCE 255u

struct range {
	uint32_t first;
	uint32_t count;
};

static const struct range unlisted[] = {
	{0x200, 20},      /* variable MTRRs, ten pairs */
	{0x250, 1},       /* fixed MTRRs */
	{0x258, 2},       /* " */
	{0x268, 8},       /* " */
	{0x280, 32},      /* machine check: CTL2 of each bank */
	{0x2ff, 1},       /* default memory type */
	{0x400, 4 * 32},  /* machine check: CTL, STATUS, ADDR, MISC of each */
	{0xc0010114u, 1}, /* AMD: VM_CR */
	{0xc0010140u, 2}, /* AMD: workarounds that the system knows (OSVW) */
	{0xc0011029u, 1}, /* AMD: DE_CFG */
};

struct batch {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[AT_ONCE];
};

static uint32_t unlisted_count(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++)
		n += unlisted[i].count;
	return n;
}

/* Return: the kernel's list with room for @more, or NULL with -errno in @err. */
static struct kvm_msr_list *read_index_list(const struct kvm *kvm,
					    uint32_t more, int *err)
{
	struct kvm_msr_list probe = {0}, *list;

	/* Says how many there are, and that this is too few. */
	*err = kvm_ioctl(kvm->fd, KVM_GET_MSR_INDEX_LIST, &probe);
	if (*err && *err != -E2BIG)
		return NULL;
	*err = -ENOMEM;
	list = calloc(1, sizeof(*list) + (probe.nmsrs + more) *
						 sizeof(list->indices[0]));
	if (!list)
		return NULL;
	list->nmsrs = probe.nmsrs;
	*err = kvm_ioctl(kvm->fd, KVM_GET_MSR_INDEX_LIST, list);
	if (!*err)
		return list;
	free(list);
	return NULL;
}

static void append_unlisted(struct kvm_msr_list *list)
{
	for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++)
		for (uint32_t k = 0; k < unlisted[i].count; k++)
			list->indices[list->nmsrs++] = unlisted[i].first + k;
}

/*
 * Both calls stop at the first MSR that there is not: it is left out, and the
 * rest tried again. Return: how many stay, at the front, or -errno.
 */
static long keep_accepted(int vcpu_fd, unsigned long request,
			  struct kvm_msr_entry *entries, size_t n)
{
	size_t kept = 0, at = 0;

	while (at < n) {
		struct batch batch;
		size_t want = n - at < AT_ONCE ? n - at : AT_ONCE;
		int done;

		batch.head.nmsrs = (uint32_t)want;
		memcpy(batch.entries, entries + at, want * sizeof(entries[0]));
		done = kvm_ioctl(vcpu_fd, request, &batch);
		if (done < 0)
			return done;
		memcpy(entries + kept, batch.entries,
		       (size_t)done * sizeof(entries[0]));
		kept += (size_t)done;
		at += (size_t)done + ((size_t)done < want);
	}
	return (long)kept;
}

int msr_list_read(const struct kvm *kvm, int vcpu_fd,
		  struct kvm_msr_entry **out, size_t *n)
{
	struct kvm_msr_entry *entries = NULL;
	struct kvm_msr_list *list;
	size_t count = 0;
	long kept = -ENOMEM;
	int err;

	list = read_index_list(kvm, unlisted_count(), &err);
	if (!list)
		return err;
	append_unlisted(list);
	entries = calloc(list->nmsrs, sizeof(*entries));
	for (uint32_t i = 0; entries && i < list->nmsrs; i++)
		if (list->indices[i] != MSR_TSC)
			entries[count++].index = list->indices[i];
	free(list);
	if (entries)
		kept = keep_accepted(vcpu_fd, KVM_GET_MSRS, entries, count);
	/* Their own values: this changes nothing. */
	if (kept >= 0)
		kept = keep_accepted(vcpu_fd, KVM_SET_MSRS, entries,
				     (size_t)kept);
	if (kept < 0) {
		free(entries);
		return (int)kept;
	}
	*out = entries;
	*n = (size_t)kept;
	return 0;
}

int msr_list_write(int vcpu_fd, const struct kvm_msr_entry *entries, size_t n)
{
	struct batch batch;

	for (size_t at = 0; at < n; at += batch.head.nmsrs) {
		int done;

		batch.head.nmsrs =
			(uint32_t)(n - at < AT_ONCE ? n - at : AT_ONCE);
		memcpy(batch.entries, entries + at,
		       batch.head.nmsrs * sizeof(entries[0]));
		done = kvm_ioctl(vcpu_fd, KVM_SET_MSRS, &batch);
		if (done < 0)
			return done;
		if ((uint32_t)done != batch.head.nmsrs)
			return -EIO;
	}
	return 0;
}
