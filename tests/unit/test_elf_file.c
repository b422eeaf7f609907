/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel files on disk: what may be wrong before a byte is parsed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/disvm-test-XXXXXX";
static char path[sizeof(dir) + 16];
static struct boot_image image;

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int make_image(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	snprintf(path, sizeof(path), "%s/k.elf", dir);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_file(size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(image.bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void check_open_refused(const char *name, int ret, const char *text)
{
	struct kernel_image *kernel = NULL;
	char err[256] = "";

	assert_int_equal(kernel_image_open(name, &kernel, err, sizeof(err)),
			 ret);
	assert_null(kernel);
	check_line(err, text);
	assert_ptr_equal(strstr(err, name), err);
}

static unsigned count_open_files(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(fds);
	while (readdir(fds))
		n++;
	closedir(fds);
	return n;
}

static void test_file_good_opens_and_loads(void **state)
{
	struct kernel_image *kernel = NULL;
	struct boot_source src = {0};
	struct boot_entry entry;
	struct guest_mem mem;
	char err[256] = "";

	(void)state;
	write_file(image.size);
	assert_int_equal(kernel_image_open(path, &kernel, err, sizeof(err)), 0);
	src.kernel = kernel;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(entry.rip, IMAGE_ENTRY);
	free(mem.base);
	kernel_image_close(kernel);
}

/* One parse serves any number of guests, even when the file is gone. */
static void test_file_removed_after_open_still_loads(void **state)
{
	struct kernel_image *kernel = NULL;
	struct boot_source src = {0};
	char err[256] = "";

	(void)state;
	write_file(image.size);
	assert_int_equal(kernel_image_open(path, &kernel, err, sizeof(err)), 0);
	assert_int_equal(truncate(path, 0), 0);
	unlink(path);
	src.kernel = kernel;
	for (int i = 0; i < 3; i++) {
		struct boot_entry entry;
		struct guest_mem mem =
			check_loads(&src, IMAGE_GUEST_BYTES, &entry);

		assert_memory_equal(mem.base + IMAGE_TEXT_GPA,
				    image.bytes + IMAGE_DATA_AT,
				    IMAGE_TEXT_BYTES);
		free(mem.base);
	}
	kernel_image_close(kernel);
}

static void test_file_open_leaves_no_descriptor(void **state)
{
	struct kernel_image *kernel = NULL;
	unsigned before = count_open_files();
	char err[256] = "";

	(void)state;
	write_file(image.size);
	assert_int_equal(kernel_image_open(path, &kernel, err, sizeof(err)), 0);
	assert_int_equal(count_open_files(), before);
	kernel_image_close(kernel);
}

static void test_file_refused_leaves_no_descriptor(void **state)
{
	unsigned before = count_open_files();

	(void)state;
	write_file(100);
	check_open_refused(path, -EINVAL, "truncated");
	check_open_refused(dir, -EISDIR, "is a directory");
	assert_int_equal(count_open_files(), before);
}

static void test_file_missing_refused(void **state)
{
	(void)state;
	check_open_refused(path, -ENOENT,
			   "cannot open: No such file or directory");
}

static void test_file_empty_refused(void **state)
{
	(void)state;
	write_file(0);
	check_open_refused(path, -EINVAL, "file is empty");
}

static void test_file_one_byte_refused(void **state)
{
	(void)state;
	write_file(1);
	check_open_refused(path, -EINVAL, "neither an ELF");
}

static void test_file_directory_refused(void **state)
{
	(void)state;
	check_open_refused(dir, -EISDIR, "is a directory");
}

/* Neither waits for a writer nor reads. */
static void test_file_fifo_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	check_open_refused(path, -EINVAL, "not a regular file");
}

static void test_file_device_refused(void **state)
{
	(void)state;
	check_open_refused("/dev/zero", -EINVAL, "not a regular file");
}

static void test_file_absurdly_large_refused(void **state)
{
	(void)state;
	write_file(image.size);
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	check_open_refused(path, -EFBIG,
			   "file of 1099511627776 bytes; at most 1024 MiB");
}

static void test_file_line_has_no_newline(void **state)
{
	struct kernel_image *kernel = NULL;
	char err[256] = "";

	(void)state;
	assert_int_equal(kernel_image_open("/no\nsuch\x1b[1mfile", &kernel, err,
					   sizeof(err)),
			 -ENOENT);
	check_line(err, "/no?such?[1mfile: cannot open");
}

static void test_file_line_is_cut_to_the_buffer(void **state)
{
	struct kernel_image *kernel = NULL;
	char err[12] = "";

	(void)state;
	assert_int_equal(kernel_image_open("/no-such-file", &kernel, err,
					   sizeof(err)),
			 -ENOENT);
	assert_string_equal(err, "/no-such-fi");
}

static void test_file_without_buffer_refused(void **state)
{
	struct kernel_image *kernel = NULL;

	(void)state;
	assert_int_equal(kernel_image_open(path, &kernel, NULL, 0), -ENOENT);
}

static void test_file_close_of_null_is_allowed(void **state)
{
	(void)state;
	kernel_image_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, make_image, remove_file)
		CASE(test_file_good_opens_and_loads),
		CASE(test_file_removed_after_open_still_loads),
		CASE(test_file_open_leaves_no_descriptor),
		CASE(test_file_refused_leaves_no_descriptor),
		CASE(test_file_missing_refused),
		CASE(test_file_empty_refused),
		CASE(test_file_one_byte_refused),
		CASE(test_file_directory_refused),
		CASE(test_file_fifo_refused),
		CASE(test_file_device_refused),
		CASE(test_file_absurdly_large_refused),
		CASE(test_file_line_has_no_newline),
		CASE(test_file_line_is_cut_to_the_buffer),
		CASE(test_file_without_buffer_refused),
		CASE(test_file_close_of_null_is_allowed),
	};

	return cmocka_run_group_tests_name("elf file", tests, make_dir,
					   remove_dir);
}
