/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A recorded trace, read back: who was there, and what happened to whom.
 *
 * Place in the flow: first step of `disvm sim`. sim_demand.c makes of it what
 * each vCPU wanted, sim_figures.c what it got.
 *
 * Invariant: what was read without error is consistent: times ascend for each
 * vCPU and are at most SIM_TIME_MAX_NS, indices are in range, each vCPU's events
 * follow each other as the scheduler's can.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_SIM_TRACE_H
#define DISVM_SIM_TRACE_H

#include <dis/domain.h>

#define SIM_TRACE_BYTES_MAX (UINT64_C(512) << 20)
#define SIM_TIME_MAX_NS (UINT64_C(86400) * DIS_S_NS)
#define SIM_VMS_MAX 16384u
#define SIM_VCPUS_MAX 16384u
#define SIM_NAME_MAX 32u

/**
 * A vCPU is in a new state.
 * @vcpu: index into the trace's vCPUs.
 * @wake_ns: Sleeping: until when; else DIS_NEVER_NS.
 */
struct sim_event {
	uint64_t time_ns;
	uint64_t wake_ns;
	uint32_t vcpu;
	uint8_t state;
	uint8_t reason;
	uint8_t klass;
};

struct sim_vcpu {
	uint32_t vm; /* index, = its number in the trace */
	uint32_t seq;
	struct dis_intent intent;
};

/**
 * vCPUs [@first, @first + @count) are its own.
 * @min_permille, @max_permille: as in struct dis_vm_spec.
 */
struct sim_vm {
	uint32_t first;
	uint32_t count;
	unsigned min_permille;
	unsigned max_permille;
};

/**
 * @policy: names, "" for the default of the class.
 * @events: by time; those of one vCPU in their order.
 * @end_ns: of the trace, which begins at 0.
 */
struct sim_trace {
	unsigned cores;
	uint64_t default_quantum_ns;
	uint64_t quantum_ns[DIS_CLASSES];
	unsigned floor_permille[DIS_CLASSES];
	bool fixed_slices;
	char policy[DIS_CLASSES][SIM_NAME_MAX];
	struct sim_vm *vms;
	size_t n_vms;
	struct sim_vcpu *vcpus;
	size_t n_vcpus;
	struct sim_event *events;
	size_t n_events;
	uint64_t end_ns;
};

/**
 * sim_trace_parse - read a trace from @text, @size bytes.
 * @out: release with sim_trace_free(), on success only.
 * @err: one line, on error.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sim_trace_parse(const char *text, size_t size, struct sim_trace *out,
		    char *err, size_t err_size);

/** The same from a file; @err names it. Return: also -errno of reading. */
int sim_trace_read(const char *path, struct sim_trace *out, char *err,
		   size_t err_size);

void sim_trace_free(struct sim_trace *trace);

#endif
