/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot for people; see diag.h. */
#include <inttypes.h>
#include <string.h>

#include <dis/units.h>

#include "diag/diag.h"
#include "diag/flags.h"

#define FLAGS_MAX 160u
#define WORDS_PER_LINE 4u

/* "  PG WP PE", or nothing. */
static void write_flags(enum flags_of what, uint64_t value, FILE *to)
{
	char text[FLAGS_MAX];

	flags_text(what, value, text, sizeof(text));
	fprintf(to, "%s%s\n", *text ? "  " : "", text);
}

/* " <name+0x12>", or nothing. */
static void write_name(const struct diag *diag, uint64_t address, FILE *to)
{
	char name[SYMBOL_TEXT_MAX];

	if (symbols_name(diag->symbols, address, name))
		fprintf(to, " <%s>", name);
}

static void write_control(const char *name, enum flags_of what, uint64_t value,
			  FILE *to)
{
	fprintf(to, "  %-6s %016" PRIx64, name, value);
	write_flags(what, value, to);
}

static void write_activity(const struct cpu_snapshot *s, FILE *to)
{
	const struct snapshot_activity *a = &s->activity;
	char left[32];

	fprintf(to, "  %s (%s)", dis_state_name(a->state),
		dis_reason_name(a->reason));
	if (a->halted)
		fputs(", halted", to);
	if (a->waits_for_sipi)
		fputs(", waits for a start-up IPI", to);
	if (a->blocked != DIS_REASON_NONE)
		fprintf(to, ", blocked for %s", dis_reason_name(a->blocked));
	if (a->timer_ns != DIS_NEVER_NS && a->timer_ns > s->when_ns)
		fprintf(to, ", timer in %s",
			dis_format_duration(a->timer_ns - s->when_ns, left,
					    sizeof(left)));
	else if (a->timer_ns != DIS_NEVER_NS)
		fputs(", timer due", to);
	if (a->pending >= 0)
		fprintf(to, ", interrupt %d pending", a->pending);
	if (a->in_service >= 0)
		fprintf(to, ", interrupt %d in service", a->in_service);
	fputc('\n', to);
}

static void write_registers(const struct diag *diag,
			    const struct cpu_snapshot *s, FILE *to)
{
	static const uint8_t order[SNAPSHOT_GPRS] = {
		SNAPSHOT_RAX,     SNAPSHOT_RBX,     SNAPSHOT_RCX,
		SNAPSHOT_RDX,     SNAPSHOT_RSI,     SNAPSHOT_RDI,
		SNAPSHOT_RBP,     SNAPSHOT_RSP,     SNAPSHOT_R8,
		SNAPSHOT_R8 + 1u, SNAPSHOT_R8 + 2u, SNAPSHOT_R8 + 3u,
		SNAPSHOT_R8 + 4u, SNAPSHOT_R8 + 5u, SNAPSHOT_R8 + 6u,
		SNAPSHOT_R15};

	for (unsigned i = 0; i < SNAPSHOT_GPRS; i++)
		fprintf(to, "  %-3s %016" PRIx64 "%s",
			snapshot_gpr_name(order[i]), s->gpr[order[i]],
			i % 4 == 3 ? "\n" : "");
	fprintf(to, "  rip    %016" PRIx64, s->rip);
	write_name(diag, snapshot_ip(s), to);
	fputc('\n', to);
	write_control("rflags", FLAGS_RFLAGS, s->rflags, to);
	write_control("cr0", FLAGS_CR0, s->paging.cr0, to);
	write_control("cr4", FLAGS_CR4, s->paging.cr4, to);
	write_control("efer", FLAGS_EFER, s->paging.efer, to);
	fprintf(to,
		"  cr2 %016" PRIx64 "  cr3 %016" PRIx64 "  cr8 %" PRIx64 "\n",
		s->cr2, s->paging.cr3, s->cr8);
}

static void write_segments(const struct cpu_snapshot *s, FILE *to)
{
	for (unsigned i = 0; i < SNAPSHOT_SEGMENTS; i++) {
		const struct snapshot_segment *seg = &s->segment[i];

		fprintf(to,
			"  %-3s %04x  base %016" PRIx64 "  limit %08" PRIx32
			"  type %x  dpl %u%s%s%s%s\n",
			snapshot_segment_name(i), seg->selector, seg->base,
			seg->limit, seg->type, seg->dpl,
			seg->present ? "" : "  not present",
			seg->present && seg->system ? "  system" : "",
			seg->l ? "  64-bit" : "", seg->db ? "  32-bit" : "");
	}
	fprintf(to,
		"  gdt       base %016" PRIx64 "  limit %04x\n"
		"  idt       base %016" PRIx64 "  limit %04x\n",
		s->gdt.base, s->gdt.limit, s->idt.base, s->idt.limit);
}

static void write_events(const struct cpu_snapshot *s, FILE *to)
{
	const struct snapshot_events *e = &s->events;

	if (e->exception)
		fprintf(to, "  exception %u (%s) on its way", e->vector,
			flags_exception(e->vector));
	if (e->exception && e->has_error_code)
		fprintf(to, ", error code 0x%" PRIx32, e->error_code);
	if (e->exception)
		fputc('\n', to);
	if (e->nmi)
		fputs("  NMI on its way\n", to);
	if (e->shadow)
		fputs("  interrupts held off by the instruction before\n", to);
}

static void write_line(const struct diag *diag, const struct disasm_line *line,
		       FILE *to)
{
	char name[SYMBOL_TEXT_MAX], bytes[DIAG_BYTES_TEXT];

	symbols_name(diag->symbols, line->address, name);
	diag_bytes(line, bytes);
	fprintf(to, "%s %016" PRIx64 "  %-24s  %-18s  %s",
		line->current ? "->" : "  ", line->address, name, bytes,
		line->text);
	if (line->has_target)
		write_name(diag, line->target, to);
	fputc('\n', to);
}

static void write_code(const struct diag *diag, const struct cpu_snapshot *s,
		       FILE *to)
{
	struct disasm_line lines[DIAG_LINES];
	unsigned n = diag_lines(diag, s, lines);

	fprintf(to, "Instructions, %u-bit:\n", snapshot_bits(s));
	for (unsigned i = 0; i < n; i++)
		write_line(diag, &lines[i], to);
	if (!s->code_after)
		fprintf(to, "-> %016" PRIx64 "  cannot be read\n",
			snapshot_ip(s));
}

/* Words that point into code are what a call leaves on the stack. */
static void write_callers(const struct diag *diag, const struct cpu_snapshot *s,
			  unsigned words, FILE *to)
{
	unsigned word_bytes = snapshot_stack_word(s), found = 0;
	char name[SYMBOL_TEXT_MAX];

	for (unsigned i = 0; i < words; i++) {
		uint64_t word = diag_stack_word(s, i, word_bytes);

		if (!symbols_name(diag->symbols, word, name))
			continue;
		if (!found++)
			fputs("Code addresses in it:\n", to);
		fprintf(to, "  +%02x  %016" PRIx64 "  %s\n", i * word_bytes,
			word, name);
	}
}

static void write_stack(const struct diag *diag, const struct cpu_snapshot *s,
			FILE *to)
{
	unsigned word_bytes = snapshot_stack_word(s);
	unsigned words = s->stack_bytes / word_bytes;

	fprintf(to, "Stack at %016" PRIx64 ":%s\n", snapshot_sp(s),
		words ? "" : " cannot be read");
	for (unsigned i = 0; i < words; i++) {
		if (i % WORDS_PER_LINE == 0)
			fprintf(to, "  +%02x ", i * word_bytes);
		fprintf(to, " %0*" PRIx64, (int)(2 * word_bytes),
			diag_stack_word(s, i, word_bytes));
		if (i % WORDS_PER_LINE == WORDS_PER_LINE - 1 || i + 1 == words)
			fputc('\n', to);
	}
	write_callers(diag, s, words, to);
}

static const char *page_size(uint64_t bytes, char *to, size_t to_size)
{
	static const char units[] = "KMG";
	unsigned unit = 0;

	for (bytes >>= 10; bytes >= 1024; bytes >>= 10)
		unit++;
	snprintf(to, to_size, "%" PRIu64 " %ciB", bytes, units[unit]);
	return to;
}

static void write_walk(const struct cpu_snapshot *s, unsigned what, FILE *to)
{
	const struct walk *w = &s->walk[what];
	char size[32];

	fprintf(to, "Page walk, %s, %016" PRIx64 ": %s",
		snapshot_walk_name(what), w->linear, walk_end_name(w->end));
	if (w->end == WALK_OUTSIDE)
		fprintf(to, " at 0x%" PRIx64, w->gpa);
	if (w->end == WALK_MAPPED)
		fprintf(to, " to 0x%" PRIx64 "%s, page of %s, %s%s%s", w->gpa,
			w->in_memory ? "" : " (not memory)",
			page_size(w->page_bytes, size, sizeof(size)),
			w->user ? "user" : "supervisor",
			w->writable ? ", writable" : "",
			w->executable ? ", executable" : "");
	fputc('\n', to);
	for (unsigned i = 0; i < w->entries; i++) {
		fprintf(to, "  %-5s [%3u] at 0x%09" PRIx64 "  %016" PRIx64,
			walk_level_name(w->entry[i].level), w->entry[i].index,
			w->entry[i].gpa, w->entry[i].value);
		write_flags(FLAGS_PAGE, w->entry[i].value, to);
	}
}

static void write_walks(const struct cpu_snapshot *s, FILE *to)
{
	if (walk_mode(&s->paging) == PAGING_NONE)
		return;
	for (unsigned i = 0; i < SNAPSHOT_WALKS; i++)
		if (i == SNAPSHOT_WALK_CODE ||
		    s->walk[i].linear != s->walk[SNAPSHOT_WALK_CODE].linear)
			write_walk(s, i, to);
}

static void write_account(const struct cpu_snapshot *s, FILE *to)
{
	const struct dis_vcpu_stats *stats = &s->activity.stats;
	char cpu[32], wait[32], left[32];

	fprintf(to,
		"Scheduler: %s of CPU time, %s waited, %s of the slice "
		"left;\n"
		"  %" PRIu64 " dispatches, %" PRIu64 " preemptions, %" PRIu64
		" throttles, %" PRIu64 " blocks, %" PRIu64 " wakes, %" PRIu64
		" exits\n",
		dis_format_duration(stats->cpu_ns, cpu, sizeof(cpu)),
		dis_format_duration(stats->wait_ns, wait, sizeof(wait)),
		dis_format_duration(stats->slice_left_ns, left, sizeof(left)),
		stats->dispatches, stats->preemptions, stats->throttles,
		stats->blocks, stats->wakes, stats->user_exits);
}

void diag_write_text(const struct diag *diag, const char *name,
		     const struct cpu_snapshot *s, FILE *to)
{
	if (s->failed) {
		fprintf(to, "%s vCPU %u: registers cannot be read: %s\n", name,
			s->vcpu, strerror(-s->failed));
		return;
	}
	fprintf(to, "%s vCPU %u: ring %u, %u-bit code, paging %s\n", name,
		s->vcpu, snapshot_place_of(s).ring, snapshot_bits(s),
		walk_mode_name(walk_mode(&s->paging)));
	write_activity(s, to);
	write_registers(diag, s, to);
	write_segments(s, to);
	write_events(s, to);
	write_code(diag, s, to);
	write_stack(diag, s, to);
	write_walks(s, to);
	write_account(s, to);
	fputc('\n', to);
}
