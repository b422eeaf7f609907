/* SPDX-License-Identifier: Apache-2.0 */
/* fw_cfg and the port of the firmware's log (R: CARD-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>

#include "dev/debug_port.h"
#include "dev/fw_cfg.h"
#include "pc_map.h"

#define SELECTOR PC_FW_CFG_PORT
#define DATA (PC_FW_CFG_PORT + 1)
#define DMA_HIGH (PC_FW_CFG_PORT + 4)
#define DMA_LOW (PC_FW_CFG_PORT + 8)

#define MEM_BYTES (256u << 10)
#define COMMAND_GPA 0x1000u
#define BUFFER_GPA 0x2000u

enum {
	ERROR = 1,
	READ = 2,
	SKIP = 4,
	SELECT = 8,
	WRITE = 16,
};

struct fixture {
	struct io_bus bus;
	struct fw_cfg_store store;
	struct fw_cfg dev;
	struct debug_port log;
	struct guest_mem mem;
	char out[1024];
	size_t out_len;
	unsigned calls;
};

static void on_log(void *ctx, const void *data, size_t len)
{
	struct fixture *f = ctx;

	assert_true(f->out_len + len < sizeof(f->out));
	memcpy(f->out + f->out_len, data, len);
	f->out_len += len;
	f->calls++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = (struct guest_mem){calloc(1, MEM_BYTES), MEM_BYTES};
	assert_non_null(f->mem.base);
	assert_int_equal(fw_cfg_store_init(&f->store), 0);
	assert_int_equal(fw_cfg_init(&f->dev, &f->store, &f->mem), 0);
	assert_int_equal(debug_port_init(&f->log, on_log, f), 0);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, PC_FW_CFG_PORT, FW_CFG_PORTS,
				    &fw_cfg_ops, &f->dev),
			 0);
	assert_int_equal(io_bus_add(&f->bus, PC_DEBUG_PORT, DEBUG_PORT_PORTS,
				    &debug_port_ops, &f->log),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	debug_port_destroy(&f->log);
	fw_cfg_destroy(&f->dev);
	fw_cfg_store_free(&f->store);
	free(f->mem.base);
	free(f);
	return 0;
}

static void access_bytes(struct fixture *f, unsigned port, bool write,
			 uint8_t width, void *data, uint32_t count)
{
	struct io_access a = {.addr = port,
			      .width = width,
			      .write = write,
			      .count = count,
			      .data = data};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
}

static void select_item(struct fixture *f, uint16_t key)
{
	access_bytes(f, SELECTOR, true, 2, &key, 1);
}

/* By one INSB. */
static void read_string(struct fixture *f, uint16_t key, void *to,
			uint32_t bytes)
{
	select_item(f, key);
	access_bytes(f, DATA, false, 1, to, bytes);
}

/* Return: the control word that the device leaves. */
static uint32_t dma(struct fixture *f, uint32_t control, uint32_t bytes,
		    uint64_t gpa)
{
	uint32_t head[4] = {htobe32(control), htobe32(bytes),
			    htobe32((uint32_t)(gpa >> 32)),
			    htobe32((uint32_t)gpa)};
	uint32_t low = htobe32(COMMAND_GPA), high = 0;

	memcpy(f->mem.base + COMMAND_GPA, head, sizeof(head));
	access_bytes(f, DMA_HIGH, true, 4, &high, 1);
	access_bytes(f, DMA_LOW, true, 4, &low, 1);
	memcpy(head, f->mem.base + COMMAND_GPA, sizeof(head));
	return be32toh(head[0]);
}

static uint32_t select_and(uint16_t key, uint32_t control)
{
	return (uint32_t)key << 16 | SELECT | control;
}

static void test_fw_cfg_tells_signature_and_version(void **state)
{
	char signature[4];
	uint32_t version;

	read_string(*state, FW_CFG_SIGNATURE, signature, 4);
	assert_memory_equal(signature, "QEMU", 4);
	read_string(*state, FW_CFG_ID, &version, 4);
	assert_int_equal(le32toh(version), 3);
}

static void test_fw_cfg_data_port_reads_one_byte_after_the_other(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[6] = {0};

	assert_int_equal(fw_cfg_store_add(&f->store, FW_CFG_CPUS, "abc", 3), 0);
	select_item(f, FW_CFG_CPUS);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		access_bytes(f, DATA, false, 1, &bytes[i], 1);
	assert_memory_equal(bytes, "abc\0\0\0", 6);
	/* A selector begins anew. */
	select_item(f, FW_CFG_CPUS);
	access_bytes(f, DATA, false, 1, bytes, 1);
	assert_int_equal(bytes[0], 'a');
}

static void test_fw_cfg_unknown_item_reads_zeros(void **state)
{
	uint8_t bytes[8];

	memset(bytes, 0xaa, sizeof(bytes));
	read_string(*state, 0x8003, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
}

static void test_fw_cfg_directory_lists_files(void **state)
{
	struct fixture *f = *state;
	struct {
		uint32_t count;
		struct {
			uint32_t bytes;
			uint16_t key, reserved;
			char name[56];
		} files[2];
	} dir;
	char contents[8] = "";

	assert_int_equal(fw_cfg_store_add_file(&f->store, "etc/one", "1234", 4),
			 0);
	assert_int_equal(fw_cfg_store_add_file(&f->store, "etc/two", "5", 1), 0);
	read_string(f, FW_CFG_DIRECTORY, &dir, sizeof(dir));
	assert_int_equal(be32toh(dir.count), 2);
	assert_string_equal(dir.files[0].name, "etc/one");
	assert_int_equal(be32toh(dir.files[0].bytes), 4);
	assert_int_equal(dir.files[0].reserved, 0);
	assert_string_equal(dir.files[1].name, "etc/two");
	assert_int_equal(be32toh(dir.files[1].bytes), 1);
	read_string(f, be16toh(dir.files[0].key), contents, 5);
	assert_string_equal(contents, "1234");
	read_string(f, be16toh(dir.files[1].key), contents, 2);
	assert_string_equal(contents, "5");
}

static void test_fw_cfg_store_refuses_what_does_not_fit(void **state)
{
	struct fixture *f = *state;
	char name[FW_CFG_NAME_BYTES + 1];

	assert_int_equal(fw_cfg_store_add(&f->store, FW_CFG_ID, "", 0), -EEXIST);
	memset(name, 'n', sizeof(name));
	name[FW_CFG_NAME_BYTES] = 0;
	assert_int_equal(fw_cfg_store_add_file(&f->store, name, "", 0),
			 -ENAMETOOLONG);
	name[FW_CFG_NAME_BYTES - 1] = 0;
	while (f->store.n < FW_CFG_ITEMS_MAX)
		assert_int_equal(fw_cfg_store_add_file(&f->store, name, "", 0),
				 0);
	assert_int_equal(fw_cfg_store_add_file(&f->store, name, "", 0), -ENOSPC);
}

static void test_fw_cfg_dma_register_reads_its_signature(void **state)
{
	char signature[8];

	access_bytes(*state, DMA_HIGH, false, 4, signature, 1);
	access_bytes(*state, DMA_LOW, false, 4, signature + 4, 1);
	assert_memory_equal(signature, "QEMU CFG", 8);
}

static void test_fw_cfg_dma_reads_an_item(void **state)
{
	struct fixture *f = *state;

	memset(f->mem.base + BUFFER_GPA, 0xaa, 8);
	assert_int_equal(
		dma(f, select_and(FW_CFG_SIGNATURE, READ), 6, BUFFER_GPA), 0);
	assert_memory_equal(f->mem.base + BUFFER_GPA, "QEMU\0\0\xaa\xaa", 8);
}

static void test_fw_cfg_dma_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dma(f, select_and(FW_CFG_SIGNATURE, 0), 0, 0), 0);
	assert_int_equal(dma(f, SKIP, 1, 0), 0);
	assert_int_equal(dma(f, READ, 2, BUFFER_GPA), 0);
	assert_memory_equal(f->mem.base + BUFFER_GPA, "EM", 2);
	assert_int_equal(dma(f, READ, 1, BUFFER_GPA), 0);
	assert_memory_equal(f->mem.base + BUFFER_GPA, "U", 1);
}

static void test_fw_cfg_dma_write_is_an_error(void **state)
{
	assert_int_equal(dma(*state, select_and(FW_CFG_ID, WRITE), 4,
			     BUFFER_GPA),
			 ERROR);
}

static void test_fw_cfg_dma_outside_memory_is_an_error(void **state)
{
	assert_int_equal(dma(*state, select_and(FW_CFG_ID, READ), 4,
			     MEM_BYTES - 3),
			 ERROR);
	assert_int_equal(
		dma(*state, select_and(FW_CFG_ID, READ), 4, UINT64_MAX), ERROR);
}

/* A guest must not be able to occupy the core with one command. */
static void test_fw_cfg_dma_of_much_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dma(f, select_and(FW_CFG_ID, READ),
			     FW_CFG_DMA_MAX_BYTES, BUFFER_GPA),
			 0);
	assert_int_equal(dma(f, select_and(FW_CFG_ID, READ),
			     FW_CFG_DMA_MAX_BYTES + 1, BUFFER_GPA),
			 ERROR);
	assert_int_equal(dma(f, SKIP, UINT32_MAX, 0), 0);
}

static void test_fw_cfg_dma_command_outside_memory_does_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t low = htobe32(MEM_BYTES - 8), high = htobe32(7);

	access_bytes(f, DMA_LOW, true, 4, &low, 1);
	access_bytes(f, DMA_HIGH, true, 4, &high, 1);
	access_bytes(f, DMA_LOW, true, 4, &low, 1);
	/* The upper half was used up. */
	assert_int_equal(
		dma(f, select_and(FW_CFG_SIGNATURE, READ), 4, BUFFER_GPA), 0);
	assert_memory_equal(f->mem.base + BUFFER_GPA, "QEMU", 4);
}

static void test_fw_cfg_odd_accesses_do_nothing(void **state)
{
	struct fixture *f = *state;
	uint32_t val = 0;

	select_item(f, FW_CFG_SIGNATURE);
	for (unsigned port = 0; port < FW_CFG_PORTS; port++)
		for (uint8_t width = 1; width <= 4; width *= 2)
			if (port != 0 || width != 2)
				access_bytes(f, SELECTOR + port, true, width,
					     &val, 1);
	access_bytes(f, DATA, false, 1, &val, 1);
	assert_int_equal(val, 'Q');
	val = 0;
	access_bytes(f, SELECTOR, false, 2, &val, 1);
	assert_int_equal(val, 0xffff);
	access_bytes(f, DATA, false, 4, &val, 1);
	assert_int_equal(val, 0xffffffff);
}

static void test_fw_cfg_string_of_selectors_ends_with_the_last(void **state)
{
	uint16_t keys[] = {FW_CFG_ID, FW_CFG_DIRECTORY, FW_CFG_SIGNATURE};
	char signature[4];

	access_bytes(*state, SELECTOR, true, 2, keys, 3);
	access_bytes(*state, DATA, false, 1, signature, 4);
	assert_memory_equal(signature, "QEMU", 4);
}

static void test_debug_port_tells_that_somebody_reads(void **state)
{
	uint8_t data[4];

	access_bytes(*state, PC_DEBUG_PORT, false, 1, data, 1);
	assert_int_equal(data[0], 0xe9);
	access_bytes(*state, PC_DEBUG_PORT, false, 4, data, 1);
	assert_memory_equal(data, "\xe9\xff\xff\xff", 4);
}

static void test_debug_port_passes_lines_on(void **state)
{
	struct fixture *f = *state;

	for (const char *c = "one\ntw"; *c; c++)
		access_bytes(f, PC_DEBUG_PORT, true, 1, (void *)c, 1);
	assert_string_equal(f->out, "one\n");
	access_bytes(f, PC_DEBUG_PORT, true, 1, "o\nthree\n", 8);
	assert_string_equal(f->out, "one\ntwo\nthree\n");
	assert_int_equal(f->calls, 3);
}

static void test_debug_port_cuts_long_lines(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < DEBUG_PORT_LINE_BYTES + 1; i++)
		access_bytes(f, PC_DEBUG_PORT, true, 1, "x", 1);
	assert_int_equal(f->out_len, DEBUG_PORT_LINE_BYTES);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fw_cfg_tells_signature_and_version),
		T(test_fw_cfg_data_port_reads_one_byte_after_the_other),
		T(test_fw_cfg_unknown_item_reads_zeros),
		T(test_fw_cfg_directory_lists_files),
		T(test_fw_cfg_store_refuses_what_does_not_fit),
		T(test_fw_cfg_dma_register_reads_its_signature),
		T(test_fw_cfg_dma_reads_an_item),
		T(test_fw_cfg_dma_goes_on_where_it_was),
		T(test_fw_cfg_dma_write_is_an_error),
		T(test_fw_cfg_dma_outside_memory_is_an_error),
		T(test_fw_cfg_dma_of_much_is_an_error),
		T(test_fw_cfg_dma_command_outside_memory_does_nothing),
		T(test_fw_cfg_odd_accesses_do_nothing),
		T(test_fw_cfg_string_of_selectors_ends_with_the_last),
		T(test_debug_port_tells_that_somebody_reads),
		T(test_debug_port_passes_lines_on),
		T(test_debug_port_cuts_long_lines),
	};

	return cmocka_run_group_tests_name("fw_cfg", tests, NULL, NULL);
}
