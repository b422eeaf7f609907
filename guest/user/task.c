/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workloads use: waiting, IPIs, the histogram, lines, hypercalls.
 */
#include <task.h>

/* Last in memory, so that few vCPUs touch few pages; see link.lds. */
struct task tasks[MAX_VCPUS] __attribute__((section(".bss.per_vcpu")));
uint32_t apic_id_of[MAX_VCPUS];
struct run run;

uint64_t ipi_to(uint32_t index)
{
	return (uint64_t)apic_id_of[index] << 32 | 0x4000 | VECTOR_IPI;
}

/*
 * Each write to the timer's MSR can cost a trip to the monitor, so a timer that
 * is set already is left alone, unless it is so near that it may have fired.
 */
static uint64_t arm(struct task *task, uint64_t tsc)
{
	uint64_t armed = task->armed_tsc;

	task->armed_tsc = tsc == NEVER ? 0 : tsc;
	if (task->timed_halt)
		return WAIT_KEEP;
	if (tsc == NEVER)
		return armed ? 0 : WAIT_KEEP;
	if (tsc == armed && machine.timer_msr == MSR_TSC_DEADLINE &&
	    tsc > rdtsc() + ns_to_ticks(MS_NS))
		return WAIT_KEEP;
	return timer_value(tsc);
}

uint64_t task_wait(struct task *task, uint64_t icr, uint64_t tsc)
{
	uint64_t now;

	sys(SYS_WAIT, arm(task, tsc), icr, 0);
	now = rdtsc();
	if (now >= task->armed_tsc)
		task->armed_tsc = 0;
	return now;
}

/* Woken before @tsc by agreement: the rest is waited out here. */
static uint64_t wait_out(struct task *task, uint64_t now, uint64_t tsc)
{
	int64_t early = (int64_t)(tsc - now);

	report_of(task)->early_slack_ns =
		early < 0 ? -(int64_t)ticks_to_ns((uint64_t)-early)
			  : (int64_t)ticks_to_ns((uint64_t)early);
	if (early > (int64_t)run.early_ticks)
		return now; /* woken by something else */
	while (now < tsc) {
		__builtin_ia32_pause();
		now = rdtsc();
	}
	task->armed_tsc = 0;
	return now;
}

uint64_t task_sleep(struct task *task, uint64_t tsc)
{
	uint64_t now = rdtsc();

	while (now < tsc) {
		now = task_wait(task, 0, tsc);
		if (run.early_ticks)
			now = wait_out(task, now, tsc);
	}
	return now;
}

void task_record(struct task *task, uint64_t ns)
{
	struct disvm_guest_report *report = report_of(task);

	report->lateness[disvm_hist_bucket(ns)]++;
	report->wakes++;
	if (ns > report->lateness_max_ns)
		report->lateness_max_ns = ns;
}

/* One line, to be written in one piece: others write as well. */
struct line {
	size_t n;
	char text[96];
};

static void put(struct line *line, const char *s)
{
	while (*s && line->n < sizeof(line->text) - 1)
		line->text[line->n++] = *s++;
}

static void put_number(struct line *line, uint32_t value)
{
	char digits[11];
	size_t n = sizeof(digits);

	digits[--n] = 0;
	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	put(line, digits + n);
}

static void put_begin(struct line *line, const struct task *task)
{
	line->n = 0;
	put(line, "guest vcpu ");
	put_number(line, task->index);
	put(line, " ");
}

static void put_end(struct line *line)
{
	line->text[line->n++] = '\n';
	sys(SYS_WRITE, (uintptr_t)line->text, line->n, 0);
}

void task_print(const struct task *task, const char *what)
{
	struct line line;

	put_begin(&line, task);
	put(&line, what);
	put_end(&line);
}

void task_print_status(const struct task *task, const char *what,
		       const char *detail, int32_t status)
{
	struct line line;

	put_begin(&line, task);
	put(&line, what);
	put(&line, " ");
	put(&line, detail);
	put(&line, status < 0 ? " status -" : " status ");
	put_number(&line, status < 0 ? -(uint32_t)status : (uint32_t)status);
	put_end(&line);
}

int32_t hypercall(const struct task *task, uint32_t call, uint32_t arg0,
		  uint32_t arg1)
{
	uint16_t port = machine.hypercall_port;

	if (!port)
		die(EXIT_MACHINE, "no hypercall device", task->label);
	sys(SYS_OUT, port + DISVM_HC_ARG0, 4, arg0);
	sys(SYS_OUT, port + DISVM_HC_ARG1, 4, arg1);
	sys(SYS_OUT, port + DISVM_HC_CALL, 4, call);
	return (int32_t)sys(SYS_IN, port + DISVM_HC_CALL, 4, 0);
}

_Noreturn void guest_exit(uint32_t code)
{
	sys(SYS_EXIT, code, 0, 0);
	__builtin_unreachable();
}
