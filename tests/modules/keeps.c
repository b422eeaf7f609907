/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps all rules. */
#include <time.h>

#include "modules/faulty.h"

FAULTY_OBJECT(keeps, FAULTY_NOT);
