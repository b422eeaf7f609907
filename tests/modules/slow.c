/* SPDX-License-Identifier: Apache-2.0 */
/* Each pick takes too long. */
#include <time.h>

#include "modules/faulty.h"

FAULTY_OBJECT(slow, FAULTY_SLOW);
