/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices that guests of every kind have: UART, hypercall device, ACPI's
 * registers to turn off, debug-exit port. The input is a list of accesses, of bytes
 * that arrive on the line, and of writes to guest memory, where hypercalls look.
 * What the callbacks are given must be as their headers say.
 */
#include <errno.h>

#include <disvm/guest_abi.h>

#include "dev/acpi_power.h"
#include "dev/debug_exit.h"
#include "dev/hypercall.h"
#include "dev/uart.h"
#include "fuzz/fuzz_ports.h"
#include "pc_map.h"

#define VCPUS 3u
#define MEM_BYTES 0x10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct io_bus bus;
static struct uart uart;
static struct hypercall hypercall;
/* Its neighbours are the sanitizer's, so that each byte beyond is noticed. */
static _Alignas(4096) uint8_t memory[MEM_BYTES];
static const struct guest_mem mem = {memory, MEM_BYTES};
static bool uart_level;

static void on_sink(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	fuzz_check(len && len <= UART_CHUNK_SIZE);
}

static void on_irq(void *ctx, bool level)
{
	(void)ctx;
	fuzz_check(level != uart_level);
	uart_level = level;
}

static int on_intent(void *ctx, unsigned vcpu, const struct dis_intent *wanted)
{
	char err[128];

	(void)ctx;
	fuzz_check(vcpu < VCPUS);
	fuzz_check(!dis_intent_validate(wanted, DIS_CPUMASK_ALL, err,
					sizeof(err)));
	return wanted->klass == DIS_CLASS_SYSTEM ? -EPERM : 0;
}

static void on_early(void *ctx, unsigned vcpu, uint64_t ns, const int64_t *slack)
{
	const uint8_t *at = (const uint8_t *)slack;

	(void)ctx;
	fuzz_check(vcpu < VCPUS && ns <= DISVM_EARLY_MAX_NS);
	fuzz_check(at >= memory && at <= memory + MEM_BYTES - sizeof(*slack));
	fuzz_check((uintptr_t)slack % sizeof(*slack) == 0);
}

static void on_other(void *ctx, unsigned vcpu, unsigned to)
{
	(void)ctx;
	fuzz_check(vcpu < VCPUS && to < VCPUS);
}

static void add(uint64_t port, uint64_t ports, const struct io_dev_ops *ops,
		void *dev)
{
	fuzz_check(!io_bus_add(&bus, port, ports, ops, dev));
}

static void start(void)
{
	const struct uart_config uart_config = {on_sink, on_irq, NULL};
	const struct hypercall_config hypercall_config = {
		.mem = &mem,
		.vcpus = VCPUS,
		.intent = on_intent,
		.early = on_early,
		.wake = on_other,
		.yield = on_other,
	};

	memset(memory, 0, sizeof(memory));
	uart_level = false;
	fuzz_check(!uart_init(&uart, &uart_config));
	fuzz_check(!hypercall_init(&hypercall, &hypercall_config));
	io_bus_init(&bus, IO_BUS_PORTS);
	add(PC_COM1_PORT, UART_PORTS, &uart_ops, &uart);
	add(DISVM_HC_PORT, DISVM_HC_PORTS, &hypercall_ops, &hypercall);
	add(PC_SLEEP_CONTROL_PORT, ACPI_POWER_PORTS, &acpi_power_ops, NULL);
	add(DISVM_DEBUG_EXIT_PORT, DEBUG_EXIT_PORTS, &debug_exit_ops, NULL);
}

/* What @a ended with is one of @port's ways to end, and told in one line. */
static void check_action(enum io_action action, const struct io_access *a)
{
	bool is_call = a->addr >= DISVM_HC_PORT &&
		       a->addr < DISVM_HC_PORT + DISVM_HC_PORTS;

	switch (action) {
	case IO_NONE:
		break;
	case IO_YIELD:
		fuzz_check(is_call);
		break;
	case IO_BLOCK:
		fuzz_check(is_call && a->reason != DIS_REASON_NONE);
		break;
	case IO_EXIT:
		fuzz_check(a->write && a->addr - PC_COM1_PORT >= UART_PORTS);
		break;
	case IO_FAIL:
		fuzz_check(is_call && a->reason != DIS_REASON_NONE);
		fuzz_check(a->text[0] && memchr(a->text, '\0', IO_TEXT_SIZE));
		fuzz_check(!strchr(a->text, '\n'));
		break;
	}
}

static void access_port(const struct fuzz_step *s)
{
	static const uint16_t others[] = {PC_SLEEP_CONTROL_PORT,
					  PC_SLEEP_STATUS_PORT, PC_RESET_PORT,
					  DISVM_DEBUG_EXIT_PORT};
	uint8_t data[FUZZ_STRING_MAX];
	struct io_access a;
	uint16_t port;

	if (s->where & 0x80)
		port = PC_COM1_PORT + s->where % UART_PORTS;
	else if (s->where & 0x40)
		port = others[s->where % 4u];
	else
		port = DISVM_HC_PORT + s->where % DISVM_HC_PORTS;
	a = fuzz_access_of(port, s, data);
	a.vcpu = s->vcpu % VCPUS;
	check_action(io_bus_access(&bus, &a), &a);
}

/* A call as it should be, of any number with any arguments. */
static void call(const struct fuzz_step *s)
{
	static const uint8_t at[] = {DISVM_HC_ARG0, DISVM_HC_ARG1,
				     DISVM_HC_CALL};
	struct fuzz_step one = *s;

	one.how = 4u | 1u;
	one.where = at[s->where % sizeof(at)];
	if (one.where == DISVM_HC_CALL)
		memcpy(one.val, (uint8_t[]){s->val[0] % 9u, 0, 0, 0}, 4);
	access_port(&one);
}

/* The guest writes to a page, of which there are few. */
static void write_memory(const struct fuzz_step *s)
{
	uint32_t gpa = (s->how % 4u) * 4096u + s->where * 4u;

	memcpy(memory + gpa, s->val, sizeof(s->val));
}

/* What a report takes from guest memory. */
static void read_reports(void)
{
	struct disvm_guest_report report;

	for (unsigned i = 0; i < VCPUS; i++) {
		if (hypercall_read_report(&hypercall, i, &report))
			continue;
		fuzz_check(report.vcpu == i);
		fuzz_check(
			memchr(report.workload, '\0', sizeof(report.workload)));
	}
}

static void step(const struct fuzz_step *s)
{
	switch (s->what & 7u) {
	case 0:
		fuzz_check(uart_input(&uart, s->val, s->how % 5u) <=
			   s->how % 5u);
		break;
	case 1:
		uart_flush(&uart);
		break;
	case 2:
		write_memory(s);
		break;
	case 3:
		read_reports();
		break;
	case 4:
		call(s);
		break;
	default:
		access_port(s);
		break;
	}
	fuzz_check(uart.irq_level == uart_level);
	fuzz_check(uart.fifo_count <= UART_FIFO_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	fuzz_steps(data, size, step);
	uart_destroy(&uart);
	hypercall_destroy(&hypercall);
	io_bus_fini(&bus);
	return 0;
}
