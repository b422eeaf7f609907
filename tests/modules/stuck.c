/* SPDX-License-Identifier: Apache-2.0 */
/* A pick that never returns. */
#include <time.h>

#include "modules/faulty.h"

FAULTY_OBJECT(stuck, FAULTY_STUCK);
