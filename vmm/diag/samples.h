/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where a vCPU was found running, counted per instruction (R: CARD-7, EVO-A2).
 *
 * Place in the flow: kvm/sampling.c adds a sample when KVM_RUN came back because
 * of a signal; profile.c reads the tables when the VM has ended, or copies of them.
 *
 * Invariant: of fixed size. @total is exact: the counts in the table and
 * @dropped add up to it. An address that finds no room takes that of the one
 * with the lowest count among SAMPLES_WAYS, whose samples go to @dropped; so
 * what is hot stays.
 * Locking: the owner of the vCPU.
 */
#ifndef DISVM_DIAG_SAMPLES_H
#define DISVM_DIAG_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include <dis/types.h>

#include "diag/x86.h"

/** How often a core that runs a guest takes a sample. */
#define SAMPLES_PERIOD_NS DIS_MS_NS

#define SAMPLES_SETS 128u
#define SAMPLES_WAYS 8u

/**
 * @address: linear, of the next instruction; @bits: how it is decoded.
 * @bytes:   the first @n_bytes there when it was first seen.
 * @user:    ring 3.
 * @count:   0: a free entry.
 */
struct sample {
	uint64_t address;
	uint32_t count;
	uint8_t bits;
	bool user;
	uint8_t n_bytes;
	uint8_t bytes[X86_INSTRUCTION_MAX];
};

struct samples {
	uint64_t total;
	uint64_t dropped;
	struct sample set[SAMPLES_SETS][SAMPLES_WAYS];
};

/**
 * samples_add - count one sample at @address.
 * Return: the entry if it is new, for its bytes to be filled in; else NULL.
 */
struct sample *samples_add(struct samples *samples, uint64_t address,
			   unsigned bits, bool user);

#endif
