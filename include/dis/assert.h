/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DIS_ASSERT: our own bugs only, never input. No side effects; stays on in
 * every build.
 */
#ifndef DIS_ASSERT_H
#define DIS_ASSERT_H

/** Prints @expr with its place and aborts. */
_Noreturn void dis_assert_fail(const char *expr, const char *file, int line);

#define DIS_ASSERT(expr) \
	((expr) ? (void)0 : dis_assert_fail(#expr, __FILE__, __LINE__))

#endif
