/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bits of registers by their names in the manuals (SDM vol. 1, 3.4.3; vol. 3A,
 * 2.5, 4.1 and 6.3).
 */
#ifndef DISVM_DIAG_FLAGS_H
#define DISVM_DIAG_FLAGS_H

#include <stddef.h>
#include <stdint.h>

enum flags_of {
	FLAGS_RFLAGS,
	FLAGS_CR0,
	FLAGS_CR4,
	FLAGS_EFER,
	FLAGS_PAGE, /**< an entry of a page table */
	FLAGS_REGISTERS,
};

/** "PG WP PE": names of the bits that are set, highest first. Return: @to. */
const char *flags_text(enum flags_of what, uint64_t value, char *to,
		       size_t to_size);

/** "#PF" and the like; "?" for a vector without a name. */
const char *flags_exception(unsigned vector);

#endif
