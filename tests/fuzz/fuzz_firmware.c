/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What firmware talks to: keyboard controller, resets, fw_cfg, the port of its log.
 * The input is a list of accesses, and of writes to guest memory, where DMA commands
 * are. Memory outside the guest's must stay as it was, and each item must be read
 * with its own bytes.
 */
#include "boot/firmware_config.h"
#include "dev/debug_port.h"
#include "dev/fw_cfg.h"
#include "dev/i8042.h"
#include "dev/reset.h"
#include "fuzz/fuzz_ports.h"
#include "pc_map.h"

#define MEM_BYTES (128u << 10)
#define GUARD_BYTES 4096u
#define GUARD 0xa5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct io_bus bus;
static struct i8042 kbc;
static struct reset reset;
static struct fw_cfg_store store;
static struct fw_cfg fw_cfg;
static struct debug_port debug_port;
static uint8_t memory[GUARD_BYTES + MEM_BYTES + GUARD_BYTES];
static const struct guest_mem mem = {memory + GUARD_BYTES, MEM_BYTES};
static bool levels[PC_ISA_GSIS];

static void on_irq(void *ctx, unsigned gsi, bool level)
{
	(void)ctx;
	fuzz_check(levels[gsi] != level);
	levels[gsi] = level;
}

/* A line, or a part of one. */
static void on_log(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	fuzz_check(len && len <= DEBUG_PORT_LINE_BYTES);
	fuzz_check(!memchr(data, '\n', len - 1));
}

static void add(uint64_t port, uint64_t ports, const struct io_dev_ops *ops,
		void *dev)
{
	fuzz_check(!io_bus_add(&bus, port, ports, ops, dev));
}

static void start(void)
{
	const struct irq_line keyboard = {on_irq, NULL, PC_KEYBOARD_GSI};
	const struct irq_line mouse = {on_irq, NULL, PC_MOUSE_GSI};

	if (!store.n)
		fuzz_check(!firmware_config_build(7, UINT64_C(5) << 30, &store));
	memset(memory, 0, sizeof(memory));
	memset(memory, GUARD, GUARD_BYTES);
	memset(memory + GUARD_BYTES + MEM_BYTES, GUARD, GUARD_BYTES);
	memset(levels, 0, sizeof(levels));
	fuzz_check(!i8042_init(&kbc, &keyboard, &mouse));
	reset_init(&reset);
	fuzz_check(!fw_cfg_init(&fw_cfg, &store, &mem));
	fuzz_check(!debug_port_init(&debug_port, on_log, NULL));
	io_bus_init(&bus, IO_BUS_PORTS);
	add(PC_I8042_DATA_PORT, 1, &i8042_data_ops, &kbc);
	add(PC_I8042_COMMAND_PORT, 1, &i8042_command_ops, &kbc);
	add(PC_PORT_A, 1, &reset_port_a_ops, &reset);
	add(PC_RESET_CONTROL_PORT, 1, &reset_control_ops, &reset);
	add(PC_FW_CFG_PORT, FW_CFG_PORTS, &fw_cfg_ops, &fw_cfg);
	add(PC_DEBUG_PORT, DEBUG_PORT_PORTS, &debug_port_ops, &debug_port);
}

/* The byte that the data port gives next. */
static uint8_t expected_byte(void)
{
	const struct fw_cfg_item *item = fw_cfg_store_find(&store, fw_cfg.key);

	return item && fw_cfg.at < item->bytes ? item->data[fw_cfg.at] : 0;
}

static void access_port(const struct fuzz_step *s)
{
	static const uint16_t ports[] = {PC_I8042_DATA_PORT,
					 PC_I8042_COMMAND_PORT, PC_PORT_A,
					 PC_RESET_CONTROL_PORT, PC_DEBUG_PORT};
	uint16_t port = PC_FW_CFG_PORT + s->where % FW_CFG_PORTS;
	uint8_t data[FUZZ_STRING_MAX], wanted = expected_byte();
	enum io_action action;

	if (s->where & 0x80)
		port = ports[s->where % (sizeof(ports) / sizeof(ports[0]))];
	action = fuzz_access(&bus, port, s, data);
	fuzz_check(action == IO_NONE || action == IO_EXIT);
	if (port == PC_FW_CFG_PORT + 1 && !(s->how & 7u))
		fuzz_check(data[0] == wanted);
}

static void check_guards(void)
{
	const uint8_t *behind = memory + GUARD_BYTES + MEM_BYTES;

	for (unsigned i = 0; i < GUARD_BYTES; i += 64)
		fuzz_check(memory[i] == GUARD && behind[i] == GUARD);
	fuzz_check(memory[GUARD_BYTES - 1] == GUARD);
}

static void step(const struct fuzz_step *s)
{
	if (s->what & 1u)
		/* Where commands are: at the start. */
		memcpy(memory + GUARD_BYTES + s->where / 8 * 4, s->val,
		       sizeof(s->val));
	else
		access_port(s);
	fuzz_check(!(levels[PC_KEYBOARD_GSI] && levels[PC_MOUSE_GSI]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	fuzz_steps(data, size, step);
	check_guards();
	debug_port_destroy(&debug_port);
	fw_cfg_destroy(&fw_cfg);
	i8042_destroy(&kbc);
	return 0;
}
