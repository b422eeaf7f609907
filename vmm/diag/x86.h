/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bits of x86 registers that diagnosis looks at (SDM vol. 1, 3.4.3; vol. 3A,
 * 2.5 and 2.2.1).
 */
#ifndef DISVM_DIAG_X86_H
#define DISVM_DIAG_X86_H

#include <stdint.h>

#define X86_CR0_PE UINT64_C(0x1)
#define X86_CR0_PG (UINT64_C(1) << 31)
#define X86_CR4_PSE UINT64_C(0x10)
#define X86_CR4_PAE UINT64_C(0x20)
#define X86_CR4_LA57 (UINT64_C(1) << 12)
#define X86_EFER_LMA (UINT64_C(1) << 10)
#define X86_EFER_NXE (UINT64_C(1) << 11)
#define X86_RFLAGS_IF UINT64_C(0x200)
#define X86_RFLAGS_VM (UINT64_C(1) << 17)

/* An instruction is at most so long (SDM vol. 2A, 2.3.11). */
#define X86_INSTRUCTION_MAX 15u

#endif
