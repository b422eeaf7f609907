/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets one that is queued. */
#include <time.h>

#include "modules/faulty.h"

FAULTY_OBJECT(loses, FAULTY_LOSES);
