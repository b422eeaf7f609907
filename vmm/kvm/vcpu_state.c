/* SPDX-License-Identifier: Apache-2.0 */
/* State of a vCPU; see vcpu_state.h. */
#include "kvm/vcpu_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/msr.h"
#include "kvm/msr_list.h"

/* Of exits within one instruction: a 64-byte access in parts of a byte. */
#define SETTLE_MAX 64u

/* SDM vol. 1, 13.4.2: the word of the XSAVE header, and its bits. */
#define XSTATE_BV (512u / sizeof(uint32_t))
#define XSTATE_X87 1u
#define XSTATE_SSE 2u

/** @nested: without virtualisation in it, which is how it begins. */
struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_nested_state nested;
	bool has_nested;
	struct kvm_msr_entry *msrs;
	size_t n_msrs;
};

static bool has(const struct kvm *kvm, int capability)
{
	return kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
			 (void *)(uintptr_t)capability) > 0;
}

const char *vcpu_state_lacks(const struct kvm *kvm)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {
		{KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"},
		{KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
		{KVM_CAP_XCRS, "KVM_CAP_XCRS"},
		{KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK"},
		{KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		 "KVM_CAP_X86_TRIPLE_FAULT_EVENT"},
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!has(kvm, needed[i].number))
			return needed[i].name;
	return NULL;
}

int vcpu_state_set_up(int vm_fd, char *err, size_t err_size)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_TRIPLE_FAULT_EVENT,
				     .args = {1}};
	int ret = kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap);

	if (ret)
		snprintf(err, err_size,
			 "KVM_ENABLE_CAP(KVM_CAP_X86_TRIPLE_FAULT_EVENT): %s",
			 strerror(-ret));
	return ret;
}

/** A part of the state with ioctls of its own. */
struct part {
	const char *get_name;
	unsigned long get;
	unsigned long set;
	void *buffer;
};

#define PARTS 7u
#define PART(name, field) \
	{ \
		"KVM_GET_" #name, KVM_GET_##name, KVM_SET_##name, \
			(void *)&state->field \
	}

/* In the order in which they are set: registers can raise events. */
static void list_parts(const struct vcpu_state *state, struct part parts[PARTS])
{
	const struct part all[PARTS] = {
		PART(SREGS, sregs),         PART(REGS, regs),
		PART(XCRS, xcrs),           PART(XSAVE, xsave),
		PART(DEBUGREGS, debugregs), PART(MP_STATE, mp_state),
		PART(VCPU_EVENTS, events),
	};

	memcpy(parts, all, sizeof(all));
}

static int take(const struct kvm *kvm, int fd, struct vcpu_state *state,
		const char **what)
{
	struct part parts[PARTS];
	int ret = 0;

	list_parts(state, parts);
	for (unsigned i = 0; i < PARTS && !ret; i++) {
		*what = parts[i].get_name;
		ret = kvm_ioctl(fd, parts[i].get, parts[i].buffer);
	}
	/*
	 * Parts that are not in use are not written, what a guest left there
	 * stays, and KVM_GET_FPU shows it: have x87 and SSE written.
	 */
	state->xsave.region[XSTATE_BV] |= XSTATE_X87 | XSTATE_SSE;
	if (!ret && has(kvm, KVM_CAP_NESTED_STATE)) {
		*what = "KVM_GET_NESTED_STATE";
		state->has_nested = true;
		state->nested.size = sizeof(state->nested);
		ret = kvm_ioctl(fd, KVM_GET_NESTED_STATE, &state->nested);
	}
	if (!ret) {
		*what = "KVM_GET_MSRS";
		ret = msr_list_read(kvm, fd, &state->msrs, &state->n_msrs);
	}
	return ret;
}

int vcpu_state_take(const struct kvm *kvm, const struct kvm_vcpu_handle *handle,
		    struct vcpu_state **out, char *err, size_t err_size)
{
	struct vcpu_state *state = calloc(1, sizeof(*state));
	const char *what = "state of a vCPU";
	int ret = state ? take(kvm, handle->fd, state, &what) : -ENOMEM;

	if (ret) {
		snprintf(err, err_size, "%s: %s", what, strerror(-ret));
		vcpu_state_free(state);
		return ret;
	}
	*out = state;
	return 0;
}

void vcpu_state_free(struct vcpu_state *state)
{
	if (state)
		free(state->msrs);
	free(state);
}

int vcpu_state_settle(const struct kvm_vcpu_handle *handle)
{
	for (unsigned i = 0; i < SETTLE_MAX; i++) {
		handle->run->immediate_exit = 1;
		if (ioctl(handle->fd, KVM_RUN, 0) == 0)
			continue;
		return errno == EINTR ? 0 : -errno;
	}
	return -EBUSY;
}

int vcpu_state_give(const struct kvm *kvm, const struct kvm_vcpu_handle *handle,
		    const struct vcpu_state *state)
{
	struct part parts[PARTS];
	int ret = 0;

	/* First: what is set in an inner guest would be that one's. */
	if (state->has_nested)
		ret = kvm_ioctl(handle->fd, KVM_SET_NESTED_STATE,
				(void *)&state->nested);
	list_parts(state, parts);
	for (unsigned i = 0; i < PARTS && !ret; i++)
		ret = kvm_ioctl(handle->fd, parts[i].set, parts[i].buffer);
	if (!ret)
		ret = msr_list_write(handle->fd, state->msrs, state->n_msrs);
	if (!ret)
		ret = msr_set_tsc_offset(handle->fd, 0);
	if (!ret)
		memset(handle->run, 0, kvm->run_bytes);
	return ret;
}
