/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What host and guest share: the hypercall device, the report block and the
 * device-tree binding.
 *
 * Place in the flow: included by guest/ (freestanding) and by vmm/dev/.
 * Depends on nothing but <stdint.h>.
 *
 * Invariant: this file only grows. A change of meaning raises
 * DISVM_ABI_VERSION; the device answers the version at DISVM_HC_ID.
 */
#ifndef DISVM_GUEST_ABI_H
#define DISVM_GUEST_ABI_H

#include <stdint.h>

#define DISVM_ABI_VERSION 1u

/*
 * Hypercall device: 16 I/O ports, 32-bit accesses only. Undefined hypercalls,
 * each of which ends the guest as Failed:
 * - an access of another width or to another offset;
 * - an unknown call number;
 * - a call whose address argument is misaligned, or whose block does not lie in
 *   guest memory as a whole.
 *
 *   offset  write                          read
 *   0       call number (starts the call)  status of this vCPU's last call:
 *                                          0 or a negative DISVM_E* (as int32_t)
 *   4       argument 0                     argument 0
 *   8       argument 1                     argument 1
 *   12      -                              DISVM_HC_ID_MAGIC | features | version
 *
 * Arguments and status are per vCPU. Arguments keep their value until written.
 */
#define DISVM_HC_PORT 0xd10u
#define DISVM_HC_PORTS 16u
#define DISVM_HC_CALL 0u
#define DISVM_HC_ARG0 4u
#define DISVM_HC_ARG1 8u
#define DISVM_HC_ID 12u

/**
 * Identification register: "DI" in the upper half, then a byte of DISVM_HC_CAN_*,
 * then the version.
 */
#define DISVM_HC_ID_MAGIC 0x44490000u
/** DISVM_CALL_TIMED_HALT can be agreed on; a monitor without it may not know it. */
#define DISVM_HC_CAN_TIMED_HALT 0x100u

/** Give up the core; the vCPU stays runnable. No arguments. */
#define DISVM_CALL_YIELD 0u
/**
 * Register the calling vCPU's report block. arg0: GPA of struct
 * disvm_guest_report, 4 KiB aligned. The status is 0.
 */
#define DISVM_CALL_REPORT 1u
/**
 * Ask for another intent. arg0: GPA of struct disvm_intent_hint, 8-aligned. The
 * status is 0, -DISVM_EPERM or -DISVM_EINVAL; a hint refused changes nothing.
 */
#define DISVM_CALL_INTENT 2u
/**
 * End the whole guest. arg0: exit code, 0 = done. A non-zero code, or a
 * registered report that is still DISVM_REPORT_RUNNING, makes the guest Failed.
 */
#define DISVM_CALL_EXIT 3u
/**
 * Agree that this vCPU's timer interrupt comes early when it halts: it is then
 * entered so early that it can look at its clock at the due time, and waits out
 * the rest itself. arg0: the most, in ns, 0 to withdraw; arg1: GPA of an int64_t,
 * 8-aligned, into which the guest writes after each such wake by how many ns it
 * was ready before the due time (negative: after), from which the host learns.
 * The status is 0, or -DISVM_EINVAL for more than DISVM_EARLY_MAX_NS.
 */
#define DISVM_CALL_EARLY 4u
#define DISVM_EARLY_MAX_NS 1000000u

/**
 * Wait until this vCPU is woken by DISVM_CALL_WAKE or an interrupt; not at all, if
 * a wake came since it was last woken. May also return for no reason: look, and
 * call again. arg0: what for, DISVM_BLOCK_*: it shows in
 * events and traces. The status is 0, or -DISVM_EINVAL for another number.
 */
#define DISVM_CALL_BLOCK 5u
#define DISVM_BLOCK_IO 0u
#define DISVM_BLOCK_MUTEX 1u
#define DISVM_BLOCK_SEMAPHORE 2u
#define DISVM_BLOCK_EVENT 3u
#define DISVM_BLOCK_IPC 4u
/**
 * Wake a vCPU of this guest from DISVM_CALL_BLOCK, or from the next one. arg0: its
 * index. The status is 0, or -DISVM_EINVAL: there is none.
 */
#define DISVM_CALL_WAKE 6u

/**
 * Give up the core to a vCPU of this guest that holds what this one waits for: if
 * it waits for the same core it runs next, for the rest of the slice; on another
 * core it runs next as well, but interrupts nobody. arg0: its index. The status is 0, or -DISVM_EINVAL: there is none.
 */
#define DISVM_CALL_YIELD_TO 7u

/**
 * Agree that each HLT of this vCPU first writes IA32_TSC_DEADLINE, with all that
 * such a write does: 0 disarms, a deadline that is past interrupts at once, other
 * timer modes ignore it. So a sleep is one exit: set the word with interrupts
 * off, then STI and HLT. A word, not a call that halts: a HLT is over when it exits,
 * whereas KVM would first have to be entered to end an OUT or WRMSR before it
 * could take the interrupt. arg0: 1, or 0 to withdraw; arg1: GPA of the word, a
 * uint64_t, 8-aligned, which the host only reads. INIT withdraws as well. The
 * status is 0, or -DISVM_EINVAL: another arg0, or not DISVM_HC_CAN_TIMED_HALT.
 */
#define DISVM_CALL_TIMED_HALT 8u

#define DISVM_EPERM 1   /**< beyond what the launcher granted */
#define DISVM_EINVAL 22 /**< contents of the block are invalid */

/** Debug-exit port (8, 16 or 32 bit write): 0 = done, else exit code. */
#define DISVM_DEBUG_EXIT_PORT 0xf4u

/* Intent classes, in order of urgency (the values of enum dis_class). */
#define DISVM_CLASS_SYSTEM 0u
#define DISVM_CLASS_REALTIME 1u
#define DISVM_CLASS_INTERACTIVE 2u
#define DISVM_CLASS_BATCH 3u
#define DISVM_CLASS_BACKGROUND 4u

/** Argument of DISVM_CALL_INTENT. Fields a class has no use for are 0. */
struct disvm_intent_hint {
	uint32_t version;     /**< DISVM_ABI_VERSION */
	uint32_t klass;       /**< DISVM_CLASS_* */
	uint64_t period_ns;   /**< Realtime */
	uint64_t deadline_ns; /**< Realtime, relative to the release */
	uint64_t wcet_ns;     /**< Realtime, worst-case execution time */
	uint64_t latency_ns;  /**< Interactive, target latency */
};

/*
 * Histogram of nanoseconds, log-linear: values below 32 have a bucket each,
 * above it 32 buckets an octave (resolution about 3 %), up to 2^32 ns; the
 * last bucket takes everything beyond.
 */
#define DISVM_HIST_SUB_BITS 5u
#define DISVM_HIST_SUB (1u << DISVM_HIST_SUB_BITS)
#define DISVM_HIST_OCTAVES (32u - DISVM_HIST_SUB_BITS)
#define DISVM_HIST_BUCKETS (DISVM_HIST_SUB * (DISVM_HIST_OCTAVES + 1u))

/** Bucket of @value_ns. Always < DISVM_HIST_BUCKETS. */
static inline uint32_t disvm_hist_bucket(uint64_t value_ns)
{
	uint32_t msb, shift;

	if (value_ns < DISVM_HIST_SUB)
		return (uint32_t)value_ns;
	if (value_ns >> 32)
		return DISVM_HIST_BUCKETS - 1u;
	msb = 63u - (uint32_t)__builtin_clzll(value_ns);
	shift = msb - DISVM_HIST_SUB_BITS;
	return (shift + 1u) * DISVM_HIST_SUB +
	       ((uint32_t)(value_ns >> shift) & (DISVM_HIST_SUB - 1u));
}

/** Smallest value, in ns, that falls into @bucket. */
static inline uint64_t disvm_hist_value(uint32_t bucket)
{
	uint32_t octave = bucket / DISVM_HIST_SUB;
	uint64_t sub = bucket % DISVM_HIST_SUB;

	if (octave == 0u)
		return sub;
	return (sub + DISVM_HIST_SUB) << (octave - 1u);
}

#define DISVM_REPORT_MAGIC 0x50524944u /* "DIRP" */
#define DISVM_REPORT_RUNNING 1u
#define DISVM_REPORT_DONE 2u

/**
 * One vCPU's own measurements, in guest memory, page aligned. The guest writes
 * it at any time; the host copies it, then checks the copy.
 */
struct disvm_guest_report {
	uint32_t magic;    /**< DISVM_REPORT_MAGIC */
	uint32_t version;  /**< DISVM_ABI_VERSION */
	uint32_t vcpu;     /**< index of the vCPU, as in the device tree */
	uint32_t state;    /**< DISVM_REPORT_* */
	char workload[32]; /**< name and parameters, NUL terminated */
	uint64_t work; /**< units done: loops, sleeps, jobs, round trips, locks */
	uint64_t wakes; /**< timed wakes or jobs measured in the histogram */
	uint64_t misses; /**< jobs that ended after their deadline, and @skipped */
	uint64_t lateness_max_ns;
	uint64_t elapsed_ns; /**< from the workload's start to the last update */
	int64_t early_slack_ns;    /**< see DISVM_CALL_EARLY */
	uint64_t tardiness_sum_ns; /**< of jobs: end after the deadline */
	uint64_t tardiness_max_ns;
	uint32_t lateness[DISVM_HIST_BUCKETS]; /**< counts; see disvm_hist_bucket */
	uint64_t boot_ns;  /**< vCPU 0: first instruction to here; 0: unknown */
	uint64_t steal_ns; /**< MSR_KVM_STEAL_TIME's figure; 0 without */
	uint64_t boot_tsc; /**< vCPU 0: its TSC at its first instruction */
	uint64_t skipped;  /**< timed wakes or jobs whose time had passed before
			    * they could begin; @wakes + this: all there were */
};

_Static_assert(sizeof(struct disvm_guest_report) <= 4096,
	       "a report block fits one page");

/*
 * Device tree. It reaches the guest as a boot module (PVH modlist, multiboot
 * mods) whose command line is DISVM_DTB_MODULE:
 *
 *   /chosen      bootargs
 *   /memory@0    reg = <u64 base, u64 size> pairs
 *   /cpus/cpu@N  reg = <N>, the APIC ID and vCPU index;
 *                disvm,intent = "system" | "realtime" | "interactive" |
 *                               "batch" | "background";
 *                disvm,period-ns, disvm,deadline-ns, disvm,wcet-ns,
 *                disvm,latency-ns: u64, where the class has them
 *   /cpus        timebase-frequency = u64, guest TSC in Hz
 *   /hypercall   compatible = "disvm,hypercall-1", reg = <port, ports>
 *   /serial      compatible = "ns16550a", reg = <port, ports>
 *   /debug-exit  compatible = "disvm,debug-exit", reg = <port, ports>
 */
#define DISVM_DTB_MODULE "dtb"

#endif
