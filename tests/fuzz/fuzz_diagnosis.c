/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU in any state: the input spoils registers, page tables, code and stack of
 * a good one (offset, value). They are looked at and written in both forms.
 */
#include <stdlib.h>

#include "diag/diag.h"
#include "unit/diag_guest.h"

/* Small, so that walks find what the input has put there. */
#define FUZZ_BYTES 0x6000u
#define CODE_GPA 0x5000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What the input decides of the registers. */
struct state {
	uint64_t rip, rsp, cr2, cr3;
	uint8_t cr0, cr4, efer, segments;
};

struct machine_state {
	struct state state;
	uint8_t mem[FUZZ_BYTES];
};

static void put(struct machine_state *m, uint64_t gpa, uint64_t entry)
{
	memcpy(m->mem + gpa, &entry, sizeof(entry));
}

/* 64-bit code under four levels of tables that map all there is. */
static void make(struct machine_state *m)
{
	static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0,
				       0x0f, 0x0b, 0x5d, 0xc3, 0xe8, 0x00};

	memset(m, 0, sizeof(*m));
	m->state = (struct state){.rip = CODE_GPA + 6,
				  .rsp = CODE_GPA + 0x100,
				  .cr3 = 0x1000,
				  .cr0 = 1,
				  .cr4 = 1,
				  .efer = 3,
				  .segments = 1};
	put(m, 0x1000, 0x2000 | P_RWU);
	put(m, 0x2000, 0x3000 | P_RWU);
	put(m, 0x3000, 0x4000 | P_RWU);
	for (unsigned i = 0; i < FUZZ_BYTES >> 12; i++)
		put(m, 0x4000 + 8 * i, (uint64_t)i << 12 | P_RWU);
	memcpy(m->mem + CODE_GPA, code, sizeof(code));
}

static struct cpu_snapshot snapshot_from(const struct state *state)
{
	struct cpu_snapshot s = {.rip = state->rip, .cr2 = state->cr2};

	s.gpr[SNAPSHOT_RSP] = state->rsp;
	s.paging = (struct paging_regs){
		.cr0 = (state->cr0 & 1u ? X86_CR0_PE : 0) |
		       (state->cr0 & 2u ? 0 : X86_CR0_PG),
		.cr3 = state->cr3,
		.cr4 = (state->cr4 & 1u ? X86_CR4_PAE : 0) |
		       (state->cr4 & 2u ? X86_CR4_LA57 : 0) |
		       (state->cr4 & 4u ? X86_CR4_PSE : 0),
		.efer = (state->efer & 1u ? X86_EFER_LMA : 0) |
			(state->efer & 2u ? X86_EFER_NXE : 0),
	};
	s.segment[SNAPSHOT_CS].l = state->segments & 1u;
	s.segment[SNAPSHOT_CS].db = state->segments & 2u;
	s.segment[SNAPSHOT_CS].base = state->segments & 4u ? 0x1000 : 0;
	s.segment[SNAPSHOT_SS].db = state->segments & 8u;
	return s;
}

static void write_both(const struct cpu_snapshot *s)
{
	static struct diag diag;
	static FILE *null;
	json_t *json;

	if (!null) {
		null = fopen("/dev/null", "w");
		check(null && !disasm_open(&diag.disasm));
	}
	diag_write_text(&diag, "vm0", s, null);
	json = diag_json(&diag, s);
	check(json);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine_state machine;
	/* Exactly so large, so that any byte beside it is seen. */
	struct walk_memory mem = {.ram = {malloc(FUZZ_BYTES), FUZZ_BYTES}};
	struct cpu_snapshot s;

	check(mem.ram.base);
	make(&machine);
	for (; size >= 3; data += 3, size -= 3) {
		size_t at = data[0] | (size_t)data[1] << 8;

		((uint8_t *)&machine)[at % sizeof(machine)] = data[2];
	}
	memcpy(mem.ram.base, machine.mem, FUZZ_BYTES);
	s = snapshot_from(&machine.state);
	snapshot_look(&s, &mem);
	for (unsigned i = 0; i < SNAPSHOT_WALKS; i++)
		check(s.walk[i].entries <= WALK_LEVELS_MAX);
	check(s.code_before <= SNAPSHOT_CODE_BYTES &&
	      s.code_after <= SNAPSHOT_CODE_BYTES &&
	      s.stack_bytes <= SNAPSHOT_STACK_BYTES);
	write_both(&s);
	free(mem.ram.base);
	return 0;
}
