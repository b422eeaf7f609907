/* SPDX-License-Identifier: Apache-2.0 */
/* Disassembly; see disasm.h. */
#include "diag/disasm.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BITS_16,
	BITS_32,
	BITS_64,
	MODES
};

/* @insn: capstone's room for one instruction, used again and again. */
struct disasm {
	csh handle[MODES];
	bool opened[MODES];
	cs_insn *insn[MODES];
};

static int open_mode(struct disasm *d, unsigned i, cs_mode mode)
{
	if (cs_open(CS_ARCH_X86, mode, &d->handle[i]) != CS_ERR_OK)
		return -ENOMEM;
	d->opened[i] = true;
	cs_option(d->handle[i], CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	d->insn[i] = cs_malloc(d->handle[i]);
	return d->insn[i] ? 0 : -ENOMEM;
}

int disasm_open(struct disasm **out)
{
	static const cs_mode modes[MODES] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
	struct disasm *d = calloc(1, sizeof(*d));
	int ret = d ? 0 : -ENOMEM;

	for (unsigned i = 0; i < MODES && !ret; i++)
		ret = open_mode(d, i, modes[i]);
	if (ret)
		disasm_close(d);
	else
		*out = d;
	return ret;
}

void disasm_close(struct disasm *disasm)
{
	if (!disasm)
		return;
	for (unsigned i = 0; i < MODES; i++) {
		if (disasm->insn[i])
			cs_free(disasm->insn[i], 1);
		if (disasm->opened[i])
			cs_close(&disasm->handle[i]);
	}
	free(disasm);
}

/* The next instruction of *@bytes, moving on; NULL: that is none. */
static const cs_insn *decode(struct disasm *d, unsigned bits,
			     const uint8_t **bytes, size_t *size,
			     uint64_t *address)
{
	unsigned i = bits == 64 ? BITS_64 : bits == 32 ? BITS_32 : BITS_16;

	if (!cs_disasm_iter(d->handle[i], bytes, size, address, d->insn[i]))
		return NULL;
	return d->insn[i];
}

/* Direct jumps and calls: their only operand is the address. */
static void find_target(const cs_insn *insn, struct disasm_line *line)
{
	const char *op = insn->op_str;
	char *end;

	if ((insn->mnemonic[0] != 'j' && strncmp(insn->mnemonic, "call", 4)) ||
	    *op < '0' || *op > '9')
		return;
	errno = 0;
	line->target = strtoull(op, &end, 0);
	line->has_target = !*end && !errno;
}

void disasm_one(struct disasm *disasm, unsigned bits, const uint8_t *bytes,
		size_t size, uint64_t address, struct disasm_line *out)
{
	const uint8_t *at = bytes;
	uint64_t next = address;
	const cs_insn *insn = decode(disasm, bits, &at, &size, &next);

	*out = (struct disasm_line){.address = address, .n_bytes = 1};
	if (!insn) {
		out->bytes[0] = bytes[0];
		out->bad = true;
		snprintf(out->text, sizeof(out->text), ".byte   0x%02x",
			 bytes[0]);
		return;
	}
	out->n_bytes = (uint8_t)(insn->size < sizeof(out->bytes)
					 ? insn->size
					 : sizeof(out->bytes));
	memcpy(out->bytes, bytes, out->n_bytes);
	if (*insn->op_str)
		snprintf(out->text, sizeof(out->text), "%-7s %s",
			 insn->mnemonic, insn->op_str);
	else
		snprintf(out->text, sizeof(out->text), "%s", insn->mnemonic);
	find_target(insn, out);
}

/*
 * Do the instructions from @at on end where the one in question begins? Return:
 * how many they are, 0: they do not.
 */
static unsigned count_from(struct disasm *d, const struct disasm_code *code,
			   size_t at)
{
	const uint8_t *bytes = code->bytes + at;
	size_t left = code->before - at;
	uint64_t address = code->address - left;
	unsigned n = 0;

	while (left > 0) {
		if (!decode(d, code->bits, &bytes, &left, &address))
			return 0;
		n++;
	}
	return n;
}

/* Where to start, and how many instructions there are from there. */
static size_t find_start(struct disasm *d, const struct disasm_code *code,
			 unsigned *count)
{
	uint64_t first = code->address - code->before;

	if (code->start >= first && code->start < code->address) {
		*count = count_from(d, code, (size_t)(code->start - first));
		if (*count)
			return (size_t)(code->start - first);
	}
	for (size_t at = 0; at < code->before; at++) {
		*count = count_from(d, code, at);
		if (*count)
			return at;
	}
	*count = 0;
	return code->before;
}

unsigned disasm_around(struct disasm *disasm, const struct disasm_code *code,
		       struct disasm_line *out)
{
	unsigned count, skip, lines, n = 0;
	size_t at = find_start(disasm, code, &count);
	size_t end = code->before + code->after;

	skip = count > code->before_max ? count - code->before_max : 0;
	lines = count - skip + 1u + code->after_max;
	while (at < end && n < lines) {
		struct disasm_line *line = &out[n];
		/* Those before must not run into it. */
		size_t room = (at < code->before ? code->before : end) - at;

		disasm_one(disasm, code->bits, code->bytes + at, room,
			   code->address - code->before + at, line);
		line->current = at == code->before;
		/* Cut short by the end of what is known. */
		if (line->bad && !line->current && room < X86_INSTRUCTION_MAX)
			break;
		at += line->n_bytes;
		if (skip)
			skip--;
		else
			n++;
	}
	return n;
}
