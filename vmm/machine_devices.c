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

/* Who runs it itself looks before the next entry. */
void machine_wake(void *ctx, unsigned cpu)
{
	const struct machine *machine = ctx;
	const struct kvm_vcpu *to = &machine->vcpus[cpu];
	const struct kvm_vcpu *from = kvm_vcpu_current();

	if (from && from->vm == to->vm) {
		if (from != to)
			dis_vcpu_wake_by(to->dis, from->dis);
	} else {
		dis_vcpu_wake(to->dis);
	}
}

static bool has_extint(void *ctx)
{
	const struct machine *machine = ctx;

	return intc_intr(&machine->intc);
}

static uint8_t accept_extint(void *ctx)
{
	struct machine *machine = ctx;

	return intc_accept(&machine->intc);
}

static const struct kvm_platform_ops platform_ops = {
	.expiry_ns = machine_pc_expiry_ns,
	.tick = machine_pc_tick,
	.extint = has_extint,
	.accept = accept_extint,
};

static void end_of_interrupt(void *ctx, unsigned cpu, uint8_t vector)
{
	struct machine *machine = ctx;

	(void)cpu;
	intc_eoi(&machine->intc, vector);
}

static void apic_enabled(void *ctx)
{
	struct machine *machine = ctx;

	intc_resend(&machine->intc);
}

static void set_kernel_line(void *ctx, unsigned gsi, bool level)
{
	const struct machine *machine = ctx;

	kvm_vm_set_line(&machine->vm, gsi, level);
}

struct irq_line machine_irq_line(struct machine *machine, unsigned gsi)
{
	if (machine->vm.kernel_irqchip)
		return (struct irq_line){set_kernel_line, machine, gsi};
	return (struct irq_line){intc_set_line, &machine->intc, gsi};
}

static int add_interrupts(struct machine *machine)
{
	const struct intc_config config = {
		.lapics = &machine->vm.lapics,
		.wake = machine_wake,
		.ctx = machine,
	};
	int ret;

	if (machine->vm.kernel_irqchip)
		return 0;
	ret = intc_init(&machine->intc, &config);
	if (ret)
		return ret;
	machine->vm.lapics.eoi = end_of_interrupt;
	machine->vm.lapics.enabled = apic_enabled;
	machine->vm.platform = &platform_ops;
	machine->vm.platform_ctx = machine;
	return 0;
}

static void remove_interrupts(struct machine *machine)
{
	if (!machine->vm.kernel_irqchip)
		intc_destroy(&machine->intc);
}

static void serial_irq(void *ctx, bool level)
{
	const struct irq_line line = machine_irq_line(ctx, PC_COM1_GSI);

	irq_line_set(&line, level);
}

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

static void on_timed_halt(void *ctx, unsigned vcpu, const uint64_t *deadline)
{
	struct machine *machine = ctx;

	machine->vcpus[vcpu].halt_deadline = deadline;
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

static int add_to_buses(struct machine *machine)
{
	int ret = 0;

	if (!machine->vm.kernel_irqchip)
		ret = intc_attach(&machine->intc, &machine->bus, &machine->mmio);
	if (!ret)
		ret = io_bus_add(&machine->bus, PC_COM1_PORT, UART_PORTS,
				 &uart_ops, &machine->uart);
	if (!ret)
		ret = io_bus_add(&machine->bus, DISVM_HC_PORT, DISVM_HC_PORTS,
				 &hypercall_ops, &machine->hypercall);
	if (!ret)
		ret = io_bus_add(&machine->bus, DISVM_DEBUG_EXIT_PORT,
				 DEBUG_EXIT_PORTS, &debug_exit_ops, NULL);
	if (!ret)
		ret = io_bus_add(&machine->bus, PC_SLEEP_CONTROL_PORT,
				 ACPI_POWER_PORTS, &acpi_power_ops, NULL);
	return ret;
}

int machine_devices_add(struct machine *machine)
{
	struct uart_config serial = {
		.sink = machine->kind->spec.serial ? serial_sink : NULL,
		.irq = serial_irq,
		.ctx = machine,
	};
	struct hypercall_config hypercall = {
		.mem = &machine->vm.mem,
		.vcpus = machine->kind->spec.vcpus,
		.intent = on_intent,
		.early = on_early,
		/* KVM's own controller halts without telling us. */
		.timed_halt = machine->vm.kernel_irqchip ? NULL : on_timed_halt,
		.wake = end_block,
		.yield = yield_to,
		.ctx = machine,
	};
	int ret;

	ret = add_interrupts(machine);
	if (ret)
		return ret;
	ret = uart_init(&machine->uart, &serial);
	if (ret)
		goto err_interrupts;
	ret = hypercall_init(&machine->hypercall, &hypercall);
	if (ret)
		goto err_uart;
	io_bus_init(&machine->bus, IO_BUS_PORTS);
	io_bus_init(&machine->mmio, IO_BUS_MEMORY);
	ret = add_to_buses(machine);
	if (ret)
		goto err_buses;
	ret = machine_pc_add(machine);
	if (ret)
		goto err_buses;
	ret = machine_io_add(machine);
	if (ret)
		goto err_pc;
	return 0;

err_pc:
	machine_pc_remove(machine);
err_buses:
	io_bus_fini(&machine->mmio);
	io_bus_fini(&machine->bus);
	hypercall_destroy(&machine->hypercall);
err_uart:
	uart_destroy(&machine->uart);
err_interrupts:
	remove_interrupts(machine);
	return ret;
}

void machine_devices_remove(struct machine *machine)
{
	machine_io_remove(machine);
	machine_pc_remove(machine);
	io_bus_fini(&machine->mmio);
	io_bus_fini(&machine->bus);
	hypercall_destroy(&machine->hypercall);
	uart_destroy(&machine->uart);
	remove_interrupts(machine);
}
