/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A whole file in memory: kernels and initrds.
 *
 * Place in the flow: read before any VM is built; the loaders work on the
 * bytes. The file is copied rather than mapped, because a mapped file that
 * somebody truncates later would end the whole process with SIGBUS.
 *
 * Invariant: after boot_file_read() no descriptor stays open.
 * Locking: none; the bytes are constant until boot_file_free().
 */
#ifndef DISVM_BOOT_FILE_H
#define DISVM_BOOT_FILE_H

#include <stddef.h>
#include <stdint.h>

/** Largest kernel or initrd that is read. */
#define BOOT_FILE_MAX_BYTES (UINT64_C(1) << 30)

/** @bytes: @size_bytes > 0 of them, owned; NULL when nothing was read. */
struct boot_file {
	uint8_t *bytes;
	uint64_t size_bytes;
};

/**
 * boot_file_read - read a regular file once.
 * @path: its name, also the start of every error line.
 * @max_bytes: a larger file is refused before it is read.
 * @out: written on success only; free with boot_file_free().
 *
 * Context: may block on the file system; no lock held.
 * Return: 0; -ENOENT, -EACCES and the like from the system; -EISDIR; -EINVAL
 * for an empty file, one that is not regular or shrank while it was read;
 * -EFBIG; -ENOMEM; @err names the file.
 */
int boot_file_read(const char *path, uint64_t max_bytes, struct boot_file *out,
		   char *err, size_t err_size);

/** Free the bytes; @file may be empty. */
void boot_file_free(struct boot_file *file);

#endif
