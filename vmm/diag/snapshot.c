/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from registers and memory of a vCPU; see snapshot.h. */
#include "diag/snapshot.h"

#include "diag/x86.h"

#define PAGE_BYTES 4096u

const char *snapshot_gpr_name(unsigned gpr)
{
	static const char *const names[SNAPSHOT_GPRS] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

	return gpr < SNAPSHOT_GPRS ? names[gpr] : "?";
}

const char *snapshot_segment_name(unsigned segment)
{
	static const char *const names[SNAPSHOT_SEGMENTS] = {
		[SNAPSHOT_CS] = "cs",   [SNAPSHOT_DS] = "ds",
		[SNAPSHOT_ES] = "es",   [SNAPSHOT_FS] = "fs",
		[SNAPSHOT_GS] = "gs",   [SNAPSHOT_SS] = "ss",
		[SNAPSHOT_LDT] = "ldt", [SNAPSHOT_TR] = "tr",
	};

	return segment < SNAPSHOT_SEGMENTS ? names[segment] : "?";
}

const char *snapshot_walk_name(unsigned walk)
{
	static const char *const names[SNAPSHOT_WALKS] = {
		[SNAPSHOT_WALK_CODE] = "instruction",
		[SNAPSHOT_WALK_FAULT] = "page fault (cr2)",
		[SNAPSHOT_WALK_STACK] = "stack",
	};

	return walk < SNAPSHOT_WALKS ? names[walk] : "?";
}

static unsigned bits_of(const struct paging_regs *paging,
			const struct snapshot_segment *cs)
{
	if (paging->efer & X86_EFER_LMA && cs->l)
		return 64;
	return cs->db ? 32 : 16;
}

static unsigned ring_of(const struct paging_regs *paging,
			const struct snapshot_segment *cs, uint64_t rflags)
{
	if (!(paging->cr0 & X86_CR0_PE))
		return 0;
	return rflags & X86_RFLAGS_VM ? 3 : cs->selector & 3u;
}

/* In 64-bit code the bases of CS and SS do not count. */
static uint64_t linear(unsigned bits, const struct snapshot_segment *segment,
		       uint64_t offset)
{
	return bits == 64 ? offset : (segment->base + offset) & UINT32_MAX;
}

struct snapshot_place snapshot_place(const struct paging_regs *paging,
				     const struct snapshot_segment *cs,
				     uint64_t rip, uint64_t rflags)
{
	unsigned bits = bits_of(paging, cs);

	return (struct snapshot_place){
		.linear = linear(bits, cs, rip),
		.bits = bits,
		.ring = ring_of(paging, cs, rflags),
	};
}

struct snapshot_place snapshot_place_of(const struct cpu_snapshot *s)
{
	return snapshot_place(&s->paging, &s->segment[SNAPSHOT_CS], s->rip,
			      s->rflags);
}

unsigned snapshot_bits(const struct cpu_snapshot *s)
{
	return snapshot_place_of(s).bits;
}

uint64_t snapshot_ip(const struct cpu_snapshot *s)
{
	return snapshot_place_of(s).linear;
}

unsigned snapshot_stack_word(const struct cpu_snapshot *s)
{
	return snapshot_bits(s) / 8u;
}

uint64_t snapshot_sp(const struct cpu_snapshot *s)
{
	uint64_t offset = s->gpr[SNAPSHOT_RSP];

	if (snapshot_bits(s) != 64 && !s->segment[SNAPSHOT_SS].db)
		offset &= UINT16_MAX;
	return linear(snapshot_bits(s), &s->segment[SNAPSHOT_SS], offset);
}

/* As much as there is before @ip without a gap, at the end of @to. */
static unsigned read_before(const struct cpu_snapshot *s,
			    const struct walk_memory *mem, uint64_t ip,
			    uint8_t to[SNAPSHOT_CODE_BYTES])
{
	unsigned same_page = ip % PAGE_BYTES;
	unsigned want = SNAPSHOT_CODE_BYTES;
	unsigned rest;

	if (same_page > want)
		same_page = want;
	if (walk_read(&s->paging, mem, ip - same_page, to + want - same_page,
		      same_page) < same_page)
		return 0;
	rest = want - same_page;
	/* Nothing lies before address 0. */
	if (rest == 0 || ip < want ||
	    walk_read(&s->paging, mem, ip - want, to, rest) < rest)
		return same_page;
	return want;
}

void snapshot_look(struct cpu_snapshot *s, const struct walk_memory *mem)
{
	const uint64_t address[SNAPSHOT_WALKS] = {
		[SNAPSHOT_WALK_CODE] = snapshot_ip(s),
		[SNAPSHOT_WALK_FAULT] = s->cr2,
		[SNAPSHOT_WALK_STACK] = snapshot_sp(s),
	};

	for (unsigned i = 0; i < SNAPSHOT_WALKS; i++)
		walk_linear(&s->paging, mem, address[i], &s->walk[i]);
	s->code_before =
		read_before(s, mem, address[SNAPSHOT_WALK_CODE], s->code);
	s->code_after = (unsigned)walk_read(&s->paging, mem,
					    address[SNAPSHOT_WALK_CODE],
					    s->code + SNAPSHOT_CODE_BYTES,
					    SNAPSHOT_CODE_BYTES);
	s->stack_bytes = (unsigned)walk_read(&s->paging, mem,
					     address[SNAPSHOT_WALK_STACK],
					     s->stack, sizeof(s->stack));
}
