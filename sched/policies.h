/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The policies that are part of this build (R: DIS-11).
 *
 * Place in the flow: each is one file, policy_NAME.c; policies.c puts them into
 * the table of <dis/policy.h>. A new one is one file, one line here, one row
 * there.
 */
#ifndef DIS_POLICIES_H
#define DIS_POLICIES_H

#include <dis/policy.h>

#define DIS_POLICY_ALL_CLASSES ((1u << DIS_CLASSES) - 1)

/**
 * Under `priority`, one level of priority is worth this much waiting. The whole
 * range of 255 levels is then about one second: the least urgent overtakes the
 * most urgent newcomers within it.
 */
#define DIS_PRIORITY_AGING_STEP_NS (4 * DIS_MS_NS)

extern const struct dis_policy_ops dis_policy_rr;
extern const struct dis_policy_ops dis_policy_priority;
extern const struct dis_policy_ops dis_policy_edf;
extern const struct dis_policy_ops dis_policy_fair;

#endif
