/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Names of code addresses, from the symbol table of an ELF file.
 *
 * Place in the flow: read once, when the first report needs it, from the bytes of
 * the kernel that boot/ has in memory; asked by the writers of reports.
 *
 * Invariant: the file may say anything. Each header and entry is copied, then
 * checked against the size of the file; entries that make no sense are left out.
 * Names are printable when they come out.
 * Locking: constant after symbols_read().
 *
 * Source: System V ABI, chapter 4; AMD64 supplement.
 */
#ifndef DISVM_DIAG_SYMBOLS_H
#define DISVM_DIAG_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest name that comes out, with its offset and the 0. */
#define SYMBOL_TEXT_MAX 96u

struct symbols;

/**
 * symbols_read - code symbols of a 64-bit ELF file.
 * @bytes: the whole file; must live as long as @out.
 * @err:   one line, without the file's name; on error.
 *
 * Return: 0; -ENOENT if it is not such a file or has no symbols; -EINVAL if its
 * section headers, symbol or string table do not fit the file; -ENOMEM.
 */
int symbols_read(const uint8_t *bytes, uint64_t size_bytes,
		 struct symbols **out, char *err, size_t err_size);

void symbols_free(struct symbols *symbols);

/** Number of addresses that have a name. */
size_t symbols_count(const struct symbols *symbols);

/**
 * symbols_name - "name+0x12", or "name" at its start.
 * @symbols: NULL: there are none.
 * @address: linear, as the file is linked; where it was loaded to counts as
 *           well, for code that runs before the kernel maps itself.
 *
 * Return: was there one? Otherwise @text is "".
 */
bool symbols_name(const struct symbols *symbols, uint64_t address,
		  char text[SYMBOL_TEXT_MAX]);

/** Bytes from the start of the symbol to @address; UINT64_MAX without one. */
uint64_t symbols_offset(const struct symbols *symbols, uint64_t address);

#endif
