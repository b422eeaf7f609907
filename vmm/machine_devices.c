/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of a guest and how they are wired; see machine_devices.h. */
#include "machine_devices.h"

#include <disvm/guest_abi.h>

#include "dev/acpi_power.h"
#include "dev/debug_exit.h"
#include "pc_map.h"

const struct dtb_device machine_dtb_devices[] = {
	{"serial", "ns16550a", PC_COM1_PORT, UART_PORTS},
	{"hypercall", "disvm,hypercall-1", DISVM_HC_PORT, DISVM_HC_PORTS},
	{"debug-exit", "disvm,debug-exit", DISVM_DEBUG_EXIT_PORT,
	 DEBUG_EXIT_PORTS},
};
const unsigned machine_dtb_device_count =
	sizeof(machine_dtb_devices) / sizeof(machine_dtb_devices[0]);

static void serial_sink(void *ctx, const void *data, size_t len)
{
	const struct machine *machine = ctx;
	const struct machine_spec *spec = &machine->kind->spec;

	spec->serial(spec->serial_ctx, machine->seq, data, len);
}

static int on_intent(void *ctx, unsigned vcpu, const struct dis_intent *wanted)
{
	struct machine *machine = ctx;

	return dis_vcpu_set_intent(machine->vcpus[vcpu].dis, wanted);
}

static void on_early(void *ctx, unsigned vcpu, uint64_t ns, const int64_t *slack)
{
	struct machine *machine = ctx;

	machine->vcpus[vcpu].early_ns = ns;
	machine->vcpus[vcpu].slack = slack;
}

static void end_block(void *ctx, unsigned vcpu, unsigned to)
{
	struct machine *machine = ctx;

	/* First what it looks at, then that it must look. */
	atomic_store(&machine->vcpus[to].woken, true);
	dis_vcpu_wake_by(machine->vcpus[to].dis, machine->vcpus[vcpu].dis);
}

static void yield_to(void *ctx, unsigned vcpu, unsigned to)
{
	struct machine *machine = ctx;

	dis_vcpu_yield_to(machine->vcpus[vcpu].dis, machine->vcpus[to].dis);
}

int machine_devices_add(struct machine *machine)
{
	struct uart_config serial = {
		.sink = machine->kind->spec.serial ? serial_sink : NULL,
		.ctx = machine,
	};
	struct hypercall_config hypercall = {
		.mem = &machine->vm.mem,
		.vcpus = machine->kind->spec.vcpus,
		.intent = on_intent,
		.early = on_early,
		.wake = end_block,
		.yield = yield_to,
		.ctx = machine,
	};
	int ret;

	ret = uart_init(&machine->uart, &serial);
	if (ret)
		return ret;
	ret = hypercall_init(&machine->hypercall, &hypercall);
	if (ret) {
		uart_destroy(&machine->uart);
		return ret;
	}
	io_bus_init(&machine->bus, IO_BUS_PORTS);
	io_bus_init(&machine->mmio, IO_BUS_MEMORY);
	ret = io_bus_add(&machine->bus, PC_COM1_PORT, UART_PORTS, &uart_ops,
			 &machine->uart);
	if (!ret)
		ret = io_bus_add(&machine->bus, DISVM_HC_PORT, DISVM_HC_PORTS,
				 &hypercall_ops, &machine->hypercall);
	if (!ret)
		ret = io_bus_add(&machine->bus, DISVM_DEBUG_EXIT_PORT,
				 DEBUG_EXIT_PORTS, &debug_exit_ops, NULL);
	if (!ret)
		ret = io_bus_add(&machine->bus, PC_SLEEP_CONTROL_PORT,
				 ACPI_POWER_PORTS, &acpi_power_ops, NULL);
	if (ret) {
		hypercall_destroy(&machine->hypercall);
		uart_destroy(&machine->uart);
	}
	return ret;
}

void machine_devices_remove(struct machine *machine)
{
	hypercall_destroy(&machine->hypercall);
	uart_destroy(&machine->uart);
}
