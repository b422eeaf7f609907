/* SPDX-License-Identifier: Apache-2.0 */
/* Creation of a vCPU, and snapshots of it; see vcpu.h. */
#include "kvm/vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/inspect.h"
#include "kvm/msr.h"
#include "kvm/sampling.h"

static int set_cpuid(const struct kvm *kvm, int fd, unsigned index,
		     unsigned ncpus)
{
	_Alignas(struct kvm_cpuid2)
		uint8_t buffer[sizeof(struct kvm_cpuid2) +
			       KVM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
	struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)buffer;

	kvm_cpuid_for(kvm, index, ncpus, cpuid);
	return kvm_ioctl(fd, KVM_SET_CPUID2, cpuid);
}

int kvm_vcpu_open(const struct kvm *kvm, int vm_fd, unsigned index,
		  unsigned ncpus, struct kvm_vcpu_handle *out, char *err,
		  size_t err_size)
{
	const char *what = "KVM_CREATE_VCPU";
	int ret;

	*out = (struct kvm_vcpu_handle){.fd = -1};
	ret = kvm_ioctl(vm_fd, KVM_CREATE_VCPU, (void *)(uintptr_t)index);
	if (ret < 0)
		goto err_message;
	out->fd = ret;
	what = "mmap of kvm_run";
	out->run = mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED, out->fd, 0);
	if (out->run == MAP_FAILED) {
		ret = -errno;
		out->run = NULL;
		goto err_close;
	}
	what = "KVM_SET_CPUID2";
	ret = set_cpuid(kvm, out->fd, index, ncpus);
	if (ret)
		goto err_close;
	what = "KVM_VCPU_TSC_OFFSET";
	ret = msr_set_tsc_offset(out->fd, 0);
	if (ret)
		goto err_close;
	return 0;

err_close:
	kvm_vcpu_close(kvm, out);
err_message:
	snprintf(err, err_size, "vCPU %u: %s: %s", index, what, strerror(-ret));
	return ret;
}

void kvm_vcpu_close(const struct kvm *kvm, struct kvm_vcpu_handle *handle)
{
	if (handle->run)
		munmap(handle->run, kvm->run_bytes);
	if (handle->fd >= 0)
		close(handle->fd);
	*handle = (struct kvm_vcpu_handle){.fd = -1};
}

int kvm_vcpu_adopt(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		   const struct kvm_vcpu_handle *handle, char *err,
		   size_t err_size)
{
	int ret;

	*vcpu = (struct kvm_vcpu){
		.vm = vm, .index = index, .fd = handle->fd, .run = handle->run};
	ret = vm->profile ? sampling_init(vcpu) : 0;
	if (ret) {
		snprintf(err, err_size, "vCPU %u: profile: %s", index,
			 strerror(-ret));
		return ret;
	}
	if (vm->kernel_irqchip)
		return 0;
	vcpu->run->kvm_valid_regs |= KVM_SYNC_X86_EVENTS;
	vcpu->run->kvm_dirty_regs = 0;
	lapic_init(&vcpu->lapic, index, index == 0, &vm->lapics);
	return 0;
}

void kvm_vcpu_release(struct kvm_vcpu *vcpu)
{
	sampling_fini(vcpu);
}

int kvm_vcpu_init(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		  char *err, size_t err_size)
{
	struct kvm_vcpu_handle handle;
	int ret = kvm_vcpu_open(vm->kvm, vm->fd, index, vm->ncpus, &handle, err,
				err_size);

	if (ret)
		return ret;
	ret = kvm_vcpu_adopt(vcpu, vm, index, &handle, err, err_size);
	if (ret)
		kvm_vcpu_close(vm->kvm, &handle);
	return ret;
}

void kvm_vcpu_fini(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_handle handle = {vcpu->fd, vcpu->run};

	kvm_vcpu_release(vcpu);
	kvm_vcpu_close(vcpu->vm->kvm, &handle);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

void kvm_vcpu_ask(struct kvm_vcpu *vcpu, struct cpu_snapshot *to,
		  struct samples *samples)
{
	vcpu->asked_samples = samples;
	atomic_store(&vcpu->asked, to);
	dis_vcpu_inspect(vcpu->dis);
}

bool kvm_vcpu_answered(const struct kvm_vcpu *vcpu)
{
	return !atomic_load(&vcpu->asked);
}

void kvm_vcpu_inspect(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct cpu_snapshot *to = atomic_load(&vcpu->asked);

	if (!to)
		return;
	inspect_take(vcpu, to);
	if (vcpu->asked_samples)
		*vcpu->asked_samples = *vcpu->samples;
	atomic_store(&vcpu->asked, NULL);
}
