/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A whole guest: KVM VM, memory, devices, vCPUs, boot state, and its place in
 * the scheduler.
 *
 * Place in the flow: the VM build of the command line (and later of the control
 * socket): machine_kind_open() and machine_kind_start() once per kind, machine_create() per
 * guest, dis_vm_start(), and machine_destroy() after the guest was reaped.
 * Locking: built and destroyed by the control thread; while vCPUs run, each part
 * says itself how it is guarded.
 */
#ifndef DISVM_MACHINE_H
#define DISVM_MACHINE_H

#include <dis/domain.h>

#include "boot/boot.h"
#include "boot/dtb_merge.h"
#include "boot/firmware.h"
#include "boot/firmware_config.h"
#include "dev/hypercall.h"
#include "dev/intc.h"
#include "dev/uart.h"
#include "kvm/arena.h"
#include "kvm/kvm.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "machine_io.h"
#include "machine_pc.h"
#include "shell.h"

/**
 * What all copies of a guest have in common.
 *
 * @kernel_path, @firmware_path: one of them is NULL. initrd_path, cmdline and dtb
 *           belong to a kernel.
 * @intents: one per vCPU, validated.
 * @dtb:     files to be merged into the device tree.
 * @copies:  the most at a time.
 * @keep:    so many guests are made up to where they have only to be started, and
 *           kept so: shell.h. None with @kernel_irqchip, a firmware or devices of
 *           @io, which KVM knows of.
 * @profile: sample where the vCPUs run.
 * @numa_node: of the host, for the guests' memory; -1: any.
 * @io:      disks, networks and the like.
 * @serial:  takes the guests' serial output, in lines where there are any;
 *           called by executors, must not block. NULL drops it.
 * @firmware_log: likewise, what the firmware logs; NULL: it need not log.
 */
struct machine_spec {
	const char *kernel_path;
	const char *firmware_path;
	const char *initrd_path; /**< or NULL */
	const char *cmdline;
	unsigned vcpus;
	uint64_t mem_bytes;
	unsigned copies;
	unsigned keep;
	const struct dis_intent *intents;
	struct dtb_user dtb;
	bool kernel_irqchip;
	bool profile;
	int numa_node;
	struct machine_io_spec io;
	void (*serial)(void *ctx, unsigned seq, const void *data, size_t len);
	void (*firmware_log)(void *ctx, unsigned seq, const void *data,
			     size_t len);
	void *serial_ctx;
};

struct machine_kind {
	struct machine_spec spec;
	struct kvm kvm;
	struct arena arena;
	struct kernel_image *kernel;
	struct boot_file initrd;
	struct firmware firmware;
	struct fw_cfg_store firmware_config;
	struct machine_io_kind io;
	void *dtb;
	uint64_t dtb_bytes;
	struct shells *shells;
};

/** How machine_kind_open() failed, so that the exit status can say so. */
enum machine_fault {
	MACHINE_FAULT_INPUT, /**< a file or option */
	MACHINE_FAULT_HOST,  /**< KVM or memory of this host */
};

/**
 * machine_kind_open - open KVM, read the files, build the device tree.
 * @spec: copied; what it points to must live as long as @out.
 * @err:  one line; @fault: whose fault it is.
 *
 * Return: 0 or -errno; nothing is left open then.
 */
int machine_kind_open(const struct machine_spec *spec, struct machine_kind *out,
		      enum machine_fault *fault, char *err, size_t err_size);
/** All machines have been destroyed. */
void machine_kind_close(struct machine_kind *kind);

/**
 * machine_kind_make_vms - make KVM's VMs for @n guests to come, before any of them
 * has vCPUs: later each would take longer than the one before (shell.h).
 * Return: 0 or -errno with @err, some may be made then.
 */
int machine_kind_make_vms(struct machine_kind *kind, unsigned n, char *err,
			  size_t err_size);

/**
 * machine_kind_start - start the threads that serve devices, once, before any guest
 * is started. A step of its own: until then whoever confines the process has but one
 * thread (confine.h).
 * Return: 0 or -errno with @err.
 */
int machine_kind_start(struct machine_kind *kind, char *err, size_t err_size);

/**
 * @seq:  number of the copy, for people.
 * @intc: not there with KVM's own interrupt controllers.
 * @next_failed: for @owner, to keep those that failed in a list.
 */
struct machine {
	const struct machine_kind *kind;
	unsigned seq;
	dis_id id;
	struct shell *shell;
	struct kvm_vm vm;
	struct io_bus bus;
	struct io_bus mmio;
	struct intc intc;
	struct uart uart;
	struct hypercall hypercall;
	struct machine_io io;
	struct machine_pc pc;
	struct kvm_vcpu *vcpus;
	struct lapic **lapics;
	void *owner;
	struct machine *next_failed;
};

/**
 * machine_create - build copy @seq and load it, ready to be started as @id.
 * @dom, @id: a VM that was spawned for it, not yet started; bound here.
 * @owner: for whoever handles the end of the VM; see dis_run_ops.ended.
 * @fault: as above: INPUT means that the kernel does not fit the memory.
 *
 * Return: 0 or -errno with @err; nothing is left behind then.
 */
int machine_create(const struct machine_kind *kind, unsigned seq,
		   struct dis_domain *dom, dis_id id, void *owner,
		   struct machine **out, enum machine_fault *fault, char *err,
		   size_t err_size);

/**
 * The VM must have ended and been reaped, no executor has its vCPUs. The
 * scheduler's slot is not touched.
 */
void machine_destroy(struct machine *machine);

#endif
