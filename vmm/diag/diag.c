/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms of a diagnosis share; see diag.h. */
#include "diag/diag.h"

#include <stdio.h>
#include <string.h>

unsigned diag_lines(const struct diag *diag, const struct cpu_snapshot *s,
		    struct disasm_line out[DIAG_LINES])
{
	uint64_t ip = snapshot_ip(s);
	uint64_t offset = symbols_offset(diag->symbols, ip);
	const struct disasm_code code = {
		.bits = snapshot_bits(s),
		.bytes = s->code + SNAPSHOT_CODE_BYTES - s->code_before,
		.before = s->code_before,
		.after = s->code_after,
		.address = ip,
		.start = offset <= s->code_before ? ip - offset : UINT64_MAX,
		.before_max = DIAG_LINES_BEFORE,
		.after_max = DIAG_LINES_AFTER,
	};

	return disasm_around(diag->disasm, &code, out);
}

uint64_t diag_stack_word(const struct cpu_snapshot *s, unsigned index,
			 unsigned word_bytes)
{
	uint64_t word = 0;

	memcpy(&word, s->stack + (size_t)index * word_bytes, word_bytes);
	return word;
}

void diag_bytes(const struct disasm_line *line, char text[DIAG_BYTES_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < line->n_bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", line->bytes[i]);
}
