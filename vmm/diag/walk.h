/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Page walks as the guest's MMU would do them, each entry kept for people to
 * see; and reads of guest memory by linear address.
 *
 * Place in the flow: below snapshot.c and kvm/sampling.c. Knows no KVM: registers
 * come in as figures, memory as struct walk_memory.
 *
 * Invariant: tables are the guest's and may say anything. Each entry is copied
 * once, then checked; a walk ends after as many reads as the mode has levels,
 * whatever they point to. Nothing is read outside of the guest's memory.
 * Locking: none; the guest may write meanwhile, and harms its own walk only.
 *
 * Source: SDM vol. 3A, chapter 4.
 */
#ifndef DISVM_DIAG_WALK_H
#define DISVM_DIAG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/guest_mem.h"

#define WALK_LEVELS_MAX 5u

/**
 * What there is to read at guest-physical addresses.
 * @rom: @rom_bytes of firmware, which end at 4 GiB; 0: none.
 */
struct walk_memory {
	struct guest_mem ram;
	const uint8_t *rom;
	uint64_t rom_bytes;
};

/** What decides how linear addresses are translated. */
struct paging_regs {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
};

/** SDM vol. 3A, 4.1.1; the value is the number of levels. */
enum paging_mode {
	PAGING_NONE = 0,
	PAGING_32BIT = 2,
	PAGING_PAE = 3,
	PAGING_4LEVEL = 4,
	PAGING_5LEVEL = 5,
};

enum walk_end {
	WALK_MAPPED,
	WALK_UNPAGED,       /**< paging is off: the address is physical */
	WALK_NOT_PRESENT,   /**< the last entry's bit 0 is clear */
	WALK_RESERVED,      /**< the last entry has a reserved bit set */
	WALK_OUTSIDE,       /**< the table of the next level is nowhere */
	WALK_NON_CANONICAL, /**< the MMU does not even look */
	WALK_ENDS,
};

/**
 * @level: 5 PML5 .. 1 page table; in PAE mode 3 is the pointer table.
 * @gpa:   of the entry.
 */
struct walk_entry {
	uint64_t gpa;
	uint64_t value;
	uint16_t index;
	uint8_t level;
};

/**
 * @entry: the @entries that were read, from the top.
 * @gpa:   MAPPED, UNPAGED: where it leads; @in_memory: there is some.
 *         OUTSIDE: of the entry that could not be read.
 * @page_bytes: MAPPED: size of the page.
 * @writable, @user, @executable: MAPPED: by the entries alone (R/W, U/S, XD).
 */
struct walk {
	uint64_t linear;
	uint64_t gpa;
	uint64_t page_bytes;
	enum walk_end end;
	bool in_memory;
	bool writable;
	bool user;
	bool executable;
	unsigned entries;
	struct walk_entry entry[WALK_LEVELS_MAX];
};

enum paging_mode walk_mode(const struct paging_regs *regs);

/** "4-level" and the like. */
const char *walk_mode_name(enum paging_mode mode);

/** "PML4E" and the like: name of an entry of @level. */
const char *walk_level_name(unsigned level);

/** What an end means, in words. */
const char *walk_end_name(enum walk_end end);

/** Walks @linear. Outside long mode only its low 32 bits count. */
void walk_linear(const struct paging_regs *regs, const struct walk_memory *mem,
		 uint64_t linear, struct walk *out);

/**
 * walk_read - copy guest memory by linear address.
 * Return: bytes copied from the start on, up to the first that is not there.
 */
size_t walk_read(const struct paging_regs *regs, const struct walk_memory *mem,
		 uint64_t linear, void *buf, size_t len);

#endif
