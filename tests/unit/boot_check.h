/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Checks that the loader tests share; needs cmocka, see boot_image.h.
 *
 * Place in the flow: included by tests/unit/test_elf*.c, test_pvh.c,
 * test_multiboot.c after cmocka.h.
 */
#ifndef TESTS_BOOT_CHECK_H
#define TESTS_BOOT_CHECK_H

#include "unit/boot_image.h"

#include <errno.h>

/** One line that has @text in it, or the test fails. */
static inline void check_line(const char *err, const char *text)
{
	if (!strstr(err, text))
		fail_msg("\"%s\" does not say \"%s\"", err, text);
	assert_null(strchr(err, '\n'));
}

/** The loader refuses @image when it parses it. */
static inline void check_parse_refused(const struct boot_image *image,
				       const char *text)
{
	struct kernel_image kernel;
	char err[256] = "";

	assert_int_equal(boot_image_parse(image, &kernel, err, sizeof(err)),
			 -EINVAL);
	check_line(err, text);
	check_line(err, "k.elf");
	boot_image_release(&kernel);
}

/** Parse @image, which must succeed; boot_image_release() @kernel. */
static inline void check_parses(const struct boot_image *image,
				struct kernel_image *kernel)
{
	char err[256] = "";

	if (boot_image_parse(image, kernel, err, sizeof(err)))
		fail_msg("%s", err);
	assert_string_equal(err, "");
}

/** @src cannot be loaded into a guest of @guest_bytes, whose memory stays 0. */
static inline void check_source_refused(const struct boot_source *src,
					uint64_t guest_bytes, int ret,
					const char *text)
{
	struct guest_mem mem = boot_image_guest(guest_bytes);
	struct boot_entry entry;
	char err[256] = "";

	assert_int_equal(boot_load(src, &mem, &entry, err, sizeof(err)), ret);
	check_line(err, text);
	check_line(err, "k.elf");
	for (uint64_t i = 0; i < guest_bytes; i++)
		assert_int_equal(mem.base[i], 0);
	free(mem.base);
}

/** The same of an @image that is fine. */
static inline void check_load_refused(const struct boot_image *image,
				      uint64_t guest_bytes, int ret,
				      const char *text)
{
	struct kernel_image kernel;
	struct boot_source src = {.kernel = &kernel, .cmdline = "quiet"};

	check_parses(image, &kernel);
	check_source_refused(&src, guest_bytes, ret, text);
	boot_image_release(&kernel);
}

/** Load @src into a fresh guest, which must succeed; free mem.base. */
static inline struct guest_mem check_loads(const struct boot_source *src,
					   uint64_t guest_bytes,
					   struct boot_entry *entry)
{
	struct guest_mem mem = boot_image_guest(guest_bytes);
	char err[256] = "";
	int ret = boot_load(src, &mem, entry, err, sizeof(err));

	if (ret)
		fail_msg("%s", err);
	return mem;
}

/* Little-endian words of guest memory, as the guest would read them. */
static inline uint32_t guest_u32(const struct guest_mem *mem, uint64_t gpa)
{
	uint32_t value = 0;

	assert_int_equal(guest_mem_read(mem, gpa, &value, sizeof(value)), 0);
	return value;
}

static inline uint64_t guest_u64(const struct guest_mem *mem, uint64_t gpa)
{
	uint64_t value = 0;

	assert_int_equal(guest_mem_read(mem, gpa, &value, sizeof(value)), 0);
	return value;
}

#endif
