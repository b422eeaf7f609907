/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A snapshot as people and programs read it (R: CARD-7).
 *
 * Place in the flow: the command line hands over the snapshot of a vCPU that
 * failed or was asked for, and what turns addresses into words.
 * Locking: the main thread only; it allocates.
 */
#ifndef DISVM_DIAG_H
#define DISVM_DIAG_H

#include <stdio.h>

#include <jansson.h>

#include "diag/disasm.h"
#include "diag/snapshot.h"
#include "diag/symbols.h"

/** Instructions shown before and behind the one in question. */
#define DIAG_LINES_BEFORE 8u
#define DIAG_LINES_AFTER 7u
#define DIAG_LINES (DIAG_LINES_BEFORE + 1u + DIAG_LINES_AFTER)

/** @symbols: of the guest's kernel; NULL: there are none. */
struct diag {
	struct disasm *disasm;
	const struct symbols *symbols;
};

/** Instructions around that of @s. Return: lines. */
unsigned diag_lines(const struct diag *diag, const struct cpu_snapshot *s,
		    struct disasm_line out[DIAG_LINES]);

/** Word @index of the stack window, of @word_bytes. */
uint64_t diag_stack_word(const struct cpu_snapshot *s, unsigned index,
			 unsigned word_bytes);

/** The bytes of an instruction in hexadecimal. */
#define DIAG_BYTES_TEXT (2u * X86_INSTRUCTION_MAX + 1u)
void diag_bytes(const struct disasm_line *line, char text[DIAG_BYTES_TEXT]);

/**
 * diag_write_text - a block of lines.
 * @name: of the VM, fit to be printed.
 */
void diag_write_text(const struct diag *diag, const char *name,
		     const struct cpu_snapshot *s, FILE *to);

/** The same as an object; 64-bit figures are "0x..." texts. NULL: no memory. */
json_t *diag_json(const struct diag *diag, const struct cpu_snapshot *s);

#endif
