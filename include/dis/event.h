/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Events: what happened, when, where and why (R: ST-6, MEM-2).
 *
 * Place in the flow: written by executors into one ring per core (no lock, no
 * allocation; a full ring drops the event and counts it), read by one reader:
 * the trace writer or a test.
 */
#ifndef DIS_EVENT_H
#define DIS_EVENT_H

#include <dis/types.h>

enum dis_event_type {
	DIS_EVENT_STATE,        /**< vcpu is now in @state because of @reason */
	DIS_EVENT_SPAWN_DENIED, /**< @reason: SLAB_EXHAUSTED or MEM_EXHAUSTED */
	DIS_EVENT_MIGRATE,      /**< vcpu moved to core @cpu from core @arg:
				  *   @reason */
	DIS_EVENT_VM_END,       /**< @state FINISHED or FAILED, @reason */
	DIS_EVENT_POLICY_FAILED, /**< module @arg misbehaved on @cpu in @klass:
				   *   @reason; the former policies are back */
};

/** Core number of events that no executor wrote. */
#define DIS_EVENT_NO_CPU UINT16_MAX

/**
 * @vm_seq, @vcpu_seq: number of the VM in order of spawning, from 0, and
 *                     index of the vCPU within it (the labels people see).
 * @arg: SLEEPING: wake time in ns; RUNNING: how long it waited for that, in ns;
 *       MIGRATE: the core it left; SCHEDULED by JOINED: see dis_vcpu_joined();
 *       POLICY_FAILED: number of the module, see dis_modules_get_info(); else 0.
 * @slice_ns, @candidates, @priority, @choice: the decision, with RUNNING only.
 */
struct dis_event {
	uint64_t time_ns;
	dis_id vm;
	dis_id vcpu;
	uint64_t arg;
	uint64_t slice_ns; /**< how long it may run if someone else could */
	uint32_t vm_seq;
	uint16_t vcpu_seq;
	uint16_t cpu;
	uint8_t type;        /**< enum dis_event_type */
	uint8_t state;       /**< enum dis_state */
	uint8_t reason;      /**< enum dis_reason; MIGRATE: enum dis_move */
	uint8_t klass;       /**< enum dis_class of the vCPU at this time */
	uint16_t candidates; /**< vCPUs it was chosen from, itself included */
	uint8_t priority;    /**< 0 most urgent, as policies see it */
	uint8_t choice;      /**< enum dis_choice */
};

#endif
