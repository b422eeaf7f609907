/* SPDX-License-Identifier: Apache-2.0 */
/* Timer, clock, keyboard controller, firmware's ports; see machine_pc.h. */
#include "machine_pc.h"

#include <time.h>

#include <dis/executor.h>

#include "machine.h"
#include "machine_devices.h"

/* Of machine_pc.made. */
enum {
	MADE_PIT = 1,
	MADE_CMOS,
	MADE_KBC,
	MADE_FW_CFG,
	MADE_LOG,
};

static bool hears(void *ctx, unsigned gsi)
{
	const struct machine *machine = ctx;

	return intc_hears(&machine->intc, gsi);
}

/* The boot vCPU asks anew after its own accesses; others have to wake it. */
static void earlier(void *ctx, unsigned vcpu)
{
	if (vcpu != INTC_BOOT_VCPU)
		machine_wake(ctx, INTC_BOOT_VCPU);
}

static struct timer_host timer_host_of(struct machine *machine)
{
	if (machine->vm.kernel_irqchip)
		return (struct timer_host){.clock_ns = dis_clock_ns};
	return (struct timer_host){
		.clock_ns = dis_clock_ns,
		.hears = hears,
		.earlier = earlier,
		.ctx = machine,
	};
}

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * DIS_S_NS + (uint64_t)t->tv_nsec;
}

/* UTC at 0 of dis_clock_ns(). */
static uint64_t epoch_ns(void)
{
	struct timespec utc = {0};

	clock_gettime(CLOCK_REALTIME, &utc);
	return dis_ns_sub(ns_of(&utc), dis_clock_ns());
}

static int make_timers(struct machine *machine)
{
	struct machine_pc *pc = &machine->pc;
	const struct pit_config pit = {
		.irq = machine_irq_line(machine, PC_PIT_GSI),
		.host = timer_host_of(machine),
	};
	const struct cmos_config cmos = {
		.irq = machine_irq_line(machine, PC_RTC_GSI),
		.host = timer_host_of(machine),
		.epoch_ns = epoch_ns(),
	};
	uint64_t low_bytes = guest_mem_low_bytes(&machine->vm.mem);
	int ret = pit_init(&pc->pit, &pit);

	if (ret)
		return ret;
	pc->made = MADE_PIT;
	ret = cmos_init(&pc->cmos, &cmos);
	if (ret)
		return ret;
	pc->made = MADE_CMOS;
	cmos_set_machine(&pc->cmos, low_bytes,
			 machine->vm.mem.size_bytes - low_bytes,
			 machine->kind->spec.vcpus);
	return 0;
}

static int make_kbc(struct machine *machine)
{
	const struct irq_line keyboard =
		machine_irq_line(machine, PC_KEYBOARD_GSI);
	const struct irq_line mouse = machine_irq_line(machine, PC_MOUSE_GSI);
	int ret = i8042_init(&machine->pc.kbc, &keyboard, &mouse);

	if (ret)
		return ret;
	machine->pc.made = MADE_KBC;
	reset_init(&machine->pc.reset);
	return 0;
}

static void on_log(void *ctx, const void *data, size_t len)
{
	const struct machine *machine = ctx;
	const struct machine_spec *spec = &machine->kind->spec;

	spec->firmware_log(spec->serial_ctx, machine->seq, data, len);
}

static int make_firmware_ports(struct machine *machine)
{
	const struct machine_kind *kind = machine->kind;
	struct machine_pc *pc = &machine->pc;
	int ret = fw_cfg_init(&pc->fw_cfg, &kind->firmware_config,
			      &machine->vm.mem);

	if (ret)
		return ret;
	pc->made = MADE_FW_CFG;
	ret = debug_port_init(&pc->log, on_log, machine);
	if (ret)
		return ret;
	pc->made = MADE_LOG;
	return 0;
}

/* One row for each range of ports; @left_out: there is no such device. */
static int put_on_bus(struct machine *machine)
{
	const struct machine_spec *spec = &machine->kind->spec;
	struct machine_pc *pc = &machine->pc;
	const struct {
		uint64_t port, ports;
		const struct io_dev_ops *ops;
		void *dev;
		bool left_out;
	} rows[] = {
		{PC_PIT_PORT, PIT_PORTS, &pit_ops, &pc->pit,
		 spec->kernel_irqchip},
		{PC_PORT_B, PIT_PORT_B_PORTS, &pit_port_b_ops, &pc->pit,
		 spec->kernel_irqchip},
		{PC_CMOS_PORT, CMOS_PORTS, &cmos_ops, &pc->cmos, false},
		{PC_I8042_DATA_PORT, 1, &i8042_data_ops, &pc->kbc, false},
		{PC_I8042_COMMAND_PORT, 1, &i8042_command_ops, &pc->kbc, false},
		{PC_PORT_A, 1, &reset_port_a_ops, &pc->reset, false},
		{PC_RESET_CONTROL_PORT, 1, &reset_control_ops, &pc->reset,
		 false},
		{PC_FW_CFG_PORT, FW_CFG_PORTS, &fw_cfg_ops, &pc->fw_cfg, false},
		{PC_DEBUG_PORT, DEBUG_PORT_PORTS, &debug_port_ops, &pc->log,
		 !spec->firmware_log},
	};
	int ret = 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && !ret; i++)
		if (!rows[i].left_out)
			ret = io_bus_add(&machine->bus, rows[i].port,
					 rows[i].ports, rows[i].ops,
					 rows[i].dev);
	return ret;
}

int machine_pc_add(struct machine *machine)
{
	int ret = make_timers(machine);

	if (!ret)
		ret = make_kbc(machine);
	if (!ret)
		ret = make_firmware_ports(machine);
	if (!ret)
		ret = put_on_bus(machine);
	if (ret)
		machine_pc_remove(machine);
	return ret;
}

void machine_pc_remove(struct machine *machine)
{
	struct machine_pc *pc = &machine->pc;

	if (pc->made >= MADE_LOG)
		debug_port_destroy(&pc->log);
	if (pc->made >= MADE_FW_CFG)
		fw_cfg_destroy(&pc->fw_cfg);
	if (pc->made >= MADE_KBC)
		i8042_destroy(&pc->kbc);
	if (pc->made >= MADE_CMOS)
		cmos_destroy(&pc->cmos);
	if (pc->made >= MADE_PIT)
		pit_destroy(&pc->pit);
	pc->made = 0;
}

uint64_t machine_pc_expiry_ns(void *ctx)
{
	const struct machine *machine = ctx;

	return dis_ns_min(pit_expiry_ns(&machine->pc.pit),
			  cmos_expiry_ns(&machine->pc.cmos));
}

void machine_pc_tick(void *ctx, uint64_t now_ns)
{
	struct machine *machine = ctx;

	/* Not by the other's expiry: each is heard, or sleeps, for itself. */
	if (pit_expiry_ns(&machine->pc.pit) <= now_ns)
		pit_tick(&machine->pc.pit, now_ns);
	if (cmos_expiry_ns(&machine->pc.cmos) <= now_ns)
		cmos_tick(&machine->pc.cmos, now_ns);
}
