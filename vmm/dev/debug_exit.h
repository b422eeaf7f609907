/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Debug-exit port: a write of 8, 16 or 32 bits ends the guest; 0 is done, any
 * other value its exit code (R: CARD-9). The same image ends QEMU with its
 * isa-debug-exit device.
 *
 * Place in the flow: a row of the VM's bus. No state, no lock; the device
 * argument is not used. Reads give all ones.
 */
#ifndef DISVM_DEBUG_EXIT_H
#define DISVM_DEBUG_EXIT_H

#include "bus.h"

extern const struct io_dev_ops debug_exit_ops;

/** Ports of the range at DISVM_DEBUG_EXIT_PORT. */
#define DEBUG_EXIT_PORTS 1u

#endif
