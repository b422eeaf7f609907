/* SPDX-License-Identifier: Apache-2.0 */
/* Picks an entity of its own. */
#include <time.h>

#include "modules/faulty.h"

FAULTY_OBJECT(foreign, FAULTY_FOREIGN);
