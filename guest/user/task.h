/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A vCPU's task: its intent, its workload, and what workloads use.
 *
 * Place in the flow: planned by cmdline.c, run by main.c, one workload per
 * file with a row in workloads.c.
 *
 * Invariant: a task is touched by its own vCPU only, except for the message
 * fields of pingpong and what is set before SYS_START.
 */
#ifndef GUEST_TASK_H
#define GUEST_TASK_H

#include <user.h>

#define CLASS_NONE 0xffu

struct task;

enum workload_args {
	ARGS_NONE,
	ARGS_DURATION,  /**< NAME:DUR */
	ARGS_DURATIONS, /**< NAME:DUR,DUR */
	ARGS_NUMBER,    /**< NAME:N */
	ARGS_HINT,      /**< NAME:CLASS,key=DUR,... */
};

/**
 * @run: does the work until run.end_tsc; keeps the report's counters. The
 *       caller sets state and elapsed time.
 * @sleeps: by timer, again and again.
 */
struct workload {
	const char *name;
	enum workload_args args;
	void (*run)(struct task *task);
	bool sleeps;
};

extern const struct workload workloads[]; /* ends with a NULL name */

/** What KVM's MSR_KVM_STEAL_TIME has the host write. */
struct steal_time {
	uint64_t steal_ns;
	uint32_t version;
	uint32_t flags;
	uint8_t preempted; /**< not 0: could run, and does not */
	uint8_t unused[47];
} __attribute__((aligned(64)));

/**
 * @label:      the workload as it was asked for, for the report.
 * @intent:     the device tree's until the workload is planned; its class may
 *              be CLASS_NONE. Afterwards what hint asks for.
 * @arg:        what other workloads were given: ns, or the number.
 * @timed_halt: our HLT sets the timer, to what armed_tsc says then.
 * @armed_tsc:  what our timer is set to; 0 = off.
 * @sent_seq, @sent_tsc: pingpong's message, read by the partner.
 */
struct task {
	uint32_t index;
	bool timed_halt;
	union {
		struct disvm_intent_hint intent;
		uint64_t arg[2];
	};
	const struct workload *workload;
	uint64_t armed_tsc;
	uint64_t sent_seq;
	uint64_t sent_tsc;
	char label[32];
	struct steal_time steal;
};

extern struct task tasks[MAX_VCPUS];

/**
 * The run as a whole.
 * @duration_ns: NEVER without time=.
 * @early_ns, @early_ticks: the most that timers may come early; 0 without early=.
 * @start_tsc, @end_tsc: set when all are up, before @go.
 * @unit_ticks: one compute_unit(), calibrated; periodic only.
 * @up, @go, @done: shared, atomic.
 */
struct run {
	uint64_t duration_ns;
	uint64_t early_ns;
	uint64_t early_ticks;
	uint64_t start_tsc;
	uint64_t end_tsc;
	uint64_t unit_ticks;
	uint32_t up;
	uint32_t go;
	uint32_t done;
};

extern struct run run;

static inline struct disvm_guest_report *report_of(const struct task *task)
{
	return &user_pages[task->index].report;
}

/** Set the report's elapsed time; true once the run is over. */
static inline bool task_over(struct task *task, uint64_t now_tsc)
{
	report_of(task)->elapsed_ns = ticks_to_ns(now_tsc - run.start_tsc);
	return now_tsc >= run.end_tsc;
}

/**
 * Halt until @tsc (NEVER: no timer) or an interrupt, whichever is first.
 * @icr: written to the interrupt command register before, if not 0.
 *
 * Return: the time, read first thing after waking.
 */
uint64_t task_wait(struct task *task, uint64_t icr, uint64_t tsc);
/** Halt until @tsc, whatever comes. Returns the time, as above. */
uint64_t task_sleep(struct task *task, uint64_t tsc);
/** One latency into the report's histogram. */
void task_record(struct task *task, uint64_t ns);
/** One line about @task's vCPU on the serial line. */
void task_print(const struct task *task, const char *what);
/** The same: "@what @detail status @status". */
void task_print_status(const struct task *task, const char *what,
		       const char *detail, int32_t status);
/** One call of the hypercall device, which must be there: its status. */
int32_t hypercall(const struct task *task, uint32_t call, uint32_t arg0,
		  uint32_t arg1);
/** An address that no guest has: an argument that is undefined. */
#define NO_MEMORY_GPA 0xfffff000u
/** Values of the interrupt command register: IPI to one vCPU, to all others. */
uint64_t ipi_to(uint32_t index);
#define IPI_TO_OTHERS UINT64_C(0xc4000 | VECTOR_IPI)
/** End the guest. */
_Noreturn void guest_exit(uint32_t code);

/** Name of a class; moves @s on. */
bool class_parse(const char **s, uint32_t *out);
/** "CLASS,key=DUR,..." into @hint, which is 0; moves @s on. */
bool hint_parse(const char **s, struct disvm_intent_hint *hint);

void hog_run(struct task *task);
void sleep_run(struct task *task);
void turn_run(struct task *task);
void periodic_run(struct task *task);
void pingpong_run(struct task *task);
void park_run(struct task *task);
void spin_run(struct task *task);
void ticket_run(struct task *task);
void echo_run(struct task *task);
void idle_run(struct task *task);
void yield_run(struct task *task);
void hint_run(struct task *task);
void disk_run(struct task *task);
void exit_run(struct task *task);
void fault_triple_run(struct task *task);
void fault_jump_run(struct task *task);
void fault_ud_run(struct task *task);
void fault_hypercall_run(struct task *task);
void fault_hypercall_arg_run(struct task *task);
void fault_hint_run(struct task *task);
void fault_disk_run(struct task *task);
void fault_poweroff_run(struct task *task);

/** Sum of acquisitions that the locks' own counters saw. */
uint64_t spin_total(void);
/** For planning: measures compute_unit(). */
void periodic_calibrate(void);

#endif
