/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HANDLER_CODE marks functions that run inside the executors' signal handler:
 * dis_run_ops.run_interrupt and what it calls.
 */
#ifndef DIS_HANDLER_CODE_H
#define DIS_HANDLER_CODE_H

#if defined(__clang__)
#define HANDLER_CODE __attribute__((disable_sanitizer_instrumentation))
#else
#define HANDLER_CODE __attribute__((no_sanitize("thread", "address")))
#endif

#endif
