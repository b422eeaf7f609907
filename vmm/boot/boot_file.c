/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reading of whole files; see boot_file.h. */
#include "boot/boot_file.h"

#include "boot/boot_error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an open file must be before its bytes are read. */
static int check_kind(const char *path, const struct stat *st,
		      uint64_t max_bytes, char *err, size_t err_size)
{
	char limit[BOOT_SIZE_TEXT];

	if (S_ISDIR(st->st_mode))
		return boot_error(-EISDIR, err, err_size, "%s: is a directory",
				  path);
	if (!S_ISREG(st->st_mode))
		return boot_error(-EINVAL, err, err_size,
				  "%s: not a regular file", path);
	if (st->st_size <= 0)
		return boot_error(-EINVAL, err, err_size, "%s: file is empty",
				  path);
	if ((uint64_t)st->st_size > max_bytes)
		return boot_error(-EFBIG, err, err_size,
				  "%s: file of %" PRIu64
				  " bytes; at most %s are read",
				  path, (uint64_t)st->st_size,
				  boot_format_size(max_bytes, limit));
	return 0;
}

static int read_all(const char *path, int fd, struct boot_file *file, char *err,
		    size_t err_size)
{
	uint64_t done = 0;

	while (done < file->size_bytes) {
		ssize_t n = read(fd, file->bytes + done,
				 (size_t)(file->size_bytes - done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return boot_error(-errno, err, err_size,
					  "%s: cannot read: %s", path,
					  strerror(errno));
		if (n == 0)
			return boot_error(-EINVAL, err, err_size,
					  "%s: file shrank while it was read",
					  path);
		done += (uint64_t)n;
	}
	return 0;
}

int boot_file_read(const char *path, uint64_t max_bytes, struct boot_file *out,
		   char *err, size_t err_size)
{
	struct boot_file file = {0};
	struct stat st;
	int fd, ret;

	/* O_NONBLOCK: the open of a FIFO without a writer must not hang. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		ret = -errno;
		return boot_error(ret, err, err_size, "%s: cannot open: %s",
				  path, strerror(-ret));
	}
	if (fstat(fd, &st) < 0) {
		ret = -errno;
		boot_error(ret, err, err_size, "%s: cannot stat: %s", path,
			   strerror(-ret));
		goto err_close;
	}
	ret = check_kind(path, &st, max_bytes, err, err_size);
	if (ret)
		goto err_close;
	file.size_bytes = (uint64_t)st.st_size;
	file.bytes = malloc((size_t)file.size_bytes);
	if (!file.bytes) {
		ret = boot_error(-ENOMEM, err, err_size,
				 "%s: no memory for %" PRIu64 " bytes", path,
				 file.size_bytes);
		goto err_close;
	}
	ret = read_all(path, fd, &file, err, err_size);
	if (ret)
		goto err_free;
	close(fd);
	*out = file;
	return 0;

err_free:
	boot_file_free(&file);
err_close:
	close(fd);
	return ret;
}

void boot_file_free(struct boot_file *file)
{
	free(file->bytes);
	*file = (struct boot_file){0};
}
