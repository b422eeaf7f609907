/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring 3 from start to end: describe the machine, start the vCPUs, meet, run
 * the workloads, meet again, report.
 */
#include <task.h>

#define UP_TIMEOUT_NS (30 * S_NS)

struct machine machine;

static void check_memory(void)
{
	uint64_t need = (uintptr_t)&user_pages[machine.vcpus];

	if (!machine.memory_end || need <= machine.memory_end)
		return;
	print_number((need + 1023) / 1024);
	print(" KiB needed for ");
	print_number(machine.vcpus);
	print(" vCPUs");
	char text[48];

	print_take(text, sizeof(text));
	die(EXIT_USAGE, "too little memory", text);
}

/* What some workloads need of the machine before anyone runs. */
static void prepare(void)
{
	bool echo = false;

	for (uint32_t i = 0; i < machine.vcpus; i++) {
		if (tasks[i].workload->run == periodic_run && !run.unit_ticks)
			periodic_calibrate();
		echo |= tasks[i].workload->run == echo_run;
	}
	machine.serial_fifo = !echo;
}

void user_init(uint32_t boot, uint32_t info_gpa)
{
	const char *bootargs = NULL;
	struct boot_info info;

	boot_info_read(boot, info_gpa, &info);
	if (info.dtb)
		bootargs = fdt_machine_read(info.dtb, info.dtb_bytes);
	else
		legacy_machine_read();
	clock_init();
	cmdline_read(*info.cmdline || !bootargs ? info.cmdline : bootargs);
	check_memory();
	prepare();
	sys(SYS_START, 0, 0, 0);
	user_main(0);
}

static void report_begin(struct task *task)
{
	struct user_page *page = &user_pages[task->index];
	struct disvm_guest_report *report = &page->report;
	uint64_t *word = (uint64_t *)report;

	for (size_t i = 0; i < sizeof(*report) / 8; i++)
		word[i] = 0;
	page->canary = USER_CANARY;
	report->version = DISVM_ABI_VERSION;
	report->vcpu = task->index;
	report->state = DISVM_REPORT_RUNNING;
	if (task->index == 0) {
		report->boot_ns = ticks_to_ns(rdtsc() - machine.entry_tsc);
		report->boot_tsc = machine.entry_tsc;
	}
	for (unsigned i = 0; i < sizeof(task->label); i++)
		report->workload[i] = task->label[i];
	__atomic_store_n(&report->magic, DISVM_REPORT_MAGIC, __ATOMIC_RELEASE);
}

/* On vCPU 0: how long to wait for the others, and the first line. */
static void wait_for_all(struct task *task)
{
	uint64_t limit = rdtsc() + ns_to_ticks(UP_TIMEOUT_NS);

	while (!__atomic_load_n(&run.go, __ATOMIC_ACQUIRE)) {
		if (task_wait(task, 0, limit) >= limit) {
			print_number(__atomic_load_n(&run.up, __ATOMIC_RELAXED));
			print(" of ");
			print_number(machine.vcpus);
			print_take(task->label, sizeof(task->label));
			die(EXIT_MACHINE, "vCPUs did not come up", task->label);
		}
	}
	if (task->armed_tsc)
		sys(SYS_WRMSR, machine.timer_msr, 0, 0);
	task->armed_tsc = 0;
	print("disvm-guest up vcpus=");
	print_number(machine.vcpus);
	print(" tsc_khz=");
	print_number(machine.tsc_hz / 1000);
	print("\n");
	print_flush();
}

/* Other monitors know nothing of this: there it changes nothing. */
static void agree_early(struct task *task)
{
	const int64_t *slack = &report_of(task)->early_slack_ns;

	if (run.early_ns && machine.hypercall_port)
		hypercall(task, DISVM_CALL_EARLY, (uint32_t)run.early_ns,
			  (uint32_t)(uintptr_t)slack);
}

/* Worth its calls where there are many sleeps. */
static void agree_timed_halt(struct task *task)
{
	uint16_t port = machine.hypercall_port;

	if (!task->workload->sleeps || !port ||
	    machine.timer_msr != MSR_TSC_DEADLINE ||
	    !(sys(SYS_IN, port + DISVM_HC_ID, 4, 0) & DISVM_HC_CAN_TIMED_HALT))
		return;
	task->timed_halt = !hypercall(task, DISVM_CALL_TIMED_HALT, 1,
				      (uint32_t)(uintptr_t)&task->armed_tsc);
}

/* The figure is the host's word: read again when it changes underneath. */
static uint64_t steal_ns(const struct task *task)
{
	const struct steal_time *steal = &task->steal;
	uint32_t version;
	uint64_t ns;

	do {
		version = __atomic_load_n(&steal->version, __ATOMIC_ACQUIRE);
		ns = __atomic_load_n(&steal->steal_ns, __ATOMIC_ACQUIRE);
	} while (version & 1 ||
		 version != __atomic_load_n(&steal->version, __ATOMIC_RELAXED));
	return ns;
}

/* All start at the same time: the last to come lets everyone go. */
static void meet(struct task *task)
{
	bool last = __atomic_add_fetch(&run.up, 1, __ATOMIC_ACQ_REL) ==
		    machine.vcpus;

	if (last) {
		run.start_tsc = rdtsc();
		run.end_tsc = NEVER;
		if (run.duration_ns != NEVER)
			run.end_tsc =
				run.start_tsc + ns_to_ticks(run.duration_ns);
		__atomic_store_n(&run.go, 1, __ATOMIC_RELEASE);
		if (machine.vcpus > 1)
			sys(SYS_WRMSR, MSR_X2APIC_ICR, IPI_TO_OTHERS, 0);
	}
	if (task->index == 0)
		wait_for_all(task);
	while (!__atomic_load_n(&run.go, __ATOMIC_ACQUIRE))
		task_wait(task, 0, NEVER);
}

static _Noreturn void finish(struct task *task)
{
	uint32_t done;

	task_over(task, rdtsc());
	report_of(task)->steal_ns = steal_ns(task);
	if (user_pages[task->index].canary != USER_CANARY)
		die(EXIT_PANIC, "stack overflow", task->label);
	__atomic_store_n(&report_of(task)->state, DISVM_REPORT_DONE,
			 __ATOMIC_RELEASE);
	done = __atomic_add_fetch(&run.done, 1, __ATOMIC_ACQ_REL);
	if (task->index != 0 && done == machine.vcpus)
		sys(SYS_WRMSR, MSR_X2APIC_ICR, ipi_to(0), 0);
	for (;;) {
		if (task->index == 0 && run.duration_ns != NEVER &&
		    __atomic_load_n(&run.done, __ATOMIC_ACQUIRE) ==
			    machine.vcpus) {
			report_print();
			guest_exit(0);
		}
		task_wait(task, 0, NEVER);
	}
}

void user_main(uint32_t index)
{
	struct task *task = &tasks[index];

	report_begin(task);
	agree_early(task);
	agree_timed_halt(task);
	if (machine.kvm_features & KVM_FEATURE_STEAL_TIME)
		sys(SYS_WRMSR, MSR_KVM_STEAL_TIME, (uintptr_t)&task->steal | 1,
		    0);
	meet(task);
	task->workload->run(task);
	finish(task);
}
