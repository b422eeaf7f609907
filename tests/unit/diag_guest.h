/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A small guest memory with page tables, for tests of the diagnosis.
 *
 * Place in the flow: included by tests/unit/test_walk.c, test_snapshot.c,
 * test_diag.c and tests/fuzz/fuzz_diagnosis.c.
 */
#ifndef TESTS_DIAG_GUEST_H
#define TESTS_DIAG_GUEST_H

#include <stdlib.h>
#include <string.h>

#include "diag/snapshot.h"
#include "diag/x86.h"

#define GUEST_BYTES UINT64_C(0x400000)
/* Tables, one page each. */
#define GUEST_PML5 UINT64_C(0x1000)
#define GUEST_PML4 UINT64_C(0x2000)
#define GUEST_PDPT UINT64_C(0x3000)
#define GUEST_PD UINT64_C(0x4000)
#define GUEST_PT UINT64_C(0x5000)

#define P_PRESENT UINT64_C(0x1)
#define P_WRITE UINT64_C(0x2)
#define P_USER UINT64_C(0x4)
#define P_LARGE UINT64_C(0x80)
#define P_NO_EXEC (UINT64_C(1) << 63)
#define P_RWU (P_PRESENT | P_WRITE | P_USER)

/* Exactly so large, so that a sanitizer sees any byte beside it. */
static inline struct walk_memory diag_guest_new(void)
{
	struct walk_memory mem = {.ram = {calloc(1, GUEST_BYTES), GUEST_BYTES}};

	if (!mem.ram.base)
		abort();
	return mem;
}

static inline void diag_guest_put(const struct walk_memory *mem, uint64_t gpa,
				  const void *data, uint64_t len)
{
	if (guest_mem_write(&mem->ram, gpa, data, len))
		abort();
}

/** Entry @index of the table at @table, of 8 bytes. */
static inline void diag_guest_entry(const struct walk_memory *mem,
				    uint64_t table, unsigned index,
				    uint64_t entry)
{
	diag_guest_put(mem, table + index * 8u, &entry, 8);
}

/** The same of 32-bit paging. */
static inline void diag_guest_entry32(const struct walk_memory *mem,
				      uint64_t table, unsigned index,
				      uint32_t entry)
{
	diag_guest_put(mem, table + index * 4u, &entry, 4);
}

static inline struct paging_regs diag_regs_long(void)
{
	return (struct paging_regs){
		.cr0 = X86_CR0_PE | X86_CR0_PG,
		.cr3 = GUEST_PML4,
		.cr4 = X86_CR4_PAE,
		.efer = X86_EFER_LMA | X86_EFER_NXE,
	};
}

/** Linear address 0x40_0000_0000 + @offset of the tables made below. */
#define GUEST_LINEAR UINT64_C(0x4000000000)

/**
 * 4 levels, all rights: GUEST_LINEAR + 0 .. 2 MiB through one page table, which
 * has no entries yet.
 */
static inline void diag_guest_map(const struct walk_memory *mem)
{
	diag_guest_entry(mem, GUEST_PML5, 0, GUEST_PML4 | P_RWU);
	diag_guest_entry(mem, GUEST_PML4, 0, GUEST_PDPT | P_RWU);
	diag_guest_entry(mem, GUEST_PDPT, 256, GUEST_PD | P_RWU);
	diag_guest_entry(mem, GUEST_PD, 0, GUEST_PT | P_RWU);
}

#endif
