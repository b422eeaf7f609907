/* SPDX-License-Identifier: Apache-2.0 */
/* Page walks; see walk.h. */
#include "diag/walk.h"

#include "diag/x86.h"

#define PAGE_BYTES UINT64_C(4096)
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000) /* 51:12 */

/* Bits of an entry. */
#define PTE_PRESENT UINT64_C(0x1)
#define PTE_WRITE UINT64_C(0x2)
#define PTE_USER UINT64_C(0x4)
#define PTE_PAGE_SIZE UINT64_C(0x80)
#define PTE_NO_EXEC (UINT64_C(1) << 63)
/* Reserved in a PDPTE of PAE mode (SDM vol. 3A, 4.4.1), besides high bits. */
#define PAE_PDPTE_RESERVED UINT64_C(0x1e6)
#define PAE_HIGH_RESERVED UINT64_C(0x7ff0000000000000)

enum paging_mode walk_mode(const struct paging_regs *regs)
{
	if (!(regs->cr0 & X86_CR0_PG))
		return PAGING_NONE;
	if (regs->efer & X86_EFER_LMA)
		return regs->cr4 & X86_CR4_LA57 ? PAGING_5LEVEL : PAGING_4LEVEL;
	return regs->cr4 & X86_CR4_PAE ? PAGING_PAE : PAGING_32BIT;
}

const char *walk_mode_name(enum paging_mode mode)
{
	switch (mode) {
	case PAGING_NONE:
		return "off";
	case PAGING_32BIT:
		return "32-bit";
	case PAGING_PAE:
		return "PAE";
	case PAGING_4LEVEL:
		return "4-level";
	case PAGING_5LEVEL:
		return "5-level";
	}
	return "?";
}

const char *walk_level_name(unsigned level)
{
	static const char *const names[WALK_LEVELS_MAX + 1u] = {
		"?", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};

	return names[level <= WALK_LEVELS_MAX ? level : 0];
}

const char *walk_end_name(enum walk_end end)
{
	static const char *const names[WALK_ENDS] = {
		[WALK_MAPPED] = "mapped",
		[WALK_UNPAGED] = "paging is off",
		[WALK_NOT_PRESENT] = "not present",
		[WALK_RESERVED] = "reserved bit set",
		[WALK_OUTSIDE] = "table outside memory",
		[WALK_NON_CANONICAL] = "not canonical",
	};

	return (unsigned)end < WALK_ENDS ? names[end] : "?";
}

/* What differs between the modes. */
struct geometry {
	enum paging_mode mode;
	unsigned entry_bytes;
	unsigned index_bits;
	bool no_exec; /* bit 63 means that, and is not reserved */
	bool large_4m;
};

static struct geometry geometry_of(const struct paging_regs *regs)
{
	enum paging_mode mode = walk_mode(regs);

	return (struct geometry){
		.mode = mode,
		.entry_bytes = mode == PAGING_32BIT ? 4 : 8,
		.index_bits = mode == PAGING_32BIT ? 10 : 9,
		.no_exec = regs->efer & X86_EFER_NXE,
		.large_4m = regs->cr4 & X86_CR4_PSE,
	};
}

static bool is_canonical(enum paging_mode mode, uint64_t linear)
{
	unsigned bits = mode == PAGING_5LEVEL ? 57 : 48;
	uint64_t high = linear >> (bits - 1u);

	return mode < PAGING_4LEVEL || high == 0 ||
	       high == UINT64_MAX >> (bits - 1u);
}

static uint64_t top_table(enum paging_mode mode, uint64_t cr3)
{
	switch (mode) {
	case PAGING_32BIT:
		return cr3 & 0xfffff000u;
	case PAGING_PAE:
		return cr3 & 0xffffffe0u;
	default:
		return cr3 & ADDRESS_BITS;
	}
}

/* Bytes that an entry of @level spans. */
static uint64_t span_of(const struct geometry *g, unsigned level)
{
	return PAGE_BYTES << (level - 1u) * g->index_bits;
}

static bool is_page(const struct geometry *g, unsigned level, uint64_t entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PAGE_SIZE))
		return false;
	if (g->mode == PAGING_32BIT)
		return g->large_4m;
	return level == 2 || (level == 3 && g->mode != PAGING_PAE);
}

static bool is_reserved(const struct geometry *g, unsigned level, uint64_t entry)
{
	if (g->mode == PAGING_32BIT)
		/* PSE-36: 20:13 are address bits, 21 is left. */
		return level == 2 && is_page(g, level, entry) &&
		       entry & 0x200000u;
	if (entry & PTE_NO_EXEC && !g->no_exec)
		return true;
	if (g->mode == PAGING_PAE && level == 3)
		return entry &
		       (PAE_PDPTE_RESERVED | PAE_HIGH_RESERVED | PTE_NO_EXEC);
	if (g->mode == PAGING_PAE && entry & PAE_HIGH_RESERVED)
		return true;
	if (level >= 4)
		return entry & PTE_PAGE_SIZE;
	/* A large page's address is aligned, but for the PAT bit 12. */
	return level > 1 && is_page(g, level, entry) &&
	       entry & (span_of(g, level) - 1u) & ~UINT64_C(0x1fff);
}

/* Base of the page or table that an entry points to. */
static uint64_t target_of(const struct geometry *g, unsigned level,
			  uint64_t entry)
{
	if (level == 1 || !is_page(g, level, entry))
		return entry & ADDRESS_BITS;
	if (g->mode == PAGING_32BIT)
		return (entry & 0xffc00000u) | (entry & 0x1fe000u) << 19;
	return entry & ADDRESS_BITS & ~(span_of(g, level) - 1u);
}

/* PDPTEs of PAE mode have no rights, and give all. */
static void restrict_to(const struct geometry *g, const struct walk_entry *e,
			struct walk *walk)
{
	if (g->mode == PAGING_PAE && e->level == 3)
		return;
	walk->writable &= !!(e->value & PTE_WRITE);
	walk->user &= !!(e->value & PTE_USER);
	walk->executable &= !(e->value & PTE_NO_EXEC);
}

/* NULL if any byte of the range is neither RAM nor ROM. */
static const void *find(const struct walk_memory *mem, uint64_t gpa,
			uint64_t len)
{
	uint64_t rom_gpa = GUEST_MEM_HIGH_GPA - mem->rom_bytes;

	if (mem->rom_bytes && gpa >= rom_gpa && gpa <= GUEST_MEM_HIGH_GPA &&
	    len <= GUEST_MEM_HIGH_GPA - gpa)
		return mem->rom + (gpa - rom_gpa);
	return guest_mem_ptr(&mem->ram, gpa, len);
}

/* As the MMU does it, in one piece. Return: false if @e is nowhere. */
static bool read_entry(const struct geometry *g, const struct walk_memory *mem,
		       struct walk_entry *e)
{
	const void *at = find(mem, e->gpa, g->entry_bytes);

	if (!at)
		return false;
	if (g->entry_bytes == sizeof(uint32_t))
		e->value =
			__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	else
		e->value =
			__atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	return true;
}

/* Others may write it meanwhile, in words or bytes. Return: is it there? */
static bool copy(const struct walk_memory *mem, uint64_t gpa, uint8_t *to,
		 size_t len)
{
	const uint8_t *from = find(mem, gpa, len);

	for (size_t i = 0; from && i < len; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	return from;
}

static void descend(const struct geometry *g, const struct walk_memory *mem,
		    uint64_t table, struct walk *walk)
{
	for (unsigned level = g->mode;; level--) {
		struct walk_entry *e = &walk->entry[walk->entries];
		uint64_t index = walk->linear / span_of(g, level) &
				 ((UINT64_C(1) << g->index_bits) - 1u);

		*e = (struct walk_entry){
			.gpa = table + index * g->entry_bytes,
			.index = (uint16_t)index,
			.level = (uint8_t)level,
		};
		if (!read_entry(g, mem, e)) {
			walk->gpa = e->gpa;
			walk->end = WALK_OUTSIDE;
			return;
		}
		walk->entries++;
		if (!(e->value & PTE_PRESENT)) {
			walk->end = WALK_NOT_PRESENT;
			return;
		}
		if (is_reserved(g, level, e->value)) {
			walk->end = WALK_RESERVED;
			return;
		}
		restrict_to(g, e, walk);
		table = target_of(g, level, e->value);
		if (!is_page(g, level, e->value))
			continue;
		walk->page_bytes = span_of(g, level);
		walk->gpa = table | (walk->linear & (walk->page_bytes - 1u));
		walk->in_memory = find(mem, walk->gpa, 1);
		walk->end = WALK_MAPPED;
		return;
	}
}

void walk_linear(const struct paging_regs *regs, const struct walk_memory *mem,
		 uint64_t linear, struct walk *out)
{
	const struct geometry g = geometry_of(regs);

	if (!(regs->efer & X86_EFER_LMA))
		linear &= UINT32_MAX;
	*out = (struct walk){.linear = linear};
	if (g.mode == PAGING_NONE) {
		out->end = WALK_UNPAGED;
		out->gpa = linear;
		out->in_memory = find(mem, linear, 1);
		return;
	}
	if (!is_canonical(g.mode, linear)) {
		out->end = WALK_NON_CANONICAL;
		return;
	}
	out->writable = out->user = out->executable = true;
	descend(&g, mem, top_table(g.mode, regs->cr3), out);
}

size_t walk_read(const struct paging_regs *regs, const struct walk_memory *mem,
		 uint64_t linear, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uint64_t at = linear + done;
		size_t chunk = PAGE_BYTES - (at & (PAGE_BYTES - 1u));
		struct walk walk;

		walk_linear(regs, mem, at, &walk);
		if (chunk > len - done)
			chunk = len - done;
		if (at < linear || walk.end > WALK_UNPAGED ||
		    !copy(mem, walk.gpa, (uint8_t *)buf + done, chunk))
			break;
		done += chunk;
	}
	return done;
}
