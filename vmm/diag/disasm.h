/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bytes of guest code as instructions, by libcapstone (R: CARD-7).
 *
 * Place in the flow: asked by the writers of reports, which add names. The only
 * place that knows capstone.
 *
 * Invariant: any bytes give lines; what is no instruction is a ".byte".
 * Locking: one thread per struct disasm. It allocates: never on the dispatch
 * path.
 */
#ifndef DISVM_DIAG_DISASM_H
#define DISVM_DIAG_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag/x86.h"

struct disasm;

/**
 * @text:    mnemonic and operands, AT&T syntax.
 * @target:  where it jumps or calls to, if that stands in it; @has_target.
 * @current: the instruction that this is about; @bad: it is none, a ".byte".
 */
struct disasm_line {
	uint64_t address;
	uint8_t bytes[X86_INSTRUCTION_MAX];
	uint8_t n_bytes;
	bool current;
	bool bad;
	bool has_target;
	uint64_t target;
	char text[200];
};

/** Return: 0 or -ENOMEM. */
int disasm_open(struct disasm **out);
void disasm_close(struct disasm *disasm);

/**
 * disasm_one - the instruction that @bytes begin with.
 * @bits: 16, 32 or 64.
 * @size: at least 1.
 */
void disasm_one(struct disasm *disasm, unsigned bits, const uint8_t *bytes,
		size_t size, uint64_t address, struct disasm_line *out);

/**
 * Code around an instruction.
 * @bytes:  @before bytes, then the instruction, @after bytes from its start on.
 * @start:  a start of an instruction among those before, if one is known, as the
 *          start of a function is; else UINT64_MAX.
 * @before_max, @after_max: instructions before and behind it, at most.
 */
struct disasm_code {
	unsigned bits;
	const uint8_t *bytes;
	size_t before;
	size_t after;
	uint64_t address; /**< of the instruction */
	uint64_t start;
	unsigned before_max;
	unsigned after_max;
};

/**
 * disasm_around - lines of @code, in order.
 * @out: room for before_max + 1 + after_max.
 *
 * Instructions have no marks at which to read backwards: those before are the
 * longest sequence that ends exactly where the instruction begins, and may be
 * wrong where that is not a known @start.
 * Return: lines.
 */
unsigned disasm_around(struct disasm *disasm, const struct disasm_code *code,
		       struct disasm_line *out);

#endif
