/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware images, and what firmware is told of the machine (R: CARD-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/firmware.h"
#include "boot/firmware_config.h"
#include "pc_map.h"

#define KIB UINT64_C(1024)
#define GIB (UINT64_C(1) << 30)

static char err[256];

/* A file of @bytes that count, with @vector at its reset vector. */
static int open_image(uint64_t bytes, uint8_t vector, struct firmware *out)
{
	int fd = memfd_create("firmware", MFD_CLOEXEC);
	uint8_t *image = malloc(bytes);
	char path[64];
	int ret;

	assert_true(fd >= 0);
	assert_non_null(image);
	for (uint64_t i = 0; i < bytes; i++)
		image[i] = (uint8_t)(i >> 8);
	if (bytes >= 16)
		image[bytes - 16] = vector;
	assert_int_equal(write(fd, image, bytes), bytes);
	free(image);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err[0] = '\0';
	ret = firmware_open(path, out, err, sizeof(err));
	close(fd);
	return ret;
}

static void test_firmware_of_pc_sizes_is_taken(void **state)
{
	static const uint64_t sizes[] = {64 * KIB, 128 * KIB, 192 * KIB,
					 256 * KIB};

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct firmware f;

		assert_int_equal(open_image(sizes[i], 0xea, &f), 0);
		assert_int_equal(f.bytes, sizes[i]);
		/* A memory slot of KVM. */
		assert_int_equal((uintptr_t)f.rom % 4096, 0);
		assert_int_equal(f.rom[sizes[i] - 16], 0xea);
		assert_int_equal(f.rom[0x1234], 0x12);
		firmware_close(&f);
	}
}

static void test_firmware_of_other_sizes_is_refused(void **state)
{
	static const uint64_t sizes[] = {1, 512, 64 * KIB - 1, 64 * KIB + 1,
					 96 * KIB};
	struct firmware f;

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(open_image(sizes[i], 0xea, &f), -EINVAL);
		assert_non_null(strstr(err, "is not a multiple of 64 KiB"));
	}
	assert_int_equal(open_image(320 * KIB, 0xea, &f), -EINVAL);
	assert_non_null(strstr(err, "at most 256 KiB fit below 1 MiB"));
}

static void test_firmware_without_code_is_refused(void **state)
{
	struct firmware f;

	(void)state;
	assert_int_equal(open_image(64 * KIB, 0x00, &f), -EINVAL);
	assert_non_null(strstr(err, "no code at the reset vector"));
	assert_int_equal(open_image(64 * KIB, 0xff, &f), -EINVAL);
}

static void test_firmware_file_that_is_missing_is_named(void **state)
{
	struct firmware f;

	(void)state;
	assert_int_equal(firmware_open("/none/bios.bin", &f, err, sizeof(err)),
			 -ENOENT);
	assert_memory_equal(err, "/none/bios.bin: ", 16);
}

/* All of it, and it ends at 1 MiB. */
static void test_firmware_is_copied_below_1_mib(void **state)
{
	const uint64_t bytes = 128 * KIB;
	struct guest_mem mem = {calloc(1, 2048 * KIB), 2048 * KIB};
	struct firmware f;

	(void)state;
	assert_non_null(mem.base);
	assert_int_equal(open_image(bytes, 0xea, &f), 0);
	firmware_load(&f, &mem);
	assert_memory_equal(mem.base + 1024 * KIB - bytes, f.rom, bytes);
	assert_int_equal(mem.base[1024 * KIB - bytes - 1], 0);
	assert_int_equal(mem.base[1024 * KIB], 0);
	firmware_close(&f);
	free(mem.base);
}

static const struct fw_cfg_item *file(const struct fw_cfg_store *store,
				      const char *name)
{
	const struct fw_cfg_item *dir =
		fw_cfg_store_find(store, FW_CFG_DIRECTORY);
	uint32_t count;

	memcpy(&count, dir->data, sizeof(count));
	for (uint32_t i = 0; i < be32toh(count); i++) {
		const uint8_t *entry = dir->data + 4 + i * UINT64_C(64);
		uint16_t key;

		if (strcmp((const char *)entry + 8, name) != 0)
			continue;
		memcpy(&key, entry + 4, sizeof(key));
		return fw_cfg_store_find(store, be16toh(key));
	}
	fail_msg("no file %s", name);
	return NULL;
}

static uint32_t number(const struct fw_cfg_item *item)
{
	uint32_t val = 0;

	assert_non_null(item);
	assert_true(item->bytes <= sizeof(val));
	memcpy(&val, item->data, item->bytes);
	return le32toh(val);
}

static void test_firmware_is_told_vcpus_and_console(void **state)
{
	struct fw_cfg_store store;
	const struct fw_cfg_item *ram;

	(void)state;
	assert_int_equal(firmware_config_build(200, GIB, &store), 0);
	assert_int_equal(number(fw_cfg_store_find(&store, FW_CFG_CPUS)), 200);
	assert_int_equal(number(fw_cfg_store_find(&store, FW_CFG_MAX_CPUS)),
			 200);
	/* As the 8254 is wired (pc_map.h): the MP table goes by it. */
	assert_int_equal(number(fw_cfg_store_find(&store, FW_CFG_IRQ0_OVERRIDE)),
			 PC_PIT_PIN == 2);
	ram = fw_cfg_store_find(&store, FW_CFG_RAM);
	assert_non_null(ram);
	assert_int_equal(ram->bytes, sizeof(uint64_t));
	assert_memory_equal(ram->data, &(uint64_t){htole64(GIB)}, ram->bytes);
	assert_int_equal(number(file(&store, "etc/sercon-port")), PC_COM1_PORT);
	fw_cfg_store_free(&store);
}

static void test_firmware_is_told_not_to_wait_for_nobody(void **state)
{
	struct fw_cfg_store store;

	(void)state;
	assert_int_equal(firmware_config_build(1, GIB, &store), 0);
	/* A menu only if there is a choice. */
	assert_int_equal(number(fw_cfg_store_find(&store, FW_CFG_BOOT_MENU)), 2);
	assert_int_equal(number(file(&store, "etc/boot-menu-wait")), 1000);
	assert_int_equal(number(file(&store, "etc/boot-fail-wait")), 0);
	fw_cfg_store_free(&store);
}

static void assert_range(const struct fw_cfg_item *map, unsigned i,
			 uint64_t gpa, uint64_t bytes, uint32_t type)
{
	uint64_t range[2];
	uint32_t kind;

	assert_true((i + 1) * UINT64_C(20) <= map->bytes);
	memcpy(range, map->data + i * UINT64_C(20), sizeof(range));
	memcpy(&kind, map->data + i * UINT64_C(20) + 16, sizeof(kind));
	assert_int_equal(le64toh(range[0]), gpa);
	assert_int_equal(le64toh(range[1]), bytes);
	assert_int_equal(le32toh(kind), type);
}

static void test_firmware_is_told_the_memory_map(void **state)
{
	const struct fw_cfg_item *map;
	struct fw_cfg_store store;

	(void)state;
	assert_int_equal(firmware_config_build(1, 5 * GIB, &store), 0);
	map = file(&store, "etc/e820");
	assert_int_equal(map->bytes, 5 * 20);
	assert_range(map, 0, 0, 640 * KIB, 1);
	assert_range(map, 1, 640 * KIB, 384 * KIB, 2);
	assert_range(map, 2, 1024 * KIB, 3 * GIB - 1024 * KIB, 1);
	assert_range(map, 3, 0xfec00000, 0x1400000, 2);
	assert_range(map, 4, 4 * GIB, 2 * GIB, 1);
	fw_cfg_store_free(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_firmware_of_pc_sizes_is_taken),
		cmocka_unit_test(test_firmware_of_other_sizes_is_refused),
		cmocka_unit_test(test_firmware_without_code_is_refused),
		cmocka_unit_test(test_firmware_file_that_is_missing_is_named),
		cmocka_unit_test(test_firmware_is_copied_below_1_mib),
		cmocka_unit_test(test_firmware_is_told_vcpus_and_console),
		cmocka_unit_test(test_firmware_is_told_not_to_wait_for_nobody),
		cmocka_unit_test(test_firmware_is_told_the_memory_map),
	};

	return cmocka_run_group_tests_name("firmware", tests, NULL, NULL);
}
