/* SPDX-License-Identifier: Apache-2.0 */
/* The profile of a VM; see profile.h. */
#include "diag/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b ? 1 : 0;
}

static int by_address(const void *left, const void *right)
{
	const struct sample *a = left, *b = right;
	int order = compare(a->address, b->address);

	if (!order)
		order = compare(a->bits, b->bits);
	return order ? order : compare(a->user, b->user);
}

/* Of equals the first in memory: the order is always the same. */
static int by_count(const void *left, const void *right)
{
	const struct sample *a = left, *b = right;
	int order = compare(b->count, a->count);

	return order ? order : by_address(left, right);
}

/* All entries of all tables, one after the other. */
static size_t collect(const struct samples *const *tables, unsigned n,
		      struct sample *to)
{
	size_t used = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned set = 0; set < SAMPLES_SETS; set++)
			for (unsigned way = 0; way < SAMPLES_WAYS; way++)
				if (tables[i]->set[set][way].count)
					to[used++] = tables[i]->set[set][way];
	return used;
}

/* Those of one instruction become one. */
static size_t merge(struct sample *list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(*list), by_address);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_address(&list[kept - 1], &list[i]))
			list[kept - 1].count += list[i].count;
		else
			list[kept++] = list[i];
	}
	return kept;
}

int profile_make(const struct samples *const *tables, unsigned n,
		 struct profile *out)
{
	struct sample *list =
		calloc((size_t)n * SAMPLES_SETS * SAMPLES_WAYS, sizeof(*list));
	size_t used;

	if (!list)
		return -ENOMEM;
	*out = (struct profile){0};
	for (unsigned i = 0; i < n; i++) {
		out->total += tables[i]->total;
		out->dropped += tables[i]->dropped;
	}
	used = merge(list, collect(tables, n, list));
	qsort(list, used, sizeof(*list), by_count);
	out->count = used < PROFILE_LINES_MAX ? (unsigned)used
					      : PROFILE_LINES_MAX;
	memcpy(out->hottest, list, out->count * sizeof(*list));
	free(list);
	return 0;
}

/* @text: the instruction, or "" if its bytes could not be read. */
static void disassemble(const struct diag *diag, const struct sample *s,
			struct disasm_line *line)
{
	*line = (struct disasm_line){.address = s->address};
	if (s->n_bytes)
		disasm_one(diag->disasm, s->bits, s->bytes, s->n_bytes,
			   s->address, line);
}

void profile_write_text(const struct diag *diag, const char *name,
			const struct profile *profile, FILE *to)
{
	fprintf(to,
		"\n%s: %" PRIu64
		" samples of guest code, one per ms of a core's "
		"time in it",
		name, profile->total);
	if (profile->dropped)
		fprintf(to, "; %" PRIu64 " at addresses not kept",
			profile->dropped);
	fputs("\n", to);
	if (profile->count)
		fprintf(to, "%8s %6s  ring  %-16s  %-24s  %s\n", "samples", "%",
			"address", "symbol", "instruction");
	for (unsigned i = 0; i < profile->count && i < PROFILE_TEXT_LINES; i++) {
		const struct sample *s = &profile->hottest[i];
		char symbol[SYMBOL_TEXT_MAX];
		struct disasm_line line;

		disassemble(diag, s, &line);
		symbols_name(diag->symbols, s->address, symbol);
		fprintf(to,
			"%8" PRIu32 " %6.2f  %4s  %016" PRIx64
			"  %-24.24s  %.42s\n",
			s->count,
			100.0 * (double)s->count / (double)profile->total,
			s->user ? "3" : "0-2", s->address, symbol, line.text);
	}
}

static json_t *instruction_of(const struct diag *diag,
			      const struct profile *profile,
			      const struct sample *s)
{
	char symbol[SYMBOL_TEXT_MAX], address[24];
	struct disasm_line line;
	bool named = symbols_name(diag->symbols, s->address, symbol);

	disassemble(diag, s, &line);
	snprintf(address, sizeof(address), "0x%" PRIx64, s->address);
	return json_pack("{s:s,s:o,s:o,s:b,s:i,s:I,s:f}", "address", address,
			 "symbol", named ? json_string(symbol) : json_null(),
			 "text",
			 s->n_bytes ? json_string(line.text) : json_null(),
			 "user", (int)s->user, "code_bits", (int)s->bits,
			 "samples", (json_int_t)s->count, "percent",
			 100.0 * (double)s->count / (double)profile->total);
}

json_t *profile_json(const struct diag *diag, const struct profile *profile)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < profile->count; i++)
		if (json_array_append_new(
			    list, instruction_of(diag, profile,
						 &profile->hottest[i]))) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:I,s:I,s:I,s:o}", "period_ns",
			 (json_int_t)SAMPLES_PERIOD_NS, "samples",
			 (json_int_t)profile->total, "dropped",
			 (json_int_t)profile->dropped, "instructions", list);
}
