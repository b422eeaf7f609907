/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The errors of the scheduler (R: DIS-4), as negative errno values.
 *
 * A function of DIS returns 0 or one of these, negated.
 */
#ifndef DIS_ERROR_H
#define DIS_ERROR_H

#include <errno.h>

#define DIS_ENOTFOUND ENOENT         /**< no such VM or vCPU, or a stale ID */
#define DIS_EEXISTS EEXIST           /**< there is one already */
#define DIS_ESTATE EBADFD            /**< not possible in its present state */
#define DIS_EINTENT EINVAL           /**< the intent is invalid */
#define DIS_EDEADLINE ETIME          /**< the deadline was missed */
#define DIS_ENOCPU ENODEV            /**< no allowed CPU in the pool */
#define DIS_EQUEUEFULL ENOBUFS       /**< the queue is full */
#define DIS_ERESOURCE ENOMEM         /**< slab or memory limit reached */
#define DIS_EPERMISSION EPERM        /**< the caller lacks the authority */
#define DIS_ENOTSUPPORTED EOPNOTSUPP /**< this host or build cannot */

/** Message for @err (either sign); strerror's for codes not listed above. */
const char *dis_strerror(int err);

#endif
