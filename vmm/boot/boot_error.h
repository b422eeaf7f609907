/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Error lines of the loaders.
 *
 * Place in the flow: every refusal of vmm/boot/ is written here, once, into the
 * caller's buffer; nothing is printed.
 *
 * Invariant: a message is one line without a newline, whatever a file's name
 * or its contents hold.
 * Locking: none; no shared state.
 */
#ifndef DISVM_BOOT_ERROR_H
#define DISVM_BOOT_ERROR_H

#include <stddef.h>
#include <stdint.h>

/**
 * boot_error - write one line and hand back its error.
 * @ret: a negative errno value.
 * @err: buffer of @err_size bytes; may be NULL if @err_size is 0.
 *
 * Control characters become '?'; the line is cut to the buffer.
 *
 * Return: @ret.
 */
int boot_error(int ret, char *err, size_t err_size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** Room for the longest text of boot_format_size(). */
#define BOOT_SIZE_TEXT 32

/** "64 MiB", "640 KiB" or "17 bytes", the largest exact unit; returns @buf. */
const char *boot_format_size(uint64_t bytes, char buf[BOOT_SIZE_TEXT]);

#endif
