/* SPDX-License-Identifier: Apache-2.0 */
/* The system's KVM: capabilities; see kvm.h. */
#include "kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/cpuid.h"

struct capability {
	int number;
	const char *name;
	bool kernel_irqchip; /* needed for that alone */
};

#define CAP(cap, irqchip) \
	{ \
		cap, #cap, irqchip \
	}

static const struct capability needed[] = {
	CAP(KVM_CAP_USER_MEMORY, false),
	CAP(KVM_CAP_EXT_CPUID, false),
	CAP(KVM_CAP_IMMEDIATE_EXIT, false),
	CAP(KVM_CAP_X86_USER_SPACE_MSR, false),
	CAP(KVM_CAP_X86_MSR_FILTER, false),
	CAP(KVM_CAP_USER_NMI, false),
	CAP(KVM_CAP_GET_TSC_KHZ, false),
	CAP(KVM_CAP_VCPU_ATTRIBUTES, false),
	CAP(KVM_CAP_VCPU_EVENTS, false),
	CAP(KVM_CAP_DEBUGREGS, false),
	CAP(KVM_CAP_SYNC_REGS, false),
	CAP(KVM_CAP_SET_TSS_ADDR, false),
	CAP(KVM_CAP_IRQCHIP, true),
	CAP(KVM_CAP_PIT2, true),
	CAP(KVM_CAP_TSC_DEADLINE_TIMER, true),
};

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static int check(int fd, bool kernel_irqchip, char *err, size_t err_size)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION) {
		snprintf(err, err_size,
			 "/dev/kvm: API version is %d, %d is needed", version,
			 KVM_API_VERSION);
		return -ENOTSUP;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (needed[i].kernel_irqchip && !kernel_irqchip)
			continue;
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].number) > 0)
			continue;
		snprintf(
			err, err_size,
			"/dev/kvm: this host's KVM lacks %s (Linux 5.16 or newer has it)",
			needed[i].name);
		return -ENOTSUP;
	}
	return 0;
}

/* The TSC's frequency is a question to a vCPU: ask one made for this. */
static int read_tsc_khz(int fd, uint32_t *tsc_khz)
{
	int vm, vcpu, khz;

	vm = kvm_ioctl(fd, KVM_CREATE_VM, NULL);
	if (vm < 0)
		return vm;
	vcpu = kvm_ioctl(vm, KVM_CREATE_VCPU, NULL);
	khz = vcpu < 0 ? vcpu : kvm_ioctl(vcpu, KVM_GET_TSC_KHZ, NULL);
	if (vcpu >= 0)
		close(vcpu);
	close(vm);
	if (khz <= 0)
		return khz ? khz : -EIO;
	*tsc_khz = (uint32_t)khz;
	return 0;
}

int kvm_open(bool kernel_irqchip, struct kvm *out, char *err, size_t err_size)
{
	struct kvm kvm = {.fd = -1};
	int ret;

	kvm.fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm.fd < 0) {
		ret = -errno;
		snprintf(err, err_size, "/dev/kvm: %s", strerror(-ret));
		return ret;
	}
	ret = check(kvm.fd, kernel_irqchip, err, err_size);
	if (ret)
		goto err_close;
	ret = kvm_ioctl(kvm.fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (ret < 0) {
		snprintf(err, err_size, "/dev/kvm: KVM_GET_VCPU_MMAP_SIZE: %s",
			 strerror(-ret));
		goto err_close;
	}
	kvm.run_bytes = (size_t)ret;
	ret = read_tsc_khz(kvm.fd, &kvm.tsc_khz);
	if (ret) {
		snprintf(err, err_size, "/dev/kvm: no vCPU or TSC: %s",
			 strerror(-ret));
		goto err_close;
	}
	kvm.tsc_ns = (UINT64_C(1000000) << 32) / kvm.tsc_khz;
	ret = cpuid_read(&kvm, kernel_irqchip, &kvm.cpuid);
	if (ret) {
		snprintf(err, err_size, "/dev/kvm: supported CPUID: %s",
			 strerror(-ret));
		goto err_close;
	}
	kvm.phys_bits = cpuid_phys_bits(kvm.cpuid);
	*out = kvm;
	return 0;

err_close:
	kvm_close(&kvm);
	return ret;
}

void kvm_close(struct kvm *kvm)
{
	if (kvm->fd >= 0)
		close(kvm->fd);
	free(kvm->cpuid);
	*kvm = (struct kvm){.fd = -1};
}
