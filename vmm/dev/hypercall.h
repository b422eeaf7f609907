/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The project's hypercall device; the guest's side is <disvm/guest_abi.h>
 * (R: CARD-3, CARD-9, DIS-10).
 *
 * Place in the flow: a row of the VM's bus at DISVM_HC_PORT. Yield and exit
 * leave as the bus's actions, an intent hint through a callback to whoever holds
 * the authority; report blocks are read back here for the final report.
 *
 * Invariant: a report address that is stored is 4 KiB aligned and its block lies
 * in guest RAM. What the guest wrote there is copied once, then checked.
 *
 * Locking: none. Arguments and status are used by the thread of their own vCPU
 * only; report addresses are atomic, since any vCPU's exit call and the final
 * report read all of them.
 */
#ifndef DISVM_HYPERCALL_H
#define DISVM_HYPERCALL_H

#include <stdatomic.h>
#include <stdint.h>

#include <dis/intent.h>
#include <disvm/guest_abi.h>

#include "bus.h"
#include "kvm/guest_mem.h"

/**
 * @intent: vCPU @vcpu asks for @wanted, which is valid in itself. Its affinity
 *          is DIS_CPUMASK_ALL: a hint says nothing about cores. Called on the
 *          vCPU's thread; must not block. Return: 0 granted, -EPERM beyond what
 *          the launcher granted, -EINVAL not possible.
 * @early:  vCPU @vcpu agrees to timer interrupts that are early by up to @ns; at
 *          @slack, in guest memory, it will say by how much they were. Called on
 *          the vCPU's thread.
 * @timed_halt: each HLT of vCPU @vcpu first sets its timer to *@deadline, in guest
 *          memory; NULL: no longer. Called on the vCPU's thread. NULL where HLT is
 *          not seen: then it is not offered.
 * @wake:   vCPU @to, which exists, is woken from a block; on the thread of @vcpu.
 * @yield:  @vcpu is about to yield, to @to, which exists; on the thread of @vcpu.
 */
struct hypercall_config {
	const struct guest_mem *mem;
	unsigned vcpus;
	int (*intent)(void *ctx, unsigned vcpu, const struct dis_intent *wanted);
	void (*early)(void *ctx, unsigned vcpu, uint64_t ns,
		      const int64_t *slack);
	void (*timed_halt)(void *ctx, unsigned vcpu, const uint64_t *deadline);
	void (*wake)(void *ctx, unsigned vcpu, unsigned to);
	void (*yield)(void *ctx, unsigned vcpu, unsigned to);
	void *ctx;
};

struct hypercall_vcpu {
	uint32_t arg[2];
	int32_t status;
	_Atomic uint64_t report; /**< GPA | HYPERCALL_REPORT_SET, or 0 */
};

#define HYPERCALL_REPORT_SET UINT64_C(1)

struct hypercall {
	struct hypercall_config config;
	struct hypercall_vcpu *vcpus;
};

extern const struct io_dev_ops hypercall_ops;

/** Return: 0 or -ENOMEM. */
int hypercall_init(struct hypercall *dev, const struct hypercall_config *config);
void hypercall_destroy(struct hypercall *dev);

/**
 * hypercall_read_report - copy the report block of @vcpu and check the copy.
 * @out: on success valid: magic, version and vCPU index match, the state is
 *       RUNNING or DONE, the workload is NUL-terminated printable ASCII. The
 *       figures are the guest's word. Undefined on error.
 *
 * Context: any thread, also while the vCPU runs; the copy may then be torn
 * between two updates of the guest.
 * Return: 0, -ENOENT (none registered), -EINVAL (contents are not valid).
 */
int hypercall_read_report(const struct hypercall *dev, unsigned vcpu,
			  struct disvm_guest_report *out);

#endif
