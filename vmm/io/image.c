/* SPDX-License-Identifier: Apache-2.0 */
/* A disk image; see image.h. */
#include "io/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

const struct image_host_ops image_host_ops = {
	.readv = preadv,
	.writev = pwritev2,
	.sync = fdatasync,
};

static int fail(int ret, const char *path, const char *what, char *err,
		size_t err_size)
{
	snprintf(err, err_size, "%s: %s", path, what);
	return ret;
}

static int read_size(int fd, const char *path, bool *is_file, uint64_t *bytes,
		     char *err, size_t err_size)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(-errno, path, strerror(errno), err, err_size);
	*is_file = S_ISREG(st.st_mode);
	if (*is_file)
		*bytes = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return fail(-EINVAL, path, "neither a file nor a block device",
			    err, err_size);
	else if (ioctl(fd, BLKGETSIZE64, bytes))
		return fail(-errno, path, strerror(errno), err, err_size);
	if (!*bytes)
		return fail(-EINVAL, path, "is empty", err, err_size);
	if (*bytes % IMAGE_SECTOR_BYTES) {
		snprintf(err, err_size,
			 "%s: its %" PRIu64 " bytes are not whole sectors of "
			 "%u",
			 path, *bytes, IMAGE_SECTOR_BYTES);
		return -EINVAL;
	}
	return 0;
}

/* One who writes, or any number who read. */
static int lock_file(int fd, bool read_only, const char *path, char *err,
		     size_t err_size)
{
	struct flock lock = {
		.l_type = read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return fail(-EBUSY, path, "is in use already", err, err_size);
	/* A file system without locks. */
	return 0;
}

int image_open(const char *path, bool read_only, struct image *out, char *err,
	       size_t err_size)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY;
	uint64_t bytes = 0;
	bool is_file = false;
	/* A FIFO or a modem must not keep us waiting. */
	int fd = open(path, flags | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return fail(-errno, path, strerror(errno), err, err_size);
	ret = read_size(fd, path, &is_file, &bytes, err, err_size);
	if (!ret)
		ret = lock_file(fd, read_only, path, err, err_size);
	if (ret) {
		close(fd);
		return ret;
	}
	out->fd = fd;
	out->read_only = read_only;
	out->is_file = is_file;
	out->bytes = bytes;
	out->ops = &image_host_ops;
	atomic_init(&out->unsynced, false);
	return 0;
}

void image_close(struct image *image)
{
	close(image->fd);
}

/* What is left of @*iov once @done bytes of it are done. */
static void advance(struct iovec **iov, unsigned *n, size_t done)
{
	while (*n && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (!*n)
		return;
	(*iov)->iov_base = (char *)(*iov)->iov_base + done;
	(*iov)->iov_len -= done;
}

/* The kernel may do a part only; nothing at all means the end of the file. */
static int transfer(struct image *image, enum image_op op, uint64_t offset,
		    struct iovec *iov, unsigned n)
{
	int flags = op == IMAGE_WRITE_THROUGH ? RWF_DSYNC : 0;

	advance(&iov, &n, 0);
	while (n) {
		int part = n < IOV_MAX ? (int)n : IOV_MAX;
		ssize_t done;

		if (op == IMAGE_READ)
			done = image->ops->readv(image->fd, iov, part,
						 (off_t)offset);
		else
			done = image->ops->writev(image->fd, iov, part,
						  (off_t)offset, flags);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			return -EIO;
		offset += (uint64_t)done;
		advance(&iov, &n, (size_t)done);
	}
	return 0;
}

static bool is_cut_short(const struct image *image)
{
	struct stat st;

	return image->is_file &&
	       (fstat(image->fd, &st) || (uint64_t)st.st_size < image->bytes);
}

static int flush(struct image *image)
{
	int ret = 0;

	if (atomic_load(&image->unsynced))
		return -EIO;
	if (image->read_only)
		return 0;
	while (image->ops->sync(image->fd)) {
		ret = -errno;
		if (ret != -EINTR)
			break;
		ret = 0;
	}
	if (ret)
		atomic_store(&image->unsynced, true);
	return ret;
}

static bool is_inside(const struct image *image, uint64_t offset,
		      const struct iovec *iov, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		if (__builtin_add_overflow(bytes, iov[i].iov_len, &bytes))
			return false;
	return offset % IMAGE_SECTOR_BYTES == 0 &&
	       bytes % IMAGE_SECTOR_BYTES == 0 && offset <= image->bytes &&
	       bytes <= image->bytes - offset;
}

int image_io(struct image *image, enum image_op op, uint64_t offset,
	     struct iovec *iov, unsigned n)
{
	if (op == IMAGE_FLUSH)
		return flush(image);
	if (!is_inside(image, offset, iov, n))
		return -EINVAL;
	if (op != IMAGE_READ && image->read_only)
		return -EROFS;
	if (op != IMAGE_READ && is_cut_short(image))
		return -EIO;
	return transfer(image, op, offset, iov, n);
}
