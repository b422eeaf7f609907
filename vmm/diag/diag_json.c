/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot as JSON; see diag.h. Figures of 64 bits are texts: JSON's integers
 * are signed, and many readers keep 53 bits of them. jansson passes a NULL on
 * from any value within.
 */
#include <inttypes.h>
#include <string.h>

#include "diag/diag.h"

static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

/* Its name, or null. */
static json_t *name_of(const struct diag *diag, uint64_t address)
{
	char name[SYMBOL_TEXT_MAX];

	return symbols_name(diag->symbols, address, name) ? json_string(name)
							  : json_null();
}

/* Takes @value over. Return: 0, or -1: @to is gone. */
static int append(json_t *to, json_t *value)
{
	if (!json_array_append_new(to, value))
		return 0;
	json_decref(to);
	return -1;
}

static json_t *registers_of(const struct cpu_snapshot *s)
{
	json_t *all = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rip",
				hex(s->rip), "rflags", hex(s->rflags), "cr0",
				hex(s->paging.cr0), "cr2", hex(s->cr2), "cr3",
				hex(s->paging.cr3), "cr4", hex(s->paging.cr4),
				"cr8", hex(s->cr8), "efer",
				hex(s->paging.efer));

	for (unsigned i = 0; i < SNAPSHOT_GPRS && all; i++) {
		if (!json_object_set_new(all, snapshot_gpr_name(i),
					 hex(s->gpr[i])))
			continue;
		json_decref(all);
		return NULL;
	}
	return all;
}

static json_t *segment_of(const struct snapshot_segment *seg)
{
	return json_pack("{s:o,s:o,s:o,s:i,s:i,s:b,s:b,s:b,s:b}", "selector",
			 hex(seg->selector), "base", hex(seg->base), "limit",
			 hex(seg->limit), "type", (int)seg->type, "dpl",
			 (int)seg->dpl, "present", (int)seg->present, "system",
			 (int)seg->system, "long", (int)seg->l, "default_32",
			 (int)seg->db);
}

static json_t *table_of(const struct snapshot_table *table)
{
	return json_pack("{s:o,s:o}", "base", hex(table->base), "limit",
			 hex(table->limit));
}

static json_t *segments_of(const struct cpu_snapshot *s)
{
	json_t *all = json_pack("{s:o,s:o}", "gdt", table_of(&s->gdt), "idt",
				table_of(&s->idt));

	for (unsigned i = 0; i < SNAPSHOT_SEGMENTS && all; i++) {
		if (!json_object_set_new(all, snapshot_segment_name(i),
					 segment_of(&s->segment[i])))
			continue;
		json_decref(all);
		return NULL;
	}
	return all;
}

static json_t *exception_of(const struct snapshot_events *e)
{
	if (!e->exception)
		return json_null();
	return json_pack("{s:i,s:o}", "vector", (int)e->vector, "error_code",
			 e->has_error_code ? hex(e->error_code) : json_null());
}

static json_t *line_of(const struct diag *diag, const struct disasm_line *line)
{
	char bytes[DIAG_BYTES_TEXT];

	diag_bytes(line, bytes);
	return json_pack(
		"{s:o,s:o,s:s,s:s,s:o,s:b}", "address", hex(line->address),
		"symbol", name_of(diag, line->address), "bytes", bytes, "text",
		line->text, "target_symbol",
		line->has_target ? name_of(diag, line->target) : json_null(),
		"current", (int)line->current);
}

static json_t *lines_of(const struct diag *diag, const struct cpu_snapshot *s)
{
	struct disasm_line lines[DIAG_LINES];
	unsigned n = diag_lines(diag, s, lines);
	json_t *all = json_array();

	for (unsigned i = 0; i < n; i++)
		if (append(all, line_of(diag, &lines[i])))
			return NULL;
	return all;
}

static json_t *stack_of(const struct diag *diag, const struct cpu_snapshot *s)
{
	unsigned word_bytes = snapshot_stack_word(s);
	json_t *words = json_array();

	for (unsigned i = 0; i < s->stack_bytes / word_bytes; i++) {
		uint64_t word = diag_stack_word(s, i, word_bytes);

		if (append(words, json_pack("{s:o,s:o}", "value", hex(word),
					    "symbol", name_of(diag, word))))
			return NULL;
	}
	return json_pack("{s:o,s:i,s:o}", "address", hex(snapshot_sp(s)),
			 "word_bytes", (int)word_bytes, "words", words);
}

static json_t *entries_of(const struct walk *w)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < w->entries; i++) {
		const struct walk_entry *e = &w->entry[i];

		if (append(all, json_pack("{s:s,s:i,s:o,s:o}", "level",
					  walk_level_name(e->level), "index",
					  (int)e->index, "gpa", hex(e->gpa),
					  "value", hex(e->value))))
			return NULL;
	}
	return all;
}

static json_t *walk_of(const struct cpu_snapshot *s, unsigned what)
{
	const struct walk *w = &s->walk[what];
	bool leads = w->end == WALK_MAPPED || w->end == WALK_UNPAGED;

	return json_pack("{s:s,s:o,s:s,s:o,s:b,s:I,s:b,s:b,s:b,s:o}", "of",
			 snapshot_walk_name(what), "address", hex(w->linear),
			 "end", walk_end_name(w->end), "gpa",
			 leads ? hex(w->gpa) : json_null(), "in_memory",
			 (int)w->in_memory, "page_bytes",
			 (json_int_t)w->page_bytes, "user", (int)w->user,
			 "writable", (int)w->writable, "executable",
			 (int)w->executable, "entries", entries_of(w));
}

static json_t *walks_of(const struct cpu_snapshot *s)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < SNAPSHOT_WALKS; i++)
		if (append(all, walk_of(s, i)))
			return NULL;
	return all;
}

json_t *diag_json(const struct diag *diag, const struct cpu_snapshot *s)
{
	if (s->failed)
		return json_pack("{s:i,s:s}", "vcpu", (int)s->vcpu, "error",
				 strerror(-s->failed));
	return json_pack("{s:i,s:i,s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "vcpu", (int)s->vcpu, "ring",
			 (int)snapshot_place_of(s).ring, "code_bits",
			 (int)snapshot_bits(s), "paging",
			 walk_mode_name(walk_mode(&s->paging)), "symbol",
			 name_of(diag, snapshot_ip(s)), "registers",
			 registers_of(s), "segments", segments_of(s),
			 "exception", exception_of(&s->events), "instructions",
			 lines_of(diag, s), "stack", stack_of(diag, s),
			 "page_walks", walks_of(s));
}
