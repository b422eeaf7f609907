/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `disvm run --dump-dtb`: the guests' device tree in a file, and no guests.
 *
 * Place in the flow: run.c calls it once the kind of guest is known.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_RUN_DUMP_H
#define DISVM_RUN_DUMP_H

#include "cli/run_session.h"

/** Return: an exit status (cli.h), with its line if it is not CLI_DONE. */
int run_dump_dtb(const struct run_session *session);

#endif
