/* SPDX-License-Identifier: Apache-2.0 */
/**
 * PVH: hvm_start_info version 1.
 *
 * Place in the flow: one row of boot.c's table of protocols.
 *
 * Invariant: the head holds start info, module list, memory map and the names
 * of the modules; the start info comes first.
 * Locking: none.
 *
 * Source: Xen, docs/misc/pvh.pandoc ("x86/HVM direct boot ABI") and public
 * header arch-x86/hvm/start_info.h.
 */
#ifndef DISVM_BOOT_PVH_H
#define DISVM_BOOT_PVH_H

#include "boot/handover.h"

extern const struct handover_ops pvh_handover_ops;

#endif
