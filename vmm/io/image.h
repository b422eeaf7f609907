/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A disk image: a raw file or a block device of the host, opened once for all
 * guests that have it (R: CARD-11).
 *
 * Place in the flow: opened with the kind of guest, before any is built; read and
 * written by I/O threads on behalf of block devices.
 *
 * The size is that at the open, in whole sectors; a file that ends within a sector
 * is refused. What the file loses later gives errors where it is read, and then
 * nothing can be written: a write would make it long again, with holes in place of
 * what was there. Writes are in the host's page cache when they are answered, on the disk after a flush. A
 * flush that failed cannot be made good, as the kernel forgets what it could not
 * write: all later flushes fail as well.
 *
 * A lock on the file keeps another process from writing what this one uses, where
 * the file system has locks; the kernel drops it when the process ends, however.
 *
 * Locking: constant after the open, but for an atomic mark.
 */
#ifndef DISVM_IO_IMAGE_H
#define DISVM_IO_IMAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/uio.h>

#define IMAGE_SECTOR_BYTES 512u

/** The calls of the host, as their manual pages say; tests have their own. */
struct image_host_ops {
	ssize_t (*readv)(int fd, const struct iovec *iov, int n, off_t offset);
	ssize_t (*writev)(int fd, const struct iovec *iov, int n, off_t offset,
			  int flags);
	int (*sync)(int fd);
};
extern const struct image_host_ops image_host_ops;

/**
 * @is_file:  not a device, so its size can change.
 * @unsynced: a flush has failed.
 */
struct image {
	int fd;
	bool read_only;
	bool is_file;
	uint64_t bytes; /**< > 0, a multiple of IMAGE_SECTOR_BYTES */
	const struct image_host_ops *ops;
	atomic_bool unsynced;
};

/**
 * image_open - open @path, check what it is, lock it.
 * @err: one line that begins with the path.
 *
 * Return: 0; -errno of the open; -EINVAL: neither file nor block device, empty, or
 * a part of a sector at its end; -EBUSY: somebody uses it.
 */
int image_open(const char *path, bool read_only, struct image *out, char *err,
	       size_t err_size);
void image_close(struct image *image);

enum image_op {
	IMAGE_READ,
	IMAGE_WRITE,
	IMAGE_WRITE_THROUGH, /**< on the disk when answered */
	IMAGE_FLUSH,
};

/**
 * image_io - read into, or write from, @iov, or flush what was answered before.
 * @offset: with the length of @iov in whole sectors within the image; not looked
 *          at for a flush.
 * @iov:    used up.
 *
 * Context: I/O thread; waits for the disk.
 * Return: 0, when all of it is done; -EINVAL for a range that is not in the image;
 * -EROFS; -EIO when the file has become too short; -errno of the call.
 */
int image_io(struct image *image, enum image_op op, uint64_t offset,
	     struct iovec *iov, unsigned n);

#endif
