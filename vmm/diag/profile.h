/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The profile of a VM: its vCPUs' samples in one list, the hottest first, and
 * what is said of them (R: CARD-7).
 *
 * Place in the flow: made and written with the report, after the VM has ended, or
 * of what its vCPUs have so far when somebody asks.
 * Locking: the main thread only.
 */
#ifndef DISVM_DIAG_PROFILE_H
#define DISVM_DIAG_PROFILE_H

#include "diag/diag.h"
#include "diag/samples.h"

/** Instructions that are kept, and those of the text. */
#define PROFILE_LINES_MAX 64u
#define PROFILE_TEXT_LINES 16u

/**
 * @total:   samples; @dropped: those of them whose address was given up.
 * @hottest: @count of them, by falling number of samples.
 */
struct profile {
	uint64_t total;
	uint64_t dropped;
	unsigned count;
	struct sample hottest[PROFILE_LINES_MAX];
};

/**
 * profile_make - from the tables of a VM's vCPUs.
 * Return: 0 or -ENOMEM.
 */
int profile_make(const struct samples *const *tables, unsigned n,
		 struct profile *out);

/** Lines for people; @name: of the VM, fit to be printed. */
void profile_write_text(const struct diag *diag, const char *name,
			const struct profile *profile, FILE *to);

/** NULL: no memory. */
json_t *profile_json(const struct diag *diag, const struct profile *profile);

#endif
