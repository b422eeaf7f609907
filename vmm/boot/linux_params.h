/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Linux's 64-bit boot protocol: the page of boot parameters, and the page tables
 * and segments that a kernel is entered with.
 *
 * Place in the flow: one row of boot.c's table of protocols.
 *
 * Invariant: the head holds the parameters first, then page tables that map the
 * first 4 GiB one to one, then the GDT.
 * Locking: none.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst ("64-bit Boot Protocol"),
 * zero-page.rst; SDM vol. 3A, 4.5.
 */
#ifndef DISVM_BOOT_LINUX_PARAMS_H
#define DISVM_BOOT_LINUX_PARAMS_H

#include "boot/handover.h"

extern const struct handover_ops linux_handover_ops;

#endif
