/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Multiboot 1: what the kernel is told at its entry.
 *
 * Place in the flow: one row of boot.c's table of protocols.
 *
 * Invariant: the head holds the information structure, modules, memory map and
 * strings; the information structure comes first.
 * Locking: none.
 *
 * Source: Multiboot Specification 0.6.96, sections 3.2 and 3.3.
 */
#ifndef DISVM_BOOT_MULTIBOOT_INFO_H
#define DISVM_BOOT_MULTIBOOT_INFO_H

#include "boot/handover.h"

extern const struct handover_ops multiboot_handover_ops;

#endif
